//! The only code that writes to a pool: runs the engine against a real one.
//!
//! One future a run. What is seen of the pool comes in as observations, calls and reads go out through sessions that are borrowed from
//! who follows it. Dropping it at any moment is safe: whatever was begun is in the journal, and `--resume` goes on from there.

mod cause;
mod lend;
mod make;
mod reads;
mod start;
mod takeover;

pub use crate::xenapi::writer::Consent;
pub use cause::{CauseError, note_cause};
pub use lend::Lender;
pub use make::{Made, make};
pub use reads::{look, pool_ref, survey};
pub use start::{StartError, Told, begin, found, resume};
pub use takeover::take_over;

use super::call::{Call, Outcome};
use super::engine::{Engine, Job, Log, LogError};
use super::entry::{CallId, Command, RunResult};
use super::look::{Look, Looked};
use super::progress::Progress;
use crate::feed::clock::Clock;
use crate::observation::Observation;
use crate::pool::Pool;
use crate::pool::glance::Glance;
use crate::pool::picture::LinkState;
use crate::xenapi::explain::NameLookup;
use crate::xenapi::record::Ref;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// Calls and reads under way at once; what is more waits for its turn.
const AT_ONCE: usize = 16;
/// At least this often, by the pool's clock, is looked whether something is to be done: much shows by its absence.
const LOOK: Duration = Duration::from_secs(1);
/// Changes that come within this time are acted on together.
const GATHER: Duration = Duration::from_millis(20);
/// How long calls that are under way may still be answered when the run is left.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the operator says.
#[derive(Debug)]
pub enum Order {
    /// A command; the answer says why it cannot be now.
    Command(Command, oneshot::Sender<Result<(), String>>),
    /// Leave the run where it is: begin nothing more, note the answers that are about to come, and end. The journal keeps it.
    Leave,
}

/// How the driving ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The run is over.
    Over(RunResult, String),
    /// It was left, as it was told; it can be resumed.
    Left,
    /// Its journal cannot be written: nothing more was done.
    Unwritable(String),
    /// The pool cannot be followed any more; why, in words.
    Unfollowed(String),
}

/// A run to drive, and what it is driven with.
pub struct Driver<L> {
    /// The run and its journal.
    pub engine: Engine<L>,
    /// The pool, as far as it has been seen.
    pub pool: Pool,
    /// For calls.
    pub lender: Lender,
    /// The pool's time.
    pub clock: Clock,
    /// That this may be done.
    pub consent: Consent,
    /// After the pool was not seen for so long, the run is left: nobody is there to find out why. `None`: it waits.
    pub patience: Option<Duration>,
}

/// What comes back from outside.
enum Back {
    Made(CallId, Made),
    Looked(Look, Box<Looked>),
}

impl<L: Log> Driver<L> {
    /// Drives until the run is over, is left, or cannot go on. `seen` is what is observed of the pool from now on; `progress` is told
    /// how the run stands whenever that changes.
    pub async fn drive(
        mut self,
        mut seen: impl Stream<Item = Vec<Observation>> + Unpin,
        mut orders: mpsc::Receiver<Order>,
        progress: watch::Sender<Progress>,
    ) -> End {
        let mut jobs: FuturesUnordered<BoxFuture<'static, Back>> = FuturesUnordered::new();
        let mut queue: VecDeque<Job> = VecDeque::new();
        let mut last_seen = self.clock.now();
        loop {
            let now = self.clock.now();
            let picture = self.pool.glance(now);
            let link = picture.link();
            if link == LinkState::Live {
                last_seen = now;
            }
            let wake = match self.engine.turn(now, &self.pool, &picture) {
                Ok((new, wake)) => {
                    queue.extend(new);
                    wake
                }
                Err(error) => return End::Unwritable(error.0),
            };
            self.show(&picture, &progress);
            if let Some((result, text)) = &self.engine.run.result {
                return End::Over(*result, text.clone());
            }
            if link == LinkState::Refused {
                let why = self.pool.glance(now).link_text();
                return self.leave(jobs, End::Unfollowed(why)).await;
            }
            if self.patience.is_some_and(|patience| now.since(last_seen) > patience) {
                let unseen = crate::text::duration(now.since(last_seen));
                let text = self.pool.glance(now).link_text();
                let why = format!("nothing was seen of it for {unseen} ({})", text.trim_end_matches('.'));
                return self.leave(jobs, End::Unfollowed(why)).await;
            }
            while jobs.len() < AT_ONCE
                && let Some(job) = queue.pop_front()
            {
                jobs.push(self.start(job));
            }
            let wait = wake.map_or(LOOK, |at| at.since(now).min(LOOK)).max(Duration::from_millis(1));
            let mut until = Instant::now() + self.clock.wait(wait);
            // Until something happened that may matter.
            loop {
                tokio::select! {
                    biased;
                    order = orders.recv(), if !orders.is_closed() || !orders.is_empty() => match order {
                        Some(Order::Command(command, answer)) => {
                            let now = self.clock.now();
                            let result = self.engine.command(now, &self.pool, &self.pool.glance(now), &command);
                            // Who asked may be gone; the command stands in the journal all the same.
                            let _ = answer.send(result);
                            break;
                        }
                        Some(Order::Leave) => return self.leave(jobs, End::Left).await,
                        None => {}
                    },
                    Some(back) = jobs.next() => {
                        if let Err(error) = self.came_back(back) {
                            return End::Unwritable(error.0);
                        }
                        break;
                    }
                    batch = seen.next() => {
                        let Some(batch) = batch else {
                            let why = self.pool.glance(self.clock.now()).link_text();
                            return self.leave(jobs, End::Unfollowed(why)).await;
                        };
                        if self.see(&batch) {
                            until = until.min(Instant::now() + GATHER);
                        }
                    }
                    () = sleep_until(until) => break,
                }
            }
            // Whatever else is there by now is acted on at the same time.
            while let Some(Some(batch)) = seen.next().now_or_never() {
                self.see(&batch);
            }
        }
    }

    /// Whether this may change what is to be done.
    fn see(&mut self, batch: &[Observation]) -> bool {
        for observation in batch {
            self.pool.apply(observation);
        }
        !batch.iter().all(Observation::is_routine)
    }

    fn start(&self, job: Job) -> BoxFuture<'static, Back> {
        let (lender, clock, consent) = (self.lender.clone(), self.clock.clone(), self.consent);
        match job {
            Job::Make { id, call } => {
                tracing::info!(target: "poolwatch::rollout", "call {id}: {}", super::run::verb(&call));
                let pool = pool_ref(&self.pool);
                Box::pin(async move { Back::Made(id, make(&lender, consent, &call, &pool).await) })
            }
            Job::Look(question) => Box::pin(async move {
                let looked = look(&lender, &clock, &question).await;
                Back::Looked(question, Box::new(looked))
            }),
        }
    }

    fn came_back(&mut self, back: Back) -> Result<(), LogError> {
        let now = self.clock.now();
        match back {
            Back::Made(id, Made::Accepted(task)) => self.engine.accepted(now, id, task),
            Back::Made(id, Made::Ended(ended)) => {
                let outcome = ended.outcome(&Names(&self.pool));
                if !outcome.is_done() {
                    tracing::warn!(target: "poolwatch::rollout", "call {id}: {outcome}");
                }
                self.engine.ended(now, id, outcome)
            }
            Back::Looked(look, looked) => {
                self.engine.looked(look, *looked);
                Ok(())
            }
        }
    }

    /// Begins nothing more, and notes the answers to calls that come soon.
    async fn leave(mut self, mut jobs: FuturesUnordered<BoxFuture<'static, Back>>, end: End) -> End {
        let last = Instant::now() + FAREWELL;
        while let Ok(Some(back)) = tokio::time::timeout_at(last, jobs.next()).await {
            // Answers to reads are not needed any more, and are no reason to wait: but they come with the others.
            if let Err(error) = self.came_back(back) {
                return End::Unwritable(error.0);
            }
        }
        end
    }

    fn show(&self, picture: &Glance, progress: &watch::Sender<Progress>) {
        let new = super::progress::progress(&self.engine.run, &self.engine.view(self.clock.now(), &self.pool, picture));
        progress.send_if_modified(|old| {
            let changed = *old != new;
            *old = new;
            changed
        });
    }
}

/// The pool's objects by their names.
pub struct Names<'a>(pub &'a Pool);

impl NameLookup for Names<'_> {
    fn name_of(&self, ref_or_uuid: &str) -> Option<String> {
        let records = self.0.records();
        let named = |r: &Ref| Some(self.0.name_of(r)).filter(|name| !name.is_empty());
        named(&Ref::from(ref_or_uuid))
            .or_else(|| named(records.host_by_uuid(ref_or_uuid)?.0))
            .or_else(|| named(records.guest_by_uuid(ref_or_uuid)?.0))
    }
}

/// Makes one call outside of a run: what mends a finding, on the operator's word. Waits for nothing but its answer; returns the task
/// that works on it, if one does.
pub async fn mend(lender: &Lender, consent: Consent, pool: &Pool, call: &Call) -> Result<Option<Ref>, String> {
    match make(lender, consent, call, &pool_ref(pool)).await {
        Made::Accepted(task) => Ok(Some(task)),
        Made::Ended(ended) => match ended.outcome(&Names(pool)) {
            Outcome::Done { .. } => Ok(None),
            Outcome::Failed { text, .. } | Outcome::Unanswered { text } | Outcome::NotSent { text } => Err(text),
        },
    }
}
