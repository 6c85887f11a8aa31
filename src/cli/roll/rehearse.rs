//! `--rehearse`: the plan, run on a twin of the pool in this process, by the engine that would run it. Reads the pool; writes nothing.

use super::prepare::Prepared;
use super::watch::Watch;
use crate::feed::follow::options::CLASSES;
use crate::pool::picture::Dialect;
use crate::rollout::driver;
use crate::rollout::entry::RunResult;
use crate::rollout::twin::{Rehearsal, rehearse_on};
use crate::sim::world::{Assumed, Options, World};
use crate::xenapi::events::What;
use crate::xenapi::record::{Record, Ref};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for a session, by the pool's clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a round of this plan would come to; or why that cannot be found out, in words.
pub async fn rehearse(watch: &mut Watch, prepared: &Prepared, faults: u32) -> Result<Rehearsal, String> {
    let (lender, pool, plan) = (watch.lender.clone(), watch.pool.clone(), prepared.plan.clone());
    let read = async {
        let session = lender.session(PATIENCE, None).await.ok_or("not connected to the pool at the moment")?;
        let batch = session.event_from(&CLASSES, "", Duration::ZERO).await.map_err(|error| error.to_string())?;
        let found = driver::found(&lender, &pool, &plan).await.map_err(|error| error.to_string())?;
        Ok::<_, String>((batch, found))
    };
    let (batch, found) = watch.during(read).await?;
    let records: Vec<(Ref, Record)> = batch
        .changes
        .into_iter()
        .filter_map(|change| match change.what {
            What::Set(record) => Some((change.r#ref, Arc::unwrap_or_clone(record))),
            What::Gone => None,
        })
        .collect();
    let mut assumed = Assumed::default();
    for (host, _) in pool.records().hosts() {
        // What could not be asked is told by the findings.
        for blocker in prepared.survey.blockers(host).unwrap_or_default() {
            assumed.blocked.insert(blocker.vm.clone(), (blocker.code.clone(), blocker.params.clone()));
        }
    }
    let seed = fastrand::u64(..);
    let options = Options::new(seed, watch.clock.now()).speaking(match prepared.picture.dialect {
        Dialect::Designed => crate::sim::world::Dialect::Designed,
        Dialect::Shipped | Dialect::Unknown => crate::sim::world::Dialect::Shipped,
    });
    let twin = World::twin(records, options, &assumed).map_err(|error| error.to_string())?;
    // It computes for seconds in a big pool: not on the thread that follows the pool.
    let work = tokio::task::spawn_blocking(move || rehearse_on(&twin, &plan, &found, faults, seed));
    watch.during(work).await.map_err(|_| "the rehearsal broke down; that is a fault of poolwatch".to_owned())
}

/// That line by line, and how long the round would take, in seconds, if it came to a good end.
pub async fn in_words(watch: &mut Watch, prepared: &Prepared, faults: u32) -> (Vec<String>, Option<u64>) {
    match rehearse(watch, prepared, faults).await {
        Ok(rehearsal) => {
            let lasts = matches!(rehearsal.result, Some((RunResult::Done, _))).then(|| rehearsal.took.as_secs());
            let lines = rehearsal.words();
            (lines.lines().map(str::to_owned).chain([Assumed::default().words()]).collect(), lasts)
        }
        Err(why) => (vec![format!("It could not be rehearsed: {why}.")], None),
    }
}
