//! A folder, an archive, a log or a stream walked through once, its lines handed to [`super::gather::Gather`].
//!
//! The only part of `crash` that does I/O, and it only reads: nothing is written to disk, no link is followed, nothing is read
//! twice. What it keeps is bounded by what [`super::gather`] keeps and one buffer for each layer of packing. Everything that is read
//! is taken for hostile: see [`Limits`].

mod folder;
mod lines;
mod meter;
mod source;
mod tar;
mod walk;
mod zip;

pub use meter::Limits;

use super::classify::Fact;
use super::layout;
use super::report::Reading;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::UNIX_EPOCH;
use walk::Walk;

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder or file cannot be opened.
    #[error("cannot read {}: {error}. Check the path and its permissions; dumps belong to root", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is a device, a pipe or the like.
    #[error("{} is neither a folder nor a file. Pipe it in, with - in place of the name", .0.display())]
    Kind(PathBuf),
    /// It cannot be read from its very beginning.
    #[error("cannot read {what}: {error}")]
    Broken {
        /// What.
        what: String,
        /// Why.
        error: io::Error,
    },
    /// There is nothing in it that a crash could be read from.
    #[error("{what}: {why}. Give a crash folder, a bug report, or the log of a kernel, of Xen or of a serial console")]
    Nothing {
        /// What.
        what: String,
        /// What there is instead.
        why: String,
    },
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The host that is asked about, by name or uuid; what is of others counts as what they saw.
    pub host: Option<String>,
    /// How much is read at most.
    pub limits: Limits,
    /// What is known of that host beside its logs.
    pub facts: Vec<Fact>,
    /// Counts the files and folders that are met, for who waits for the end.
    pub seen: Option<Arc<AtomicU64>>,
}

/// Reads a folder or a file.
pub fn path(path: &Path, options: &Options) -> Result<Reading, ReadError> {
    let broken = |error| ReadError::Open { path: path.to_owned(), error };
    let about = std::fs::metadata(path).map_err(broken)?;
    let mut walk = Walk::new(options);
    if about.is_dir() {
        let label = label(path).filter(|label| layout::crash_folder(label).is_some()).unwrap_or_default();
        folder::walk(&mut walk, path, &label).map_err(broken)?;
    } else if about.is_file() {
        let mtime = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let mtime = mtime.and_then(|since| i64::try_from(since.as_secs()).ok());
        let file = File::open(path).map_err(broken)?;
        walk.named(file, &file_label(path), mtime);
    } else {
        return Err(ReadError::Kind(path.to_owned()));
    }
    walk.finish(&path.display().to_string())
}

/// Reads a stream; `what` is how it is called.
pub fn stream(from: impl Read, what: &str, options: &Options) -> Result<Reading, ReadError> {
    let mut walk = Walk::new(options);
    walk.named(from, "stdin", None);
    walk.finish(what)
}

/// The last part of a path.
fn label(path: &Path) -> Option<String> {
    let path = std::fs::canonicalize(path).ok()?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// A file's name, with its folder if that is a crash folder, so that its time is known.
fn file_label(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().and_then(|folder| label(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }));
    match folder.filter(|folder| layout::crash_folder(folder).is_some()) {
        Some(folder) => format!("{folder}/{name}"),
        None => name,
    }
}

#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
