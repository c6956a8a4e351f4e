//! The extended dialect: more than Entra, and marked.

use rules::{Dialect, Rule, Settings};
use serde_json::json;

fn extended(text: &str) -> Rule {
    Rule::with(text, &Settings::EXTENDED).unwrap_or_else(|faults| panic!("{}", faults.render(text)))
}

#[test]
fn what_goes_beyond_entra_is_refused_there_and_marked_here() {
    let user = json!({
        "id": "p1", "department": "Sales", "employeeType": "Contractor", "officeLocation": "B12", "employeeOrgData": { "division": "North", "costCenter": "42" },
        "createdDateTime": "2024-05-01T08:00:00Z", "signInActivity": { "lastSignInDateTime": "2026-02-01T00:00:00Z" },
        "manager": { "id": "boss" }, "memberOf": ["g1", "g2"], "businessPhones": ["1", "2"],
    });
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    for (text, expected) in [
        (r#"user.employeeType -eq "contractor""#, true),
        (r#"user.employeeOrgData.division -in ["South"]"#, false),
        (r#"user.employeeOrgData.costCenter -startsWith "4""#, true),
        ("user.createdDateTime -le 2024-06-01", true),
        ("user.signInActivity.lastSignInDateTime -ge system.now -minus P30D", true),
        ("user.signInActivity.lastSignInDateTime -ge system.now -minus P7D", false),
        (r#"user.manager.id -eq "BOSS" -and user.department -eq "Sales""#, true),
        (r#"user.memberOf -any (group.objectId -in ["g1"]) -and user.department -eq "Sales""#, true),
        (r#"-not (user.memberOf -any (group.objectId -in ["g1"]))"#, false),
        (r#"user.memberOf -all (group.objectId -in ["g1"])"#, false),
        (r#"user.memberOf -any (group.objectId -eq "g2")"#, true),
        (r#"user.department -eq "Legal" -or user.employeeType -ne null -and user.objectId -in ["p1"]"#, true),
    ] {
        let rule = extended(text);
        assert_eq!(rule.matches_at(&user, now), expected, "{text}");
        assert_eq!(rule.dialect(), Dialect::Extended, "{text}");
        assert!(Rule::new(text).is_err(), "{text}");
    }
    assert!(extended(r#"user.employeeType -eq "x""#).explain(&user).to_string().contains("[extended]"));
}

#[test]
fn a_rule_that_entra_takes_is_not_marked_whatever_it_was_read_as() {
    for text in [
        r#"user.department -eq "Sales" -and user.objectId -notIn ["p1"]"#,
        "user.memberOf -any (group.objectId -in ['g1'])",
        r#"Direct Reports for "boss""#,
    ] {
        assert_eq!(extended(text).dialect(), Dialect::Entra, "{text}");
    }
    // Graph's name for a property that Entra has is printed as Entra's.
    let rule = extended(r#"user.officeLocation -eq "B12""#);
    assert_eq!(
        (rule.dialect(), rule.to_string()),
        (Dialect::Entra, r#"user.physicalDeliveryOfficeName -eq "B12""#.to_owned())
    );
}

#[test]
fn a_dialect_is_found_by_its_name() {
    for dialect in [Dialect::Entra, Dialect::Extended] {
        assert_eq!(Dialect::named(&dialect.to_string()), Some(dialect));
    }
    assert_eq!(Dialect::named("Extended"), None);
}
