//! The loop: one owner of the model, one `select!` over signals, keys, observations, answers and time. Draws when
//! something changed, never more often than every 25 ms, and otherwise sleeps until the next age or countdown on the
//! screen is due: an idle screen writes nothing.

use super::draw::draw;
use super::effect::{Effect, Request};
use super::keymap::{Key, Keymap};
use super::log;
use super::model::{Demo, Model, Setup};
use super::msg::{Answer, Mouse, Msg, PoolIx};
use super::terminal::{self, Call, Screen, Signals};
use super::theme::{self, Theme};
use super::update::{start_replay, update};
use crate::config::KeyOverride;
use crate::feed::clock::Clock;
use crate::observation::Observation;
use crate::time::Time;
use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures::StreamExt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(25);

/// Batches of observations that are taken in before the screen gets its turn again.
const BATCHES: usize = 64;

/// What the dashboard is started with.
#[derive(Debug)]
pub struct RunOptions {
    /// What the pools are called on the command line, in the order of [`PoolIx`].
    pub targets: Vec<String>,
    /// What the operator calls them in the configuration, in the same order; may be shorter.
    pub labels: Vec<Option<String>>,
    /// What is seen of them.
    pub observations: mpsc::Receiver<(PoolIx, Vec<Observation>)>,
    /// What came of requests, and words to the operator.
    pub answers: mpsc::Receiver<Answer>,
    /// What the dashboard wants done; a full channel is said on the screen and never waited for.
    pub requests: mpsc::Sender<Request>,
    /// The theme to use, and what is asked of the terminal.
    pub look: terminal::Look,
    /// The themes to choose from: see [`themes`].
    pub themes: Vec<Theme>,
    /// The operator's own keys.
    pub keys: Vec<KeyOverride>,
    /// Problems with the configuration, in words.
    pub problems: Vec<String>,
    /// What only the demo has.
    pub demo: Option<Demo>,
    /// Whether nothing can be written to a pool.
    pub read_only: bool,
    /// Whether what is seen is recorded, so that one can look back.
    pub records: bool,
    /// There is only a recording.
    pub replay: Option<Replay>,
    /// Rings when poolwatch logged something; without it the log stays empty.
    pub log: Option<log::Notify>,
    /// Where time comes from; the one that stamps observations.
    pub clock: Clock,
}

/// How a recording is shown.
#[derive(Clone, Debug)]
pub struct Replay {
    /// At which moment to begin; `None`: the last.
    pub at: Option<Time>,
    /// Whether it plays from the start, and how many times as fast as it was.
    pub speed: Option<f64>,
    /// In which times of day are told.
    pub zone: jiff::tz::TimeZone,
}

/// Why the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The operator left.
    Quit,
    /// We were told to end (SIGTERM, SIGINT).
    Told,
    /// The terminal is gone.
    HungUp,
}

/// Why the dashboard could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal could not be taken.
    #[error("the terminal could not be taken for the dashboard: {0}. `poolwatch status` and `poolwatch stream` work without one")]
    Enter(#[source] io::Error),
    /// Signals could not be listened for.
    #[error("signals could not be listened for: {0}")]
    Signals(#[source] io::Error),
    /// The terminal did not take a frame.
    #[error("the terminal did not take what was drawn: {0}")]
    Draw(#[source] io::Error),
    /// The terminal could not be given to the shell or taken back.
    #[error("the terminal could not be handed over or taken back: {0}")]
    Suspend(#[source] io::Error),
}

/// All themes that can be chosen from, fitted to the terminal as `look` is, and what is wrong with those that cannot be
/// read. `user_themes` is the folder of the operator's own themes.
pub fn themes(look: &terminal::Look, user_themes: Option<&Path>) -> (Vec<Theme>, Vec<String>) {
    let mut themes = Vec::new();
    let mut problems = Vec::new();
    for name in theme::available(user_themes) {
        match theme::load(&name, look.level, user_themes) {
            Ok(theme) => themes.push(theme.with_ascii(look.theme.is_ascii())),
            Err(error) => problems.push(format!("theme {name}: {error}")),
        }
    }
    // Without colours they are all the same one.
    themes.dedup_by(|a, b| a.name == b.name);
    (themes, problems)
}

/// Runs the dashboard on the terminal until the operator leaves.
pub async fn run(options: RunOptions) -> Result<Exit, TuiError> {
    let signals = Signals::listen().map_err(TuiError::Signals)?;
    let mut screen = Screen::enter(options.look.modes, options.look.level).map_err(TuiError::Enter)?;
    let exit = drive(&mut screen, Typed(Some(EventStream::new())), Signalled(signals), options).await;
    // On a terminal that is gone there is nobody to tell that it could not be given back.
    let _ = screen.leave();
    exit
}

/// Where keys come from.
pub(crate) trait Keys {
    async fn next(&mut self) -> Option<io::Result<Event>>;
    /// Reads no more, so that the shell gets its keys.
    fn pause(&mut self);
    fn resume(&mut self);
}

/// Where signals come from.
pub(crate) trait Calls {
    async fn next(&mut self) -> Call;
}

struct Typed(Option<EventStream>);

impl Keys for Typed {
    async fn next(&mut self) -> Option<io::Result<Event>> {
        match &mut self.0 {
            Some(events) => events.next().await,
            None => std::future::pending().await,
        }
    }

    fn pause(&mut self) {
        self.0 = None;
    }

    fn resume(&mut self) {
        self.0.get_or_insert_with(EventStream::new);
    }
}

struct Signalled(Signals);

impl Calls for Signalled {
    async fn next(&mut self) -> Call {
        self.0.next().await
    }
}

/// What the loop was woken by.
enum Woken {
    Call(Call),
    Event(Option<io::Result<Event>>),
    Observed(Option<(PoolIx, Vec<Observation>)>),
    Answer(Option<Answer>),
    Logged,
    Time,
}

struct Driver<'a, W: Write, K: Keys> {
    screen: &'a mut Screen<W>,
    keys: K,
    model: Model,
    requests: mpsc::Sender<Request>,
    clock: Clock,
    next_frame: Instant,
    log_grew: bool,
    title: String,
}

/// The loop, over anything that takes bytes.
pub(crate) async fn drive<W: Write>(
    screen: &mut Screen<W>,
    keys: impl Keys,
    mut calls: impl Calls,
    options: RunOptions,
) -> Result<Exit, TuiError> {
    let RunOptions { mut observations, mut answers, log, clock, .. } = options;
    let (keymap, mut problems) = Keymap::new(&options.keys);
    for problem in options.problems.iter().chain(&problems) {
        tracing::warn!("{problem}");
    }
    problems.splice(0..0, options.problems);
    let size = screen.size();
    let mut model = Model::new(Setup {
        targets: options.targets,
        theme: options.look.theme,
        themes: options.themes,
        keymap,
        problems,
        demo: options.demo,
        read_only: options.read_only,
        records: options.records,
        replay: options.replay.is_some(),
        zone: options.replay.as_ref().map_or_else(jiff::tz::TimeZone::system, |replay| replay.zone.clone()),
        now: clock.now(),
        size: (size.width, size.height),
    });
    for (pool, label) in model.pools.iter_mut().zip(options.labels) {
        pool.label = label.map(|label| crate::text::clean(&label, 64).into_owned());
    }
    let requests = options.requests;
    let next_frame = Instant::now();
    let mut driver = Driver { screen, keys, model, requests, clock, next_frame, log_grew: log.is_some(), title: String::new() };
    if let Some(replay) = options.replay {
        let effects = start_replay(&mut driver.model, replay.at, replay.speed);
        driver.run_effects(effects)?;
    }
    let (mut watching, mut answering) = (true, true);
    loop {
        driver.tick()?;
        match driver.frame() {
            Ok(()) => {}
            Err(error) if terminal::is_closed(&error) => return Ok(Exit::HungUp),
            Err(error) => return Err(TuiError::Draw(error)),
        }
        let wake = driver.wake();
        let woken = tokio::select! {
            biased;
            call = calls.next() => Woken::Call(call),
            event = driver.keys.next() => Woken::Event(event),
            answer = answers.recv(), if answering => Woken::Answer(answer),
            seen = observations.recv(), if watching => Woken::Observed(seen),
            () = logged(log.as_ref()) => Woken::Logged,
            () = until(wake) => Woken::Time,
        };
        driver.tick()?;
        let exit = match woken {
            Woken::Call(Call::End) => Some(Exit::Told),
            Woken::Call(Call::HangUp) | Woken::Event(None) => Some(Exit::HungUp),
            Woken::Call(Call::Suspend) => driver.suspend()?,
            Woken::Call(Call::Continue) => driver.resume()?,
            Woken::Event(Some(Err(error))) => {
                tracing::warn!("the terminal could not be read: {error}");
                Some(Exit::HungUp)
            }
            Woken::Event(Some(Ok(event))) => driver.event(event)?,
            Woken::Observed(None) => {
                watching = false;
                None
            }
            Woken::Observed(Some((pool, seen))) => {
                driver.take(Msg::Observed { pool, observations: seen })?;
                for _ in 0..BATCHES {
                    let Ok((pool, observations)) = observations.try_recv() else { break };
                    driver.take(Msg::Observed { pool, observations })?;
                }
                None
            }
            Woken::Answer(None) => {
                answering = false;
                None
            }
            Woken::Answer(Some(answer)) => driver.take(Msg::Answer(answer))?,
            Woken::Logged => {
                driver.log_grew = true;
                None
            }
            Woken::Time => None,
        };
        if let Some(exit) = exit {
            return Ok(exit);
        }
    }
}

async fn logged(notify: Option<&log::Notify>) {
    match notify {
        Some(notify) => notify.logged().await,
        None => std::future::pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

impl<W: Write, K: Keys> Driver<'_, W, K> {
    fn tick(&mut self) -> Result<(), TuiError> {
        let now = self.clock.now();
        self.take(Msg::Tick(now)).map(drop)
    }

    /// Draws if something changed and it is time.
    fn frame(&mut self) -> io::Result<()> {
        if self.log_grew && self.model.shows_log() {
            self.log_grew = false;
            let _ = update(&mut self.model, Msg::Logged(log::snapshot()));
        }
        if !self.model.dirty || Instant::now() < self.next_frame {
            return Ok(());
        }
        self.model.settle();
        self.model.dirty = false;
        let model = &self.model;
        self.screen.draw(|frame| draw(model, frame.buffer_mut()))?;
        self.next_frame = Instant::now() + FRAME;
        let size = self.screen.size();
        if (size.width, size.height) != self.model.size {
            let _ = update(&mut self.model, Msg::Resize(size.width, size.height));
        }
        let title = self.model.title();
        if title != self.title {
            self.screen.title(&title)?;
            self.title = title;
        }
        Ok(())
    }

    /// When to look again if nothing happens.
    fn wake(&self) -> Option<Instant> {
        if self.model.dirty || (self.log_grew && self.model.shows_log()) {
            return Some(self.next_frame);
        }
        let due = self.model.due()?;
        Some((Instant::now() + self.clock.wait(due.since(self.clock.now()))).max(self.next_frame))
    }

    fn event(&mut self, event: Event) -> Result<Option<Exit>, TuiError> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.take(Msg::Key(Key::from(key))),
            Event::Mouse(mouse) => {
                let (x, y) = (mouse.column, mouse.row);
                match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => self.take(Msg::Mouse(Mouse::Click { x, y })),
                    MouseEventKind::ScrollUp => self.take(Msg::Mouse(Mouse::WheelUp { x, y })),
                    MouseEventKind::ScrollDown => self.take(Msg::Mouse(Mouse::WheelDown { x, y })),
                    _ => Ok(None),
                }
            }
            Event::Paste(text) => self.take(Msg::Paste(text)),
            Event::Resize(width, height) => self.take(Msg::Resize(width, height)),
            _ => Ok(None),
        }
    }

    /// Takes in what happened and does what it asks for.
    fn take(&mut self, msg: Msg) -> Result<Option<Exit>, TuiError> {
        let effects = update(&mut self.model, msg);
        self.run_effects(effects)
    }

    fn run_effects(&mut self, effects: Vec<Effect>) -> Result<Option<Exit>, TuiError> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(Exit::Quit)),
                Effect::Suspend => {
                    if let Some(exit) = self.suspend()? {
                        return Ok(Some(exit));
                    }
                }
                Effect::Redraw => {
                    self.screen.redraw().map_err(TuiError::Draw)?;
                    self.model.dirty = true;
                }
                Effect::Copy(text) => {
                    if let Err(error) = self.screen.copy(&text) {
                        self.notice(format!("It could not be copied: {error}."));
                    }
                }
                Effect::Request(request) => {
                    if let Err(error) = self.requests.try_send(request) {
                        let (request, why) = match error {
                            TrySendError::Full(request) => {
                                (request, "Too much is being asked for at once; try again in a moment.")
                            }
                            TrySendError::Closed(request) => {
                                (request, "This cannot be done any more: the part that does it has ended.")
                            }
                        };
                        tracing::warn!("not done: {why}");
                        let _ = update(&mut self.model, Msg::Answer(request.refused(why)));
                        self.notice(why.to_owned());
                    }
                }
            }
        }
        Ok(None)
    }

    fn notice(&mut self, text: String) {
        let _ = update(&mut self.model, Msg::Answer(Answer::Notice { pool: None, text, wrong: true }));
    }

    /// Gives the terminal to the shell and stops.
    fn suspend(&mut self) -> Result<Option<Exit>, TuiError> {
        if !terminal::can_stop() {
            self.notice("There is no shell that could bring poolwatch back, so it is not suspended.".to_owned());
            return Ok(None);
        }
        self.keys.pause();
        self.screen.lend().map_err(TuiError::Suspend)?;
        terminal::stop().map_err(TuiError::Suspend)?;
        Ok(None)
    }

    /// Takes the terminal again after SIGCONT.
    fn resume(&mut self) -> Result<Option<Exit>, TuiError> {
        match self.screen.resume() {
            Ok(()) => {}
            Err(error) if terminal::is_closed(&error) => return Ok(Some(Exit::HungUp)),
            Err(error) => return Err(TuiError::Suspend(error)),
        }
        self.keys.resume();
        self.model.dirty = true;
        self.next_frame = Instant::now();
        Ok(None)
    }
}
