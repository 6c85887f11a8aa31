//! Archives made by hand, for tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::Write as _;

/// A member of a tar: its path, its kind, what is in it.
pub type Entry<'a> = (&'a str, u8, &'a [u8]);

/// When all members were last written to: 2026-11-21T02:18:30Z.
const MTIME: i64 = 1_795_227_510;

/// A header that says this.
pub fn header(path: &str, kind: u8, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..path.len().min(100)].copy_from_slice(&path.as_bytes()[..path.len().min(100)]);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(format!("{MTIME:011o}").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

/// A tar of these.
pub fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, kind, content) in entries {
        if path.len() > 100 {
            member(&mut out, "././@LongLink", b'L', format!("{path}\0").as_bytes());
        }
        member(&mut out, path, *kind, content);
    }
    out.extend_from_slice(&[0; 1024]);
    out
}

fn member(out: &mut Vec<u8>, path: &str, kind: u8, content: &[u8]) {
    out.extend_from_slice(&header(path, kind, content.len() as u64));
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
}

/// Packed with gzip.
pub fn gz(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

/// Packed with bzip2.
pub fn bz2(content: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

/// A zip of these; `piped`: as it is written to a pipe, with each length after the file.
pub fn zip(entries: &[(&str, &[u8])], piped: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, content) in entries {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(content).unwrap();
        let bytes = packer.finish().unwrap();
        let lengths: Vec<u8> = [0, bytes.len() as u32, content.len() as u32].iter().flat_map(|n| n.to_le_bytes()).collect();
        out.extend_from_slice(b"PK\x03\x04\x14\0");
        out.extend_from_slice(&[if piped { 8 } else { 0 }, 0, 8, 0, 0, 0, 0, 0]);
        out.extend_from_slice(if piped { &[0; 12] } else { &lengths });
        out.extend_from_slice(&(path.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(path.as_bytes());
        out.extend_from_slice(&bytes);
        if piped {
            out.extend_from_slice(b"PK\x07\x08");
            out.extend_from_slice(&lengths);
        }
    }
    out.extend_from_slice(b"PK\x05\x06");
    out.extend_from_slice(&[0; 18]);
    out
}
