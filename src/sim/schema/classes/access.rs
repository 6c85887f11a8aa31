//! Classes of who may do what, and what is being done: sessions, users, roles, tasks, messages.
//!
//! Field names, order, types and defaults are those of xapi 26.17 (source: its datamodel).

use crate::sim::schema::Role;
use crate::sim::schema::def::{BOOL, ClassDef, DATE, FLOAT, INT, MAP, Preset, SET, STR, class, one, refs, ro, rw};
pub(super) const SESSION: ClassDef = class(
    "session",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        ro("this_host", one("host")),
        ro("this_user", one("user")),
        ro("last_active", DATE),
        ro("pool", BOOL),
        rw("other_config", MAP),
        ro("is_local_superuser", BOOL),
        ro("subject", one("subject")),
        ro("validation_time", DATE),
        ro("auth_user_sid", STR),
        ro("auth_user_name", STR),
        ro("rbac_permissions", SET),
        ro("tasks", refs("task")),
        ro("parent", one("session")),
        ro("originator", STR),
        ro("client_certificate", BOOL),
    ],
)
.unlisted();

pub(super) const AUTH: ClassDef = class("auth", Role::PoolOperator, &[]).no_table();

pub(super) const SUBJECT: ClassDef = class(
    "subject",
    Role::PoolOperator,
    &[ro("uuid", STR), ro("subject_identifier", STR), ro("other_config", MAP), ro("roles", refs("role"))],
);

pub(super) const ROLE: ClassDef = class(
    "role",
    Role::PoolOperator,
    &[ro("uuid", STR), ro("name_label", STR), ro("name_description", STR), ro("subroles", refs("role")), ro("is_internal", BOOL)],
);

pub(super) const USER: ClassDef =
    class("user", Role::PoolAdmin, &[ro("uuid", STR), ro("short_name", STR), rw("fullname", STR), rw("other_config", MAP)])
        .unlisted();

pub(super) const TASK: ClassDef = class(
    "task",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name_label", STR),
        ro("name_description", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("created", DATE),
        ro("finished", DATE),
        ro("status", STR).or(Preset::Str("pending")),
        ro("resident_on", one("host")),
        ro("progress", FLOAT),
        ro("type", STR),
        ro("result", STR),
        ro("error_info", SET),
        rw("other_config", MAP).by(Role::ReadOnly),
        ro("subtask_of", one("task")),
        ro("subtasks", refs("task")).of("task", "subtask_of"),
        ro("backtrace", STR).or(Preset::Str("()")),
    ],
);

pub(super) const EVENT: ClassDef = class("event", Role::PoolOperator, &[]).no_table();

pub(super) const MESSAGE: ClassDef = class(
    "message",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name", STR),
        ro("priority", INT),
        ro("cls", STR).or(Preset::Str("VM")),
        ro("obj_uuid", STR),
        ro("timestamp", DATE),
        ro("body", STR),
    ],
);

pub(super) const SECRET: ClassDef =
    class("secret", Role::PoolOperator, &[ro("uuid", STR), rw("value", STR), rw("other_config", MAP)]);
