//! The verdict where there is no dump and no log, only the recording: from what was running out when the host went, and what the pool said of it.
//!
//! Nothing here is ever "sure": only a kernel, a hypervisor or a daemon can say so of itself. Where the times do not fit, or where a loss of power would
//! look the same, the answer is that it cannot be told.

use super::eve::Eve;
use super::signs::{Deadline, Fits, Signs};
use super::teller::Teller;
use crate::crash::report::utc;
use crate::crash::verdict::{Cause, Confidence, Evidence, Finer, Verdict};
use crate::time::Time;

/// What is weighed.
struct Case<'a> {
    teller: &'a Teller,
    eve: &'a Eve,
    signs: &'a Signs,
    file: &'a str,
}

/// What comes of it.
pub(super) fn judge(teller: &Teller, eve: &Eve, signs: &Signs, file: &str) -> Verdict {
    let case = Case { teller, eve, signs, file };
    let mut verdict = case.dump().or_else(|| case.o2cb()).or_else(|| case.xhad()).unwrap_or_else(|| case.unknown());
    case.note(&mut verdict);
    verdict.evidence = case.evidence(verdict.cause);
    verdict
}

fn secs(length: std::time::Duration) -> String {
    format!("{:.0} s", length.as_secs_f64())
}

impl Case<'_> {
    fn verdict(&self, (cause, finer): (Cause, Finer), confidence: Confidence, at: Time, why: String) -> Verdict {
        // It was alive at its last sign of life, and gone at the first that showed it.
        let at = at.clamp(self.teller.heard(), self.signs.silent.max(self.teller.heard()));
        Verdict { cause, finer, confidence, why, notes: Vec::new(), at: Some(at), evidence: Vec::new() }
    }

    /// The pool knows the cause of its dump.
    fn dump(&self) -> Option<Verdict> {
        let cause = self.teller.outage.dump.as_ref()?.cause.as_deref()?;
        let cause: Cause = cause.parse().ok().filter(|cause| !matches!(cause, Cause::Unknown | Cause::None))?;
        let agrees = |deadline: &Option<Deadline>| deadline.as_ref().is_some_and(|deadline| deadline.fits == Fits::Yes);
        let finer = match cause {
            Cause::O2cb if agrees(&self.signs.o2cb) => self.signs.o2cb.as_ref().map(|deadline| deadline.finer),
            Cause::Xhad if agrees(&self.signs.statefile) => Some(Finer::Statefile),
            _ => None,
        };
        let word: &str = cause.into();
        let why = format!("The pool keeps a dump of this crash, and {word} as its cause.");
        Some(self.verdict((cause, finer.unwrap_or(Finer::Unknown)), Confidence::Likely, self.signs.silent, why))
    }

    fn o2cb(&self) -> Option<Verdict> {
        let deadline = self.signs.o2cb.as_ref().filter(|deadline| deadline.fits == Fits::Yes)?;
        let (dump, is_back) = (self.teller.outage.dump.is_some(), self.teller.outage.booted.is_some());
        if dump && self.eve.method.is_some_and(|method| !method.leaves_a_dump()) {
            return None;
        }
        // With both limits alike it is a race, and only a log knows who was first.
        let race = self.signs.statefile.as_ref().is_some_and(|other| other.fits == Fits::Yes && other.due <= deadline.due);
        if race && self.signs.fenced.is_some() {
            return None;
        }
        let waited = match deadline.finer {
            Finer::Network => format!("It had lost {} for {}", deadline.what, secs(deadline.seen.0.since(deadline.good))),
            _ => format!(
                "Its last write to {} was {} old when it was last looked at",
                deadline.what,
                secs(deadline.seen.0.since(deadline.good))
            ),
        };
        let end = if is_back { "and it started again without having been told to" } else { "and it has not come back" };
        let confidence = if race || !is_back { Confidence::Guess } else { Confidence::Likely };
        let why = format!(
            "{waited}; o2cb's limit of {} ran out at {}, when it fell silent, {end}. Only its own log could say so for sure.",
            secs(deadline.limit),
            utc(deadline.due)
        );
        Some(self.verdict((Cause::O2cb, deadline.finer), confidence, deadline.due, why))
    }

    fn xhad(&self) -> Option<Verdict> {
        let (_, timeout) = self.eve.ha.as_ref()?;
        let said = match (self.signs.fenced, self.signs.failed) {
            (Some(_), _) => "HA says that it fenced this host",
            (None, Some(_)) => "HA declared this host failed",
            (None, None) => return None,
        };
        let fenced = self.signs.fenced.is_some();
        if let Some(lost) = self.signs.statefile.as_ref().filter(|lost| lost.fits == Fits::Yes) {
            let confidence = if fenced { Confidence::Likely } else { Confidence::Guess };
            let why = format!(
                "{said}, and it had lost the statefile since {}: HA's time-out of {timeout:.0} s ran out at about {}. Its xha.log would say so for sure.",
                utc(lost.good),
                utc(lost.due)
            );
            return Some(self.verdict((Cause::Xhad, Finer::Statefile), confidence, lost.due, why));
        }
        if !fenced {
            return None;
        }
        if let Some((finer, took, limit)) = self.signs.slow {
            let what = match finer {
                Finer::Heartbeat => "the network heartbeat",
                Finer::XapiHealthCheck => "the health check of xapi",
                _ => "the statefile",
            };
            let why =
                format!("{said}, and {what} took {took:.0} s of {limit:.0} s just before. Its xha.log would say so for sure.");
            return Some(self.verdict((Cause::Xhad, finer), Confidence::Likely, self.signs.silent, why));
        }
        // xapi says the same of every unclean end without a dump while HA is on.
        let why = format!(
            "{said}, but xapi says so of every host that went down without having been told to and left no dump, also after a loss of power; nothing that was \
             recorded shows what HA could have missed. Its xha.log tells."
        );
        Some(self.verdict((Cause::Xhad, Finer::Unknown), Confidence::Guess, self.signs.silent, why))
    }

    fn unknown(&self) -> Verdict {
        let teller = self.teller;
        let mut why = if teller.outage.booted.is_some() {
            format!("{} went and booted again without having been told to", teller.outage.name)
        } else {
            format!("{} is not heard any more, and nobody told it to go; it may still run, out of reach", teller.outage.name)
        };
        let lost = self.eve.paths.iter().any(|(path, _)| path.up == 0);
        why.push_str(match (&self.signs.o2cb, lost) {
            (Some(_), _) | (None, true) => ".",
            (None, false) => ", and nothing that was recorded led to it: no path was lost, and no limit was running out.",
        });
        why.push_str(" A loss of power, a reset from outside and a fault that leaves no dump look alike from here.");
        if teller.outage.dump.is_some() {
            why.push_str(" It left a dump, which tells more.");
        }
        self.verdict((Cause::Unknown, Finer::Unknown), Confidence::Guess, self.signs.silent, why)
    }

    fn note(&self, verdict: &mut Verdict) {
        for (deadline, who) in [(&self.signs.o2cb, "o2cb"), (&self.signs.statefile, "HA")] {
            let Some(deadline) = deadline else { continue };
            match deadline.fits {
                Fits::SilentBefore => verdict.notes.push(format!(
                    "{who}'s limit was running, but had {} left when the host fell silent: what stopped it came first.",
                    secs(deadline.due.since(self.signs.silent))
                )),
                Fits::Outlived => verdict.notes.push(format!(
                    "{who}'s limit had run out at {}, and the host lived on: it was not stopped by it.",
                    utc(deadline.due)
                )),
                Fits::Yes => {}
            }
        }
        if verdict.cause == Cause::O2cb && self.signs.statefile.as_ref().is_some_and(|other| other.fits == Fits::Yes) {
            verdict.notes.push("HA's time-out ran out in the same moments: o2cb and HA had raced.".to_owned());
        }
        if verdict.cause == Cause::Xhad && self.signs.o2cb.as_ref().is_some_and(|other| other.fits == Fits::Yes) {
            verdict.notes.push("o2cb's limit ran out in the same moments: HA and o2cb had raced.".to_owned());
        }
    }

    /// What the recording has to show for it, the most telling first; for a cause that cannot be told whatever there is.
    fn evidence(&self, cause: Cause) -> Vec<Evidence> {
        let one = |at: Time, text: &str, shows: &str| Evidence {
            file: self.file.to_owned(),
            line: 0,
            text: format!("{} {text}", utc(at)),
            before: Vec::new(),
            after: Vec::new(),
            shows: shows.to_owned(),
        };
        let (teller, signs) = (self.teller, self.signs);
        let mut out = Vec::new();
        let mut deadline = |deadline: &Option<Deadline>, shows: &str| {
            if let Some(deadline) = deadline {
                out.push(one(deadline.seen.0, &deadline.seen.1, shows));
            }
        };
        if cause != Cause::Xhad {
            deadline(&signs.o2cb, "o2cb's limit was running out");
        }
        deadline(&signs.statefile, "HA's time-out was running");
        if cause == Cause::Xhad {
            deadline(&signs.o2cb, "o2cb's limit was running, too");
        }
        for told in teller.told() {
            let shows = match told.name.as_str() {
                _ if !told.mine => continue,
                "HA_HOST_WAS_FENCED" => "it came up with HA on, after an unclean end and without a dump",
                "HA_HOST_FAILED" => "HA gave the host up",
                name if name.starts_with("HA_") || name.starts_with("CLUSTER_HOST_") => "",
                _ => continue,
            };
            out.push(one(told.at, &format!("{}: {}", told.name, told.text), shows));
        }
        if let Some((at, stack)) = &teller.evicted {
            let text = format!("the {stack} cluster has {} as a dead member", teller.outage.name);
            out.push(one(*at, &text, "the others had not heard its heartbeat for their limit; any death leads to that"));
        }
        if let Some((at, what)) = &teller.missed {
            out.push(one(*at, &format!("{} was asked and did not answer: {what}", teller.outage.name), "it was gone, or stuck"));
        }
        if let Some(booted) = teller.outage.booted {
            let was = teller.outage.was_booted.map_or_else(String::new, |was| format!(", before that at {}", utc(was)));
            let text = format!("boot time of {}: {}{was}", teller.outage.name, utc(booted));
            out.push(one(teller.outage.back.unwrap_or(booted), &text, "it booted, and nobody had told it to"));
        }
        match &teller.outage.dump {
            Some(dump) => {
                let cause = dump.cause.as_ref().map_or_else(String::new, |cause| format!(", its cause kept as {cause}"));
                out.push(one(dump.at.unwrap_or(signs.silent), &format!("host_crashdump {}{cause}", dump.uuid), "it left a dump"));
            }
            None if teller.outage.booted.is_some() => {
                out.push(one(
                    teller.outage.back.unwrap_or(signs.silent),
                    "no host_crashdump of it in the pool",
                    "it left no dump",
                ));
            }
            None => {}
        }
        out
    }
}
