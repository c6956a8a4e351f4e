//! The emulator as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use hr_emulator::{Company, Emulator, Machine, Options};
use serde_json::{Value, json};

/// An HR system's own API in memory, over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The company to start with, as JSON; without it, nobody works there
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

/// The machine's clock, from which the emulator's runs on until somebody sets it.
#[expect(clippy::disallowed_methods, reason = "the program is the edge that may ask the machine for the time")]
fn machine() -> Machine {
    Arc::new(jiff::Timestamp::now)
}

fn company(arguments: &Arguments) -> Result<Company, String> {
    let machine = machine();
    let seed = match &arguments.seed {
        None => json!({"now": machine().to_string()}),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str::<Value>(&text).map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    Company::from_seed(&seed, Options { machine: Some(machine), running: true }).map_err(|error| error.to_string())
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let emulator = Emulator::new(company(arguments)?);
    let listener = tokio::net::TcpListener::bind(arguments.listen).await;
    let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let running = emulator.serve(listener).map_err(|error| error.to_string())?;
    println!("listening on {}", running.base_url());
    tokio::select! {
        ended = running.wait() => ended.map_err(|error| error.to_string()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("hr-emulator: {problem}");
            ExitCode::from(2)
        }
    }
}
