//! `joinery up`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::ports::Controls;
use embedded::Durability;
use joinery::tenant::{Environment, PUBLIC_GRAPH, graph_address};
use joinery::up::{Options, Running, StartError, start};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{Answer, Answered, Data};

/// What is logged unless `RUST_LOG` says otherwise: our own story, and others' worries.
const LOGGED: &str = "warn,joinery=info,intake=info,people=info,accounts=info,groups=info,licenses=info,stage=info";

/// Run everything on this machine: webhook listener, queues, functions
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Up {
    /// The policy file; it is read once, so a change of it takes a restart
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Where to take webhooks; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8765")]
    listen: SocketAddr,
    /// Microsoft Graph, a national cloud's, or an emulator on this machine
    #[arg(long, value_name = "URL", default_value = PUBLIC_GRAPH)]
    graph_url: String,
    /// Follow the clock of an emulator on this machine
    #[arg(long, value_name = "URL")]
    clock: Option<Url>,
    /// How to log to stderr; JSON unless that is a terminal
    #[arg(long, value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,
}

const AFTER_HELP: &str = "\
The first line on stdout is `listening on http://ADDR`. HR systems post to /hr/CONNECTION[/KIND];
/healthz tells whether all is well. Ctrl-C finishes what is in hand and ends with 0; whatever is
left goes on at the next start.

Mode: a real tenant starts in observe (plans, writes nothing) until `joinery enforce`; an emulator
on this machine starts in enforce. Changing the policy file has no effect before a restart, which
has everybody looked at: try it with `joinery plan --policy FILE` first, and let guards stand over
removals.

Environment:
  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET   who we are
  CUT_CLIENT_ID, CUT_CLIENT_SECRET   who cuts access, with a quota of its own; else the first
  AZURE_AUTHORITY_HOST               where tokens come from, for a national cloud
  RUST_LOG                           what is logged
For an emulator on this machine all have defaults. Secrets that the policy names as `env:NAME` are
read here, too; a relative `file:PATH` is beside the policy.

Examples:
  joinery up --policy policy.toml
  joinery up --policy policy.toml --data /var/lib/joinery --listen 127.0.0.1:8080
  joinery up --policy demo.toml --graph-url http://127.0.0.1:4010 --clock http://127.0.0.1:4010";

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// For machines
    Json,
}

impl Up {
    pub(crate) async fn run(self) -> Answered {
        self.log();
        let options = Options {
            graph_url: graph_address(&self.graph_url)?,
            policy: self.policy,
            data: self.data.directory,
            listen: self.listen,
            clock_url: self.clock,
            environment: Environment::of_process(),
            durability: Durability::PowerLoss,
        };
        let mut signals = Signals::new()?;
        let running = match start(options).await {
            Err(StartError::Policy(error)) => {
                eprintln!("{}", error.render());
                return Err(StartError::Policy(error).into());
            }
            other => other?,
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "listening on http://{}", running.address())?;
        out.flush()?;
        drop(out);
        let switches = running.store().switches().await?;
        tracing::info!(address = %running.address(), mode = ?switches.mode, stopped = ?switches.stop, "up");
        serve(running, &mut signals).await
    }

    fn log(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
        let json = self.log_format.map_or(!std::io::stderr().is_terminal(), |format| format == LogFormat::Json);
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // A second subscriber in one process is a mistake that harms nobody.
        let _ = if json {
            builder.json().flatten_event(true).try_init()
        } else {
            let colored = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
            builder.with_ansi(colored).try_init()
        };
    }
}

async fn serve(mut running: Running, signals: &mut Signals) -> Answered {
    tokio::select! {
        part = running.wait() => return Err(format!("{part} ended, and so does everything").into()),
        () = signals.any() => {}
    }
    tracing::info!("stopping: finishing what is in hand");
    tokio::select! {
        finished = running.shutdown() => {
            if !finished {
                tracing::warn!("not everything was finished in time: the rest goes on at the next start");
            }
        }
        () = signals.any() => tracing::warn!("stopped at once: what was in hand goes on at the next start"),
    }
    Ok(Answer::Yes)
}

/// What asks a program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
