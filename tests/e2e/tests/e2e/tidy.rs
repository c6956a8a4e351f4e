//! The rules the repository keeps about itself. Each is one test; what breaks it is listed with its place and its cure.

mod crates;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// What a program printed, run at the top of the checkout.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output().expect("the program starts");
    assert!(output.status.success(), "{program} {arguments:?} failed\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The files under version control, relative to the top; those just removed from the work tree are left out.
fn tracked() -> Vec<String> {
    let listed = printed("git", &["ls-files", "-z"]);
    assert!(!listed.is_empty(), "git lists no file");
    let root = root();
    listed.split_terminator('\0').filter(|path| root.join(path).is_file()).map(str::to_owned).collect()
}

/// Fails with everything that breaks a rule, one place a line.
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} to put right:\n  {}", findings.len(), findings.join("\n  "));
}
