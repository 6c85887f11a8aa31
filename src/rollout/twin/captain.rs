//! What others do to the pool meanwhile: faults, and a second operator with a session of its own.

use super::stage::Stage;
use super::trouble::Deed;
use crate::rollout::claim;
use crate::sim::api::{Api, Call, Door, HostIx, Reply};
use crate::sim::value::Value;
use crate::sim::world::{Condition, Fault, HostTruth};
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;

/// What mends a fault, if it does not pass by itself.
fn repair(fault: &Fault) -> Option<Fault> {
    Some(match fault.clone() {
        Fault::Crash { host } => Fault::PowerOn { host },
        Fault::CutOff { host, .. } => Fault::Heal { host },
        Fault::FailPath { host, lun, .. } => Fault::RepairPath { host, lun },
        Fault::FailLink { host, link } => Fault::RepairLink { host, link },
        Fault::StallRebuild { sr } => Fault::ResumeRebuild { sr },
        Fault::NodeOffline { sr, node } => Fault::NodeOnline { sr, node },
        Fault::SkewClock { host, .. } => Fault::SkewClock { host, millis: 0 },
        Fault::PauseGuest { vm } => Fault::UnpauseGuest { vm },
        _ => return None,
    })
}

impl Stage {
    fn host_named(&self, name: &str) -> Option<Ref> {
        self.world.database().find("host", "name_label", &name.into())
    }

    /// A fault of the pool, and who is hurt by it.
    pub(super) fn pool_fault(&mut self, fault: Fault) {
        let now = self.world.now();
        let host = match &fault {
            Fault::Crash { host }
            | Fault::Reset { host }
            | Fault::CutOff { host, .. }
            | Fault::FailPath { host, .. }
            | Fault::FailLink { host, .. }
            | Fault::SkewClock { host, .. }
            | Fault::RestartToolstack { host: Some(host) } => self.host_named(host),
            Fault::RestartToolstack { host: None } | Fault::RewindDatabase => {
                let db = self.world.database();
                db.pool().map(|pool| db.reference(pool, "master"))
            }
            _ => None,
        };
        if let Some(repair) = repair(&fault) {
            let at = self.mended_after.map_or(Time::from_millis(i64::MAX), |after| now + after);
            self.heals.push((at, repair));
        }
        // A copy that is put aside hurts nobody before it comes back.
        let harmless = fault == Fault::KeepDatabase;
        let said = self.world.fault(fault);
        self.note(|| format!("the pool: {said:?}"));
        if said.is_ok() && !harmless {
            self.checker.hurts(&self.world, host.as_ref(), now);
        }
    }

    /// Our own operator, told that the database went back, has each host tell anew when it booted, if the pool has that wrong: its toolstack is
    /// restarted. What runs where, the pool wrote down when it started on the older database. Whether anything was wrong.
    pub fn put_right(&mut self) -> bool {
        let now = self.world.now();
        let truth = self.world.truth();
        let stale = |h: &&HostTruth| {
            let known = self.world.database().map_get(&h.r, "other_config", "boot_time");
            let known = known.and_then(|text| text.trim_end_matches('.').parse().ok());
            h.condition == Condition::Up && !h.cut && known != Some(h.booted.as_millis().div_euclid(1000))
        };
        let stale: Vec<HostTruth> = truth.hosts.iter().filter(stale).cloned().collect();
        for host in &stale {
            let said = self.world.fault(Fault::RestartToolstack { host: Some(host.name.clone()) });
            self.note(|| format!("our operator: {said:?}"));
            self.checker.hurts(&self.world, Some(&host.r), now);
        }
        !stale.is_empty()
    }

    /// A call of the second operator. Its answer is not waited for.
    fn other(&mut self, method: &str, params: Vec<Value>) {
        let at = (0..self.world.addresses().len()).map(HostIx).filter(|h| self.world.door(*h) == Door::Open);
        for host in at.collect::<Vec<_>>() {
            let login = vec!["root".into(), "poolwatch".into(), "2.20".into(), "someone else".into()];
            let Reply::Done(Ok(session)) =
                self.world.call(host, Call { method: "session.login_with_password".into(), params: login })
            else {
                continue;
            };
            let params = std::iter::once(session).chain(params).collect();
            let reply = self.world.call(host, Call { method: method.to_owned(), params });
            self.note(|| format!("second operator: {method}: {reply:?}"));
            if let Reply::Waiting(ticket) = reply {
                self.world.forget(ticket);
            }
            return;
        }
    }

    /// The host that the round has not begun yet, and the one that it works on.
    fn next_and_current(&self) -> (Option<Ref>, Option<Ref>) {
        let Some(run) = self.engine.as_ref().map(|e| &e.run) else { return (None, None) };
        let host = |at: usize| run.plan.hosts.get(at).map(|h| h.host.clone());
        let next = run.hosts.iter().position(|h| h.before.is_none() && h.end.is_none());
        (next.and_then(host), run.current().and_then(host))
    }

    /// Somebody else claims the pool, before a round of ours.
    pub fn foreign_claim(&mut self) {
        self.captain(Deed::TakeClaim);
        self.eye.look(&mut self.world);
    }

    /// A second operator does something.
    pub(super) fn captain(&mut self, deed: Deed) {
        let now = self.world.now();
        let (next, current) = self.next_and_current();
        let db = self.world.database();
        let Some(pool) = db.pool().cloned() else { return };
        let running = |vm: &&Ref| db.text(vm, "power_state") == "Running" && !db.boolean(vm, "is_control_domain");
        match deed {
            Deed::TakeClaim | Deed::DropClaim => {
                let key = Value::from(claim::KEY);
                self.other("pool.remove_from_other_config", vec![Value::Ref(pool.clone()), key.clone()]);
                if deed == Deed::TakeClaim {
                    let value = claim::Claim::new("other@desk", "r-other", now, "a round of its own").to_value();
                    self.other("pool.add_to_other_config", vec![Value::Ref(pool), key, value.into()]);
                }
            }
            Deed::DisableNext => {
                let Some(host) = next else { return };
                self.checker.hurts(&self.world, Some(&host), now);
                self.other("host.disable", vec![Value::Ref(host)]);
            }
            Deed::EnableCurrent => {
                let Some(host) = current else { return };
                self.other("host.enable", vec![Value::Ref(host)]);
            }
            Deed::RebootNext => {
                let Some(host) = next else { return };
                self.checker.hurts(&self.world, Some(&host), now);
                self.other("host.disable", vec![Value::Ref(host.clone())]);
                self.other("Async.host.reboot", vec![Value::Ref(host)]);
            }
            Deed::StartGuest => {
                let halted = |vm: &&Ref| db.text(vm, "power_state") == "Halted" && !db.boolean(vm, "is_a_template");
                let Some(vm) = db.refs_of("VM").find(halted).cloned() else { return };
                // Also one that we had shut down for the round: where it runs from now on is theirs to say.
                self.checker.moved(vm.clone());
                self.other("Async.VM.start", vec![Value::Ref(vm), false.into(), false.into()]);
            }
            Deed::MoveGuest => {
                let Some(vm) = db.refs_of("VM").find(running).cloned() else { return };
                let on = db.reference(&vm, "resident_on");
                let Some(to) = db.refs_of("host").find(|h| **h != on && db.boolean(h, "enabled")).cloned() else { return };
                self.checker.moved(vm.clone());
                self.other("Async.VM.pool_migrate", vec![Value::Ref(vm), Value::Ref(to), Value::Map(BTreeMap::new())]);
            }
        }
    }
}
