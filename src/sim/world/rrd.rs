//! What `/rrd_updates` of one host answers, made up on demand: nothing is stored but a short history of how busy
//! the host was. The same seed, host and second always give the same number.

use crate::sim::api::{RrdRequest, RrdUpdates};
use crate::time::Time;
use std::collections::{BTreeMap, VecDeque};

/// Step in seconds and number of rows of each archive that xapi keeps.
const ARCHIVES: [(u32, i64); 4] = [(5, 120), (60, 120), (3600, 168), (86_400, 366)];
/// How many changes of load are remembered.
const HISTORY: usize = 256;

/// How busy a host is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Whether it runs at all; rows of the time when it did not are NaN.
    pub on: bool,
    /// Bytes of memory that guests take.
    pub guest_memory: u64,
    /// Running guests.
    pub guests: u32,
    /// Their virtual processors.
    pub vcpus: u32,
    /// Bytes a second that resyncs and migrations move.
    pub moving: u64,
    /// How much slower its storage is than normal, 1 being normal.
    pub strain: f32,
}

/// The load of a host over time, and what it counts beside that.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<(Time, Load)>, BTreeMap<String, VecDeque<(Time, f64)>>);

impl History {
    /// A count from `now` on, such as of lost paths.
    pub fn count(&mut self, now: Time, name: String, value: f64) {
        let of = self.1.entry(name).or_default();
        if of.back().is_some_and(|(_, last)| (last - value).abs() < f64::EPSILON) {
            return;
        }
        if of.len() == HISTORY {
            of.pop_front();
        }
        of.push_back((now, value));
    }

    /// The largest count of a name within a row that ends at `to` (seed 2: these are consolidated by their maximum).
    fn most(&self, name: &str, from: Time, to: Time) -> f64 {
        let Some(of) = self.1.get(name) else { return f64::NAN };
        let before = of.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        of.range(before..).take_while(|(at, _)| *at <= to).map(|(_, value)| *value).fold(0.0, f64::max)
    }

    /// The load from `now` on.
    pub fn note(&mut self, now: Time, load: Load) {
        if self.0.back().is_some_and(|(_, last)| *last == load) {
            return;
        }
        if self.0.back().is_some_and(|(at, _)| *at == now) {
            self.0.pop_back();
        }
        if self.0.len() == HISTORY {
            self.0.pop_front();
        }
        self.0.push_back((now, load));
    }

    /// The load at a time; before the first that is known, the first.
    fn at(&self, time: Time) -> Option<&Load> {
        let after = self.0.partition_point(|(t, _)| *t <= time);
        self.0.get(after.saturating_sub(1)).map(|(_, load)| load)
    }
}

/// A guest as its column names need it.
pub struct GuestColumns {
    /// Its uuid.
    pub uuid: String,
    /// Bytes.
    pub memory: u64,
    /// Virtual processors.
    pub vcpus: u32,
}

/// What there is to measure on a host.
pub struct Subject<'a> {
    /// Seed of the world.
    pub seed: u64,
    /// The host's uuid.
    pub uuid: &'a str,
    /// Logical processors.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Bytes that Xen and dom0 take.
    pub overhead: u64,
    /// Network devices.
    pub devices: Vec<String>,
    /// First eight characters of the uuid of each SR in use, and its usual latency in microseconds.
    pub srs: Vec<(String, f64)>,
    /// Guests to report on.
    pub guests: Vec<GuestColumns>,
    /// While HA is on: the uuid of its statefile, and since when it cannot be written.
    pub statefile: Option<(String, Option<Time>)>,
    /// Whether it counts lost paths, as seed 2 has it.
    pub counts: bool,
    /// What the load was.
    pub history: &'a History,
}

/// What one column measures.
#[derive(Clone, Copy)]
enum What {
    Cpu,
    CpuAvg,
    LoadAvg,
    HostLoad,
    RunningVcpus,
    RunningDomains,
    MemoryTotal,
    MemoryFree,
    Zero,
    Net(f64),
    NetAll(f64),
    SrBytes(f64),
    SrMib(f64),
    SrIops(f64),
    SrLatency(f64),
    SrIowait,
    SrInflight,
    VmMemory(u64),
    /// Seconds of a heartbeat, usually, and since when it hangs.
    Beat(f64, Option<Time>),
    /// The count with this place among the names.
    Count(usize),
}

/// Answers a request.
pub fn updates(subject: &Subject, request: &RrdRequest, now: Time) -> RrdUpdates {
    let now = now.as_millis().div_euclid(1000);
    let start = if request.start < 0 { now.saturating_add(request.start) } else { request.start }.clamp(0, 1 << 40);
    let (step, rows) = ARCHIVES
        .into_iter()
        .find(|(step, rows)| *step >= request.interval && now - start <= i64::from(*step) * rows)
        .unwrap_or(ARCHIVES[3]);
    let wide = i64::from(step);
    let last = now.div_euclid(wide) * wide;
    let first = (start.div_euclid(wide) + 1).saturating_mul(wide);
    let oldest = last - wide * (rows - 1);
    let columns = columns(subject, request);
    let legend = columns.iter().map(|(name, _)| name.clone()).collect();
    let rows = (0..rows)
        .map(|back| last - back * wide)
        .take_while(|t| *t >= first.max(oldest))
        .map(|t| (t, columns.iter().enumerate().map(|(at, (_, what))| value(subject, *what, at as u64, t, wide)).collect()))
        .collect();
    RrdUpdates { start: first, end: last, step, legend, rows }
}

fn columns(subject: &Subject, request: &RrdRequest) -> Vec<(String, What)> {
    let mut all = Vec::new();
    if request.host {
        let mut add = |name: String, what: What| all.push((format!("AVERAGE:host:{}:{name}", subject.uuid), what));
        for cpu in 0..subject.cpus {
            add(format!("cpu{cpu}"), What::Cpu);
        }
        add("cpu_avg".into(), What::CpuAvg);
        add("loadavg".into(), What::LoadAvg);
        add("hostload".into(), What::HostLoad);
        add("running_vcpus".into(), What::RunningVcpus);
        add("running_domains".into(), What::RunningDomains);
        add("memory_total_kib".into(), What::MemoryTotal);
        add("memory_free_kib".into(), What::MemoryFree);
        add("memory_reclaimed".into(), What::Zero);
        add("memory_reclaimed_max".into(), What::Zero);
        add("Tapdisks_in_low_memory_mode".into(), What::Zero);
        for device in &subject.devices {
            add(format!("pif_{device}_rx"), What::Net(1.0));
            add(format!("pif_{device}_tx"), What::Net(0.7));
        }
        add("pif_aggr_rx".into(), What::NetAll(1.0));
        add("pif_aggr_tx".into(), What::NetAll(0.7));
        for (sr, latency) in &subject.srs {
            for (name, what) in [
                ("read", What::SrBytes(1.0)),
                ("write", What::SrBytes(0.6)),
                ("read_latency", What::SrLatency(*latency)),
                ("write_latency", What::SrLatency(*latency * 1.3)),
                ("latency", What::SrLatency(*latency * 1.1)),
                ("io_throughput_read", What::SrMib(1.0)),
                ("io_throughput_write", What::SrMib(0.6)),
                ("io_throughput_total", What::SrMib(1.6)),
                ("iops_read", What::SrIops(1.0)),
                ("iops_write", What::SrIops(0.6)),
                ("iops_total", What::SrIops(1.6)),
                ("iowait", What::SrIowait),
                ("inflight", What::SrInflight),
                ("avgqu_sz", What::SrIowait),
            ] {
                add(format!("{name}_{sr}"), what);
            }
        }
    }
    if request.host {
        let mut add = |name: String, what: What| all.push((format!("AVERAGE:host:{}:{name}", subject.uuid), what));
        if let Some((vdi, lost)) = &subject.statefile {
            add(format!("statefile/{vdi}/latency"), What::Beat(0.02, *lost));
            add("network/latency".into(), What::Beat(0.004, None));
            add("xapi_healthcheck/latency".into(), What::Beat(0.3, None));
        }
        let names = subject.history.1.keys().enumerate().filter(|_| subject.counts);
        for (at, name) in names {
            add(name.clone(), What::Count(at));
        }
    }
    let wanted = |uuid: &str| request.vm_uuid == "all" || request.vm_uuid.is_empty() || request.vm_uuid == uuid;
    for guest in subject.guests.iter().filter(|g| wanted(&g.uuid)) {
        let mut add = |name: String, what: What| all.push((format!("AVERAGE:vm:{}:{name}", guest.uuid), what));
        for cpu in 0..guest.vcpus {
            add(format!("cpu{cpu}"), What::Cpu);
        }
        add("memory".into(), What::VmMemory(guest.memory));
        add("memory_target".into(), What::VmMemory(guest.memory));
    }
    all
}

fn value(subject: &Subject, what: What, column: u64, at: i64, wide: i64) -> f64 {
    let Some(load) = subject.history.at(Time::from_secs(at)).filter(|l| l.on) else { return f64::NAN };
    let noise = |spread: f64| 1.0 + spread * (wave(subject.seed ^ hash(subject.uuid), column, at) - 0.5);
    let busy = f64::from(load.guests);
    let cpu = (0.03 + 0.6 * f64::from(load.vcpus) / f64::from(subject.cpus.max(1)) / 3.0).min(0.95);
    let moving = load.moving as f64;
    let strain = f64::from(load.strain);
    match what {
        What::Cpu => (cpu * noise(1.2)).clamp(0.0, 1.0),
        What::CpuAvg => (cpu * noise(0.3)).clamp(0.0, 1.0),
        What::LoadAvg => (0.2 + busy * 0.03) * noise(0.5),
        What::HostLoad => cpu * noise(0.4),
        What::RunningVcpus => (f64::from(load.vcpus) * cpu * noise(0.6)).round(),
        What::RunningDomains => busy + 1.0,
        What::MemoryTotal => (subject.memory / 1024) as f64,
        What::MemoryFree => {
            let used = subject.overhead + load.guest_memory;
            ((subject.memory.saturating_sub(used) / 1024) as f64 * noise(0.001)).min((subject.memory / 1024) as f64).round()
        }
        What::Zero => 0.0,
        What::Net(share) => (4_000.0 + busy * 90_000.0 + moving / subject.devices.len().max(1) as f64) * share * noise(0.6),
        What::NetAll(share) => (8_000.0 + busy * 180_000.0 + moving) * share * noise(0.5),
        What::SrBytes(share) => (busy * 400_000.0 + moving) * share * noise(0.7),
        What::SrMib(share) => (busy * 400_000.0 + moving) * share * noise(0.7) / 1_048_576.0,
        What::SrIops(share) => busy * 40.0 * share * noise(0.7),
        What::SrLatency(usual) => usual * strain * (1.0 + moving / 4e8) * noise(0.5),
        What::SrIowait => 0.002 * busy * strain * noise(0.8),
        What::SrInflight => (busy * 0.2 * strain * noise(1.0)).round(),
        What::VmMemory(bytes) => bytes as f64,
        What::Beat(usual, hangs) => match hangs.filter(|since| *since < Time::from_secs(at)) {
            Some(since) => Time::from_secs(at).since(since).as_secs_f64(),
            None => usual * strain * noise(0.8),
        },
        What::Count(of) => {
            let name = subject.history.1.keys().nth(of).map_or("", String::as_str);
            subject.history.most(name, Time::from_secs(at - wide), Time::from_secs(at))
        }
    }
}

/// Slow and fast noise together, 0 to 1.
fn wave(seed: u64, column: u64, at: i64) -> f64 {
    let slot = at.div_euclid(300);
    let part = at.rem_euclid(300) as f64 / 300.0;
    let drift = unit(seed, column, slot) * (1.0 - part) + unit(seed, column, slot + 1) * part;
    0.6 * drift + 0.4 * unit(seed ^ 0x9e37, column, at)
}

fn unit(seed: u64, column: u64, at: i64) -> f64 {
    let mut x = seed ^ column.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ at.cast_unsigned().wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 29;
    x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// FNV-1a: small, and the same everywhere.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(on: bool, guests: u32) -> Load {
        Load { on, guest_memory: u64::from(guests) << 30, guests, vcpus: guests * 2, moving: 0, strain: 1.0 }
    }

    fn ask(history: &History, start: i64, interval: u32, now: i64) -> RrdUpdates {
        let subject = Subject {
            seed: 7,
            uuid: "60ff0502-7dc9-8493-eb64-71d43b0ee1c0",
            cpus: 4,
            memory: 64 << 30,
            overhead: 4 << 30,
            devices: vec!["eth0".into()],
            srs: vec![("0123abcd".into(), 800.0)],
            guests: vec![GuestColumns { uuid: "vm-1".into(), memory: 1 << 30, vcpus: 2 }],
            statefile: Some(("5a5a-1".into(), Some(Time::from_secs(99_990)))),
            counts: true,
            history,
        };
        let request = RrdRequest { session: String::new(), start, host: true, vm_uuid: "none".into(), interval };
        updates(&subject, &request, Time::from_secs(now))
    }

    #[test]
    fn rows_are_newest_first_on_the_grid_and_after_the_start() {
        let mut history = History::default();
        history.note(Time::from_secs(0), load(true, 3));
        let got = ask(&history, 99_980, 5, 100_003);
        assert_eq!((got.step, got.start, got.end), (5, 99_985, 100_000));
        assert_eq!(got.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [100_000, 99_995, 99_990, 99_985]);
        assert!(got.rows.iter().all(|r| r.1.len() == got.legend.len() && r.1.iter().all(|v| v.is_finite() && *v >= 0.0)));
        assert!(got.legend.iter().any(|l| l.ends_with(":read_latency_0123abcd")));
        assert!(!got.legend.iter().any(|l| l.contains(":vm:")));
    }

    #[test]
    fn a_heartbeat_that_hangs_gets_slower_and_lost_paths_are_counted_by_the_most_of_a_row() {
        let mut history = History::default();
        history.note(Time::from_secs(0), load(true, 3));
        for (at, lost) in [(0, 0.0), (50_000, 2.0), (50_100, 1.0), (50_200, 0.0)] {
            history.count(Time::from_secs(at), "sr_x_paths_failed".into(), lost);
        }
        let of = |u: &RrdUpdates, name: &str, t: i64| {
            let column = u.legend.iter().position(|l| l.ends_with(name)).unwrap_or_else(|| panic!("no {name}"));
            u.rows.iter().find(|r| r.0 == t).expect("row").1[column]
        };
        let now = ask(&history, 99_980, 5, 100_003);
        assert!(of(&now, "statefile/5a5a-1/latency", 99_985) < 1.0);
        assert!((of(&now, "statefile/5a5a-1/latency", 100_000) - 10.0).abs() < 0.01);
        assert!((of(&now, "sr_x_paths_failed", 100_000)).abs() < 0.01);
        let week = ask(&history, -601_200, 3_600, 100_003);
        assert!(
            (of(&week, "sr_x_paths_failed", 50_400) - 2.0).abs() < 0.01 && of(&week, "sr_x_paths_failed", 54_000).abs() < 0.01
        );
    }

    #[test]
    fn a_start_far_back_takes_a_coarser_archive_and_is_bounded() {
        let mut history = History::default();
        history.note(Time::from_secs(0), load(true, 3));
        assert_eq!(ask(&history, -3_600, 5, 1_000_000).step, 60);
        assert_eq!(ask(&history, -86_400, 5, 1_000_000).step, 3_600);
        assert_eq!(ask(&history, 0, 5, 1_000_000).step, 86_400);
        assert!(ask(&history, i64::MIN, 5, 1_000_000).rows.len() <= 366);
        assert!(ask(&history, i64::MAX, 5, 1_000_000).rows.is_empty());
    }

    #[test]
    fn the_same_second_says_the_same_and_downtime_says_nothing() {
        let mut history = History::default();
        history.note(Time::from_secs(0), load(true, 3));
        history.note(Time::from_secs(500), load(false, 0));
        history.note(Time::from_secs(520), load(true, 0));
        let (one, two) = (ask(&history, 480, 5, 530), ask(&history, 480, 5, 540));
        let row = |u: &RrdUpdates, t: i64| format!("{:?}", u.rows.iter().find(|r| r.0 == t).expect("row").1);
        assert_eq!(row(&one, 495), row(&two, 495));
        assert!(row(&one, 510).contains("NaN") && !row(&one, 520).contains("NaN"));
    }
}
