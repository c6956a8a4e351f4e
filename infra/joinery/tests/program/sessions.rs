//! Golden sessions: each file of `sessions/` is a terminal's content. Lines beginning with `$ ` are commands, lines with `! `
//! came on stderr, `? N` is an exit code other than 0; everything else came on stdout. Each file begins with a company as
//! it was prepared; `$GRAPH` is its tenant's address. `UPDATE_GOLDEN=1` writes what happened into the files instead of comparing.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::company::{Company, PASSWORD, accounts_of_before, accounts_that_resist};

/// What is wanted of a session: the same as last time, and no secret of the company in it.
#[tokio::test(flavor = "multi_thread")]
async fn every_session_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/sessions");
    let files: BTreeSet<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 5, "sessions are missing");
    let mut different = Vec::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        let played = play(&prepared(&name).await, &written).await;
        let secret_is_meant = written.contains("joinery credential");
        assert!(secret_is_meant || !played.contains(PASSWORD), "{} shows a password", file.display());
        assert!(
            !played.contains("somebody@home") && !played.contains("six@home"),
            "{} shows an address",
            file.display()
        );
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, played).unwrap();
        } else if played != written {
            different.push(format!("{}:\n{played}", file.display()));
        }
    }
    assert!(
        different.is_empty(),
        "these sessions went differently (UPDATE_GOLDEN=1 takes them over):\n{}",
        different.join("\n")
    );
}

/// The company in which the session of that name takes place.
async fn prepared(session: &str) -> Company {
    match session {
        "guard" => {
            let company = Company::with_people().await;
            company.hold_some().await;
            company
        }
        "reconcile" | "licenses" => {
            let company = Company::with_people().await;
            company.disturb().await;
            company
        }
        "match" => Company::with_people_and(&accounts_of_before()).await,
        "not-cut" => {
            let company = Company::with_people_and(&accounts_that_resist()).await;
            company.dismiss_some().await;
            company
        }
        _ => Company::with_people().await,
    }
}

/// Plays the commands of a session and answers the whole terminal.
async fn play(company: &Company, written: &str) -> String {
    let mut played = String::new();
    for command in written.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let arguments = words(&command.replace("$GRAPH", &company.graph.base_url()));
        let output = program(company, &arguments[1..]).output().await.unwrap();
        assert_eq!(arguments[0], "joinery");
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        writeln!(played, "$ {command}\n{out}").unwrap();
        played.truncate(played.trim_end().len());
        played.push('\n');
        err.lines().for_each(|line| writeln!(played, "! {line}").unwrap());
        match output.status.code() {
            Some(0) => {}
            code => writeln!(played, "? {}", code.unwrap()).unwrap(),
        }
        played.push('\n');
    }
    played.truncate(played.trim_end().len());
    played.push('\n');
    played.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The program in the company's directory, with nothing of our own environment.
pub(crate) fn program(company: &Company, arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_joinery"));
    command
        .args(arguments)
        .current_dir(company.path())
        .env_clear()
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    command
}

/// Words as a shell splits them: at blanks, but not within single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}
