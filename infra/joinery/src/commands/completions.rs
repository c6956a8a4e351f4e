//! `joinery completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Answer, Answered, Arguments};
use crate::print;

/// Print a shell's completion script
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery completions bash > ~/.local/share/bash-completion/completions/joinery")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Answered {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "joinery", &mut script);
        print::text(&String::from_utf8_lossy(&script))?;
        Ok(Answer::Yes)
    }
}
