//! What a simulated host leaves behind: its logs, and the folder that its crash kernel writes.
//!
//! The world only notes what happened, in a few bytes each; the files are made of that when somebody looks: a bug report is asked for, or xapi looks for
//! crash dumps after a boot. Their words are those of the real programs (formats: Linux 4.19 with o2cb, Xen 4.17, xhad, `xen-crashdump-analyser`), written
//! here. What a real host would have lost is missing: the last seconds of a log on disk, and the dump where the fence leaves none.

mod bugtool;
mod daemons;
mod dump;
mod kernel;
mod lines;
mod listing;
mod xha;

use super::Core;
use super::fault::Bug;
use crate::o2cb::folder::Memory;
use crate::time::Time;
use crate::xenapi::record::Ref;
use std::time::Duration;

/// Notes that are kept of one world, the newest.
const NOTES: usize = 20_000;
/// Crash folders that a host keeps (`CRASH_MAX_LOGS` of XenServer's kdump).
const FOLDERS: usize = 4;
/// From a crash until the crash kernel makes its folder.
const SECOND_BOOT: Duration = Duration::from_secs(14);
/// Until it has written everything and the machine starts again.
const WRITING: Duration = Duration::from_secs(38);
/// What a log on disk loses when its machine dies at once: it was not written out yet.
const UNWRITTEN: Duration = Duration::from_secs(5);

/// How a host is set up for its own death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// o2cb fences by a panic, which leaves a dump; by default it resets the machine, which leaves none.
    pub fence_panics: bool,
    /// A crash kernel is loaded.
    pub crash_kernel: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { fence_panics: false, crash_kernel: true }
    }
}

/// How a machine died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// o2cb: no write to a heartbeat region in time. Milliseconds, as its kernel counts them.
    Disk { region: u8, millis: u32 },
    /// o2cb: too few others on the network.
    Network { connected: u8, heartbeating: u8, lowest: u8 },
    /// ocfs2 gave up on its journal.
    Journal { region: u8 },
    /// xhad: the statefile, or the others, could not be reached.
    Xhad { statefile: bool },
    /// A fault in kernel or hypervisor.
    Bug(Bug),
    /// Power, or a reset from outside: nothing could be said.
    Power,
}

/// One thing that a host's logs tell of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Note {
    /// It has booted; before that it ran since then.
    Booted { before: Time },
    /// It goes down because it was told to.
    Shutdown,
    /// It died.
    Died(Death),
    /// Paths to a LUN failed or came back.
    Paths { store: u16, lun: u16, was: u8, now: u8, errors: bool },
    /// A link of its bond.
    Link { device: u8, up: bool },
    /// Half of the heartbeat's write time-out is over.
    Hung { region: u8 },
    /// All hang, and all wait on.
    Pardoned { region: u8 },
    /// A region is lost, which is no fence.
    RegionLost { region: u8 },
    /// The heartbeat's I/O fails.
    Errors { region: u8 },
    /// Nothing was heard of another node for half a minute.
    Idle { peer: u16 },
    /// A quorum check that it survived.
    NotFencing { connected: u8, heartbeating: u8, lowest: u8 },
    /// Another node is dead to it.
    Evicted { peer: u16, number: u8 },
    /// Another node is back.
    Joined { peer: u16, number: u8 },
    /// xhad: half of the statefile's time-out is over.
    SoonStatefile,
    /// xhad: nothing was heard of another host for half of the time-out.
    SoonHeartbeat { peer: u16 },
    /// xhad: who is in the live set, by position.
    Liveset { alive: u64 },
    /// xapi on the coordinator calls a host dead.
    Dead { peer: u16 },
}

/// A note of a host.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Time,
    host: u16,
    note: Note,
}

/// A folder below `/var/crash`.
#[derive(Clone, Debug)]
pub struct Dump {
    host: usize,
    /// When it crashed.
    at: Time,
    /// Of what.
    death: Death,
    /// The folder's name: when it was made, by the host's own clock.
    pub name: String,
    /// The same as a time.
    pub stamp: Time,
    /// Guests that ran there.
    guests: u8,
    /// xapi's record of it.
    pub record: Option<Ref>,
}

/// What all hosts of a world leave behind.
#[derive(Clone, Debug, Default)]
pub struct Past {
    notes: Vec<Entry>,
    dumps: Vec<Dump>,
    /// Records of folders that made room for newer ones.
    gone: Vec<Ref>,
}

impl Past {
    fn of(&self, host: usize) -> impl Iterator<Item = &Entry> {
        self.notes.iter().filter(move |entry| usize::from(entry.host) == host)
    }

    /// The crash folders of a host, oldest first.
    pub fn dumps(&self, host: usize) -> impl Iterator<Item = &Dump> {
        self.dumps.iter().filter(move |dump| dump.host == host)
    }

    /// A host was wiped.
    pub fn wipe(&mut self, host: usize) {
        self.notes.retain(|entry| usize::from(entry.host) != host);
        self.dumps.retain(|dump| dump.host != host);
    }
}

/// A position as notes have it.
pub(super) fn small(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// A number as notes have it.
pub(super) fn tiny(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

impl Core {
    /// Notes what happens at a host now.
    pub(super) fn note_at(&mut self, host: usize, note: Note) {
        self.note_back(host, self.now, note);
    }

    /// Notes what happened at a host at an earlier moment.
    pub(super) fn note_back(&mut self, host: usize, at: Time, note: Note) {
        if self.past.notes.len() >= NOTES {
            self.past.notes.drain(..NOTES / 4);
        }
        self.past.notes.push(Entry { at, host: small(host), note });
    }

    /// Notes something about another host.
    pub(super) fn note_of(&mut self, host: usize, peer: usize, note: impl FnOnce(u16) -> Note) {
        self.note_at(host, note(small(peer)));
    }

    /// A machine dies of this, now; before it is switched off. Its crash kernel writes a folder if there is one, and if this is a death that starts it.
    pub(super) fn dies_of(&mut self, host: usize, death: Death) {
        let guests = tiny(self.guests_on(host).len());
        let Some(h) = self.hosts.get(host).filter(|h| h.runs()) else { return };
        let starts = match death {
            Death::Disk { .. } | Death::Network { .. } => h.setup.fence_panics,
            Death::Journal { .. } | Death::Bug(_) => true,
            Death::Xhad { .. } | Death::Power => false,
        };
        let (at, skew, loaded) = (self.now, h.clock_ms, h.setup.crash_kernel);
        self.note_at(host, Note::Died(death));
        if !(starts && loaded) {
            return;
        }
        let stamp = lines::shifted(at + SECOND_BOOT, skew);
        let name = lines::folder_name(stamp);
        let mine: Vec<usize> =
            (0..self.past.dumps.len()).filter(|d| self.past.dumps.get(*d).is_some_and(|d| d.host == host)).collect();
        if mine.len() >= FOLDERS
            && let Some(oldest) = mine.first()
        {
            let gone = self.past.dumps.remove(*oldest).record;
            self.past.gone.extend(gone);
        }
        self.past.dumps.push(Dump { host, at, death, name, stamp, guests, record: None });
    }

    /// How long a boot that follows now takes longer because the crash kernel is at work.
    pub(super) fn dump_takes(&self, host: usize) -> Duration {
        let last = self.past.dumps(host).last().map(|dump| dump.at);
        if last.is_some_and(|at| at == self.now) { WRITING } else { Duration::ZERO }
    }

    /// The folder of a host as somebody who looks now finds it: the cluster's files, the logs, and the crash folders.
    pub(super) fn folder(&self, host: usize) -> Memory {
        let mut folder = self.o2cb_folder(host).unwrap_or_default();
        for (path, text) in self.log_files(host) {
            folder = folder.with(&path, text);
        }
        for dump in self.past.dumps(host) {
            for (name, text) in self.dump_files(dump) {
                folder = folder.with(&format!("var/crash/{}/{name}", dump.name), text);
            }
        }
        folder
    }

    /// The logs below `/var/log`.
    fn log_files(&self, host: usize) -> Vec<(String, String)> {
        let history = lines::History::of(self, host);
        let mut files = vec![
            ("var/log/kern.log".to_owned(), self.kernel_log(&history)),
            ("var/log/daemon.log".to_owned(), self.daemon_log(&history)),
            ("var/log/messages".to_owned(), self.messages_log(&history)),
            ("var/log/xensource.log".to_owned(), self.xensource_log(&history)),
            ("var/log/SMlog".to_owned(), self.storage_log(&history)),
            ("var/log/xen/hypervisor.log".to_owned(), self.hypervisor_log(&history)),
        ];
        let xha = self.xha_log(&history);
        if !xha.is_empty() {
            files.push(("var/log/xha.log".to_owned(), xha));
        }
        files
    }
}
