//! How long each stage of a host may take before a run stops and asks.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How long a stage may take before it is said to hang, in seconds; 0: for ever. After it the run stops and asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deadlines {
    /// Waiting for the gate before anything is done, and again before the reboot.
    pub settle_s: u64,
    /// `host.disable` and `host.enable`.
    pub enable_s: u64,
    /// Emptying the host.
    pub evacuate_s: u64,
    /// Installing.
    pub update_s: u64,
    /// From the accepted reboot until the host is seen to go.
    pub down_s: u64,
    /// From gone until it is live again.
    pub up_s: u64,
    /// Until its storage is plugged and its cluster joined.
    pub storage_s: u64,
    /// Until its mirrors are in step.
    pub rebuild_s: u64,
    /// Until its guests are back.
    pub home_s: u64,
}

impl Default for Deadlines {
    /// Long enough for big machines: a server with terabytes of memory takes most of an hour through its firmware.
    fn default() -> Self {
        Self {
            settle_s: 4 * 3600,
            enable_s: 300,
            evacuate_s: 4 * 3600,
            update_s: 3600,
            down_s: 900,
            up_s: 3600,
            storage_s: 900,
            rebuild_s: 24 * 3600,
            home_s: 4 * 3600,
        }
    }
}

/// A deadline, by the stages that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Limit {
    /// Waiting until the pool is well and quiet, before anything is done and again before the reboot.
    Settle,
    /// Disabling and enabling.
    Enable,
    /// Emptying it.
    Evacuate,
    /// Installing.
    Update,
    /// Until it is seen to go down.
    Down,
    /// Until it is live again.
    Up,
    /// Until its storage is plugged and its cluster joined.
    Storage,
    /// Until its mirrors are in step.
    Rebuild,
    /// Until its guests are back.
    Home,
}

impl Limit {
    /// What it is for, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Settle => "wait for a well and quiet pool",
            Self::Enable => "disable the host, enable it",
            Self::Evacuate => "move its guests away",
            Self::Update => "install its updates",
            Self::Down => "see it go down",
            Self::Up => "see it boot and live",
            Self::Storage => "plug storage, join its cluster",
            Self::Rebuild => "bring its mirrors in step",
            Self::Home => "bring its guests back",
        }
    }
}

/// The longest deadline that can be asked for, in seconds; what is to last longer lasts for ever.
pub const LONGEST: u64 = 7 * 86_400;

/// Why a deadline cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// It has not the shape.
    #[error("a deadline is STAGE=TIME, such as up=2h; not `{0}`")]
    Shape(String),
    /// No such stage.
    #[error("`{stage}` has no deadline of its own; these have: {}", names())]
    Stage {
        /// What was given.
        stage: String,
    },
    /// No such time.
    #[error("`{time}` is no time for {stage}: write seconds or 90m, 2h, 1d, up to 7d; 0 waits for ever")]
    Time {
        /// Of which stage.
        stage: &'static str,
        /// What was given.
        time: String,
    },
}

fn names() -> String {
    let all = <Limit as strum::IntoEnumIterator>::iter().map(<&'static str>::from);
    all.collect::<Vec<_>>().join(", ")
}

impl Limit {
    /// Reads `up=2h`: which, and how many seconds.
    pub fn read(text: &str) -> Result<(Self, u64), LimitError> {
        let (stage, time) = text.split_once('=').ok_or_else(|| LimitError::Shape(text.to_owned()))?;
        let limit = Self::from_str(stage.trim()).map_err(|_| LimitError::Stage { stage: stage.trim().to_owned() })?;
        let wrong = || LimitError::Time { stage: limit.into(), time: time.to_owned() };
        let secs = if let Ok(secs) = time.trim().parse::<u64>() {
            secs
        } else {
            let (number, unit) =
                time.trim().split_at(time.trim().len() - time.trim().chars().next_back().map_or(0, char::len_utf8));
            let unit: u64 = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => return Err(wrong()),
            };
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(wrong)?
        };
        if secs > LONGEST { Err(wrong()) } else { Ok((limit, secs)) }
    }
}

impl Deadlines {
    /// One of them, in seconds; 0: for ever.
    pub const fn get(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Settle => self.settle_s,
            Limit::Enable => self.enable_s,
            Limit::Evacuate => self.evacuate_s,
            Limit::Update => self.update_s,
            Limit::Down => self.down_s,
            Limit::Up => self.up_s,
            Limit::Storage => self.storage_s,
            Limit::Rebuild => self.rebuild_s,
            Limit::Home => self.home_s,
        }
    }

    /// Sets one of them, in seconds; 0: for ever.
    pub const fn set(&mut self, limit: Limit, secs: u64) {
        let at = match limit {
            Limit::Settle => &mut self.settle_s,
            Limit::Enable => &mut self.enable_s,
            Limit::Evacuate => &mut self.evacuate_s,
            Limit::Update => &mut self.update_s,
            Limit::Down => &mut self.down_s,
            Limit::Up => &mut self.up_s,
            Limit::Storage => &mut self.storage_s,
            Limit::Rebuild => &mut self.rebuild_s,
            Limit::Home => &mut self.home_s,
        };
        *at = secs;
    }

    /// Those that are not as usual.
    pub fn changed(&self) -> Vec<Limit> {
        let usual = Self::default();
        <Limit as strum::IntoEnumIterator>::iter().filter(|limit| self.get(*limit) != usual.get(*limit)).collect()
    }

    /// How long the pool may be away because its coordinator reboots, in seconds; `None`: for ever.
    pub fn away(&self) -> Option<u64> {
        let all = [self.down_s, self.up_s, self.storage_s];
        all.iter().all(|secs| *secs > 0).then(|| all.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn deadlines_are_read_as_people_write_them() {
        assert_eq!(Limit::read("up=2h"), Ok((Limit::Up, 7_200)));
        assert_eq!(Limit::read("evacuate = 90m"), Ok((Limit::Evacuate, 5_400)));
        assert_eq!(Limit::read("home=45"), Ok((Limit::Home, 45)));
        assert_eq!(Limit::read("rebuild=0"), Ok((Limit::Rebuild, 0)));
        assert_eq!(Limit::read("rebuild=7d"), Ok((Limit::Rebuild, LONGEST)));
        for bad in
            ["up", "=2h", "up=", "up=2w", "up=-1", "up=8d", "up=99999999999999999999d", "up=h", "soak=3", "up=2µ", "up=1.5h"]
        {
            assert!(Limit::read(bad).is_err(), "{bad}");
        }
        assert!(Limit::read("boot=3").is_err_and(|e| e.to_string().contains("settle, enable, evacuate")));
    }

    #[test]
    fn each_deadline_is_its_own() {
        for limit in Limit::iter() {
            let mut deadlines = Deadlines::default();
            assert!(deadlines.changed().is_empty() && deadlines.get(limit) > 0);
            deadlines.set(limit, 77);
            assert_eq!((deadlines.get(limit), deadlines.changed()), (77, vec![limit]));
        }
        assert_eq!(Deadlines { up_s: 0, ..Deadlines::default() }.away(), None);
        assert_eq!(Deadlines::default().away(), Some(900 + 3600 + 900));
    }
}
