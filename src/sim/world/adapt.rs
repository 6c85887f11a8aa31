//! The world as the front sees it.
//!
//! The front hands its database and itself in with every call, while the world's own functions expect both inside
//! [`Core`]; so they change places for the time of a call.

use super::state::Stage;
use super::{Core, calls};
use crate::sim::api::{Failure, HostIx};
use crate::sim::db::Db;
use crate::sim::front::{Ctx, Front, Method, Outcome, Semantics, Standing};
use crate::sim::value::Value;
use crate::xenapi::record::Ref;

impl Core {
    fn inside<T>(&mut self, db: &mut Db, front: &mut Front, act: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(db, &mut self.db);
        std::mem::swap(front, &mut self.front);
        let result = act(self);
        std::mem::swap(db, &mut self.db);
        std::mem::swap(front, &mut self.front);
        result
    }
}

impl Semantics for Core {
    fn methods(&self) -> &'static [Method] {
        calls::METHODS
    }

    fn method(&self, name: &str) -> Option<&'static Method> {
        calls::method(name)
    }

    fn most_params(&self, method: &Method) -> Option<usize> {
        self.known_params(method.name, method.max)
    }

    fn standing(&self, _db: &Db, host: HostIx) -> Standing {
        let Some(h) = self.hosts.get(host.0) else {
            return Standing::Emergency { host: Ref::default(), failure: Failure::bare("HOST_STILL_BOOTING") };
        };
        let r = h.r.clone();
        if h.too_new {
            let version = self.xapi_text(host.0);
            let failure = Failure::new("HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR", [version]);
            return Standing::Emergency { host: r, failure };
        }
        if h.stage <= Stage::Answering {
            let mut failure = Failure::bare("HOST_STILL_BOOTING");
            failure.before_dispatch = true;
            return Standing::Emergency { host: r, failure };
        }
        if host.0 == self.coordinator {
            return Standing::Coordinator { host: r };
        }
        let coordinator = self.hosts.get(self.coordinator).map(|h| h.address.clone()).unwrap_or_default();
        Standing::Member { host: r, coordinator }
    }

    fn call(&mut self, db: &mut Db, front: &mut Front, ctx: &Ctx, method: &str, args: &[Value]) -> Option<Outcome> {
        self.inside(db, front, |core| core.dispatch(ctx, method, args))
    }

    fn cancel(&mut self, db: &mut Db, front: &mut Front, _ctx: &Ctx, task: &Ref) -> bool {
        self.inside(db, front, |core| core.cancel_task(task))
    }
}
