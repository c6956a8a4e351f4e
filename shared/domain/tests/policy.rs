//! The policy as a whole: the example, a corpus of bad ones, and what no text may bring about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::policy::{EndDate, Fault, Guard, GuardKind, PersonKind, Policy, SecretRef, Severity, Source, Via};
use jiff::SignedDuration;
use jiff::civil::time;
use proptest::prelude::*;
use proptest::sample::subsequence;

const EXAMPLE: &str = include_str!("../data/policy.example.toml");

/// The least a policy holds: everything else is default.
const LEAST: &str = r#"
version = 1
[tenant]
domain = "Contoso.Example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.hr]
source = "standard"
secrets = ["env:HR"]
"#;

fn rendered(faults: &[Fault], name: &str, source: &str) -> String {
    faults.iter().map(|fault| fault.render(name, source)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking, and shows every fault")]
fn parsed(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|faults| panic!("{}", rendered(&faults, "policy", text)))
}

#[test]
fn the_example_has_neither_fault_nor_warning_and_means_what_its_comments_say() {
    let policy = parsed(EXAMPLE);
    assert_eq!(policy.warnings, []);
    assert_eq!(policy.tenant.usage_location.as_deref(), Some("NL"));
    assert_eq!(policy.time_zone("bamboo").iana_name(), Some("America/New_York"));
    assert_eq!(policy.time_zone("contractors").iana_name(), Some("Europe/Amsterdam"));
    let bamboo = &policy.connections["bamboo"];
    assert_eq!(bamboo.secrets, [SecretRef::Env("BAMBOO_SECRET".into())]);
    assert_eq!((bamboo.end_date, bamboo.end_date_is_explicit), (EndDate::Inclusive, true));
    let api = bamboo.api.as_ref().unwrap();
    assert_eq!((api.company.as_str(), api.base_url.as_str()), ("acme", "https://api.bamboohr.com"));
    assert_eq!(api.key, SecretRef::Env("BAMBOO_API_KEY".into()));
    assert_eq!(policy.connections["contractors"].api, None);
    let sales = policy.package("sales").unwrap();
    assert_eq!(sales.groups.iter().map(|group| group.exclusive).collect::<Vec<_>>(), [false, true]);
    assert_eq!(sales.licenses[0].sku_name, "SPE_E3");
    assert_eq!(sales.licenses[0].via, Via::Direct);
    let consultants = policy.package("consultants").unwrap();
    assert_eq!(consultants.licenses[0].disabled_plans.len(), 2);
    let carriers: Vec<_> = policy.carriers().into_iter().map(domain::ids::ObjectId::as_str).collect();
    assert_eq!(carriers, ["22222222-2222-2222-2222-222222222222"]);
    assert_eq!(policy.protected.iter().map(ToString::to_string).collect::<Vec<_>>(), ["bamboo:1"]);
    let guard = Guard { people: Some(5), percent: Some(5.0), window: SignedDuration::from_hours(1) };
    assert_eq!(policy.guards[&GuardKind::Disable], guard);
    assert_eq!(policy.guards[&GuardKind::Delete].window, SignedDuration::from_hours(24));
    assert_eq!(policy.alerts, Some(SecretRef::Env("ALERT_URL".into())));
}

#[test]
fn what_is_left_out_is_what_the_example_marks_as_default() {
    let (least, example) = (parsed(LEAST), parsed(EXAMPLE));
    assert_eq!(least.accounts, example.accounts);
    assert_eq!(least.tenant.settle_ms, example.tenant.settle_ms);
    assert_eq!(least.tenant.domain, "contoso.example");
    assert_eq!(least.tenant.usage_location, None);
    assert_eq!(least.accounts.kinds["visitor"], PersonKind::None);
    assert_eq!(least.accounts.enable_at, time(6, 0, 0, 0));
    let hr = &least.connections["hr"];
    assert_eq!((hr.source, hr.precedence, hr.end_date_is_explicit), (Source::StandardWebhooks, 1, false));
    assert_eq!(least.fingerprint, domain::ids::hex_sha256(&[LEAST]));
}

#[test]
fn one_kind_may_be_named_and_the_others_stay() {
    let policy = parsed(&format!(
        "{LEAST}\n[accounts]\nkinds = {{ visitor = \"guest\", other = \"none\" }}\ndelete_days_after = \"never\""
    ));
    assert_eq!(policy.accounts.kinds["visitor"], PersonKind::Guest);
    assert_eq!(policy.accounts.kinds["other"], PersonKind::None);
    assert_eq!(policy.accounts.kinds["employee"], PersonKind::Tenant);
    assert_eq!(policy.accounts.delete_days_after, None);
}

/// Each `NAME.toml` with the faults it must give, `NAME.faults`. `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn every_bad_policy_gives_exactly_its_faults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/policies");
    let mut policies: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    policies.sort();
    assert!(policies.len() >= 10, "the corpus is gone");
    for path in policies {
        let source = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let faults = match Policy::parse(&source) {
            Ok(policy) => policy.warnings,
            Err(faults) => {
                assert!(faults.iter().any(|fault| fault.severity == Severity::Error), "{name}");
                faults
            }
        };
        let golden = path.with_extension("faults");
        let actual = rendered(&faults, name, &source);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &actual).unwrap();
        }
        assert_eq!(actual, fs::read_to_string(&golden).unwrap_or_default(), "{name}");
    }
}

#[test]
fn no_secret_written_into_a_policy_is_shown_or_said() {
    for connection in [
        "secrets = ['hunter2']",
        "secrets = 'hunter2'",
        "secrets = [\n  'hunter2', 'hunter2' ]",
        "secrets = [['hunter2'], { a = 'hunter2' }]",
        "secrets = ['hunter2",
        "secrets = { a = 'hunter2' }",
        "secret = 'hunter2'",
        "api = 'hunter2'",
        "api = { key = 'hunter2' }",
        "api = { company = 'acme',\nkey = 'hunter2', base_url = 5 }",
        "[connections.two.api]\nkeys = 'hunter2'",
        "[connections.two.api]\nkey = ['hunter2']",
        "sources = 'bamboo'\nsecrets = ['hunter2', 'env:A B']",
    ] {
        let text = format!("{LEAST}\n[connections.two]\n{connection}\n[alerts]\nwebhook = 'hunter2'");
        let faults = Policy::parse(&text).unwrap_err();
        let shown = rendered(&faults, "policy", &text);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(faults.len() >= 2, "{shown}");
    }
}

#[test]
fn a_text_too_long_to_be_a_policy_is_refused_unread() {
    let text = "#".repeat(domain::policy::TEXT_MAX + 1);
    assert_eq!(Policy::parse(&text).unwrap_err().len(), 1);
}

/// The example with a few pieces of it cut out, doubled, swapped or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}=\"',.#:\\-\n\\\\ ]{1,4}",
        "\\PC{1,6}",
        "\"\\\\[tnu]00[0-9a-f]{2}\"",
        "-?[0-9]{1,24}(\\.[0-9]{1,3})?",
        proptest::sample::select(EXAMPLE.split_inclusive(['\n', ' ', '=']).map(String::from).collect::<Vec<_>>()),
    ];
    let edit = (any::<prop::sample::Index>(), 0usize..40, piece);
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut letters: Vec<char> = EXAMPLE.chars().collect();
        for (at, length, piece) in edits {
            let start = at.index(letters.len() + 1);
            let end = (start + length).min(letters.len());
            letters.splice(start..end, piece.chars());
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_has_a_fault_that_can_be_shown(text in mutated()) {
        let faults = match Policy::parse(&text) {
            Ok(policy) => {
                prop_assert!(policy.warnings.iter().all(|fault| fault.severity == Severity::Warning));
                policy.warnings
            }
            Err(faults) => {
                prop_assert!(faults.iter().any(|fault| fault.severity == Severity::Error));
                faults
            }
        };
        for fault in faults {
            let line = text.split('\n').nth(fault.line - 1);
            prop_assert!(line.is_some_and(|line| fault.column <= line.chars().count() + 1), "{fault}");
            let shown = fault.render("policy", &text);
            prop_assert!(shown.contains('^') && !shown.contains(|letter: char| letter.is_control() && letter != '\n'));
        }
    }

    #[test]
    fn each_of_several_mistakes_is_reported(mistakes in subsequence(MISTAKES.to_vec(), 1..=MISTAKES.len())) {
        let text = mistakes.iter().fold(EXAMPLE.to_owned(), |text, (right, wrong)| {
            assert!(text.contains(right), "{right}");
            text.replacen(right, wrong, 1)
        });
        let faults = Policy::parse(&text).unwrap_err();
        let lines: BTreeSet<usize> = faults.iter().map(|fault| fault.line).collect();
        for (_, wrong) in mistakes {
            let at = text.find(wrong).unwrap();
            let line = text[..at].matches('\n').count() + 1;
            prop_assert!(lines.contains(&line), "{} is not reported:\n{}", wrong, rendered(&faults, "policy", &text));
        }
    }
}

/// Mistakes that do not touch each other: what stands in the example, and what is written instead.
const MISTAKES: [(&str, &str); 17] = [
    ("version = 1 ", "version = 2 "),
    ("domain = \"contoso.example\"", "domain = \"contoso\""),
    ("time_zone = \"Europe/Amsterdam\"", "time_zone = \"Europe/Amsterdan\""),
    ("settle_ms = 300000", "settle_ms = \"5m\""),
    ("usage_location = \"NL\"", "usage_location = \"UK\""),
    ("source = \"bamboohr\"", "source = \"bamboo\""),
    ("end_date = \"inclusive\"", "end_date = \"last\""),
    ("base_url = \"https://api", "base_url = \"http://api"),
    ("create_days_before = 14", "create_days = 14"),
    ("enable_at = \"06:00\"", "enable_at = 06:00:00"),
    ("visitor = \"none\"", "visitor = \"nobody\""),
    ("user.department -eq", "user.departmnet -eq"),
    ("exclusive = true", "exclusive = \"yes\""),
    ("sku = \"ENTERPRISEPACK\"", "sku = \"ENTERPRISE_PACKS_3\""),
    ("people = [\"bamboo:1\"]", "people = [\"bambo:1\"]"),
    ("percent = 5.0", "percent = 500"),
    ("webhook = \"env:ALERT_URL\"", "webhook = \"ALERT_URL\""),
];
