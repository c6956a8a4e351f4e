//! The emulator as a program.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use graph_emulator::{Emulator, Machine, Options, Tenant};
use serde_json::Value;

/// A Microsoft 365 tenant in memory, over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The tenant to start with, as JSON; without it, the demo company
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Issue and accept tokens only as the seed's `applications` allow
    #[arg(long)]
    strict_auth: bool,
}

/// The machine's clock, from which the emulator's runs on until somebody sets it.
#[expect(clippy::disallowed_methods, reason = "the program is the edge that may ask the machine for the time")]
fn machine() -> Machine {
    Arc::new(jiff::Timestamp::now)
}

fn tenant(arguments: &Arguments) -> Result<Tenant, String> {
    let options =
        Options { machine: Some(machine()), running: true, strict_auth: arguments.strict_auth, ..Options::default() };
    match &arguments.seed {
        None => Tenant::demo(options).map_err(|error| error.to_string()),
        Some(path) => Tenant::from_seed(&read(path)?, options).map_err(|error| error.to_string()),
    }
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let emulator = Emulator::new(tenant(arguments)?);
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
            eprintln!("graph-emulator: {problem}");
            ExitCode::from(2)
        }
    }
}
