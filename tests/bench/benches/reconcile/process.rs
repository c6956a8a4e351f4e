//! Processes of this program in other parts, and what a process has used.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Instant;

/// Ticks of `/proc/self/stat` in a second ("proc(5)"; `CLK_TCK` is 100 on every Linux of ours).
const TICKS: f64 = 100.0;

/// A process that goes on until this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    /// What it said first.
    pub(crate) first_line: String,
}

impl Child {
    /// Starts one and waits for its first line.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = command(arguments).spawn().expect("a process");
        let mut first_line = String::new();
        let out = process.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut first_line).expect("its first line");
        Self { process, first_line: first_line.trim_end().to_owned() }
    }

    /// Runs one to its end and answers what it said.
    pub(crate) fn run(arguments: &[&str]) -> String {
        let mut process = command(arguments).spawn().expect("a process");
        let mut said = String::new();
        process.stdout.take().expect("its output").read_to_string(&mut said).expect("text");
        assert!(process.wait().expect("its end").success(), "{arguments:?} failed");
        said.trim_end().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// What some work took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// On the clock.
    pub(crate) seconds: f64,
    /// Of this process on all processors.
    pub(crate) cpu_seconds: f64,
    /// The most memory this process ever had, in MiB.
    pub(crate) peak_mib: f64,
}

impl Usage {
    /// Measures a piece of work.
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let answer = std::hint::black_box(work());
        let usage =
            Self { seconds: start.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu, peak_mib: peak_mib() };
        (answer, usage)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seconds, self.cpu_seconds, self.peak_mib)
    }
}

impl FromStr for Usage {
    type Err = std::num::ParseFloatError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let mut next = || numbers.next().unwrap_or(Ok(f64::NAN));
        Ok(Self { seconds: next()?, cpu_seconds: next()?, peak_mib: next()? })
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("procfs");
    // Fields are counted behind the program's name, which may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).map(|field| field.parse::<f64>().expect("ticks")).sum();
    ticks / TICKS
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().expect("kilobytes");
    kib / 1024.0
}
