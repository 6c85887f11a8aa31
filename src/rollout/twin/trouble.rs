//! What goes wrong while a round is rehearsed or proven, and when. Each has a text that it is read from again.

use super::book::Death;
use super::hands::Mishap;
use crate::rollout::entry::Command;
use crate::sim::world::Fault;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// When the journal has this many lines: between any two steps of a run.
    Line(usize),
    /// So long after the start.
    After(Duration),
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Our program is killed at that line (or the first one after that time), and started again after so many seconds, with its clock
    /// off by so many.
    Kill {
        /// How.
        how: Death,
        /// Seconds until it is started again.
        away_s: u64,
        /// What its clock jumps by meanwhile, in seconds.
        jump_s: i64,
    },
    /// Something befalls the next call.
    Call(Mishap),
    /// Events are told so many seconds late.
    Late(u64),
    /// Events are lost.
    Lost,
    /// Something befalls the pool.
    Pool(Fault),
    /// A second operator does something.
    Captain(Deed),
    /// Our own operator says something.
    Command(Command),
}

/// What a second operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Replaces our claim by another.
    TakeClaim,
    /// Takes our claim away.
    DropClaim,
    /// Disables the host that comes next.
    DisableNext,
    /// Enables the host that is being worked on.
    EnableCurrent,
    /// Starts a halted guest, wherever xapi puts it.
    StartGuest,
    /// Moves a guest somewhere else.
    MoveGuest,
    /// Reboots the host that comes next, by the book.
    RebootNext,
}

/// Something that goes wrong at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}

const DEEDS: [(&str, Deed); 7] = [
    ("take-claim", Deed::TakeClaim),
    ("drop-claim", Deed::DropClaim),
    ("disable-next", Deed::DisableNext),
    ("enable-current", Deed::EnableCurrent),
    ("start-guest", Deed::StartGuest),
    ("move-guest", Deed::MoveGuest),
    ("reboot-next", Deed::RebootNext),
];

const DEATHS: [(&str, Death); 4] =
    [("before", Death::Before), ("torn", Death::Torn), ("after", Death::After), ("full", Death::Full)];

const MISHAPS: [(&str, Mishap); 3] = [("lost", Mishap::Lost), ("mute", Mishap::Mute), ("unsent", Mishap::Unsent)];

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Result<T, String> {
    let known = || table.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ");
    table.iter().find(|(n, _)| *n == name).map(|(_, t)| *t).ok_or_else(|| format!("`{name}` is none of {}", known()))
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], what: &T) -> &'static str {
    table.iter().find(|(_, t)| t == what).map_or("", |(n, _)| n)
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

impl FromStr for Trouble {
    type Err = String;

    /// `line=17 kill torn 30 0`, `after=300 pool crash host=b`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (when, rest) = text.trim().split_once(' ').ok_or_else(|| format!("`{text}` does not say what happens"))?;
        let when = match when.split_once('=') {
            Some(("line", n)) => When::Line(number(n)?),
            Some(("after", ms)) => When::After(Duration::from_millis(number(ms)?)),
            _ => return Err(format!("`{when}` is neither line=N nor after=MILLISECONDS")),
        };
        let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        let what = match (kind, words.as_slice()) {
            ("kill", [how, away, jump]) => What::Kill { how: named(&DEATHS, how)?, away_s: number(away)?, jump_s: number(jump)? },
            ("call", [how]) => What::Call(named(&MISHAPS, how)?),
            ("late", [secs]) => What::Late(number(secs)?),
            ("lost", _) => What::Lost,
            ("pool", _) => What::Pool(rest.parse().map_err(|e| format!("{e}"))?),
            ("captain", [deed]) => What::Captain(named(&DEEDS, deed)?),
            ("command", _) => What::Command(serde_json::from_str(rest).map_err(|e| e.to_string())?),
            _ => return Err(format!("`{kind} {rest}` is nothing that happens")),
        };
        Ok(Self { when, what })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Line(n) => write!(f, "line={n} ")?,
            When::After(d) => write!(f, "after={} ", d.as_millis())?,
        }
        match &self.what {
            What::Kill { how, away_s, jump_s } => write!(f, "kill {} {away_s} {jump_s}", name_of(&DEATHS, how)),
            What::Call(how) => write!(f, "call {}", name_of(&MISHAPS, how)),
            What::Late(secs) => write!(f, "late {secs}"),
            What::Lost => write!(f, "lost"),
            What::Pool(fault) => write!(f, "pool {fault}"),
            What::Captain(deed) => write!(f, "captain {}", name_of(&DEEDS, deed)),
            What::Command(command) => write!(f, "command {}", serde_json::to_string(command).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_is_read_back_from_its_text() {
        for text in [
            "line=17 kill torn 30 -3600",
            "line=0 kill full 5 0",
            "after=300500 pool crash host=b",
            "line=3 pool late-rebuild by=20",
            "line=4 call mute",
            "after=10 late 40",
            "line=9 lost",
            "line=9 captain reboot-next",
            "line=12 command {\"command\":\"pause\"}",
            "line=12 command {\"command\":\"skip\",\"host\":1}",
        ] {
            let trouble: Trouble = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(trouble.to_string(), text);
        }
        for bad in ["", "line=x kill torn 1 1", "kill torn", "line=1 dance", "line=1 pool dance", "line=1 kill torn"] {
            assert!(bad.parse::<Trouble>().is_err(), "{bad}");
        }
    }
}
