//! `poolwatch status`: one look, in words or as JSON, and an exit code.

use super::args::{ConnectArgs, StatusArgs};
use super::error::CliError;
use super::follow::{self, FirstLook, Followed};
use super::logging;
use super::setup::Setup;
use super::stream::changes::gate_word;
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::pool::Pool;
use crate::pool::json::{Grade, Status};
use crate::pool::picture::{LinkState, Picture, Severity};
use crate::text;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// Looks once.
pub async fn run(args: StatusArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let (pool, picture) = once(args.target.as_deref(), &args.connect, args.timeout, flags).await?;
    let out = if args.json { to_json(&pool, &picture)? } else { words(&picture) };
    std::io::stdout().write_all(out.as_bytes()).map_err(CliError::Output)?;
    Ok(ExitCode::from(Grade::of(&picture) as u8))
}

/// One look at a pool: what is known of it, and the picture of that. An error if nothing came of it within `patience` seconds.
pub async fn once(
    target: Option<&str>,
    connect: &ConnectArgs,
    patience: u64,
    flags: &Flags,
) -> Result<(Pool, Picture), CliError> {
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let entry = setup.one(target, connect).await?;
    let clock = Clock::start();
    let mut pool = Pool::new(&entry.called).in_zone(TimeZone::system());
    let mut followed = follow::start(vec![entry], &clock, &setup.dirs.data);
    let picture = look(&mut pool, &mut followed, &clock, Duration::from_secs(patience)).await;
    for pinned in followed.desks.iter().flat_map(crate::feed::driver::Desk::take_pinned) {
        eprintln!(
            "poolwatch: first contact with {}: its certificate is trusted from now on, fingerprint SHA256:{}",
            pinned.to, pinned.fingerprint
        );
    }
    followed.stop().await;
    if picture.hosts.is_empty() {
        return Err(CliError::Pool(picture.link.text));
    }
    Ok((pool, picture))
}

/// Folds what is seen until the picture is complete, the connection is refused, or time is up.
async fn look(pool: &mut Pool, followed: &mut Followed, clock: &Clock, patience: Duration) -> Picture {
    let end = clock.now() + patience;
    let mut first = FirstLook::default();
    loop {
        let now = clock.now();
        let picture = pool.picture(now);
        if first.is_over(&picture, now) || now >= end {
            return picture;
        }
        let wait = Duration::from_millis(200).min(end.since(now));
        if let Ok(Some((_, batch))) = tokio::time::timeout(wait, followed.observations.recv()).await {
            for observation in &batch {
                pool.apply(observation);
            }
        }
    }
}

fn to_json(pool: &Pool, picture: &Picture) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(&Status::of(pool, picture)).map_err(|e| CliError::Output(e.into()))?;
    text.push('\n');
    Ok(text)
}

/// The picture as a page of plain text.
pub fn words(picture: &Picture) -> String {
    let mut out = String::new();
    let verdict = &picture.verdict;
    let _ = writeln!(
        out,
        "{}: {}, xapi {}, {} hosts, {} guests",
        picture.name,
        picture.product,
        picture.xapi,
        picture.hosts.len(),
        picture.guests
    );
    if picture.link.state != LinkState::Live {
        let _ = writeln!(out, "connection: {}", picture.link.text);
    }
    let _ = writeln!(out, "reboot the next host: {} - {}", gate_word(verdict.state), verdict.headline);
    if !verdict.opens_when.is_empty() {
        let _ = writeln!(out, "  opens when: {}", verdict.opens_when);
    }
    for reason in &verdict.reasons {
        let weight: &str = match reason.severity {
            Severity::Hard => "hard",
            Severity::Soft => "soft",
            Severity::Note => "note",
        };
        let _ = writeln!(
            out,
            "  {weight}: {} [{}; {} ago]",
            reason.text,
            reason.evidence,
            text::duration(picture.at.since(reason.seen))
        );
    }
    for host in &picture.hosts {
        let paths = host.paths.map_or_else(String::new, |(up, total)| format!(", paths {up}/{total}"));
        let role = if host.coordinator { " (coordinator)" } else { "" };
        let gate = gate_word(host.gate.state).to_lowercase();
        let _ = writeln!(
            out,
            "host {}{role}: {}, gate {gate}, {} guests{paths}, {}",
            host.name, host.state.text, host.vms, host.version
        );
    }
    for rebuild in &picture.rebuilds {
        let _ = writeln!(out, "rebuild of {}: {}", rebuild.sr, rebuild.text);
    }
    for row in picture.budget.problems() {
        let _ = writeln!(out, "time-out of {} at {:.0} s: {}. What to do: {}", row.who, row.at_s, row.problem, row.mend);
    }
    if let Some(rewind) = &picture.control.rewind {
        let _ = writeln!(out, "the pool's database went back in time, from change {} to {}", rewind.from, rewind.to);
        for change in &rewind.changes {
            let what: &str = change.what.into();
            let _ = writeln!(out, "  {what}: {} {}: {}", change.class.call_name(), change.name, change.text);
        }
        if rewind.more > 0 {
            let _ = writeln!(out, "  and {} more", rewind.more);
        }
    }
    for alert in picture.alerts.iter().filter(|alert| alert.still_true == Some(true)) {
        let _ = writeln!(out, "alert {}: {}", alert.about, alert.text);
    }
    out
}
