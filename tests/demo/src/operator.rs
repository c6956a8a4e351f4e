//! The operator's program, `joinery`, run as a person at a terminal runs it: a process of its own beside the running one.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io};

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::Instant;

/// How long one command may take.
const COMMAND_MAX: Duration = Duration::from_secs(20);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Why no command can be run.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The program is not there.
    #[error("{} is missing: `make run` builds it", .0.display())]
    Missing(PathBuf),
    /// It, or Cargo that builds it, cannot be started.
    #[error("a program cannot be run")]
    Machine(#[from] io::Error),
    /// What it prints cannot be read.
    #[error("what a program prints cannot be read")]
    Unreadable(#[from] JoinError),
    /// Cargo does not build it.
    #[error("joinery cannot be built")]
    Unbuildable,
    /// It hangs.
    #[error("`{0}` did not end within {limit} s", limit = COMMAND_MAX.as_secs())]
    Endless(String),
}

/// The program, and the data it is to work on.
#[derive(Debug)]
pub struct Operator {
    program: PathBuf,
    data: PathBuf,
}

/// What a command answered.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; None: it was killed.
    pub code: Option<i32>,
    /// What it printed, first its results, then its complaints.
    pub lines: Vec<String>,
}

impl Operator {
    /// The program beside this one. Under Cargo, which builds only what it was asked for, it is built first: whenever `fresh` is
    /// asked for, else if it is missing.
    pub fn find(data: &Path, fresh: bool) -> Result<Self, OperatorError> {
        let own = env::current_exe()?;
        let beside = own.ancestors().skip(1).find(|directory| !directory.ends_with("deps"));
        let program = beside.unwrap_or(Path::new("")).join(format!("joinery{}", env::consts::EXE_SUFFIX));
        if let Some(cargo) = env::var_os("CARGO").filter(|_| fresh || !program.exists()) {
            // Together with the demo, so that both are of one choice of features and nothing is built twice.
            let mut build = Command::new(cargo);
            build.args(["build", "--quiet", "--locked", "--package", "demo", "--package", "joinery"]);
            if !build.status()?.success() {
                return Err(OperatorError::Unbuildable);
            }
        }
        if !program.exists() {
            return Err(OperatorError::Missing(program));
        }
        Ok(Self { program, data: data.to_owned() })
    }

    /// The program as somebody here would type it.
    pub fn program(&self) -> String {
        let here = env::current_dir().ok();
        let path = here.as_deref().and_then(|here| self.program.strip_prefix(here).ok()).unwrap_or(&self.program);
        path.display().to_string()
    }

    /// Runs a command on the day's data.
    pub async fn run(&self, arguments: &[String]) -> Result<Said, OperatorError> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--data").arg(&self.data);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (results, complaints) = (read(child.stdout.take()), read(child.stderr.take()));
        let deadline = Instant::now() + COMMAND_MAX;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                child.kill()?;
                return Err(OperatorError::Endless(shell(arguments)));
            }
            tokio::time::sleep(LOOK).await;
        };
        let text = results.await?? + &complaints.await??;
        Ok(Said { code: status.code(), lines: text.lines().map(str::to_owned).collect() })
    }
}

/// Reads beside the waiting, so that a full pipe stops nobody.
fn read<R: Read + Send + 'static>(pipe: Option<R>) -> JoinHandle<io::Result<String>> {
    spawn_blocking(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_string(&mut text)?;
        }
        Ok(text)
    })
}

impl Said {
    /// The lines about people: those that begin with a person's id.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        let is_id = |line: &&str| line.split(' ').next().is_some_and(|word| word.contains(':') && !word.ends_with(':'));
        self.lines.iter().map(String::as_str).filter(is_id)
    }
}

/// A command as a shell takes it.
pub fn shell(arguments: &[String]) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/@".contains(letter);
    let quoted = |word: &String| {
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    let words: Vec<String> = arguments.iter().map(quoted).collect();
    format!("joinery {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let words = ["guard", "release", "bamboo:310", "--why", "Rui's last day"].map(str::to_owned);
        assert_eq!(shell(&words), "joinery guard release bamboo:310 --why 'Rui'\\''s last day'");
    }

    #[test]
    fn rows_are_the_lines_about_people() {
        let lines = ["PERSON  WHAT", "hr:7    held", "", "note: no clock", "bamboo:12  held"].map(str::to_owned);
        let said = Said { code: Some(0), lines: lines.into() };
        assert_eq!(said.rows().collect::<Vec<_>>(), ["hr:7    held", "bamboo:12  held"]);
    }
}
