//! One pool that is followed for a round: what is seen of it, and its session to borrow. Writes nothing.

use crate::cli::follow::FirstLook;
use crate::cli::memory::Keeper;
use crate::cli::setup::Entry;
use crate::feed::clock::Clock;
use crate::feed::driver::{Desk, follow_pool};
use crate::observation::Observation;
use crate::pool::Pool;
use crate::pool::picture::Picture;
use crate::recording::background::Background;
use crate::rollout::driver::Lender;
use crate::xenapi::record::{Ref, TaskStatus};
use futures::Stream;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long a log-out may hold up the end.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long a task that mends something may take.
const TASK: Duration = Duration::from_secs(90);
/// Batches that wait to be taken.
const WAITING: usize = 16;

/// A pool that is being followed.
pub struct Watch {
    /// What the operator calls it.
    pub called: String,
    /// What is known of it.
    pub pool: Pool,
    /// Its time.
    pub clock: Clock,
    /// For calls.
    pub lender: Lender,
    desk: Desk,
    seen: mpsc::Receiver<Vec<Observation>>,
    end: Farewell,
}

/// Ends the following.
pub struct Farewell {
    cancel: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Farewell {
    /// Logs out, and waits for that for a moment.
    pub async fn say(self) {
        let _ = self.cancel.send(true);
        let _ = tokio::time::timeout(FAREWELL, self.task).await;
    }
}

/// Observations as they come.
pub struct Seen(mpsc::Receiver<Vec<Observation>>);

impl Stream for Seen {
    type Item = Vec<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

impl Watch {
    /// Starts following. What is remembered of the pool between runs is below the data folder `data`; a recorder sees all of it.
    pub fn start(entry: Entry, clock: Clock, zone: jiff::tz::TimeZone, data: &Path, recorder: Option<Arc<Background>>) -> Self {
        let (tx, seen) = mpsc::channel(WAITING);
        let (raw, mut batches) = mpsc::channel::<Vec<Observation>>(4);
        let (mut keeper, ended) = (Keeper::new(data), clock.clone());
        let (cancel, cancelled) = watch::channel(false);
        let desk = entry.options.desk.clone();
        let pool = Pool::new(&entry.called).in_zone(zone);
        let lender = Lender::new(desk.clone(), clock.clone());
        let follow = follow_pool(entry.target, entry.credentials, entry.options, clock.clone(), raw, cancelled);
        let task = tokio::spawn(async move {
            // What it holds goes with it: the feed ends by itself when nobody takes what it sees, or when it is told to.
            let pass_on = async move {
                while let Some(mut batch) = batches.recv().await {
                    keeper.see(&mut batch).await;
                    if let Some(recorder) = &recorder {
                        recorder.see(&batch);
                    }
                    // Until the log-out it is recorded, whether or not anybody looks.
                    let _ = tx.send(batch).await;
                }
                keeper.finish(ended.now()).await;
            };
            let (end, ()) = tokio::join!(follow, pass_on);
            drop(end);
        });
        Self { called: entry.called, pool, clock, lender, desk, seen, end: Farewell { cancel, task } }
    }

    /// Follows until everything was read and every host was heard, the connection is refused, or time is up. By our own clock: a
    /// simulated pool's may be faster.
    pub async fn until_current(&mut self, patience: Duration) -> Picture {
        let end = tokio::time::Instant::now() + patience;
        let mut first = FirstLook::default();
        loop {
            let now = self.clock.now();
            let picture = self.pool.picture(now);
            if first.is_over(&picture, now) {
                return picture;
            }
            if tokio::time::Instant::now() >= end {
                return picture;
            }
            if let Ok(Some(batch)) = tokio::time::timeout(Duration::from_millis(100), self.seen.recv()).await {
                self.take(&batch);
            }
        }
    }

    fn take(&mut self, batch: &[Observation]) {
        for observation in batch {
            self.pool.apply(observation);
        }
    }

    /// Does something that takes a while, and takes in meanwhile what is seen.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                batch = self.seen.recv(), if !self.seen.is_closed() || !self.seen.is_empty() => {
                    if let Some(batch) = batch {
                        self.take(&batch);
                    }
                }
            }
        }
    }

    /// Waits until a task of the pool has ended, and says why it failed if it did.
    pub async fn until_done(&mut self, task: Option<&Ref>) -> Result<(), String> {
        let Some(task) = task else { return Ok(()) };
        let end = tokio::time::Instant::now() + TASK;
        let mut seen = false;
        while tokio::time::Instant::now() < end {
            match self.pool.records().task(task) {
                Some(record) if record.status == TaskStatus::Failure => {
                    let code =
                        record.error_info.first().map(|code| crate::text::clean(code, 80).into_owned()).unwrap_or_default();
                    return Err(format!("the pool could not do it ({code})"));
                }
                Some(record) if !record.status.is_running() => return Ok(()),
                Some(_) => seen = true,
                None if seen => return Ok(()),
                None => {}
            }
            self.during(tokio::time::sleep(Duration::from_millis(100))).await;
        }
        Err("the pool is still at it; look again in a while".to_owned())
    }

    /// The picture now, with what came until now.
    pub fn picture(&mut self) -> Picture {
        while let Ok(batch) = self.seen.try_recv() {
            self.take(&batch);
        }
        self.pool.picture(self.clock.now())
    }

    /// Says on the standard error which certificates are trusted from now on.
    pub fn tell_certificates(&self) {
        for pinned in self.desk.take_pinned() {
            eprintln!(
                "poolwatch: first contact with {}: its certificate is trusted from now on, fingerprint SHA256:{}",
                pinned.to, pinned.fingerprint
            );
        }
    }

    /// The pool, what is seen of it from now on, and how to end.
    pub fn split(self) -> (Pool, Seen, Farewell) {
        (self.pool, Seen(self.seen), self.end)
    }

    /// Logs out.
    pub async fn stop(self) {
        drop(self.seen);
        self.end.say().await;
    }
}
