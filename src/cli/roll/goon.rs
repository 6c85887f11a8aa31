//! `--resume`, `--restore`, `--abort`: goes on with a round whose program ended, from its journal and the pool as it is now.

use super::args::RollArgs;
use super::prepare::Refusal;
use super::steer::Begun;
use super::watch::Watch;
use super::who;
use crate::pool::Pool;
use crate::rollout::claim::Claim;
use crate::rollout::driver::{self, StartError};
use crate::rollout::entry::{Command, RunResult};
use crate::rollout::journal::file;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long it may take until the pool was seen anew.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the feed may take to notice that its clock went forward.
const NOTICE: Duration = Duration::from_millis(300);

/// Finds the journal, opens it and gets the run ready.
pub async fn go_on(args: &RollArgs, data: &Path, watch: &mut Watch) -> Result<Begun, Refusal> {
    let pool = watch.pool.records().the_pool().map(|pool| pool.uuid.to_string()).unwrap_or_default();
    if pool.is_empty() {
        return Err((RunResult::Unknown, "the pool does not say which it is".to_owned()));
    }
    let path = match &args.journal {
        Some(path) => path.clone(),
        None => find(data, &pool, args.restore, watch)?,
    };
    let mut first = Vec::new();
    if args.restore {
        first.push(Command::Restore);
    }
    if args.abort {
        first.push(Command::Abort);
    }
    resume(&path, &pool, watch, args.restore, first).await
}

/// The newest round of this pool that is not over, or left something undone; ready to be driven.
pub async fn go_on_with_newest(data: &Path, watch: &mut Watch) -> Result<Begun, Refusal> {
    let pool = watch.pool.records().the_pool().map(|pool| pool.uuid.to_string()).unwrap_or_default();
    let path = find(data, &pool, true, watch)?;
    let over = file::read(&path).is_ok_and(|journal| journal.is_over());
    let first = if over { vec![Command::Restore] } else { Vec::new() };
    resume(&path, &pool, watch, true, first).await
}

/// Opens this journal and gets its run ready.
async fn resume(path: &Path, pool: &str, watch: &mut Watch, again: bool, mut first: Vec<Command>) -> Result<Begun, Refusal> {
    // The journal may be another machine's, whose clock is ahead of ours.
    if let Some(line) = file::read(path).ok().and_then(|journal| journal.lines.last().cloned())
        && line.at > watch.clock.now()
    {
        // What was seen until now has become old by that: it is seen anew first.
        watch.clock.not_before(line.at);
        watch.during(tokio::time::sleep(NOTICE)).await;
        super::prepare::current(watch, PATIENCE).await?;
    }
    let (tell, lines) = mpsc::unbounded_channel();
    let opened = driver::resume(path, pool, &who::owner(), watch.clock.now(), again, tell);
    let (engine, before) = opened.map_err(|error| match error {
        StartError::Unknown(_) => (RunResult::Unknown, error.to_string()),
        other => (RunResult::Refused, other.to_string()),
    })?;
    // Who resumes a run that had stopped wants it to try again.
    if engine.run.stuck.is_some() && first.is_empty() {
        first.push(Command::Retry);
    }
    if engine.run.wish == crate::rollout::run::Wish::Pause && first.is_empty() {
        first.push(Command::Resume);
    }
    Ok(Begun { engine, before, lines, first })
}

fn find(data: &Path, pool: &str, over: bool, watch: &Watch) -> Result<PathBuf, Refusal> {
    match file::newest(data, pool, over) {
        Ok(Some((path, _))) => Ok(path),
        Ok(None) => Err(without(data, pool, watch)),
        Err(error) => Err((RunResult::Refused, format!("{error}. Name the right one with --journal"))),
    }
}

/// There is no journal here: says what can be known without it, and what cannot.
fn without(data: &Path, pool: &str, watch: &Watch) -> Refusal {
    let folder = file::folder(data, pool);
    let claim = watch.pool.records().the_pool().and_then(|pool| Claim::of(&pool.other_config));
    let Some(claim) = claim else {
        let text = format!(
            "There is no round of this pool to go on with: no claim on it, and no journal of one that is not over in {}.",
            folder.display()
        );
        return (RunResult::Refused, text);
    };
    let now = watch.clock.now();
    let mut text =
        format!("The pool is claimed by {}, and there is no journal of that run in {}. ", claim.words(now), folder.display());
    let _ = write!(
        text,
        "Without it is known: {}. Not known are: which hosts are done, where guests were before, which guests were shut down for it, and \
         how HA was configured. Copy the journal from the machine where it ran (runs/{pool}/ in its data folder) and give it with \
         --journal FILE; or put back by hand what is listed here, and begin a new round with --take-over once the claim is dead.",
        known(&watch.pool)
    );
    (RunResult::Unknown, text)
}

/// What the pool itself tells of a round that was left.
fn known(pool: &Pool) -> String {
    let records = pool.records();
    let mut out = Vec::new();
    let mut disabled: Vec<String> = records
        .hosts()
        .filter(|(_, host)| !host.enabled)
        .map(|(_, host)| crate::text::clean(&host.name_label, 80).into_owned())
        .collect();
    disabled.sort_unstable();
    out.push(if disabled.is_empty() { "every host is enabled".to_owned() } else { format!("disabled: {}", disabled.join(", ")) });
    if let Some(pool) = records.the_pool() {
        out.push(format!("HA is {}", if pool.ha_enabled { "on" } else { "off" }));
        if let Some(auto) = pool.other_config.get("auto_poweron") {
            out.push(format!("automatic power-on is {}", crate::text::clean(auto, 20)));
        }
        out.push(format!("workload balancing is {}", if pool.wlb_enabled { "on" } else { "off" }));
    }
    out.join("; ")
}
