//! From one employee's JSON to the canonical event.

use bytes::Bytes;
use domain::event::{Auth, Effective, EventKind, EventSource, Version, Worker, WorkerEvent};
use domain::ids::{EventId, hex_sha256};
use domain::policy::Source;
use jiff::Timestamp;
use serde_json::Value;

use super::fields;
use crate::value::id_text;

/// Where a record was read.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The connection's name.
    pub(super) connection: &'a str,
    /// When the reading began: a record that does not say when it was changed is as it was then, at least.
    pub(super) begun: Timestamp,
    /// The raw answer.
    pub(super) body: &'a Bytes,
}

/// The event of a record. The error says what is wrong with the answer and quotes nothing of it.
pub(super) fn event(id: &str, record: &Value, origin: Origin<'_>) -> Result<WorkerEvent, &'static str> {
    let map = record.as_object().ok_or("is not a JSON object")?;
    if !matches!(id_text(map.get("id")), Ok(Some(stated)) if stated == id) {
        return Err("is not about the employee who was asked for");
    }
    let read = fields::read(map.iter().map(|(name, value)| (name.as_str(), value)));
    let system = Source::BambooHr.word();
    let mut event = WorkerEvent {
        event_id: EventId::derive(origin.connection, system, id),
        kind: EventKind::Snapshot,
        source: EventSource {
            system: system.to_owned(),
            tenant_id: origin.connection.to_owned(),
            company_id: None,
            delivery_id: None,
            vendor_event_id: None,
            vendor_event_type: None,
            occurred_at: None,
            received_at: origin.begun,
            auth: Auth::Basic,
            raw_sha256: hex_sha256(&[origin.body]),
        },
        worker: Worker { source_person_id: id.to_owned(), employee_number: read.employee_number, ..Worker::default() },
        version: Version { source_updated_at: read.last_changed, ..Version::default() },
        effective: Effective::default(),
        facts: read.facts,
        changed_fields: Vec::new(),
        vendor_changed_fields: Vec::new(),
    };
    // Two people's blank records are alike, so the hash covers the id; it does not cover when and how it was read.
    let mut said = event.to_json(false);
    if let Some(said) = said.as_object_mut() {
        said.remove("event_id");
        said.remove("source");
    }
    let sha256 = hex_sha256(&[said.to_string()]);
    event.event_id = EventId::derive(origin.connection, system, &sha256);
    event.version.snapshot_sha256 = Some(sha256);
    Ok(event)
}

#[cfg(test)]
mod tests {
    use domain::event::FactValue;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(record: &Value, begun: i64) -> Result<WorkerEvent, &'static str> {
        let body = Bytes::from(record.to_string());
        let begun = Timestamp::from_second(begun).unwrap();
        event("12", record, Origin { connection: "bamboo", begun, body: &body })
    }

    fn fact(event: &WorkerEvent, path: &str) -> FactValue {
        event.facts.get(path).cloned().unwrap_or_else(|| panic!("{path} is absent"))
    }

    #[test]
    fn the_traps_of_a_recorded_tenant_are_known() {
        let event = read(
            &json!({
                "id": "12", "employeeNumber": "77", "supervisorId": "9", "supervisorEId": "4", "supervisor": "Doe, John",
                "terminationDate": "0000-00-00", "originalHireDate": "", "hireDate": "2026-03-02", "middleName": null,
                "country": "Netherlands", "status": "Active", "employmentHistoryStatus": "Contractor",
                "lastChanged": "2026-02-01T10:00:00+00:00",
            }),
            0,
        )
        .unwrap();
        for empty in ["employment.end_date", "employment.original_hire_date", "name.legal.middle"] {
            assert_eq!(fact(&event, empty), FactValue::Null, "{empty}");
        }
        assert_eq!(fact(&event, "org.manager.employee_number").as_text(), Some("9"));
        assert_eq!(fact(&event, "org.manager.source_person_id").as_text(), Some("4"));
        assert_eq!(fact(&event, "location.country").as_text(), Some("NL"));
        assert_eq!(fact(&event, "employment.type").as_text(), Some("contractor"));
        assert_eq!(event.worker.employee_number.as_deref(), Some("77"));
        assert_eq!(event.version.source_updated_at, Some("2026-02-01T10:00:00Z".parse().unwrap()));
        assert!(!event.facts.contains_key("org.department.name"), "absent is not null");
    }

    #[test]
    fn an_answer_about_somebody_else_is_refused() {
        for record in [json!({"id": "13"}), json!({"firstName": "x"}), json!([]), json!(null), json!({"id": {}})] {
            assert!(read(&record, 0).is_err(), "{record}");
        }
        assert!(read(&json!({"id": 12}), 0).is_ok());
    }

    proptest! {
        #[test]
        fn the_same_record_is_the_same_event_and_another_is_another(
            one in "[a-z]{0,3}", other in "[a-z]{0,3}", first in 0_i64..1000, second in 0_i64..1000,
        ) {
            let of = |name: &str, begun| read(&json!({"id": "12", "firstName": name}), begun).unwrap();
            let (one_event, other_event) = (of(&one, first), of(&other, second));
            prop_assert_eq!(one_event.event_id == other_event.event_id, one == other);
        }
    }
}
