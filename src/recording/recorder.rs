//! The recorder: observations in, segments out, with key frames and marks.
//!
//! It folds what it writes into a pool of its own, so that a key frame says what a reader would know here. A segment that can no longer be written
//! (a full disk) is left as it is, and a new one is begun when there is room again. Waits for nothing and reads no clock: who drives it does.

use super::line::{Gap, Header, SCHEMA, Special};
use super::marks::Mark;
use super::segment::{How, Segment, Sink, WINDOW, WINDOW_OF_MANY};
use super::thin::{REDACTIONS, Thinner};
use crate::observation::{Observation, Seen};
use crate::pool::Pool;
use crate::pool::keep::News;
use crate::pool::picture::Health;
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// How often there is a key frame.
pub const KEY_EVERY: Duration = Duration::from_secs(300);
/// A key frame waits this long for a reading to be complete.
const KEY_WAITS: Duration = Duration::from_secs(600);
/// Observations that are kept in memory until it is known which pool they are of.
const BEFORE: usize = 20_000;
/// A message of xapi's is news as long as it is not older than this.
const NEW: Duration = Duration::from_secs(600);

/// What the recorder is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment is at most about so large. Bytes.
    pub segment: u64,
    /// A segment holds at most so much time.
    pub span: Duration,
    /// How it is packed.
    pub how: How,
    /// Which program records.
    pub by: String,
    /// What it shows, for a header.
    pub about: String,
}

impl Options {
    /// As one of so many pools that are recorded at a time.
    #[must_use]
    pub fn one_of(self, pools: usize) -> Self {
        let window = if pools > 8 { WINDOW_OF_MANY } else { WINDOW };
        Self { how: How { window, ..self.how }, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment: 64 << 20,
            span: Duration::from_secs(24 * 3600),
            how: How::default(),
            by: concat!("poolwatch ", env!("CARGO_PKG_VERSION")).to_owned(),
            about: String::new(),
        }
    }
}

/// Makes the file for the next segment.
pub trait Shelf: Send {
    /// A new file for a segment that begins with this header.
    fn next(&mut self, header: &Header) -> io::Result<Box<dyn Sink>>;
    /// A segment was begun: what is too much or too old may go.
    fn tidy(&mut self, now: Time);
}

/// Records one pool.
pub struct Recorder {
    shelf: Box<dyn Shelf>,
    options: Options,
    pool: Pool,
    thin: Thinner,
    /// Guests as last seen: the model keeps only a few words of each.
    guests: BTreeMap<Ref, Box<[u8]>>,
    segment: Option<Segment>,
    began: Time,
    keyed: Time,
    /// What came before it was known which pool it is.
    before: Option<Vec<Observation>>,
    claimed: Option<String>,
    /// Observations that were not written, and why.
    lost: u64,
    trouble: Option<String>,
}

impl Recorder {
    /// A recorder that writes where the shelf says.
    pub fn new(shelf: Box<dyn Shelf>, options: Options) -> Self {
        Self {
            shelf,
            options,
            pool: Pool::new(""),
            thin: Thinner::default(),
            guests: BTreeMap::new(),
            segment: None,
            began: Time::EPOCH,
            keyed: Time::EPOCH,
            before: Some(Vec::new()),
            claimed: None,
            lost: 0,
            trouble: None,
        }
    }

    /// Takes in what was seen. Never fails: see [`Recorder::trouble`].
    pub fn see(&mut self, batch: &[Observation]) {
        for seen in batch {
            for seen in self.thin.keep(seen) {
                self.take(seen);
            }
        }
    }

    /// Observations that never came here because they came too fast.
    pub fn missed(&mut self, count: u64) {
        self.lost += count;
        // From here on only a key frame helps.
        self.end("it was written more slowly than it was seen");
    }

    /// What is wrong with the writing now, in words.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The uuid of the pool, once it is known.
    pub fn uuid(&self) -> Option<String> {
        self.pool.identity().map(|(_, uuid)| uuid.to_owned())
    }

    /// Bytes in the segment that is being written.
    pub fn size(&self) -> u64 {
        self.segment.as_ref().map_or(0, Segment::size)
    }

    /// Brings everything into the file.
    pub fn flush(&mut self) {
        if let Some(Err(error)) = self.segment.as_mut().map(Segment::flush) {
            self.fail(&error);
        }
    }

    /// Begins another segment if the last one could not be written on.
    pub fn retry(&mut self) {
        if self.segment.is_none() && self.before.is_none() {
            self.open();
        }
    }

    /// Ends the recording in good order.
    pub fn finish(&mut self) {
        if self.before.is_some() {
            // Nothing is known of the pool; what there is to tell is why.
            self.before_is_over();
        }
        let done = self.segment.as_mut().map(|segment| segment.close().and_then(|()| segment.sync()));
        if let Some(Err(error)) = done {
            self.fail(&error);
        }
        self.segment = None;
    }

    fn take(&mut self, seen: Observation) {
        // The model takes time that goes back for time that stands still; readers look for it in order.
        let seen = Observation { at: seen.at.max(self.pool.seen_until()), ..seen };
        self.note_guest(&seen);
        self.pool.apply(&seen);
        if let Some(before) = &mut self.before {
            before.push(seen);
            if self.pool.identity().is_some() || before.len() >= BEFORE {
                self.before_is_over();
            }
            return;
        }
        let at = seen.at;
        let full =
            self.segment.as_ref().is_some_and(|s| s.size() >= self.options.segment) || at.since(self.began) >= self.options.span;
        let due = at.since(self.keyed);
        if self.segment.is_some() && due >= KEY_EVERY && (!self.pool.is_reading() || due >= KEY_WAITS) {
            // What is in the key frame already does not come again behind it.
            self.write(&seen);
            self.tell_news(&seen);
            if full {
                self.end("");
                self.open();
            } else {
                self.key(at);
            }
            return;
        }
        self.write(&seen);
        self.tell_news(&seen);
    }

    /// Now it is known which pool it is, or it never will be.
    fn before_is_over(&mut self) {
        let Some(before) = self.before.take() else { return };
        let Some(first) = before.first() else { return };
        self.began = first.at;
        self.keyed = first.at;
        match self.begin(first.at) {
            Ok(()) => {
                for seen in &before {
                    self.write(seen);
                }
                if let Some(last) = before.last() {
                    self.tell_news(last);
                }
            }
            Err(error) => {
                self.lost += before.len() as u64;
                self.fail(&error);
            }
        }
    }

    fn header(&self, start: Time) -> Header {
        let (pool, uuid) =
            self.pool.identity().map(|(name, uuid)| (name, crate::text::clean(uuid, 64).into_owned())).unwrap_or_default();
        Header {
            schema: SCHEMA.to_owned(),
            pool,
            uuid,
            api: serde_json::to_value(self.pool.dialect()).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
            start,
            by: self.options.by.clone(),
            about: self.options.about.clone(),
            redactions: REDACTIONS.map(str::to_owned).to_vec(),
        }
    }

    fn begin(&mut self, start: Time) -> io::Result<()> {
        let header = self.header(start);
        let sink = self.shelf.next(&header)?;
        self.segment = Some(Segment::begin(sink, &header, self.options.how)?);
        self.shelf.tidy(start);
        Ok(())
    }

    /// A new segment that goes on from what is known.
    fn open(&mut self) {
        let at = self.pool.seen_until();
        match self.begin(at) {
            Ok(()) => {
                self.began = at;
                self.key(at);
                if self.lost > 0 && self.segment.is_some() {
                    let why = self.trouble.take().unwrap_or_else(|| "it could not be written".to_owned());
                    let gap = Special::Gap(Gap { at, lost: std::mem::take(&mut self.lost), why });
                    if let Some(Err(error)) = self.segment.as_mut().map(|segment| segment.special(&gap, at)) {
                        self.fail(&error);
                    }
                }
                if self.segment.is_some() {
                    self.trouble = None;
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// A key frame of what is known.
    fn key(&mut self, at: Time) {
        self.keyed = at;
        self.thin.afresh();
        self.guests.retain(|r, _| self.pool.guest(r).is_some());
        let Some(segment) = &mut self.segment else { return };
        let classes: Vec<Class> = <Class as strum::IntoEnumIterator>::iter().collect();
        let mut all = vec![Seen::Resync { classes: classes.clone(), why: "a key frame".to_owned() }];
        for (r, record) in self.pool.whole_records() {
            all.push(Seen::Set { r#ref: r.clone(), record: Box::new(record.clone()) });
        }
        for (r, text) in &self.guests {
            if let Ok(record) = serde_json::from_slice(text) {
                all.push(Seen::Set { r#ref: r.clone(), record: Box::new(record) });
            }
        }
        all.push(Seen::Synced { classes });
        let kept = Special::Kept(Box::new(self.pool.keep()));
        let all = all.into_iter().map(|seen| Cow::Owned(Observation { at, seen }));
        if let Err(error) = segment.key(at, all, kept) {
            self.fail(&error);
        }
    }

    fn note_guest(&mut self, seen: &Observation) {
        match &seen.seen {
            Seen::Set { r#ref, record } if matches!(&**record, Record::Vm(_)) => {
                if let Ok(text) = serde_json::to_vec(record) {
                    self.guests.insert(r#ref.clone(), text.into());
                }
            }
            Seen::Gone { class: Class::Vm, r#ref } => drop(self.guests.remove(r#ref)),
            _ => {}
        }
    }

    fn write(&mut self, seen: &Observation) {
        match self.segment.as_mut().map(|segment| segment.seen(seen)) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                self.lost += 1;
                self.fail(&error);
            }
            None => self.lost += 1,
        }
    }

    /// Marks what is of note in what was seen.
    fn tell_news(&mut self, seen: &Observation) {
        let mut news = self.pool.take_news();
        if let Seen::Set { record, .. } = &seen.seen
            && let Record::Message(message) = &**record
            && message.timestamp.0.is_some_and(|at| seen.at.since(at) < NEW)
        {
            news.extend(self.pool.news_of(message, seen.at));
        }
        let claimed = self.pool.claimed_by();
        if claimed != self.claimed {
            let (name, text) = match &claimed {
                Some(owner) => ("round-claimed", format!("{owner} claimed the pool for a round")),
                None => ("round-released", "the round of poolwatch is over".to_owned()),
            };
            news.push(News { at: seen.at, name: name.to_owned(), health: Health::Pending, about: String::new(), text });
            self.claimed = claimed;
        }
        for news in news {
            let mark = Mark::of(news);
            if let Some(Err(error)) = self.segment.as_mut().map(|segment| segment.mark(mark, seen.at)) {
                self.fail(&error);
            }
        }
    }

    /// The segment cannot be written on.
    fn fail(&mut self, error: &io::Error) {
        let why = if error.kind() == io::ErrorKind::StorageFull || error.raw_os_error() == Some(28) {
            "the disk is full".to_owned()
        } else {
            error.to_string()
        };
        self.segment = None;
        self.trouble = Some(why);
    }

    fn end(&mut self, why: &str) {
        if let Some(Err(error)) = self.segment.as_mut().map(Segment::close) {
            return self.fail(&error);
        }
        self.segment = None;
        if !why.is_empty() {
            self.trouble = Some(why.to_owned());
        }
    }
}
