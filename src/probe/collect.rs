//! Reads a host, part by part, and puts the report together. Which files and commands, and nothing about what they mean.

use super::report::{Md, O2cb, Report, SCHEMA, Section, Xha};
use super::source::{Command, Said, Source};
use super::{clock, crash, drbd, kernel, linstor, md, multipath, rebuild, stamp, timeouts, xha};
use crate::o2cb::live::known::{Because, Known, Unknown};
use crate::o2cb::live::look::suspicion;
use crate::o2cb::live::read::{self, Look};
use crate::o2cb::live::{Live, parse};
use crate::o2cb::margin::{Signs, Watch, differences};
use crate::time::Time;
use std::path::{Path, PathBuf};

/// The most that is read of a log, in bytes: its end.
const LOG: u64 = 4 * 1024 * 1024;
/// The most that is read of a small file.
const SMALL: u64 = 256 * 1024;
/// Lines of o2net that are this old, in seconds, still are a reason to look into its connections.
const O2NET_SECS: f64 = 120.0;
/// I/O errors of the heartbeat come every 2 s; these are recent.
const ERROR_SECS: f64 = 10.0;
/// Kernel lines that the report keeps.
const KERNEL_LINES: usize = 200;
/// Lines of HA that it keeps.
const XHA_LINES: usize = 100;

const MAPS_JSON: Command = Command { words: &["multipathd", "show", "maps", "json"], files: &["multipathd_maps.json"] };
const TOPOLOGY: Command = Command {
    words: &["multipathd", "show", "topology"],
    files: &["multipathd_topology.out", "multipathd-show-multipaths-topology.out", "multipath-ll.out", "multipath--ll.out"],
};
const PATHS_RAW: Command =
    Command { words: &["multipathd", "show", "paths", "raw", "format", multipath::PATHS], files: &["multipathd_paths.raw"] };
const MAPS_RAW: Command =
    Command { words: &["multipathd", "show", "maps", "raw", "format", multipath::MAPS], files: &["multipathd_maps.raw"] };
const DRBD_JSON: Command =
    Command { words: &["drbdsetup", "status", "--json"], files: &["drbdsetup-status--statistics--json.out"] };
const DRBD_TEXT: Command = Command {
    words: &["drbdsetup", "status", "--verbose", "--statistics"],
    files: &["drbdsetup-status.out", "drbdsetup-status--verbose.out", "drbdadm-status.out"],
};
const DRBD_OVERVIEW: Command = Command { words: &["drbd-overview"], files: &[] };
const LINSTOR_JSON: Command = Command {
    words: &["linstor", "-m", "resource", "list"],
    files: &["linstor-m-r-l.out", "linstor--machine-readable-resource-list.out"],
};
const LINSTOR_TABLE: Command =
    Command { words: &["linstor", "resource", "list"], files: &["linstor-r-l.out", "linstor-r-list.out"] };
const LINSTOR_HEALTH: Command = Command { words: &["linstor-manager", "healthCheck"], files: &["linstor_health.json"] };
const MDADM: Command = Command {
    words: &["mdadm", "--query", "--detail", "/dev/md127"],
    files: &["mdadm--detail-%dev%md127.out", "mdadm--detail--scan--verbose.out"],
};
const RAID_PY: Command = Command { words: &["raid.py", "check_raid_pool"], files: &["raid_py.json"] };
const CHRONY: Command = Command { words: &["chronyc", "-n", "tracking"], files: &["chronyc-tracking.out"] };
const NTPQ: Command = Command { words: &["ntpq", "-pn"], files: &["ntpq-n-p.out", "ntpq-np.out", "ntpq-p.out"] };
const NTPSTAT: Command = Command { words: &["ntpstat"], files: &["ntpstat-s.out"] };
const TIMEDATECTL: Command = Command { words: &["timedatectl"], files: &["timedatectl-status.out", "timedatectl-show.out"] };
const DMESG: Command = Command { words: &["dmesg"], files: &["dmesg-T.out", "dmesg-x.out"] };
const DF: Command = Command { words: &["df", "-P", "-k"], files: &["df.out", "df-k.out", "df-P.out", "df-alT.out"] };
const LIVESET: Command = Command { words: &["debug_ha_query_liveset"], files: &[] };

/// The commands that are run on a running host. What a file there says as well is not asked.
const COMMANDS: [Command; 17] = [
    MAPS_JSON,
    TOPOLOGY,
    PATHS_RAW,
    MAPS_RAW,
    DRBD_JSON,
    DRBD_TEXT,
    LINSTOR_JSON,
    LINSTOR_TABLE,
    MDADM,
    CHRONY,
    NTPQ,
    NTPSTAT,
    TIMEDATECTL,
    DMESG,
    DF,
    LIVESET,
    timeouts::SHOW_CONFIG,
];

/// Whether the connections of o2net are looked into, which writes to the kernel log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Network {
    /// When something is suspicious, at most every 10 s and 30 times an hour
    #[default]
    Auto,
    /// Once, now
    Yes,
    /// Not at all
    No,
}

/// What to read, and when it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// Now; for a saved state, when it was saved, if that is known.
    pub now: Time,
    /// Milliseconds since boot, where `/proc/uptime` is not there.
    pub uptime_ms: Option<u64>,
    /// Whether to look into the connections of o2net.
    pub network: Network,
    /// Where it is remembered when that was done.
    pub stamp: PathBuf,
    /// Reports of other hosts, and earlier ones, to judge the margin together.
    pub with: Vec<Report>,
}

/// Reads the host.
pub fn collect(options: &Options) -> Report {
    let source = Source::new(&options.root, &COMMANDS);
    let now = options.now;
    let kernel = kernel_lines(&source, now);
    let lines = kernel.get().map_or(&[][..], Vec::as_slice);
    let live = o2cb_live(&source, options, lines);
    let host = live.host.clone();
    let name = host.get().cloned().unwrap_or_else(|| "this host".into());
    let drbd = drbd(&source, now);
    let linstor = linstor(&source, now);
    let md = md(&source, now);
    let no_md = Md::default();
    let rebuilds = rebuild::facts(
        &name,
        drbd.get().map_or(&[][..], Vec::as_slice),
        linstor.get().map_or(&[][..], |linstor| linstor.copies.as_slice()),
        md.get().unwrap_or(&no_md),
    );
    Report {
        schema: SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        taken: now,
        live: source.root().is_live(),
        o2cb: o2cb(live, &name, now, &options.with, lines),
        host,
        multipath: multipath(&source, now),
        drbd,
        linstor,
        md,
        clock: clock(&source, now),
        crash: crash(&source, now),
        xha: xha(&source, now),
        timeouts: timeouts::read(&source, now),
        rebuilds,
        kernel: last(kernel, KERNEL_LINES),
    }
}

/// A source, and how it is understood.
type Try<'a, T> = (Result<Said, Unknown>, &'a dyn Fn(&Said) -> Result<T, Unknown>);

/// The first of several sources that is understood; if none is, why the first that was there at all was not.
fn first<T>(now: Time, tries: Vec<Try<'_, T>>) -> Section<T> {
    let mut why: Option<Unknown> = None;
    for (said, read) in tries {
        match said.and_then(|said| read(&said).map(|found| (said, found))) {
            Ok((said, found)) => return Section::of(said.from, said.taken, now, Known::Yes(found)),
            Err(error) => {
                let absent = why.as_ref().is_none_or(|why| why.because == Because::Absent);
                if absent && (why.is_none() || error.because != Because::Absent) {
                    why = Some(error);
                }
            }
        }
    }
    Section::none(why.unwrap_or_else(|| Unknown::new("nothing", Because::Absent)))
}

fn last<T>(section: Section<Vec<T>>, keep: usize) -> Section<Vec<T>> {
    let found = section.found.map(|mut all| {
        let more = all.len().saturating_sub(keep);
        all.drain(..more);
        all
    });
    Section { found, ..section }
}

fn kernel_lines(source: &Source, now: Time) -> Section<Vec<kernel::Line>> {
    let read = |said: &Said| Ok(kernel::signs(&said.text));
    first(
        now,
        vec![
            (source.command(&DMESG), &read),
            (source.end_of("/var/log/kern.log", LOG), &read),
            (source.end_of("/var/log/messages", LOG), &read),
            (source.end_of("/var/log/dmesg", LOG), &read),
        ],
    )
}

fn o2cb_live(source: &Source, options: &Options, lines: &[kernel::Line]) -> Live {
    let root = source.root();
    let auto = Look::No("nothing is suspicious, and reading it writes to the kernel log".into());
    let look = match options.network {
        Network::Yes => Look::Yes,
        Network::No => Look::No("that was not wanted".into()),
        Network::Auto => auto,
    };
    let mut live = read::live(root, options.now, &look);
    if live.uptime_ms.get().is_none()
        && let Some(uptime) = options.uptime_ms
    {
        live.uptime_ms = Known::Yes(uptime);
    }
    if options.network == Network::Auto && root.is_live() {
        let uptime = live.uptime_ms.copied().unwrap_or(0) as f64 / 1_000.0;
        let o2net = kernel::recent(lines, uptime, O2NET_SECS).any(|line| line.sign.is_o2net());
        if suspicion(&live, o2net).is_some() {
            let mut policy = stamp::load(&options.stamp);
            let look = match policy.ask(options.now, &live, o2net) {
                Look::Yes if !stamp::store(&options.stamp, &policy) => {
                    Look::No(format!("that could not be remembered in {}", options.stamp.display()))
                }
                look => look,
            };
            live = read::live(root, options.now, &look);
        }
    }
    live
}

/// What the kernel log says that bears on the margin of a host that is up for `uptime` seconds.
pub fn margin_signs(lines: &[kernel::Line], uptime: Option<f64>) -> Signs {
    let Some(uptime) = uptime else { return Signs::default() };
    let io_errors = kernel::recent(lines, uptime, ERROR_SECS).any(|line| line.sign == kernel::Sign::HeartbeatError);
    let pardon = lines.iter().rev().find(|line| line.sign == kernel::Sign::HeartbeatPardoned).and_then(|line| line.uptime);
    let pardoned_ms = pardon.filter(|at| *at <= uptime + 2.0).map(|at| (at * 1_000.0) as u64);
    Signs { io_errors, pardoned_ms }
}

fn o2cb(live: Live, host: &str, now: Time, with: &[Report], lines: &[kernel::Line]) -> Section<O2cb> {
    let mut watch = Watch::new();
    let mut others: Vec<(&Report, String, Signs)> = Vec::new();
    for report in with {
        let name = report.host.get().cloned().unwrap_or_else(|| "another host".into());
        if let Some(other) = report.o2cb.get() {
            let uptime = other.live.uptime_ms.copied().map(|ms| ms as f64 / 1_000.0);
            others.push((report, name, margin_signs(report.kernel.get().map_or(&[][..], Vec::as_slice), uptime)));
        }
    }
    others.sort_by_key(|(report, ..)| report.taken);
    for (report, name, signs) in others {
        if let Some(other) = report.o2cb.get() {
            watch.add(&name, report.taken, &other.live, signs);
        }
    }
    let uptime = live.uptime_ms.copied().map(|ms| ms as f64 / 1_000.0);
    watch.add(host, now, &live, margin_signs(lines, uptime));
    let margin = watch.margin(host, now);
    let differences = differences(watch.last());
    let found = O2cb { says: margin.to_string(), advice: margin.advice(), margin, differences, live };
    Section::of("configfs, debugfs", None, now, Known::Yes(found))
}

fn multipath(source: &Source, now: Time) -> Section<Vec<multipath::Map>> {
    let json = |said: &Said| multipath::maps_json(&said.from, &said.text);
    let tree = |said: &Said| {
        let maps = multipath::topology(&said.text);
        if maps.is_empty() && (multipath::is_help(&said.text) || said.text.lines().count() > 2) {
            return Err(Unknown::not_understood(&said.from, &said.text));
        }
        Ok(maps)
    };
    let raw = |said: &Said| {
        let mut maps = multipath::maps_raw(&said.text);
        if maps.is_empty() && !said.text.trim().is_empty() {
            return Err(Unknown::not_understood(&said.from, &said.text));
        }
        let paths = source.command(&PATHS_RAW).map(|said| multipath::paths_raw(&said.text)).unwrap_or_default();
        for map in &mut maps {
            map.paths = paths.iter().filter(|path| path.map.as_ref() == Some(&map.wwid)).cloned().collect();
        }
        Ok(maps)
    };
    first(now, vec![(source.command(&MAPS_JSON), &json), (source.command(&TOPOLOGY), &tree), (source.command(&MAPS_RAW), &raw)])
}

fn drbd(source: &Source, now: Time) -> Section<Vec<drbd::Resource>> {
    let json = |said: &Said| drbd::status_json(&said.from, &said.text);
    let text = |said: &Said| drbd::status_text(&said.from, &said.text);
    let minors = |said: &Said| {
        let minors = drbd::minors(&said.text);
        if minors.is_empty() && said.text.trim_start().starts_with("version: 9") {
            let why = Because::NotLooked("of DRBD 9 it holds only the version: drbdsetup must be asked".into());
            return Err(Unknown::new(&said.from, why));
        }
        if minors.is_empty() && !said.text.trim_start().starts_with("version: ") {
            return Err(Unknown::not_understood(&said.from, &said.text));
        }
        Ok(minors.iter().map(drbd::Minor::resource).collect())
    };
    first(
        now,
        vec![
            (source.command(&DRBD_JSON), &json),
            (source.command(&DRBD_TEXT), &text),
            (source.file("/proc/drbd", SMALL), &minors),
            (source.command(&DRBD_OVERVIEW), &minors),
        ],
    )
}

fn linstor(source: &Source, now: Time) -> Section<linstor::Linstor> {
    let health = |said: &Said| linstor::health_check(&said.from, &said.text);
    let machine = |said: &Said| linstor::resources_json(&said.from, &said.text);
    let table = |said: &Said| {
        let copies = linstor::resource_list(&said.text);
        if copies.is_empty() && !said.text.contains("ResourceName") {
            return Err(Unknown::not_understood(&said.from, &said.text));
        }
        Ok(linstor::Linstor { copies, ..linstor::Linstor::default() })
    };
    // The table has the percentages and the connections, which the others lack.
    first(
        now,
        vec![
            (source.command(&LINSTOR_TABLE), &table),
            (source.command(&LINSTOR_JSON), &machine),
            (source.command(&LINSTOR_HEALTH), &health),
        ],
    )
}

fn md(source: &Source, now: Time) -> Section<Md> {
    let raid_py = source.command(&RAID_PY).and_then(|said| md::raid_py(&said.from, &said.text)).ok().flatten();
    let detail = source.command(&MDADM).map(|said| md::details(&said.text).0);
    let details: Vec<md::Detail> =
        detail.ok().filter(|details| !details.is_empty()).unwrap_or_else(|| raid_py.into_iter().collect());
    let mdstat = source.file("/proc/mdstat", SMALL);
    match mdstat {
        Ok(said) => {
            let arrays = md::arrays(&said.text);
            if arrays.is_empty() && !said.text.contains("Personalities") && !said.text.trim().is_empty() {
                return Section::none(Unknown::not_understood(said.from, &said.text));
            }
            Section::of(said.from, said.taken, now, Known::Yes(Md { arrays, details }))
        }
        Err(_) if !details.is_empty() => Section::of("mdadm --detail", None, now, Known::Yes(Md { arrays: Vec::new(), details })),
        Err(why) => Section::none(why),
    }
}

fn clock(source: &Source, now: Time) -> Section<clock::Clock> {
    type Read = fn(&str) -> Option<clock::Clock>;
    let understood =
        |read: Read| move |said: &Said| read(&said.text).ok_or_else(|| Unknown::not_understood(&said.from, &said.text));
    let (chrony, ntpq) = (understood(clock::chrony), understood(clock::ntpq));
    let (ntpstat, timedatectl) = (understood(clock::ntpstat), understood(clock::timedatectl));
    first(
        now,
        vec![
            (source.command(&CHRONY), &chrony),
            (source.command(&NTPQ), &ntpq),
            (source.command(&NTPSTAT), &ntpstat),
            (source.command(&TIMEDATECTL), &timedatectl),
        ],
    )
}

fn crash(source: &Source, now: Time) -> Section<crash::Crash> {
    let root = source.root();
    let number = |path: &str| source.file(path, SMALL).and_then(|said| parse::number::<u64>(path, &said.text));
    let xen = source.file("/sys/hypervisor/type", SMALL).is_ok_and(|said| said.text.trim() == "xen")
        || root.exists("/proc/xen/capabilities");
    let loaded: Known<bool> = match number("/sys/kernel/kexec_crash_loaded") {
        Ok(0) if xen => {
            let why = "on Xen the crash kernel is loaded into Xen: run `kexec --status` in domain 0";
            Known::No(Unknown::new("/sys/kernel/kexec_crash_loaded", Because::NotLooked(why.into())))
        }
        other => other.map(|loaded| loaded != 0).into(),
    };
    let folder = root.list("/var/crash");
    let free = source
        .command(&DF)
        .and_then(|said| crash::free(&said.text, "/var/crash").ok_or_else(|| Unknown::not_understood(&said.from, &said.text)));
    let sacrificial = match &folder {
        Ok(names) if xen || root.exists("/etc/xensource-inventory") => {
            Known::Yes(names.iter().any(|name| name == ".sacrificial-space-for-logs"))
        }
        Ok(_) => Known::No(Unknown::new(
            "/var/crash/.sacrificial-space-for-logs",
            Because::NotLooked("only XenServer and XCP-ng have it".into()),
        )),
        Err(why) => Known::No(why.clone()),
    };
    let found = crash::Crash {
        loaded,
        xen,
        reserved: number("/sys/kernel/kexec_crash_size").into(),
        dumps: folder.map(|names| names.into_iter().filter(|name| crash::is_dump(name)).collect()).into(),
        free: free.into(),
        sacrificial,
    };
    Section::of("/sys/kernel, /var/crash", None, now, Known::Yes(found))
}

fn xha(source: &Source, now: Time) -> Section<Xha> {
    let liveset = source.command(&LIVESET).ok().and_then(|said| xha::liveset(&said.text));
    match source.end_of("/var/log/xha.log", LOG) {
        Ok(said) => {
            let mut lines = xha::signs(&said.text);
            let more = lines.len().saturating_sub(XHA_LINES);
            lines.drain(..more);
            Section::of(said.from, said.taken, now, Known::Yes(Xha { lines, liveset }))
        }
        Err(_) if liveset.is_some() => Section::of(LIVESET.line(), None, now, Known::Yes(Xha { lines: Vec::new(), liveset })),
        Err(why) => Section::none(why),
    }
}

/// Reads a report that was made before.
pub fn load(file: &Path) -> Result<Report, Unknown> {
    let name = file.display().to_string();
    let fail = |error: std::io::Error| {
        Unknown::new(
            &name,
            if error.kind() == std::io::ErrorKind::NotFound { Because::Absent } else { Because::Failed(error.to_string()) },
        )
    };
    let about = std::fs::metadata(file).map_err(fail)?;
    if about.len() > 64 * 1024 * 1024 {
        return Err(Unknown::new(&name, Because::TooLong(64 * 1024 * 1024)));
    }
    let text = std::fs::read_to_string(file).map_err(fail)?;
    let report: Report =
        serde_json::from_str(&text).map_err(|error| Unknown::new(&name, Because::NotUnderstood(error.to_string())))?;
    if report.schema.split('/').next() == SCHEMA.split('/').next() {
        Ok(report)
    } else {
        Err(Unknown::not_understood(name, &report.schema))
    }
}
