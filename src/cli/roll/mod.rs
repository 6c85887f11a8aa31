//! `poolwatch roll`: takes the hosts of a pool through a reboot or an update, one by one, without a screen.
//!
//! Exit codes: 0 done, 1 stopped by a gate, a failure or the operator, 2 refused, 3 cannot tell. What decides is below, in `rollout`.

pub mod args;
pub mod desk;
#[cfg(test)]
mod doc;
mod goon;
mod paper;
pub mod prepare;
mod rehearse;
mod report;
pub mod say;
pub mod steer;
pub mod watch;
mod when;
pub mod who;

use super::error::CliError;
use super::logging;
use super::record;
use super::setup::{Entry, Setup};
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::rollout::driver::{self, Consent};
use crate::rollout::entry::RunResult;
use crate::rollout::journal::file;
use crate::rollout::survey::Survey;
use args::RollArgs;
use jiff::tz::TimeZone;
use prepare::{Prepared, Refusal};
use say::{Say, exit_code};
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use steer::Begun;
use tokio::sync::mpsc;
use watch::Watch;

/// Does what the arguments say.
pub async fn run(args: RollArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    if let Some(journal) = &args.report {
        return report::run(journal, &args);
    }
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let zone = TimeZone::system();
    let mut say = Say::new(args.json, zone.clone());
    let mut entry = setup.one(args.target.as_deref(), &args.connect).await?;
    // What is said to go on with has to lead to the same pool again, as the same user.
    entry.called.clone_from(&entry.again);
    let clock = Clock::start();
    let (result, text) = if let Some(refused) = refuse(&args, &entry) {
        refused
    } else {
        clock.set_speed(args.sim_speed);
        let recorder = record::limits(&setup.config, &args.recording, 1)
            .and_then(|limits| record::into_library(&setup.dirs.data, limits, 1, |why| record::log_trouble("", why)));
        let mut watch = Watch::start(entry, clock.clone(), zone.clone(), &setup.dirs.data, recorder);
        match Box::pin(go(&args, &setup, &mut watch, &mut say, &zone)).await {
            Ok(Next::Over(result, text)) => {
                watch.stop().await;
                (result, text)
            }
            Ok(Next::Drive(begun)) => Box::pin(steer::steer(watch, *begun, &mut say)).await,
            Err(refusal) => {
                watch.stop().await;
                refusal
            }
        }
    };
    say.end(clock.now(), result, &text);
    Ok(ExitCode::from(exit_code(result)))
}

/// What follows.
enum Next {
    /// Nothing: this is the result.
    Over(RunResult, String),
    /// A run is to be driven.
    Drive(Box<Begun>),
}

/// What can be refused before anything is asked.
fn refuse(args: &RollArgs, entry: &Entry) -> Option<Refusal> {
    let only_looks = args.plan || (args.rehearse && !args.yes);
    let profile = entry.profile.as_ref().is_some_and(|profile| profile.read_only);
    if !only_looks && (args.read_only || profile) {
        let why = if args.read_only { "--read-only was given" } else { "its profile says read_only" };
        let text = format!("{} may only be looked at ({why}): nothing is changed. --plan and --rehearse work.", entry.called);
        return Some((RunResult::Refused, text));
    }
    let loopback =
        entry.target.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()) || entry.target.host == "localhost";
    if args.sim_speed.to_bits() != 1.0_f64.to_bits() && !loopback {
        return Some((RunResult::Refused, "--sim-speed is for simulated pools on this machine".to_owned()));
    }
    None
}

async fn go(args: &RollArgs, setup: &Setup, watch: &mut Watch, say: &mut Say, zone: &TimeZone) -> Result<Next, Refusal> {
    prepare::current(watch, Duration::from_secs(args.timeout)).await?;
    if args.take_over {
        take_over(args, watch, say).await?;
    }
    if args.goes_on() {
        return goon::go_on(args, &setup.dirs.data, watch).await.map(|begun| Next::Drive(Box::new(begun)));
    }
    let options = prepare::options(args, watch, zone)?;
    let prepared = prepare::prepare(watch, &args.scope(), options.clone(), Survey::default()).await?;
    let now = watch.clock.now();
    say.plan(now, &prepared.plan);
    say.findings(now, &prepared.plan, &prepared.findings);
    let refusal = paper::refusal(&prepared.plan, &prepared.findings);
    if args.rehearse {
        for line in rehearse::in_words(watch, &prepared, args.faults).await.0 {
            say.word(watch.clock.now(), "rehearsal", &line);
        }
        // A round that was refused is not begun by a rehearsal; one that may begin is, if that was asked for.
        if !args.yes && !args.plan {
            let text = "That was a rehearsal; nothing was changed. With --yes the round begins after it.".to_owned();
            return Ok(Next::Over(refusal.as_ref().map_or(RunResult::Done, |_| RunResult::Refused), refusal.unwrap_or(text)));
        }
    }
    let Prepared { plan, survey, .. } = prepared;
    if args.plan {
        return Ok(match refusal {
            Some(text) => Next::Over(RunResult::Refused, text),
            None => Next::Over(RunResult::Done, "Nothing speaks against it. Nothing was changed.".to_owned()),
        });
    }
    if let Some(text) = refusal {
        return Err((RunResult::Refused, text));
    }
    unfinished(&setup.dirs.data, &plan.pool, &watch.called)?;
    confirm(args, &plan.pool_name, say)?;
    // The operator may have thought about it for long: what was true then has to be true now.
    let fresh = prepare::prepare(watch, &args.scope(), options, survey).await?;
    if !same_way(&plan, &fresh.plan) {
        let text =
            "The pool changed since the plan was shown, so that it would be another one now. Nothing was changed; plan again.";
        return Err((RunResult::Refused, text.to_owned()));
    }
    if let Some(text) = paper::refusal(&fresh.plan, &fresh.findings) {
        say.findings(watch.clock.now(), &fresh.plan, &fresh.findings);
        return Err((RunResult::Refused, text));
    }
    begin(&setup.dirs.data, watch, fresh).await.map(|begun| Next::Drive(Box::new(begun)))
}

/// Whether two plans take the same hosts the same way.
fn same_way(one: &crate::rollout::plan::Plan, other: &crate::rollout::plan::Plan) -> bool {
    let hosts = |plan: &crate::rollout::plan::Plan| -> Vec<_> {
        plan.hosts
            .iter()
            .map(|h| (h.uuid.clone(), h.updates.clone(), h.steps.iter().map(|s| s.stage).collect::<Vec<_>>()))
            .collect()
    };
    one.pool == other.pool && one.kind == other.kind && hosts(one) == hosts(other)
}

/// Whether a plan that was shown may be run now.
pub fn still_the_same(shown: &crate::rollout::plan::Plan, fresh: &Prepared) -> Result<(), Refusal> {
    if !same_way(shown, &fresh.plan) {
        let text =
            "The pool changed since the plan was shown, so that it would be another one now. Nothing was changed; plan again.";
        return Err((RunResult::Refused, text.to_owned()));
    }
    paper::refusal(&fresh.plan, &fresh.findings).map_or(Ok(()), |text| Err((RunResult::Refused, text)))
}

/// Writes the journal's beginning; the pool is still untouched.
pub async fn begin(data: &Path, watch: &mut Watch, prepared: Prepared) -> Result<Begun, Refusal> {
    let lender = watch.lender.clone();
    let pool = watch.pool.clone();
    let found = watch.during(driver::found(&lender, &pool, &prepared.plan)).await;
    let found = found.map_err(|error| (RunResult::Unknown, error.to_string()))?;
    let (tell, lines) = mpsc::unbounded_channel();
    let (run, owner) = (who::run_name(), who::owner());
    let engine = driver::begin(data, (&run, &owner), prepared.plan, found, watch.clock.now(), tell)
        .map_err(|error| (RunResult::Refused, error.to_string()))?;
    let first = file::read(engine.log.path()).map_or_else(|_| Vec::new(), |journal| journal.lines);
    Ok(Begun { engine, before: first, lines, first: Vec::new() })
}

/// A round of this pool that is not over forbids another one.
pub fn unfinished(data: &Path, pool: &str, called: &str) -> Result<(), Refusal> {
    match file::newest(data, pool, false) {
        Ok(None) => Ok(()),
        Ok(Some((path, journal))) => Err((
            RunResult::Refused,
            format!(
                "Run {} of this pool is not over ({}). Go on with it: poolwatch roll {called} --resume; or end it and put everything \
                 back: poolwatch roll {called} --abort",
                journal.whose().0,
                path.display()
            ),
        )),
        Err(error) => Err((
            RunResult::Refused,
            format!("{error}. It may be the journal of a round that is not over; if you are sure that it is, move it away"),
        )),
    }
}

async fn take_over(args: &RollArgs, watch: &mut Watch, say: &mut Say) -> Result<(), Refusal> {
    if args.plan {
        return Err((RunResult::Refused, "--plan changes nothing, so it takes nothing over".to_owned()));
    }
    if !args.yes {
        confirm(args, &watch.picture().name, say)?;
    }
    let (lender, clock, pool) = (watch.lender.clone(), watch.clock.clone(), watch.pool.clone());
    let consent = Consent::given_by_the_operator();
    let taken = watch.during(driver::take_over(&lender, consent, &clock, &pool)).await;
    match taken.map_err(|why| (RunResult::Refused, why))? {
        None => say.word(watch.clock.now(), "take-over", "There is no claim to take over."),
        Some(words) => {
            say.word(watch.clock.now(), "take-over", &format!("Took the pool over from {words}."));
            // Until the pool's own record shows it; the round looks at that again by itself.
            let claimed = |pool: &crate::pool::Pool| {
                pool.records().the_pool().is_some_and(|pool| crate::rollout::claim::Claim::of(&pool.other_config).is_some())
            };
            for _ in 0..100 {
                if !claimed(&watch.pool) {
                    break;
                }
                watch.during(tokio::time::sleep(Duration::from_millis(100))).await;
            }
        }
    }
    Ok(())
}

/// Asks for the pool's name, unless told not to ask.
fn confirm(args: &RollArgs, pool: &str, say: &Say) -> Result<(), Refusal> {
    if args.yes {
        return Ok(());
    }
    if say.is_json() || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let text = "Nobody can be asked here whether this shall be done. Look at the plan (--plan), then give --yes.";
        return Err((RunResult::Refused, text.to_owned()));
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "\nThis changes the pool. Type its name ({pool}) to begin: ");
    let _ = err.flush();
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == pool.trim() && !pool.trim().is_empty() {
        return Ok(());
    }
    Err((RunResult::Refused, "That is not its name. Nothing was changed.".to_owned()))
}
