//! The demo as a program.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use demo::company::Company;
use demo::operator::Operator;
use demo::play::Play;
use demo::scenario::Day;
use demo::terminal::Terminal;
use demo::{summary, tenant::Tenant};
use serde_json::json;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

/// The rest before each scene when somebody is watching.
const PAUSE: Duration = Duration::from_millis(100);

/// Plays a day in the life of a company on this machine, then serves until Ctrl-C.
///
/// Starts the Graph emulator with its demo tenant, and Joinery with all its functions, on free ports of this machine; sends real,
/// signed HR webhooks; shows person by person what becomes of them.
///
/// Exit codes: 0, the day ended exactly as it should; 1, it did not; 2, it could not be played.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Play the day and exit
    #[arg(long)]
    once: bool,
    /// Where to keep policy, secrets and data: an empty directory [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let day = Day::load()?;
    // Removed when it goes out of sight.
    let temporary = match &arguments.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("joinery-demo-").tempdir()?),
    };
    let directory = arguments.data.as_deref().or(temporary.as_ref().map(TempDir::path)).unwrap_or(Path::new("."));
    let operator = Operator::find(directory, true)?;
    let mut company = Company::open(&day, directory).await?;
    let (graph, data) = (company.stage.url.to_string(), company.files.directory.display().to_string());
    let terminal = Terminal::new(&day);
    terminal.opening(&graph, &company.hooks, &data);
    let pause = if arguments.once { Duration::ZERO } else { PAUSE };
    let ending = Play::new(terminal, &company, &operator, pause).await?.run().await?;
    summary::table(&day, &ending);
    summary::verdict(&ending);
    let good = ending.differences.is_empty();
    if !arguments.once {
        serve(&mut company, &operator).await?;
    }
    company.joinery.shutdown().await;
    Ok(good)
}

async fn serve(company: &mut Company, operator: &Operator) -> Result<(), Box<dyn Error>> {
    let tenant: &Tenant = &company.stage.tenant;
    tenant.put("clock", &json!({"running": true})).await?;
    summary::what_next(company, operator);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        part = company.joinery.wait() => Err(format!("{part} ended").into()),
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("demo: {}", joinery::machine::chain(error.as_ref()));
            ExitCode::from(2)
        }
    }
}
