//! Lines sorted into crashes: whose they are, which crash they belong to, and what comes of each.
//!
//! [`Gather`] takes the files one after another in whatever order they come, without reading any itself. What lies in a crash folder goes
//! to that folder's classifier at once. Logs on disk wait on the [`shelf`] until all folders are known; then each line goes to the
//! crash that is nearest in time, or, if there is none near, to a case of its own: a crash without a dump. Memory is bounded
//! whatever comes.

mod case;
mod desk;
mod settle;
pub mod shelf;
mod who;

pub use desk::Desk;

use super::classify::Fact;
use super::layout::{self, Place, Role};
use super::log::{Log, Owner};
use super::report::Crash;
use case::Case;
use desk::Judged;
use shelf::{Kept, Shelf};
use std::collections::BTreeMap;
use std::sync::Arc;
use who::Site;

/// Crashes that are judged in one reading; a host keeps four.
pub const CRASHES: usize = 64;
/// Notes that are kept.
const NOTES: usize = 40;
/// Hosts that are told apart.
const SITES: usize = 256;
/// The longest name that is shown. Characters.
const NAME: usize = 200;

/// Takes files in and gives crashes back.
#[derive(Default)]
pub struct Gather {
    /// The host that is asked about.
    focus: Option<String>,
    /// What is known of it beside its logs.
    facts: Vec<Fact>,
    sites: BTreeMap<String, Site>,
    cases: BTreeMap<String, Case>,
    shelf: Shelf,
    loose: Vec<Judged>,
    notes: Vec<String>,
    more_notes: u64,
    more_crashes: bool,
    /// Lines that were read.
    lines: u64,
}

/// A file as the reader meets it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its path in what is read, as it stands there, made tame.
    pub shown: &'a str,
    /// When it was last written to, in seconds since 1970.
    pub mtime: Option<i64>,
    /// Whether the operator named this very file.
    pub named: bool,
}

impl Gather {
    /// For all crashes, or those of one host (a name or a uuid).
    pub fn new(focus: Option<String>) -> Self {
        Self { focus, ..Self::default() }
    }

    /// The same, with what is known beside the logs.
    #[must_use]
    pub fn knowing(mut self, facts: Vec<Fact>) -> Self {
        self.facts = facts;
        self
    }

    /// Lines that were read until now.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether the file at this path is of any use, so that it is worth unpacking.
    pub fn wants(&self, place: &Place) -> bool {
        match place {
            Place::Skip => false,
            Place::Dump { role, .. } => matches!(role, Role::Log(_) | Role::PartOfLog(_) | Role::Analyser),
            Place::Disk { .. } | Place::Who { .. } | Place::Loose(_) => true,
        }
    }

    /// Something that has to be said.
    pub fn note(&mut self, note: String) {
        if self.notes.contains(&note) {
            return;
        }
        if self.notes.len() < NOTES {
            self.notes.push(note);
        } else {
            self.more_notes += 1;
        }
    }

    /// A folder is there, perhaps with nothing in it.
    pub fn folder(&mut self, path: &str) {
        if let Some(folder) = layout::crash_folder(path) {
            self.case(folder);
        }
    }

    /// A file begins. `None` if nobody wants its lines; that it is there is remembered.
    pub fn begin(&mut self, file: File<'_>, place: &Place) -> Option<Desk> {
        let log = |kind, name: String| Arc::new(Log { name: shown(&name), kind, owner: Owner::Crashed });
        match place {
            Place::Skip => None,
            Place::Dump { folder, name, role } => {
                let mut case = self.take_case(folder)?;
                case.holds(*role, file.mtime);
                match role {
                    Role::Log(kind) | Role::PartOfLog(kind) => {
                        case.logs.push(shown(name));
                        Some(Desk::dump(folder.clone(), case, log(*kind, name.clone())))
                    }
                    Role::Analyser => Some(Desk::analyser(folder.clone(), case)),
                    _ => {
                        self.cases.insert(folder.clone(), case);
                        None
                    }
                }
            }
            Place::Disk { root, kind, base, age } => {
                self.site(root)?;
                Some(Desk::disk(Kept::new(root.clone(), file.shown.to_owned(), *kind, base.clone(), *age, file.mtime)))
            }
            Place::Who { root, says } => {
                self.site(root)?;
                Some(Desk::who(root.clone(), *says))
            }
            Place::Loose(kind) => {
                let survivor = Arc::new(Log { name: shown(file.shown), kind: *kind, owner: Owner::Survivor });
                Some(Desk::loose(log(*kind, file.shown.to_owned()), survivor, file))
            }
        }
    }

    /// The next line of it, from 1.
    pub fn line(&mut self, desk: &mut Desk, number: u64, line: &[u8]) {
        self.lines += 1;
        desk.line(&mut self.shelf, self.focus.as_deref(), number, line);
    }

    /// It is at its end, or cannot be read any further.
    pub fn end(&mut self, desk: Desk) {
        match desk {
            Desk::Dump { folder, case, .. } | Desk::Analyser { folder, case } => {
                self.cases.insert(folder, *case);
            }
            Desk::Disk(kept) => {
                if kept.lines > 0
                    && let Some(site) = self.sites.get_mut(&kept.root)
                {
                    site.heard(&kept.hosts);
                    self.shelf.put(*kept);
                }
            }
            Desk::Who { root, says, text } => {
                if let Some(site) = self.sites.get_mut(&root) {
                    site.says(says, &String::from_utf8_lossy(&text));
                }
            }
            Desk::Loose(loose) => self.keep_loose(loose.judge()),
        }
    }

    /// Gives back what came of it all, newest first, and what has to be said.
    pub fn finish(mut self) -> (Vec<Crash>, Vec<String>) {
        let crashes = settle::settle(&mut self);
        if self.more_crashes {
            self.note(format!("There are more than {CRASHES} crash folders: only the first {CRASHES} that came were judged."));
        }
        if self.more_notes > 0 {
            self.notes.push(format!("… and {} more remarks of this kind.", self.more_notes));
        }
        (crashes, self.notes)
    }

    fn site(&mut self, root: &str) -> Option<&mut Site> {
        if !self.sites.contains_key(root) && self.sites.len() >= SITES {
            self.note(format!("There are logs of more than {SITES} hosts: only the first {SITES} were read."));
            return None;
        }
        Some(self.sites.entry(root.to_owned()).or_default())
    }

    fn case(&mut self, folder: &str) -> Option<&mut Case> {
        if !self.cases.contains_key(folder) && self.cases.len() >= CRASHES {
            self.more_crashes = true;
            return None;
        }
        Some(self.cases.entry(folder.to_owned()).or_insert_with(|| Case::of_folder(folder)))
    }

    /// A case is taken out while a file of it is read.
    fn take_case(&mut self, folder: &str) -> Option<Case> {
        self.case(folder)?;
        self.cases.remove(folder)
    }

    /// A loose log was judged by itself. Those without a crash are only counted where there are very many.
    fn keep_loose(&mut self, loose: Judged) {
        if self.loose.len() < CRASHES {
            self.loose.push(loose);
            return;
        }
        if loose.is_crash() {
            let quiet = self.loose.iter().position(|kept| !kept.is_crash());
            match quiet.and_then(|at| self.loose.get_mut(at)) {
                Some(kept) => *kept = loose,
                None => self.note(format!("More than {CRASHES} loose logs tell of a crash: only {CRASHES} of them are shown.")),
            }
        }
    }
}

fn shown(name: &str) -> String {
    crate::text::clean(name, NAME).into_owned()
}
