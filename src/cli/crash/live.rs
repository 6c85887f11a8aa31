//! A crash read from a host of a pool: its bug report, streamed through the reader while the host makes it. For the command and for the dashboard.

use super::{CrashArgs, CrashError, consent};
use crate::cli::error::CliError;
use crate::cli::logging;
use crate::cli::setup::Setup;
use crate::config::Flags;
use crate::crash::classify::Fact;
use crate::crash::read::{self, Limits, Options};
use crate::crash::report::Reading;
use crate::feed::clock::Clock;
use crate::xenapi::client::Client;
use crate::xenapi::client::download::{Bounds, Download};
use crate::xenapi::error::Error;
use crate::xenapi::events::What;
use crate::xenapi::record::{Class, Host, Record};
use crate::xenapi::session::{Certainty, Session};
use crate::xenapi::trust::Guard;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// What is asked of a bug report. No databases and no configuration beyond storage: they hold what is personal and do not tell why a host went.
const ENTRIES: &str =
    "host-crashdump-logs,system-logs,xenserver-logs,xha-liveset,high-availability,multipath,disk-info,xen-info,kernel-info";
/// The logs are capped at about 200 MB together, but crash folders are not.
const BOUNDS: Bounds = Bounds { bytes: 4 << 30, quiet: Duration::from_secs(300), whole: Duration::from_secs(3_600) };
/// How far back the pool's messages are read: 30 days.
const MESSAGES: Duration = Duration::from_secs(30 * 86_400);
/// Pieces that wait for the reader.
const WAITING: usize = 16;

/// Reads the crashes of one host.
pub async fn read(args: &CrashArgs, host: &str, flags: &Flags) -> Result<Reading, CliError> {
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let entry = setup.one(args.source.as_deref(), &args.connect).await?;
    let guard = Arc::new(Guard::new(entry.options.store.clone(), entry.target.port, entry.options.accept.iter().copied()));
    let client = Client::new(guard, entry.options.client.clone()).map_err(CrashError::from)?;
    let session =
        Session::login(&client, &entry.target, &entry.credentials, Certainty::FirstUse).await.map_err(CrashError::from)?;
    let plain = entry.options.client.allow_plain_http;
    let read = of_host(&session, host, &entry.credentials.user, plain, &Progress::default()).await;
    let read = match read {
        Ok(reading) => consent::beside(&session, reading, args, host, &setup.dirs.data).await,
        failed => failed,
    };
    session.logout().await;
    for pinned in client.guard().take_pinned() {
        eprintln!(
            "poolwatch: first contact with {}: its certificate is trusted from now on, fingerprint SHA256:{}",
            pinned.to, pinned.fingerprint
        );
    }
    Ok(read?)
}

/// How far a reading is; may be looked at from elsewhere while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Files and folders that were met.
    pub files: Arc<AtomicU64>,
    /// Bytes that came.
    pub bytes: Arc<AtomicU64>,
}

/// Reads the crashes of the host that is called so, with a session that is open. Dropping the future ends it. `user` is who that session belongs to.
pub async fn of_host(
    session: &Session,
    wanted: &str,
    user: &str,
    allow_plain_http: bool,
    progress: &Progress,
) -> Result<Reading, CrashError> {
    let hosts = hosts(session).await?;
    let host = find(&hosts, wanted)?;
    let name = crate::text::clean(&host.name_label, 200).into_owned();
    let coordinator = session.coordinator();
    let target = coordinator.sibling(&host.address, allow_plain_http).map_err(|error| CrashError::from(Error::Target(error)))?;
    let download = session.system_status(&target, ENTRIES, BOUNDS).await.map_err(|error| match &error {
        Error::Http { status: 401 | 403, .. } => {
            CrashError::Role { host: name.clone(), user: user.to_owned(), error: Box::new(error) }
        }
        Error::Transport { .. } => CrashError::Away { host: name.clone(), error: Box::new(error) },
        _ => CrashError::from(error),
    })?;
    let limits = Limits { input: BOUNDS.bytes, ..Limits::default() };
    let (facts, note) = facts(session, host).await;
    let host = Some(host.hostname.to_string()).filter(|name| !name.is_empty());
    let options = Options { host, limits, facts, seen: Some(Arc::clone(&progress.files)) };
    let mut reading = stream(download, format!("{name} ({target})"), options, &progress.bytes).await?;
    reading.notes.extend(note);
    Ok(reading)
}

/// The hosts of the pool.
pub(super) async fn hosts(session: &Session) -> Result<Vec<Host>, CrashError> {
    let batch = session.event_from(&[Class::Host], "", Duration::ZERO).await.map_err(CrashError::from)?;
    let host = |what| match what {
        What::Set(record) => match &*record {
            Record::Host(host) => Some(host.clone()),
            _ => None,
        },
        What::Gone => None,
    };
    Ok(batch.changes.into_iter().filter_map(|change| host(change.what)).collect())
}

/// What the pool's own messages of the last month say of the host. Without them there is less to judge by, which is said, and no more.
async fn facts(session: &Session, host: &Host) -> (Vec<Fact>, Option<String>) {
    let since = Clock::start().now() - MESSAGES;
    let records = match session.messages_since(since).await {
        Ok((records, _)) => records,
        Err(error) => {
            return (Vec::new(), Some(format!("The pool's messages could not be read, so they are not considered: {error}")));
        }
    };
    let fact = |record| match record {
        Record::Message(message) if message.obj_uuid == host.uuid && message.name.starts_with("HA_HOST_") => {
            Some(Fact::Message { name: message.name.to_string(), at: message.timestamp.0? })
        }
        _ => None,
    };
    (records.into_iter().filter_map(|(_, record)| fact(record)).collect(), None)
}

/// The one that is meant: by uuid, name, host name or address.
pub(super) fn find<'a>(hosts: &'a [Host], wanted: &str) -> Result<&'a Host, CrashError> {
    if let Some(host) = hosts.iter().find(|host| host.uuid.eq_ignore_ascii_case(wanted)) {
        return Ok(host);
    }
    let called =
        |host: &&Host| [&host.name_label, &host.hostname, &host.address].iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let mut found = hosts.iter().filter(called);
    match (found.next(), found.count()) {
        (Some(host), 0) => Ok(host),
        (Some(_), more) => Err(CrashError::Several(more + 1)),
        (None, _) => Err(CrashError::NoHost {
            wanted: crate::text::clean(wanted, 200).into_owned(),
            has: hosts.iter().take(64).map(|host| crate::text::clean(&host.name_label, 200).into_owned()).collect(),
        }),
    }
}

/// Lets a reader on a thread of its own take what comes.
async fn stream(mut download: Download, what: String, options: Options, bytes: &AtomicU64) -> Result<Reading, CrashError> {
    let (pieces, waiting) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces { waiting, piece: Vec::new(), at: 0 };
        read::stream(&mut pieces, &what, &options)
    });
    loop {
        let piece = download.next().await;
        let (last, piece) = match piece {
            Ok(None) => break,
            Ok(Some(piece)) => {
                bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                (false, Ok(piece))
            }
            Err(error) => (true, Err(io::Error::other(format!("after {}: {error}", download.taken())))),
        };
        // A reader that has seen enough hangs up.
        if pieces.send(piece).await.is_err() || last {
            break;
        }
    }
    drop(pieces);
    match reader.await {
        Ok(read) => Ok(read?),
        Err(_) => Err(CrashError::Read(read::ReadError::Broken {
            what: "the host's bug report".to_owned(),
            error: io::Error::other("the reader broke down on it"),
        })),
    }
}

/// Pieces as a stream.
struct Pieces {
    waiting: mpsc::Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            match self.waiting.blocking_recv() {
                None => return Ok(0),
                Some(piece) => (self.piece, self.at) = (piece?, 0),
            }
        }
        let here = self.piece.get(self.at..).unwrap_or_default();
        let count = here.len().min(out.len());
        if let (Some(from), Some(to)) = (here.get(..count), out.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uuid: &str, name: &str, address: &str) -> Host {
        Host { uuid: uuid.into(), name_label: name.into(), address: address.into(), hostname: name.into(), ..Host::default() }
    }

    #[test]
    fn a_host_is_found_by_all_its_names_and_never_guessed() {
        let hosts = [host("u1", "xcp1", "10.0.0.1"), host("u2", "xcp2", "10.0.0.2"), host("u3", "xcp2", "10.0.0.3")];
        for name in ["u1", "XCP1", "10.0.0.1"] {
            assert_eq!(find(&hosts, name).map(|host| &*host.uuid).ok(), Some("u1"), "{name}");
        }
        assert!(matches!(find(&hosts, "xcp2"), Err(CrashError::Several(2))));
        let error = find(&hosts, "xcp9\u{1b}").map(|_| ()).expect_err("none").to_string();
        assert!(error.contains("xcp1") && !error.contains('\u{1b}'), "{error}");
    }
}
