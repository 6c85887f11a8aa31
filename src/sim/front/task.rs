//! Tasks: what a client can do with them, and what the world does with them.

use super::args::Args;
use super::rules::{Ctx, Semantics};
use super::{Front, xml};
use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::schema::Role;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A task to be set up.
#[derive(Clone, Debug, Default)]
pub struct NewTask<'a> {
    /// E.g. `Async.host.evacuate`, or `SR Recovering`.
    pub name: &'a str,
    /// E.g. the reference of the SR.
    pub description: &'a str,
    /// The host that works on it.
    pub resident_on: Ref,
    /// The task that it is a part of.
    pub parent: Ref,
    /// Whether it lists `cancel` among its operations.
    pub cancellable: bool,
}

impl Front {
    /// Sets a task up, pending.
    pub fn create_task(&mut self, db: &mut Db, new: &NewTask<'_>, now: Time) -> Ref {
        let task = db.new_ref();
        Self::create_task_as(db, &task, new, now);
        task
    }

    /// The same with a reference that was handed out before.
    pub(super) fn create_task_as(db: &mut Db, task: &Ref, new: &NewTask<'_>, now: Time) {
        let operations: Vec<&str> = if new.cancellable { vec!["cancel"] } else { Vec::new() };
        db.create_with_ref(
            "task",
            task,
            &[
                ("name_label", new.name.into()),
                ("name_description", new.description.into()),
                ("allowed_operations", operations.into()),
                ("created", now.into()),
                ("resident_on", (&new.resident_on).into()),
                ("type", "<none/>".into()),
                ("subtask_of", (&new.parent).into()),
            ],
        );
    }

    /// Ends a task. `TASK_CANCELLED` makes it cancelled, any other error failed. A task that was destroyed while it was pending goes.
    pub fn complete_task(&mut self, db: &mut Db, task: &Ref, result: Result<Value, Failure>, now: Time) {
        if !matches!(db.text(task, "status"), "pending" | "cancelling") {
            return;
        }
        let doomed = db.map(task, "current_operations").values().any(|op| *op == "destroy".into());
        match result {
            Ok(value) => {
                db.set(task, "status", "success");
                db.set(task, "result", xml::encode(&value));
            }
            Err(failure) if failure.code == "TASK_CANCELLED" => {
                db.set(task, "status", "cancelled");
            }
            Err(failure) => {
                let mut info = vec![failure.code];
                info.extend(failure.params);
                db.set(task, "error_info", info);
                db.set(task, "status", "failure");
            }
        }
        db.set(task, "progress", 1.0);
        db.set(task, "finished", now);
        db.set(task, "allowed_operations", Value::Set(Vec::new()));
        db.set(task, "current_operations", Value::Map(BTreeMap::new()));
        if doomed {
            self.drop_task(db, task);
        }
    }

    /// Deletes a task.
    pub(super) fn drop_task(&mut self, db: &mut Db, task: &Ref) {
        self.task_owners.remove(task);
        self.stalled.remove(task);
        db.destroy(task);
    }

    /// Notes whose task it is.
    pub(super) fn own_task(&mut self, ctx: &Ctx, task: &Ref) {
        if let Some(session) = ctx.session.as_ref().and_then(|r| self.sessions.get(r)) {
            self.task_owners.insert(task.clone(), Arc::clone(&session.user));
        }
    }

    /// Others' tasks are for pool operators only.
    fn may_touch(&self, ctx: &Ctx, task: &Ref, permission: &str) -> Result<(), Failure> {
        let user = ctx.session.as_ref().and_then(|r| self.sessions.get(r)).map(|s| &s.user);
        if ctx.role >= Role::PoolOperator || (user.is_some() && self.task_owners.get(task) == user) {
            Ok(())
        } else {
            Err(Failure::new("RBAC_PERMISSION_DENIED", [permission, super::dispatch::NOT_PERMITTED]))
        }
    }

    /// `task.create(label, description)`.
    pub(super) fn task_create(&mut self, db: &mut Db, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        let (name, description) = (args.text(0)?, args.text(1)?);
        let new = NewTask { name, description, resident_on: ctx.host_ref.clone(), ..NewTask::default() };
        let task = self.create_task(db, &new, ctx.now);
        self.own_task(ctx, &task);
        Ok(task.into())
    }

    /// `task.destroy(self)`: a pending task is only marked, and goes when it ends.
    pub(super) fn task_destroy(&mut self, db: &mut Db, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        let task = args.handle(0, db, "task")?;
        self.may_touch(ctx, &task, "task.destroy.any")?;
        if matches!(db.text(&task, "status"), "pending" | "cancelling") {
            db.map_add(&task, "current_operations", "task", "destroy");
        } else {
            self.drop_task(db, &task);
        }
        Ok(Value::Void)
    }

    /// `task.cancel(task)`: asks whoever works on it to stop. Succeeds also if nobody listens.
    pub(super) fn task_cancel<S: Semantics + ?Sized>(
        &mut self,
        db: &mut Db,
        rules: &mut S,
        ctx: &Ctx,
        args: Args<'_>,
    ) -> Result<Value, Failure> {
        let task = args.handle(0, db, "task")?;
        self.may_touch(ctx, &task, "task.cancel.any")?;
        if db.text(&task, "status") != "pending" {
            return Ok(Value::Void);
        }
        db.set(&task, "status", "cancelling");
        db.set(&task, "allowed_operations", Value::Set(Vec::new()));
        let heard = rules.cancel(db, self, ctx, &task);
        if !heard && db.text(&task, "status") == "cancelling" {
            if self.has_job(&task) {
                db.set(&task, "status", "pending");
            } else {
                db.set(&task, "status", "cancelled");
                db.set(&task, "finished", ctx.now);
            }
        }
        Ok(Value::Void)
    }

    /// `task.set_status`, `set_progress`, `set_result`, `set_error_info`.
    pub(super) fn task_set(&mut self, db: &mut Db, ctx: &Ctx, field: &str, args: Args<'_>) -> Result<Value, Failure> {
        let task = args.handle(0, db, "task")?;
        self.may_touch(ctx, &task, &format!("task.set_{field}"))?;
        match field {
            "progress" => {
                db.set(&task, field, args.float(1)?);
            }
            "error_info" => {
                db.set(&task, field, args.texts(1)?);
            }
            "status" => {
                let status = args.text(1)?;
                if !["pending", "success", "failure", "cancelling", "cancelled"].contains(&status) {
                    return Err(Failure::new("INVALID_VALUE", ["status", status]));
                }
                db.set(&task, field, status);
                if !matches!(status, "pending" | "cancelling") {
                    db.set(&task, "finished", ctx.now);
                }
            }
            _ => {
                db.set(&task, field, args.text(1)?);
            }
        }
        Ok(Value::Void)
    }
}
