//! How files are called and what stands in them.

use super::{assert_none, root, tracked};
use std::path::{Component, Path, PathBuf};

/// A module longer than this has more than one reason to exist.
const LINES_MAX: usize = 700;

/// Names that say nothing about what is inside, so that anything ends up there.
const DRAWERS: &[&str] =
    &["common", "helper", "helpers", "manager", "managers", "misc", "service", "services", "util", "utils"];

/// Files that bear such a name for a reason.
const DRAWERS_EXCEPTED: &[(&str, &str)] =
    &[("functions/accounts/src/manager.rs", "Entra calls the relationship between two users `manager`")];

/// Pairs of what is not written and what is written instead.
const SPELLING: &str = include_str!("spelling.tsv");

/// Spelled in two parts, so that this file does not break its own rules.
const LEFT_FOR_LATER: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
const LEFT_FOR_LATER_MACROS: &[&str] = &[concat!("todo", "!"), concat!("unimplemented", "!")];
const SLEEP: &str = concat!("thread::", "sleep");
const SLEEP_OF_A_TASK: &str = concat!("time::", "sleep");
const WORKPLACE: &str = concat!("/wo", "rk");

/// A file under version control.
struct File {
    path: String,
    text: String,
}

/// The files whose name ends in one of `endings`.
fn files(endings: &[&str]) -> Vec<File> {
    let root = root();
    let wanted = tracked().into_iter().filter(|path| endings.iter().any(|ending| path.ends_with(ending)));
    wanted.map(|path| File { text: std::fs::read_to_string(root.join(&path)).expect("a file of text"), path }).collect()
}

/// What we write by hand: code, manifests, commands, prose.
const WRITTEN: &[&str] = &[".rs", ".md", ".toml", ".sh", "Makefile", ".ci/run"];

/// Asks one rule of every line; the rule answers with the cure.
fn assert_every_line(endings: &[&str], cure: impl Fn(&File, &str) -> Option<String>) {
    let mut findings = Vec::new();
    for file in files(endings) {
        let lines = file.text.lines().zip(1..);
        findings.extend(lines.filter_map(|(line, at)| Some(format!("{}:{at}: {}", file.path, cure(&file, line)?))));
    }
    assert_none(&findings);
}

/// The line's words: letters, digits and underscores.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn left_for_later(line: &str) -> Option<String> {
    let word = words(line).find(|word| LEFT_FOR_LATER.contains(word));
    let found = word.or_else(|| LEFT_FOR_LATER_MACROS.iter().find(|name| line.contains(**name)).copied())?;
    Some(format!("{found}: do it now, or file it and say here how things are"))
}

fn british(line: &str) -> Option<String> {
    let line = line.to_lowercase();
    let pairs = SPELLING.lines().filter(|pair| !pair.starts_with('#')).filter_map(|pair| pair.split_once('\t'));
    let (found, instead) = pairs.into_iter().find(|(british, _)| line.contains(british))?;
    Some(format!("{found}: spell it {instead}"))
}

/// A thread never sleeps; a task may, at the edges and under the client's pace, but not in a function: it gives the
/// message back with the time it wants it again.
fn sleeps(path: &str, line: &str) -> Option<String> {
    let found = if line.contains(SLEEP) { SLEEP } else { SLEEP_OF_A_TASK };
    let forbidden = found == SLEEP || path.starts_with("functions/");
    (forbidden && line.contains(found))
        .then(|| format!("{found}: time is an input; wait for an event, or say when to wake"))
}

#[test]
fn nothing_is_left_for_later() {
    assert_every_line(WRITTEN, |_, line| left_for_later(line));
}

#[test]
fn words_are_spelled_the_american_way() {
    assert_every_line(WRITTEN, |_, line| british(line));
}

#[test]
fn no_thread_and_no_function_sleeps() {
    assert_every_line(&[".rs"], |file, line| sleeps(&file.path, line));
}

#[test]
fn nothing_points_out_of_the_checkout() {
    assert_every_line(WRITTEN, |file, line| points_outside(&file.path, line));
}

#[test]
fn each_rule_finds_what_it_forbids_and_spares_the_rest() {
    let later = LEFT_FOR_LATER[0];
    assert!(left_for_later(&format!("// {later}: later")).is_some());
    assert!(left_for_later(&format!("    {}()", LEFT_FOR_LATER_MACROS[0])).is_some());
    assert_eq!(left_for_later(&format!("BPOS_S_{later}_2")), None);
    assert!(british(concat!("fn organi", "sation_of(", "licen", "ces)")).is_some());
    assert!(british(concat!("Initial", "ising")).is_some());
    assert_eq!(british("a realistic specialist for organisms licenses analyses"), None);
    assert!(sleeps("infra/joinery/src/lib.rs", &format!("std::{SLEEP}(second);")).is_some());
    assert!(sleeps("functions/groups/src/lib.rs", &format!("tokio::{SLEEP_OF_A_TASK}(second).await;")).is_some());
    assert_eq!(sleeps("shared/graph/src/client.rs", &format!("tokio::{SLEEP_OF_A_TASK}(second).await;")), None);
    assert_eq!(sleeps("functions/groups/src/lib.rs", "tokio::time::advance(second)"), None);
}

/// A path to what lies beside or around the checkout: it is there on one machine only. Paths that climb elsewhere are
/// left alone; hostile input in a test looks like that.
fn points_outside(path: &str, line: &str) -> Option<String> {
    let absolute = line.match_indices(WORKPLACE).find(|(at, found)| {
        let before = line[..*at].chars().next_back();
        let after = line[at + found.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "_./-{}".contains(c)) && after == Some('/')
    });
    if absolute.is_some() {
        return Some(format!("{WORKPLACE}: copy what is needed into the repository"));
    }
    let relative = line.split(|c: char| !c.is_alphanumeric() && !"_./-".contains(c));
    let climbs = |part: &&str| part.starts_with("../") && part.trim_start_matches("../").starts_with("shared");
    let outside = relative.filter(climbs).find(|part| !stays_inside(path, part))?;
    Some(format!("{outside}: this leads out of the repository; copy what is needed into it"))
}

/// Whether a relative path, read from the file's folder or one of those around it, names something of the checkout.
/// Cargo reads some paths from the crate's folder and the compiler others from the file's.
fn stays_inside(path: &str, relative: &str) -> bool {
    let folders = Path::new(path).ancestors().skip(1);
    folders.into_iter().any(|folder| resolved(folder, relative).is_some_and(|path| root().join(path).exists()))
}

/// `folder/relative` without its dots; none when it climbs out of the top.
fn resolved(folder: &Path, relative: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in folder.join(relative).components() {
        match component {
            Component::ParentDir if !resolved.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    Some(resolved)
}

#[test]
fn a_path_that_leads_out_of_the_checkout_is_told_from_one_inside() {
    let outside = |path, line: &str| points_outside(path, line).is_some();
    let up = |levels: usize| "../".repeat(levels);
    assert!(outside("README.md", &format!("see `{}shared/contracts.md`", up(1))));
    assert!(outside("tests/e2e/Cargo.toml", &format!("path = \"{}shared/domain\"", up(3))));
    assert!(outside("README.md", &format!("see {WORKPLACE}/shared/contracts.md")));
    assert!(!outside("tests/e2e/Cargo.toml", &format!("path = \"{}shared/domain\"", up(2))));
    assert!(!outside("tests/e2e/src/lib.rs", &format!("env!(\"CARGO_MANIFEST_DIR\"), \"/{}Cargo.toml\"", up(2))));
    assert!(!outside("README.md", &format!("\"/worker{WORKPLACE}/phone\" and ...")));
}

#[test]
fn no_module_bears_a_name_that_fits_everything() {
    let mut findings = Vec::new();
    for File { path, .. } in files(&[".rs"]) {
        if path.ends_with("/mod.rs") {
            findings.push(format!("{path}: move it beside its folder, as FOLDER.rs"));
        }
        let excepted = DRAWERS_EXCEPTED.iter().any(|(file, _)| *file == path);
        let drawer = path.trim_end_matches(".rs").split('/').find(|part| DRAWERS.contains(part));
        if let Some(drawer) = drawer.filter(|_| !excepted) {
            findings.push(format!("{path}: {drawer}: call it after what is inside"));
        }
    }
    let gone = DRAWERS_EXCEPTED.iter().filter(|(file, _)| !root().join(file).exists());
    findings.extend(gone.map(|(file, reason)| format!("{file}: gone; drop its exception ({reason})")));
    assert_none(&findings);
}

#[test]
fn no_module_is_longer_than_one_reads_at_a_sitting() {
    let lengths = files(&[".rs"]).into_iter().map(|file| (file.text.lines().count(), file.path));
    let findings: Vec<_> = lengths
        .filter(|(length, _)| *length > LINES_MAX)
        .map(|(length, path)| format!("{path}: {length} lines, {LINES_MAX} at most; split it by what it is about"))
        .collect();
    assert_none(&findings);
}

/// A rule of the Makefile: its name, what it needs first, and what `make help` says of it.
struct Target<'a> {
    name: &'a str,
    needs: Vec<&'a str>,
    help: Option<&'a str>,
}

fn targets(makefile: &str) -> Vec<Target<'_>> {
    let named = makefile.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    named
        .filter_map(|line| {
            let (name, rest) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('='))?;
            let (needs, help) = rest.split_once("##").map_or((rest, None), |(needs, help)| (needs, Some(help.trim())));
            Some(Target { name, needs: needs.split_whitespace().collect(), help })
        })
        .collect()
}

/// The targets of `make` a document tells its reader to call: in code spans and in fenced blocks, not in prose.
fn commands_of_make(document: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut commands = Vec::new();
    for (line, at) in document.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let code: Vec<&str> = if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for command in code.iter().flat_map(|code| code.split('#').take(1)).flat_map(|code| code.split(['&', ';', '|']))
        {
            let arguments = command.trim().trim_start_matches("$ ").strip_prefix("make ").unwrap_or_default();
            let goals = arguments.split_whitespace().filter(|word| !word.starts_with('-') && !word.contains('='));
            commands.extend(goals.map(|goal| (at, goal.to_owned())));
        }
    }
    commands
}

#[test]
fn every_command_of_the_documents_is_a_target_of_the_makefile() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    let targets = targets(&makefile);
    let mut findings = Vec::new();
    for File { path, text } in files(&[".md"]) {
        let unknown = commands_of_make(&text).into_iter().filter(|(_, goal)| targets.iter().all(|t| t.name != *goal));
        findings.extend(unknown.map(|(at, goal)| format!("{path}:{at}: make {goal}: the Makefile has no such target")));
    }
    assert_none(&findings);
}

#[test]
fn make_help_lists_every_command() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("the Makefile");
    let targets = targets(&makefile);
    let inner = |name| targets.iter().any(|target| target.needs.contains(&name));
    let unlisted = targets.iter().filter(|target| target.help.is_none_or(str::is_empty));
    let findings: Vec<_> = unlisted
        .filter(|target| !target.name.starts_with('.') && !inner(target.name))
        .map(|target| format!("Makefile: {}: say after `##` what it does", target.name))
        .collect();
    assert_none(&findings);
    for command in ["help", "run", "demo", "test", "lint", "fmt", "doc", "clean-data"] {
        assert!(targets.iter().any(|target| target.name == command), "the Makefile lost `{command}`");
    }
}

#[test]
fn commands_of_make_are_read_from_code_alone() {
    let document =
        "To make sense, call `make run` or `make test CI=1`.\n```sh\n$ make lint && make doc # make it so\n```\n";
    let goals: Vec<_> = commands_of_make(document).into_iter().map(|(at, goal)| format!("{at} {goal}")).collect();
    assert_eq!(goals, ["1 run", "1 test", "3 lint", "3 doc"]);
}
