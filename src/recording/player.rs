//! The pool at any moment of a recording.
//!
//! Going forward a little plays what was observed between; everything else starts at the last key frame before. Both lead to the same pool.

use super::line::Header;
use super::marks::TimeLine;
use super::read::{Item, Items, Place, ReadError, Recording};
use crate::observation::Observation;
use crate::pool::Pool;
use crate::time::Time;
use jiff::tz::TimeZone;
use std::path::Path;

/// A recording with a moment that it stands at.
pub struct Player {
    recording: Recording,
    zone: TimeZone,
    pool: Pool,
    at: Time,
    items: Items,
    /// Read, but of later than `at`.
    next: Option<Observation>,
    /// Whether the pool is that of `at`.
    placed: bool,
}

impl Player {
    /// At the beginning of a recording: a file, or a folder of segments. Times of day are told in `zone`.
    pub fn open(path: &Path, zone: TimeZone) -> Result<Self, ReadError> {
        Ok(Self::of(Recording::open(path)?, zone))
    }

    /// At the beginning of a recording.
    pub fn of(recording: Recording, zone: TimeZone) -> Self {
        let items = recording.items(Place::default());
        let (at, _) = recording.span();
        let pool = Pool::new(&recording.header().pool).in_zone(zone.clone());
        Self { recording, zone, pool, at, items, next: None, placed: false }
    }

    /// The recording.
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The line of time.
    pub fn time_line(&self) -> TimeLine {
        self.recording.time_line()
    }

    /// The header.
    pub fn header(&self) -> Header {
        self.recording.header()
    }

    /// The pool as it was known then.
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The moment that it stands at.
    pub const fn at(&self) -> Time {
        self.at
    }

    /// Looks for what was written since.
    pub fn refresh(&mut self) -> Result<(), ReadError> {
        self.recording.refresh()?;
        // What is read on from knows only what there was.
        self.placed = false;
        Ok(())
    }

    /// Goes to a moment.
    pub fn go(&mut self, to: Time) -> Result<&Pool, ReadError> {
        let nearer = self.recording.place(to) > self.recording.place(self.at);
        if !self.placed || to < self.at || nearer {
            self.start(to)?;
        }
        self.play(to, &mut |_, _| {})?;
        self.at = to;
        self.placed = true;
        Ok(&self.pool)
    }

    /// Plays on to a later moment without leaving anything out, and shows everything on the way: the pool after it, and what was observed.
    pub fn watch(&mut self, to: Time, show: &mut dyn FnMut(&mut Pool, &Observation)) -> Result<&Pool, ReadError> {
        if !self.placed {
            self.start(self.at)?;
        }
        self.play(to, show)?;
        self.at = to.max(self.at);
        self.placed = true;
        Ok(&self.pool)
    }

    /// Begins anew at the last key frame before `to`.
    fn start(&mut self, to: Time) -> Result<(), ReadError> {
        let mut place = self.recording.place(to);
        let mut items = self.recording.items(place);
        let mut first = items.next();
        let starts = |first: &Option<Result<Item, ReadError>>| matches!(first, Some(Ok(Item::Key(_) | Item::Begin(_))) | None);
        if !starts(&first) && self.recording.mistrust(place) {
            place = self.recording.place(to);
            items = self.recording.items(place);
            first = items.next();
        }
        self.items = items;
        self.next = None;
        self.pool = self.blank();
        match first {
            Some(Err(error)) => Err(error),
            Some(Ok(Item::Seen(seen))) => {
                self.next = Some(seen);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn blank(&self) -> Pool {
        Pool::new(&self.recording.header().pool).in_zone(self.zone.clone())
    }

    /// Takes in everything up to `to`.
    fn play(&mut self, to: Time, show: &mut dyn FnMut(&mut Pool, &Observation)) -> Result<(), ReadError> {
        if let Some(next) = self.next.take() {
            if next.at > to {
                self.next = Some(next);
                return Ok(());
            }
            self.pool.apply(&next);
            show(&mut self.pool, &next);
        }
        while let Some(item) = self.items.next() {
            match item? {
                Item::Seen(seen) if seen.at > to => {
                    self.next = Some(seen);
                    return Ok(());
                }
                Item::Seen(seen) => {
                    self.pool.apply(&seen);
                    show(&mut self.pool, &seen);
                }
                Item::Begin(_) | Item::Key(_) => self.pool = self.blank(),
                Item::Kept(kept) => self.pool.recall(*kept),
                Item::Mark(_) | Item::Gap(_) => {}
            }
        }
        Ok(())
    }
}

/// Opens bytes as a recording and looks at its last and its first moment: whatever they are, that ends, and in bounds. For tests and fuzzing.
pub fn look_through(bytes: Vec<u8>) {
    let Ok(recording) = Recording::of_bytes("bytes", bytes) else { return };
    let (from, to) = recording.span();
    let mut player = Player::of(recording, TimeZone::UTC);
    for at in [to, from] {
        let _ = player.go(at).map(|pool| pool.picture(at));
    }
}
