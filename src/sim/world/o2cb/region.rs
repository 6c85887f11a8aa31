//! A volume that is added to a running cluster: each host's o2cb puts its heartbeat region into the file, and starts it online, which global
//! heartbeat allows.

use super::{Beat, Core, NAME};
use crate::o2cb::LARGEST;
use crate::o2cb::conf::{Document, Mode};
use crate::o2cb::folder::{Folder, Memory};
use crate::o2cb::node::Node;
use crate::o2cb::registered::KEPT;
use crate::o2cb::service::Kept;
use std::sync::Arc;

impl Core {
    /// The SR heartbeats from now on, on every host that has it.
    pub(in super::super) fn o2cb_add_region(&mut self, store: usize) {
        let known = self.o2cb.as_ref().is_none_or(|o| o.regions.iter().any(|region| region.store == store));
        if known {
            return;
        }
        let Some(region) = self.heartbeat_volume(store) else { return };
        let (now, uuid) = (self.now, [region.uuid.clone()]);
        let all: Vec<bool> = (0..self.hosts.len()).map(|host| self.pbd_of(host, store).is_some()).collect();
        let Some(o2cb) = self.o2cb.as_mut() else { return };
        o2cb.regions.push(region);
        // Who joins later finds it in the file that it is given.
        let mut services = Kept::default();
        let folder = Arc::make_mut(&mut o2cb.conf);
        let _ = Node { folder, services: &mut services, dry_run: false, register: false }.found(NAME, Mode::Global, &uuid, now);
        for (peer, on) in o2cb.nodes.iter_mut().zip(&all) {
            peer.beats.push(Beat { on: *on, ..Beat::default() });
        }
        for host in 0..all.len() {
            let added = self.on_folder(host, |node| node.found(NAME, Mode::Global, &uuid, now));
            if matches!(added, Some(Ok(_)))
                && let Some(peer) = self.peer(host).filter(|peer| peer.online)
            {
                started(Arc::make_mut(&mut peer.folder), &uuid);
            }
        }
        self.o2cb_look();
        self.o2cb_sync();
    }
}

/// The cluster that runs was told of new regions (`o2cb start-heartbeat`), and of nothing else that the file has.
fn started(folder: &mut Memory, regions: &[String]) {
    let Ok(Some(bytes)) = folder.read(KEPT, LARGEST) else { return };
    let Ok(mut document) = Document::parse(&bytes) else { return };
    for region in regions {
        document.append("heartbeat", &[("cluster", NAME.to_owned()), ("region", region.clone())]);
    }
    // A folder in memory takes every file.
    let _ = folder.write(KEPT, &document.bytes());
}
