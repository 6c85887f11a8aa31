//! Services that are only kept in mind, in the host's folder: for another root than the machine's own, and for simulated hosts.

use super::{INVENTORY, REASON, STATIC_VDIS, ServiceError, ServiceState, Services, static_vdis};
use crate::o2cb::folder::Folder;
use serde::{Deserialize, Serialize};

/// Where it is kept, below the root.
pub const PATH: &str = "var/lib/poolwatch/o2cb/service.json";

/// Services of a host that cannot run any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The VDIs of type `o2cb_statefile` of the host's pool, where somebody knows them (the simulated pool does).
    pub statefiles: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memo {
    enabled: bool,
    online: Option<String>,
}

impl Memo {
    fn read(folder: &dyn Folder) -> Result<Self, ServiceError> {
        let bytes = folder.read(PATH, super::LARGEST)?;
        // Only we write it; what cannot be read says that nothing is known to run.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    fn write(&self, folder: &mut dyn Folder) -> Result<(), ServiceError> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        Ok(folder.write(PATH, &bytes)?)
    }
}

impl Services for Kept {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn state(&self, folder: &dyn Folder) -> Result<ServiceState, ServiceError> {
        if !folder.exists(PATH) {
            return Ok(ServiceState::default());
        }
        let memo = Memo::read(folder)?;
        Ok(ServiceState { enabled: Some(memo.enabled), online: Some(memo.online.is_some()) })
    }

    fn statefiles(&self, _: &dyn Folder) -> Result<Vec<String>, ServiceError> {
        Ok(self.statefiles.clone())
    }

    fn attach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError> {
        // The habits of the host's own static-vdis: one folder a volume, the lowest number that is free.
        let known = static_vdis(folder)?;
        let id = if let Some(vdi) = known.iter().find(|vdi| vdi.uuid == uuid) {
            folder.remove(&format!("{STATIC_VDIS}/{}/delete-next-boot", vdi.id))?;
            vdi.id.clone()
        } else {
            // Among one more than there are, one is free.
            let names = folder.list(STATIC_VDIS)?;
            (0..=names.len()).map(|n| n.to_string()).find(|id| !names.contains(id)).unwrap_or_default()
        };
        folder.write(&format!("{STATIC_VDIS}/{id}/vdi-uuid"), uuid.as_bytes())?;
        folder.write(&format!("{STATIC_VDIS}/{id}/reason"), REASON.as_bytes())?;
        Ok(())
    }

    fn detach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError> {
        for vdi in static_vdis(folder)?.into_iter().filter(|vdi| vdi.uuid == uuid) {
            folder.remove(&format!("{STATIC_VDIS}/{}", vdi.id))?;
        }
        Ok(())
    }

    fn enable(&mut self, folder: &mut dyn Folder, on: bool) -> Result<(), ServiceError> {
        let mut memo = Memo::read(folder)?;
        memo.enabled = on;
        memo.write(folder)
    }

    fn online(&mut self, folder: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError> {
        let mut memo = Memo::read(folder)?;
        memo.online = Some(cluster.to_owned());
        memo.write(folder)
    }

    fn offline(&mut self, folder: &mut dyn Folder, _: &str) -> Result<(), ServiceError> {
        let mut memo = Memo::read(folder)?;
        memo.online = None;
        memo.write(folder)
    }

    fn register(&mut self, _: &mut dyn Folder, _: &str) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// Whether a folder is a host of a pool, which has static VDIs.
pub(in crate::o2cb) fn is_pool_host(folder: &dyn Folder) -> bool {
    folder.exists(INVENTORY) || folder.exists(STATIC_VDIS)
}
