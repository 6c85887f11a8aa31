//! Signals as things to do. Needs a tokio runtime. Never touches the terminal itself.

use std::io;

use rustix::process;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// SIGTERM or SIGINT: end, in order.
    End,
    /// SIGHUP: the terminal is gone; end without writing to it.
    HangUp,
    /// SIGTSTP: give the terminal back and stop ([`stop`]).
    Suspend,
    /// SIGCONT: take the terminal again ([`super::Screen::resume`]).
    Continue,
}

/// The signals that a program with a screen must answer.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
    hangup: Signal,
    stop: Signal,
    cont: Signal,
}

impl Signals {
    /// Starts listening. From here on none of them ends or stops the program by itself.
    pub fn listen() -> io::Result<Self> {
        let raw = |which: process::Signal| signal(SignalKind::from_raw(which.as_raw()));
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            stop: raw(process::Signal::TSTP)?,
            cont: raw(process::Signal::CONT)?,
        })
    }

    /// Waits for the next one. Nothing is lost if this is dropped half-way, as `select!` does.
    pub async fn next(&mut self) -> Call {
        tokio::select! {
            biased;
            _ = self.hangup.recv() => Call::HangUp,
            _ = self.term.recv() => Call::End,
            _ = self.int.recv() => Call::End,
            _ = self.cont.recv() => Call::Continue,
            _ = self.stop.recv() => Call::Suspend,
        }
    }
}

/// Stops the program as Ctrl-Z does; the screen must have been lent ([`super::Screen::lend`]) before. The whole process
/// group stops, so that a script around the program stops with it. Comes back when the program goes on, but the terminal
/// must only be taken again on [`Call::Continue`]: with several threads this may return a moment before the stop.
///
/// Returns false, and does nothing, where no shell could let the program go on again.
pub fn stop() -> io::Result<bool> {
    if !can_stop() {
        return Ok(false);
    }
    process::kill_current_process_group(process::Signal::STOP)?;
    Ok(true)
}

/// False if the program was started by the terminal itself: then nobody is there who could continue it.
pub fn can_stop() -> bool {
    process::getsid(None).is_ok_and(|session| session != process::getpid() && session != process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_signal_arrives_as_what_it_asks_for() {
        let mut signals = Signals::listen().unwrap();
        let cases = [
            (process::Signal::TERM, Call::End),
            (process::Signal::HUP, Call::HangUp),
            (process::Signal::TSTP, Call::Suspend),
            (process::Signal::CONT, Call::Continue),
            (process::Signal::INT, Call::End),
        ];
        for (sent, expected) in cases {
            process::kill_process(process::getpid(), sent).unwrap();
            assert_eq!(signals.next().await, expected, "{sent:?}");
        }
    }
}
