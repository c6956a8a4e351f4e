//! Words of HR made up at random, as lines for `sample::said`: few days, few employments, so that they meet.

use proptest::prelude::*;
use proptest::sample::select;

fn day() -> impl Strategy<Value = String> {
    (2_u8..7, 1_u8..6).prop_map(|(month, day)| format!("2026-{month:02}-{:02}", day * 5))
}

fn statement() -> impl Strategy<Value = String> {
    let dated = ["hire_date", "first_day_of_work", "end_date", "contract_end_date", "last_employed_day"];
    let dated =
        dated.into_iter().chain(["termination.last_working_day", "employment.last_working_day"]).collect::<Vec<_>>();
    let value = prop_oneof![8 => day(), 1 => Just("null".to_owned()), 1 => Just("?".to_owned())];
    let status = select(vec!["pre_hire", "active", "on_leave", "terminated", "retired", "unknown"]);
    prop_oneof![
        6 => (select(dated), value).prop_map(|(field, value)| format!("{field}={value}")),
        4 => status.prop_map(|status| format!("status={status}")),
        1 => Just("immediate=true".to_owned()),
        1 => Just("cancelled=true".to_owned()),
        1 => day().prop_map(|day| format!("access_end_at={day}T15:00:00Z")),
        2 => select(vec!["Sales", "Legal", "null", "?"]).prop_map(|name| format!("department.name={name}")),
        1 => select(vec!["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"]).prop_map(|zone| format!("location.time_zone={zone}")),
        1 => select(vec!["employee", "visitor", "other"]).prop_map(|word| format!("employment.type={word}")),
        1 => Just("number=17".to_owned()),
        1 => Just("kind=record_deleted".to_owned()),
    ]
}

fn order() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(String::new()),
        1 => (1_u8..9).prop_map(|version| format!(" v={version}")),
        2 => day().prop_map(|day| format!(" from={day}")),
        1 => any::<bool>().prop_map(|yes| format!(" inclusive={yes}")),
        3 => select(vec!["1", "2"]).prop_map(|job| format!(" job={job}")),
        1 => select(vec!["Asia/Tokyo", "Pacific/Kiritimati"]).prop_map(|zone| format!(" zone={zone}")),
    ]
}

/// One word of HR.
pub(crate) fn line() -> impl Strategy<Value = String> {
    let said = (day(), 0_u8..24, order(), order(), proptest::collection::vec(statement(), 0..4));
    said.prop_map(|(day, hour, one, other, statements)| {
        format!("{day}T{hour:02}:00{one}{other} {}", statements.join(" "))
    })
}
