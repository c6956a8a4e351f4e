//! Who builds on whom, and what each manifest must say.

use super::{assert_none, printed, root, tracked};
use serde_json::Value as Json;

/// What a crate may build on, by folder; a trailing slash stands for every crate below. The first row that fits a crate
/// counts, and a crate that no row fits is a finding: where it stands has to be decided.
///
/// Tests may also use what stands in for a tenant or a store, but never reach for a crate further out.
struct Row {
    folder: &'static str,
    uses: &'static [&'static str],
    tests_use: &'static [&'static str],
}

const ARROWS: &[Row] = &[
    Row { folder: "shared/rules", uses: &[], tests_use: &[] },
    Row { folder: "shared/domain", uses: &["shared/rules"], tests_use: &[] },
    Row { folder: "shared/graph", uses: &["shared/domain"], tests_use: &["tests/graph-emulator"] },
    Row { folder: "shared/hr", uses: &["shared/domain"], tests_use: &["tests/hr-emulator"] },
    Row { folder: "shared/embedded", uses: &["shared/domain"], tests_use: &[] },
    Row {
        folder: "shared/stage",
        uses: &["shared/domain", "shared/graph"],
        tests_use: &["shared/embedded", "tests/graph-emulator"],
    },
    Row {
        folder: "functions/",
        uses: &["shared/domain", "shared/graph", "shared/hr", "shared/stage"],
        tests_use: &["shared/embedded", "tests/graph-emulator", "tests/hr-emulator"],
    },
    Row { folder: "infra/joinery", uses: &["shared/", "functions/"], tests_use: &["tests/graph-emulator"] },
    // It speaks the documented wire format: a type shared with the client would hide the client's mistakes.
    Row { folder: "tests/graph-emulator", uses: &[], tests_use: &[] },
    Row { folder: "tests/hr-emulator", uses: &[], tests_use: &[] },
    Row { folder: "tests/", uses: &["shared/", "functions/", "infra/", "tests/"], tests_use: &[] },
];

/// The pure crates, and the only foreign crates they may name: data, text and arithmetic. A crate that opens a socket or
/// a file, runs tasks, reads a clock or rolls dice has no place here. (jiff can read the clock; `clippy.toml` forbids
/// that part of it.)
const PURE: &[&str] = &["shared/rules", "shared/domain"];
const PURE_USES: &[&str] = &[
    "async-trait",
    "deunicode",
    "icu_normalizer",
    "jiff",
    "memchr",
    "regex",
    "serde",
    "serde_json",
    "sha2",
    "strsim",
    "thiserror",
    "toml",
];

/// One crate of ours as `cargo metadata` tells it.
struct Member {
    name: String,
    folder: String,
    binaries: Vec<String>,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// The folder, if it is one of ours.
    folder: Option<String>,
    only_tests: bool,
}

fn members() -> Vec<Member> {
    let printed = printed(env!("CARGO"), &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: Json = serde_json::from_str(&printed).expect("JSON");
    metadata["packages"].as_array().expect("packages").iter().map(member).collect()
}

fn member(package: &Json) -> Member {
    let text = |value: &Json| value.as_str().expect("a string").to_owned();
    let list = |value: &Json| value.as_array().expect("a list").clone();
    Member {
        name: text(&package["name"]),
        folder: folder(text(&package["manifest_path"]).trim_end_matches("/Cargo.toml")),
        binaries: list(&package["targets"])
            .iter()
            .filter(|target| list(&target["kind"]).contains(&Json::from("bin")))
            .map(|target| text(&target["name"]))
            .collect(),
        dependencies: list(&package["dependencies"])
            .iter()
            .map(|dependency| Dependency {
                name: text(&dependency["name"]),
                folder: dependency["path"].as_str().map(folder),
                only_tests: dependency["kind"] == "dev",
            })
            .collect(),
    }
}

/// A path of cargo's, relative to the top of the checkout.
fn folder(path: &str) -> String {
    let root = root();
    let path = std::path::Path::new(path).canonicalize().expect("a path of this checkout");
    path.strip_prefix(&root).expect("a path inside the checkout").display().to_string()
}

fn fits(pattern: &str, folder: &str) -> bool {
    folder == pattern || (pattern.ends_with('/') && folder.starts_with(pattern))
}

/// Why one crate may not build on another, if it may not.
fn forbidden(from: &str, to: &str, only_tests: bool) -> Option<String> {
    let Some(row) = ARROWS.iter().find(|row| fits(row.folder, from)) else {
        return Some("its place is undecided; give it a row in `ARROWS`".to_owned());
    };
    let tests_use: &[&str] = if only_tests { row.tests_use } else { &[] };
    let allowed = || row.uses.iter().chain(tests_use);
    if allowed().any(|pattern| fits(pattern, to)) {
        return None;
    }
    let allowed = allowed().copied().collect::<Vec<_>>().join(", ");
    Some(if allowed.is_empty() {
        "it builds on none of ours".to_owned()
    } else {
        format!("it builds on {allowed} alone")
    })
}

#[test]
fn a_crate_builds_only_on_crates_further_in() {
    let mut findings = Vec::new();
    for member in members() {
        let ours = member.dependencies.iter().filter_map(|used| Some((used.folder.as_deref()?, used.only_tests)));
        for (used, only_tests) in ours {
            let why = forbidden(&member.folder, used, only_tests);
            findings.extend(why.map(|why| format!("{}/Cargo.toml: {used}: {why}", member.folder)));
        }
    }
    assert_none(&findings);
}

#[test]
fn an_arrow_that_points_outward_is_found() {
    let found = |from, to, only_tests| forbidden(from, to, only_tests).is_some();
    assert!(found("shared/rules", "shared/domain", false));
    assert!(found("shared/domain", "shared/graph", true));
    assert!(found("functions/groups", "functions/licenses", true));
    assert!(found("functions/groups", "shared/embedded", false));
    assert!(found("infra/joinery", "tests/graph-emulator", false));
    assert!(found("tests/graph-emulator", "shared/graph", true));
    assert!(found("tests/hr-emulator", "shared/hr", true));
    assert!(found("shared/hr", "shared/graph", false));
    assert!(found("shared/unheard-of", "shared/rules", false));
    assert!(!found("functions/groups", "shared/stage", false));
    assert!(!found("functions/groups", "shared/embedded", true));
    assert!(!found("infra/joinery", "functions/groups", false));
    assert!(!found("tests/e2e", "infra/joinery", true));
    assert!(!found("tests/demo", "tests/graph-emulator", false));
}

#[test]
fn the_pure_crates_name_nothing_that_reaches_outside() {
    let mut findings = Vec::new();
    for pure in PURE {
        let member = members().into_iter().find(|member| member.folder == *pure).expect("a pure crate");
        for used in member.dependencies.iter().filter(|used| used.folder.is_none() && !used.only_tests) {
            if !PURE_USES.contains(&used.name.as_str()) {
                findings.push(format!(
                    "{pure}/Cargo.toml: {}: take what it gives as an input; if it is pure, say so in `PURE_USES`",
                    used.name
                ));
            }
        }
    }
    assert_none(&findings);
}

/// Crates that only AWS needs. AWS-LC is cryptography and runs anywhere.
fn of_aws(name: &str) -> bool {
    let prefixes = ["aws-", "aws_", "lambda-", "lambda_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) && !name.starts_with("aws-lc-")
}

#[test]
fn functions_and_joinery_link_no_aws_crate_by_default() {
    let mut findings = Vec::new();
    let shipped = |member: &Member| fits("functions/", &member.folder) || fits("infra/joinery", &member.folder);
    for member in members().into_iter().filter(shipped) {
        let arguments =
            ["tree", "--locked", "--offline", "--package", &member.name, "--edges", "normal", "--prefix", "none"];
        let tree = printed(env!("CARGO"), &arguments);
        let linked = tree.lines().filter_map(|line| line.split(' ').next());
        findings.extend(
            linked.filter(|name| of_aws(name)).map(|name| {
                format!("{}/Cargo.toml: {name}: put it behind the feature `lambda` or `aws`", member.folder)
            }),
        );
    }
    assert_none(&findings);
}

#[test]
fn aws_crates_are_told_from_those_that_only_sound_like_it() {
    assert!(of_aws("aws-sdk-sqs") && of_aws("aws_lambda_events") && of_aws("lambda_runtime"));
    assert!(!of_aws("aws-lc-rs") && !of_aws("aws-lc-sys") && !of_aws("azure_core"));
}

#[test]
fn folder_crate_and_program_bear_one_name_and_stand_in_the_workspace() {
    let manifest: toml::Table = read("Cargo.toml");
    let listed: Vec<&str> = manifest["workspace"]["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|member| member.as_str().expect("a folder"))
        .collect();
    let mut findings = Vec::new();
    for folder in manifests().iter().map(|path| path.trim_end_matches("/Cargo.toml")) {
        if !listed.contains(&folder) {
            findings.push(format!("Cargo.toml: {folder}: list it, by its own name, among the members"));
        }
    }
    for Member { name, folder, binaries, .. } in members() {
        if folder.rsplit('/').next() != Some(&name) {
            findings.push(format!("{folder}/Cargo.toml: {name}: give the crate its folder's name"));
        }
        let others = binaries.iter().filter(|binary| **binary != name);
        findings.extend(others.map(|binary| format!("{folder}/Cargo.toml: {binary}: call the program {name}")));
    }
    assert_none(&findings);
}

#[test]
fn every_crate_inherits_the_lints_of_the_workspace() {
    let inherits = |path: &String| {
        let manifest: toml::Table = read(path);
        manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let findings: Vec<_> = manifests()
        .into_iter()
        .filter(|path| !inherits(path))
        .map(|path| format!("{path}: add `[lints]` with `workspace = true`"))
        .collect();
    assert_none(&findings);
}

/// The manifests of our crates. Neither the workspace's own nor a fuzz target's, which is a workspace of its own because it
/// needs another compiler, is among them.
fn manifests() -> Vec<String> {
    let is_ours = |path: &String| path.ends_with("/Cargo.toml") && !read(path).contains_key("workspace");
    let manifests: Vec<_> = tracked().into_iter().filter(is_ours).collect();
    assert!(!manifests.is_empty(), "git lists no manifest");
    manifests
}

fn read(path: &str) -> toml::Table {
    std::fs::read_to_string(root().join(path)).expect("a manifest").parse().expect("TOML")
}
