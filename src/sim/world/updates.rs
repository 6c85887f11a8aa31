//! Updates being installed: XCP-ng's by its plugin, `XenServer`'s from its repository, and the uploaded ones of before.

use super::Core;
use super::book::texts;
use super::jobs::{Job, Kind};
use super::ops::HostOp;
use super::state::secs;
use crate::sim::api::Failure;
use crate::sim::scenario::Flow;
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long a run takes that finds nothing to do.
const NOTHING: Duration = Duration::from_secs(4);

/// How an update is installed.
#[derive(Clone, Debug)]
pub enum Via {
    /// XCP-ng's plugin: `update` or `install`, and the packages that were named.
    Plugin { function: &'static str, packages: String },
    /// `host.apply_updates` with this hash.
    Repository { hash: String },
    /// `pool_update.apply`.
    Uploaded { update: Ref },
}

impl Core {
    /// Whether a host has something to install. Without a scenario of updates there always is something.
    pub(super) fn lacks_updates(&self, host: usize) -> bool {
        self.updates.flow == Flow::None || self.hosts.get(host).is_some_and(|h| h.installed == 0)
    }

    /// An update is installed: it counts from the next boot on, and xapi wants that boot.
    pub(super) fn apply_update(&mut self, host: usize) {
        if !self.lacks_updates(host) {
            return;
        }
        let updates = Arc::clone(&self.updates);
        let Some(h) = self.hosts.get_mut(host) else { return };
        h.installed += 1;
        h.software_next = Arc::new(super::versions::updated(&h.software_next, &updates));
        if updates.flow != Flow::XcpNg {
            h.pending.clone_from(&updates.guidance);
        }
        if !updates.guidance.iter().any(|g| g.starts_with("reboot_host")) {
            h.running = h.installed;
            h.software = Arc::clone(&h.software_next);
            h.version = super::versions::Version::of(&h.software);
        }
        self.publish_host(host);
        self.publish_mixed();
    }

    /// A package as it is listed: name, version, release.
    fn packages(&self) -> Vec<(&str, &str, &str)> {
        let split = |package: &'_ String| -> Option<(usize, usize)> {
            let release = package.rfind('-')?;
            Some((package.get(..release)?.rfind('-')?, release))
        };
        self.updates
            .packages
            .iter()
            .map(|p| match split(p) {
                Some((v, r)) => (p.get(..v).unwrap_or(""), p.get(v + 1..r).unwrap_or(""), p.get(r + 1..).unwrap_or("")),
                None => (p.as_str(), "1.0", "1"),
            })
            .collect()
    }

    /// What `check_update` prints.
    pub(super) fn listed_packages(&self, host: usize) -> String {
        if self.updates.flow != Flow::XcpNg || !self.lacks_updates(host) {
            return "[]".to_owned();
        }
        let one = |(name, version, release): (&str, &str, &str)| {
            json!({
                "name": name, "version": version, "release": release, "description": format!("{name} for XCP-ng"),
                "changelog": {"date": 1_795_000_000, "author": "The packagers <packagers@example.com>", "description": "- Fixes"},
                "url": "https://example.com", "size": 4_194_304, "license": "GPL",
            })
        };
        serde_json::Value::Array(self.packages().into_iter().map(one).collect()).to_string()
    }

    /// What `query_installed` prints.
    pub(super) fn installed_packages(&self, host: usize, wanted: &str) -> String {
        let new = !self.lacks_updates(host) || self.hosts.get(host).is_some_and(|h| h.installed > 0);
        let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
        let all = self.packages().into_iter().filter(|(name, ..)| wanted.contains(name)).map(|(name, version, release)| {
            let release = if new { release.to_owned() } else { format!("{release}~before") };
            (name.to_owned(), json!(format!("{version}-{release}")))
        });
        serde_json::Value::Object(all.collect()).to_string()
    }

    /// Begins to install updates on a host.
    pub(super) fn install(&mut self, job: Job, host: usize, via: Via, task: Ref) {
        let base = secs(self.updates.takes_s);
        let takes = if self.lacks_updates(host) { base + self.jitter(0.2, base) } else { NOTHING };
        let fails = self.mischief.update_fails(host);
        let mut shown = None;
        if let Via::Plugin { function, .. } = via {
            if let Some(h) = self.hosts.get_mut(host) {
                h.updating = Some(function);
            }
            let label = self.hosts.get(host).map(|h| format!("Update host {} ({})", h.name, h.uuid)).unwrap_or_default();
            shown = Some(self.new_task(&label, "", Some(host), None));
        } else {
            self.begin_host_op(host, &task, HostOp::ApplyUpdates);
        }
        self.start_job(job, Kind::Install { host, via, task, shown, fails }, takes);
    }

    /// An installation has ended.
    pub(super) fn installed(
        &mut self,
        host: usize,
        via: &Via,
        task: &Ref,
        shown: Option<Ref>,
        fails: Option<String>,
    ) -> Result<Value, Failure> {
        self.end_host_op(host, task);
        self.pool_operation(task, None);
        if let Some(shown) = shown {
            self.drop_task(&shown);
        }
        let now = self.now;
        let Some(h) = self.hosts.get_mut(host) else { return Ok(Value::Void) };
        h.updating = None;
        let r = h.r.clone();
        if let Some(code) = fails {
            return Err(match via {
                Via::Plugin { .. } => Failure::new(&code, ["Error downloading packages: No more mirrors to try.", "", ""]),
                Via::Repository { .. } => Failure::new("APPLY_UPDATES_FAILED", [r.as_str()]),
                Via::Uploaded { update } => Failure::new("UPDATE_APPLY_FAILED", [update.as_str()]),
            });
        }
        self.apply_update(host);
        match via {
            Via::Plugin { function, packages } => {
                let mut command = vec!["yum", *function, "--disablerepo=*", "--enablerepo=xcp-ng-base,xcp-ng-updates", "-y"];
                command.extend(packages.split(',').filter(|p| !p.is_empty()));
                let said = json!({"returncode": 0, "command": command, "stdout": "Complete!\n", "stderr": ""});
                Ok(said.to_string().into())
            }
            Via::Repository { hash } => {
                self.set(&r, "latest_synced_updates_applied", "yes");
                self.set(&r, "last_update_hash", hash.as_str());
                self.set(&r, "last_software_update", now);
                Ok(Value::Set(Vec::new()))
            }
            Via::Uploaded { update } => {
                self.db.set_add(update, "hosts", &r);
                self.db.set_add(&r, "updates", update);
                if self.hosts.get(host).is_some_and(|h| h.running < h.installed) {
                    self.db.set_add(&r, "updates_requiring_reboot", update);
                }
                Ok(Value::Void)
            }
        }
    }

    /// `pool.current_operations`: one begins (its name), or ends.
    pub(super) fn pool_operation(&mut self, task: &Ref, begins: Option<&str>) {
        let pool = self.pool.clone();
        match begins {
            Some(name) => self.set_keys(&pool, "current_operations", &[(task.as_str(), name.to_owned())]),
            None if self.coordinator_up() => drop(self.db.map_remove(&pool, "current_operations", task.as_str())),
            None => {}
        }
    }

    /// The metadata has been read.
    pub(super) fn synced(&mut self, task: &Ref) -> Value {
        self.syncing = false;
        self.pool_operation(task, None);
        let (now, pool) = (self.now, self.pool.clone());
        self.set(&pool, "last_update_sync", now);
        for host in 0..self.hosts.len() {
            let Some(r) = self.hosts.get(host).map(|h| h.r.clone()) else { continue };
            let state = if self.lacks_updates(host) { "no" } else { "yes" };
            self.set(&r, "latest_synced_updates_applied", state);
        }
        self.publish_pool_ops();
        self.update_hash().unwrap_or_default().into()
    }

    /// The hash of the synchronised metadata. `None`: there is none, and any is taken.
    pub(super) fn update_hash(&self) -> Option<String> {
        (self.updates.flow == Flow::Xenserver && self.has_repository()).then(|| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|n| super::rrd::hash(&format!("{}{n}", self.pool_uuid)));
            format!("{a:016x}{b:016x}{c:016x}{d:016x}")
        })
    }

    fn has_repository(&self) -> bool {
        !self.db.refs(&self.pool, "repositories").is_empty()
    }

    /// What `GET /updates` says.
    pub(super) fn updates_document(&self) -> Result<String, Failure> {
        let Some(hash) = self.update_hash() else { return Err(Failure::bare("NO_REPOSITORY_ENABLED")) };
        let guidance: Vec<String> = self.updates.guidance.iter().map(|g| camel(g)).collect();
        let hosts = (0..self.hosts.len()).filter_map(|at| {
            let lacks = self.lacks_updates(at);
            let some = |list: Vec<String>| if lacks { list } else { Vec::new() };
            Some(json!({
                "ref": self.hosts.get(at)?.r.as_str(),
                "guidance": {
                    "mandatory": some(guidance.clone()), "recommended": [], "full": [], "livepatch": [],
                },
                "RPMS": some(self.updates.packages.iter().map(|p| format!("{p}.x86_64.rpm")).collect()),
                "updates": some(vec!["UPDATE-2026-11-A".to_owned()]),
                "livepatches": [],
            }))
        });
        let update = json!({
            "id": "UPDATE-2026-11-A", "summary": "Security and maintenance update", "description": "", "type": "security",
            "issued": "2026-11-18T00:00:00Z", "severity": "High",
        });
        let hosts: Vec<serde_json::Value> = hosts.collect();
        Ok(json!({"hosts": hosts, "updates": [update], "hash": hash}).to_string())
    }

    /// What is shown of an update that was uploaded, after a boot.
    pub(super) fn publish_uploaded(&mut self, host: usize) {
        let Some(h) = self.hosts.get(host) else { return };
        if self.updates.flow == Flow::PoolUpdate && h.running == h.installed {
            let r = h.r.clone();
            self.set(&r, "updates_requiring_reboot", texts([]));
        }
    }
}

/// `reboot_host` as the repository writes it: `RebootHost`.
fn camel(guidance: &str) -> String {
    let word = |w: &str| {
        let mut letters = w.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    guidance.split('_').map(word).collect()
}
