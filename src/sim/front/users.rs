//! Who may log in, and the roles as objects.

use crate::sim::db::Db;
use crate::sim::schema::Role;
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Somebody who may log in.
#[derive(Clone)]
pub struct User {
    /// The name.
    pub name: Arc<str>,
    /// The password. The simulated pool's own; there is nothing behind it to protect, but it is not printed either.
    pub password: Arc<str>,
    /// What they may do; none: not even log in.
    pub role: Option<Role>,
    /// Whether they are root, whom xapi treats apart: no subject, every permission.
    pub superuser: bool,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.role.map_or("no role", Role::name))
    }
}

impl User {
    /// `root`, and one user for each role with the role's name; the password of all is `poolwatch`.
    pub fn defaults() -> Vec<Self> {
        let user =
            |name: &str, role, superuser| Self { name: name.into(), password: "poolwatch".into(), role: Some(role), superuser };
        let mut users = vec![user("root", Role::PoolAdmin, true)];
        users.extend(Role::ALL.into_iter().map(|role| user(role.name(), role, false)));
        users
    }

    /// What the directory calls them.
    pub(super) fn subject_identifier(&self) -> String {
        if self.superuser { String::new() } else { format!("S-1-5-21-{}", self.name) }
    }
}

/// The roles and, for every user but root, a subject.
pub(super) fn install(users: &[User], db: &mut Db) {
    let roles: BTreeMap<Role, Ref> = Role::ALL
        .into_iter()
        .map(|role| {
            let fields = [("name_label", role.name().into()), ("name_description", description(role).into())];
            (role, db.create("role", &fields))
        })
        .collect();
    for user in users.iter().filter(|user| !user.superuser) {
        let names = ["subject-name", "subject-upn", "subject-displayname"];
        let config = names.iter().map(|key| ((*key).into(), Value::Str(Arc::clone(&user.name)))).collect();
        let roles: Vec<Ref> = user.role.and_then(|role| roles.get(&role)).into_iter().cloned().collect();
        db.create(
            "subject",
            &[
                ("subject_identifier", user.subject_identifier().into()),
                ("other_config", Value::Map(config)),
                ("roles", roles.into()),
            ],
        );
    }
}

const fn description(role: Role) -> &'static str {
    match role {
        Role::ReadOnly => "May look at the pool, and cancel and destroy its own tasks",
        Role::VmOperator => "May start, stop and use the console of guests",
        Role::VmAdmin => "May create, change and destroy guests",
        Role::VmPowerAdmin => "May do everything with guests, also move them between hosts",
        Role::PoolOperator => "May do everything with hosts, storage, networks and the pool, but not manage its users",
        Role::PoolAdmin => "May do everything",
    }
}
