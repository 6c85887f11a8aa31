//! A real folder. Symbolic links are followed only within the root; a file is replaced by renaming a complete one over it.

use super::{Folder, FolderError, checked};
use rustix::fs::FlockOperation;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where the lock is.
const LOCK: &str = "var/lib/poolwatch/o2cb/lock";
/// Names in a folder that are looked at.
const MOST_NAMES: usize = 10_000;

/// A folder of this machine, `/` or another.
#[derive(Debug)]
pub struct Disk {
    /// Without symbolic links.
    root: PathBuf,
    lock: Option<File>,
}

impl Disk {
    /// The folder at `root`.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let failed = |error| FolderError::Io { doing: "open", path: root.display().to_string(), error };
        let root = fs::canonicalize(root).map_err(failed)?;
        if !root.is_dir() {
            return Err(FolderError::NoFile { path: root.display().to_string() });
        }
        Ok(Self { root, lock: None })
    }

    /// Whether this is the machine itself.
    pub fn is_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The real place of a path, if it is within the root; `None` if it is not there.
    fn place(&self, path: &str) -> Result<Option<PathBuf>, FolderError> {
        let at = self.root.join(checked(path)?);
        match fs::canonicalize(&at) {
            Ok(real) => self.within(real, path).map(Some),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(FolderError::Io { doing: "read", path: at.display().to_string(), error }),
        }
    }

    fn within(&self, real: PathBuf, path: &str) -> Result<PathBuf, FolderError> {
        if real.starts_with(&self.root) {
            return Ok(real);
        }
        Err(FolderError::Outside { path: path.to_owned(), root: self.root.display().to_string() })
    }

    /// Where a file is to be written: where it is, or where it would be. The folders above it are made.
    fn target(&self, path: &str) -> Result<PathBuf, FolderError> {
        if let Some(there) = self.place(path)? {
            return if there.is_file() { Ok(there) } else { Err(FolderError::NoFile { path: there.display().to_string() }) };
        }
        let at = self.root.join(path);
        // A link to nothing is replaced by nobody: what it means is not known.
        if at.is_symlink() {
            return Err(FolderError::NoFile { path: at.display().to_string() });
        }
        let failed = |error| FolderError::Io { doing: "make the folder of", path: at.display().to_string(), error };
        let mut folder = self.root.clone();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        for part in above.split('/').filter(|part| !part.is_empty()) {
            folder.push(part);
            if !folder.exists() {
                fs::create_dir(&folder).map_err(failed)?;
                sync_above(&folder).map_err(failed)?;
            }
            folder = self.within(fs::canonicalize(&folder).map_err(failed)?, path)?;
        }
        Ok(folder.join(name))
    }
}

/// The name of something new is on the disk once its folder is.
fn sync_above(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
}

/// Puts `bytes` at `path` through `draft`, which is beside it.
fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    let mode = old.as_ref().map_or(0o644, |old| old.mode() & 0o7777);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
    }
    file.sync_all()?;
    fs::rename(draft, path)?;
    sync_above(path)
}

impl Folder for Disk {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FolderError> {
        let Some(real) = self.place(path)? else { return Ok(None) };
        let shown = real.display().to_string();
        let failed = |error| FolderError::Io { doing: "read", path: shown.clone(), error };
        // A pipe would wait for somebody to write.
        let open = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(&real);
        let file = open.map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(FolderError::NoFile { path: shown });
        }
        let mut bytes = vec![];
        // The files of the kernel do not say how large they are.
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit { Err(FolderError::TooLarge { path: shown, limit }) } else { Ok(Some(bytes)) }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let at = self.target(path)?;
        let failed = |error| FolderError::Io { doing: "write", path: at.display().to_string(), error };
        let name = at.file_name().unwrap_or_default().to_string_lossy();
        let draft = at.with_file_name(format!(".{name}.poolwatch-{}-{:08x}", std::process::id(), fastrand::u32(..)));
        replace(&at, &draft, bytes).map_err(|error| {
            let _ = fs::remove_file(&draft);
            failed(error)
        })
    }

    fn remove(&mut self, path: &str) -> Result<(), FolderError> {
        let at = self.root.join(checked(path)?);
        let failed = |error| FolderError::Io { doing: "remove", path: at.display().to_string(), error };
        // The folder above is within the root; a link itself is removed, not what it leads to.
        let Some((above, _)) = path.rsplit_once('/') else { return Err(FolderError::BadPath { path: path.to_owned() }) };
        if self.place(above)?.is_none() {
            return Ok(());
        }
        let done = match fs::symlink_metadata(&at) {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&at),
            Ok(_) => fs::remove_file(&at),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => Err(error),
        };
        done.and_then(|()| sync_above(&at)).map_err(failed)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, FolderError> {
        let Some(real) = self.place(path)? else { return Ok(vec![]) };
        let failed = |error| FolderError::Io { doing: "list", path: real.display().to_string(), error };
        let mut names = vec![];
        for entry in fs::read_dir(&real).map_err(failed)?.take(MOST_NAMES) {
            // What is no text is nothing of o2cb's.
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn exists(&self, path: &str) -> bool {
        matches!(self.place(path), Ok(Some(_)))
    }

    fn lock(&mut self) -> Result<(), FolderError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let at = self.target(LOCK)?;
        let failed = |error| FolderError::Io { doing: "lock", path: at.display().to_string(), error };
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&at).map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => self.lock = Some(file),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(FolderError::InUse { path: at.display().to_string() }),
            Err(error) => return Err(failed(error.into())),
        }
        Ok(())
    }
}
