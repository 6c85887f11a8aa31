//! The calls that the front answers by itself.

use super::args::Args;
use super::dispatch::Answer;
use super::rules::{Ctx, Method, Semantics};
use super::{Front, event, message};
use crate::sim::api::Failure;
use crate::sim::db::Db;
use crate::sim::schema::Role::{PoolAdmin, PoolOperator, ReadOnly};
use crate::sim::value::Value;

/// Calls without a session as their first parameter.
pub(super) const WITHOUT_SESSION: &[&str] = &["session.login_with_password", "session.slave_local_login_with_password"];

/// All calls of the front.
pub(super) const METHODS: &[Method] = &[
    Method::new("session.login_with_password", 2, ReadOnly).or_up_to(4).sync_only(),
    Method::new("session.logout", 0, ReadOnly).sync_only(),
    Method::new("session.change_password", 2, ReadOnly).sync_only(),
    Method::new("session.slave_local_login_with_password", 2, ReadOnly).sync_only().in_emergency(),
    Method::new("session.local_logout", 0, ReadOnly).sync_only().in_emergency(),
    Method::new("session.get_all_subject_identifiers", 0, ReadOnly).sync_only(),
    Method::new("session.logout_subject_identifier", 1, PoolOperator).sync_only(),
    Method::new("subject.add_to_roles", 2, PoolAdmin).sync_only(),
    Method::new("subject.remove_from_roles", 2, PoolAdmin).sync_only(),
    Method::new("task.create", 2, ReadOnly).sync_only(),
    Method::new("task.destroy", 1, ReadOnly).sync_only(),
    Method::new("task.cancel", 1, ReadOnly).sync_only(),
    Method::new("task.set_status", 2, ReadOnly).sync_only(),
    Method::new("task.set_progress", 2, ReadOnly).sync_only(),
    Method::new("task.set_result", 2, ReadOnly).sync_only(),
    Method::new("task.set_error_info", 2, ReadOnly).sync_only(),
    Method::new("event.register", 1, ReadOnly).sync_only(),
    Method::new("event.unregister", 1, ReadOnly).sync_only(),
    Method::new("event.next", 0, ReadOnly).sync_only(),
    Method::new("event.from", 3, ReadOnly).sync_only(),
    Method::new("event.get_current_id", 0, ReadOnly).sync_only(),
    Method::new("event.inject", 2, ReadOnly).sync_only(),
    Method::new("message.create", 5, PoolOperator).sync_only(),
    Method::new("message.destroy", 1, PoolOperator).sync_only(),
    Method::new("message.destroy_many", 1, PoolOperator),
    Method::new("message.destroy_all", 1, PoolOperator),
    Method::new("message.get", 3, ReadOnly).sync_only(),
    Method::new("message.get_since", 1, ReadOnly).sync_only(),
];

/// Does one of [`METHODS`].
pub(super) fn run<S: Semantics + ?Sized>(
    front: &mut Front,
    db: &mut Db,
    rules: &mut S,
    ctx: &Ctx,
    method: &str,
    args: Args<'_>,
) -> Answer {
    let session = ctx.session.clone().unwrap_or_default();
    let result = match method {
        "session.login_with_password" => {
            let result = front.login(db, ctx, args);
            if result.as_ref().is_err_and(|failure| failure.code == "SESSION_AUTHENTICATION_FAILED") {
                return front.answer_at(ctx.now + front.settings.failed_login, result);
            }
            result
        }
        "session.logout" => {
            front.end_session(db, &session);
            Ok(Value::Void)
        }
        "session.change_password" => front.change_password(&session, args),
        "session.slave_local_login_with_password" => front.local_login(db, ctx, args),
        "session.local_logout" => {
            front.local_logout(&session);
            Ok(Value::Void)
        }
        "session.get_all_subject_identifiers" => Ok(front.subject_identifiers(db)),
        "session.logout_subject_identifier" => args.text(0).map(|sid| {
            front.logout_subject(db, &session, sid);
            Value::Void
        }),
        "subject.add_to_roles" => front.subject_role(db, args, true),
        "subject.remove_from_roles" => front.subject_role(db, args, false),
        "task.create" => front.task_create(db, ctx, args),
        "task.destroy" => front.task_destroy(db, ctx, args),
        "task.cancel" => front.task_cancel(db, rules, ctx, args),
        "event.register" => front.event_register(db, ctx, args),
        "event.unregister" => front.event_unregister(ctx, args),
        "event.next" => return front.event_next(db, ctx).unwrap_or_else(|failure| Answer::Done(Err(failure))),
        "event.from" => return front.event_from(db, ctx, args).unwrap_or_else(|failure| Answer::Done(Err(failure))),
        "event.get_current_id" => Ok(Value::Int(i64::try_from(db.generation()).unwrap_or(i64::MAX))),
        "event.inject" => event::inject(db, args),
        "message.create" => message::create(db, ctx.now, args),
        "message.destroy" => message::destroy(db, args),
        "message.destroy_many" => message::destroy_many(db, args),
        "message.destroy_all" => message::destroy_all(db, args),
        "message.get" => message::get(db, args),
        "message.get_since" => message::get_since(db, args),
        _ => match method.strip_prefix("task.set_") {
            Some(field) => front.task_set(db, ctx, field, args),
            None => Err(Failure::new("MESSAGE_METHOD_UNKNOWN", [method])),
        },
    };
    Answer::Done(result)
}
