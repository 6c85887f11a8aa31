//! A host's files, as far as o2cb needs them: a real folder, or one in memory for tests and simulated hosts.
//!
//! Paths are relative to the host's root and have no `..`. Reads are bounded; writes are whole files, all or nothing.

mod disk;
mod memory;

pub use disk::Disk;
pub use memory::Memory;

use std::io;

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum FolderError {
    #[error("cannot {doing} {path}: {error}. {}", way_out(.error))]
    Io { doing: &'static str, path: String, error: io::Error },
    #[error("{path} is larger than {limit} bytes, which nothing makes it. Look at it before anything is changed")]
    TooLarge { path: String, limit: u64 },
    #[error("{path} is no ordinary file. Look at what it is before anything is changed")]
    NoFile { path: String },
    #[error("{path} leads out of {root} (a symbolic link). Name the folder where it really is with --root")]
    Outside { path: String, root: String },
    #[error("{path} is in use: another poolwatch changes this host's o2cb at this moment. Wait until it has ended")]
    InUse { path: String },
    #[error("{path} is no path below a root")]
    BadPath { path: String },
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "Run it as root, or correct its permissions",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk; the file is as it was",
        io::ErrorKind::ReadOnlyFilesystem => "The file system is read-only: find out why (dmesg) and mount it writable",
        io::ErrorKind::NotFound => "Check --root",
        _ => "The file is as it was",
    }
}

/// A host's files.
pub trait Folder {
    /// The bytes of a file; `None` if it is not there.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FolderError>;
    /// Replaces a file by these bytes, or makes it, with the folders above it: all or nothing, and on the disk when this returns.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), FolderError>;
    /// Removes a file, or a folder with everything in it. Nothing to remove is fine.
    fn remove(&mut self, path: &str) -> Result<(), FolderError>;
    /// The names in a folder, sorted; none if it is not there.
    fn list(&self, path: &str) -> Result<Vec<String>, FolderError>;
    /// Whether there is a file or folder of this name.
    fn exists(&self, path: &str) -> bool;
    /// Takes this host's o2cb for us until the folder is dropped.
    fn lock(&mut self) -> Result<(), FolderError>;
}

/// Whether a path may be used: relative, and without a way up.
fn checked(path: &str) -> Result<&str, FolderError> {
    let fine = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..") && !path.contains('\0');
    if fine { Ok(path) } else { Err(FolderError::BadPath { path: crate::text::clean(path, 200).into_owned() }) }
}

/// A small text file of the kernel, such as those of configfs: without the line break at its end. `None` if it is not there or no
/// text.
pub(super) fn word(folder: &dyn Folder, path: &str) -> Option<String> {
    let bytes = folder.read(path, 64 << 10).ok().flatten()?;
    Some(String::from_utf8(bytes).ok()?.trim_end_matches(['\n', ' ']).to_owned())
}
