//! HTTP to the hosts of one pool: every request has a deadline, every answer a limit.
//!
//! One [`Client`] a pool; it holds no session and no state but open connections. Never follows a redirect, never uses a
//! proxy, never writes a secret anywhere.

pub mod download;

use super::error::{ApiError, Error, Transport};
use super::reply::{self, Problem};
use super::target::Target;
use super::trust::{Fingerprint, Guard};
use crate::text;
use serde_json::Value;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Short and constant: xapi keeps a record of each user agent and may limit the rate of one (since 26.17).
const USER_AGENT: &str = "poolwatch";
/// Asks for the coordinator's certificate in a `HOST_IS_SLAVE` answer.
const ASK_THUMBPRINT: &str = "x-xenapi-request-host-certificate-thumbprint";
/// Carries it.
const THUMBPRINT: &str = "x-xenapi-response-host-certificate-thumbprint";
/// A request that fails this soon on a connection that was open already is made once more: the other side had just closed it.
const STALE: Duration = Duration::from_millis(500);
/// What [`ClientOptions::timeout`] is unless told otherwise: a wrong password alone takes five seconds.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// How many times as long as other answers those may take that hold a whole pool.
const READING: u32 = 6;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// For a connection to be made.
    pub connect: Duration,
    /// For an answer, from connecting to its last byte; six times as long where much is read. The log-out is given up sooner, and who
    /// asks a host whether it is alive says how long that may take.
    pub timeout: Duration,
    /// The longest answer that is read. Bytes.
    pub max_answer: usize,
    /// How many requests may be under way at once, beside the long poll.
    pub concurrency: usize,
    /// Whether plain HTTP may go to other machines than this one.
    pub allow_plain_http: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            timeout: TIMEOUT,
            max_answer: 256 << 20,
            concurrency: 12,
            allow_plain_http: false,
        }
    }
}

/// HTTP to the hosts of one pool. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    guard: Arc<Guard>,
    options: ClientOptions,
    permits: Arc<Semaphore>,
    next_id: Arc<AtomicU64>,
}

/// A call to make.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// E.g. `host.get_servertime`.
    pub method: &'a str,
    /// Its parameters, the session first where there is one.
    pub params: &'a [Value],
    /// For the whole of it, from connecting to the last byte.
    pub deadline: Duration,
    /// What must never be in an error: cut out of what the pool says.
    pub secrets: &'a [&'a str],
    /// Whether to ask for the coordinator's certificate.
    pub thumbprint: bool,
    /// Whether it waits by design, so that it does not count as one of the requests that are under way.
    pub waits: bool,
}

/// An answer that has arrived whole.
#[derive(Debug)]
pub struct Answer {
    /// Its body.
    pub text: String,
    /// The coordinator's certificate, if it was asked for and sent.
    pub thumbprint: Option<Fingerprint>,
}

/// A call that changes something and has no answer.
#[derive(Debug)]
pub(super) struct Lost {
    /// Whether it may have arrived.
    pub(super) sent: bool,
    /// What happened.
    pub(super) error: Error,
}

impl Client {
    /// For one pool's hosts.
    pub fn new(guard: Arc<Guard>, options: ClientOptions) -> Result<Self, Error> {
        Self::build(guard, options, 4)
    }

    /// The same for calls that change something: each on a connection of its own, so that none is lost on one that the other side had
    /// just closed.
    pub(super) fn for_writing(&self) -> Result<Self, Error> {
        Self::build(Arc::clone(&self.guard), self.options.clone(), 0)
    }

    fn build(guard: Arc<Guard>, options: ClientOptions, idle: usize) -> Result<Self, Error> {
        let broken = |e: &dyn std::error::Error| Error::Transport {
            to: "this machine".to_owned(),
            kind: Transport::Other(format!("the HTTP client cannot be set up: {e}")),
        };
        let tls = guard.tls().map_err(|e| broken(&e))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .tls_info(true)
            .http1_only()
            .user_agent(USER_AGENT)
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(options.connect)
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(idle)
            .tcp_keepalive(Duration::from_secs(10))
            .tcp_keepalive_interval(Duration::from_secs(5))
            .tcp_keepalive_retries(3)
            .build()
            .map_err(|e| broken(&e))?;
        let permits = Arc::new(Semaphore::new(options.concurrency.max(1)));
        Ok(Self { http, guard, options, permits, next_id: Arc::new(AtomicU64::new(1)) })
    }

    /// Who judges the certificates.
    pub fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// How long calls that read a lot may take.
    pub(super) fn reading(&self) -> Duration {
        self.options.timeout * READING
    }

    /// How it behaves.
    pub const fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// Makes a call and returns the whole answer, which may still hold an error of the pool.
    pub async fn call(&self, to: &Target, ask: Ask<'_>) -> Result<Answer, Error> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::json!({"jsonrpc": "2.0", "method": ask.method, "params": ask.params, "id": id}).to_string();
        let what = What { name: ask.method, json: true, secrets: ask.secrets };
        let request = || {
            let request = self.http.post(format!("{}/jsonrpc", to.base_url()));
            let request = request.header("content-type", "application/json").body(body.clone());
            if ask.thumbprint { request.header(ASK_THUMBPRINT, "sha-256:master") } else { request }
        };
        self.run(to, what, ask.deadline, ask.waits, request).await
    }

    /// Makes a call that must not be made twice: never again by itself, and an error says whether it may have been made.
    pub(super) async fn call_once(&self, to: &Target, ask: Ask<'_>) -> Result<Answer, Lost> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::json!({"jsonrpc": "2.0", "method": ask.method, "params": ask.params, "id": id}).to_string();
        let what = What { name: ask.method, json: true, secrets: ask.secrets };
        let maybe = |error| Lost { sent: true, error };
        let whole = async {
            let request = self.http.post(format!("{}/jsonrpc", to.base_url()));
            let request = request.header("content-type", "application/json").body(body);
            let sent = request.send().await;
            let response = sent.map_err(|e| Lost { sent: !e.is_connect() && !e.is_builder(), error: self.lost(to, &e) })?;
            if let Some(seen) = certificate(&response) {
                self.confirm(to, seen).await.map_err(maybe)?;
            }
            self.read(to, what, response).await.map_err(maybe)
        };
        match tokio::time::timeout(ask.deadline, whole).await {
            Ok(done) => done,
            Err(_) => Err(maybe(Error::Transport {
                to: to.to_string(),
                kind: Transport::TimedOut { doing: "waiting for an answer", after: ask.deadline },
            })),
        }
    }

    /// Fetches a resource, with the session in a cookie rather than in the URL, which ends up in logs.
    pub async fn get(&self, to: &Target, path: &str, session: &str, deadline: Duration) -> Result<Answer, Error> {
        let name = path.split('?').next().unwrap_or(path);
        let what = What { name, json: false, secrets: &[session] };
        let request = || {
            let mut cookie = reqwest::header::HeaderValue::try_from(format!("session_id={session}"))
                .unwrap_or_else(|_| reqwest::header::HeaderValue::from_static(""));
            cookie.set_sensitive(true);
            self.http.get(format!("{}{path}", to.base_url())).header("cookie", cookie).header("accept", "*/*")
        };
        self.run(to, what, deadline, false, request).await
    }

    /// The error that a problem with an answer of `to` amounts to.
    pub fn problem(to: &Target, what: &str, problem: Problem, secrets: &[&str]) -> Error {
        let what = what.to_owned();
        match problem {
            Problem::Api(error) => Error::Api(without(error, secrets)),
            Problem::Malformed(why) => {
                let why = hide(text::clean(&why, 200).into_owned(), secrets);
                Error::Malformed { to: to.to_string(), what, why }
            }
            Problem::Html => Error::NotXenApi { to: to.to_string(), what: "it sends a web page".to_owned() },
        }
    }

    async fn run(
        &self,
        to: &Target,
        what: What<'_>,
        deadline: Duration,
        waits: bool,
        request: impl Fn() -> reqwest::RequestBuilder + Send,
    ) -> Result<Answer, Error> {
        let whole = async {
            let _permit = if waits { None } else { self.permits.acquire().await.ok() };
            let start = Instant::now();
            let sent = match request().send().await {
                Err(e) if !e.is_connect() && start.elapsed() < STALE => request().send().await,
                other => other,
            };
            let response = sent.map_err(|e| self.lost(to, &e))?;
            if let Some(seen) = certificate(&response) {
                self.confirm(to, seen).await?;
            }
            self.read(to, what, response).await
        };
        match tokio::time::timeout(deadline, whole).await {
            Ok(done) => done,
            Err(_) => Err(Error::Transport {
                to: to.to_string(),
                kind: Transport::TimedOut { doing: "waiting for an answer", after: deadline },
            }),
        }
    }

    async fn confirm(&self, to: &Target, seen: Fingerprint) -> Result<(), Error> {
        if self.guard.is_confirmed(to, seen) {
            return Ok(());
        }
        let (guard, host) = (self.guard.clone(), to.clone());
        // The first time for a host it writes to a file.
        match tokio::task::spawn_blocking(move || guard.confirm(&host, seen)).await {
            Ok(done) => done.map_err(Error::Trust),
            Err(_) => Ok(()),
        }
    }

    async fn read(&self, to: &Target, what: What<'_>, mut response: reqwest::Response) -> Result<Answer, Error> {
        let status = response.status();
        let limit = if status.is_success() { self.options.max_answer } else { 16 << 10 };
        let too_large = || Error::TooLarge { to: to.to_string(), what: what.name.to_owned(), limit };
        let announced = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        if status.is_success() && announced > limit {
            return Err(too_large());
        }
        let thumbprint = response.headers().get(THUMBPRINT).and_then(|v| v.to_str().ok()?.parse().ok());
        // What is announced is only believed up to a point: memory is taken as bytes arrive.
        let mut body = Vec::with_capacity(announced.min(limit).min(64 << 20));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
                Ok(Some(_)) if status.is_success() => return Err(too_large()),
                // The end, or as much of a page as is worth quoting.
                Ok(_) => break,
                Err(e) => return Err(self.lost(to, &e)),
            }
        }
        let text = String::from_utf8(body).unwrap_or_else(|e| reply::text(e.as_bytes()).into_owned());
        if status.is_success() {
            return Ok(Answer { text, thumbprint });
        }
        if what.json && !status.is_server_error() {
            let what = match status.canonical_reason() {
                Some(reason) => format!("it says HTTP {} {reason}", status.as_u16()),
                None => format!("it says HTTP {}", status.as_u16()),
            };
            return Err(Error::NotXenApi { to: to.to_string(), what });
        }
        let said = hide(words_of_page(&text), what.secrets);
        Err(Error::Http { to: to.to_string(), status: status.as_u16(), what: what.name.to_owned(), said })
    }

    fn lost(&self, to: &Target, error: &reqwest::Error) -> Error {
        if let Some(refusal) = self.guard.take_refusal(to) {
            return Error::Trust(refusal);
        }
        Error::Transport { to: to.to_string(), kind: kind_of(error, self.options.connect) }
    }
}

#[derive(Clone, Copy)]
struct What<'a> {
    name: &'a str,
    json: bool,
    secrets: &'a [&'a str],
}

fn certificate(response: &reqwest::Response) -> Option<Fingerprint> {
    response.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate().map(Fingerprint::of)
}

/// What happened, from the innermost error that says something.
fn kind_of(error: &reqwest::Error, connect: Duration) -> Transport {
    if error.is_timeout() {
        // On an open connection it is the system that gave up: its probes were not answered.
        return if error.is_connect() { Transport::TimedOut { doing: "connecting", after: connect } } else { Transport::Reset };
    }
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        last = cause.to_string();
        if last.contains("dns error") {
            return Transport::Dns;
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>()
            && (hyper.is_incomplete_message() || hyper.is_canceled())
        {
            return Transport::CutOff;
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return Transport::Tls(tls.to_string());
            }
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Transport::Refused,
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                    return Transport::Reset;
                }
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => return Transport::Unreachable,
                io::ErrorKind::UnexpectedEof if error.is_connect() => {
                    return Transport::Tls("the other side hung up".to_owned());
                }
                io::ErrorKind::UnexpectedEof => return Transport::CutOff,
                _ => {}
            }
        }
        next = cause.source();
    }
    if error.is_body() || error.is_decode() {
        return Transport::CutOff;
    }
    Transport::Other(text::clean(&last, 200).into_owned())
}

/// The words of a small web page.
fn words_of_page(page: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for c in page.chars().take(4_000) {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            _ if !inside => words.push(c),
            _ => {}
        }
    }
    text::clean(&words.split_whitespace().collect::<Vec<_>>().join(" "), 200).into_owned()
}

/// An error without the secrets that the pool repeated in it.
fn without(mut error: ApiError, secrets: &[&str]) -> ApiError {
    for param in &mut error.params {
        *param = hide(std::mem::take(param), secrets);
    }
    error
}

fn hide(mut text: String, secrets: &[&str]) -> String {
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        if text.contains(secret) {
            text = text.replace(secret, "<hidden>");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_out_of_what_a_pool_says() {
        let error = ApiError {
            method: "m".to_owned(),
            code: "SESSION_INVALID".into(),
            params: vec!["OpaqueRef:s".to_owned(), "Expected x, got 'hunter2'".to_owned()],
        };
        let error = without(error, &["OpaqueRef:s", "hunter2", ""]);
        assert_eq!(error.params, ["<hidden>", "Expected x, got '<hidden>'"]);
    }

    #[test]
    fn pages_are_read_for_their_words() {
        let page = "<html><body><h1>HTTP 401 unauthorised</h1>Please check\nyour credentials.</body></html>";
        assert_eq!(words_of_page(page), "HTTP 401 unauthorised Please check your credentials.");
    }
}
