//! Faults that wait for their moment (the next boot, migration, plug, update), and those that somebody else's hand does.

use super::fault::{Action, Fault, FaultError, Hang};
use super::power::Step;
use super::{Core, Due};
use crate::sim::api::{Call, Failure, HostIx, Reply};
use crate::sim::db::{Db, Snapshot};
use crate::sim::front::{Front, Settings};
use crate::sim::value::Value;
use crate::time::Time;
use std::time::Duration;

/// What the other operator's session calls itself.
const OPERATOR: &str = "another operator";

/// A boot that does not go as it should.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Whose.
    pub host: usize,
    /// Where it stops.
    at: Hang,
    /// The step that waits, once it is reached.
    pub stuck: Option<Step>,
}

/// What waits for its moment.
#[derive(Clone, Debug, Default)]
pub struct Mischief {
    /// Boots that hang.
    pub boots: Vec<Boot>,
    slow: Vec<(usize, Duration)>,
    /// Migrations that fail: of which guest, how many.
    moves: Vec<(Option<usize>, u32)>,
    /// Plugs that fail: host, SR, how many.
    plugs: Vec<(usize, Option<usize>, u32)>,
    /// Updates that fail.
    updates: Vec<(usize, String)>,
    /// Updaters that somebody else holds.
    busy: Vec<(usize, Time)>,
    kept: Option<Snapshot>,
}

/// Takes one off what is left of the first that fits.
fn use_one<T>(list: &mut Vec<(T, u32)>, fits: impl Fn(&T) -> bool) -> bool {
    let Some(at) = list.iter().position(|(what, _)| fits(what)) else { return false };
    let spent = list.get_mut(at).is_some_and(|(_, left)| {
        *left = left.saturating_sub(1);
        *left == 0
    });
    if spent {
        list.remove(at);
    }
    true
}

impl Mischief {
    /// Whether a step of a boot is not gone; it waits then.
    pub fn hangs(&mut self, host: usize, at: Hang, step: Step) -> bool {
        let Some(boot) = self.boots.iter_mut().find(|b| b.host == host && b.at == at) else { return false };
        boot.stuck = Some(step);
        true
    }

    /// How much longer the boot that begins takes.
    pub fn slower(&mut self, host: usize) -> Duration {
        let found = self.slow.iter().position(|(h, _)| *h == host);
        found.map_or(Duration::ZERO, |at| self.slow.remove(at).1)
    }

    /// Whether the migration that begins is to fail.
    pub fn move_fails(&mut self, guest: usize) -> bool {
        !self.moves.is_empty() && use_one(&mut self.moves, |g| g.is_none_or(|g| g == guest))
    }

    /// Whether a plug fails.
    pub fn plug_fails(&mut self, host: usize, store: usize) -> bool {
        let Some(at) = self.plugs.iter().position(|(h, s, _)| *h == host && s.is_none_or(|s| s == store)) else { return false };
        let spent = self.plugs.get_mut(at).is_some_and(|(_, _, left)| {
            *left = left.saturating_sub(1);
            *left == 0
        });
        if spent {
            self.plugs.remove(at);
        }
        true
    }

    /// The code with which the update that begins fails, if it does.
    pub fn update_fails(&mut self, host: usize) -> Option<String> {
        let at = self.updates.iter().position(|(h, _)| *h == host)?;
        Some(self.updates.remove(at).1)
    }

    /// Whether somebody else holds a host's updater.
    pub fn updater_busy(&self, host: usize, now: Time) -> bool {
        self.busy.iter().any(|(h, until)| *h == host && now < *until)
    }
}

impl Core {
    /// Does one of these faults. What it did, in words.
    pub(super) fn mischievous(&mut self, fault: Fault) -> Result<String, FaultError> {
        match fault {
            Fault::FailMove { vm, times } => {
                let guest = vm.as_deref().map(|vm| self.named_guest(vm)).transpose()?;
                self.mischief.moves.push((guest, times.max(1)));
                Ok(format!("the next {times} migrations of {} fail half-way", vm.as_deref().unwrap_or("any guest")))
            }
            Fault::FailPlug { host, sr, times } => {
                let at = self.named_host(&host)?;
                let store = sr.as_deref().map(|name| self.named_store(name)).transpose()?;
                self.mischief.plugs.push((at, store, times.max(1)));
                Ok(format!("the next {times} attempts to plug storage of {host} fail"))
            }
            Fault::FailUpdate { host, code } => {
                let at = self.named_host(&host)?;
                let said = format!("the next update of {host} fails with {code}");
                self.mischief.updates.push((at, code));
                Ok(said)
            }
            Fault::BusyUpdater { host, by } => {
                let at = self.named_host(&host)?;
                self.mischief.busy.push((at, self.now + by));
                self.timers.set(self.now + by, Due::Nothing);
                Ok(format!("somebody else holds the updater of {host} for {} s", by.as_secs()))
            }
            Fault::HangBoot { host, at } => {
                let ix = self.named_host(&host)?;
                self.mischief.boots.push(Boot { host: ix, at, stuck: None });
                let at: &str = at.into();
                Ok(format!("the next boot of {host} hangs at {at}"))
            }
            Fault::ResumeBoot { host } => self.resume_boot(&host),
            Fault::SlowBoot { host, by } => {
                let at = self.named_host(&host)?;
                self.mischief.slow.push((at, by));
                Ok(format!("the next boot of {host} takes {} s longer", by.as_secs()))
            }
            Fault::KeepDatabase => {
                self.mischief.kept = Some(self.db.snapshot());
                Ok("a copy of the database is put aside".into())
            }
            Fault::RewindDatabase => self.rewind(),
            Fault::Operator { action, host, vm, key, value, who } => {
                let who = who.as_deref().unwrap_or(OPERATOR);
                self.operator(action, host.as_deref(), vm.as_deref(), (key.as_deref(), value.as_deref()), who)
            }
            other => Err(FaultError::NotNow(format!("`{other}` is not for this world"))),
        }
    }

    fn named_store(&self, name: &str) -> Result<usize, FaultError> {
        let found = self.stores.iter().position(|s| s.name == name || s.uuid == name);
        found.ok_or_else(|| FaultError::NoSuch {
            kind: "SR",
            name: name.to_owned(),
            known: self.stores.iter().filter(|s| s.shared).map(|s| s.name.clone()).collect::<Vec<_>>().join(", "),
        })
    }

    fn resume_boot(&mut self, host: &str) -> Result<String, FaultError> {
        let at = self.named_host(host)?;
        let before = self.mischief.boots.len();
        let step = self.mischief.boots.iter().find(|b| b.host == at).and_then(|b| b.stuck);
        self.mischief.boots.retain(|b| b.host != at);
        if self.mischief.boots.len() == before {
            return Err(FaultError::NotNow(format!("no boot of {host} hangs")));
        }
        if let (Some(step), Some(life)) = (step, self.hosts.get(at).map(|h| h.life)) {
            self.timers.set(self.now, Due::Step { host: at, life, step });
        }
        Ok(format!("{host} boots on"))
    }

    /// The coordinator goes on with an older database: sessions and tasks are gone, and so is what was written since.
    fn rewind(&mut self) -> Result<String, FaultError> {
        let Some(kept) = self.mischief.kept.clone() else {
            return Err(FaultError::NotNow("no copy of the database was put aside; `keep-database` does".into()));
        };
        if !self.coordinator_up() {
            return Err(FaultError::NotNow("the coordinator is down".into()));
        }
        self.db.restore(&kept);
        self.epoch += 1;
        let coordinator = self.coordinator;
        self.restart_toolstack(coordinator);
        Ok(format!("{} starts over with an older database", self.host_name(coordinator)))
    }

    fn operator(
        &mut self,
        action: Action,
        host: Option<&str>,
        vm: Option<&str>,
        (key, value): (Option<&str>, Option<&str>),
        who: &str,
    ) -> Result<String, FaultError> {
        if action == Action::Join {
            return self.operator_joins(host, who);
        }
        let name: &str = action.into();
        let missing = |what: &str| FaultError::NotNow(format!("`does={name}` needs `{what}=`"));
        let host_ref = |core: &Self| -> Result<Value, FaultError> {
            let at = core.named_host(host.ok_or_else(|| missing("host"))?)?;
            Ok(core.hosts.get(at).map_or(Value::Void, |h| Value::from(&h.r)))
        };
        let vm_ref = |core: &Self| -> Result<Value, FaultError> {
            let at = core.named_guest(vm.ok_or_else(|| missing("vm"))?)?;
            Ok(core.guests.get(at).map_or(Value::Void, |g| Value::from(&g.r)))
        };
        let pool = Value::from(&self.pool);
        let key = || key.map(Value::from).ok_or_else(|| missing("key"));
        let empty = || Value::Map(std::collections::BTreeMap::new());
        let calls: Vec<(&str, Vec<Value>)> = match action {
            Action::Disable => vec![("host.disable", vec![host_ref(self)?])],
            Action::Enable => vec![("host.enable", vec![host_ref(self)?])],
            Action::Evacuate => vec![("Async.host.evacuate", vec![host_ref(self)?])],
            Action::Reboot => vec![("host.disable", vec![host_ref(self)?]), ("Async.host.reboot", vec![host_ref(self)?])],
            Action::Shutdown => vec![("host.disable", vec![host_ref(self)?]), ("Async.host.shutdown", vec![host_ref(self)?])],
            Action::StartGuest => vec![("Async.VM.start", vec![vm_ref(self)?, false.into(), false.into()])],
            Action::StopGuest => vec![("Async.VM.clean_shutdown", vec![vm_ref(self)?])],
            Action::MoveGuest => vec![("Async.VM.pool_migrate", vec![vm_ref(self)?, host_ref(self)?, empty()])],
            Action::EnableHa => vec![("pool.enable_ha", vec![Value::Set(Vec::new()), empty()])],
            Action::DisableHa => vec![("pool.disable_ha", Vec::new())],
            Action::SetKey => vec![
                ("pool.remove_from_other_config", vec![pool.clone(), key()?]),
                ("pool.add_to_other_config", vec![pool, key()?, value.unwrap_or_default().into()]),
            ],
            Action::DropKey => vec![("pool.remove_from_other_config", vec![pool, key()?])],
            Action::Eject => vec![("Async.pool.eject", vec![host_ref(self)?])],
            Action::Maintain => vec![("Async.host.prepare_for_maintenance", vec![host_ref(self)?])],
            Action::Plug | Action::Unplug => {
                let host = host_ref(self)?;
                let method = if action == Action::Plug { "Async.PBD.plug" } else { "PBD.unplug" };
                let at = self.hosts.iter().position(|h| Value::from(&h.r) == host);
                let mine = self.stores.iter().filter(|s| s.shared).flat_map(|s| &s.pbds).filter(|p| Some(p.host) == at);
                mine.filter(|p| p.attached == (action == Action::Unplug)).map(|p| (method, vec![Value::from(&p.r)])).collect()
            }
            // Done at that host, see above.
            Action::Join => Vec::new(),
        };
        if !self.coordinator_up() {
            return Err(FaultError::NotNow("the coordinator is down; nobody can call it".into()));
        }
        let refused = |failure: Failure| FaultError::NotNow(format!("the other operator was refused: {failure}"));
        let login = ["root", "poolwatch", "1.0", who].map(Value::from).to_vec();
        let session = self.as_client("session.login_with_password", login).map_err(refused)?;
        for (method, mut params) in calls {
            params.insert(0, session.clone());
            self.as_client(method, params).map_err(refused)?;
        }
        let about = host.or(vm).map(|about| format!(" {about}")).unwrap_or_default();
        Ok(format!("{who} does {name}{about}"))
    }

    /// A call as any client makes it. Nobody waits for what takes time.
    fn as_client(&mut self, method: &str, params: Vec<Value>) -> Result<Value, Failure> {
        let mut db = std::mem::replace(&mut self.db, Db::with_dialect(0, self.dialect));
        let mut front = std::mem::replace(&mut self.front, Front::new(Settings::default()));
        let call = Call { method: method.to_owned(), params };
        let (at, now) = (HostIx(self.coordinator), self.now);
        let reply = front.call(&mut db, self, at, &call, now);
        self.db = db;
        self.front = front;
        match reply {
            Reply::Done(result) => result,
            Reply::Waiting(ticket) => {
                self.front.forget(ticket);
                Ok(Value::Void)
            }
        }
    }
}
