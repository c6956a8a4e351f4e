//! Who goes on when: a schedule as text, so that one that failed can be written down and lived through again.

use std::fmt;
use std::str::FromStr;

/// One of the two who race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worker {
    A,
    B,
}

/// A stretch of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// A worker does so many deeds: `a7`.
    Deeds(Worker, usize),
    /// A worker goes on to its end: `a.`
    Rest(Worker),
    /// A worker dies where it stands; a call under way is lost: `a!`
    Death(Worker),
    /// So many seconds pass, in which whoever is not a part of the race works: `+40`.
    Pause(i64),
}

/// Stretches, one after the other. Whoever has not come to an end goes on to it afterwards, A first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule(pub(crate) Vec<Stretch>);

impl Worker {
    pub(crate) fn other(self) -> Self {
        if self == Self::A { Self::B } else { Self::A }
    }

    pub(crate) fn letter(self) -> char {
        if self == Self::A { 'a' } else { 'b' }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, stretch) in self.0.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            match stretch {
                Stretch::Deeds(worker, deeds) => write!(f, "{gap}{}{deeds}", worker.letter())?,
                Stretch::Rest(worker) => write!(f, "{gap}{}.", worker.letter())?,
                Stretch::Death(worker) => write!(f, "{gap}{}!", worker.letter())?,
                Stretch::Pause(seconds) => write!(f, "{gap}+{seconds}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stretch = |word: &str| {
            let (first, rest) = word.split_at_checked(1)?;
            let worker = match first {
                "a" => Worker::A,
                "b" => Worker::B,
                "+" => return rest.parse().ok().map(Stretch::Pause),
                _ => return None,
            };
            match rest {
                "." => Some(Stretch::Rest(worker)),
                "!" => Some(Stretch::Death(worker)),
                deeds => deeds.parse().ok().map(|deeds| Stretch::Deeds(worker, deeds)),
            }
        };
        let words = text.split_whitespace();
        words
            .map(|word| stretch(word).ok_or_else(|| format!("`{word}` is no stretch")))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[test]
fn a_schedule_is_read_back_as_it_is_written() {
    let text = "a7 b12 +40 a1 a! b.";
    assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    for wrong in ["c1", "a", "ax", "+", "7"] {
        assert!(wrong.parse::<Schedule>().is_err(), "{wrong}");
    }
}
