//! What is remembered of each pool between runs of the program: how far its database had come, what there was (see
//! [`crate::pool::database`]), and what its I/O paths did over the last week ([`PathLedger`]). One file a pool in the data folder, `pools/UUID.json`, replaced as a whole.
//!
//! Only this module touches the files. A file that is too big, of another version or not understood is left as it is and told of in the log; the
//! pool is then watched without it.

use crate::observation::{Observation, Rewind, Seen};
use crate::pool::database::{Ledger, Mark};
use crate::pool::paths::PathLedger;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder within the data folder.
const FOLDER: &str = "pools";
/// Version of the files.
const SCHEMA: &str = "poolwatch-database/1";
/// A file that is bigger than this is not ours. Bytes.
const LIMIT: u64 = 32 << 20;
/// Files at most; the oldest goes for a new one.
const FILES: usize = 500;
/// How soon changed objects are written.
const SOON: Duration = Duration::from_secs(60);
/// How soon a higher count alone is written: it changes all the time.
const LATER: Duration = Duration::from_secs(600);

/// Why something could not be remembered.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be read.
    #[error("cannot read {}: {why}. Whether the pool's database went back since the last time cannot be told", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is there and makes no sense.
    #[error(
        "{} cannot be understood ({why}) and is left as it is. Move it away, and poolwatch remembers this pool anew",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It cannot be written.
    #[error("cannot write {}: {error}. After the next start it cannot be told whether the pool's database went back", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    schema: &'a str,
    #[serde(flatten)]
    mark: &'a Mark,
}

#[derive(Deserialize)]
struct Read {
    schema: String,
    #[serde(flatten)]
    mark: Mark,
}

/// Remembers one pool.
#[derive(Debug)]
pub struct Keeper {
    /// `None` once it cannot be used.
    folder: Option<PathBuf>,
    ledger: Ledger,
    paths: PathLedger,
    /// The pool whose file was looked for.
    looked: Option<String>,
    /// What was written last.
    written: Option<(Mark, Time)>,
    looked_at: Time,
}

impl Keeper {
    /// With the files below this data folder.
    pub fn new(data: &Path) -> Self {
        Self {
            folder: Some(data.join(FOLDER)),
            ledger: Ledger::default(),
            paths: PathLedger::default(),
            looked: None,
            written: None,
            looked_at: Time::EPOCH,
        }
    }

    /// Takes in a batch, and adds to it what is known because of earlier ones.
    pub async fn see(&mut self, batch: &mut Vec<Observation>) {
        let Some(at) = batch.last().map(|o| o.at) else { return };
        let mut found: Option<Rewind> = None;
        for observation in batch.iter() {
            found = self.ledger.see(observation).or(found);
            self.paths.see(observation);
        }
        let mut paths = Vec::new();
        if let (Some(folder), Some(uuid)) = (&self.folder, self.ledger.uuid())
            && self.looked.as_deref() != Some(uuid)
        {
            let uuid = uuid.to_owned();
            match file(folder, &uuid).map(|path| read(&path)).transpose() {
                Ok(mark) => {
                    let mut mark = mark.flatten();
                    paths = mark.as_mut().map(|mark| std::mem::take(&mut mark.paths)).unwrap_or_default();
                    found = mark.and_then(|mark| self.ledger.recall(mark, at)).or(found);
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    self.folder = None;
                }
            }
            self.looked = Some(uuid);
        }
        let told = found.is_some();
        if !paths.is_empty() {
            self.paths.recall(&paths);
            batch.push(Observation { at, seen: Seen::Paths { paths } });
        }
        batch.extend(found.map(|rewind| Observation { at, seen: Seen::WentBack(rewind) }));
        if told || at.since(self.looked_at) >= SOON {
            self.looked_at = at;
            self.keep(at, told).await;
        }
    }

    /// Writes what is not written yet.
    pub async fn finish(&mut self, at: Time) {
        self.keep(at, true).await;
    }

    async fn keep(&mut self, at: Time, now: bool) {
        let Some(folder) = self.folder.clone() else { return };
        let Some(mut mark) = self.ledger.mark() else { return };
        mark.paths = self.paths.kept();
        let due = match &self.written {
            None => true,
            Some((last, _)) if *last == mark => false,
            Some((last, when)) => now || last.objects != mark.objects || last.paths != mark.paths || at.since(*when) >= LATER,
        };
        let Some(path) = file(&folder, &mark.uuid).filter(|_| due) else { return };
        let written = tokio::task::spawn_blocking(move || write(&folder, &path, &mark).map(|()| mark)).await;
        match written {
            Ok(Ok(mark)) => self.written = Some((mark, at)),
            Ok(Err(error)) => {
                tracing::warn!("{error}");
                self.folder = None;
            }
            // The program is ending.
            Err(_) => {}
        }
    }
}

/// The file of a pool; `None` if what it calls its uuid is none (it could be a path).
fn file(folder: &Path, uuid: &str) -> Option<PathBuf> {
    let fits = uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    fits.then(|| folder.join(format!("{}.json", uuid.to_ascii_lowercase())))
}

/// What is kept of a pool; `None` if nothing is.
fn read(path: &Path) -> Result<Option<Mark>, MemoryError> {
    let cannot = |why: String| MemoryError::Read { path: path.to_owned(), why };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error.to_string())),
    };
    let mut text = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut text).map_err(|error| cannot(error.to_string()))?;
    let foreign = |why: String| MemoryError::Foreign { path: path.to_owned(), why };
    if text.len() as u64 > LIMIT {
        return Err(foreign("it is far too big".to_owned()));
    }
    let read: Read = serde_json::from_slice(&text).map_err(|error| foreign(error.to_string()))?;
    if read.schema != SCHEMA {
        return Err(foreign(format!("it is of another version, {:?}", crate::text::clean(&read.schema, 40))));
    }
    Ok(Some(read.mark))
}

/// Replaces the file, unless another program has written something newer meanwhile, or something that is not understood.
fn write(folder: &Path, path: &Path, mark: &Mark) -> Result<(), MemoryError> {
    let cannot = |error: io::Error| MemoryError::Write { path: path.to_owned(), error };
    let private = || {
        let mut options = OpenOptions::new();
        options.mode(0o600).write(true).create(true);
        options
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
    // Held to the end; it is a file of its own because the others get replaced.
    let lock = private().truncate(false).open(folder.join("lock")).map_err(cannot)?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map_err(|error| cannot(error.into()))?;
    match read(path)? {
        Some(there) if there.uuid == mark.uuid && there.is_newer(mark) => return Ok(()),
        Some(_) => {}
        None => make_room(folder).map_err(cannot)?,
    }
    let text = serde_json::to_vec(&Written { schema: SCHEMA, mark }).map_err(|error| cannot(error.into()))?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = private().truncate(true).open(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(cannot)
}

/// Lets the oldest file go if there are too many for a new one.
fn make_room(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|end| end == "json") {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    for (_, path) in files.iter().take((files.len() + 1).saturating_sub(FILES)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0a0a0a0a-1b1b-2c2c-3d3d-4e4e4e4e4e4e";

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolwatch-memory-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn mark(generation: u64, at: Option<i64>) -> Mark {
        let rewind = at.map(|at| Rewind { at: Time::from_secs(at), ..Rewind::default() });
        Mark { uuid: UUID.into(), generation, rewind, ..Mark::default() }
    }

    #[test]
    fn what_is_kept_is_there_again_and_older_news_do_not_replace_newer() {
        let folder = folder("kept");
        let path = file(&folder, UUID).expect("a uuid");
        assert_eq!(read(&path).expect("nothing yet"), None);
        for (write_now, want) in [
            (mark(10, None), mark(10, None)),
            (mark(7, None), mark(10, None)),
            (mark(3, Some(100)), mark(3, Some(100))),
            (mark(11, None), mark(3, Some(100))),
            (mark(4, Some(100)), mark(4, Some(100))),
        ] {
            write(&folder, &path, &write_now).expect("written");
            assert_eq!(read(&path).expect("read"), Some(want));
        }
        let _ = fs::remove_dir_all(&folder);
    }

    #[tokio::test]
    async fn paths_of_an_earlier_run_are_told_once_the_pool_is_known() {
        use crate::observation::KeptPath;
        use crate::xenapi::record::{Pool as PoolRecord, Record};
        let folder = folder("paths");
        let kept = KeptPath { source: "p".into(), id: "a".into(), changes: vec![(Time::from_secs(5), 1, 2)], more: 0 };
        let mut before = mark(10, None);
        before.paths = vec![kept.clone()];
        let pools = folder.join(FOLDER);
        write(&pools, &file(&pools, UUID).expect("a uuid"), &before).expect("written");
        let mut keeper = Keeper::new(&folder);
        let pool = PoolRecord { uuid: UUID.into(), ..PoolRecord::default() };
        let seen = Seen::Set { r#ref: "pool".into(), record: std::sync::Arc::new(Record::Pool(pool)) };
        let mut batch = vec![Observation { at: Time::from_secs(1_000), seen }];
        keeper.see(&mut batch).await;
        assert_eq!(batch.iter().filter(|o| o.seen == Seen::Paths { paths: vec![kept.clone()] }).count(), 1);
        let mut next = vec![Observation { at: Time::from_secs(1_001), seen: Seen::Heard { generation: None } }];
        keeper.see(&mut next).await;
        assert_eq!((next.len(), keeper.paths.kept()), (1, vec![kept]), "once, and kept on");
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        let folder = folder("foreign");
        fs::create_dir_all(&folder).expect("a folder");
        let path = file(&folder, UUID).expect("a uuid");
        for text in [
            "",
            "{",
            "[]",
            "\u{0}\u{1}",
            "{\"schema\":\"poolwatch-database/9\",\"uuid\":\"\",\"generation\":1,\"at\":0,\"objects\":{},\"rewind\":null}",
        ] {
            fs::write(&path, text).expect("written");
            assert!(matches!(read(&path), Err(MemoryError::Foreign { .. })), "{text:?}");
            assert!(write(&folder, &path, &mark(1, None)).is_err());
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn a_pool_cannot_choose_the_file() {
        for uuid in ["", "../../../../../../../../../etc/passwd1", "x", &"a/".repeat(18), &"\u{e9}".repeat(18)] {
            assert_eq!(file(Path::new("/data"), uuid), None, "{uuid}");
        }
    }
}
