//! The front on a tiny world: one coordinator, one member, a call that takes time.

mod access;
mod calls;
mod events;
mod tasks;

use super::*;
use crate::sim::api::{Call, HostIx, Reply};
use crate::sim::schema::Role;

const METHODS: &[Method] = &[
    Method::new("host.evacuate", 1, Role::PoolOperator).or_up_to(3),
    Method::new("host.reboot", 1, Role::PoolOperator),
    Method::new("host.get_servertime", 1, Role::ReadOnly).sync_only(),
    Method::new("host.set_name_label", 2, Role::PoolOperator).sync_only(),
    Method::new("host.is_in_emergency_mode", 0, Role::PoolOperator).sync_only().in_emergency(),
];

/// A world that evacuates for as long as the test wants, and refuses to reboot.
#[derive(Default)]
struct World {
    started: Vec<JobId>,
    emergency: bool,
    cancelled: Vec<Ref>,
    hears: bool,
}

impl Semantics for World {
    fn methods(&self) -> &'static [Method] {
        METHODS
    }

    fn standing(&self, db: &Db, host: HostIx) -> Standing {
        let at = db.all("host")[host.0].clone();
        match host.0 {
            0 => Standing::Coordinator { host: at },
            _ if self.emergency => Standing::Emergency { host: at, failure: Failure::bare("HOST_STILL_BOOTING") },
            _ => Standing::Member { host: at, coordinator: "10.0.0.1".to_owned() },
        }
    }

    fn call(&mut self, db: &mut Db, _: &mut Front, ctx: &Ctx, method: &str, args: &[Value]) -> Option<Outcome> {
        match method {
            "host.evacuate" => {
                self.started.push(ctx.job);
                Some(Outcome::Later(ctx.job))
            }
            "host.reboot" => Some(match Args(args).handle(0, db, "host") {
                Ok(_) => Outcome::err(Failure::bare("HOST_NOT_DISABLED")),
                Err(failure) => Outcome::err(failure),
            }),
            "host.get_servertime" => Some(Outcome::Done(Ok(ctx.now.into()))),
            "host.is_in_emergency_mode" => Some(Outcome::Done(Ok(self.emergency.into()))),
            _ => None,
        }
    }

    fn cancel(&mut self, _: &mut Db, _: &mut Front, _: &Ctx, task: &Ref) -> bool {
        self.cancelled.push(task.clone());
        self.hears
    }
}

struct Bench {
    db: Db,
    front: Front,
    world: World,
    now: Time,
    session: Ref,
    host: Ref,
}

impl Bench {
    fn new() -> Self {
        let mut db = Db::new(7);
        let host = db.create("host", &[("name_label", "xs-01".into())]);
        db.create("host", &[("name_label", "xs-02".into())]);
        db.create("pool", &[("master", (&host).into())]);
        let front = Front::new(Settings::default());
        front.install(&mut db);
        let mut bench =
            Self { db, front, world: World::default(), now: Time::from_secs(1_800_000_000), session: Ref::default(), host };
        bench.session = bench.login("root", "test");
        bench
    }

    fn login(&mut self, user: &str, originator: &str) -> Ref {
        let params = vec![user.into(), "poolwatch".into(), "2.21".into(), originator.into()];
        match self.raw(0, "session.login_with_password", params) {
            Reply::Done(Ok(Value::Ref(session))) => session,
            other => panic!("{other:?}"),
        }
    }

    fn raw(&mut self, host: usize, method: &str, params: Vec<Value>) -> Reply {
        let call = Call { method: method.to_owned(), params };
        self.front.call(&mut self.db, &mut self.world, HostIx(host), &call, self.now)
    }

    fn reply(&mut self, method: &str, args: &[Value]) -> Reply {
        let session = self.session.clone();
        self.reply_as(&session, method, args)
    }

    fn reply_as(&mut self, session: &Ref, method: &str, args: &[Value]) -> Reply {
        let params = std::iter::once(session.into()).chain(args.iter().cloned()).collect();
        self.raw(0, method, params)
    }

    fn call(&mut self, method: &str, args: &[Value]) -> Result<Value, Failure> {
        match self.reply(method, args) {
            Reply::Done(result) => result,
            Reply::Waiting(_) => panic!("{method} waits"),
        }
    }

    fn ok(&mut self, method: &str, args: &[Value]) -> Value {
        self.call(method, args).unwrap_or_else(|failure| panic!("{method}: {failure}"))
    }

    fn error(&mut self, method: &str, args: &[Value]) -> String {
        self.call(method, args).expect_err(method).to_string()
    }

    fn make(&mut self, method: &str, args: &[Value]) -> Ref {
        match self.ok(method, args) {
            Value::Ref(r) => r,
            other => panic!("{other:?}"),
        }
    }

    fn wait(&mut self, method: &str, args: &[Value]) -> Ticket {
        match self.reply(method, args) {
            Reply::Waiting(ticket) => ticket,
            Reply::Done(result) => panic!("{method} is done: {result:?}"),
        }
    }

    fn pass(&mut self, seconds: f64) {
        self.now = self.now + Duration::from_secs_f64(seconds);
        self.front.advance(&mut self.db, self.now);
    }

    fn poll(&mut self, ticket: Ticket) -> Option<Result<Value, Failure>> {
        self.front.poll(&mut self.db, ticket, self.now)
    }
}

fn get(value: &Value, field: &str) -> Value {
    match value {
        Value::Record(record) => record.get(field).cloned().unwrap_or(Value::Void),
        Value::Map(map) => map.get(field).cloned().unwrap_or(Value::Void),
        other => panic!("no fields in {other:?}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Ref(r) => r.to_string(),
        other => panic!("not a text: {other:?}"),
    }
}

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Set(items) => items.clone(),
        other => panic!("not a set: {other:?}"),
    }
}
