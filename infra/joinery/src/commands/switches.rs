//! `joinery observe|enforce|stop|resume`: the operator's switches.

use clap::Args;
use domain::ports::{Controls, Mode, Stop as Stopped, Switches};
use joinery::desk::Desk;
use serde::Serialize;

use super::{Answer, Answered, Data};
use crate::print::{self, Output};

/// Plan only: write nothing to the tenant, raise a page for a cut that falls due
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery observe")]
pub(crate) struct Observe {
    #[command(flatten)]
    turn: Turn,
}

/// Carry out what is planned
#[derive(Debug, Args)]
#[command(after_help = "Look at `joinery plan` first: it shows what will be done.\n\nExample:\n  joinery enforce")]
pub(crate) struct Enforce {
    #[command(flatten)]
    turn: Turn,
}

/// Hold every write to the tenant; cuts of access go on
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  joinery stop\n  joinery stop --all")]
pub(crate) struct Stop {
    /// Hold cuts, too; each one that is held raises a page
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    turn: Turn,
}

/// Go on after `joinery stop`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  joinery resume")]
pub(crate) struct Resume {
    #[command(flatten)]
    turn: Turn,
}

impl Observe {
    pub(crate) async fn run(self) -> Answered {
        self.turn.run(|before| Switches { mode: Mode::Observe, ..before }).await
    }
}

impl Enforce {
    pub(crate) async fn run(self) -> Answered {
        self.turn.run(|before| Switches { mode: Mode::Enforce, ..before }).await
    }
}

impl Stop {
    pub(crate) async fn run(self) -> Answered {
        let stop = if self.all { Stopped::Everything } else { Stopped::AllButCuts };
        self.turn.run(|before| Switches { stop, ..before }).await
    }
}

impl Resume {
    pub(crate) async fn run(self) -> Answered {
        self.turn.run(|before| Switches { stop: Stopped::Nothing, ..before }).await
    }
}

/// What turning a switch takes.
#[derive(Debug, Args)]
struct Turn {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    output: Output,
}

/// What was changed.
#[derive(Debug, Serialize)]
struct Turned {
    before: Position,
    after: Position,
    /// How many people are looked at again, because something holds them no longer.
    woken: usize,
}

/// The switches in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Position {
    pub(super) mode: &'static str,
    pub(super) stopped: &'static str,
}

impl From<Switches> for Position {
    fn from(switches: Switches) -> Self {
        let mode = match switches.mode {
            Mode::Observe => "observe",
            Mode::Enforce => "enforce",
        };
        let stopped = match switches.stop {
            Stopped::Nothing => "nothing",
            Stopped::AllButCuts => "all but cuts",
            Stopped::Everything => "everything",
        };
        Self { mode, stopped }
    }
}

impl Turn {
    async fn run(self, turn: impl Fn(Switches) -> Switches) -> Answered {
        let desk = self.data.open().await?;
        let before = desk.store.switches().await?;
        let after = turn(before);
        set(&desk, before, after)?;
        let woken = if loosens(before, after) { desk.store.wake_all(desk.clock.now())? } else { 0 };
        let turned = Turned { before: before.into(), after: after.into(), woken };
        print::item(self.output.format, &turned, show)?;
        Ok(Answer::Yes)
    }
}

/// One switch at a time, so that one turned by somebody else meanwhile stays turned.
fn set(desk: &Desk, before: Switches, after: Switches) -> Result<(), domain::ports::StoreError> {
    if after.mode == before.mode { desk.store.set_stop(after.stop) } else { desk.store.set_mode(after.mode) }
}

/// Whether something may be done now that might not before.
fn loosens(before: Switches, after: Switches) -> bool {
    let held = |stop| match stop {
        Stopped::Nothing => 0,
        Stopped::AllButCuts => 1,
        Stopped::Everything => 2,
    };
    held(after.stop) < held(before.stop) || (before.mode == Mode::Observe && after.mode == Mode::Enforce)
}

fn show(turned: &Turned) -> String {
    let Turned { before, after, woken } = turned;
    let line = |name: &str, before: &str, after: &str| {
        if before == after { format!("{name}: {after}\n") } else { format!("{name}: {after} (was: {before})\n") }
    };
    let woken = if *woken == 0 { String::new() } else { format!("people looked at again: {woken}\n") };
    line("mode", before.mode, after.mode) + &line("stopped", before.stopped, after.stopped) + &woken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_looked_at_again_when_a_brake_is_let_go_and_not_when_it_is_set() {
        let at = |mode, stop| Switches { mode, stop };
        let check = |before, after, expected| assert_eq!(loosens(before, after), expected, "{before:?} to {after:?}");
        let (observe, enforce) = (Mode::Observe, Mode::Enforce);
        check(at(observe, Stopped::Nothing), at(enforce, Stopped::Nothing), true);
        check(at(enforce, Stopped::Nothing), at(observe, Stopped::Nothing), false);
        check(at(enforce, Stopped::Nothing), at(enforce, Stopped::AllButCuts), false);
        check(at(enforce, Stopped::Everything), at(enforce, Stopped::AllButCuts), true);
        check(at(enforce, Stopped::AllButCuts), at(enforce, Stopped::Nothing), true);
        check(at(enforce, Stopped::Nothing), at(enforce, Stopped::Nothing), false);
    }
}
