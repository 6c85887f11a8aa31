//! A new cluster in a host's `cluster.conf`, and new regions for it.

use super::{Node, NodeError, Step};
use crate::o2cb::MAX_REGIONS;
use crate::o2cb::conf::{self, Mode};
use crate::o2cb::membership::Understood;
use crate::time::Time;
use serde::Serialize;

/// What founding a cluster did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Founded {
    /// Its name.
    pub cluster: String,
    /// Its heartbeat.
    pub mode: Mode,
    /// Its regions.
    pub regions: Vec<String>,
    /// The file is another now; `false`: it was all there.
    pub changed: bool,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

impl Node<'_> {
    /// Makes a cluster without nodes, or adds regions to one that is there. `regions`: uuids of ocfs2 volumes, with or without dashes. An online
    /// cluster has to be told of new regions (`o2cb register-cluster`, `o2cb start-heartbeat`).
    pub fn found(&mut self, name: &str, mode: Mode, regions: &[String], now: Time) -> Result<Founded, NodeError> {
        let no = |why: String| Err(NodeError::No(why));
        if !conf::is_cluster_name(name) {
            let what = conf::What::ClusterName { value: crate::text::clean(name, 80).into_owned() };
            return no(format!("{what}. Give another"));
        }
        let plain: Vec<String> = regions.iter().map(|region| region.replace('-', "").to_ascii_uppercase()).collect();
        if let Some(wrong) = plain.iter().find(|region| !conf::is_region(region)) {
            let what = conf::What::Region { value: crate::text::clean(wrong, 80).into_owned() };
            return no(format!("{what}. {}", what.advice()));
        }
        if mode == Mode::Local && !plain.is_empty() {
            return no(
                "local heartbeat has no regions: it beats on every volume that is mounted. Leave them out, or make it global"
                    .to_owned(),
            );
        }
        self.lock()?;
        let desk = self.desk()?;
        let mut document = desk.file.document.clone();
        let known = desk.file.config.clusters.iter().find(|cluster| cluster.name == name);
        let mut all: Vec<String> = vec![];
        match known {
            Some(cluster) if cluster.mode != mode => {
                return no(format!(
                    "cluster {name} is there with {} heartbeat. To change that, take it offline on all hosts: o2cb heartbeat-mode {name} {}",
                    cluster.mode.as_str(),
                    mode.as_str()
                ));
            }
            Some(cluster) => all.extend(cluster.heartbeats.iter().map(|heartbeat| heartbeat.region.clone())),
            None => {
                let values =
                    [("name", name.to_owned()), ("node_count", "0".to_owned()), ("heartbeat_mode", mode.as_str().to_owned())];
                document.append("cluster", &values);
            }
        }
        for region in plain {
            if !all.contains(&region) {
                document.append("heartbeat", &[("cluster", name.to_owned()), ("region", region.clone())]);
                all.push(region);
            }
        }
        if all.len() > MAX_REGIONS {
            return no(format!("cluster {name} would have {} regions, and the kernel takes {MAX_REGIONS}", all.len()));
        }
        let bytes = document.bytes();
        Understood::read(&bytes)?;
        let (mut steps, changed) = (vec![], bytes != desk.bytes);
        if changed {
            self.replace_conf(&desk.bytes, &bytes, now, &mut steps)?;
        }
        Ok(Founded { cluster: name.to_owned(), mode, regions: all, changed, steps })
    }
}
