//! Instants and durations as rules and Graph write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::choices::LongDurations;

/// Microseconds of one day.
const DAY: i64 = 86_400_000_000;

/// The instant, in microseconds since 1970: RFC 3339, without an offset (UTC), or a day alone (its midnight, UTC).
pub(crate) fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_microsecond());
    }
    // A zone in brackets is jiff's, not ISO's.
    if text.contains('[') {
        return None;
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// The instant as a [`Timestamp`], if it is one that can be.
pub(crate) fn timestamp(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// Why a text is no duration that can be added to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoDuration {
    /// It is not ISO 8601.
    Malformed,
    /// It has years or months, and they are refused.
    Calendar,
    /// It leads beyond the years that can be counted.
    TooLong,
}

/// The ISO 8601 duration in microseconds.
pub(crate) fn duration(text: &str, long: LongDurations) -> Result<i64, NoDuration> {
    let upper = text.to_ascii_uppercase();
    if !upper.starts_with('P') {
        return Err(NoDuration::Malformed);
    }
    let span: Span = upper.parse().map_err(|_| NoDuration::Malformed)?;
    let (years, months) = (span.get_years(), span.get_months());
    if (years, months) != (0, 0) && long == LongDurations::Refused {
        return Err(NoDuration::Calendar);
    }
    let long = i64::from(years) * 365 + i64::from(months) * 30;
    let rest = span.try_years(0).and_then(|span| span.try_months(0)).map_err(|_| NoDuration::TooLong)?;
    let rest = rest.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| NoDuration::TooLong)?;
    let micros = i128::from(long) * i128::from(DAY) + rest.as_micros();
    i64::try_from(micros).ok().filter(|micros| micros.abs() <= SPAN_MAX).ok_or(NoDuration::TooLong)
}

/// About the ten thousand years that dates have, so that sums stay far from overflow.
const SPAN_MAX: i64 = 10_000 * 366 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_graph_and_people_write_them() {
        let midnight = 1_591_747_200_000_000;
        for (text, micros) in [
            ("2020-06-10T00:00:00Z", midnight),
            ("2020-06-10t02:00:00+02:00", midnight),
            ("2020-06-10T00:00:00.000001Z", midnight + 1),
            ("2020-06-10T00:00:00", midnight),
            ("2020-06-10 00:00", midnight),
            ("2020-06-10", midnight),
        ] {
            assert_eq!(instant(text), Some(micros), "{text}");
        }
        for text in ["", "2020", "2020-13-01", "Sales", "2020-06-10T00:00:00[Europe/Oslo]", "10.06.2020", "-2020-06-10"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_iso_8601_of_fixed_length() {
        for (text, days) in
            [("P1D", 1), ("p1d", 1), ("P2W", 14), ("P1M", 30), ("P1Y2M", 425), ("PT24H", 1), ("P1DT24H", 2)]
        {
            assert_eq!(duration(text, LongDurations::Fixed), Ok(days * DAY), "{text}");
        }
        assert_eq!(duration("P7DT3H", LongDurations::Refused), Ok(7 * DAY + DAY / 8));
        assert_eq!(duration("PT1.5S", LongDurations::Fixed), Ok(1_500_000));
        assert_eq!(duration("P1M", LongDurations::Refused), Err(NoDuration::Calendar));
        assert_eq!(duration("P19000Y", LongDurations::Fixed), Err(NoDuration::TooLong));
        for text in ["", "P", "1D", "P1", "-P1D", "PT", "P1D ", "one day", "P1H"] {
            assert_eq!(duration(text, LongDurations::Fixed), Err(NoDuration::Malformed), "{text}");
        }
    }
}
