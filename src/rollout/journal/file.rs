//! A journal on disk: `runs/<pool>/<time>-<run>.jsonl` in the data folder, written by one process at a time.
//!
//! A line counts once it is on the disk itself. Where a line could not be written, the file is as it was before, and nothing may be
//! done whose intent it was.

use super::{Journal, LARGEST, Tail, Wrong};
use crate::rollout::engine::{Log, LogError};
use crate::rollout::entry::Entry;
use crate::time::Time;
use rustix::fs::FlockOperation;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How journals are called.
const END: &str = "jsonl";

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum JournalError {
    #[error("cannot {doing} the journal {}: {error}. {}", path.display(), way_out(error))]
    Io { doing: &'static str, path: PathBuf, error: io::Error },
    #[error("the journal {} cannot be used: {wrong}. It was not changed; no call was made", path.display())]
    Wrong { path: PathBuf, wrong: Wrong },
    #[error("the journal {} is larger than any run makes it. Is this the right file?", path.display())]
    TooLarge { path: PathBuf },
    #[error("the journal {} is no ordinary file", path.display())]
    NoFile { path: PathBuf },
    #[error(
        "the journal {} is in use: another poolwatch on this machine works on this run. Leave it there, or end it first", path.display()
    )]
    InUse { path: PathBuf },
    #[error(
        "the journal {} is of another pool: {theirs_name} ({theirs}), and this is {ours}. Name the right pool or the right journal",
        path.display()
    )]
    OtherPool { path: PathBuf, theirs: String, theirs_name: String, ours: String },
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk; nothing is done without its journal",
        io::ErrorKind::PermissionDenied => {
            "Correct its permissions, or set POOLWATCH_DATA_DIR to a folder that may be written to"
        }
        io::ErrorKind::NotFound => "Check the path",
        io::ErrorKind::ReadOnlyFilesystem => "Set POOLWATCH_DATA_DIR to a folder that may be written to",
        _ => "Nothing is done without its journal",
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: File,
    tail: Tail,
    /// Its length, in bytes.
    length: u64,
    /// Set once it is no longer known what is on the disk.
    lost: Option<String>,
}

/// The folder of a pool's journals below the data folder.
pub fn folder(data: &Path, pool: &str) -> PathBuf {
    data.join("runs").join(component(pool))
}

/// What a pool says becomes part of a path: only if it looks like a uuid.
fn component(text: &str) -> String {
    let fine = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fine { text.to_owned() } else { super::hash(text).chars().take(32).collect() }
}

impl JournalFile {
    /// Begins a journal for `run` on `pool` (its uuid), below the data folder.
    pub fn create(data: &Path, pool: &str, run: &str, now: Time) -> Result<Self, JournalError> {
        let folder = folder(data, pool);
        let stamp: String = now.to_xapi().chars().filter(|c| *c != ':').collect();
        let path = folder.join(format!("{stamp}-{}.{END}", component(run)));
        let failed = |error| JournalError::Io { doing: "create", path: path.clone(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        lock(&file, &path)?;
        // The name is on the disk too, up to the folder that was there before.
        let data = fs::canonicalize(data).map_err(failed)?;
        let mut at = fs::canonicalize(&folder).map_err(failed)?;
        loop {
            File::open(&at).and_then(|dir| dir.sync_all()).map_err(failed)?;
            if at == data || !at.pop() {
                break;
            }
        }
        Ok(Self { path, file, tail: Tail::default(), length: 0, lost: None })
    }

    /// Opens a journal to go on with it: locks it, reads and checks it, and cuts off a torn last line.
    pub fn open(path: &Path) -> Result<(Self, Journal), JournalError> {
        let failed = |error| JournalError::Io { doing: "open", path: path.to_owned(), error };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        lock(&file, path)?;
        let journal = parse(&mut file, path)?;
        let length = journal.whole as u64;
        if journal.torn > 0 {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file, tail: journal.tail.clone(), length, lost: None }, journal))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let meta = self.file.metadata()?;
        if meta.nlink() == 0 {
            return Err(io::Error::other("it was deleted"));
        }
        if meta.is_file() && meta.len() != self.length {
            return Err(io::Error::other("something else has written to it"));
        }
        if let Err(error) = self.file.write_all(line) {
            // What arrived of it is taken back; if not even that works, it is a torn last line, which the next reader drops.
            let back = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)).map(drop));
            if back.is_err() {
                self.lost = Some(error.to_string());
            }
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed sync nobody knows what is on the disk.
            self.lost = Some(error.to_string());
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

impl Log for JournalFile {
    fn append(&mut self, at: Time, entry: &Entry) -> Result<(), LogError> {
        if let Some(why) = &self.lost {
            return Err(LogError(format!("the journal {} cannot be written any more: {why}", self.path.display())));
        }
        let (line, tail) = self.tail.next(at, entry).map_err(|e| LogError(format!("this cannot be written down: {e}")))?;
        match self.write(&line) {
            Ok(()) => {
                self.tail = tail;
                Ok(())
            }
            Err(error) => {
                let error = JournalError::Io { doing: "write to", path: self.path.clone(), error };
                Err(LogError(error.to_string()))
            }
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(JournalError::InUse { path: path.to_owned() }),
        Err(error) => Err(JournalError::Io { doing: "lock", path: path.to_owned(), error: error.into() }),
    }
}

fn parse(file: &mut File, path: &Path) -> Result<Journal, JournalError> {
    let failed = |error| JournalError::Io { doing: "read", path: path.to_owned(), error };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(JournalError::NoFile { path: path.to_owned() });
    }
    if meta.len() > LARGEST {
        return Err(JournalError::TooLarge { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Journal::parse(&bytes).map_err(|wrong| JournalError::Wrong { path: path.to_owned(), wrong })
}

/// Reads a journal without touching it; somebody else may be writing it.
pub fn read(path: &Path) -> Result<Journal, JournalError> {
    let failed = |error| JournalError::Io { doing: "open", path: path.to_owned(), error };
    parse(&mut File::open(path).map_err(failed)?, path)
}

/// Whether another process works on this journal.
pub fn in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(lock(&file, path), Err(JournalError::InUse { .. })))
}

/// Whether a journal is of this pool (by uuid).
pub fn check_pool(path: &Path, journal: &Journal, pool: &str) -> Result<(), JournalError> {
    let (_, theirs, name) = journal.whose();
    if theirs == pool {
        return Ok(());
    }
    let clean = |text: &str| crate::text::clean(text, 80).into_owned();
    let (theirs, theirs_name, ours) = (clean(theirs), clean(name), clean(pool));
    Err(JournalError::OtherPool { path: path.to_owned(), theirs, theirs_name, ours })
}

/// The journals of a pool, newest first. None if it never had a run here.
pub fn all(data: &Path, pool: &str) -> Result<Vec<PathBuf>, JournalError> {
    let folder = folder(data, pool);
    let failed = |error| JournalError::Io { doing: "look for", path: folder.clone(), error };
    let listing = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == END) {
            found.push(path);
        }
    }
    // Their names begin with the time.
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The newest journal of a pool whose run is not over, or (with `over`) that is over but left something undone. One in which nothing
/// was begun is passed over; one that cannot be read is an error: it may be the one.
pub fn newest(data: &Path, pool: &str, over: bool) -> Result<Option<(PathBuf, Journal)>, JournalError> {
    for path in all(data, pool)? {
        let journal = match read(&path) {
            Ok(journal) => journal,
            Err(JournalError::Wrong { wrong: Wrong::Empty | Wrong::Unbegun, .. }) => continue,
            Err(error) => return Err(error),
        };
        if !journal.is_over() || (over && !journal.left().is_empty()) {
            return Ok(Some((path, journal)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::entries;
    use super::*;
    use crate::rollout::entry::RunResult;

    fn data(name: &str) -> PathBuf {
        let data = std::env::temp_dir().join(format!("poolwatch-journal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        data
    }

    fn filled(data: &Path, run: &str, secs: i64) -> JournalFile {
        let mut journal = JournalFile::create(data, "p-1", run, Time::from_secs(secs)).unwrap();
        for entry in entries() {
            journal.append(Time::from_secs(secs), &entry).unwrap();
        }
        journal
    }

    #[test]
    fn a_journal_is_one_processs_and_goes_on_after_a_torn_line() {
        let data = data("torn");
        let journal = filled(&data, "abcd", 1_795_220_000);
        let path = journal.path().to_owned();
        assert!(path.ends_with("runs/p-1/20261121T001320Z-abcd.jsonl"), "{}", path.display());
        assert!(matches!(JournalFile::open(&path), Err(JournalError::InUse { .. })));
        assert_eq!(read(&path).unwrap().lines.len(), 4, "reading needs no lock");
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"v\":1,\"seq\":5,\"t\"").unwrap();
        let (mut again, journal) = JournalFile::open(&path).unwrap();
        assert_eq!((journal.lines.len(), journal.torn), (4, 18));
        again.append(Time::from_secs(9), &entries()[1]).unwrap();
        let read = read(&path).unwrap();
        assert_eq!((read.lines.len(), read.torn), (5, 0));
    }

    #[test]
    fn a_full_disk_a_deleted_and_a_foreign_hand_are_errors_before_anything_is_done() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut journal = JournalFile { path: "/dev/full".into(), file: full, tail: Tail::default(), length: 0, lost: None };
        let error = journal.append(Time::EPOCH, &entries()[0]).unwrap_err().to_string();
        assert!(error.contains("Make room on the disk"), "{error}");
        let data = data("hands");
        let mut journal = filled(&data, "abcd", 0);
        OpenOptions::new().append(true).open(journal.path()).unwrap().write_all(b"x").unwrap();
        let error = journal.append(Time::EPOCH, &entries()[1]).unwrap_err().to_string();
        assert!(error.contains("something else has written"), "{error}");
        let mut journal = filled(&data, "efgh", 0);
        fs::remove_file(journal.path()).unwrap();
        assert!(journal.append(Time::EPOCH, &entries()[1]).unwrap_err().to_string().contains("deleted"));
    }

    #[test]
    fn the_newest_run_that_is_not_over_is_found_and_an_unreadable_one_is_not_passed_over() {
        let data = data("newest");
        assert!(newest(&data, "p-1", false).unwrap().is_none());
        let old = filled(&data, "old", 1_000);
        let mut new = filled(&data, "new", 2_000);
        drop(JournalFile::create(&data, "p-1", "empty", Time::from_secs(3_000)).unwrap());
        assert_eq!(newest(&data, "p-1", false).unwrap().unwrap().0, new.path());
        new.append(Time::from_secs(2_001), &Entry::Ended { result: RunResult::Done, text: String::new() }).unwrap();
        assert_eq!(newest(&data, "p-1", false).unwrap().unwrap().0, old.path());
        fs::write(folder(&data, "p-1").join("20261121T000000Z-bad.jsonl"), "rubbish\n").unwrap();
        let error = newest(&data, "p-1", false).unwrap_err().to_string();
        assert!(error.contains("bad.jsonl") && error.contains("line 1") && error.contains("right file"), "{error}");
        let journal = read(old.path()).unwrap();
        let error = check_pool(old.path(), &journal, "p-2").unwrap_err().to_string();
        assert!(error.contains("another pool"), "{error}");
    }

    #[test]
    fn what_a_pool_calls_itself_cannot_lead_out_of_the_folder() {
        let data = Path::new("/d");
        assert_eq!(folder(data, "c0ffee-1"), Path::new("/d/runs/c0ffee-1"));
        for bad in ["../../etc", "", ".", "a/b", &"x".repeat(65), "\u{0}"] {
            let folder = folder(data, bad);
            assert_eq!((folder.components().count(), folder.starts_with("/d/runs")), (4, true), "{bad:?}");
        }
        for not_a_file in [Path::new("/"), Path::new("/dev/null")] {
            assert!(read(not_a_file).is_err());
        }
    }
}
