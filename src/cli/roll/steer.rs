//! Drives a run without a screen: prints what happens, obeys signals, writes the report at the end.

use super::say::Say;
use super::watch::Watch;
use crate::rollout::driver::{Consent, Driver, End, Order, Told};
use crate::rollout::engine::Engine;
use crate::rollout::entry::{Command, RunResult};
use crate::rollout::journal::{Line, file};
use crate::rollout::progress::Progress;
use crate::rollout::report::{Report, Teller, html, markdown};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

/// A run, ready to be driven.
pub struct Begun {
    /// The run.
    pub engine: Engine<Told>,
    /// What its journal held before.
    pub before: Vec<Line>,
    /// What is written into it from now on.
    pub lines: mpsc::UnboundedReceiver<Line>,
    /// Said to it first.
    pub first: Vec<Command>,
}

/// Drives a run to its end, or until it has to be left; says how it ended.
pub async fn steer(watch: Watch, begun: Begun, say: &mut Say) -> (RunResult, String) {
    let Begun { engine, before, mut lines, first } = begun;
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return (RunResult::Refused, format!("cannot listen for signals, and a round must be stoppable: {error}")),
    };
    let journal = engine.log.path().to_owned();
    let (clock, called, lender) = (watch.clock.clone(), watch.called.clone(), watch.lender.clone());
    say.of_run(&engine.run.id);
    let mut teller = Teller::default();
    for line in &before {
        teller.tell(line.at, &line.entry);
    }
    say.word(clock.now(), "journal", &format!("Journal: {}", journal.display()));
    let (pool, seen, farewell) = watch.split();
    let (order, orders) = mpsc::channel(8);
    let (shown, mut progress) = watch::channel(Progress::default());
    for command in first {
        let (answer, _) = oneshot::channel();
        let _ = order.try_send(Order::Command(command, answer));
    }
    let deadlines = engine.run.plan.options.deadlines;
    // Long enough for the slowest coordinator to reboot.
    let patience = deadlines.away().map(Duration::from_secs);
    let consent = Consent::given_by_the_operator();
    let driver = Driver { engine, pool, lender, clock: clock.clone(), consent, patience };
    let driving = driver.drive(seen, orders, shown);
    tokio::pin!(driving);
    let mut stuck = None;
    let end = loop {
        tokio::select! {
            biased;
            told = signals.next() => {
                let again = signals.interrupts;
                match told {
                    Asked::StopAfterHost if again == 1 => {
                        let text = "Interrupted: ends after the host that is being worked on. Once more leaves now.";
                        say.word(clock.now(), "signal", text);
                        let (answer, answered) = oneshot::channel();
                        let _ = order.try_send(Order::Command(Command::StopAfterHost, answer));
                        drop(answered);
                    }
                    _ => {
                        say.word(clock.now(), "signal", "Leaves now; what was begun in the pool goes on there.");
                        let _ = order.try_send(Order::Leave);
                    }
                }
            }
            Some(line) = lines.recv() => {
                if let Some(event) = teller.tell(line.at, &line.entry) {
                    say.event(&event);
                }
            }
            Ok(()) = progress.changed() => {
                // Nobody is there to say what to do: the run is left where it is safe, and who resumes it decides.
                let now = progress.borrow_and_update().stuck.clone();
                if now.is_some() && stuck.is_none() {
                    let _ = order.try_send(Order::Leave);
                }
                stuck = now;
            }
            end = &mut driving => break end,
        }
    };
    while let Ok(line) = lines.try_recv() {
        if let Some(event) = teller.tell(line.at, &line.entry) {
            say.event(&event);
        }
    }
    farewell.say().await;
    for text in write_reports(&journal) {
        say.word(clock.now(), "report", &text);
    }
    let resume = format!("Go on with: poolwatch roll {called} --resume (or --abort to end it and put everything back)");
    match end {
        End::Over(result, text) => (result, text),
        End::Left => match stuck {
            Some((why, todo)) => (RunResult::Stopped, format!("{why} What to do: {todo} {resume}")),
            None => (RunResult::Stopped, format!("The round was left, and its journal keeps it. {resume}")),
        },
        End::Unwritable(why) => (RunResult::Stopped, format!("{why}. {resume}")),
        End::Unfollowed(why) => (RunResult::Unknown, format!("The pool cannot be followed any more: {why}. {resume}")),
    }
}

/// Writes the reports beside the journal; says where, or why not.
pub fn write_reports(journal: &Path) -> Vec<String> {
    let lines = match file::read(journal) {
        Ok(journal) => journal.lines,
        Err(error) => return vec![format!("No report: {error}")],
    };
    let report = Report::of(&lines);
    let write = |end: &str, text: String| -> String {
        let path = report_path(journal, end);
        match std::fs::write(&path, text) {
            Ok(()) => format!("Report: {}", path.display()),
            Err(error) => format!("The report {} cannot be written: {error}", path.display()),
        }
    };
    vec![write("md", markdown(&report)), write("html", html(&report))]
}

/// Where the report of a journal is written.
pub fn report_path(journal: &Path, end: &str) -> PathBuf {
    journal.with_extension(end)
}

/// What a signal asks for.
enum Asked {
    StopAfterHost,
    Leave,
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    interrupts: u32,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupts: 0,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => {
                self.interrupts += 1;
                Asked::StopAfterHost
            }
            _ = self.terminate.recv() => Asked::Leave,
            _ = self.hangup.recv() => Asked::Leave,
        }
    }
}
