//! Messages that were sent once stay readable for ever: they wait on queues and among the failures.

use domain::event::FactValue;
use domain::message::{BadMessage, Body, Message, QueueName};

const WAKE: &str = include_str!("data/messages/wake.json");
const SEATS: &str = include_str!("data/messages/seats.json");
const HR_EVENT: &str = include_str!("data/messages/hr_event.json");
const HR_EVENT_LEAST: &str = include_str!("data/messages/hr_event_least.json");

#[test]
fn a_wake_up_reads_as_it_was_meant_and_is_written_as_it_was() {
    let read = Message::from_json(WAKE).unwrap();
    assert_eq!(read, Message::wake(&"hr:7".parse().unwrap(), "handed on", "c0ffee"));
    assert_eq!(read.to_json(), WAKE.trim_end());
}

#[test]
fn a_look_at_lines_reads_as_it_was_meant_and_is_written_as_it_was() {
    let read = Message::from_json(SEATS).unwrap();
    let sku = "c5928f49-12ba-48f7-ada3-0d743a3601d5".parse().unwrap();
    assert_eq!(read, Message::seats(vec![sku], "c0ffee"));
    assert_eq!(read.to_json(), SEATS.trim_end());
}

#[test]
fn a_word_of_hr_reads_as_it_was_meant_and_is_written_without_loss() {
    let read = Message::from_json(HR_EVENT).unwrap();
    let Body::HrEvent { event } = &read.body else { panic!("another body") };
    assert_eq!(event.facts["name.legal.given"], FactValue::Text("Zoë".into()));
    assert_eq!(event.facts["contact.work_phone"], FactValue::Null);
    assert!(matches!(event.facts["location.country"], FactValue::Fault(_)));
    assert_eq!(event.facts.len(), 6);
    assert_eq!(event.version.source_version.as_deref(), Some("3"));
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&read.to_json()), json(HR_EVENT));
    assert_eq!(Message::hr_event(event.as_ref().clone()), read, "the correlation id is the event's");
}

#[test]
fn the_least_a_word_of_hr_holds_is_read_and_what_a_later_version_added_is_passed_over() {
    let read = Message::from_json(HR_EVENT_LEAST).unwrap();
    let Body::HrEvent { event } = read.body else { panic!("another body") };
    assert!(event.facts.is_empty());
    assert_eq!(event.worker.source_person_id, "7");
}

#[test]
fn an_unknown_version_is_an_error_even_where_its_type_is_unknown_too() {
    for text in [WAKE.replace("\"v\":1", "\"v\":2"), r#"{"v":2,"type":"dance"}"#.to_owned()] {
        assert!(matches!(Message::from_json(&text), Err(BadMessage::Version(2))), "{text}");
    }
}

#[test]
fn what_is_no_message_is_an_error_that_shows_none_of_it() {
    let cases = [
        WAKE.replace("\"wake\"", "\"dance\""),
        WAKE.replace("\"v\":1,", ""),
        WAKE.replace("hr:7", "nobody"),
        HR_EVENT.replace("\"name\":{", "\"name\":\"Zoë\",\"x\":{"),
        "[]".into(),
        String::new(),
    ];
    for text in cases {
        let error = Message::from_json(&text).unwrap_err();
        assert!(matches!(error, BadMessage::Json(_)), "{text}");
        assert!(!format!("{error} {error:?}").contains("Zoë"), "{error:?}");
    }
}

#[test]
fn a_queue_is_found_by_its_name_only() {
    for queue in QueueName::ALL {
        assert_eq!(queue.to_string().parse(), Ok(queue));
        assert_eq!(serde_json::to_value(queue).unwrap(), queue.as_str());
    }
    assert!("payroll".parse::<QueueName>().is_err());
}
