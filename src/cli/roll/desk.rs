//! Rounds for the dashboard: one worker a pool that plans, checks, runs and resumes what its wizard asks for. Each follows its pool by
//! itself while it has work, as often as one pool is followed: a round must not depend on how many pools are on the screen.

use super::goon;
use super::prepare::{self, Prepared, Refusal};
use super::steer::{Begun, report_path, write_reports};
use super::watch::Watch;
use crate::cli::setup::Entry;
use crate::feed::clock::Clock;
use crate::feed::driver::Desk;
use crate::pool::picture::Picture;
use crate::rollout::call::Call;
use crate::rollout::claim::Claim;
use crate::rollout::driver::{self, Consent, Driver, End, Order};
use crate::rollout::entry::Command;
use crate::rollout::finding::Fix;
use crate::rollout::journal::file;
use crate::rollout::plan::{Kind, Options, Plan, Scope, Wanted};
use crate::rollout::progress::Progress;
use crate::rollout::survey::Survey;
use crate::text::clean;
use crate::tui::effect::Request;
use crate::tui::msg::{Answer, FoundRun, PoolIx, Prepared as Shown, RunFiles};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How long the pool may take to be read for the first time.
const PATIENCE: Duration = Duration::from_secs(60);
/// A worker that was asked nothing for so long stops following.
const IDLE: Duration = Duration::from_secs(120);
/// How long leaving waits for answers to calls that are under way, and for the log-outs.
const FAREWELL: Duration = Duration::from_secs(10);
/// Requests that wait.
const REQUESTS: usize = 32;
/// Progress is shown at most so often.
const FRAME: Duration = Duration::from_millis(100);

/// What a worker needs to know of its pool.
pub struct Seed {
    /// How to follow it.
    pub entry: Entry,
    /// Why nothing may be written to it; `None`: it may.
    pub read_only: Option<String>,
}

impl Seed {
    /// Of an entry, to be followed at this pace; its session is its own.
    pub fn of(entry: &Entry, follow: crate::feed::follow::options::Options, read_only: Option<String>) -> Self {
        let mut options = entry.options.clone();
        options.desk = Desk::default();
        options.follow = follow;
        let entry = Entry {
            called: entry.called.clone(),
            again: entry.again.clone(),
            label: entry.label.clone(),
            target: entry.target.clone(),
            credentials: entry.credentials.clone(),
            options,
            profile: entry.profile.clone(),
        };
        Self { entry, read_only }
    }
}

/// The workers of all pools.
pub struct Rounds {
    workers: Vec<(mpsc::Sender<Request>, JoinHandle<Option<String>>)>,
}

impl Rounds {
    /// Starts a worker for each pool; none does anything before it is asked.
    pub fn start(seeds: Vec<Seed>, data: &Path, clock: &Clock, zone: &TimeZone, answers: &mpsc::Sender<Answer>) -> Self {
        let start = |(at, seed): (usize, Seed)| {
            let (tx, rx) = mpsc::channel(REQUESTS);
            let worker = Worker {
                at: PoolIx(at),
                seed,
                data: data.to_owned(),
                clock: clock.clone(),
                zone: zone.clone(),
                answers: answers.clone(),
                watch: None,
                survey: (Scope::default(), Survey::default()),
            };
            (tx, tokio::spawn(worker.work(rx)))
        };
        Self { workers: seeds.into_iter().enumerate().map(start).collect() }
    }

    /// Passes a request on; gives it back if there is nobody for it.
    pub fn ask(&self, request: Request) -> Result<(), Request> {
        let pool = match &request {
            Request::FindRun { pool }
            | Request::Survey { pool, .. }
            | Request::Mend { pool, .. }
            | Request::StartRun { pool, .. }
            | Request::ResumeRun { pool }
            | Request::RunCommand { pool, .. } => *pool,
            _ => return Err(request),
        };
        match self.workers.get(pool.0) {
            Some((worker, _)) => worker.try_send(request).map_err(|error| match error {
                mpsc::error::TrySendError::Full(request) | mpsc::error::TrySendError::Closed(request) => request,
            }),
            None => Err(request),
        }
    }

    /// Leaves every round where it is. Says for each that was under way how to go on with it.
    pub async fn leave(self) -> Vec<String> {
        let (senders, handles): (Vec<_>, Vec<_>) = self.workers.into_iter().unzip();
        // Without anyone to ask them, they leave.
        drop(senders);
        let mut said = Vec::new();
        let all = async {
            for handle in handles {
                said.extend(handle.await.ok().flatten());
            }
        };
        let _ = tokio::time::timeout(FAREWELL, all).await;
        said
    }
}

struct Worker {
    at: PoolIx,
    seed: Seed,
    data: PathBuf,
    clock: Clock,
    zone: TimeZone,
    answers: mpsc::Sender<Answer>,
    watch: Option<Watch>,
    /// What was read for the last plan.
    survey: (Scope, Survey),
}

impl Worker {
    /// Works until nobody can ask any more; then says which round was left, if one was.
    async fn work(mut self, mut requests: mpsc::Receiver<Request>) -> Option<String> {
        loop {
            let next = match &mut self.watch {
                Some(watch) => watch.during(tokio::time::timeout(IDLE, requests.recv())).await,
                None => Ok(requests.recv().await),
            };
            let request = match next {
                Ok(Some(request)) => request,
                Ok(None) => break,
                Err(_) => {
                    if let Some(watch) = self.watch.take() {
                        watch.stop().await;
                    }
                    continue;
                }
            };
            if let Some(begun) = self.serve(request).await {
                let left = Box::pin(self.drive(begun, &mut requests)).await;
                if left.is_some() {
                    return left;
                }
            }
        }
        if let Some(watch) = self.watch.take() {
            watch.stop().await;
        }
        None
    }

    async fn say(&self, answer: Answer) {
        // Nobody there: the screen is gone, and the worker ends soon.
        let _ = self.answers.send(answer).await;
    }

    /// Does what is asked for; a run that is to be driven now comes back.
    async fn serve(&mut self, request: Request) -> Option<Begun> {
        let pool = self.at;
        let writes = matches!(&request, Request::Mend { .. } | Request::StartRun { .. } | Request::ResumeRun { .. });
        if let Some(why) = self.seed.read_only.clone().filter(|_| writes) {
            self.say(request.refused(&why)).await;
            return None;
        }
        match request {
            Request::FindRun { .. } => {
                let result = self.find_run().await;
                self.say(Answer::RunFound { pool, result }).await;
            }
            Request::Survey { ask, scope, options, rehearse, .. } => {
                let result = self.survey(scope, *options, rehearse).await;
                self.say(Answer::Surveyed { pool, ask, result: result.map(Box::new).map_err(|(_, text)| text) }).await;
            }
            Request::Mend { fix, .. } => {
                let result = self.mend(fix).await;
                self.say(Answer::Mended { pool, result }).await;
            }
            Request::StartRun { plan, .. } => match self.start_run(*plan).await {
                Ok(begun) => return Some(begun),
                Err((_, error)) => self.say(Answer::RunFailed { pool, error }).await,
            },
            Request::ResumeRun { .. } => match self.resume_run().await {
                Ok(begun) => return Some(begun),
                Err((_, error)) => self.say(Answer::RunFailed { pool, error }).await,
            },
            other => self.say(other.refused("No round is under way on this pool.")).await,
        }
        None
    }

    /// The pool, followed and read.
    async fn current(&mut self) -> Result<(&mut Watch, Picture), Refusal> {
        let watch = match &mut self.watch {
            Some(watch) => watch,
            none => {
                let again = Seed::of(&self.seed.entry, self.seed.entry.options.follow.clone(), None);
                // Who shows the pool records it already.
                none.insert(Watch::start(again.entry, self.clock.clone(), self.zone.clone(), &self.data, None))
            }
        };
        let picture = prepare::current(watch, PATIENCE).await?;
        Ok((watch, picture))
    }

    async fn survey(&mut self, scope: Scope, options: Options, rehearse: Option<u32>) -> Result<Shown, Refusal> {
        let known = if self.survey.0 == scope { std::mem::take(&mut self.survey.1) } else { Survey::default() };
        let (watch, _) = self.current().await?;
        let prepared = prepare::prepare(watch, &scope, options, known).await?;
        let (rehearsal, lasts_s) = if let Some(faults) = rehearse {
            let (lines, lasts) = super::rehearse::in_words(watch, &prepared, faults).await;
            (Some(lines), lasts)
        } else {
            (None, None)
        };
        let Prepared { plan, findings, survey, .. } = prepared;
        self.survey = (scope, survey);
        Ok(Shown { plan, findings, rehearsal, lasts_s })
    }

    async fn mend(&mut self, fix: Fix) -> Result<String, String> {
        let (watch, _) = self.current().await.map_err(|(_, text)| text)?;
        let (lender, clock, pool) = (watch.lender.clone(), watch.clock.clone(), watch.pool.clone());
        let consent = Consent::given_by_the_operator();
        let said = match fix {
            Fix::Enable { host } => {
                let name = pool.name_of(&host);
                watch.during(driver::mend(&lender, consent, &pool, &Call::Enable { host })).await?;
                format!("{name} is enabled.")
            }
            Fix::Plug { pbd } => {
                let task = watch.during(driver::mend(&lender, consent, &pool, &Call::Plug { pbd })).await?;
                watch.until_done(task.as_ref()).await?;
                "It is plugged.".to_owned()
            }
            Fix::TakeOverClaim => match watch.during(driver::take_over(&lender, consent, &clock, &pool)).await? {
                Some(words) => format!("The pool was taken over from {words}."),
                None => "There is no claim on the pool any more.".to_owned(),
            },
            Fix::ShutDownPinned | Fix::DatabaseChecked { .. } => {
                return Err("That is a choice of the round itself: plan it with it.".to_owned());
            }
        };
        // What was mended has to show before it is looked at again.
        watch.during(tokio::time::sleep(Duration::from_millis(300))).await;
        self.survey.1 = Survey::default();
        Ok(said)
    }

    async fn start_run(&mut self, plan: Plan) -> Result<Begun, Refusal> {
        let scope = scope_of(&plan);
        let (data, again) = (self.data.clone(), self.seed.entry.again.clone());
        let (watch, _) = self.current().await?;
        super::unfinished(&data, &plan.pool, &again)?;
        // What was true when the plan was shown has to be true now.
        let mut fresh = prepare::prepare(watch, &scope, plan.options.clone(), Survey::default()).await?;
        super::still_the_same(&plan, &fresh)?;
        // The hosts were asked for one by one only to compare: why each goes when it does is as it was shown.
        for host in &mut fresh.plan.hosts {
            if let Some(shown) = plan.hosts.iter().find(|shown| shown.uuid == host.uuid) {
                host.why.clone_from(&shown.why);
            }
        }
        super::begin(&data, watch, fresh).await
    }

    async fn resume_run(&mut self) -> Result<Begun, Refusal> {
        let data = self.data.clone();
        let (watch, _) = self.current().await?;
        goon::go_on_with_newest(&data, watch).await
    }

    async fn find_run(&mut self) -> Result<Option<FoundRun>, String> {
        let data = self.data.clone();
        let (watch, _) = self.current().await.map_err(|(_, text)| text)?;
        let now = watch.clock.now();
        let Some(record) = watch.pool.records().the_pool() else { return Err("The pool does not say which it is.".to_owned()) };
        let claim = Claim::of(&record.other_config);
        let newest = file::newest(&data, &record.uuid, true).map_err(|error| error.to_string())?;
        let Some((path, journal)) = newest else {
            // A claim without a journal here: a round that runs, or ran, elsewhere.
            return Ok(claim.map(|claim| FoundRun {
                run: clean(&claim.run, 60).into_owned(),
                text: claim.words(now),
                refused: Some("Its journal is not on this machine: go on with it where it ran.".to_owned()),
            }));
        };
        let report = crate::rollout::report::Report::of(&journal.lines);
        let done = report.hosts.iter().filter(|host| host.result == "done").count();
        let left = report.left.len();
        let text = format!(
            "{}, begun by {} on {}: {done} of {} hosts done{}",
            report.what,
            report.by,
            report.began,
            report.hosts.len(),
            if left == 0 { String::new() } else { format!(", {left} things to be put back") }
        );
        let refused = file::in_use(&path).then(|| "Another poolwatch on this machine works on it.".to_owned());
        Ok(Some(FoundRun { run: report.run, text, refused }))
    }

    /// Drives a run, and passes on what its page wants. Says how to go on with it if it was left.
    async fn drive(&mut self, begun: Begun, requests: &mut mpsc::Receiver<Request>) -> Option<String> {
        let watch = self.watch.take()?;
        let pool = self.at;
        let Begun { engine, lines: mut told, first, .. } = begun;
        let (journal, run) = (engine.log.path().to_owned(), engine.run.id.clone());
        let files = RunFiles {
            journal: journal.display().to_string(),
            report: report_path(&journal, "html").display().to_string(),
            again: self.seed.entry.again.clone(),
        };
        self.say(Answer::RunStarted { pool, files }).await;
        let (lender, clock) = (watch.lender.clone(), watch.clock.clone());
        let (known, seen, farewell) = watch.split();
        let (order, orders) = mpsc::channel(REQUESTS);
        let (shown, mut progress) = watch::channel(Progress::default());
        for command in first {
            let _ = order.try_send(Order::Command(command, oneshot::channel().0));
        }
        let driver = Driver { engine, pool: known, lender, clock, consent: Consent::given_by_the_operator(), patience: None };
        let driving = driver.drive(seen, orders, shown);
        tokio::pin!(driving);
        let (mut asked, mut frame) = (true, tokio::time::Instant::now());
        let end = loop {
            tokio::select! {
                request = requests.recv(), if asked => match request {
                    Some(Request::RunCommand { command, .. }) => self.command(&order, command).await,
                    Some(other) => self.say(other.refused("A round is under way on this pool.")).await,
                    None => {
                        asked = false;
                        let _ = order.try_send(Order::Leave);
                    }
                },
                // The journal has them; here they only make room.
                Some(line) = told.recv() => tracing::debug!(target: "poolwatch::rollout", "run {run}: line {}", line.seq),
                () = async {
                    let _ = progress.changed().await;
                    tokio::time::sleep_until(frame).await;
                } => {
                    frame = tokio::time::Instant::now() + FRAME;
                    let now = progress.borrow_and_update().clone();
                    // A screen that is busy gets the next one.
                    let _ = self.answers.try_send(Answer::RunProgress { pool, progress: Box::new(now) });
                }
                end = &mut driving => break end,
            }
        };
        let last = progress.borrow().clone();
        farewell.say().await;
        let reports = write_reports(&journal);
        tracing::info!(target: "poolwatch::rollout", "run {run}: {}", reports.join("; "));
        let again = &self.seed.entry.again;
        let resume = format!("Go on with it here or with: poolwatch roll {again} --resume");
        match end {
            End::Over(..) => self.say(Answer::RunProgress { pool, progress: Box::new(last) }).await,
            End::Left => return Some(format!("Run {run} was left where it is. Go on with: poolwatch roll {again} --resume")),
            End::Unwritable(why) => self.say(Answer::RunFailed { pool, error: format!("{why}. {resume}") }).await,
            End::Unfollowed(why) => {
                let error = format!("The pool cannot be followed any more: {why}. {resume}");
                self.say(Answer::RunFailed { pool, error }).await;
            }
        }
        None
    }

    async fn command(&self, order: &mpsc::Sender<Order>, command: Command) {
        let (answer, answered) = oneshot::channel();
        let (answers, pool) = (self.answers.clone(), self.at);
        if order.try_send(Order::Command(command.clone(), answer)).is_err() {
            let result = Err("The round does not take commands at the moment.".to_owned());
            return self.say(Answer::Commanded { pool, command, result }).await;
        }
        // Not waited for here: the run has to be driven for it to be answered.
        tokio::spawn(async move {
            let result = answered.await.unwrap_or_else(|_| Err("The round ended before that.".to_owned()));
            let _ = answers.send(Answer::Commanded { pool, command, result }).await;
        });
    }
}

/// What was asked for when this plan was made.
fn scope_of(plan: &Plan) -> Scope {
    let update = match &plan.kind {
        Kind::PoolUpdate { name, .. } => Some(name.clone()),
        _ => None,
    };
    let wanted = if plan.kind.is_update() { Wanted::Update } else { Wanted::Reboot };
    Scope { wanted, hosts: Some(plan.hosts.iter().map(|host| host.uuid.clone()).collect()), update }
}
