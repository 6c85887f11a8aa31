//! One captain: the claim that a run lays on its pool, for every other operator and program to see (I4).
//!
//! Two keys of `pool.other_config`. [`KEY`] is the claim itself; it is added once, which fails if it is there, and is never changed,
//! so that there is no moment without it. [`RENEWED`] says that its owner still lives, and what it is doing. Only text in and out:
//! nothing here makes a call.

use crate::text;
use crate::time::Time;
use crate::xenapi::record::Config;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The claim.
pub const KEY: &str = "poolwatch:claim";
/// When its owner was last seen alive, by the owner's clock.
pub const RENEWED: &str = "poolwatch:claim-renewed";
/// How long a claim holds that is not renewed, in seconds. While the coordinator reboots nothing can be renewed, which may take longer;
/// but then nobody else can take it either, and one that ran out is never taken without an operator who says so.
pub const TTL_S: u64 = 900;
/// How often it is renewed: a third of the time that it holds.
pub const RENEW_EVERY: Duration = Duration::from_secs(TTL_S / 3);
/// Longest text of a claim that is shown, in characters.
const SHOWN: usize = 120;

/// A claim on a pool, ours or somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who: `user@machine`. Empty if the claim cannot be read.
    pub owner: String,
    /// Process of the owner; 0: not known. For people only.
    pub pid: u32,
    /// Name of the run.
    pub run: String,
    /// When it was taken, by the owner's clock; `None`: cannot be read.
    pub taken: Option<Time>,
    /// When it was last renewed, by the owner's clock; `None`: cannot be read.
    pub renewed: Option<Time>,
    /// How long it holds without being renewed, in seconds.
    pub ttl_s: u64,
    /// What the owner does, in its own words.
    pub text: String,
}

#[derive(Serialize, Deserialize)]
struct OnWire {
    owner: String,
    run: String,
    #[serde(default)]
    pid: u32,
    taken: Time,
    #[serde(default = "usual")]
    ttl_s: u64,
    #[serde(default)]
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Renewal {
    at: Time,
    #[serde(default)]
    text: String,
}

const fn usual() -> u64 {
    TTL_S
}

/// The claim that was read last: the machine asks whose the pool is several times a turn, and the same text is read once.
#[derive(Debug, Default)]
pub struct LastRead(RefCell<Option<Reading>>);

/// The two entries as they were written, and what they mean.
type Reading = (String, String, Option<Arc<Claim>>);

impl LastRead {
    /// As [`Claim::of`].
    pub fn claim(&self, other_config: &Config) -> Option<Arc<Claim>> {
        let [claim, renewed] = [KEY, RENEWED].map(|key| other_config.get(key).unwrap_or_default());
        if claim.is_empty() {
            return Claim::of(other_config).map(Arc::new);
        }
        let mut last = self.0.borrow_mut();
        match &*last {
            Some((text, at, known)) if (text.as_str(), at.as_str()) == (claim, renewed) => known.clone(),
            _ => {
                let read = Claim::of(other_config).map(Arc::new);
                *last = Some((claim.to_owned(), renewed.to_owned(), read.clone()));
                read
            }
        }
    }
}

impl Claim {
    /// A claim that `owner` (`user@machine`) lays on a pool for `run` now.
    pub fn new(owner: &str, run: &str, now: Time, text: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            pid: 0,
            run: run.to_owned(),
            taken: Some(now),
            renewed: Some(now),
            ttl_s: TTL_S,
            text: text.to_owned(),
        }
    }

    /// As it stands at [`KEY`].
    pub fn to_value(&self) -> String {
        let on_wire = OnWire {
            owner: self.owner.clone(),
            run: self.run.clone(),
            pid: self.pid,
            taken: self.taken.unwrap_or(Time::EPOCH),
            ttl_s: self.ttl_s,
            text: self.text.clone(),
        };
        // Text and numbers: this cannot fail; should it, nobody can read it, which everybody takes for a claim of someone else.
        serde_json::to_string(&on_wire).unwrap_or_default()
    }

    /// The claim on a pool with this `other_config`; `None`: there is none. What cannot be read is a claim of an unknown owner.
    pub fn of(other_config: &Config) -> Option<Self> {
        let value = other_config.get(KEY)?;
        let renewal = other_config.get(RENEWED).and_then(|text| serde_json::from_str::<Renewal>(text).ok());
        let Ok(claim) = serde_json::from_str::<OnWire>(value) else {
            return Some(Self {
                owner: String::new(),
                pid: 0,
                run: String::new(),
                taken: None,
                renewed: renewal.map(|renewal| renewal.at),
                ttl_s: TTL_S,
                text: value.chars().take(SHOWN).collect(),
            });
        };
        // A renewal that is older than the claim is left over from one before.
        let renewal = renewal.filter(|renewal| renewal.at >= claim.taken);
        let (renewed, text) = match renewal {
            Some(renewal) if !renewal.text.is_empty() => (renewal.at, renewal.text),
            Some(renewal) => (renewal.at, claim.text),
            None => (claim.taken, claim.text),
        };
        Some(Self {
            owner: claim.owner,
            pid: claim.pid,
            run: claim.run,
            taken: Some(claim.taken),
            renewed: Some(renewed),
            ttl_s: claim.ttl_s.clamp(1, 7 * 86_400),
            text,
        })
    }

    /// Whether it is this run's, laid by this owner.
    pub fn is_ours(&self, owner: &str, run: &str) -> bool {
        self.taken.is_some() && self.owner == owner && self.run == run
    }

    /// Whether it ran out: its owner has not renewed it for longer than it holds. An unreadable claim never runs out, nor does one
    /// from the future.
    pub fn is_dead(&self, now: Time) -> bool {
        self.taken.is_some() && self.renewed.is_some_and(|at| now.since(at) > Duration::from_secs(self.ttl_s))
    }

    /// Whether an operator may take it over, being told what it says: it ran out, or nobody can say when it would.
    pub fn may_be_taken_over(&self, now: Time) -> bool {
        let from_the_future = self.renewed.is_some_and(|at| at.since(now) > Duration::from_secs(self.ttl_s));
        self.is_dead(now) || self.taken.is_none() || from_the_future
    }

    /// Whether it is time to renew it.
    pub fn is_due(&self, now: Time) -> bool {
        self.renewed.is_none_or(|at| now.since(at) >= RENEW_EVERY)
    }

    /// Whose it is, since when, and whether its owner lives, as half a sentence without its full stop; safe to show.
    pub fn words(&self, now: Time) -> String {
        if self.taken.is_none() {
            return format!("a claim that cannot be read ({})", text::clean(&self.text, SHOWN));
        }
        let ago = |at: Option<Time>| text::duration(now.since(at.unwrap_or(now)));
        let (owner, run) = (text::clean(&self.owner, SHOWN), text::clean(&self.run, SHOWN));
        let state = match self.renewed {
            Some(at) if at.since(now) > Duration::from_secs(self.ttl_s) => {
                "renewed in the future: its owner's clock and ours differ".to_owned()
            }
            renewed if self.is_dead(now) => {
                let holds = text::duration(Duration::from_secs(self.ttl_s));
                format!("not renewed for {} (it holds for {holds}): its owner seems to be dead", ago(renewed))
            }
            renewed => format!("renewed {} ago", ago(renewed)),
        };
        let does = if self.text.is_empty() { String::new() } else { format!(", doing: {}", text::clean(&self.text, SHOWN)) };
        format!("run {run} of {owner}, taken {} ago, {state}{does}", ago(self.taken))
    }
}

impl fmt::Display for Claim {
    /// Whose it is, safe to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.taken.is_none() {
            return f.write_str("a claim that cannot be read");
        }
        write!(f, "run {} of {}", text::clean(&self.run, SHOWN), text::clean(&self.owner, SHOWN))
    }
}

/// As it stands at [`RENEWED`].
pub fn renewal(at: Time, text: &str) -> String {
    serde_json::to_string(&Renewal { at, text: text.to_owned() }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "admin@desk";

    fn at(secs: i64) -> Time {
        Time::from_secs(1_795_220_000 + secs)
    }

    fn config(claim: &str, renewed: Option<&str>) -> Config {
        match renewed {
            Some(renewed) => Config::from([(KEY, claim), (RENEWED, renewed)]),
            None => Config::from([(KEY, claim)]),
        }
    }

    #[test]
    fn a_claim_comes_back_as_it_was_and_is_ours_only_if_owner_and_run_agree() {
        let claim = Claim::new(ME, "r1", at(0), "reboot of 3 hosts");
        let read = Claim::of(&config(&claim.to_value(), None)).expect("there is one");
        assert_eq!(read, claim);
        assert!(read.is_ours(ME, "r1") && !read.is_ours(ME, "r2") && !read.is_ours("admin@other", "r1"));
        assert_eq!(Claim::of(&Config::default()), None);
    }

    #[test]
    fn renewals_keep_it_alive_and_say_what_is_done() {
        let claim = Claim::new(ME, "r1", at(0), "begins").to_value();
        let read = |renewed: Option<&str>| Claim::of(&config(&claim, renewed)).expect("there is one");
        assert!(!read(None).is_dead(at(900)) && read(None).is_dead(at(901)));
        assert!(!read(None).is_due(at(299)) && read(None).is_due(at(300)));
        let later = renewal(at(600), "xcp2: rebuild");
        let renewed = read(Some(&later));
        assert!(!renewed.is_dead(at(1_400)) && renewed.is_dead(at(1_501)));
        assert_eq!(renewed.text, "xcp2: rebuild");
        assert!(renewed.words(at(1_400)).contains("doing: xcp2: rebuild"), "{}", renewed.words(at(1_400)));
        assert!(renewed.words(at(1_600)).contains("seems to be dead"));
        // Left over from a claim before.
        assert_eq!(read(Some(&renewal(at(-50), "old"))).renewed, Some(at(0)));
        assert_eq!(read(Some("rubbish")).renewed, Some(at(0)));
    }

    #[test]
    fn rubbish_is_a_claim_of_someone_else_that_never_runs_out_by_itself() {
        for rubbish in ["", "{", "null", "[]", "{\"owner\":1}", "\u{1b}[2Jhello", &"x".repeat(100_000)] {
            let claim = Claim::of(&config(rubbish, Some(rubbish))).expect("a claim all the same");
            assert!(!claim.is_ours("", "") && !claim.is_dead(at(1_000_000)), "{rubbish:?}");
            assert!(claim.may_be_taken_over(at(0)));
            let said = claim.words(at(0));
            assert!(said.len() < 600 && !said.contains('\u{1b}'), "{said}");
        }
    }

    #[test]
    fn a_living_claim_cannot_be_taken_over_and_one_from_the_future_can() {
        let claim = Claim::new(ME, "r1", at(0), "");
        assert!(!claim.may_be_taken_over(at(10)) && claim.may_be_taken_over(at(901)));
        assert!(!claim.may_be_taken_over(at(-60)), "clocks differ a little");
        assert!(claim.may_be_taken_over(at(-2_000)) && !claim.is_dead(at(-2_000)));
        assert!(claim.words(at(-2_000)).contains("future"));
        let odd = format!("{{\"owner\":\"a\",\"run\":\"b\",\"taken\":{},\"ttl_s\":18446744073709551615}}", at(0).as_millis());
        assert!(Claim::of(&config(&odd, None)).expect("readable").is_dead(at(8 * 86_400)), "nobody claims for ever");
    }
}
