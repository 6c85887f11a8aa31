//! `Cluster.start` and `Cluster.stop` on one host.

use super::{Node, NodeError, Step};
use crate::o2cb::conf::Mode;
use crate::o2cb::folder::{Folder, word};
use crate::o2cb::registered::{self, KEPT};
use crate::o2cb::service::{self, is_pool_host, is_uuid, static_vdis};
use crate::o2cb::sysconfig::Sysconfig;
use serde::Serialize;

/// What a start did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Start {
    /// The cluster.
    pub cluster: String,
    /// The volume of its heartbeat; `None`: this is no host of a pool, or it has local heartbeat.
    pub statefile: Option<String>,
    /// It was online before, so nothing was started.
    pub was_online: bool,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// What a stop did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The cluster.
    pub cluster: String,
    /// The volumes that are no longer attached at boot. They themselves stay.
    pub detached: Vec<String>,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

impl Node<'_> {
    /// `Cluster.start`: attaches the heartbeat's volume now and at every boot, lets the service start with the host, and brings the
    /// cluster online. `statefile`: the uuid of the volume, where it cannot be found.
    pub fn start(&mut self, cluster: Option<&str>, statefile: Option<&str>) -> Result<Start, NodeError> {
        self.lock()?;
        let desk = self.desk()?;
        let wanted = desk.file.config.cluster(cluster)?;
        let (name, mode) = (wanted.name.clone(), wanted.mode);
        if let Some(live) = desk.live.as_ref().filter(|live| live.cluster != name) {
            return Err(NodeError::No(format!(
                "cluster {} is online on this host, and there can be only one. Stop it first: poolwatch o2cb stop --cluster {}",
                live.cluster, live.cluster
            )));
        }
        if wanted.nodes.is_empty() {
            return Err(NodeError::No(format!("cluster {name} has no nodes. Make them first: poolwatch o2cb add NAME ADDRESS")));
        }
        if mode == Mode::Global && wanted.heartbeats.is_empty() {
            return Err(NodeError::No(format!(
                "cluster {name} has global heartbeat and no region. Add one first: poolwatch o2cb new {name} --region UUID (see `mounted.ocfs2 -d`)"
            )));
        }
        let mut steps = vec![];
        let statefile = if mode == Mode::Global { self.statefile(statefile)? } else { None };
        if let Some(uuid) = &statefile {
            let there = static_vdis(self.folder)?.into_iter().any(|vdi| vdi.uuid == *uuid && !vdi.going);
            if !there {
                steps.push(Step::new(format!("attach volume {uuid} now and whenever this host boots (static-vdis)")));
            }
            if !self.dry_run {
                self.services.attach(self.folder, uuid)?;
            }
        }
        self.set_boot(&[("O2CB_ENABLED", "true"), ("O2CB_BOOTCLUSTER", &name)], &mut steps)?;
        let before = self.services.state(self.folder)?;
        if before.enabled != Some(true) {
            steps.push(Step::new("let the service o2cb start with the host"));
            if !self.dry_run {
                self.services.enable(self.folder, true)?;
            }
        }
        let was_online = desk.live.is_some();
        if !was_online {
            steps.push(Step::new(format!("bring cluster {name} online")));
            if !self.dry_run {
                self.services.online(self.folder, &name)?;
                registered::keep(self.folder)?;
            }
        }
        Ok(Start { cluster: name, statefile, was_online, steps })
    }

    /// `Cluster.stop`: takes the cluster offline, and lets nothing of it start with the host. The volume of the heartbeat itself stays.
    pub fn stop(&mut self, cluster: Option<&str>) -> Result<Stop, NodeError> {
        self.lock()?;
        let desk = self.desk()?;
        let name = match (cluster, desk.live.as_ref()) {
            // What runs can be stopped although the file has lost it.
            (None, Some(live)) => live.cluster.clone(),
            (Some(name), Some(live)) if live.cluster == name => live.cluster.clone(),
            (cluster, _) => desk.file.config.cluster(cluster)?.name.clone(),
        };
        let online = desk.live.as_ref().is_some_and(|live| live.cluster == name);
        let mounted = mounted(self.folder);
        if online && !mounted.is_empty() {
            return Err(NodeError::No(format!(
                "these ocfs2 volumes are mounted here: {}. Move their VMs away and unplug their storage first (PBD.unplug)",
                mounted.join(", ")
            )));
        }
        let mut steps = vec![];
        if online {
            steps.push(Step::new(format!("take cluster {name} offline")));
            if !self.dry_run {
                self.services.offline(self.folder, &name)?;
            }
        }
        steps.push(Step::new("let the service o2cb no longer start with the host"));
        if !self.dry_run {
            self.services.enable(self.folder, false)?;
        }
        self.set_boot(&[("O2CB_ENABLED", "false")], &mut steps)?;
        let mut detached = vec![];
        for vdi in static_vdis(self.folder)?.into_iter().filter(|vdi| vdi.reason == service::REASON && !vdi.going) {
            steps.push(Step::new(format!("no longer attach volume {} at boot (static-vdis); the volume itself stays", vdi.uuid)));
            if !self.dry_run {
                self.services.detach(self.folder, &vdi.uuid)?;
            }
            detached.push(vdi.uuid);
        }
        if self.folder.exists(KEPT) {
            steps.push(Step::file(KEPT, "forget what was registered"));
            if !self.dry_run {
                self.folder.remove(KEPT)?;
            }
        }
        Ok(Stop { cluster: name, detached, steps })
    }

    /// What a restart of the host does to o2cb where nothing else does it (a simulated host): what was registered is gone, and if the service
    /// starts with the host, its cluster comes online with the file as it is now. True if one came online.
    pub fn booted(&mut self) -> Result<bool, NodeError> {
        self.folder.remove(KEPT)?;
        let sysconfig = Sysconfig::look(self.folder)?;
        let cluster = sysconfig.boot_cluster.filter(|_| sysconfig.enabled == Some(true));
        let desk = self.desk()?;
        let wanted = cluster.and_then(|name| desk.file.config.cluster(Some(&name)).ok()).map(|cluster| cluster.name.clone());
        match wanted {
            Some(name) => {
                self.services.online(self.folder, &name)?;
                registered::keep(self.folder)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The volume of the heartbeat: the one that was named, else the one that is attached at boot, else the only one that the pool has.
    fn statefile(&self, named: Option<&str>) -> Result<Option<String>, NodeError> {
        let attached = static_vdis(self.folder)?.into_iter().find(|vdi| vdi.reason == service::REASON);
        if let Some(uuid) = named {
            if !is_uuid(uuid) {
                return Err(NodeError::No(format!("{:?} is no uuid of a VDI", crate::text::clean(uuid, 60))));
            }
            if let Some(other) = attached.filter(|vdi| vdi.uuid != uuid && !vdi.going) {
                return Err(NodeError::No(format!(
                    "this host attaches volume {} for o2cb at boot, not {uuid}. Stop the cluster first, or leave out --statefile",
                    crate::text::clean(&other.uuid, 60)
                )));
            }
            return Ok(Some(uuid.to_owned()));
        }
        if let Some(vdi) = attached {
            return Ok(Some(vdi.uuid));
        }
        match self.services.statefiles(self.folder)?.as_slice() {
            [only] => Ok(Some(only.clone())),
            [] if !is_pool_host(self.folder) => Ok(None),
            [] => Err(NodeError::No(
                "the pool has no VDI of type o2cb_statefile for the heartbeat. Make one on a shared SR, and name it with --statefile UUID".to_owned(),
            )),
            several => Err(NodeError::No(format!(
                "the pool has several VDIs of type o2cb_statefile ({}). Say with --statefile which one; all hosts need the same",
                several.join(", ")
            ))),
        }
    }

    fn set_boot(&mut self, set: &[(&str, &str)], steps: &mut Vec<Step>) -> Result<(), NodeError> {
        let sysconfig = Sysconfig::look(self.folder)?;
        let text = sysconfig.with(set)?;
        if self.folder.read(&sysconfig.path, crate::o2cb::sysconfig::LARGEST)?.as_deref() != Some(text.as_bytes()) {
            let what: Vec<String> = set.iter().map(|(key, value)| format!("{key}={value}")).collect();
            self.write(&sysconfig.path, text.as_bytes(), &format!("set {}", what.join(", ")), steps)?;
        }
        Ok(())
    }
}

/// Where ocfs2 is mounted.
fn mounted(folder: &dyn Folder) -> Vec<String> {
    let mounts = word(folder, "proc/mounts").unwrap_or_default();
    let rows = mounts.lines().map(|row| row.split(' ').collect::<Vec<_>>());
    rows.filter(|row| row.get(2) == Some(&"ocfs2"))
        .filter_map(|row| row.get(1).map(|at| crate::text::clean(at, 100).into_owned()))
        .collect()
}
