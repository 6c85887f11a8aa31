//! Hosts that are no part of the pool, and how they join it (seed: OCFS2 storage). Their leaving is in [`super::maintenance`].
//!
//! A host that is no part of the pool is a pool of its own: a world of one host inside this one, at the same address. `pool.join` is called there.
//!
//! *Designed*: a host that joins becomes a member of the cluster, and a cluster without a number for it lets it not in. *Shipped*: xapi knows nothing of
//! o2cb.

use super::build::Builder;
use super::jobs::Job;
use super::maintenance::spec_of;
use super::state::{Host, Stage};
use super::truth::{Away, Cause};
use super::{Core, Due, FaultError, Options, World};
use crate::sim::api::{Api, Call, Failure, HostIx, Reply, Ticket};
use crate::sim::db::Db;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::scenario::{HostSpec, LunSpec, Scenario, SrSpec};
use crate::sim::value::Value;
use crate::time::Time;
use std::time::Duration;

/// From the call to join until it is let in.
const JOINING: Duration = Duration::from_secs(5);
/// Tickets of calls that are made elsewhere.
const TICKETS: u64 = 1 << 61;

/// A host wants to join another pool: what its `pool.join` was called with.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Address of the other pool's coordinator.
    pub address: String,
    /// The user there.
    pub user: String,
    /// The password.
    pub password: String,
    /// Who waits for it.
    pub job: Job,
    /// When it is let in.
    pub due: Time,
}

impl Core {
    // ---- hosts that are pools of their own ----

    /// A host is a pool of its own from the beginning.
    pub(super) fn set_apart(&mut self, host: usize, spec: &HostSpec) {
        let world = self.lone_world(host, spec);
        if let Some(h) = self.hosts.get_mut(host) {
            h.uuid.clone_from(&world.core.hosts.first().map(|h| h.uuid.clone()).unwrap_or_default());
            h.alone = Some(Box::new(world));
        }
        self.apart.push(host);
    }

    /// A host as a pool of its own, all up.
    pub(super) fn lone_world(&mut self, host: usize, spec: &HostSpec) -> World {
        let address = self.hosts.get(host).map(|h| h.address.clone()).unwrap_or_default();
        let scenario = self.scenario_of(spec);
        let options = Options {
            seed: self.seed ^ (host as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            start: self.now,
            dialect: self.dialect,
            shipped_progress: self.shipped_progress,
        };
        let mut world = World::build(&scenario, options);
        world.core.inner = true;
        if let Some(facts) = self.certificates.get(host) {
            world.install_certificates(std::slice::from_ref(facts));
        }
        let r = world.core.hosts.first().map(|h| h.r.clone()).unwrap_or_default();
        let pif = world.core.db.refs(&r, "PIFs").into_iter().find(|p| world.core.db.boolean(p, "management"));
        world.core.db.set(&r, "address", address.as_str());
        if let Some(pif) = pif {
            world.core.db.set(&pif, "IP", address.as_str());
        }
        if let Some(h) = world.core.hosts.first_mut() {
            h.address = address;
        }
        world
    }

    /// A pool of one host, of the same make as this one.
    fn scenario_of(&self, spec: &HostSpec) -> Scenario {
        let origin = self.origin.as_deref();
        Scenario {
            name: spec.name.clone(),
            title: spec.name.clone(),
            pool: String::new(),
            subnet: origin.map_or(0, |s| s.subnet),
            versions: origin.map(|s| s.versions.clone()).unwrap_or_default(),
            updates: origin.map(|s| s.updates.clone()).unwrap_or_default(),
            boot: self.boot,
            hosts: vec![HostSpec { outside: false, ..spec.clone() }],
            srs: Vec::new(),
            guests: Vec::new(),
            fill: crate::sim::scenario::Fill::default(),
            probe: self.probe,
            cluster: false,
            networks: Vec::new(),
            ha: crate::sim::scenario::HaSpec::default(),
            cluster_stacks: self.stacks.clone(),
            wlb: false,
            activity: super::Activity::default(),
            events: Vec::new(),
        }
    }

    /// Time passes for those, too.
    pub(super) fn advance_apart(&mut self) {
        if self.apart.is_empty() {
            return;
        }
        let now = self.now;
        for host in self.apart.clone() {
            if let Some(world) = self.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) {
                world.advance(now);
            }
        }
        self.grant_wishes();
    }

    /// Lets in who may join, and tells the others why not.
    pub(super) fn grant_wishes(&mut self) {
        for host in self.apart.clone() {
            let Some(inner) = self.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) else { continue };
            let Some(wish) = inner.core.wish.take_if(|wish| wish.due <= inner.core.now) else { continue };
            let answer = self.may_join(host, &wish);
            let admitted = answer.is_ok();
            if let Some(inner) = self.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) {
                inner.core.finish(wish.job, answer.map(|()| Value::Void));
                inner.core.settle();
            }
            if admitted {
                self.admit(host);
                self.join_now(host);
            }
        }
    }

    /// What the joining host and the coordinator look at, in xapi's order.
    fn may_join(&self, host: usize, wish: &Wish) -> Result<(), Failure> {
        let there = self.hosts.iter().position(|h| h.member() && h.address == wish.address);
        let inner = self.hosts.get(host).and_then(|h| h.alone.as_ref()).map(|w| &w.core);
        let Some(there) = there.filter(|at| !self.out_of_sight(*at) && self.hosts.get(*at).is_some_and(Host::xapi_up)) else {
            return Err(Failure::bare("JOINING_HOST_CONNECTION_FAILED"));
        };
        if there != self.coordinator {
            let coordinator = self.hosts.get(self.coordinator).map(|h| h.address.clone()).unwrap_or_default();
            return Err(Failure::new("HOST_IS_SLAVE", [coordinator]));
        }
        if !self.front.knows(&wish.user, &wish.password) {
            return Err(Failure::new("SESSION_AUTHENTICATION_FAILED", [wish.user.as_str(), "Authentication failure"]));
        }
        if self.ha.on || inner.is_some_and(|i| i.ha.on) {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        if inner.is_some_and(|i| i.guests.iter().any(super::state::Guest::is_active)) {
            return Err(Failure::bare("JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"));
        }
        if inner.is_some_and(|i| i.stores.iter().any(|s| s.shared)) {
            return Err(Failure::bare("JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS"));
        }
        let level = |core: &Self, at: usize| core.hosts.get(at).map(|h| (h.version.rank(), h.running));
        if inner.is_some_and(|i| level(i, 0) != level(self, self.coordinator)) {
            return Err(Failure::new("HOSTS_NOT_HOMOGENEOUS", ["software version differs"]));
        }
        // A cluster without a number for it cannot take it.
        match self.o2cb.as_ref().and_then(|o| o.cluster.as_ref()) {
            Some(cluster) => self.free_number(cluster).map(drop),
            None => Ok(()),
        }
    }

    /// Records of a host that was let in, and its node number.
    fn admit(&mut self, host: usize) {
        let Some(old) = self.hosts.get(host).and_then(|h| h.alone.as_ref()?.core.hosts.first().cloned()) else { return };
        let spec = spec_of(&old);
        let origin = self.scenario_of(&spec);
        let network = self.db.refs_of("network").next().cloned().unwrap_or_default();
        let placeholder = Db::with_dialect(0, self.dialect);
        let mut builder = Builder {
            scenario: &origin,
            rng: &mut self.rng,
            db: std::mem::replace(&mut self.db, placeholder),
            now: self.now,
            pool: self.pool.clone(),
            pool_uuid: self.pool_uuid.clone(),
            network,
            hosts: std::mem::take(&mut self.hosts),
            stores: std::mem::take(&mut self.stores),
            guests: Vec::new(),
            used: Vec::new(),
            cluster: self.cluster.clone(),
        };
        builder.newcomer(host, &spec, &old);
        (self.db, self.hosts, self.stores) = (builder.db, builder.hosts, builder.stores);
        self.certify(host);
        self.o2cb_wipe(host);
        match self.o2cb.as_ref().and_then(|o| o.cluster.clone()) {
            // There is a number, see `may_join`.
            Some(cluster) => drop(self.membership_create(host, &cluster)),
            None => self.shipped_number(host),
        }
    }

    /// The host's toolstack starts again, as a member.
    fn join_now(&mut self, host: usize) {
        self.apart.retain(|h| *h != host);
        let now = self.now;
        if let Some(h) = self.hosts.get_mut(host) {
            h.alone = None;
            h.away = Some(Away { since: now, cause: Cause::Pool });
        }
        self.restart_toolstack(host);
        self.publish_everything();
        self.publish_mixed();
        self.cluster_changed_now();
    }

    // ---- calls ----

    /// `pool.join`, at the host that is to join.
    pub(super) fn call_join(&mut self, ctx: &Ctx, args: Args) -> Result<Outcome, Failure> {
        let (address, user, password) = (args.text(0)?.to_owned(), args.text(1)?.to_owned(), args.text(2)?.to_owned());
        if self.hosts.iter().filter(|h| h.member()).count() > 1 {
            return Err(Failure::bare("JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"));
        }
        if !self.inner {
            // There is nothing but this pool.
            return Err(Failure::bare("JOINING_HOST_CONNECTION_FAILED"));
        }
        self.wish = Some(Wish { address, user, password, job: Job::call(ctx), due: self.now + JOINING });
        self.timers.set(self.now + JOINING, Due::Nothing);
        Ok(Outcome::Later(ctx.job))
    }

    // ---- another operator ----

    /// Somebody calls `pool.join` at a host that is a pool of its own.
    pub(super) fn operator_joins(&mut self, host: Option<&str>, who: &str) -> Result<String, FaultError> {
        let name = host.ok_or_else(|| FaultError::NotNow("`does=join` needs `host=`".into()))?;
        let coordinator = self.hosts.get(self.coordinator).map(|h| h.address.clone()).unwrap_or_default();
        let now = self.now;
        self.timers.set(now + JOINING, Due::Apart);
        let found = self.hosts.iter_mut().find(|h| h.name == name).and_then(|h| h.alone.as_mut());
        let Some(world) = found else { return Err(FaultError::NotNow(format!("no host called {name} is outside the pool"))) };
        world.advance(now);
        let login = ["root", "poolwatch", "1.0", who].map(Value::from).to_vec();
        let refused = |failure: Failure| FaultError::NotNow(format!("{who} was refused: {failure}"));
        let login = Call { method: "session.login_with_password".into(), params: login };
        let Reply::Done(session) = world.call(HostIx(0), login) else {
            return Err(FaultError::NotNow(format!("{name} does not answer")));
        };
        let mut params = vec![session.map_err(refused)?];
        params.extend([coordinator.as_str(), "root", "poolwatch"].map(Value::from));
        match world.call(HostIx(0), Call { method: "Async.pool.join".into(), params }) {
            Reply::Done(Err(failure)) => Err(refused(failure)),
            _ => Ok(format!("{who} lets {name} join")),
        }
    }

    // ---- calls made elsewhere ----

    /// The client of a call elsewhere went away.
    pub(super) fn forget_elsewhere(&mut self, ticket: Ticket) {
        let Some(at) = self.elsewhere.iter().position(|(own, ..)| *own == ticket) else { return };
        let (_, host, inner) = self.elsewhere.remove(at);
        if let Some(world) = self.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) {
            world.forget(inner);
        }
    }
}

impl World {
    /// A call at a host that is a pool of its own.
    pub(super) fn call_elsewhere(&mut self, host: usize, call: Call) -> Reply {
        let now = self.core.now;
        self.core.timers.set(now + JOINING, Due::Apart);
        let Some(world) = self.core.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) else {
            return Reply::Done(Err(Failure::bare("HOST_STILL_BOOTING")));
        };
        world.advance(now);
        match world.call(HostIx(0), call) {
            Reply::Waiting(inner) => {
                self.core.held_count += 1;
                let own = Ticket(TICKETS + self.core.held_count);
                self.core.elsewhere.push((own, host, inner));
                Reply::Waiting(own)
            }
            done @ Reply::Done(_) => done,
        }
    }

    /// Whether such a call has ended. One whose host has joined meanwhile has, well.
    pub(super) fn poll_elsewhere(&mut self, at: usize) -> Option<Result<Value, Failure>> {
        let (_, host, inner) = *self.core.elsewhere.get(at)?;
        let result = match self.core.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) {
            Some(world) => world.poll(inner)?,
            None => Ok(Value::Void),
        };
        self.core.elsewhere.remove(at);
        Some(result)
    }
}

impl Builder<'_> {
    /// The records of a host that joins: its own, its local storage, and PBDs for all shared storage. `old`: the machine as it was.
    fn newcomer(&mut self, at: usize, spec: &HostSpec, old: &Host) {
        let mut host = self.host(at, spec);
        self.db.set(&host.r, "uuid", old.uuid.as_str());
        self.db.set(&host.r, "enabled", false);
        self.db.set(&host.metrics, "live", false);
        let address = old.address.clone();
        self.db.set(&host.r, "address", address.as_str());
        host = Host {
            uuid: old.uuid.clone(),
            address,
            booted: old.booted,
            installed: old.installed,
            running: old.running,
            software: std::sync::Arc::clone(&old.software),
            software_next: std::sync::Arc::clone(&old.software_next),
            version: old.version,
            clock_ms: old.clock_ms,
            stage: Stage::Up,
            since: self.now,
            life: self.hosts.get(at).map_or(0, |h| h.life) + 1,
            enabled: false,
            live: false,
            cluster_up: false,
            ..host
        };
        let r = host.r.clone();
        self.db.set(&r, "software_version", super::build::dated(&host.software, host.booted));
        if let Some(place) = self.hosts.get_mut(at) {
            *place = host;
        }
        for store in 0..self.stores.len() {
            let Some((spec, sr, up)) = self.stores.get(store).filter(|s| s.shared && s.mirror.is_none()).map(|s| {
                let luns = s.luns.iter().map(|l| LunSpec { scsi_id: l.scsi_id.clone(), paths: l.paths }).collect();
                let spec =
                    SrSpec { name: s.name.clone(), kind: s.kind.clone(), size_gib: 0, hosts: Vec::new(), mirror: None, luns };
                (spec, s.r.clone(), s.luns.iter().map(|l| l.paths).collect())
            }) else {
                continue;
            };
            let mut pbd = self.pbd(at, &sr, &spec, up);
            pbd.attached = false;
            self.db.set(&pbd.r, "currently_attached", false);
            if let Some(s) = self.stores.get_mut(store) {
                s.pbds.push(pbd);
            }
        }
        self.local(at, "Local storage", "ext", "user", 400);
        self.local(at, "DVD drives", "udev", "iso", 0);
    }
}
