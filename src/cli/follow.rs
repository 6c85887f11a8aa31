//! Follows pools in the background of a command: starts a task for each, and ends them with a log-out.

use super::memory::Keeper;
use super::setup::Entry;
use crate::feed::clock::Clock;
use crate::feed::driver::{Desk, follow_pool};
use crate::observation::Observation;
use crate::pool::limits::SUSPECT;
use crate::pool::picture::{GateState, LinkState, Picture, Stage};
use crate::recording::background::Background;
use crate::time::Time;
use crate::tui::msg::PoolIx;
use crate::xenapi::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Batches of observations that wait to be taken, over all pools. Each pool has room for a few of its own as well.
const WAITING: usize = 64;
/// How long a log-out may hold up the end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Once everything was read, the hosts get this long to answer for themselves: until the model calls one that does not silent, and
/// a little.
const ANSWERS: Duration = Duration::from_secs(SUSPECT.as_secs() + 1);

/// Whether a first look at a pool is over.
#[derive(Default)]
pub struct FirstLook {
    /// Since when everything is read.
    complete: Option<Time>,
}

impl FirstLook {
    /// Whether this picture is as complete as it gets, or nothing more will come.
    pub fn is_over(&mut self, picture: &Picture, now: Time) -> bool {
        match picture.link.state {
            LinkState::Refused => true,
            LinkState::Live => {
                let since = *self.complete.get_or_insert(now);
                // Also once it is clear that the answer is no: a host that died must be in it.
                let heard = picture.hosts.iter().all(|host| host.state.stage != Stage::Unknown);
                (heard && picture.verdict.state != GateState::Unknown) || now.since(since) > ANSWERS
            }
            _ => {
                self.complete = None;
                false
            }
        }
    }
}

/// Pools that are being followed.
pub struct Followed {
    /// What is seen of them, in the order of the entries.
    pub observations: mpsc::Receiver<(PoolIx, Vec<Observation>)>,
    /// Where each one's session can be borrowed.
    pub desks: Vec<Desk>,
    cancel: watch::Sender<bool>,
    tasks: JoinSet<(PoolIx, Option<Error>)>,
}

/// Starts following, and records nothing. What is remembered of pools between runs is below the data folder `data`.
pub fn start(entries: Vec<Entry>, clock: &Clock, data: &Path) -> Followed {
    start_recorded(entries, clock, data, &[])
}

/// Starts following, and records what is seen of each pool, if it has a recorder.
pub fn start_recorded(entries: Vec<Entry>, clock: &Clock, data: &Path, recorders: &[Option<Arc<Background>>]) -> Followed {
    let (cancel, cancelled) = watch::channel(false);
    let (all, observations) = mpsc::channel(WAITING);
    let desks = entries.iter().map(|entry| entry.options.desk.clone()).collect();
    let mut tasks = JoinSet::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let (pool, all, cancelled, clock) = (PoolIx(at), all.clone(), cancelled.clone(), clock.clone());
        let ended = clock.clone();
        let mut keeper = Keeper::new(data);
        let recorder = recorders.get(at).cloned().flatten();
        let (seen, mut batches) = mpsc::channel::<Vec<Observation>>(4);
        tasks.spawn(async move {
            let pass_on = async {
                while let Some(mut batch) = batches.recv().await {
                    keeper.see(&mut batch).await;
                    if let Some(recorder) = &recorder {
                        recorder.see(&batch);
                    }
                    if all.send((pool, batch)).await.is_err() {
                        break;
                    }
                }
                keeper.finish(ended.now()).await;
            };
            let follow = follow_pool(entry.target, entry.credentials, entry.options, clock, seen, cancelled);
            let (end, ()) = tokio::join!(follow, pass_on);
            (pool, end)
        });
    }
    Followed { observations, desks, cancel, tasks }
}

impl Followed {
    /// Logs out everywhere and waits for that, but not for long. Returns why a pool had ended by itself, if one had.
    pub async fn stop(mut self) -> Option<Error> {
        self.observations.close();
        let _ = self.cancel.send(true);
        let ended = async {
            let mut why = None;
            while let Some(end) = self.tasks.join_next().await {
                if let Ok((_, Some(error))) = end {
                    why = Some(error);
                }
            }
            why
        };
        tokio::time::timeout(FAREWELL, ended).await.ok().flatten()
    }
}
