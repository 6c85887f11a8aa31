//! The dashboard on pools that are being followed: theme, log, and what the dashboard wants done outside of itself.

use super::crash::desk::{Crashes, Site};
use super::error::CliError;
use super::follow;
use super::logging;
use super::past::{Reader, Wanted};
use super::record;
use super::roll::desk::{Rounds, Seed};
use super::setup::{Entry, Setup};
use crate::config::{Flags, ThemeChoice};
use crate::feed::clock::Clock;
use crate::feed::driver::Desk;
use crate::feed::follow::options::Options;
use crate::feed::journal::{Journal, Weight};
use crate::observation::{Link, Observation, Seen};
use crate::recording::background::Background;
use crate::recording::folder::{Limits, of_pool};
use crate::time::Time;
use crate::tui::effect::Request;
use crate::tui::model::Demo;
use crate::tui::msg::{Answer, PoolIx};
use crate::tui::run::{self, Exit, RunOptions};
use crate::tui::terminal::Look;
use crate::tui::theme::{self, ColourLevel, Theme};
use jiff::tz::TimeZone;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The file in the state folder that keeps the theme that was picked on the screen.
const PICKED: &str = "theme";
/// Requests that wait to be done.
const REQUESTS: usize = 32;

/// What the dashboard of a demo can do to its simulated pools.
pub trait Stage: Send + 'static {
    /// Sets off a fault by the id of its choice; says what happens now.
    fn inject(&mut self, id: &str) -> Result<String, String>;
    /// Changes the speed and says what it is now.
    fn speed(&mut self, speed: f64) -> f64;
}

/// Runs the dashboard until the operator leaves; logs out everywhere.
pub async fn run(
    setup: &Setup,
    flags: &Flags,
    entries: Vec<Entry>,
    read_only: bool,
    clock: Clock,
    keep: Option<Limits>,
    demo: Option<(Demo, Box<dyn Stage>)>,
) -> Result<ExitCode, CliError> {
    if !std::io::stdout().is_terminal() {
        return Err(CliError::Pool(
            "the dashboard needs a terminal; without one, `poolwatch status` and `poolwatch stream` work".to_owned(),
        ));
    }
    crate::sim::server::raise_file_limit();
    let log = logging::with_pane(&setup.config.log)?;
    let (look, themes, problems) = look(setup, flags, &entries)?;
    let targets: Vec<String> = entries.iter().map(|entry| entry.called.clone()).collect();
    let labels = entries.iter().map(|entry| entry.label.clone()).collect();
    // With several pools each line of the log says whose it is.
    let whose = (0..targets.len()).map(|at| whose_of(&targets, at)).collect();
    let (demo, stage) = demo.unzip();
    let (request, requests) = mpsc::channel(REQUESTS);
    let (answer, answers) = mpsc::channel(REQUESTS);
    // A demo's pools end with it, and their rounds too.
    let own = demo.as_ref().map(|_| std::env::temp_dir().join(format!("poolwatch-demo-{}", std::process::id())));
    let data = own.clone().unwrap_or_else(|| setup.dirs.data.clone());
    let rounds = Rounds::start(seeds(setup, &entries, read_only, own.is_some()), &data, &clock, &TimeZone::system(), &answer);
    let records = keep.is_some();
    let recorders: Vec<Option<Arc<Background>>> = entries
        .iter()
        .enumerate()
        .map(|(at, _)| {
            let (answer, whose) = (answer.clone(), whose_of(&targets, at));
            let told = move |why: Option<&str>| {
                record::log_trouble(&whose, why);
                let text =
                    why.map_or_else(|| "It is recorded again.".to_owned(), |why| format!("Nothing is recorded now: {why}."));
                let _ = answer.try_send(Answer::Notice { pool: Some(PoolIx(at)), text, wrong: why.is_some() });
            };
            record::into_library(&data, keep?, targets.len(), told)
        })
        .collect();
    // What the operator has written down stays, also of a demo.
    let crashes = Crashes::new(
        entries.iter().map(|entry| Site::of(entry, no_writes(entry, read_only))).collect(),
        &setup.dirs.data,
        answer.clone(),
    );
    let mut followed = follow::start_recorded(entries, &clock, &data, &recorders);
    let past =
        Past { recorders: recorders.clone(), data: data.clone(), reader: Reader::start(answer.clone(), TimeZone::system()) };
    let (seen, observations) = mpsc::channel(4);
    let desks = followed.desks.clone();
    let passing = tokio::spawn(pass_on(
        std::mem::replace(&mut followed.observations, mpsc::channel(1).1),
        seen,
        desks.clone(),
        answer.clone(),
        whose,
    ));
    let doers = Doers { desks, stage, picked: setup.dirs.state.join(PICKED), rounds, past, crashes };
    let serving = tokio::spawn(serve(requests, answer, doers));
    let options = RunOptions {
        targets,
        labels,
        observations,
        answers,
        requests: request,
        look,
        themes,
        keys: setup.config.keys.clone(),
        problems,
        demo,
        read_only,
        records,
        replay: None,
        log: Some(log),
        clock,
    };
    let exit = run::run(options).await;
    passing.abort();
    // The loop is gone and with it who could ask: `serve` ends by itself, and what is under way is left in good order.
    let mut left = Vec::new();
    if let Ok(rounds) = serving.await {
        left = rounds.leave().await;
    }
    followed.stop().await;
    // What is left is written.
    drop(recorders);
    match own {
        Some(folder) => drop(std::fs::remove_dir_all(folder)),
        None => left.iter().for_each(|text| eprintln!("poolwatch: {text}")),
    }
    Ok(exit_code(exit?))
}

/// The exit code of a dashboard.
pub fn exit_code(exit: Exit) -> ExitCode {
    match exit {
        Exit::Quit => ExitCode::SUCCESS,
        // As the shell calls programs that a signal ended.
        Exit::Told => ExitCode::from(128 + 15),
        Exit::HungUp => ExitCode::from(128 + 1),
    }
}

/// What lines of the log begin with: with several pools, whose they are.
fn whose_of(targets: &[String], at: usize) -> String {
    targets.get(at).filter(|_| targets.len() > 1).map_or_else(String::new, |label| format!("{label}: "))
}

/// What it takes to look back.
struct Past {
    recorders: Vec<Option<Arc<Background>>>,
    data: PathBuf,
    reader: Option<Reader>,
}

impl Past {
    /// Where a pool is recorded; why it is not.
    fn path(&self, pool: PoolIx) -> Result<PathBuf, String> {
        let recorder = self.recorders.get(pool.0).and_then(Option::as_ref).ok_or("Nothing is recorded of this pool.")?;
        let uuid = recorder.state().uuid.ok_or("Nothing is recorded yet: the pool was not read.")?;
        Ok(of_pool(&self.data, &uuid))
    }

    /// Asks for a moment; why not, if it will not be answered.
    fn ask(&self, pool: PoolIx, ask: u64, at: Option<Time>) -> Result<(), String> {
        let path = self.path(pool)?;
        let reader = self.reader.as_ref().ok_or("No thread could be started to read recordings.")?;
        if reader.ask(Wanted { pool, ask, at, path }) { Ok(()) } else { Err("Recordings can no longer be read.".to_owned()) }
    }
}

/// The theme for a picture that nobody looks at while it is made.
pub fn still_theme(setup: &Setup, flags: &Flags) -> Result<Theme, CliError> {
    let folder = setup.dirs.themes();
    let name = flags.theme.as_deref().filter(|name| *name != "auto").unwrap_or("dark");
    Ok(theme::load(name, ColourLevel::TrueColour, Some(&folder))?)
}

/// What the rounds of each pool need to know.
fn seeds(setup: &Setup, entries: &[Entry], read_only: bool, demo: bool) -> Vec<Seed> {
    let seed =
        |entry: &Entry| Seed::of(entry, if demo { Options::default() } else { setup.intervals(1) }, no_writes(entry, read_only));
    entries.iter().map(seed).collect()
}

/// Why nothing may be written to a pool; `None`: it may.
fn no_writes(entry: &Entry, read_only: bool) -> Option<String> {
    let profile = entry.profile.as_ref().is_some_and(|profile| profile.read_only);
    match (read_only, profile) {
        (_, true) => Some("Its profile says read_only: nothing is changed in this pool.".to_owned()),
        (true, _) => Some("This dashboard was started with --read-only: nothing is changed.".to_owned()),
        _ => None,
    }
}

/// Passes observations on, logs what is worth a line, and says which certificates were trusted for the first time on the way.
async fn pass_on(
    mut from: mpsc::Receiver<(PoolIx, Vec<Observation>)>,
    to: mpsc::Sender<(PoolIx, Vec<Observation>)>,
    desks: Vec<Desk>,
    answers: mpsc::Sender<Answer>,
    whose: Vec<String>,
) {
    let mut journals: Vec<(String, Journal)> = whose.into_iter().map(|whose| (whose, Journal::default())).collect();
    while let Some((pool, batch)) = from.recv().await {
        if let Some((whose, journal)) = journals.get_mut(pool.0) {
            for (weight, text) in batch.iter().filter_map(|seen| journal.line(seen)) {
                match weight {
                    Weight::Info => tracing::info!(target: "poolwatch::pool", "{whose}{text}"),
                    Weight::Warning => tracing::warn!(target: "poolwatch::pool", "{whose}{text}"),
                }
            }
        }
        let contact = batch.iter().any(|o| matches!(o.seen, Seen::Link(Link::Live { .. }) | Seen::Answer(_)));
        let pinned = desks.get(pool.0).filter(|_| contact).map(Desk::take_pinned).unwrap_or_default();
        if to.send((pool, batch)).await.is_err() {
            return;
        }
        for pinned in pinned {
            let text = match pinned.instead_of {
                None => format!(
                    "First contact with {}: its certificate is trusted from now on. SHA256:{}",
                    pinned.to, pinned.fingerprint
                ),
                Some(old) => format!(
                    "{} has another certificate, as accepted: SHA256:{} instead of SHA256:{old}",
                    pinned.to, pinned.fingerprint
                ),
            };
            tracing::info!(target: "poolwatch::pool", "{text}");
            // A full channel means that the screen is busy; the log has it.
            let _ = answers.try_send(Answer::Notice { pool: Some(pool), text, wrong: false });
        }
    }
}

/// Who does what the dashboard asks for.
struct Doers {
    /// One for each pool.
    desks: Vec<Desk>,
    /// The simulated pool's, in the demo.
    stage: Option<Box<dyn Stage>>,
    /// The file that holds the theme that was chosen.
    picked: std::path::PathBuf,
    rounds: Rounds,
    past: Past,
    crashes: Crashes,
}

/// Does what the dashboard asks for.
async fn serve(mut requests: mpsc::Receiver<Request>, answers: mpsc::Sender<Answer>, doers: Doers) -> Rounds {
    let Doers { desks, mut stage, picked, rounds, past, mut crashes } = doers;
    while let Some(request) = requests.recv().await {
        let answer = match request {
            Request::FetchRaw { pool, class, r#ref } => {
                let Some(desk) = desks.get(pool.0).cloned() else { continue };
                let answers = answers.clone();
                // Not waited for: a slow pool must not hold up what the next key wants.
                tokio::spawn(async move {
                    let record = desk.raw_record(class, &r#ref).await.map_err(|error| error.to_string());
                    tracing::info!(target: "poolwatch::request", "asked for the raw fields of {} {}", class.event_name(), r#ref.as_str());
                    let result = record.and_then(|json| serde_json::to_string_pretty(&json).map_err(|error| error.to_string()));
                    let _ = answers.send(Answer::Raw { pool, r#ref, result }).await;
                });
                continue;
            }
            Request::LookBack { pool, ask, at } => match past.ask(pool, ask, at) {
                Ok(()) => continue,
                Err(why) => Answer::LookedBack { pool, ask, result: Err(why) },
            },
            request @ (Request::ReadCrash { .. }
            | Request::StopCrash { .. }
            | Request::SaveCrash { .. }
            | Request::WriteCause { .. }) => {
                let recording = match &request {
                    Request::ReadCrash { pool, .. } => past.path(*pool).ok(),
                    _ => None,
                };
                match crashes.ask(request, recording) {
                    Ok(()) => continue,
                    Err(request) => request.refused("This dashboard cannot do that."),
                }
            }
            Request::Inject { id } => {
                let result = stage.as_mut().map_or_else(|| Err("this is a real pool".to_owned()), |stage| stage.inject(&id));
                match &result {
                    Ok(said) => tracing::warn!(target: "poolwatch::demo", "set off: {id}: {said}"),
                    Err(why) => tracing::warn!(target: "poolwatch::demo", "could not set off {id}: {why}"),
                }
                Answer::Fault { id, result }
            }
            Request::Speed(speed) => match stage.as_mut() {
                Some(stage) => {
                    let speed = stage.speed(speed);
                    tracing::info!(target: "poolwatch::demo", "the simulated time now runs at {speed} × ours");
                    Answer::Speed(speed)
                }
                None => continue,
            },
            request @ (Request::FindRun { .. }
            | Request::Survey { .. }
            | Request::Mend { .. }
            | Request::StartRun { .. }
            | Request::ResumeRun { .. }
            | Request::RunCommand { .. }) => match rounds.ask(request) {
                Ok(()) => continue,
                Err(request) => request.refused("Too much was asked of this pool at once; try again in a moment."),
            },
            Request::SaveTheme(name) => match save(&picked, &name) {
                Ok(()) => {
                    tracing::info!(target: "poolwatch::screen", "the theme {name} is kept in {}", picked.display());
                    continue;
                }
                Err(error) => {
                    let text = format!("The theme could not be kept in {}: {error}", picked.display());
                    Answer::Notice { pool: None, text, wrong: true }
                }
            },
        };
        if answers.send(answer).await.is_err() {
            break;
        }
    }
    rounds
}

fn save(path: &std::path::Path, name: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{name}\n"))
}

/// What the dashboard looks like, all that it could, and what was wrong with any of it.
pub fn look(setup: &Setup, flags: &Flags, entries: &[Entry]) -> Result<(Look, Vec<Theme>, Vec<String>), CliError> {
    let folder = setup.dirs.themes();
    let profile = match entries {
        [only] => only.profile.as_ref(),
        _ => None,
    };
    let mut config = setup.config.clone();
    if flags.theme.is_none() && config.theme == ThemeChoice::default() {
        let picked = std::fs::read_to_string(setup.dirs.state.join(PICKED)).unwrap_or_default();
        if !picked.trim().is_empty() {
            config.theme = ThemeChoice::named(picked.trim());
        }
    }
    let mut problems = Vec::new();
    let look = match Look::decide(&config, profile, Some(&folder)) {
        Ok(look) => look,
        Err(error) if flags.theme.is_some() => return Err(error.into()),
        Err(error) => {
            // A theme that broke must not keep anyone from looking at a pool at night.
            problems.push(error.to_string());
            config.theme = ThemeChoice::default();
            Look::decide(&config, None, None)?
        }
    };
    let (themes, broken) = run::themes(&look, Some(&folder));
    problems.extend(broken);
    Ok((look, themes, problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Dirs};
    use crate::xenapi::trust::Store;
    use std::sync::Arc;

    fn setup(name: &str, theme: &str) -> Setup {
        let home = std::env::temp_dir().join(format!("poolwatch-screen-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).expect("a folder for the test");
        let store = Arc::new(Store::open(&home).expect("none yet"));
        let dirs = Dirs { home: home.clone(), config: home.clone(), data: home.clone(), state: home };
        let config = Config { theme: ThemeChoice::named(theme), ..Config::default() };
        Setup { dirs, config, store }
    }

    #[test]
    fn a_theme_that_is_asked_for_now_must_be_there_and_one_of_the_file_gives_way() {
        let flags = Flags { theme: Some("nope".into()), ..Flags::default() };
        let error = look(&setup("flag", "nope"), &flags, &[]).map(|_| ()).expect_err("it was asked for").to_string();
        assert!(error.contains("nope"), "{error}");
        let (look, themes, problems) = look(&setup("file", "nope"), &Flags::default(), &[]).expect("the dashboard starts");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("nope"), "{problems:?}");
        assert!(themes.iter().any(|theme| theme.name == look.theme.name));
    }

    #[test]
    fn the_theme_that_was_picked_on_the_screen_is_there_again() {
        let setup = setup("picked", "auto");
        save(&setup.dirs.state.join(PICKED), "mono").expect("written");
        let (look, _, problems) = look(&setup, &Flags::default(), &[]).expect("mono is bundled");
        assert_eq!((look.theme.name.as_str(), problems.len()), ("mono", 0));
    }
}
