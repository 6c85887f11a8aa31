//! The simulated pool over its own HTTPS, followed by the whole feed: what is seen is what the pool has, through every kind of
//! trouble.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails may panic")]

use poolwatch::feed::clock::Clock;
use poolwatch::feed::driver::{FollowOptions, follow_pool};
use poolwatch::observation::{Link, Observation, Outcome, Probed, Seen, Via, Week};
use poolwatch::sim::scenario::{self, Overrides};
use poolwatch::sim::server::SimHandle;
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::sim::world::{Fault, World};
use poolwatch::time::Time;
use poolwatch::xenapi::record::{Class, Record, Ref};
use poolwatch::xenapi::trust::Store;
use poolwatch::xenapi::{Credentials, Error, Target};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How often hosts are asked where a test waits for that.
const OFTEN: Duration = Duration::from_millis(500);

async fn sim(name: &str, overrides: Overrides, speed: f64) -> SimHandle<World> {
    let scenarios = scenario::load(name, overrides).expect("a scenario");
    let mut options = StartOptions::new(1, Time::from_secs(1_795_220_468));
    options.serve.speed = speed;
    start(&scenarios, &options).await.expect("a simulated pool")
}

struct Watch {
    rx: mpsc::Receiver<Vec<Observation>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<Error>>,
    links: Vec<Link>,
    readings: usize,
    unreadable: Vec<String>,
    failed: Vec<(Ref, Via, String)>,
    answered: Vec<(Ref, Via)>,
    samples: usize,
    weeks: Vec<Week>,
    probes: BTreeMap<Ref, Probed>,
    objects: BTreeMap<(Class, String), Record>,
    stale: Vec<(Class, String)>,
}

impl Watch {
    fn start(url: &str, every: Duration) -> Self {
        let dir = std::env::temp_dir().join(format!("poolwatch-sim-{}-{}", std::process::id(), fastrand::u64(..)));
        let mut options = FollowOptions::new(Arc::new(Store::open(&dir).expect("store")));
        options.follow.servertime_every = Some(every);
        options.follow.rrd_every = Some(every);
        options.follow.report_every = Some(every);
        options.follow.week_after = every;
        options.follow.retry_most = Duration::from_millis(500);
        let (tx, rx) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(false);
        let target = Target::parse(url, false).expect("target");
        let task = tokio::spawn(follow_pool(target, Credentials::new("root", "poolwatch"), options, Clock::start(), tx, stopped));
        Self {
            rx,
            stop,
            task,
            links: Vec::new(),
            readings: 0,
            unreadable: Vec::new(),
            failed: Vec::new(),
            answered: Vec::new(),
            samples: 0,
            weeks: Vec::new(),
            probes: BTreeMap::new(),
            objects: BTreeMap::new(),
            stale: Vec::new(),
        }
    }

    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Set { r#ref, record } => {
                let key = (record.class(), r#ref.as_str().to_owned());
                self.stale.retain(|stale| *stale != key);
                self.objects.insert(key, (*record).clone());
            }
            Seen::Gone { class, r#ref } => drop(self.objects.remove(&(class, r#ref.as_str().to_owned()))),
            Seen::Resync { classes, .. } => {
                self.stale = self.objects.keys().filter(|(class, _)| classes.contains(class)).cloned().collect();
            }
            Seen::Synced { classes } => {
                self.readings += usize::from(classes.contains(&Class::Message));
                for key in self.stale.extract_if(.., |(class, _)| classes.contains(class)) {
                    self.objects.remove(&key);
                }
            }
            Seen::Link(link) => self.links.push(link),
            Seen::Unreadable { class, why, .. } => self.unreadable.push(format!("{class}: {why}")),
            Seen::Answer(answer) => match answer.outcome {
                Outcome::Ok { .. } => self.answered.push((answer.host, answer.via)),
                Outcome::Failed { error, .. } => self.failed.push((answer.host, answer.via, error)),
            },
            Seen::WentBack(_) | Seen::Paths { .. } => panic!("the feed keeps nothing of earlier runs"),
            Seen::Samples { .. } => self.samples += 1,
            Seen::Week { week, .. } => self.weeks.push(week),
            Seen::Probe { host, told } => drop(self.probes.insert(host, told)),
            Seen::Heard { .. } => {}
        }
    }

    async fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let patience = Instant::now();
        while !so(self) {
            assert!(patience.elapsed() < Duration::from_secs(90), "never {what}: {:?} {:?}", self.links, self.failed.last());
            match tokio::time::timeout(Duration::from_secs(30), self.rx.recv()).await {
                Ok(Some(batch)) => batch.into_iter().for_each(|o| self.take(o.seen)),
                Ok(None) => panic!("it ended before {what}: {:?}", self.links),
                Err(waited) => panic!("never {what} ({waited}): {:?}", self.links),
            }
        }
        assert_eq!(self.unreadable, Vec::<String>::new(), "{what}");
    }

    fn hosts(&self) -> Vec<(Ref, &poolwatch::xenapi::record::Host)> {
        let hosts = self.objects.iter().filter_map(|((_, r#ref), record)| match record {
            Record::Host(host) => Some((Ref::from(r#ref.as_str()), host)),
            _ => None,
        });
        hosts.collect()
    }

    fn count(&self, class: Class) -> usize {
        self.objects.keys().filter(|(c, _)| *c == class).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_is_followed_from_a_members_address_and_every_host_answers() {
    let sim = sim("calm", Overrides::default(), 1.0).await;
    let pool = sim.pool();
    let member = &pool.hosts()[1];
    let mut watch = Watch::start(&member.url, OFTEN);
    watch.until("read", |w| w.readings == 1).await;
    let Some(Link::Live { coordinator }) = watch.links.last() else { panic!("{:?}", watch.links) };
    assert!(pool.url().ends_with(coordinator.as_str()), "{coordinator} {}", pool.url());
    let hosts = pool.hosts().len();
    assert_eq!(watch.hosts().len(), hosts);
    let refs: Vec<Ref> = watch.hosts().into_iter().map(|(r, _)| r).collect();
    watch
        .until("answered by every host in both ways", |w| {
            refs.iter().all(|r| [Via::Servertime, Via::Rrd].iter().all(|via| w.answered.contains(&(r.clone(), *via))))
        })
        .await;
    watch.until("sampled", |w| w.samples >= hosts).await;
    assert_eq!(watch.failed, []);
    watch.stop.send(true).expect("running");
    watch.until("closed", |w| matches!(w.links.last(), Some(Link::Closed))).await;
    assert_eq!(watch.task.await.expect("no panic"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_host_tells_a_week_of_its_heartbeats() {
    let sim = sim("fence-xhad", Overrides::default(), 1.0).await;
    let hosts = sim.pool().hosts().len();
    let mut watch = Watch::start(sim.pool().url(), OFTEN);
    watch.until("told of a week by each", |w| w.weeks.len() >= hosts).await;
    for week in &watch.weeks {
        assert!((160..=168).contains(&week.rows.len()) && week.rows.is_sorted(), "{}", week.rows.len());
        assert!(week.series.iter().all(|(_, values)| values.len() == week.rows.len()));
        for name in ["statefile/", "network/latency"] {
            assert!(week.series.iter().any(|(source, _)| source.contains(name)), "{name} is missing");
        }
        assert!(!week.series.iter().any(|(source, _)| source == "cpu_avg"), "what nobody looks at is not kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_probes_tell_of_a_rebuild_and_hosts_without_one_are_known_to_have_none() {
    let quick = sim("mirror-rebuild", Overrides::default(), 10.0).await;
    let mut watch = Watch::start(quick.pool().url(), OFTEN);
    watch
        .until("told of a rebuild", |w| {
            w.probes
                .values()
                .any(|told| matches!(told, Probed::Report(report) if report.rebuilds.iter().any(|r| r.progress.is_some())))
        })
        .await;
    let plain = sim("calm", Overrides::default(), 1.0).await;
    let mut watch = Watch::start(plain.pool().url(), OFTEN);
    let hosts = plain.pool().hosts().len();
    watch.until("told that there is none", |w| w.probes.len() == hosts).await;
    assert!(watch.probes.values().all(|told| *told == Probed::Absent), "{:?}", watch.probes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_sessions_a_dead_host_and_a_restarting_coordinator() {
    let sim = sim("calm", Overrides::default(), 4.0).await;
    let pool = sim.pool();
    let mut watch = Watch::start(pool.url(), OFTEN);
    watch.until("read", |w| w.readings == 1).await;
    let vms = watch.count(Class::Vm);

    pool.with(|world| world.fault(Fault::KillSessions)).expect("possible");
    watch.until("read again", |w| w.readings == 2).await;
    assert!(!watch.links.iter().any(|link| matches!(link, Link::Lost { .. })), "{:?}", watch.links);

    let names = pool.with(|world| world.host_names());
    let victim = names.last().expect("a host").clone();
    pool.with(|world| world.fault(Fault::Crash { host: victim.clone() })).expect("possible");
    let dead = watch.hosts().into_iter().find(|(_, h)| *h.name_label == *victim).expect("known").0;
    watch.failed.clear();
    watch
        .until("silent in both ways", |w| {
            [Via::Servertime, Via::Rrd].iter().all(|via| w.failed.iter().any(|(host, v, _)| *host == dead && v == via))
        })
        .await;
    assert!(watch.failed.iter().all(|(host, ..)| *host == dead), "{:?}", watch.failed);

    pool.with(|world| world.fault(Fault::RestartToolstack { host: None })).expect("possible");
    watch.until("lost", |w| matches!(w.links.last(), Some(Link::Lost { .. }))).await;
    assert_eq!(watch.count(Class::Vm), vms, "the old picture stays");
    watch.until("back", |w| w.readings == 3).await;
    assert!(matches!(watch.links.last(), Some(Link::Live { .. })));
    assert_eq!((watch.count(Class::Vm), watch.stale.len()), (vms, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_pool_is_read_and_its_changes_are_told_without_reading_it_again() {
    let sim = sim("big", Overrides::default(), 1.0).await;
    let pool = sim.pool();
    let mut watch = Watch::start(pool.url(), Duration::from_secs(10));
    watch.until("read", |w| w.readings == 1).await;
    assert_eq!(watch.count(Class::Host), 64);
    assert!(watch.count(Class::Vm) >= 2_000, "{}", watch.count(Class::Vm));
    watch.until("sampled", |w| w.samples >= 64).await;
    assert_eq!(watch.readings, 1);
}
