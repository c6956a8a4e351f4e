//! `joinery hr decode`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::ports::Clock;
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::{DecodeRequest, Secret, hr_decode_report};
use jiff::Timestamp;
use joinery::edge::SystemClock;

use super::{Answer, Answered};
use crate::print::{self, Format};

/// The longest body that is read, in bytes; the front door refuses far less.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Look at what HR systems send
#[derive(Args)]
pub(crate) struct Hr {
    #[command(subcommand)]
    command: HrCommand,
}

#[derive(Subcommand)]
enum HrCommand {
    Decode(Decode),
}

/// Judge a captured request as the front door would, and print the events in it; touches nothing
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
struct Decode {
    /// The kind of HR system: bamboohr or standard-webhooks
    #[arg(long, value_name = "SOURCE")]
    source: String,
    /// The connection's name; the source's if none is given
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// The kind that the subscribed address names
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A secret that may have signed it; may be repeated. Without any, the body is judged alone
    #[arg(long = "secret", value_name = "SECRET")]
    secrets: Vec<String>,
    /// When it was received; now, if not given
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Json)]
    output: Format,
    /// The raw body, as it was sent; `-` reads stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

const AFTER_HELP: &str = "\
Prints {\"signature\", \"verdict\", \"reason\", \"events\"}; personal e-mail and mobile are masked. Exit
code 0: accepted, handshake or ignored; 1: refused; 2: broken.

Examples:
  joinery hr decode --source standard-webhooks body.json
  joinery hr decode --source bamboohr --secret \"$BAMBOO_SECRET\" \\
    --header \"X-BambooHR-Signature: $SIGNATURE\" --header \"X-BambooHR-Timestamp: $TIMESTAMP\" body.json";

/// The error leaves the header out: it may be a signature.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `NAME: VALUE`")?;
    let name = name.trim().parse().map_err(|_| "that is no header's name")?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| "that is no header's value")?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl Hr {
    pub(crate) fn run(self) -> Answered {
        let HrCommand::Decode(decode) = self.command;
        decode.run()
    }
}

impl Decode {
    fn run(self) -> Answered {
        let body = read(&self.file)?;
        let secrets: Vec<Secret> = self.secrets.iter().map(|secret| Secret::new(secret)).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        let report = hr_decode_report(&DecodeRequest {
            source: &self.source,
            connection: self.connection.as_deref(),
            kind: self.kind.as_deref(),
            headers: &headers,
            secrets: &secrets,
            now: self.now.unwrap_or_else(|| SystemClock.now()),
            body: &body,
        })?;
        // There is no table of it: whoever decodes wants the JSON.
        let format = if self.output == Format::Table { Format::Json } else { self.output };
        print::item(format, &report.json, |_| String::new())?;
        Ok(Answer::of(report.exit_code == 0))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(BODY_BYTES_MAX).read_to_end(&mut body)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(BODY_BYTES_MAX).read_to_end(&mut body))
    };
    read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(body)
}
