//! Where trusted certificates are written down: a text file, one host a line, like `known_hosts`.
//!
//! ```text
//! # comment
//! xcp1.example.com:443 SHA256:4D:20:… 2026-11-21
//! ```
//!
//! Lines are only ever added or replaced one at a time, under a lock, by an atomic rename; what another program wrote
//! meanwhile stays. A file that cannot be understood is left alone and refused, because guessing here is how a wrong
//! certificate gets trusted.

use super::Fingerprint;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The file's name in its directory.
pub const FILE: &str = "known_certificates";
/// A file larger than this is not ours. Bytes.
const LIMIT: u64 = 16 << 20;

/// What is wrong with the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be read.
    #[error(
        "cannot read the file of trusted certificates {path}: {why}. Repair its permissions, or move it away to start afresh"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A line of it makes no sense.
    #[error(
        "the file of trusted certificates {path} has a line {line} that cannot be understood. Correct or remove that line; \
         the file was not changed"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// It cannot be written.
    #[error("cannot write the file of trusted certificates {path}: {why}. The certificate is trusted for this run only")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another certificate is written down for this host already.
    #[error("another certificate is trusted for this host: SHA-256 {known}")]
    Other {
        /// The one that is.
        known: Fingerprint,
    },
}

/// The trusted certificates, by `host:port`. Shared by all pools of a process.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    known: Mutex<HashMap<String, Fingerprint>>,
}

impl Store {
    /// Opens the store in a directory, which is made when something has to be written. No file is an empty store.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let known = parse(&path, &read(&path)?)?;
        Ok(Self { path, known: Mutex::new(known) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate that is trusted for `host:port`.
    pub fn get(&self, host: &str) -> Option<Fingerprint> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied()
    }

    /// How many hosts are known.
    pub fn len(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no host is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes down a host's certificate and returns the one that was known before.
    pub fn pin(&self, host: &str, fingerprint: Fingerprint, may_replace: bool) -> Result<Option<Fingerprint>, StoreError> {
        let result = self.pin_on_disk(host, fingerprint, may_replace);
        if !matches!(result, Err(StoreError::Other { .. } | StoreError::Line { .. })) {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), fingerprint);
        }
        result
    }

    fn pin_on_disk(&self, host: &str, fingerprint: Fingerprint, may_replace: bool) -> Result<Option<Fingerprint>, StoreError> {
        let cannot = |e: io::Error| StoreError::Write { path: self.path.clone(), why: e.to_string() };
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(cannot)?;
        // Held until the end of this function; the lock is a file of its own because the store itself gets replaced.
        let lock = private()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.with_extension("lock"))
            .map_err(cannot)?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map_err(|e| cannot(e.into()))?;

        let text = read(&self.path)?;
        let known = parse(&self.path, &text)?.get(host).copied();
        match known {
            Some(known) if known == fingerprint => return Ok(Some(known)),
            Some(known) if !may_replace => return Err(StoreError::Other { known }),
            _ => {}
        }
        let mut out: String =
            text.lines().filter(|line| line.split_whitespace().next() != Some(host)).flat_map(|line| [line, "\n"]).collect();
        if out.is_empty() {
            out.push_str("# Certificates of XenServer and XCP-ng hosts that poolwatch trusts: host:port, SHA-256, since when.\n");
        }
        let days = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let today = crate::time::Time::from_secs(i64::try_from(days.as_secs()).unwrap_or(0)).to_xapi();
        out.extend([host, " SHA256:", &fingerprint.to_string(), " ", &today, "\n"]);

        let temporary = self.path.with_extension(format!("{}.tmp", std::process::id()));
        let written = (|| {
            let mut file = private().write(true).create(true).truncate(true).open(&temporary)?;
            file.write_all(out.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            File::open(dir)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(cannot)?;
        Ok(known)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn read(path: &Path) -> Result<String, StoreError> {
    let cannot = |why: String| StoreError::Read { path: path.to_owned(), why };
    match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(e) => return Err(cannot(e.to_string())),
        Ok(meta) if meta.len() > LIMIT => return Err(cannot("it is far too big to be one".to_owned())),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|e| cannot(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| cannot("it is not text".to_owned()))
}

fn parse(path: &Path, text: &str) -> Result<HashMap<String, Fingerprint>, StoreError> {
    let mut known = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let pair = words.next().zip(words.next().and_then(|print| print.parse().ok()));
        let (host, print) = pair.ok_or_else(|| StoreError::Line { path: path.to_owned(), line: at + 1 })?;
        known.insert(host.to_owned(), print);
    }
    Ok(known)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn temp_dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("poolwatch-trust-{name}-{}-{}", std::process::id(), fastrand::u64(..)));
        fs::create_dir_all(&dir).expect("temporary directory");
        dir
    }

    #[test]
    fn what_is_pinned_is_there_next_time_and_comments_stay() {
        let dir = temp_dir("pin").join("made").join("when needed");
        let (a, b) = (Fingerprint::of(b"a"), Fingerprint::of(b"b"));
        let store = Store::open(&dir).expect("no file is fine");
        assert!(store.is_empty());
        assert_eq!(store.pin("x:443", a, false), Ok(None));
        assert_eq!(store.pin("x:443", a, false), Ok(Some(a)));
        assert_eq!(store.pin("x:443", b, false), Err(StoreError::Other { known: a }));
        assert_eq!(store.get("x:443"), Some(a));
        fs::write(store.path(), format!("# mine\n\nx:443 {a}\n")).expect("writable");
        assert_eq!(store.pin("x:443", b, true), Ok(Some(a)));
        assert_eq!(store.pin("xx:443", a, false), Ok(None));
        let text = fs::read_to_string(store.path()).expect("readable");
        assert!(text.starts_with("# mine\n") && text.matches("x:443 ").count() == 2, "{text}");
        let again = Store::open(&dir).expect("readable");
        assert_eq!((again.get("x:443"), again.get("xx:443"), again.len()), (Some(b), Some(a), 2));
    }

    #[test]
    fn many_writers_lose_nothing() {
        let dir = temp_dir("many");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let dir = &dir;
                scope.spawn(move || {
                    let store = Store::open(dir).expect("store");
                    for n in 0..10 {
                        store.pin(&format!("h{writer}-{n}:443"), Fingerprint::of(&[writer, n]), false).expect("pinned");
                    }
                });
            }
        });
        assert_eq!(Store::open(&dir).expect("store").len(), 80);
        fs::remove_dir_all(dir).expect("removable");
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_and_left_alone() {
        let dir = temp_dir("bad");
        let path = dir.join(FILE);
        for (content, says) in [(&b"x:443 nonsense\n"[..], "line 1"), (b"# fine\n\nalone\n", "line 3"), (b"\xff\xfe", "not text")]
        {
            fs::write(&path, content).expect("writable");
            let said = Store::open(&dir).expect_err("refused").to_string();
            assert!(said.contains(says) && said.contains("known_certificates"), "{said}");
            assert_eq!(fs::read(&path).expect("readable"), content);
        }
        fs::remove_file(&path).expect("removable");
        fs::create_dir(&path).expect("a directory in its place");
        assert!(matches!(Store::open(&dir), Err(StoreError::Read { .. })));
        fs::remove_dir_all(dir).expect("removable");
    }

    #[test]
    fn a_file_broken_while_we_run_is_not_overwritten() {
        let dir = temp_dir("broken");
        let store = Store::open(&dir).expect("store");
        fs::write(store.path(), "garbage\n").expect("writable");
        assert!(matches!(store.pin("x:443", Fingerprint::of(b"a"), false), Err(StoreError::Line { .. })));
        assert_eq!(fs::read_to_string(store.path()).expect("readable"), "garbage\n");
        fs::remove_dir_all(dir).expect("removable");
    }
}
