//! Sessions: logging in and out, how many there may be, when they end by themselves.

use super::args::Args;
use super::rules::Ctx;
use super::users::User;
use super::{Front, Settings};
use crate::sim::api::{Failure, HostIx};
use crate::sim::db::Db;
use crate::sim::schema::Role;
use crate::sim::value::Value;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::sync::Arc;
use std::time::Duration;

/// Sessions of root with an originator, by originator; of others, by user (xapi's limits).
const CAP: usize = 500;
/// Sessions of root without an originator.
const CAP_WITHOUT_ORIGINATOR: usize = 400;
/// xapi writes `last_active` down no more often than this.
const REFRESH: Duration = Duration::from_secs(600);
/// A session that was not used for so long ends.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) user: Arc<str>,
    pub(super) superuser: bool,
    pub(super) role: Role,
    pub(super) originator: Arc<str>,
    pub(super) last_active: Time,
    written: Time,
    /// For the deprecated `event.register` and `event.next`.
    pub(super) registered: Option<super::event::Registration>,
}

impl Settings {
    /// The user, if name and password are right. The error is xapi's.
    fn authenticate(&self, name: &str, password: &str) -> Result<&User, Failure> {
        let user = self.users.iter().find(|user| *user.name == *name && *user.password == *password);
        user.ok_or_else(|| Failure::new("SESSION_AUTHENTICATION_FAILED", [name, "Authentication failure"]))
    }
}

impl Front {
    /// Whether somebody could log in with these.
    pub fn knows(&self, name: &str, password: &str) -> bool {
        self.settings.authenticate(name, password).is_ok()
    }

    /// `session.login_with_password(name, password[, version[, originator]])`.
    pub(super) fn login(&mut self, db: &mut Db, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        let user = self.settings.authenticate(args.text(0)?, args.text(1)?)?.clone();
        let no_role = || Failure::new("SESSION_AUTHORIZATION_FAILED", [&*user.name, "Subject has no roles"]);
        let role = user.role.ok_or_else(no_role)?;
        let originator: Arc<str> = if args.has(3) { args.text(3)?.into() } else { "".into() };
        self.make_room(db, &user, &originator);
        let subject = db.find("subject", "subject_identifier", &user.subject_identifier().into()).unwrap_or_default();
        let r = db.create(
            "session",
            &[
                ("this_host", (&ctx.host_ref).into()),
                ("last_active", ctx.now.into()),
                ("validation_time", ctx.now.into()),
                ("is_local_superuser", user.superuser.into()),
                ("subject", subject.into()),
                ("auth_user_sid", user.subject_identifier().into()),
                ("auth_user_name", Value::Str(Arc::clone(&user.name))),
                ("originator", Value::Str(Arc::clone(&originator))),
            ],
        );
        let session = Session {
            user: user.name,
            superuser: user.superuser,
            role,
            originator,
            last_active: ctx.now,
            written: ctx.now,
            registered: None,
        };
        self.sessions.insert(r.clone(), session);
        Ok(r.into())
    }

    /// Ends the sessions that have been idle longest, so that one more fits under the cap that they share with it.
    fn make_room(&mut self, db: &mut Db, user: &User, originator: &str) {
        let same = |s: &Session| {
            if user.superuser { s.superuser && *s.originator == *originator } else { !s.superuser && s.user == user.name }
        };
        let cap = if user.superuser && originator.is_empty() { CAP_WITHOUT_ORIGINATOR } else { CAP };
        let mut alike: Vec<(Time, Ref)> =
            self.sessions.iter().filter(|(_, s)| same(s)).map(|(r, s)| (s.last_active, r.clone())).collect();
        if alike.len() < cap {
            return;
        }
        alike.sort();
        let surplus = alike.len() + 1 - cap;
        for (_, r) in alike.into_iter().take(surplus) {
            self.end_session(db, &r);
        }
    }

    /// `session.slave_local_login_with_password(name, password)`: a session that only this host knows.
    pub(super) fn local_login(&mut self, db: &mut Db, ctx: &Ctx, args: Args<'_>) -> Result<Value, Failure> {
        self.settings.authenticate(args.text(0)?, args.text(1)?)?;
        let r = db.new_ref();
        self.local_sessions.push((ctx.host, r.clone()));
        Ok(r.into())
    }

    /// Whether a session is local to a host.
    pub(super) fn is_local(&self, host: HostIx, session: &Ref) -> bool {
        self.local_sessions.iter().any(|(at, r)| *at == host && r == session)
    }

    /// `session.local_logout()`.
    pub(super) fn local_logout(&mut self, session: &Ref) {
        self.local_sessions.retain(|(_, r)| r != session);
    }

    /// Ends a session. Whoever waits in it gets `SESSION_INVALID`.
    pub(super) fn end_session(&mut self, db: &mut Db, session: &Ref) {
        self.sessions.remove(session);
        db.destroy(session);
    }

    /// Ends every session, as an operator with a heavy hand would; clients that wait are told.
    pub fn kill_sessions(&mut self, db: &mut Db, now: Time) {
        for session in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.end_session(db, &session);
        }
        self.settle(db, now);
    }

    /// Notes that a session was used.
    pub(super) fn refresh(&mut self, db: &mut Db, session: &Ref, now: Time) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        known.last_active = now;
        if now.since(known.written) >= REFRESH {
            known.written = now;
            db.set(session, "last_active", now);
        }
    }

    /// `session.change_password(old, new)`.
    pub(super) fn change_password(&mut self, session: &Ref, args: Args<'_>) -> Result<Value, Failure> {
        let (old, new) = (args.text(0)?, args.text(1)?);
        let name = self.sessions.get(session).map(|s| Arc::clone(&s.user)).unwrap_or_default();
        self.settings.authenticate(&name, old)?;
        for user in self.settings.users.iter_mut().filter(|user| user.name == name) {
            user.password = new.into();
        }
        Ok(Value::Void)
    }

    /// `session.get_all_subject_identifiers()`: of those who are logged in, root aside.
    pub(super) fn subject_identifiers(&self, db: &Db) -> Value {
        let mut known: Vec<&str> = self.sessions.keys().map(|r| db.text(r, "auth_user_sid")).filter(|s| !s.is_empty()).collect();
        known.sort_unstable();
        known.dedup();
        known.into()
    }

    /// `session.logout_subject_identifier(sid)`: ends all of somebody's sessions but the one that asks.
    pub(super) fn logout_subject(&mut self, db: &mut Db, session: &Ref, sid: &str) {
        let theirs = |r: &&Ref| *r != session && !sid.is_empty() && db.text(r, "auth_user_sid") == sid;
        let gone: Vec<Ref> = self.sessions.keys().filter(theirs).cloned().collect();
        for r in gone {
            self.end_session(db, &r);
        }
    }

    /// `subject.add_to_roles(self, role)` and `remove_from_roles`. A user's next login has the strongest of the roles.
    pub(super) fn subject_role(&mut self, db: &mut Db, args: Args<'_>, add: bool) -> Result<Value, Failure> {
        let (subject, role) = (args.handle(0, db, "subject")?, args.handle(1, db, "role")?);
        let changed = if add { db.set_add(&subject, "roles", &role) } else { db.set_remove(&subject, "roles", &role) };
        if !changed {
            let code = if add { "ROLE_ALREADY_EXISTS" } else { "ROLE_NOT_FOUND" };
            return Err(Failure::bare(code));
        }
        let names: Vec<Ref> = db.refs(&subject, "roles");
        let held = |role: &&Role| names.iter().any(|r| db.text(r, "name_label") == role.name());
        let strongest = Role::ALL.iter().rev().find(held).copied();
        let sid = db.text(&subject, "subject_identifier");
        for user in self.settings.users.iter_mut().filter(|user| user.subject_identifier() == sid) {
            user.role = strongest;
        }
        Ok(Value::Void)
    }

    /// Ends sessions that were idle for a day and have no task running.
    pub(super) fn collect_sessions(&mut self, db: &mut Db, now: Time) {
        let busy: Vec<&Ref> = self.waiting.values().map(|w| &w.session).collect();
        let idle = |(r, s): &(&Ref, &Session)| now.since(s.last_active) > IDLE && !busy.contains(r);
        let gone: Vec<Ref> = self.sessions.iter().filter(idle).map(|(r, _)| r.clone()).collect();
        for r in gone {
            self.end_session(db, &r);
        }
    }
}
