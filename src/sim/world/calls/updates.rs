//! Calls that install updates, with their refusals.

use super::super::Core;
use super::super::jobs::{Job, Kind, Running};
use super::super::ops::HostOp;
use super::super::updates::Via;
use super::{Answered, DONE, answer};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx, Outcome};
use crate::sim::scenario::Flow;
use crate::xenapi::record::Ref;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the metadata takes to read.
const SYNC: Duration = Duration::from_secs(20);
/// How long the updater takes for an answer that changes nothing.
const LOOK: Duration = Duration::from_secs(2);

impl Core {
    /// `updater.py` of XCP-ng. Only one operation at a time on a host.
    pub(super) fn updater(&mut self, ctx: &Ctx, host: usize, function: &str, given: &BTreeMap<&str, &str>) -> Answered {
        let others = self.mischief.updater_busy(host, self.now).then_some("update");
        let current = self.hosts.get(host).and_then(|h| h.updating).or(others);
        let packages = given.get("packages").copied().unwrap_or_default();
        let run = match function {
            "update" => Some("update"),
            "install" => Some("install"),
            "check_update" | "query_installed" | "get_proxies" | "set_proxies" => None,
            other => return Err(Failure::new("XENAPI_PLUGIN_FAILURE", ["UNKNOWN_XENAPI_PLUGIN_FUNCTION", other, ""])),
        };
        if let Some(current) = current {
            let text = if run == Some("update") && current == "update" {
                "Update already in progress".to_owned()
            } else {
                format!("The updater plugin is busy (current operation: {current})")
            };
            return Err(Failure::new("-1", [text.as_str(), "", ""]));
        }
        if let Some(function) = run {
            let via = Via::Plugin { function, packages: packages.to_owned() };
            self.install(Job::call(ctx), host, via, ctx.task.clone());
            return Ok(Outcome::Later(ctx.job));
        }
        let said = match function {
            "check_update" => self.listed_packages(host),
            "query_installed" => self.installed_packages(host, packages),
            "get_proxies" => "{\"xcp-ng-base\": \"_none_\", \"xcp-ng-updates\": \"_none_\"}".to_owned(),
            _ => String::new(),
        };
        self.after(ctx, LOOK, Ok(said.into()))
    }

    /// `host.apply_updates(host, hash)`. Disables the host by itself.
    pub(super) fn apply_updates(&mut self, ctx: &Ctx, host: usize, args: Args) -> Answered {
        let hash = args.text(1)?.to_owned();
        if self.ha.on {
            return Err(Failure::bare("HA_IS_ENABLED"));
        }
        if self.syncing {
            return Err(Failure::bare("SYNC_UPDATES_IN_PROGRESS"));
        }
        let applying = |r: &Running| matches!(r.kind, Kind::Install { via: Via::Repository { .. }, host: h, .. } if h != host);
        if self.jobs.values().any(applying) {
            return Err(Failure::bare("APPLY_UPDATES_IN_PROGRESS"));
        }
        self.reach(host)?;
        if self.update_hash().is_some_and(|known| known != hash) {
            return Err(Failure::bare("UPDATEINFO_HASH_MISMATCH"));
        }
        let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
        if self.hosts.get(host).is_some_and(|h| !h.pending.is_empty()) {
            return Err(Failure::new("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", [r.as_str()]));
        }
        let empty = self.updates.guidance.iter().any(|g| g.starts_with("reboot_host") || g == "evacuate_host");
        if empty && !self.guests_on(host).is_empty() {
            return Err(Failure::new("HOST_EVACUATION_IS_REQUIRED", [r.as_str()]));
        }
        if self.hosts.get(host).is_some_and(|h| h.enabled) {
            self.take_out(host)?;
        }
        self.check_host_op(host, HostOp::ApplyUpdates)?;
        self.pool_operation(&ctx.task, Some("apply_updates"));
        self.install(Job::call(ctx), host, Via::Repository { hash }, ctx.task.clone());
        Ok(Outcome::Later(ctx.job))
    }

    /// `pool.sync_updates(pool, force, token, token_id, …)`: reads the metadata, returns its hash.
    pub(super) fn sync_updates(&mut self, ctx: &Ctx, args: Args) -> Answered {
        args.handle(0, &self.db, "pool")?;
        args.boolean(1)?;
        if self.syncing {
            return Err(Failure::bare("SYNC_UPDATES_IN_PROGRESS"));
        }
        if self.jobs.values().any(|r| matches!(r.kind, Kind::Install { via: Via::Repository { .. }, .. })) {
            return Err(Failure::bare("APPLY_UPDATES_IN_PROGRESS"));
        }
        if self.update_hash().is_none() {
            return Err(Failure::bare("NO_REPOSITORY_ENABLED"));
        }
        self.syncing = true;
        self.pool_operation(&ctx.task, Some("sync_updates"));
        self.publish_pool_ops();
        self.start_job(Job::call(ctx), Kind::Sync { task: ctx.task.clone() }, SYNC);
        Ok(Outcome::Later(ctx.job))
    }

    /// `pool_update.*`, of `XenServer` 7.
    pub(super) fn pool_update_call(&mut self, ctx: &Ctx, name: &str, args: Args) -> Option<Answered> {
        if name == "introduce" {
            return Some(self.introduce_update(args));
        }
        let update = match args.handle(0, &self.db, "pool_update") {
            Ok(update) => update,
            Err(failure) => return Some(Err(failure)),
        };
        Some(match name {
            "precheck" => self.arg_host(args, 1).and_then(|host| {
                self.check_pool_update(&update, host)?;
                answer("ok")
            }),
            "apply" => self.arg_host(args, 1).and_then(|host| {
                self.check_pool_update(&update, host)?;
                self.install(Job::call(ctx), host, Via::Uploaded { update }, ctx.task.clone());
                Ok(Outcome::Later(ctx.job))
            }),
            "pool_apply" => self.apply_everywhere(ctx, &update),
            "pool_clean" => DONE,
            "destroy" => {
                if self.db.refs(&update, "hosts").is_empty() {
                    self.db.destroy(&update);
                    DONE
                } else {
                    Err(Failure::new("UPDATE_IS_APPLIED", [update.as_str()]))
                }
            }
            _ => return None,
        })
    }

    fn introduce_update(&mut self, args: Args) -> Answered {
        let vdi = args.handle(0, &self.db, "VDI")?;
        let name = self.db.text(&vdi, "name_label").to_owned();
        if self.db.find("pool_update", "name_label", &name.as_str().into()).is_some() {
            return Err(Failure::new("UPDATE_ALREADY_EXISTS", [name]));
        }
        let guidance = super::super::book::texts(["restartHost"]);
        let fields = [("name_label", name.into()), ("vdi", (&vdi).into()), ("after_apply_guidance", guidance)];
        answer(self.db.create("pool_update", &fields))
    }

    fn check_pool_update(&self, update: &Ref, host: usize) -> Result<(), Failure> {
        self.reach(host)?;
        let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
        if self.db.refs(update, "hosts").contains(&r) {
            return Err(Failure::new("UPDATE_ALREADY_APPLIED", [update.as_str()]));
        }
        if self.updates.flow != Flow::PoolUpdate {
            return Err(Failure::new("UPDATE_PRECHECK_FAILED_WRONG_SERVER_VERSION", [update.as_str(), "", ""]));
        }
        let running = |r: &Running| matches!(r.kind, Kind::Install { host: h, .. } if h == host);
        if self.jobs.values().any(running) {
            return Err(Failure::new("OTHER_OPERATION_IN_PROGRESS", ["host", r.as_str(), "apply_updates", ""]));
        }
        Ok(())
    }

    /// On every host that lacks it, all at the same time.
    fn apply_everywhere(&mut self, ctx: &Ctx, update: &Ref) -> Answered {
        let lacking: Vec<usize> = (0..self.hosts.len()).filter(|h| self.check_pool_update(update, *h).is_ok()).collect();
        let Some((last, others)) = lacking.split_last() else {
            return Err(Failure::new("UPDATE_ALREADY_APPLIED_IN_POOL", [update.as_str()]));
        };
        for host in others {
            let task = self.new_task("pool_update.apply", "", Some(*host), None);
            self.install(Job::own(task.clone()), *host, Via::Uploaded { update: update.clone() }, task);
        }
        self.install(Job::call(ctx), *last, Via::Uploaded { update: update.clone() }, ctx.task.clone());
        Ok(Outcome::Later(ctx.job))
    }
}
