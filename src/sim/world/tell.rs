//! Tasks, messages and sessions: what the world asks of the front.

use super::Core;
use crate::sim::api::{Failure, HostIx};
use crate::sim::front::{NewTask, post_message};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;

impl Core {
    /// A new task, pending. Without a coordinator there are none: the null reference.
    pub(super) fn new_task(&mut self, name: &str, description: &str, host: Option<usize>, parent: Option<&Ref>) -> Ref {
        if !self.coordinator_up() {
            return Ref::default();
        }
        let resident_on = host.and_then(|h| self.hosts.get(h)).map(|h| h.r.clone()).unwrap_or_default();
        let parent = parent.cloned().unwrap_or_default();
        let now = self.now;
        let cancellable = name.starts_with("Async.");
        self.front.create_task(&mut self.db, &NewTask { name, description, resident_on, parent, cancellable }, now)
    }

    /// How far a task is, 0 to 1.
    pub(super) fn task_progress(&mut self, task: &Ref, share: f64) {
        if self.coordinator_up() && self.db.is(task, "task") {
            self.db.set(task, "progress", share);
        }
    }

    /// A task ends, with a result that stays.
    pub(super) fn end_task(&mut self, task: &Ref, result: Result<Value, Failure>) {
        let now = self.now;
        self.front.complete_task(&mut self.db, task, result, now);
    }

    /// A task goes without a trace.
    pub(super) fn drop_task(&mut self, task: &Ref) {
        self.db.destroy(task);
    }

    /// A host that says hello: its tasks of before are over.
    pub(super) fn drop_tasks_of(&mut self, host: usize) {
        let Some(r) = self.hosts.get(host).map(|h| h.r.clone()) else { return };
        for task in self.db.find_all("task", "resident_on", &Value::Ref(r)) {
            let open = matches!(self.db.text(&task, "status"), "pending" | "cancelling");
            if open && self.db.text(&task, "name_label") != "SR Recovering" {
                self.drop_task(&task);
            }
        }
    }

    /// Posts a message, if there is a coordinator to post it.
    pub(super) fn message(&mut self, name: &str, priority: i64, class: &str, object: &str, body: &str) {
        if self.coordinator_up() {
            post_message(&mut self.db, self.now, name, priority, class, object, body);
        }
    }

    /// Sessions, tasks and what waits for them are gone.
    pub(super) fn forget_sessions_and_tasks(&mut self) {
        self.forget_jobs();
        for store in &mut self.stores {
            store.rebuild = None;
        }
        self.front.restart(&mut self.db);
        self.epoch += 1;
        let coordinator = HostIx(self.coordinator);
        self.front.restart_member(coordinator);
    }

    /// Every session is gone; nothing else happens.
    pub(super) fn kill_sessions(&mut self) {
        let now = self.now;
        self.front.kill_sessions(&mut self.db, now);
    }

    /// Wakes those who wait for events, unless events are late.
    pub(super) fn settle(&mut self) {
        if self.now >= self.late_until {
            let now = self.now;
            self.front.advance(&mut self.db, now);
        }
    }

    /// The statefile of HA.
    pub(super) fn make_statefile(&mut self, sr: &Ref, location: &str) -> Ref {
        self.db.create(
            "VDI",
            &[
                ("name_label", "Statefile for HA".into()),
                ("name_description", "Used for storage heartbeating".into()),
                ("SR", sr.into()),
                ("type", "ha_statefile".into()),
                ("virtual_size", 4_194_304.into()),
                ("location", format!("{location}/statefile").into()),
                ("sharable", true.into()),
                ("managed", true.into()),
            ],
        )
    }

    /// It is not needed any more.
    pub(super) fn remove_statefile(&mut self, vdi: &Ref) {
        self.db.destroy(vdi);
    }
}
