//! `/system-status`: a bug report as a tar, as one that bzip2 has packed, or as a zip. Pure: bytes out of files.
//!
//! A tar goes out member by member, so who reads slowly holds no more than one back; the other two are made whole first, as `xen-bugtool` makes them.

use super::http::Request;
use crate::sim::api::{StatusFile, StatusRequest};
use bzip2::write::BzEncoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write as _;

/// A tar's unit. Bytes.
const BLOCK: usize = 512;
/// What a tar's header can say of a path. Bytes.
const PATH: usize = 100;
/// A piece of a big body.
const PIECE: usize = 64 * 1024;

/// How a bug report comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// As it is.
    Tar,
    /// Packed with bzip2.
    TarBz2,
    /// As a zip.
    Zip,
}

/// What a request asks for.
pub fn read(request: &Request, session: String) -> StatusRequest {
    let entries = request.query("entries").unwrap_or_default();
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
    StatusRequest { session, entries }
}

impl Output {
    /// What a request wants; without a word the tool packs with bzip2. The error is xapi's exception.
    pub fn of(request: &Request) -> Result<Self, String> {
        match request.query("output").unwrap_or("tar.bz2") {
            "tar" => Ok(Self::Tar),
            "tar.bz2" | "" => Ok(Self::TarBz2),
            "zip" => Ok(Self::Zip),
            other => Err(format!("Server_error(SYSTEM_STATUS_RETRIEVAL_FAILED, [ Invalid output format \"{other}\" ])")),
        }
    }

    /// The header that goes with it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Tar => "application/x-tar",
            Self::TarBz2 => "application/x-bzip2",
            Self::Zip => "application/zip",
        }
    }

    /// The bytes, in the pieces in which they are sent.
    pub fn pieces(self, files: Vec<StatusFile>) -> Vec<Vec<u8>> {
        match self {
            Self::Tar => tar(files),
            Self::TarBz2 => {
                let mut packer = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                // Into memory: cannot fail.
                let packed = tar(files).iter().try_for_each(|piece| packer.write_all(piece)).and_then(|()| packer.finish());
                cut(&packed.unwrap_or_default())
            }
            Self::Zip => cut(&zip(&files)),
        }
    }
}

fn cut(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks(PIECE).map(<[u8]>::to_vec).collect()
}

/// A piece for each file, and the end.
fn tar(files: Vec<StatusFile>) -> Vec<Vec<u8>> {
    let member = |file: StatusFile| {
        let mut piece = Vec::with_capacity(file.bytes.len() + 4 * BLOCK);
        if file.path.len() > PATH {
            let long = format!("{}\0", file.path);
            put(&mut piece, "././@LongLink", b'L', 0, long.as_bytes());
        }
        put(&mut piece, &file.path, b'0', file.at.as_millis() / 1_000, &file.bytes);
        piece
    };
    files.into_iter().map(member).chain([vec![0; 2 * BLOCK]]).collect()
}

fn put(out: &mut Vec<u8>, path: &str, kind: u8, mtime: i64, content: &[u8]) {
    let mut header = Vec::with_capacity(BLOCK);
    let mut field = |text: &[u8], width: usize| {
        let from = header.len();
        header.extend_from_slice(text.get(..text.len().min(width)).unwrap_or_default());
        header.resize(from + width, 0);
    };
    field(path.as_bytes(), PATH);
    field(b"0000640\0", 8);
    field(b"0000000\0", 8);
    field(b"0000000\0", 8);
    field(format!("{:011o}\0", content.len()).as_bytes(), 12);
    field(format!("{:011o}\0", mtime.max(0)).as_bytes(), 12);
    let sum_at = 148;
    field(b"        ", 8);
    field(&[kind], 1);
    field(b"", 100);
    field(b"ustar\x0000", 8);
    field(b"root", 32);
    field(b"root", 32);
    header.resize(BLOCK, 0);
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    for (byte, digit) in header.iter_mut().skip(sum_at).zip(format!("{sum:06o}\0 ").bytes()) {
        *byte = digit;
    }
    out.extend_from_slice(&header);
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// Local headers with their files, then the directory.
fn zip(files: &[StatusFile]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let long = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    for file in files {
        let mut crc = Crc::new();
        crc.update(&file.bytes);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Into memory: cannot fail.
        let packed = packer.write_all(&file.bytes).and_then(|()| packer.finish()).unwrap_or_default();
        let at = out.len();
        // Version, flags, deflate, and the first day that the format knows.
        let mut common: Vec<u8> = vec![20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
        common.extend_from_slice(&crc.sum().to_le_bytes());
        common.extend_from_slice(&long(packed.len()));
        common.extend_from_slice(&long(file.bytes.len()));
        common.extend_from_slice(&short(file.path.len()));
        common.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(file.path.as_bytes());
        out.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&long(at));
        directory.extend_from_slice(file.path.as_bytes());
    }
    let at = out.len();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&short(files.len()));
    out.extend_from_slice(&short(files.len()));
    out.extend_from_slice(&long(directory.len()));
    out.extend_from_slice(&long(at));
    out.extend_from_slice(&[0, 0]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::read::{Options, stream};
    use crate::time::Time;

    fn files() -> Vec<StatusFile> {
        let at = Time::parse_xapi("20261121T02:18:30Z").unwrap();
        let file = |path: String, text: &str| StatusFile { path, at, bytes: text.as_bytes().to_vec() };
        let deep = "d/".repeat(60);
        vec![
            file(
                "report/var/crash/20261121-021744-UTC/dom0.log".into(),
                "  Console Ring:\n[    5.1] EMERG: Kernel panic - not syncing: Fatal exception\n",
            ),
            file(format!("report/{deep}console.log"), "nothing\n"),
            file("report/inventory.xml".into(), "<system-inventory><system-summary hostname=\"xcp3\"/></system-inventory>\n"),
        ]
    }

    #[test]
    fn our_own_reader_reads_each_form_alike() {
        let all = [Output::Tar, Output::TarBz2, Output::Zip].map(|output| {
            let bytes = output.pieces(files()).concat();
            let reading = stream(&bytes[..], "it", &Options::default()).unwrap();
            assert_eq!(reading.crashes.len(), 1, "{output:?} {:?}", reading.notes);
            assert!(reading.notes.is_empty(), "{output:?} {:?}", reading.notes);
            assert_eq!(reading.crashes[0].host.as_deref(), Some("xcp3"));
            (reading.lines, reading.crashes[0].verdict.cause)
        });
        assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    }

    #[test]
    fn a_request_is_read_as_the_tool_reads_it() {
        let of = |query: &str| Request::parse(&format!("GET /system-status?{query} HTTP/1.1\n")).unwrap();
        assert_eq!(read(&of("entries=a,,b"), "s".into()).entries, ["a", "b"]);
        assert!(read(&of("output=tar"), "s".into()).entries.is_empty());
        assert_eq!(Output::of(&of("output=tar")), Ok(Output::Tar));
        assert_eq!(Output::of(&of("x=1")), Ok(Output::TarBz2));
        assert!(Output::of(&of("output=rar")).is_err());
    }
}
