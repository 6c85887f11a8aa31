//! What else a host must do to run o2cb: its service, its heartbeat volume attached before the pool's manager is up. On the machine itself this
//! runs its own tools ([`Machine`]); where none can run (another root, a simulated host) it is only kept in mind ([`Kept`]).

mod kept;
mod machine;

pub use kept::Kept;
pub(super) use kept::is_pool_host;
pub use machine::Machine;

use super::folder::{Folder, FolderError};
use serde::Serialize;

/// The volumes that are attached when a host boots, without xapi.
pub const STATIC_VDIS: &str = "etc/xensource/static-vdis";
/// What stands as reason in ours.
pub const REASON: &str = "o2cb_statefile";
/// What makes a folder a XenServer or XCP-ng host.
pub const INVENTORY: &str = "etc/xensource-inventory";
/// The largest file of a static VDI that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// Why a service could not be told.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ServiceError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("`{command}` cannot be run: {error}. Is ocfs2-tools installed on this host?")]
    NotRun { command: String, error: std::io::Error },
    #[error("`{command}` failed ({status}): {said}. Correct what it says, and do the same again; what was done before it stays")]
    Failed { command: String, status: String, said: String },
    #[error(
        "`{command}` did not end within {seconds} s and was ended. Look at the host (dmesg, ps): storage that hangs is a likely cause"
    )]
    Late { command: String, seconds: u64 },
    #[error("this host has neither systemctl, chkconfig nor update-rc.d, so o2cb cannot be made to start with it. Do it by hand")]
    NoManager,
}

/// How the service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    /// It starts with the host; `None`: unknown.
    pub enabled: Option<bool>,
    /// A cluster is online; `None`: unknown.
    pub online: Option<bool>,
}

/// A volume that is attached when the host boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaticVdi {
    /// Its folder, a number.
    pub id: String,
    /// Its uuid.
    pub uuid: String,
    /// For what.
    pub reason: String,
    /// It goes at the next boot.
    pub going: bool,
    /// It is attached now.
    pub attached: bool,
}

/// A host's services.
pub trait Services {
    /// What it is: `machine` or `simulated`.
    fn kind(&self) -> &'static str;
    /// How the service is.
    fn state(&self, folder: &dyn Folder) -> Result<ServiceState, ServiceError>;
    /// The uuids of the volumes that the pool has for this (VDIs of type `o2cb_statefile`), as far as it can be asked.
    fn statefiles(&self, folder: &dyn Folder) -> Result<Vec<String>, ServiceError>;
    /// Has a volume attached now and whenever the host boots.
    fn attach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError>;
    /// Has it no longer attached. The volume itself stays.
    fn detach(&mut self, folder: &mut dyn Folder, uuid: &str) -> Result<(), ServiceError>;
    /// Lets the service start with the host, or not.
    fn enable(&mut self, folder: &mut dyn Folder, on: bool) -> Result<(), ServiceError>;
    /// Brings a cluster online: registers it and starts its heartbeat.
    fn online(&mut self, folder: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError>;
    /// Takes it offline.
    fn offline(&mut self, folder: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError>;
    /// Tells a cluster that is online of changes of its file.
    fn register(&mut self, folder: &mut dyn Folder, cluster: &str) -> Result<(), ServiceError>;
}

/// The volumes that a host attaches when it boots.
pub fn static_vdis(folder: &dyn Folder) -> Result<Vec<StaticVdi>, FolderError> {
    let mut found = vec![];
    for id in folder.list(STATIC_VDIS)? {
        let path = |name: &str| format!("{STATIC_VDIS}/{id}/{name}");
        let text = |name: &str| {
            let bytes = folder.read(&path(name), LARGEST)?;
            Ok::<_, FolderError>(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
        };
        let Some(uuid) = text("vdi-uuid")? else { continue };
        let reason = text("reason")?.unwrap_or_default();
        let (going, attached) = (folder.exists(&path("delete-next-boot")), folder.exists(&path("disk")));
        found.push(StaticVdi { id, uuid, reason, going, attached });
    }
    Ok(found)
}

/// Whether a text is the uuid of an object of a pool.
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
