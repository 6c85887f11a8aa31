//! Files below a folder that stands for `/`: a live host, a bug report, a saved state.
//!
//! Everything below it is taken for hostile: what is not a plain file is not opened, links do not lead out of
//! the folder, and no file is read further than a limit. Nothing is ever written.

use super::known::{Because, Unknown};
use crate::time::Time;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Names that are listed of one folder at most; the rest is left out.
pub const FOLDER_LIMIT: usize = 1_000;

/// A folder that stands for `/`.
#[derive(Clone, Debug)]
pub struct Root {
    folder: PathBuf,
    live: bool,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its content; bytes that are not UTF-8 became U+FFFD.
    pub text: String,
    /// When it was last written; for files that the kernel makes, the time when they were read.
    pub written: Option<Time>,
    /// Only the end of it was read, because it is longer than the limit.
    pub cut: bool,
}

impl Root {
    /// The folder `folder` as root. `/` is the live host.
    pub fn new(folder: &Path) -> Self {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let live = folder == Path::new("/");
        Self { folder, live }
    }

    /// Is this the running host itself?
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Is there anything at `path` (with leading slash)?
    pub fn exists(&self, path: &str) -> bool {
        self.place(path).is_ok()
    }

    /// What the file at `path` (with leading slash) says, if it is at most `limit` bytes long.
    pub fn read(&self, path: &str, limit: u64) -> Result<Text, Unknown> {
        let text = self.read_end(path, limit)?;
        if text.cut { Err(Unknown::new(path, Because::TooLong(limit))) } else { Ok(text) }
    }

    /// The last `limit` bytes of the file at `path`. The first, broken line of what was cut is left out.
    pub fn read_end(&self, path: &str, limit: u64) -> Result<Text, Unknown> {
        let place = self.place(path)?;
        let fail = |error: io::Error| Unknown::new(path, because(&error));
        let file = File::open(&place).map_err(fail)?;
        let about = file.metadata().map_err(fail)?;
        if !about.is_file() {
            return Err(Unknown::new(path, Because::Failed("it is not a file".into())));
        }
        let written = if self.live && about.len() == 0 {
            None
        } else {
            let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            since.and_then(|since| i64::try_from(since.as_millis()).ok()).map(Time::from_millis)
        };
        let mut bytes = Vec::new();
        let mut cut = about.len() > limit;
        if cut {
            use io::Seek;
            let mut file = file;
            file.seek(io::SeekFrom::End(-i64::try_from(limit).unwrap_or(i64::MAX))).map_err(fail)?;
            file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
        } else {
            // The kernel's files have no length: read one byte more than allowed to see that it is too long.
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
            if bytes.len() as u64 > limit {
                cut = true;
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if cut && about.len() > limit {
            text = text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
        }
        Ok(Text { text, written, cut })
    }

    /// The names in the folder at `path`, sorted; folders and files alike.
    pub fn list(&self, path: &str) -> Result<Vec<String>, Unknown> {
        let place = self.place(path)?;
        let fail = |error: io::Error| Unknown::new(path, because(&error));
        let entries = fs::read_dir(place).map_err(fail)?.take(FOLDER_LIMIT);
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The names of the folders in the folder at `path`.
    pub fn folders(&self, path: &str) -> Result<Vec<String>, Unknown> {
        let names = self.list(path)?;
        let is_folder = |name: &String| self.place(&format!("{path}/{name}")).is_ok_and(|place| place.is_dir());
        Ok(names.into_iter().filter(is_folder).collect())
    }

    /// Where `path` is, and that it is below the folder.
    fn place(&self, path: &str) -> Result<PathBuf, Unknown> {
        let place = self.folder.join(path.trim_start_matches('/'));
        let place = fs::canonicalize(place).map_err(|error| Unknown::new(path, because(&error)))?;
        if place.starts_with(&self.folder) {
            Ok(place)
        } else {
            Err(Unknown::new(path, Because::Failed("it is a link that leads out of the folder".into())))
        }
    }
}

/// What an error of the operating system means.
fn because(error: &io::Error) -> Because {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Because::Absent,
        io::ErrorKind::PermissionDenied => Because::Denied,
        _ => Because::Failed(error.to_string()),
    }
}
