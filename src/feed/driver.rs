//! Runs the machine of [`super::follow`] against a real pool: makes its calls, waits for its times, passes on what it sees.
//!
//! One future a pool and nothing spawned in it, so that dropping it drops everything it does; a hundred of them fit into one
//! process. Who reads slowly slows the following down, not the other way round: nothing is lost and memory stays bounded.

use super::clock::Clock;
use super::follow::hosts::Due;
use super::follow::options::{CLASSES, Options, PROBED};
use super::follow::retry::Place;
use super::follow::{Ask, CallId, Effect, End, Event, Follower, HostReply, Reply};
use super::note;
use crate::observation::{Link, Observation, Seen, Via};
use crate::xenapi::client::{Client, ClientOptions};
use crate::xenapi::error::Error;
use crate::xenapi::record::{Class, Ref};
use crate::xenapi::session::{Certainty, Credentials, Session, Span};
use crate::xenapi::target::Target;
use crate::xenapi::trust::{Fingerprint, Guard, Pinned, Store};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// So many observations are passed on at once at most.
const CHUNK: usize = 1_024;
/// With so many observations waiting to be taken nothing new is asked for.
const FULL: usize = 8 * CHUNK;

/// How a pool is followed, and with what.
#[derive(Clone, Debug)]
pub struct FollowOptions {
    /// What is asked how often.
    pub follow: Options,
    /// How the client behaves.
    pub client: ClientOptions,
    /// The trusted certificates, shared by all pools.
    pub store: Arc<Store>,
    /// Certificates that the operator accepts (`--accept-certificate`).
    pub accept: Vec<Fingerprint>,
    /// Where the session can be borrowed from.
    pub desk: Desk,
    /// For back-off.
    pub seed: u64,
}

impl FollowOptions {
    /// The usual ones.
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            follow: Options::default(),
            client: ClientOptions::default(),
            store,
            accept: Vec::new(),
            desk: Desk::default(),
            seed: fastrand::u64(..),
        }
    }
}

/// Lets others borrow the session of a pool that is being followed, for questions of their own. Cheap to clone; all clones are
/// the same desk.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Mutex<Lent>>);

#[derive(Debug, Default)]
struct Lent {
    session: Option<Session>,
    guard: Option<Arc<Guard>>,
}

/// Why a question could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// There is no session now.
    #[error("not connected to the pool at the moment")]
    NotConnected,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
}

impl Desk {
    /// A record with every field that the pool has, without its secrets.
    pub async fn raw_record(&self, class: Class, r#ref: &Ref) -> Result<serde_json::Value, DeskError> {
        Ok(self.session().ok_or(DeskError::NotConnected)?.raw_record(class, r#ref).await?)
    }

    /// The session, if there is one now. It may be over at any moment; the next one is here soon after.
    pub fn session(&self) -> Option<Session> {
        self.with(|lent| lent.session.clone())
    }

    /// The certificates that were trusted for the first time since the last call, to be shown.
    pub fn take_pinned(&self) -> Vec<Pinned> {
        self.with(|lent| lent.guard.clone()).map(|guard| guard.take_pinned()).unwrap_or_default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Lent) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a call that was made comes back with.
enum Back {
    Event(Event),
    LoggedIn(CallId, Session),
}

/// Follows a pool until `cancel` says so (or is dropped, or nobody takes the observations any more), or until it makes no sense
/// without the operator; then returns why. Logs out before it returns. `tx` gets observations in order, in batches.
pub async fn follow_pool(
    target: Target,
    credentials: Credentials,
    options: FollowOptions,
    clock: Clock,
    tx: mpsc::Sender<Vec<Observation>>,
    mut cancel: watch::Receiver<bool>,
) -> Option<Error> {
    let guard = Arc::new(Guard::new(options.store.clone(), target.port, options.accept.iter().copied()));
    let client = match Client::new(guard.clone(), options.client.clone()) {
        Ok(client) => client,
        Err(error) => {
            let seen = Seen::Link(Link::Refused { error: error.to_string() });
            let _ = tx.send(vec![Observation { at: clock.now(), seen }]).await;
            return Some(error);
        }
    };
    options.desk.with(|lent| lent.guard = Some(guard));
    let mut machine = Follower::new(target.to_string(), options.follow.clone(), options.seed);
    let mut run = Run {
        name: target.to_string(),
        target,
        credentials,
        client,
        desk: options.desk,
        session: None,
        last: None,
        calls: FuturesUnordered::new(),
        leaving: FuturesUnordered::new(),
        waiting: Vec::new(),
        held: Vec::new(),
        end: None,
    };
    let mut event = Event::Timer;
    loop {
        for effect in machine.handle(event, clock.now()) {
            run.perform(effect);
        }
        if let Some(end) = run.end.take() {
            run.finish(&tx).await;
            return match end {
                End::Left => None,
                End::NeedsOperator(error) => Some(error),
            };
        }
        event = loop {
            run.release();
            let wake = machine.wake_at().map(|at| clock.wait(at.since(clock.now())).max(Duration::from_millis(1)));
            tokio::select! {
                biased;
                stopped = cancel.wait_for(|stop| *stop) => {
                    drop(stopped);
                    break Event::Stop;
                }
                permit = tx.reserve(), if !run.waiting.is_empty() => match permit {
                    Ok(permit) => permit.send(run.next_chunk()),
                    Err(_) => break Event::Stop,
                },
                Some(back) = run.calls.next() => break run.came_back(back),
                Some(()) = run.leaving.next() => {}
                () = tokio::time::sleep(wake.unwrap_or_default()), if wake.is_some() => break Event::Timer,
            }
        };
    }
}

struct Run {
    target: Target,
    /// What it is called in the log.
    name: String,
    credentials: Credentials,
    client: Client,
    desk: Desk,
    session: Option<Session>,
    /// Where the last session was.
    last: Option<Target>,
    calls: FuturesUnordered<BoxFuture<'static, Back>>,
    /// Old sessions that are being logged out.
    leaving: FuturesUnordered<BoxFuture<'static, ()>>,
    /// Observations that nobody has taken yet.
    waiting: Vec<Observation>,
    /// Calls that wait until they have been taken.
    held: Vec<(CallId, Ask)>,
    end: Option<End>,
}

impl Run {
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Emit(observation) => {
                note::seen(&self.name, &observation.seen);
                self.waiting.push(observation);
            }
            Effect::Call(id, ask) if self.waiting.len() > FULL && brings_much(&ask) => self.held.push((id, ask)),
            Effect::Call(id, ask) => self.make(id, ask),
            Effect::Abandon => {
                self.calls = FuturesUnordered::new();
                self.held.clear();
            }
            Effect::Vouch(address, fingerprints) => {
                let allow = self.client.options().allow_plain_http;
                if let Ok(host) = self.target.sibling(&address, allow) {
                    self.client.guard().vouch(&host, fingerprints);
                }
            }
            Effect::Logout => {
                self.desk.with(|lent| lent.session = None);
                if let Some(session) = self.session.take() {
                    self.leaving.push(Box::pin(async move { session.logout().await }));
                }
            }
            Effect::End(end) => self.end = Some(end),
        }
    }

    /// Makes the calls that were held back, once there is room for what they bring.
    fn release(&mut self) {
        if self.waiting.len() <= FULL {
            for (id, ask) in std::mem::take(&mut self.held) {
                self.make(id, ask);
            }
        }
    }

    fn next_chunk(&mut self) -> Vec<Observation> {
        let rest = self.waiting.split_off(self.waiting.len().min(CHUNK));
        std::mem::replace(&mut self.waiting, rest)
    }

    fn came_back(&mut self, back: Back) -> Event {
        match back {
            Back::Event(event) => event,
            Back::LoggedIn(id, session) => {
                let coordinator = session.coordinator().to_string();
                self.last = Some(session.coordinator().clone());
                self.desk.with(|lent| lent.session = Some(session.clone()));
                if let Some(old) = self.session.replace(session) {
                    self.leaving.push(Box::pin(async move { old.logout().await }));
                }
                Event::Done(id, Reply::LoggedIn { coordinator })
            }
        }
    }

    fn make(&mut self, id: CallId, ask: Ask) {
        note::asked(&self.name, id, &ask);
        let future: BoxFuture<'static, Back> = if let Ask::Login(place) = ask {
            let (client, credentials, at) = (self.client.clone(), self.credentials.clone(), self.locate(&place));
            Box::pin(async move {
                let login = async {
                    let (target, certainty) = at?;
                    Session::login(&client, &target, &credentials, certainty).await
                };
                match login.await {
                    Ok(session) => Back::LoggedIn(id, session),
                    Err(error) => Back::Event(Event::Failed(id, error)),
                }
            })
        } else if let Some(session) = self.session.clone() {
            let allow = self.client.options().allow_plain_http;
            Box::pin(async move { Back::Event(answer(id, ask, session, allow).await) })
        } else {
            // The machine asks nothing without a session; should it ever, it must not wait for ever.
            let error = Error::Transport {
                to: self.target.to_string(),
                kind: crate::xenapi::error::Transport::Other("there is no session".to_owned()),
            };
            Box::pin(async move { Back::Event(Event::Failed(id, error)) })
        };
        self.calls.push(future);
    }

    fn locate(&self, place: &Place) -> Result<(Target, Certainty), Error> {
        match place {
            Place::Named => Ok((self.target.clone(), Certainty::FirstUse)),
            Place::Coordinator => Ok((self.last.clone().unwrap_or_else(|| self.target.clone()), Certainty::FirstUse)),
            Place::Member(address) => {
                let member = self.target.sibling(address, self.client.options().allow_plain_http).map_err(Error::Target)?;
                Ok((member, Certainty::Known))
            }
        }
    }

    /// Passes on what is left and logs out, but waits for nobody for long.
    async fn finish(mut self, tx: &mpsc::Sender<Vec<Observation>>) {
        self.calls.clear();
        let pass_on = async {
            while !self.waiting.is_empty() {
                let chunk = self.next_chunk();
                if tx.send_timeout(chunk, Duration::from_secs(2)).await.is_err() {
                    break;
                }
            }
        };
        pass_on.await;
        while self.leaving.next().await.is_some() {}
    }
}

/// Whether an answer to this may hold very many records.
const fn brings_much(ask: &Ask) -> bool {
    matches!(ask, Ask::Read(_) | Ask::Reread(_) | Ask::Poll { .. } | Ask::Messages { .. })
}

async fn answer(id: CallId, ask: Ask, session: Session, allow_plain_http: bool) -> Event {
    let now = Duration::ZERO;
    let reply = match ask {
        Ask::Read(classes) => session.event_from(classes, "", now).await.map(Reply::Batch),
        Ask::Reread(classes) => session.event_from(&classes, "", now).await.map(Reply::Batch),
        Ask::Probe => session.event_from(&PROBED, "", now).await.map(Reply::Batch),
        Ask::Poll { token, wait } => session.event_from(&CLASSES, &token.to_string(), wait).await.map(Reply::Batch),
        Ask::Messages { since } => {
            session.messages_since(since).await.map(|(messages, unreadable)| Reply::Messages(messages, unreadable))
        }
        Ask::Host(due, deadline) => {
            let start = Instant::now();
            let said = ask_host(&due, deadline, &session, allow_plain_http).await;
            let took_ms = u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX);
            Ok(Reply::Host { took_ms, said })
        }
        // Made by itself: see `Run::make`.
        Ask::Login(_) => return Event::Timer,
    };
    match reply {
        Ok(reply) => Event::Done(id, reply),
        Err(error) => Event::Failed(id, error),
    }
}

async fn ask_host(due: &Due, deadline: Duration, session: &Session, allow_plain_http: bool) -> Result<HostReply, Error> {
    if due.via == Via::Servertime {
        return session.servertime(&due.host, deadline).await.map(HostReply::Clock);
    }
    if due.via == Via::Probe {
        return session.probe(&due.host, deadline).await.map(|said| HostReply::Report(super::decode::report(&said)));
    }
    let host = if due.is_coordinator {
        session.coordinator().clone()
    } else {
        session.coordinator().sibling(&due.address, allow_plain_http).map_err(Error::Target)?
    };
    let uuid = Some(&*due.uuid).filter(|uuid| !uuid.is_empty());
    if due.via == Via::Week {
        let updates = session.rrd_updates(&host, Span::Week, deadline).await?;
        return Ok(HostReply::Week(super::decode::week(&updates, uuid)));
    }
    let updates = session.rrd_updates(&host, Span::Newest, deadline).await?;
    Ok(HostReply::Row(updates.newest_of_host(uuid)))
}
