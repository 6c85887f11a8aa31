//! `poolwatch stream`: a line for every change, only ever appended. Made for pipes, logs and screen readers.

pub mod changes;

use super::args::StreamArgs;
use super::error::CliError;
use super::follow;
use super::logging;
use super::setup::Setup;
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::observation::Observation;
use crate::pool::Pool;
use crate::pool::picture::{LinkState, Picture};
use crate::time::Time;
use jiff::tz::TimeZone;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// Changes that come within this time are told together, so that a storm does not make a line for each step.
const GATHER: Duration = Duration::from_millis(100);
/// The shortest time between two looks, so that a pool that is always busy does not cost more for it.
const SPACING: Duration = Duration::from_millis(500);
/// The longest time between two looks; also how soon something is noticed that shows by its absence.
const LOOK: Duration = Duration::from_secs(1);

/// Prints until it is told to stop, `--duration` is over, or the pool cannot be followed.
pub async fn run(args: StreamArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let entry = setup.one(args.target.as_deref(), &args.connect).await?;
    let clock = Clock::start();
    let zone = TimeZone::system();
    let mut pool = Pool::new(&entry.called).in_zone(zone.clone());
    let mut followed = follow::start(vec![entry], &clock, &setup.dirs.data);
    let end = args.duration.map(|secs| Instant::now() + Duration::from_secs(secs));
    let mut told = Picture::default();
    let mut code = ExitCode::SUCCESS;
    let mut following = true;
    let (mut next, mut looked) = (Instant::now(), Instant::now());
    let mut ends = Ends::listen().map_err(CliError::Runtime)?;
    loop {
        tokio::select! {
            biased;
            () = ends.next() => break,
            () = async { match end { Some(end) => sleep_until(end).await, None => std::future::pending().await } } => break,
            batch = followed.observations.recv(), if following => {
                let Some((_, batch)) = batch else {
                    // It cannot be followed any more: why is still to be told.
                    following = false;
                    next = Instant::now();
                    continue;
                };
                for observation in &batch {
                    pool.apply(observation);
                }
                if !batch.iter().all(Observation::is_routine) {
                    next = next.min((Instant::now() + GATHER).max(looked + SPACING));
                }
            }
            () = sleep_until(next) => {
                let now = clock.now();
                let picture = pool.picture(now);
                say(&changes::changes(&told, &picture), now, &zone)?;
                let refused = picture.link.state == LinkState::Refused;
                if picture.link.state == LinkState::Syncing {
                    // While it is read again, nothing is told but that: what comes after is compared with what was told before.
                    told.link = picture.link;
                } else {
                    told = picture;
                }
                looked = Instant::now();
                next = looked + LOOK;
                if refused {
                    code = ExitCode::from(super::CANNOT);
                }
                if refused || !following {
                    break;
                }
            }
        }
    }
    followed.stop().await;
    // A pool that was never reached told nothing, which is not what was asked for.
    Ok(if told.hosts.is_empty() { ExitCode::from(super::CANNOT) } else { code })
}

/// What ends it from outside, in order: log out, then leave. Ctrl-Z stays the shell's.
pub struct Ends([Signal; 3]);

impl Ends {
    /// Listens for them from now on.
    pub fn listen() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    /// Waits for the first of them.
    pub async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

fn say(lines: &[String], now: Time, zone: &TimeZone) -> Result<(), CliError> {
    if lines.is_empty() {
        return Ok(());
    }
    let stamp = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default().to_zoned(zone.clone());
    let stamp = stamp.strftime("%Y-%m-%d %H:%M:%S");
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{stamp} {line}").map_err(CliError::Output)?;
    }
    out.flush().map_err(CliError::Output)
}
