//! zip as a stream, from the headers that stand before each file; so it can come from a pipe or lie in another archive.
//!
//! The directory at the end of a zip is not used: what overlaps or lies there cannot make a file come twice.

use super::meter::Metered;
use super::source::{Part, Source};
use super::walk::{Member, Walk};
use crate::crash::layout;
use std::io;

/// What stands before a file.
struct Header {
    path: String,
    /// Packed, in bytes, if that is known.
    size: Option<u64>,
    method: u16,
    encrypted: bool,
    zip64: bool,
}

/// Hands every file in the archive on.
pub fn walk(walk: &mut Walk, source: &mut Source<'_>, prefix: &str, depth: usize) {
    if let Err(why) = members(walk, source, prefix, depth) {
        walk.cut(prefix, &why);
    }
}

fn members(walk: &mut Walk, source: &mut Source<'_>, prefix: &str, depth: usize) -> Result<(), String> {
    let damaged = |error: io::Error| format!("is damaged or cut off ({error})");
    while walk.meter.stopped().is_none() {
        match source.peek(4) {
            b"PK\x03\x04" => {}
            // The directory at the end.
            b"PK\x01\x02" | b"PK\x05\x06" | b"PK\x06\x06" | b"PK\x06\x08" => return Ok(()),
            head if head.len() < 4 => return Err("is cut off".to_owned()),
            _ => return Err("is damaged: where the next file should begin there is something else".to_owned()),
        }
        let Some(header) = Header::read(source).map_err(damaged)? else { return Err("is cut off".to_owned()) };
        if !walk.meter.member() {
            return Ok(());
        }
        if !file(walk, source, &header, prefix, depth).map_err(damaged)? {
            return Err("is cut off in the middle of a file".to_owned());
        }
    }
    Ok(())
}

/// One file. False if the archive ended in it.
fn file(walk: &mut Walk, source: &mut Source<'_>, header: &Header, prefix: &str, depth: usize) -> io::Result<bool> {
    let (tamed, climbs) = layout::tame(&header.path);
    walk.odd.climbing += u64::from(climbs);
    let path = if prefix.is_empty() { tamed } else { format!("{prefix}/{tamed}") };
    let is_folder = header.path.ends_with('/');
    if is_folder {
        walk.gather.folder(&path);
    }
    if header.encrypted {
        walk.gather.note(format!("{}: encrypted files in it were not read.", crate::text::clean(&path, 200)));
    }
    let wanted = !is_folder && !header.encrypted;
    let member = Member { path, mtime: None, named: false };
    if let Some(size) = header.size {
        let mut part = Part::new(source, size);
        match header.method {
            0 if wanted => walk.member(&mut part, &member, depth),
            8 if wanted => {
                let mut metered = Metered::unpacked(flate2::bufread::DeflateDecoder::new(&mut part), walk.meter.clone());
                walk.member(&mut metered, &member, depth);
            }
            12 if wanted => {
                let mut metered = Metered::unpacked(bzip2::bufread::MultiBzDecoder::new(&mut part), walk.meter.clone());
                walk.member(&mut metered, &member, depth);
            }
            0 | 8 | 12 => {}
            _ => walk.odd.kinds += 1,
        }
        return part.finish();
    }
    // Written to a pipe: how long it is stands after it, and only deflate says itself where it ends.
    if header.method != 8 || header.encrypted {
        return Err(io::Error::other("a file in it does not say how long it is"));
    }
    let mut metered = Metered::unpacked(flate2::bufread::DeflateDecoder::new(&mut *source), walk.meter.clone());
    walk.member(&mut metered, &member, depth);
    // Its end is where the unpacking ends, so that has to be gone through.
    io::copy(&mut metered, &mut io::sink())?;
    descriptor(source, header.zip64)
}

/// Passes over what stands after a file whose length was not known before.
fn descriptor(source: &mut Source<'_>, zip64: bool) -> io::Result<bool> {
    let has_mark = source.peek(4) == b"PK\x07\x08";
    let length = 12 + if has_mark { 4 } else { 0 } + if zip64 { 8 } else { 0 };
    Ok(source.skip(length)? == length)
}

impl Header {
    /// `None` at the end.
    fn read(source: &mut Source<'_>) -> io::Result<Option<Self>> {
        let mut fixed = [0; 30];
        if source.block(&mut fixed)? < fixed.len() {
            return Ok(None);
        }
        let byte = |at: usize| fixed.get(at).copied().unwrap_or(0);
        let short = |at: usize| u16::from_le_bytes([byte(at), byte(at + 1)]);
        let long = |at: usize| u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
        let (flags, method, packed) = (short(6), short(8), long(18));
        let (mut name, mut extra) = (vec![0; usize::from(short(26))], vec![0; usize::from(short(28))]);
        if source.block(&mut name)? < name.len() || source.block(&mut extra)? < extra.len() {
            return Ok(None);
        }
        let later = flags & 8 != 0;
        let (is_large, large) = zip64(&extra);
        let size = match packed {
            u32::MAX => large,
            0 if later => None,
            size => Some(u64::from(size)),
        };
        let path = String::from_utf8_lossy(&name).into_owned();
        // A length that stands after the file does not count, whatever stands here.
        Ok(Some(Self { path, size: size.filter(|_| !later), method, encrypted: flags & 1 != 0, zip64: is_large }))
    }
}

/// Whether there is an extra field for large files, and the packed size in it.
fn zip64(extra: &[u8]) -> (bool, Option<u64>) {
    let mut rest = extra;
    while let (Some(&[a, b]), Some(&[c, d])) = (rest.first_chunk::<2>(), rest.get(2..).and_then(|rest| rest.first_chunk::<2>())) {
        let (id, length) = (u16::from_le_bytes([a, b]), usize::from(u16::from_le_bytes([c, d])));
        let data = rest.get(4..4 + length).unwrap_or_default();
        if id == 1 {
            // Unpacked, then packed.
            return (true, data.get(8..).and_then(|data| data.first_chunk::<8>()).map(|bytes| u64::from_le_bytes(*bytes)));
        }
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    (false, None)
}
