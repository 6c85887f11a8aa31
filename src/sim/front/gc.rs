//! What goes by itself: old tasks, idle sessions. And the clock of the front.

use super::Front;
use crate::sim::db::Db;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// xapi's collector runs this often.
const EVERY: Duration = Duration::from_secs(30);
/// Completed tasks go after this.
const COMPLETED: Duration = Duration::from_secs(65 * 60);
/// Pending tasks go after this if they did not move between two runs.
const PENDING: Duration = Duration::from_secs(24 * 3600);
/// Above this many tasks the oldest completed ones go.
const TASKS: usize = 200;

impl Front {
    /// Lets time pass: collects what is old, and wakes whoever waits for events.
    pub fn advance(&mut self, db: &mut Db, now: Time) {
        if now >= self.next_gc {
            self.next_gc = now + EVERY;
            self.collect_tasks(db, now);
            self.collect_sessions(db, now);
        }
        self.settle(db, now);
    }

    /// When something falls due here next.
    pub fn next_due(&self) -> Option<Time> {
        let waiting = self.waiting.values().map(super::wait::Waiter::due);
        let finished = self.finished.values().map(|(at, _)| *at);
        waiting.chain(finished).chain([self.next_gc]).min()
    }

    fn collect_tasks(&mut self, db: &mut Db, now: Time) {
        let mut completed: Vec<(Time, Ref)> = Vec::new();
        let mut pending = Vec::new();
        for task in db.refs_of("task") {
            if matches!(db.text(task, "status"), "pending" | "cancelling") {
                if now.since(db.date(task, "created")) > PENDING {
                    pending.push((task.clone(), db.float(task, "progress").to_bits()));
                }
            } else {
                completed.push((db.date(task, "finished"), task.clone()));
            }
        }
        completed.sort();
        let total = db.count("task");
        let mut surplus = total.saturating_sub(TASKS);
        for (finished, task) in completed {
            if surplus > 0 || now.since(finished) > COMPLETED {
                surplus = surplus.saturating_sub(1);
                self.drop_task(db, &task);
            }
        }
        let before = std::mem::take(&mut self.stalled);
        for (task, progress) in pending {
            if before.get(&task) == Some(&progress) {
                self.drop_task(db, &task);
            } else {
                self.stalled.insert(task, progress);
            }
        }
    }
}
