//! `poolwatch replay`: a recording on the same screen, as JSON, or as a picture.

use super::crash::desk::Crashes;
use super::error::CliError;
use super::past::{Reader, Wanted};
use super::screen;
use super::setup::Setup;
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::pool::json::Status;
use crate::recording::player::Player;
use crate::text;
use crate::time::Time;
use crate::tui::effect::Request;
use crate::tui::model::past::{Moment, typed};
use crate::tui::msg::Answer;
use crate::tui::picture::{Still, picture};
use crate::tui::run::{self, RunOptions};
use jiff::tz::TimeZone;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Requests and answers that wait.
const WAITING: usize = 32;

/// `poolwatch replay`
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The recording: a file, or the folder with the recordings of a pool
    pub file: PathBuf,
    /// The moment to begin at: 14:05, 14:05:30, '2026-11-21 14:05', -5min from the end, +90s from the beginning [default: the beginning; with --json and --svg the end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// Play from the start, so many times as fast as it was
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
    /// Print the state at that moment as JSON, as `status --json` does (docs/json.md)
    #[arg(long, conflicts_with_all = ["speed", "svg"])]
    pub json: bool,
    /// Draw the screen at that moment into this file, as an SVG picture
    #[arg(long, value_name = "OUT", conflicts_with = "speed")]
    pub svg: Option<PathBuf>,
    /// Columns and rows of the picture
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = size, requires = "svg")]
    pub size: (u16, u16),
    /// Keys to press before the picture is drawn, e.g. enter, or "v"
    #[arg(long, value_name = "KEYS", requires = "svg", value_delimiter = ' ')]
    pub press: Vec<String>,
    /// Times of day of this zone, e.g. UTC or Europe/Stockholm [default: where you are]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub zone: Option<TimeZone>,
}

fn speed(word: &str) -> Result<f64, String> {
    let (least, most) = crate::tui::model::past::SPEEDS;
    word.parse::<f64>()
        .ok()
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("expected a number from {least} to {most}"))
}

fn size(word: &str) -> Result<(u16, u16), String> {
    let parsed = word.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    parsed
        .filter(|(w, h)| (20..=400).contains(w) && (5..=200).contains(h))
        .ok_or_else(|| "expected columns x rows, such as 120x40".to_owned())
}

fn zone(word: &str) -> Result<TimeZone, String> {
    if word.eq_ignore_ascii_case("utc") { Ok(TimeZone::UTC) } else { TimeZone::get(word).map_err(|error| error.to_string()) }
}

/// A moment as it is named on the command line.
pub(super) fn at(word: &str, from: Time, to: Time, zone: &TimeZone) -> Result<Time, CliError> {
    let found = match word.strip_prefix('+') {
        Some(after) => crate::config::parse_duration(after).map(|after| from + after),
        None => typed(word, to, zone),
    };
    let found = found.ok_or_else(|| {
        CliError::Record(format!("--at {word:?} is no time: 14:05, 14:05:30, '2026-11-21 14:05', -5min and +90s are understood"))
    })?;
    if found < from || found > to {
        return Err(CliError::Record(format!(
            "--at {word:?} is outside of the recording, which goes from {from} to {to} (that is UTC)"
        )));
    }
    Ok(found)
}

/// Shows a recording.
pub async fn run(args: ReplayArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let zone = args.zone.clone().unwrap_or_else(TimeZone::system);
    let mut player = Player::open(&args.file, zone.clone())?;
    for problem in player.recording().left_out() {
        eprintln!("poolwatch: left out: {}", text::clean_lines(problem, 2_000));
    }
    let (from, to) = player.recording().span();
    let moment = args.at.as_deref().map(|word| at(word, from, to, &zone)).transpose()?;
    if args.json {
        let moment = moment.unwrap_or(to);
        let pool = player.go(moment)?;
        let picture = pool.picture(moment);
        let mut out =
            serde_json::to_string_pretty(&Status::of(pool, &picture)).map_err(|error| CliError::Output(error.into()))?;
        out.push('\n');
        std::io::stdout().write_all(out.as_bytes()).map_err(CliError::Output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let setup = Setup::load(flags)?;
    if let Some(out) = &args.svg {
        return draw(&args, &setup, flags, &mut player, moment.unwrap_or(to), out, zone);
    }
    if !std::io::stdout().is_terminal() {
        return Err(CliError::Pool("the dashboard needs a terminal; without one, `poolwatch replay --json` works".to_owned()));
    }
    let called = player.header().pool;
    drop(player);
    show(&args, &setup, flags, called, moment.unwrap_or(from), zone).await
}

/// The screen at one moment, as a picture.
fn draw(
    args: &ReplayArgs,
    setup: &Setup,
    flags: &Flags,
    player: &mut Player,
    at: Time,
    out: &Path,
    zone: TimeZone,
) -> Result<ExitCode, CliError> {
    let theme = screen::still_theme(setup, flags)?;
    let line = Arc::new(player.time_line());
    let pool = Arc::new(player.go(at)?.clone());
    let called = player.header().pool;
    let still = Still { called, moment: Moment { at, pool, line }, theme, size: args.size, press: args.press.clone(), zone };
    let svg = picture(still).map_err(CliError::Record)?;
    std::fs::write(out, svg).map_err(|error| CliError::Report { path: out.to_owned(), error })?;
    Ok(ExitCode::SUCCESS)
}

/// The dashboard on a recording.
async fn show(
    args: &ReplayArgs,
    setup: &Setup,
    flags: &Flags,
    called: String,
    at: Time,
    zone: TimeZone,
) -> Result<ExitCode, CliError> {
    let log = super::logging::with_pane(&setup.config.log)?;
    let (look, themes, problems) = screen::look(setup, flags, &[])?;
    let (request, mut requests) = mpsc::channel(WAITING);
    let (answer, answers) = mpsc::channel(WAITING);
    let reader = Reader::start(answer.clone(), zone.clone())
        .ok_or_else(|| CliError::Record("no thread could be started to read the recording".to_owned()))?;
    let path = args.file.clone();
    let mut crashes = Crashes::new(Vec::new(), &setup.dirs.data, answer.clone());
    let serving = tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let said = match request {
                Request::LookBack { pool, ask, at } => {
                    if reader.ask(Wanted { pool, ask, at, path: path.clone() }) {
                        continue;
                    }
                    Answer::LookedBack { pool, ask, result: Err("the recording can no longer be read".to_owned()) }
                }
                other => match crashes.ask(other, Some(path.clone())) {
                    Ok(()) => continue,
                    Err(other) => other.refused("This is a recording."),
                },
            };
            if answer.send(said).await.is_err() {
                break;
            }
        }
    });
    let (_nothing, observations) = mpsc::channel(1);
    let options = RunOptions {
        targets: vec![called],
        labels: Vec::new(),
        observations,
        answers,
        requests: request,
        look,
        themes,
        keys: setup.config.keys.clone(),
        problems,
        demo: None,
        read_only: true,
        records: true,
        replay: Some(run::Replay { at: Some(at), speed: args.speed, zone }),
        log: Some(log),
        clock: Clock::start(),
    };
    let exit = run::run(options).await;
    serving.abort();
    Ok(screen::exit_code(exit?))
}
