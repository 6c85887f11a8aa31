//! Scenes: a scenario of the simulated pool recorded on its virtual clock, as fast as it can be computed. The same words make the same recording,
//! byte by byte; the ones in `recordings/` are made so (`recordings/make`).

use super::{RecordArgs, one_file};
use crate::cli::error::CliError;
use crate::cli::sim::SimError;
use crate::feed::decode;
use crate::observation::{Answer, Observation, Outcome, Probed, Seen, Via};
use crate::pool::database::Ledger;
use crate::recording::recorder::{Options, Recorder};
use crate::recording::segment::How;
use crate::rollout::twin::Eye;
use crate::sim::api::{Api, Call, HostIx, Reply, RrdRequest};
use crate::sim::scenario::{self, Overrides};
use crate::sim::value::Value;
use crate::sim::world::{self, Fault, World};
use crate::text;
use crate::time::Time;
use crate::xenapi::record::{Class, Record, Ref};
use crate::xenapi::rrd::Updates;
use std::process::ExitCode;
use std::time::Duration;

/// When scenes begin: 2026-11-21T00:00:00Z.
const START: Time = Time::from_secs(1_795_219_200);
/// How long a scene is unless something else is said. Seconds.
const LENGTH: u64 = 600;
/// How often a host is asked for its report, and for its measurements, as by the live feed.
const REPORT: Duration = Duration::from_secs(10);
const METRICS: Duration = Duration::from_secs(15);
/// The longest jump of the clock.
const STRIDE: Duration = Duration::from_secs(1);

/// A pool that is watched on the virtual clock.
struct Scene {
    world: World,
    eye: Eye,
    ledger: Ledger,
    reported: Time,
    measured: Time,
}

impl Scene {
    /// What there is to see now.
    fn look(&mut self) -> Vec<Observation> {
        self.eye.look(&mut self.world);
        self.eye.ask(&mut self.world);
        let now = self.world.now();
        if let Some((at, session)) = self.eye.session().map(|(at, session)| (at, session.clone())) {
            if now.since(self.reported) >= REPORT {
                self.reported = now;
                self.ask_probes(at, &session);
            }
            if now.since(self.measured) >= METRICS {
                self.measured = now;
                self.measure(&session);
            }
        }
        let mut batch = self.eye.tape.replace(Vec::new()).unwrap_or_default();
        let mut found = None;
        for seen in &batch {
            found = self.ledger.see(seen).or(found);
        }
        let at = batch.last().map_or(now, |seen| seen.at);
        batch.extend(found.map(|rewind| Observation { at, seen: Seen::WentBack(rewind) }));
        batch
    }

    fn hosts(&self) -> Vec<(Ref, String, String)> {
        let records = self.eye.pool.whole_records();
        let hosts = records.into_iter().filter_map(|(r, record)| match record {
            Record::Host(host) if record.class() == Class::Host => {
                Some((r.clone(), host.uuid.to_string(), host.address.to_string()))
            }
            _ => None,
        });
        hosts.collect()
    }

    fn ask_probes(&mut self, at: HostIx, session: &Ref) {
        for (host, ..) in self.hosts() {
            let params = vec![
                Value::Ref(session.clone()),
                Value::Ref(host.clone()),
                "poolwatch".into(),
                "probe".into(),
                Value::Map(std::collections::BTreeMap::new()),
            ];
            let told = match self.world.call(at, Call { method: "host.call_plugin".into(), params }) {
                Reply::Done(Ok(Value::Str(said))) => match decode::report(&said) {
                    Ok(report) => Probed::Report(report),
                    Err(why) => Probed::Failed { why },
                },
                Reply::Done(Err(failure)) if failure.code == "XENAPI_MISSING_PLUGIN" => Probed::Absent,
                Reply::Done(Err(failure)) => {
                    Probed::Failed { why: text::clean(&failure.to_string(), text::NAME_LIMIT).into_owned() }
                }
                Reply::Done(Ok(_)) => continue,
                Reply::Waiting(ticket) => {
                    self.world.forget(ticket);
                    Probed::Failed { why: "no answer within 5 s".into() }
                }
            };
            self.eye.say(&self.world, Seen::Probe { host, told });
        }
    }

    fn measure(&mut self, session: &Ref) {
        let addresses = self.world.addresses();
        for (host, uuid, address) in self.hosts() {
            let Some(ix) = addresses.iter().position(|a| *a == address || a.split(':').next() == Some(&address)) else {
                continue;
            };
            let open = matches!(self.world.door(HostIx(ix)), crate::sim::api::Door::Open);
            let request =
                RrdRequest { session: session.as_str().to_owned(), start: -15, host: true, vm_uuid: "none".into(), interval: 5 };
            let updates = if open { self.world.rrd_updates(HostIx(ix), &request) } else { None };
            let outcome = match &updates {
                Some(_) => Outcome::Ok { clock: None },
                None => Outcome::Failed { code: None, error: "no answer".into() },
            };
            self.eye.say(&self.world, Seen::Answer(Answer { host: host.clone(), via: Via::Rrd, took_ms: 4, outcome }));
            let Some(updates) = updates else { continue };
            let rows = updates.rows.into_iter().map(|(at, values)| (Time::from_secs(at), values)).collect();
            let updates = Updates { legend: updates.legend, rows };
            if let Some((row, values)) = updates.newest_of_host(Some(&uuid)) {
                self.eye.say(&self.world, Seen::Samples { host, row, values });
            }
        }
    }
}

/// A fault and when, as it is given.
fn fault(text: &str) -> Result<(Duration, Fault), CliError> {
    let wrong = |why: String| CliError::Record(format!("--fault {text:?}: {why}"));
    let (at, fault) =
        text.split_once(' ').ok_or_else(|| wrong("expected seconds and a fault, such as 90 crash host=xcp2".to_owned()))?;
    let at: u64 = at.parse().map_err(|_| wrong(format!("{at:?} is no number of seconds")))?;
    let fault = fault.parse().map_err(|error| wrong(format!("{error}")))?;
    Ok((Duration::from_secs(at), fault))
}

/// Records a scenario.
pub fn record(name: &str, args: &RecordArgs) -> Result<ExitCode, CliError> {
    let scenario = scenario::load(name, Overrides::default()).map_err(SimError::from)?.into_iter().next();
    let scenario = scenario.ok_or_else(|| CliError::Record(format!("the scenario {name} has no pool")))?;
    let mut faults = args.fault.iter().map(|text| fault(text)).collect::<Result<Vec<_>, _>>()?;
    faults.sort_by_key(|(at, _)| *at);
    let Some(path) = &args.output else { return Err(CliError::Record("name a file with -o".to_owned())) };
    let options = Options {
        segment: u64::MAX,
        span: Duration::MAX,
        about: text::clean(&args.about, 400).into_owned(),
        by: format!("poolwatch record --scenario {name}"),
        // Nobody waits for them, and they are carried about.
        how: How { level: 19, frame: Duration::MAX, ..How::default() },
    };
    let mut recorder = Recorder::new(Box::new(one_file(path)?), options);
    let mut eye = Eye::new(name, "root", "poolwatch");
    eye.tape = Some(Vec::new());
    let world = World::build(&scenario, world::Options::new(args.seed, START));
    let mut scene = Scene { world, eye, ledger: Ledger::default(), reported: Time::EPOCH, measured: Time::EPOCH };
    let end = START + Duration::from_secs(args.duration.unwrap_or(LENGTH));
    let mut faults = faults.into_iter().peekable();
    while scene.world.now() < end {
        recorder.see(&scene.look());
        let now = scene.world.now();
        while let Some((at, fault)) = faults.next_if(|(at, _)| START + *at <= now) {
            let after = at.as_secs();
            scene.world.fault(fault).map_err(|error| CliError::Record(format!("the fault after {after} s: {error}")))?;
        }
        let due = scene.world.next_due().filter(|due| *due > now).unwrap_or(end);
        scene.world.advance(due.min(now + STRIDE).max(now + Duration::from_millis(1)));
        scene.eye.notice(&scene.world);
    }
    recorder.see(&scene.look());
    recorder.finish();
    match recorder.trouble() {
        Some(why) => Err(CliError::Record(format!("the scene could not be written to {}: {why}", path.display()))),
        None => Ok(ExitCode::SUCCESS),
    }
}
