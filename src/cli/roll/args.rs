//! The arguments of `poolwatch roll`. Only shapes, and what single words mean.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

use crate::cli::args::ConnectArgs;
use crate::rollout::plan::{Accepted, Limit, Scope, Wanted};
use clap::Args;
use std::path::PathBuf;

/// `poolwatch roll`
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("action").required(true))]
pub struct RollArgs {
    /// The pool: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    pub target: Option<String>,

    /// Reboot the hosts, one after the other
    #[arg(long, group = "action")]
    pub reboot: bool,
    /// Install what the hosts lack, and reboot them, one after the other
    #[arg(long, group = "action")]
    pub update: bool,
    /// Go on with the round of this pool that is not over
    #[arg(long, group = "action")]
    pub resume: bool,
    /// Go on with it, and first try again to put back what could not be
    #[arg(long, group = "action")]
    pub restore: bool,
    /// End it as soon as that is safe, and put back what it changed
    #[arg(long, group = "action")]
    pub abort: bool,
    /// Print the report of a journal; asks no pool
    #[arg(long, group = "action", value_name = "JOURNAL", conflicts_with = "target")]
    pub report: Option<PathBuf>,

    /// Which hosts, by name or uuid, in this order [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "What to do")]
    pub hosts: Option<Vec<String>>,
    /// XenServer 7: which update, by name or uuid, if several were uploaded
    #[arg(long, value_name = "NAME", requires = "update", help_heading = "What to do")]
    pub pool_update: Option<String>,
    /// Only say what would be done, and what speaks against it; changes nothing
    #[arg(long, help_heading = "What to do")]
    pub plan: bool,
    /// Run the plan on a twin of the pool in this process, and say what happens; changes nothing, unless --yes is given too
    #[arg(long, help_heading = "What to do")]
    pub rehearse: bool,
    /// Rehearse this many times more, each time with something else going wrong
    #[arg(long, value_name = "N", requires = "rehearse", default_value_t = 0, help_heading = "What to do")]
    pub faults: u32,
    /// Do not ask; needed where there is no terminal to ask at
    #[arg(long, short, help_heading = "What to do")]
    pub yes: bool,
    /// Take the pool over from an owner of a claim that is dead
    #[arg(long, help_heading = "What to do")]
    pub take_over: bool,
    /// The pool's database went back in time, and you have looked at what was lost by that
    #[arg(long, help_heading = "What to do")]
    pub database_checked: bool,
    /// The journal to go on with [default: the newest of this pool]
    #[arg(long, value_name = "FILE", help_heading = "What to do")]
    pub journal: Option<PathBuf>,
    /// Refuse to change anything
    #[arg(long, help_heading = "What to do")]
    pub read_only: bool,

    /// Accept a soft finding, with the reason that goes into the journal; may be given several times
    #[arg(long, value_name = "CODE[@ABOUT]=REASON", value_parser = accepted, help_heading = "How")]
    pub accept: Vec<Accepted>,
    /// Let a host whose clock is off have its storage all the same, with the reason that goes into the journal: short for --accept clock-skew
    #[arg(long, value_name = "[HOST=]REASON", value_parser = forced_clock, help_heading = "How")]
    pub force_clock: Vec<Accepted>,
    /// Shut down guests that cannot move, and start them again where they were
    #[arg(long, help_heading = "How")]
    pub shut_down_pinned: bool,
    /// Guests that leave a host at a time [default: as the pool is configured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), help_heading = "How")]
    pub batch: Option<u32>,
    /// The network that guests move over, by name or uuid [default: the management network]
    #[arg(long, value_name = "NAME", help_heading = "How")]
    pub network: Option<String>,
    /// Watch each host for so many seconds before the next one goes [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=604_800), help_heading = "How")]
    pub soak: Option<u64>,
    /// Nothing may be rebuilt for so many seconds before the next one goes; never less than the pool needs
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=604_800), help_heading = "How")]
    pub settle: Option<u64>,
    /// How long a stage may take before the round stops and asks, in seconds or as 90m, 2h, 1d; 0: for ever. The stages are settle, enable,
    /// evacuate, update, down, up, storage, rebuild, home (docs/operating.md has what they are by themselves); may be given several times
    #[arg(long, value_name = "STAGE=TIME", value_parser = Limit::read, help_heading = "How")]
    pub deadline: Vec<(Limit, u64)>,
    /// Begin no host after this time: 05:00, or 2026-11-22T05:00
    #[arg(long, value_name = "TIME", help_heading = "How")]
    pub not_after: Option<String>,
    /// Leave guests where they went
    #[arg(long, help_heading = "How")]
    pub no_home: bool,

    /// Print JSON, one object a line (documented in docs/json.md); with --report the whole report
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// With --report: write it as one HTML file
    #[arg(long, value_name = "OUT", requires = "report", conflicts_with_all = ["json", "md"], help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// With --report: print Markdown, which is the default
    #[arg(long, requires = "report", conflicts_with = "json", help_heading = "Output")]
    pub md: bool,
    /// Give up if the pool was not read within so many seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", help_heading = "Output")]
    pub timeout: u64,

    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// What is recorded
    #[command(flatten)]
    pub recording: crate::cli::args::RecordingArgs,
    /// Seconds of a simulated pool's time in one of ours; only for `poolwatch sim` on this machine
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = crate::cli::sim::speed, help_heading = "Output")]
    pub sim_speed: f64,
}

impl RollArgs {
    /// What is asked for.
    pub fn scope(&self) -> Scope {
        let wanted = if self.update { Wanted::Update } else { Wanted::Reboot };
        Scope { wanted, hosts: self.hosts.clone(), update: self.pool_update.clone() }
    }

    /// Whether a round is to go on that was begun before.
    pub const fn goes_on(&self) -> bool {
        self.resume || self.restore || self.abort
    }
}

/// `CODE[@ABOUT]=REASON`
fn accepted(text: &str) -> Result<Accepted, String> {
    let (what, reason) = text.split_once('=').ok_or("a reason is missing: CODE=REASON or CODE@ABOUT=REASON")?;
    let (code, about) = what.split_once('@').unwrap_or((what, ""));
    let (code, about, reason) = (code.trim(), about.trim(), reason.trim());
    if code.is_empty() || reason.is_empty() {
        return Err("both the code of the finding and a reason are needed: CODE=REASON or CODE@ABOUT=REASON".to_owned());
    }
    Ok(Accepted { code: code.to_owned(), about: about.to_owned(), reason: reason.to_owned() })
}

/// `[HOST=]REASON`: the clock of one host, or of every one.
fn forced_clock(text: &str) -> Result<Accepted, String> {
    let (about, reason) = text.split_once('=').unwrap_or(("", text));
    let (about, reason) = (about.trim(), reason.trim());
    if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 {
        return Err("a reason is missing: say in a few words why this host may have its storage with a wrong clock".to_owned());
    }
    Ok(Accepted { code: "clock-skew".to_owned(), about: about.to_owned(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_forced_only_with_a_reason() {
        let one = forced_clock("xcp2=NTP is mended tonight").unwrap();
        assert_eq!((one.code.as_str(), one.about.as_str(), one.reason.as_str()), ("clock-skew", "xcp2", "NTP is mended tonight"));
        assert_eq!(forced_clock("lab pool, no leases").unwrap().about, "");
        for bad in ["", "xcp2=", "xcp2= ", "xcp2=ok", "-"] {
            assert!(forced_clock(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn acceptances_need_a_code_and_a_reason() {
        let read = accepted("clock-skew@xcp2=NTP is mended tonight = soon").unwrap();
        assert_eq!((read.code.as_str(), read.about.as_str()), ("clock-skew", "xcp2"));
        assert_eq!(read.reason, "NTP is mended tonight = soon");
        assert_eq!(accepted("only-host=one host").unwrap().about, "");
        for bad in ["clock-skew", "=why", "clock-skew=", "clock-skew@x= ", "@x=why"] {
            assert!(accepted(bad).is_err(), "{bad}");
        }
    }
}
