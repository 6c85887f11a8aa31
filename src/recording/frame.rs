//! Frames of a zstd file found without unpacking them, and the entry of the index that follows each.
//!
//! A frame does not say how long it is, but its blocks do (RFC 8878 §3.1.1): walking their headers takes one small read each. Behind each
//! frame of ours stands a skippable frame (§3.1.2), which other programs ignore: what is in the frame, when, and how long both are, so that a whole file
//! is known by going from its end to its beginning. Nothing of that is believed that does not fit the file.

use super::marks::Mark;
use super::source::Source;
use super::thin;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::io;

/// How a zstd frame begins.
const MAGIC: u32 = 0xFD2F_B528;
/// How our skippable frames begin.
const SKIP: u32 = 0x184D_2A5A;
/// What all skippable frames begin with, but for the last four bits.
const SKIP_ANY: u32 = 0x184D_2A50;
/// How the end of one of our entries reads.
const TAIL: [u8; 4] = *b"PWix";
/// The largest entry that is read. Bytes.
const ENTRY_MOST: usize = 1 << 20;
/// The largest window that a frame may ask for, as a power of two: 8 MiB.
pub const WINDOW_MOST: u32 = 23;
/// The most that a block may say that it is. RFC 8878: 128 KiB.
const BLOCK_MOST: u32 = 128 << 10;

/// What the index says of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Bytes of the frame that it stands behind.
    pub len: u64,
    /// The time of its first observation.
    pub from: Time,
    /// The time of its last.
    pub to: Time,
    /// Whether it is a key frame.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key: bool,
    /// The events of note in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

impl Entry {
    /// The skippable frame for it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        thin::scrub(&mut text);
        let payload = text.len() + 8;
        let mut out = Vec::with_capacity(payload + 8);
        out.extend(SKIP.to_le_bytes());
        out.extend((payload as u32).to_le_bytes());
        out.extend(text);
        // From the end of the file this leads to its beginning.
        out.extend((payload as u32 + 8).to_le_bytes());
        out.extend(TAIL);
        out
    }

    /// Reads what a skippable frame of ours holds.
    fn parse(payload: &[u8]) -> Option<Self> {
        let (text, tail) = payload.split_at_checked(payload.len().checked_sub(8)?)?;
        (tail.get(4..) == Some(&TAIL[..])).then(|| serde_json::from_slice(text).ok()).flatten()
    }
}

/// A frame in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it begins.
    pub at: u64,
    /// Its bytes, as far as they are there.
    pub len: u64,
    /// Whether all of it is there.
    pub whole: bool,
    /// What the index says of it, if that was there and fits.
    pub entry: Option<Entry>,
}

fn word(source: &dyn Source, at: u64) -> io::Result<Option<u32>> {
    let mut bytes = [0; 4];
    Ok((source.fill(at, &mut bytes)? == 4).then(|| u32::from_le_bytes(bytes)))
}

/// What stands at a place of the file.
enum Found {
    /// A frame of data: its bytes, and whether all of them are there.
    Data(u64, bool),
    /// A skippable frame: its bytes, and our entry if it is one.
    Skip(u64, Option<Entry>),
    /// Nothing that makes sense.
    Nothing,
}

fn look(source: &dyn Source, at: u64) -> io::Result<Found> {
    match word(source, at)? {
        Some(MAGIC) => walk(source, at),
        Some(magic) if magic & 0xFFFF_FFF0 == SKIP_ANY => {
            let Some(size) = word(source, at + 4)? else { return Ok(Found::Nothing) };
            let entry = if magic == SKIP && (size as usize) <= ENTRY_MOST {
                let mut payload = vec![0; size as usize];
                let read = source.fill(at + 8, &mut payload)?;
                (read == payload.len()).then(|| Entry::parse(&payload)).flatten()
            } else {
                None
            };
            Ok(Found::Skip(8 + u64::from(size), entry))
        }
        _ => Ok(Found::Nothing),
    }
}

/// Goes from block to block to the end of a frame.
fn walk(source: &dyn Source, at: u64) -> io::Result<Found> {
    let size = source.size()?;
    let mut head = [0; 6];
    let read = source.fill(at, &mut head)?;
    let Some(descriptor) = head.get(4).filter(|_| read >= 6).copied() else { return Ok(Found::Data(size - at, false)) };
    let single = descriptor & 0x20 != 0;
    let checksum = descriptor & 4 != 0;
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let content = match descriptor >> 6 {
        0 => u64::from(single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let mut next = at + 5 + u64::from(!single) + dictionary + content;
    loop {
        let mut header = [0; 4];
        if source.fill(next, &mut header)? < 3 {
            return Ok(Found::Data(size.saturating_sub(at), false));
        }
        let [a, b, c, _] = header;
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (last, kind, long) = (header & 1 != 0, (header >> 1) & 3, header >> 3);
        if kind == 3 || long > BLOCK_MOST {
            return Ok(Found::Nothing);
        }
        next += 3 + if kind == 1 { 1 } else { u64::from(long) };
        if last {
            next += if checksum { 4 } else { 0 };
            return Ok(if next <= size { Found::Data(next - at, true) } else { Found::Data(size - at, false) });
        }
    }
}

/// The frames of a file from `from` on, in order, and where the last one that is whole ends. What makes no sense ends the list.
pub fn scan(source: &dyn Source, from: u64) -> io::Result<(Vec<Frame>, u64)> {
    let size = source.size()?;
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = from;
    let mut whole = from;
    while at < size {
        match look(source, at)? {
            Found::Data(len, true) => {
                frames.push(Frame { at, len, whole: true, entry: None });
                at += len;
                whole = at;
            }
            Found::Data(len, false) => {
                frames.push(Frame { at, len, whole: false, entry: None });
                break;
            }
            Found::Skip(len, entry) => {
                if let (Some(last), Some(entry)) = (frames.last_mut(), entry)
                    && last.entry.is_none()
                    && last.len == entry.len
                    && last.at + last.len == at
                {
                    last.entry = Some(entry);
                }
                at += len;
                whole = at.min(size);
            }
            Found::Nothing => break,
        }
    }
    Ok((frames, whole))
}

/// As [`scan`] of a whole file, but from its end and by the index alone. `None` if that does not lead to the beginning without a flaw.
pub fn hop(source: &dyn Source) -> io::Result<Option<Vec<Frame>>> {
    let mut frames = Vec::new();
    let mut end = source.size()?;
    while end > 0 {
        let mut tail = [0; 8];
        let Some(start) = end.checked_sub(8) else { return Ok(None) };
        if source.fill(start, &mut tail)? != 8 || tail.get(4..) != Some(&TAIL[..]) {
            return Ok(None);
        }
        let [a, b, c, d, ..] = tail;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let Some(begins) = end.checked_sub(length).filter(|_| length > 16 && length <= ENTRY_MOST as u64) else {
            return Ok(None);
        };
        let Found::Skip(found, Some(entry)) = look(source, begins)? else { return Ok(None) };
        let Some(at) = begins.checked_sub(entry.len).filter(|_| found == length && entry.len > 8) else { return Ok(None) };
        if word(source, at)? != Some(MAGIC) {
            return Ok(None);
        }
        frames.push(Frame { at, len: entry.len, whole: true, entry: Some(entry) });
        end = at;
    }
    frames.reverse();
    let steady = frames.iter().zip(frames.iter().skip(1)).all(|(a, b)| match (&a.entry, &b.entry) {
        (Some(a), Some(b)) => a.from <= a.to && a.to <= b.from,
        _ => false,
    });
    Ok(steady.then_some(frames))
}
