//! A pool as it is known, as the records that its twin is made from.

use crate::pool::Pool;
use crate::pool::picture::Dialect as Seen;
use crate::rollout::survey::Survey;
use crate::sim::world::{Assumed, Dialect, Options, TwinError, World};
use crate::time::Time;
use crate::xenapi::record::{Record, Ref, Vm};

/// A twin of a pool as it is known at `now`; `survey` tells which guests cannot move.
pub fn twin(pool: &Pool, survey: &Survey, now: Time, seed: u64) -> Result<World, TwinError> {
    let dialect = if pool.picture(now).dialect == Seen::Designed { Dialect::Designed } else { Dialect::Shipped };
    let mut assumed = Assumed::default();
    for (host, _) in pool.records().hosts() {
        for blocker in survey.blockers(host).unwrap_or_default() {
            assumed.blocked.insert(blocker.vm.clone(), (blocker.code.clone(), blocker.params.clone()));
        }
    }
    World::twin(records(pool), Options::new(seed, now).speaking(dialect), &assumed)
}

/// The records. Guests, of which the model keeps only some words, are told as what runs where and takes how much.
fn records(pool: &Pool) -> Vec<(Ref, Record)> {
    let known = pool.records();
    let mut refs: Vec<Ref> = known.pool_ref().into_iter().cloned().collect();
    for (r, host) in known.hosts() {
        refs.extend([r.clone(), host.metrics.clone()]);
        refs.extend(known.pbds_of(r).map(|(pbd, _)| pbd.clone()));
    }
    refs.extend(known.srs().map(|(r, _)| r.clone()));
    for (r, pif) in known.pifs() {
        refs.extend([r.clone(), pif.metrics.clone(), pif.bond_slave_of.clone()]);
    }
    refs.extend(known.clusters().map(|(r, _)| r.clone()));
    refs.extend(known.cluster_hosts().map(|(r, _)| r.clone()));
    refs.extend(known.tasks().map(|(r, _)| r.clone()));
    refs.sort();
    refs.dedup();
    let mut all: Vec<(Ref, Record)> = refs.into_iter().filter_map(|r| Some((r.clone(), pool.record(&r)?.clone()))).collect();
    for (r, guest) in known.guests() {
        let Some(on) = guest.on.clone() else { continue };
        let vm = Vm {
            uuid: guest.uuid().into(),
            name_label: guest.name.clone(),
            power_state: "Running".into(),
            resident_on: on,
            memory_dynamic_max: guest.memory,
            ..Vm::default()
        };
        all.push((r.clone(), Record::Vm(vm)));
    }
    all
}
