//! The allow-list: every fact Joinery keeps of a worker, with its kind.
//!
//! What is not here (government ids, pay, birth date, bank, gender, photo, home address, free text) is dropped by the
//! adapters before anything is stored. Personal e-mail and mobile are kept for hand-over only and masked wherever printed.

use std::borrow::Borrow;

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// Text that is masked wherever it is printed.
    Masked,
    /// Yes or no.
    Bool,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339.
    Instant,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// An ISO 3166-1 alpha-2 country code.
    Country,
    /// An IANA time zone.
    Zone,
}

use FieldKind::{Bool, Country, Date, Instant, Masked, Number, Text, Texts, Word, Zone};

/// Every fact that is kept: its path in the canonical event and what it may hold. Sorted by path.
pub const FIELDS: &[(&str, FieldKind)] = &[
    ("contact.personal_email", Masked),
    ("contact.personal_mobile", Masked),
    ("contact.proposed_user_name", Text),
    ("contact.work_email", Text),
    ("contact.work_mobile", Text),
    ("contact.work_phone", Text),
    ("employment.contract_end_date", Date),
    ("employment.end_date", Date),
    ("employment.first_day_of_work", Date),
    ("employment.fte", Number),
    ("employment.full_time", Bool),
    ("employment.hire_date", Date),
    ("employment.is_rehire", Bool),
    ("employment.last_working_day", Date),
    ("employment.original_hire_date", Date),
    ("employment.previous_employment_ids", Texts),
    ("employment.previous_person_ids", Texts),
    ("employment.probation_end_date", Date),
    ("employment.source_status", Text),
    ("employment.source_type", Text),
    (
        "employment.status",
        Word(&["pre_hire", "active", "on_leave", "suspended", "terminated", "retired", "deceased", "unknown"]),
    ),
    (
        "employment.type",
        Word(&[
            "employee",
            "contractor",
            "contingent",
            "intern",
            "temporary",
            "seasonal",
            "external",
            "visitor",
            "other",
        ]),
    ),
    ("employment.worker_is_manager", Bool),
    ("home_country", Country),
    ("leave.actual_end_date", Date),
    ("leave.expected_end_date", Date),
    ("leave.first_day_back", Date),
    ("leave.keep_access", Bool),
    ("leave.start_date", Date),
    ("leave.type", Text),
    ("locale.preferred_language", Text),
    ("locale.usage_location", Country),
    ("location.city", Text),
    ("location.country", Country),
    ("location.name", Text),
    ("location.postal_code", Text),
    ("location.region", Text),
    ("location.remote", Bool),
    ("location.site_id", Text),
    ("location.street", Text),
    ("location.time_zone", Zone),
    ("name.legal.family", Text),
    ("name.legal.family2", Text),
    ("name.legal.formatted", Text),
    ("name.legal.given", Text),
    ("name.legal.middle", Text),
    ("name.legal.prefix", Text),
    ("name.legal.suffix", Text),
    ("name.preferred.family", Text),
    ("name.preferred.formatted", Text),
    ("name.preferred.given", Text),
    ("name.preferred.middle", Text),
    ("name.previous.family", Text),
    ("name.previous.formatted", Text),
    ("name.previous.given", Text),
    ("org.business_unit.id", Text),
    ("org.business_unit.name", Text),
    ("org.company.id", Text),
    ("org.company.name", Text),
    ("org.department.id", Text),
    ("org.department.name", Text),
    ("org.division.id", Text),
    ("org.division.name", Text),
    ("org.job.code", Text),
    ("org.job.family", Text),
    ("org.job.grade", Text),
    ("org.job.title", Text),
    ("org.legal_entity.id", Text),
    ("org.legal_entity.name", Text),
    ("org.manager.display_name", Text),
    ("org.manager.employee_number", Text),
    ("org.manager.source_person_id", Text),
    ("org.manager.work_email", Text),
    ("org.position_id", Text),
    ("org.team.id", Text),
    ("org.team.name", Text),
    ("termination.access_end_at", Instant),
    ("termination.cancelled", Bool),
    ("termination.eligible_for_rehire", Bool),
    ("termination.garden_leave_start", Date),
    ("termination.immediate", Bool),
    (
        "termination.kind",
        Word(&[
            "voluntary",
            "involuntary",
            "end_of_contract",
            "retirement",
            "death",
            "no_show",
            "conversion",
            "unknown",
        ]),
    ),
    ("termination.last_employed_day", Date),
    ("termination.last_working_day", Date),
    ("termination.notice_date", Date),
    ("termination.reason_code", Text),
];

/// One path of [`FIELDS`]. Cheap to copy and to compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(&'static str);

impl Field {
    /// The field of this path, if the allow-list holds it.
    pub fn of(path: &str) -> Option<Self> {
        let at = FIELDS.binary_search_by(|(known, _)| (*known).cmp(path)).ok()?;
        FIELDS.get(at).map(|(known, _)| Self(known))
    }

    /// The path, such as `employment.hire_date`.
    pub fn path(self) -> &'static str {
        self.0
    }

    /// What the field may hold.
    pub fn kind(self) -> FieldKind {
        let at = FIELDS.binary_search_by(|(known, _)| (*known).cmp(self.0));
        at.ok().and_then(|at| FIELDS.get(at)).map_or(Text, |(_, kind)| *kind)
    }
}

impl Borrow<str> for Field {
    /// So that a map keyed by field can be asked by path.
    fn borrow(&self) -> &str {
        self.0
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allow_list_is_sorted_so_that_it_can_be_searched() {
        assert!(FIELDS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn a_forbidden_key_is_no_field() {
        for path in ["name.birth_date", "employment.salary", "contact.home_address", "location", ""] {
            assert_eq!(Field::of(path), None, "{path}");
        }
        assert_eq!(Field::of("org.job.title").map(Field::kind), Some(Text));
    }
}
