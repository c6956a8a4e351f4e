//! `joinery`, the operator's program: one module per command, one way to print each kind of thing.

mod commands;
mod print;
mod whom;

use std::process::ExitCode;

use clap::Parser;

use commands::{Answer, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().run().await {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        // Whoever reads us has seen enough.
        Err(problem) if is_broken_pipe(problem.as_ref()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("joinery: {}", print::plain(&joinery::machine::chain(problem.as_ref())));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(problem: &(dyn std::error::Error + 'static)) -> bool {
    problem.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
