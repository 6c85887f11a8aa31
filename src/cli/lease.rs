//! `poolwatch lease`: the lease calculator of the time-out budget without a screen. It computes nothing itself.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

use super::args::ConnectArgs;
use super::error::CliError;
use super::status;
use crate::config::Flags;
use crate::pool::budget::calculator::{Number, Numbers, Outcome};
use crate::pool::budget::lease::{Lease, lease};
use crate::pool::json::Grade;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Version of the format, see `docs/json.md`.
const SCHEMA: &str = "poolwatch-lease/1";

/// `poolwatch lease`
#[derive(Debug, Args)]
pub struct LeaseArgs {
    /// The pool whose guests, clocks and fence are taken: [user@]host[:port], a URL, or a profile's name. Without one, say them yourself
    pub target: Option<String>,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Disk images, each with a lease [default: the pool's running guests]
    #[arg(long, value_name = "N")]
    pub images: Option<f64>,
    /// Seconds between two renewals of a lease
    #[arg(long, value_name = "SECONDS")]
    pub every: Option<f64>,
    /// Seconds that a lease lasts [default: the shortest that is safe]
    #[arg(long, value_name = "SECONDS")]
    pub lease: Option<f64>,
    /// Seconds without storage after which tapdisk is told to end
    #[arg(long, value_name = "SECONDS")]
    pub tapdisk: Option<f64>,
    /// Seconds without storage after which a guest dies
    #[arg(long, value_name = "SECONDS")]
    pub guest: Option<f64>,
    /// Without a pool: seconds after which a host without storage is surely dead (xhad: its time-out + 15) [default: never surely]
    #[arg(long, value_name = "SECONDS", conflicts_with = "target")]
    pub dead_after: Option<f64>,
    /// Without a pool: the most that two clocks differ, in seconds [default: 300, which xapi tolerates]
    #[arg(long, value_name = "SECONDS", conflicts_with = "target")]
    pub skew: Option<f64>,
    /// Print JSON (documented in docs/json.md)
    #[arg(long)]
    pub json: bool,
    /// Give up after this many seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub timeout: u64,
}

/// The document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    pool: Option<&'a str>,
    numbers: Numbers,
    outcome: &'a Outcome,
    lease: &'a Lease,
}

/// Computes. Exit code: 0 safe, 1 not safe, 3 cannot tell.
pub async fn run(args: LeaseArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let asked = [args.images, args.every, args.lease, args.tapdisk, args.guest, args.dead_after, args.skew];
    if asked.iter().flatten().any(|n| !n.is_finite() || *n < 0.0) {
        return Err(CliError::Pool("the numbers have to be 0 or more, and finite".into()));
    }
    let (pool, basis) = if let Some(target) = &args.target {
        let (_, picture) = status::once(Some(target), &args.connect, args.timeout, flags).await?;
        if Grade::of(&picture) == Grade::CannotTell {
            return Err(CliError::Pool(picture.verdict.headline));
        }
        (Some(picture.name), picture.budget.lease)
    } else {
        (None, lease(0, args.dead_after, args.skew))
    };
    let (numbers, outcome) = compute(&args, &basis);
    let out = if args.json {
        let document = Document { schema: SCHEMA, pool: pool.as_deref(), numbers, outcome: &outcome, lease: &basis };
        let mut text = serde_json::to_string_pretty(&document).map_err(|e| CliError::Output(e.into()))?;
        text.push('\n');
        text
    } else {
        words(pool.as_deref(), &numbers, &outcome, &basis)
    };
    std::io::stdout().write_all(out.as_bytes()).map_err(CliError::Output)?;
    Ok(ExitCode::from(u8::from(!outcome.safe)))
}

fn compute(args: &LeaseArgs, basis: &Lease) -> (Numbers, Outcome) {
    let mut numbers = Numbers::usual(basis);
    let asked = [
        (Number::Images, args.images),
        (Number::Every, args.every),
        (Number::Tapdisk, args.tapdisk),
        (Number::Guest, args.guest),
        (Number::Lease, args.lease),
    ];
    for (which, value) in asked {
        if let Some(value) = value {
            numbers.set(which, value);
        }
    }
    if let (None, Some(shortest)) = (args.lease, basis.safe(numbers.every_s)) {
        numbers.set(Number::Lease, shortest.ceil());
    }
    let outcome = numbers.outcome(basis);
    (numbers, outcome)
}

fn words(pool: Option<&str>, numbers: &Numbers, outcome: &Outcome, basis: &Lease) -> String {
    let mut out = String::new();
    let of = pool.map_or_else(String::new, |name| format!("{name}: "));
    let answer = if outcome.safe {
        "safe: the host is surely dead before its lease runs out".to_owned()
    } else {
        let enough = outcome.safe_from_s.map_or_else(String::new, |least| format!("; {least:.0} s would be enough"));
        format!("NOT safe: the host may still write when its lease runs out{enough}")
    };
    let _ = writeln!(out, "{of}{answer}");
    let (images, every, lasts) = (numbers.images, numbers.every_s, numbers.lease_s);
    let _ = writeln!(out, "  {images:.0} images, each renewed every {every:.0} s, each lease lasts {lasts:.0} s");
    let guests = outcome.like_guests.ceil();
    let _ = writeln!(out, "  costs {:.2} writes a second, as many as about {guests:.0} guests make", outcome.iops);
    let _ = writeln!(
        out,
        "  runs out {:.0} s after the storage was lost at the earliest; another host can have the image after {:.0} s",
        outcome.runs_out_s, outcome.free_s
    );
    let dead = outcome.dead_s.map_or_else(|| "never surely".to_owned(), |dead| format!("after {dead:.0} s"));
    let how = if basis.skew_known { "measured or told" } else { "not measured: xapi tolerates that much" };
    let _ = writeln!(out, "  a host without storage is dead {dead}; clocks differ by {:.1} s at most ({how})", basis.skew_s);
    for problem in &outcome.problems {
        let _ = writeln!(out, "  ! {problem}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn args(line: &str) -> LeaseArgs {
        match Cli::try_parse_from(["poolwatch", "lease"].into_iter().chain(line.split_whitespace())).map(|cli| cli.command) {
            Ok(Command::Lease(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_seeds_numbers_come_out_as_on_the_screen() {
        let args = args("--images 20000 --every 600 --dead-after 75 --skew 2");
        let basis = lease(0, args.dead_after, args.skew);
        let (numbers, outcome) = compute(&args, &basis);
        assert!((numbers.lease_s - 677.0).abs() < 0.1 && outcome.safe, "{numbers:?} {outcome:?}");
        assert!((outcome.iops - 33.3).abs() < 0.1);
        let text = words(None, &numbers, &outcome, &basis);
        assert!(text.starts_with("safe:") && text.contains("33.33 writes a second"), "{text}");
    }

    #[test]
    fn what_nothing_ends_is_never_safe() {
        let args = args("--images 10 --lease 3600");
        let basis = lease(0, args.dead_after, args.skew);
        let (numbers, outcome) = compute(&args, &basis);
        assert!(!outcome.safe);
        let text = words(Some("prod"), &numbers, &outcome, &basis);
        assert!(text.starts_with("prod: NOT safe") && text.contains("never surely") && text.contains("weeks later"), "{text}");
    }

    #[test]
    fn a_pool_tells_its_own_death_and_clocks() {
        assert!(Cli::try_parse_from(["poolwatch", "lease", "xcp1", "--skew", "1"]).is_err());
    }
}
