//! tar as a stream: ustar, GNU's long names, pax. Only what logs are stored as; everything else is counted and passed over.
//!
//! A size that lies ends the archive too early or too late, but never reads or keeps more than there is. After damage it looks for the
//! next header.

use super::source::{Part, Source};
use super::walk::{Member, Walk};
use crate::crash::layout;
use std::io;

/// Everything comes in blocks of this size.
const BLOCK: usize = 512;
/// The longest name, in bytes.
const NAME: u64 = 4_096;
/// The longest pax header that is read, in bytes.
const PAX: u64 = 64 << 10;
/// So many blocks are looked through for the next header after damage: 64 MiB.
const LOST: u64 = (64 << 20) / BLOCK as u64;

/// What a header says.
struct Header {
    path: String,
    size: u64,
    mtime: Option<i64>,
    kind: u8,
}

/// What comes before a header and is about the file after it.
#[derive(Default)]
struct Before {
    path: Option<String>,
    size: Option<u64>,
    mtime: Option<i64>,
    sparse: bool,
}

/// Whether an archive begins with this.
pub fn is_header(head: &[u8]) -> bool {
    let block = head.first_chunk::<BLOCK>();
    block.is_some_and(|block| Header::read(block).is_some_and(|header| !header.path.is_empty()))
}

/// Hands every file in the archive on.
pub fn walk(walk: &mut Walk, source: &mut Source<'_>, prefix: &str, depth: usize) {
    if let Err(why) = members(walk, source, prefix, depth) {
        walk.cut(prefix, &why);
    }
}

fn members(walk: &mut Walk, source: &mut Source<'_>, prefix: &str, depth: usize) -> Result<(), String> {
    let damaged = |error: io::Error| format!("is damaged or cut off ({error})");
    let mut before = Before::default();
    let (mut zeros, mut lost) = (0, 0_u64);
    while walk.meter.stopped().is_none() {
        let mut block = [0; BLOCK];
        match source.block(&mut block).map_err(damaged)? {
            BLOCK => {}
            // Many writers leave the end mark away.
            0 if lost == 0 => return Ok(()),
            _ => return Err("is cut off".to_owned()),
        }
        if block.iter().all(|byte| *byte == 0) {
            zeros += 1;
            // What follows the end mark is padding, or another archive.
            if zeros > 2 + 40 {
                return Ok(());
            }
            continue;
        }
        let Some(mut header) = Header::read(&block) else {
            if zeros >= 2 {
                return Ok(());
            }
            lost += 1;
            if lost > LOST {
                return Err("is damaged, and no further file was found in it".to_owned());
            }
            continue;
        };
        if lost > 0 {
            walk.cut(prefix, "is damaged in between: some of it was passed over");
        }
        (zeros, lost) = (0, 0);
        if matches!(header.kind, b'L' | b'K' | b'x' | b'g' | b'X') {
            announce(source, &header, &mut before).map_err(damaged)?;
            continue;
        }
        if !walk.meter.member() {
            return Ok(());
        }
        let Before { path, size, mtime, sparse } = std::mem::take(&mut before);
        header.path = path.unwrap_or(header.path);
        header.size = size.unwrap_or(header.size);
        header.mtime = mtime.or(header.mtime);
        if !file(walk, source, &header, sparse, prefix, depth).map_err(damaged)? {
            return Err("is cut off in the middle of a file".to_owned());
        }
    }
    Ok(())
}

/// One file. False if the archive ended in it.
fn file(walk: &mut Walk, source: &mut Source<'_>, header: &Header, sparse: bool, prefix: &str, depth: usize) -> io::Result<bool> {
    let (tamed, climbs) = layout::tame(&header.path);
    walk.odd.climbing += u64::from(climbs);
    let path = if prefix.is_empty() { tamed } else { format!("{prefix}/{tamed}") };
    let mut part = Part::new(source, if matches!(header.kind, b'1'..=b'6') { 0 } else { header.size });
    match header.kind {
        b'0' | 0 | b'7' if header.path.ends_with('/') => walk.gather.folder(&path),
        b'0' | 0 | b'7' if !sparse => {
            let member = Member { path, mtime: header.mtime, named: false };
            walk.member(&mut part, &member, depth);
        }
        b'1' | b'2' => walk.odd.links += 1,
        b'3' | b'4' | b'6' => walk.odd.devices += 1,
        b'5' => walk.gather.folder(&path),
        // The label of the volume.
        b'V' => {}
        _ => walk.odd.kinds += 1,
    }
    if !part.finish()? {
        return Ok(false);
    }
    let padding = (BLOCK as u64 - header.size % BLOCK as u64) % BLOCK as u64;
    if !matches!(header.kind, b'1'..=b'6') {
        source.skip(padding)?;
    }
    Ok(true)
}

/// A long name, or pax records about the next file.
fn announce(source: &mut Source<'_>, header: &Header, before: &mut Before) -> io::Result<()> {
    let wanted = match header.kind {
        b'L' => NAME,
        b'x' | b'X' => PAX,
        _ => 0,
    };
    let length = header.size.min(wanted);
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    let got = source.block(&mut text)?;
    text.truncate(got);
    let padded = header.size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
    source.skip(padded - length)?;
    if header.kind == b'L' {
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        before.path = Some(String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned());
    } else if wanted == PAX {
        pax(&text, before);
    }
    Ok(())
}

/// `LENGTH KEY=VALUE\n`, again and again.
fn pax(text: &[u8], before: &mut Before) {
    let mut rest = text;
    while let Some(blank) = rest.iter().take(12).position(|byte| *byte == b' ') {
        let number = rest.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(length) = number.and_then(|digits| digits.parse::<usize>().ok()).filter(|length| *length > blank + 1) else {
            return;
        };
        let Some(record) = rest.get(blank + 1..length) else { return };
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(equals) = record.iter().position(|byte| *byte == b'=') {
            let (key, value) = (record.get(..equals).unwrap_or_default(), record.get(equals + 1..).unwrap_or_default());
            let value = String::from_utf8_lossy(value);
            match key {
                b"path" if value.len() as u64 <= NAME => before.path = Some(value.into_owned()),
                b"size" => before.size = value.parse().ok(),
                b"mtime" => before.mtime = value.split('.').next().and_then(|secs| secs.parse().ok()),
                key if key.starts_with(b"GNU.sparse.") => before.sparse = true,
                _ => {}
            }
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

impl Header {
    /// Reads a header. `None` if its checksum does not fit.
    fn read(block: &[u8; BLOCK]) -> Option<Self> {
        let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
        let claimed = number(field(148, 156))?;
        let blank = |at: usize| (148..156).contains(&at);
        let sum: u64 = block.iter().enumerate().map(|(at, byte)| if blank(at) { 32 } else { u64::from(*byte) }).sum();
        // Some old writers add up signed bytes.
        let signed: i64 =
            block.iter().enumerate().map(|(at, byte)| if blank(at) { 32 } else { i64::from(byte.cast_signed()) }).sum();
        if claimed != sum && i64::try_from(claimed) != Ok(signed) {
            return None;
        }
        let name = text(field(0, 100));
        let is_ustar = field(257, 263) == b"ustar\0";
        let before = if is_ustar { text(field(345, 500)) } else { String::new() };
        let path = if before.is_empty() { name } else { format!("{before}/{name}") };
        let mtime = number(field(136, 148)).and_then(|secs| i64::try_from(secs).ok());
        Some(Self { path, size: number(field(124, 136))?, mtime, kind: block.get(156).copied()? })
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// Octal digits, or, with the first bit set, a binary number. `None` if it is negative, too great or neither.
fn number(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        let head = u64::from(first & 0x7f);
        if first & 0x40 != 0 {
            return None;
        }
        return field.iter().skip(1).try_fold(head, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| !matches!(byte, 0 | b' '));
    digits.into_iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}
