//! One walk through a source: what each file is packed in, and where its lines go.

use super::meter::{Meter, Metered, Stop};
use super::source::Source;
use super::{Options, ReadError, lines, tar, zip};
use crate::crash::advice;
use crate::crash::gather::{File, Gather};
use crate::crash::layout::{self, Place, Role};
use crate::crash::report::Reading;
use crate::crash::stamp::Stamp;
use crate::text;
use lzma_rust2::XzReader;
use std::io::{self, BufRead, Read};

/// So much of a file tells how it is packed. Bytes.
const HEAD: usize = 1_024;
/// What unpacking `.xz` may need, in KiB: a little more than `xz -9` does.
const XZ_KIB: u32 = 80 << 10;

/// What is met on the way and not read.
#[derive(Debug, Default)]
pub struct Odd {
    /// Links, hard and symbolic.
    pub links: u64,
    /// Devices, pipes, sockets.
    pub devices: u64,
    /// Paths that start at the root or climb out.
    pub climbing: u64,
    /// Sparse files and other kinds that no log is stored as.
    pub kinds: u64,
}

/// A walk through one source.
pub struct Walk {
    /// Where the lines go.
    pub gather: Gather,
    /// Counts what is read.
    pub meter: Meter,
    /// Counts what is not.
    pub odd: Odd,
    /// The first thing that could not be read.
    broken: Option<io::Error>,
}

/// A file on the way.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its tame path.
    pub path: String,
    /// When it was last written to, in seconds since 1970.
    pub mtime: Option<i64>,
    /// Whether the operator named it.
    pub named: bool,
}

/// How a file is packed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Tar,
    Zip,
    /// Something that is not unpacked here.
    Foreign(&'static str),
    Plain,
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(b"\x1f\x8b\x08") {
            Self::Gzip
        } else if starts(b"BZh") && head.get(4..10) == Some(b"\x31\x41\x59\x26\x53\x59") {
            Self::Bzip2
        } else if starts(b"\xfd7zXZ\0") {
            Self::Xz
        } else if starts(b"\x28\xb5\x2f\xfd") {
            Self::Zstd
        } else if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            Self::Zip
        } else if starts(b"7z\xbc\xaf\x27\x1c") {
            Self::Foreign("7-Zip")
        } else if starts(b"Rar!\x1a\x07") {
            Self::Foreign("RAR")
        } else if starts(b"\x1f\x9d") {
            Self::Foreign("compress (.Z)")
        } else if starts(b"\x04\x22\x4d\x18") {
            Self::Foreign("LZ4")
        } else if starts(b"\xed\xab\xee\xdb") {
            Self::Foreign("RPM")
        } else if tar::is_header(head) {
            Self::Tar
        } else {
            Self::Plain
        }
    }
}

impl Walk {
    /// At its beginning.
    pub fn new(options: &Options) -> Self {
        let (gather, meter) =
            (Gather::new(options.host.clone()).knowing(options.facts.clone()), Meter::new(options.limits, options.seen.clone()));
        Self { gather, meter, odd: Odd::default(), broken: None }
    }

    /// Reads what the operator named: a log or an archive.
    pub fn named(&mut self, from: impl Read, label: &str, mtime: Option<i64>) {
        let (path, _) = layout::tame(label);
        let member = Member { path, mtime, named: true };
        self.meter.member();
        let mut metered = Metered::outside(from, self.meter.clone());
        self.member(&mut metered, &member, 0);
    }

    /// Reads one file, whatever it is packed in. `depth` layers are around it.
    pub fn member(&mut self, from: &mut dyn Read, member: &Member, depth: usize) {
        let place = place(member);
        if let Place::Dump { role: Role::Core | Role::PartOfCore | Role::Full | Role::CrashKernel | Role::Other, .. } = &place {
            // That it is there is all that counts.
            let _ = self.gather.begin(file(member), &place);
            return;
        }
        let mut source = Source::new(from);
        let packing = Packing::of(source.peek(HEAD));
        if packing != Packing::Plain && depth >= self.meter.limits().depth {
            let shown = shown(&member.path);
            self.gather.note(format!("{shown}: archives within archives, {depth} deep: what is further in was not read."));
            return;
        }
        let unpack = |walk: &mut Self, from: &mut dyn Read| {
            let mut metered = Metered::unpacked(from, walk.meter.clone());
            walk.member(&mut metered, member, depth + 1);
        };
        match packing {
            Packing::Gzip => unpack(self, &mut flate2::bufread::MultiGzDecoder::new(&mut source)),
            Packing::Bzip2 => unpack(self, &mut bzip2::bufread::MultiBzDecoder::new(&mut source)),
            Packing::Xz => unpack(self, &mut XzReader::new_mem_limit(&mut source, true, XZ_KIB)),
            Packing::Zstd => unpack(self, &mut Zstd::new(&mut source)),
            Packing::Tar => tar::walk(self, &mut source, &prefix(member), depth + 1),
            Packing::Zip => zip::walk(self, &mut source, &prefix(member), depth + 1),
            Packing::Foreign(name) => {
                let shown = shown(&member.path);
                self.gather.note(format!("{shown} is packed with {name}, which is not read here: unpack it first."));
            }
            Packing::Plain => self.plain(&mut source, member, &place),
        }
    }

    /// Reads a file that is packed in nothing any more.
    fn plain(&mut self, source: &mut Source<'_>, member: &Member, place: &Place) {
        if !self.gather.wants(place) {
            return;
        }
        if matches!(place, Place::Loose(_)) && is_binary(source.peek(4_096)) {
            if !member.named {
                return;
            }
            self.gather.note("This does not look like text: it was read all the same, line by line.".to_owned());
        }
        let Some(mut desk) = self.gather.begin(file(member), place) else { return };
        let gather = &mut self.gather;
        let read = lines::each(source, |number, line| gather.line(&mut desk, number, line));
        self.gather.end(desk);
        let shown = shown(&member.path);
        if read.long > 0 {
            let (count, most) = (read.long, text::bytes(crate::crash::log::LINE as u64));
            self.gather.note(format!("{shown}: {count} lines are longer than {most}; only their beginnings were read."));
        }
        if let Some(error) = read.broken
            && self.meter.stopped().is_none()
        {
            let after = read.lines;
            self.gather
                .note(format!("{shown} is damaged or cut off after {after} lines ({error}); what stands before was read."));
            self.broken.get_or_insert(error);
        }
    }

    /// Remembers that an archive cannot be read any further.
    pub fn cut(&mut self, prefix: &str, why: &str) {
        if self.meter.stopped().is_some() {
            return;
        }
        let what = if prefix.is_empty() { "The archive".to_owned() } else { shown(prefix) };
        self.gather.note(format!("{what} {why}; what came before was read."));
        self.broken.get_or_insert_with(|| io::Error::other(why.to_owned()));
    }

    /// What came of it. `what` is how the source is called.
    pub fn finish(mut self, what: &str) -> Result<Reading, ReadError> {
        let what = text::clean(what, 400).into_owned();
        self.say_odd();
        self.say_stop();
        let (files, lines) = (self.meter.members(), self.gather.lines());
        let (mut crashes, notes) = self.gather.finish();
        let unread = lines == 0 && self.broken.is_some() && crashes.iter().all(|crash| crash.folder.is_none());
        if crashes.is_empty() || unread {
            return Err(match (self.broken, notes.first()) {
                (Some(error), _) if lines == 0 => ReadError::Broken { what, error },
                (_, Some(note)) => {
                    ReadError::Nothing { what, why: format!("no log in it could be read. {}", note.trim_end_matches('.')) }
                }
                (..) => ReadError::Nothing {
                    what,
                    why: format!("none of its {files} files is a log that a crash could be read from"),
                },
            });
        }
        for crash in &mut crashes {
            crash.advice = advice::advise(crash);
        }
        Ok(Reading { source: what, crashes, notes, files, lines })
    }

    fn say_odd(&mut self) {
        let Odd { links, devices, climbing, kinds } = self.odd;
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                self.gather.note(format!("{count} {what}"));
            }
        };
        say(links, "links were not followed.");
        say(devices, "devices, pipes or sockets were not opened.");
        say(
            climbing,
            "names begin at the root or climb out of the archive: nothing is written anywhere, so they only count as names.",
        );
        say(kinds, "files are stored in a way that no log is (sparse, or in several volumes) and were not read.");
    }

    fn say_stop(&mut self) {
        let Some(stop) = self.meter.stopped() else { return };
        let limits = self.meter.limits();
        let why = match stop {
            Stop::Input => format!("more than {} came in", text::bytes(limits.input)),
            Stop::Unpacked => format!("more than {} came out of it", text::bytes(limits.unpacked)),
            Stop::Ratio => format!("it unpacks to more than {} times its size, as no log does", limits.ratio),
            Stop::Members => format!("it holds more than {} files", limits.members),
        };
        self.gather
            .note(format!("The reading was stopped: {why}. What was read until then is judged; unpack what you need by hand."));
    }
}

fn file(member: &Member) -> File<'_> {
    File { shown: &member.path, mtime: member.mtime, named: member.named }
}

fn place(member: &Member) -> Place {
    if member.named { layout::place_of_one(&member.path) } else { layout::place(&member.path) }
}

/// What stands before the paths in an archive: nothing for the one that the operator named, unless its name tells a crash's time.
fn prefix(member: &Member) -> String {
    let name = layout::unarchived(&member.path);
    if !member.named || Stamp::parse(layout::last(name)).is_some() { name.to_owned() } else { String::new() }
}

fn shown(path: &str) -> String {
    if path.is_empty() { "The input".to_owned() } else { text::clean(path, 200).into_owned() }
}

/// Whether these first bytes of a file are no text: a twentieth or more of them are NULs or other control characters.
fn is_binary(head: &[u8]) -> bool {
    let odd = |byte: &&u8| matches!(byte, 0..=6 | 14..=26 | 28..=31 | 127);
    // The hypervisor's ring may begin with NULs.
    let from = head.iter().position(|byte| *byte != 0).unwrap_or(head.len());
    let rest = head.get(from..).unwrap_or_default();
    (rest.is_empty() && !head.is_empty()) || rest.iter().filter(odd).count() * 20 > rest.len()
}

/// Frames of zstd one after another.
struct Zstd<'a, 's> {
    frame: Option<ruzstd::decoding::StreamingDecoder<&'a mut Source<'s>, ruzstd::decoding::FrameDecoder>>,
    between: Option<&'a mut Source<'s>>,
}

impl<'a, 's> Zstd<'a, 's> {
    const fn new(source: &'a mut Source<'s>) -> Self {
        Self { frame: None, between: Some(source) }
    }
}

impl Read for Zstd<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(mut frame) = self.frame.take() {
                let count = frame.read(out)?;
                if count > 0 || out.is_empty() {
                    self.frame = Some(frame);
                    return Ok(count);
                }
                self.between = Some(frame.into_inner());
            }
            let Some(source) = self.between.take() else { return Ok(0) };
            if source.fill_buf()?.is_empty() {
                self.between = Some(source);
                return Ok(0);
            }
            // A frame that needs more than 8 MiB of window is none of a log's.
            let frame = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(source, 8 << 20);
            self.frame = Some(frame.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?);
        }
    }
}
