//! Paths as they have to be remembered between runs of the program: the changes alone, without all that a picture of the pool needs.
//!
//! Fed with the same observations as the pool. Where it is kept is not its business (`cli::memory`). Pure.

use super::{Key, Paths};
use crate::observation::{KeptPath, Observation, Seen};
use crate::pool::picture::PathKind;
use crate::time::Time;
use crate::xenapi::record::{Bond, Record, Ref};
use std::time::Duration;

/// How often is looked for maps that have vanished.
const LOOK: Duration = Duration::from_secs(5);

/// The changes of a pool's paths.
#[derive(Clone, Debug, Default)]
pub struct PathLedger {
    paths: Paths,
    looked: Time,
}

impl PathLedger {
    /// Takes in what was seen.
    pub fn see(&mut self, o: &Observation) {
        match &o.seen {
            Seen::Set { r#ref, record } => match &**record {
                Record::Pbd(pbd) if pbd.currently_attached => drop(self.paths.maps(&pbd.host, r#ref, &pbd.other_config, o.at)),
                Record::Pbd(_) => self.paths.forget(r#ref),
                Record::Host(host) => drop(self.paths.maps(r#ref, r#ref, &host.other_config, o.at)),
                Record::Bond(bond) => {
                    // Whose bond it is does not matter here.
                    let key = Key { host: Ref::default(), kind: PathKind::Bond, source: r#ref.clone(), id: "".into() };
                    let (up, total) = links(bond);
                    self.paths.seen(key, up, total, o.at);
                }
                _ => {}
            },
            Seen::Gone { r#ref, .. } => self.paths.forget(r#ref),
            Seen::Paths { paths } => self.paths.recall(paths),
            _ => {}
        }
        if o.at.since(self.looked) >= LOOK {
            self.looked = o.at;
            self.paths.vanished(o.at);
        }
    }

    /// What earlier runs saw.
    pub fn recall(&mut self, kept: &[KeptPath]) {
        self.paths.recall(kept);
    }

    /// What there is to keep now.
    pub fn kept(&self) -> Vec<KeptPath> {
        self.paths.kept()
    }
}

/// The links of a bond that are up, and all of them.
pub fn links(bond: &Bond) -> (u32, u32) {
    (u32::try_from(bond.links_up.max(0)).unwrap_or(u32::MAX), u32::try_from(bond.slaves.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xenapi::record::{Class, Config, Pbd};

    #[test]
    fn changes_of_maps_and_bonds_outlive_a_run_and_a_reboot_of_the_host() {
        let at = |secs: i64| Time::from_secs(1_800_000_000 + secs);
        let pbd = |secs: i64, up: &str, attached: bool| {
            let config = Config::from([("multipathed", "true"), ("mpath-a", up)]);
            let record = Pbd { host: "h".into(), currently_attached: attached, other_config: config, ..Pbd::default() };
            Observation { at: at(secs), seen: Seen::Set { r#ref: "p".into(), record: std::sync::Arc::new(Record::Pbd(record)) } }
        };
        let bond = |secs: i64, up: i64| {
            let record = Bond { slaves: vec!["a".into(), "b".into()], links_up: up, ..Bond::default() };
            Observation { at: at(secs), seen: Seen::Set { r#ref: "b".into(), record: std::sync::Arc::new(Record::Bond(record)) } }
        };
        let mut ledger = PathLedger::default();
        for o in [pbd(0, "[2, 2]", true), bond(0, 2), pbd(10, "[1, 2]", true), bond(20, 1), pbd(30, "[1, 2]", false)] {
            ledger.see(&o);
        }
        let kept = ledger.kept();
        assert_eq!(kept.iter().map(|k| k.changes.clone()).collect::<Vec<_>>(), [vec![(at(20), 1, 2)], vec![(at(10), 1, 2)]]);

        let mut next = PathLedger::default();
        next.see(&bond(100, 2));
        next.recall(&kept);
        next.see(&pbd(101, "[1, 2]", true));
        let again: Vec<usize> = next.kept().iter().map(|k| k.changes.len()).collect();
        assert_eq!(again, [2, 1], "the bond came up while nobody looked; the map is as it was");
        next.see(&Observation { at: at(102), seen: Seen::Gone { class: Class::Bond, r#ref: "b".into() } });
        assert!(next.kept().len() <= 2);
    }
}
