//! Answers what the machine, a plan or its checks want to know: reads made for that, in a session that is borrowed.

use super::super::look::{Blocker, Look, Looked, Metadata, PoolUpdate, Sight, State};
use super::super::survey::{Rights, Survey};
use super::lend::Lender;
use crate::feed::clock::Clock;
use crate::pool::Pool;
use crate::xenapi::error::Error;
use crate::xenapi::record::{Class, Record, Ref};
use crate::xenapi::session::Session;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a read waits for a session, by the pool's clock.
const PATIENCE: Duration = Duration::from_secs(5);
/// Guests that are read at the same time.
const GUESTS: usize = 8;

/// Answers a look. Waits for a session for a moment; a failure is an answer too.
pub async fn look(lender: &Lender, clock: &Clock, look: &Look) -> Looked {
    let Some(session) = lender.session(PATIENCE, None).await else {
        let now = clock.now();
        let sight = Sight::Failed { code: None, text: "not connected to the pool at the moment".to_owned() };
        return Looked { asked: now, answered: now, sight };
    };
    let asked = clock.now();
    let sight = match read(&session, look).await {
        Ok(sight) => sight,
        Err(error) => Sight::Failed { code: error.code().map(|code| code.as_str().to_owned()), text: error.to_string() },
    };
    Looked { asked, answered: clock.now(), sight }
}

async fn read(session: &Session, look: &Look) -> Result<Sight, Error> {
    Ok(match look {
        Look::State { host } => Sight::State(Box::new(state(session, host).await?)),
        Look::Blockers { host } => {
            let blocking = session.blocking_guests(host).await?;
            Sight::Blockers(blocking.into_iter().map(|(vm, code, params)| Blocker { vm, code, params }).collect())
        }
        Look::Missing { host } => Sight::Missing(session.missing_packages(host).await?),
        Look::Updates => {
            let listing = session.updates_listing().await?;
            let hosts = listing.hosts.into_iter().map(|(host, it)| (host, (it.updates, it.guidance))).collect();
            Sight::Updates(Metadata { hash: listing.hash, hosts })
        }
        Look::PoolUpdates => {
            let updates = session.pool_updates().await?.into_iter();
            Sight::PoolUpdates(
                updates.map(|(r#ref, it)| PoolUpdate { r#ref, uuid: it.uuid, name: it.name_label, hosts: it.hosts }).collect(),
            )
        }
    })
}

/// The whole state: each class by a call of its own, guests last, so that the hosts are not newer than who was seen on them.
async fn state(session: &Session, host: &Ref) -> Result<State, Error> {
    let (pools, hosts, metrics, tasks, pbds) = futures::try_join!(
        session.all_records(Class::Pool),
        session.all_records(Class::Host),
        session.all_records(Class::HostMetrics),
        session.all_records(Class::Task),
        session.all_records(Class::Pbd),
    )?;
    let mut state = State::default();
    for (r, record) in pools.into_iter().chain(hosts).chain(metrics).chain(tasks).chain(pbds) {
        match record {
            Record::Pool(pool) => state.pool = pool,
            Record::Host(record) => drop(state.hosts.insert(r, record)),
            Record::HostMetrics(record) => drop(state.metrics.insert(r, record)),
            Record::Task(record) => drop(state.tasks.insert(r, record)),
            Record::Pbd(record) => drop(state.pbds.insert(r, record)),
            _ => {}
        }
    }
    let resident = state.hosts.get(host).map(|host| host.resident_vms.clone()).unwrap_or_default();
    let guests = stream::iter(resident).map(|vm| async move {
        let record = session.record(Class::Vm, &vm).await?;
        Ok::<_, Error>(if let Record::Vm(record) = record { Some((vm, record)) } else { None })
    });
    let guests: Vec<_> = guests.buffer_unordered(GUESTS).try_collect().await?;
    state.guests = guests.into_iter().flatten().collect::<BTreeMap<_, _>>();
    Ok(state)
}

/// Asks whatever of these the survey does not know freshly, and what our user may do.
pub async fn survey(lender: &Lender, clock: &Clock, looks: &[Look], into: &mut Survey) {
    let due = into.due(looks, clock.now());
    let asked = stream::iter(due).map(|question| async move {
        let looked = look(lender, clock, &question).await;
        (question, looked)
    });
    let answers: Vec<_> = asked.buffer_unordered(GUESTS).collect().await;
    for (question, looked) in answers {
        into.take(question, looked);
    }
    if into.rights == Rights::Unknown
        && let Some(session) = lender.session(PATIENCE, None).await
    {
        // Not known is no reason to stop: what may not be done is seen when it is refused.
        into.rights = match session.rights().await {
            Ok(None) => Rights::All,
            Ok(Some(calls)) => Rights::Only(calls.into_iter().collect()),
            Err(error) => {
                tracing::debug!("what our user may do: {error}");
                Rights::Unknown
            }
        };
    }
}

/// The pool's own reference; null if it was not read yet.
pub fn pool_ref(pool: &Pool) -> Ref {
    pool.records().pool_ref().cloned().unwrap_or_default()
}
