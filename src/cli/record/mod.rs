//! `poolwatch record`: the flight recorder alone; and the recorders of the commands that record besides.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

mod scene;

use super::args::{ConnectArgs, RecordingArgs};
use super::error::CliError;
use super::follow;
use super::logging;
use super::setup::Setup;
use super::stream::Ends;
use crate::config::{Config, Flags, parse_duration, parse_size};
use crate::feed::clock::Clock;
use crate::observation::{Link, Observation, Seen};
use crate::recording::background::{Background, FLUSH};
use crate::recording::folder::{Library, Limits, OneFile, of_pool};
use crate::recording::recorder::{Options, Recorder, Shelf};
use crate::text;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often it says how it is going.
const SAY: Duration = Duration::from_secs(600);
/// With more pools than this none is recorded by the way: what each recorder has to know of its pool comes to as much memory as the picture of it.
const POOLS_MOST: usize = 16;
/// Exit code if not all that was seen could be written.
const NOT_ALL: u8 = 1;

/// `poolwatch record`
#[derive(Debug, clap::Args)]
pub struct RecordArgs {
    /// The pool: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    #[arg(conflicts_with = "scenario")]
    pub target: Option<String>,
    /// Write into this file, which must not be there yet [default: a file for each day in the data folder]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// A line for the recording that says what it shows
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub about: String,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// What is kept
    #[command(flatten)]
    pub recording: RecordingArgs,
    /// The pool is a simulated one, served at this speed (see docs/sim.md)
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = super::sim::speed, hide = true)]
    pub sim_speed: f64,
    /// Record this scenario of the simulated pool on its virtual clock instead of a pool
    #[arg(long, value_name = "NAME", hide = true, requires = "output")]
    pub scenario: Option<String>,
    /// Set off a fault so many seconds after the start: `90 crash host=xcp2`; with --scenario
    #[arg(long, value_name = "SECONDS FAULT", hide = true, requires = "scenario")]
    pub fault: Vec<String>,
    /// Seed of everything that is left to chance; with --scenario
    #[arg(long, default_value_t = 1, value_name = "N", hide = true)]
    pub seed: u64,
}

/// An age on the command line.
pub fn age(word: &str) -> Result<Duration, String> {
    let least = Duration::from_secs(3600);
    parse_duration(word)
        .filter(|age| *age >= least)
        .ok_or_else(|| "expected a duration of at least 1h, such as 36h or 14d".to_owned())
}

/// A size on the command line.
pub fn size(word: &str) -> Result<u64, String> {
    parse_size(word).ok_or_else(|| "expected a size from 10MB on, such as 500MB or 2GB".to_owned())
}

/// What is kept of so many pools, if anything is.
pub fn limits(config: &Config, args: &RecordingArgs, pools: usize) -> Option<Limits> {
    if pools > POOLS_MOST {
        tracing::info!("nothing is recorded of more than {POOLS_MOST} pools at once; `poolwatch record` records each");
        return None;
    }
    let Limits { age, bytes } = config.recording.limits;
    let limits = Limits { age: args.recording_keep.unwrap_or(age), bytes: args.recording_size.unwrap_or(bytes) };
    (config.recording.on && !args.no_recording).then_some(limits)
}

/// A recorder into the data folder, if it can be started. `told` hears when it stops to work and when it works again.
pub fn into_library(
    data: &Path,
    limits: Limits,
    pools: usize,
    told: impl Fn(Option<&str>) + Send + 'static,
) -> Option<Arc<Background>> {
    let shelf = Box::new(Library::new(data, limits));
    match Background::start(Recorder::new(shelf, Options::default().one_of(pools)), told) {
        Ok(background) => Some(Arc::new(background)),
        Err(error) => {
            tracing::warn!("nothing is recorded: no thread could be started for it: {error}");
            None
        }
    }
}

/// Says in the log that the writing stopped to work, or works again.
pub fn log_trouble(whose: &str, trouble: Option<&str>) {
    if let Some(why) = trouble {
        tracing::warn!(target: "poolwatch::recording", "{whose}nothing is recorded now: {why}. It is tried again every 10 s");
    } else {
        tracing::info!(target: "poolwatch::recording", "{whose}it is recorded again");
    }
}

/// Records until it is told to stop.
pub async fn run(args: RecordArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    if let Some(name) = &args.scenario {
        return scene::record(name, &args);
    }
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let Some(limits) = limits(&setup.config, &args.recording, 1).or(args.output.is_some().then(Limits::default)) else {
        return Err(CliError::Record(
            "nothing would be recorded: `on` in [recording] of the configuration, or --no-recording, says so".to_owned(),
        ));
    };
    let entry = setup.one(args.target.as_deref(), &args.connect).await?;
    let data = setup.dirs.data.clone();
    let shelf: Box<dyn Shelf> = match &args.output {
        Some(path) => Box::new(one_file(path)?),
        None => Box::new(Library::new(&data, limits)),
    };
    let mut options = Options { about: text::clean(&args.about, 400).into_owned(), ..Options::default() };
    if args.output.is_some() {
        (options.segment, options.span) = (u64::MAX, Duration::MAX);
    }
    let (failed, failing) = tokio::sync::mpsc::unbounded_channel::<Option<String>>();
    let told = move |why: Option<&str>| drop(failed.send(why.map(str::to_owned)));
    let recorder = Arc::new(Background::start(Recorder::new(shelf, options), told).map_err(CliError::Runtime)?);
    let clock = Clock::start();
    clock.set_speed(args.sim_speed);
    let followed = follow::start_recorded(vec![entry], &clock, &data, &[Some(Arc::clone(&recorder))]);
    let mut say =
        Say { seen: 0, reached: false, troubled: false, place: args.output.clone(), data, recorder: Arc::clone(&recorder) };
    let whole = watch(&mut say, followed, failing, args.duration).await?;
    drop(recorder);
    let reached = say.reached;
    say.end()?;
    Ok(match (reached, whole) {
        (false, _) => ExitCode::from(super::CANNOT),
        (true, false) => ExitCode::from(NOT_ALL),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn one_file(path: &Path) -> Result<OneFile, CliError> {
    OneFile::create(path).map_err(|error| {
        CliError::Record(if error.kind() == std::io::ErrorKind::AlreadyExists {
            format!("{} is there already, and a recording is never written over: name another file", path.display())
        } else {
            format!("cannot make {}: {error}", path.display())
        })
    })
}

/// What it says meanwhile.
struct Say {
    seen: u64,
    reached: bool,
    troubled: bool,
    place: Option<PathBuf>,
    data: PathBuf,
    recorder: Arc<Background>,
}

impl Say {
    fn line(text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Output)
    }

    fn place(&self) -> String {
        let place = self.place.clone().or_else(|| self.recorder.state().uuid.map(|uuid| of_pool(&self.data, &uuid)));
        place.map_or_else(|| "the data folder".to_owned(), |place| place.display().to_string())
    }

    fn observed(&mut self, batch: &[Observation]) -> Result<(), CliError> {
        self.seen += batch.len() as u64;
        for seen in batch {
            match &seen.seen {
                Seen::Link(Link::Live { coordinator }) => {
                    Self::line(&format!("connected to {}", text::clean(coordinator, 200)))?;
                }
                Seen::Link(Link::Lost { error, .. } | Link::Refused { error }) => {
                    Self::line(&format!("not connected: {}", text::clean(error, 2_000)))?;
                }
                Seen::Synced { .. } if !self.reached => {
                    self.reached = true;
                    Self::line(&format!(
                        "recording into {}; what is seen is on disk within {} s; stop with Ctrl-C",
                        self.place(),
                        FLUSH.as_secs()
                    ))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn progress(&self) -> Result<(), CliError> {
        Self::line(&format!("{} observations, this file has {}", self.seen, text::bytes(self.recorder.state().size)))
    }

    fn end(self) -> Result<(), CliError> {
        let (place, seen, reached) = (self.place(), self.seen, self.reached);
        // What is left is written now.
        drop(self.recorder);
        let end = if reached {
            format!("stopped after {seen} observations; look at them with: poolwatch replay {place}")
        } else {
            "stopped; the pool was never read, so there is nothing to look at".to_owned()
        };
        Self::line(&end)
    }
}

/// Follows until the end; whether all could be written.
async fn watch(
    say: &mut Say,
    mut followed: follow::Followed,
    mut failing: tokio::sync::mpsc::UnboundedReceiver<Option<String>>,
    duration: Option<u64>,
) -> Result<bool, CliError> {
    let end = duration.map(|secs| Instant::now() + Duration::from_secs(secs));
    let mut ends = Ends::listen().map_err(CliError::Runtime)?;
    let mut next = Instant::now() + SAY;
    loop {
        tokio::select! {
            biased;
            () = ends.next() => break,
            () = async { match end { Some(end) => sleep_until(end).await, None => std::future::pending().await } } => break,
            why = failing.recv() => match why {
                Some(Some(why)) => {
                    say.troubled = true;
                    log_trouble("", Some(&why));
                    Say::line(&format!("nothing is written now: {why}. It is tried again every 10 s"))?;
                }
                Some(None) => {
                    log_trouble("", None);
                    Say::line("it is written again, into a new file")?;
                }
                None => {}
            },
            batch = followed.observations.recv() => match batch {
                Some((_, batch)) => say.observed(&batch)?,
                None => break,
            },
            () = sleep_until(next) => {
                say.progress()?;
                next = Instant::now() + SAY;
            }
        }
    }
    followed.stop().await;
    Ok(!say.troubled)
}
