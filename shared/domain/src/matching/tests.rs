use super::*;
use crate::sample::{ACCOUNT, at, person, policy};

const ADA: &str = "2026-01-01 hire_date=2020-01-01 name.legal.given=Ada name.legal.family=Byron number=4711 \
                   contact.work_email=Ada.Byron@contoso.example proposed_user_name=ada.b";

fn clues(lines: &[&str]) -> Clues {
    Clues::of(&View::new(&person(lines), &policy(), at("2026-03-10T12:00")))
}

fn found(clues: &Clues, shown: &Shown<'_>) -> Vec<Evidence> {
    clues.weigh(ACCOUNT.parse().unwrap(), shown).map(|one| one.evidence.into_iter().collect()).unwrap_or_default()
}

#[test]
fn an_account_is_a_candidate_by_anchor_number_address_or_principal_name() {
    let clues = clues(&[ADA]);
    let check = |shown: Shown<'_>, expected: &[Evidence]| assert_eq!(found(&clues, &shown), expected);
    check(Shown { anchor: Some("hr:7"), ..Shown::default() }, &[Evidence::Anchor]);
    check(Shown { employee_id: Some("4711"), ..Shown::default() }, &[Evidence::EmployeeId]);
    check(Shown { mail: Some("ADA.byron@contoso.example"), ..Shown::default() }, &[Evidence::Mail]);
    check(Shown { user_principal_name: Some("ada.b@contoso.example"), ..Shown::default() }, &[Evidence::Upn]);
    check(Shown { user_principal_name: Some("ada.byron@contoso.example"), ..Shown::default() }, &[Evidence::Upn]);
    let alias = ["SMTP:other@contoso.example".to_owned(), "smtp:ada.byron@contoso.example".to_owned()];
    check(Shown { proxy_addresses: &alias, ..Shown::default() }, &[Evidence::Mail]);
    let sip = ["SIP:ada.byron@contoso.example".to_owned()];
    check(Shown { proxy_addresses: &sip, ..Shown::default() }, &[]);
}

#[test]
fn nobody_is_matched_by_name_and_nothing_matches_what_is_not_said() {
    let nameless = clues(&["2026-01-01 hire_date=2020-01-01 name.legal.given=Ada name.legal.family=Byron"]);
    assert!(nameless.addresses.is_empty() && nameless.names.is_empty() && nameless.employee_id.is_none());
    let shown = Shown {
        user_principal_name: Some("ada.byron@contoso.example"),
        mail: Some("ada.byron@contoso.example"),
        employee_id: Some(""),
        anchor: Some(""),
        ..Shown::default()
    };
    assert!(found(&nameless, &shown).is_empty());
}

#[test]
fn a_private_address_is_a_clue_for_guests_alone() {
    let private = "2026-01-02 personal_email=ada@home.example contact.work_email=null";
    let mail = Shown { mail: Some("ada@home.example"), ..Shown::default() };
    assert!(found(&clues(&[ADA, private]), &mail).is_empty());
    assert_eq!(found(&clues(&[ADA, private, "2026-01-03 employment.type=external"]), &mail), [Evidence::Mail]);
}

#[test]
fn a_deleted_account_is_known_by_the_name_behind_its_digits_and_a_marked_one_says_whose() {
    let clues = clues(&[ADA]);
    let name = format!("{}ada.b@contoso.example", ACCOUNT.replace('-', ""));
    let shown = |is_deleted| Shown { user_principal_name: Some(&name), is_deleted, ..Shown::default() };
    assert_eq!(found(&clues, &shown(true)), [Evidence::Upn]);
    assert!(found(&clues, &shown(false)).is_empty());
    let theirs =
        Shown { anchor: Some("hr:8"), employee_id: Some("4711"), account_enabled: Some(true), ..Shown::default() };
    let candidate = clues.weigh(ACCOUNT.parse().unwrap(), &theirs).unwrap();
    assert_eq!(candidate.claimed_by.as_deref(), Some("hr:8"));
    assert_eq!(candidate.phrase(), format!("{ACCOUNT} (same employeeId; enabled member, marked as hr:8)"));
}
