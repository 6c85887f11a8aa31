//! `poolwatch export`: what is known of pools, as metrics over HTTP, for Prometheus and everything that reads its formats.
//!
//! Follows its pools as `watch` does and answers from the newest picture, made when it is asked for. Never asks a pool anything because
//! somebody asks it. Reads only.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows the texts of arguments as they stand, brackets and all")]

mod http;
pub mod metrics;
pub mod text;

use super::args::ConnectArgs;
use super::error::CliError;
use super::follow;
use super::logging;
use super::setup::{Entry, Setup};
use super::stream::Ends;
use crate::config::Flags;
use crate::feed::clock::Clock;
use crate::pool::Pool;
use crate::pool::picture::{LinkState, Picture};
use crate::sim::server::why_not;
use crate::text::clean;
use http::{Answer, Request};
use jiff::tz::TimeZone;
use metrics::Source;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use text::Format;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// Where it listens unless told otherwise.
const PORT: u16 = 9955;
/// How often it looks whether there is something to tell the operator.
const LOOK: Duration = Duration::from_secs(5);

/// `poolwatch export`
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Pools: [user@]host[:port], a URL, or a profile's name [default: `profile` of the configuration file]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// How to connect
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// Where to listen: PORT, IP or IP:PORT; port 0 takes any. There is no password: whoever gets there reads it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9955")]
    pub listen: String,
}

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// `--listen` cannot be understood.
    #[error("--listen {0:?} is not a port, an IP address or IP:PORT")]
    Listen(String),
    /// Nobody can connect there.
    #[error("cannot listen on {address}: {source}. {}; choose another one with --listen", why_not(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The same pool twice would be the same series twice.
    #[error("{0:?} is named twice; name each pool once")]
    Twice(String),
}

/// Where to listen.
fn listen(text: &str) -> Result<SocketAddr, ExportError> {
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let ip = || text.trim_matches(['[', ']']).parse().ok().map(|ip| SocketAddr::new(ip, PORT));
    text.parse().ok().or_else(ip).ok_or_else(|| ExportError::Listen(text.to_owned()))
}

/// A question of the server's: the metrics, in this format.
type Question = (Format, oneshot::Sender<String>);

/// Serves until a signal ends it.
pub async fn run(args: ExportArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let setup = Setup::load(flags)?;
    logging::without_pane(&setup.config.log)?;
    let address = listen(&args.listen)?;
    // Before any password is asked for: a port that is taken is told at once.
    let listener = TcpListener::bind(address).await.map_err(|source| ExportError::Bind { address, source })?;
    let address = listener.local_addr().map_err(CliError::Runtime)?;
    let entries = setup.entries(&args.targets, &args.connect).await?;
    let mut named = BTreeSet::new();
    if let Some(twice) = entries.iter().find(|entry| !named.insert(label(entry))) {
        return Err(ExportError::Twice(twice.called.clone()).into());
    }
    let mut ends = Ends::listen().map_err(CliError::Runtime)?;
    let (ask, questions) = mpsc::channel(64);
    let server = tokio::spawn(http::serve(listener, move |request| answer(request, ask.clone())));
    announce(address, entries.len())?;
    attend(entries, questions, &mut ends, &setup.dirs.data).await;
    server.abort();
    Ok(ExitCode::SUCCESS)
}

/// What a pool's series are labelled with.
fn label(entry: &Entry) -> String {
    clean(&entry.called, 120).into_owned()
}

fn announce(address: SocketAddr, pools: usize) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let pools = if pools == 1 { "1 pool".to_owned() } else { format!("{pools} pools") };
    writeln!(out, "http://{address}/metrics: metrics of {pools}").map_err(CliError::Output)?;
    out.flush().map_err(CliError::Output)?;
    if !address.ip().is_loopback() {
        eprintln!(
            "poolwatch: {address} can be reached from other machines, without a password and without encryption: names and addresses \
             of hosts can be read there. Let a proxy do that, or a firewall see to it (docs/export.md)"
        );
    }
    Ok(())
}

/// What is answered to a request.
async fn answer(request: Request, ask: mpsc::Sender<Question>) -> Answer {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Answer::error("405 Method Not Allowed", "Only GET and HEAD: nothing can be changed here.");
    }
    match request.path.as_str() {
        "/" => Answer { status: "200 OK", content_type: "text/html; charset=utf-8", body: PAGE.to_owned() },
        "/metrics" => {
            let format = Format::wanted(request.accept.as_deref());
            let (tell, told) = oneshot::channel();
            let asked = ask.send((format, tell)).await.is_ok();
            match told.await {
                Ok(body) if asked => Answer { status: "200 OK", content_type: format.content_type(), body },
                _ => Answer::error("503 Service Unavailable", "This program is ending."),
            }
        }
        _ => Answer::error("404 Not Found", "There is nothing here; the metrics are at /metrics."),
    }
}

const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>poolwatch export</title>\n<h1>poolwatch ",
    env!("CARGO_PKG_VERSION"),
    "</h1>\n<p><a href=\"/metrics\">/metrics</a>: what is known of the pools, as OpenMetrics or Prometheus text.</p>\n</html>\n"
);

/// Follows the pools and answers questions, until the end.
async fn attend(entries: Vec<Entry>, mut questions: mpsc::Receiver<Question>, ends: &mut Ends, data: &Path) {
    let clock = Clock::start();
    let mut pools: Vec<(String, Pool)> =
        entries.iter().map(|entry| (label(entry), Pool::new(&entry.called).in_zone(TimeZone::system()))).collect();
    let mut told: Vec<LinkState> = vec![LinkState::default(); pools.len()];
    let mut followed = follow::start(entries, &clock, data);
    let mut following = true;
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            () = ends.next() => break,
            Some((format, tell)) = questions.recv() => {
                let now = clock.now();
                let pictures: Vec<(&str, Picture)> =
                    pools.iter().map(|(called, pool)| (called.as_str(), pool.picture(now))).collect();
                for ((called, picture), told) in pictures.iter().zip(&mut told) {
                    tell_state(called, picture, told);
                }
                let sources: Vec<Source<'_>> =
                    pictures.iter().map(|(called, picture)| Source { called, picture }).collect();
                // Whoever asked may be gone.
                let _ = tell.send(metrics::render(format, &sources));
            }
            batch = followed.observations.recv(), if following => match batch {
                Some((at, batch)) => {
                    if let Some((_, pool)) = pools.get_mut(at.0) {
                        for observation in &batch {
                            pool.apply(observation);
                        }
                    }
                }
                // All are refused: that is still something to serve, and an alert can be made of it.
                None => following = false,
            },
            _ = look.tick() => {
                for pinned in followed.desks.iter().flat_map(crate::feed::driver::Desk::take_pinned) {
                    eprintln!(
                        "poolwatch: first contact with {}: its certificate is trusted from now on, fingerprint SHA256:{}",
                        pinned.to, pinned.fingerprint
                    );
                }
                let now = clock.now();
                for ((called, pool), told) in pools.iter().zip(&mut told) {
                    tell_state(called, &pool.picture(now), told);
                }
            }
        }
    }
    followed.stop().await;
}

/// Tells the operator when a pool is lost, refused or found; metrics alone would leave them to guess why.
fn tell_state(called: &str, picture: &Picture, told: &mut LinkState) {
    let state = picture.link.state;
    let news = state != *told && matches!(state, LinkState::Live | LinkState::Lost | LinkState::Refused);
    if !news {
        return;
    }
    *told = state;
    let more = if state == LinkState::Refused { "; it is not tried again: start anew once that is mended" } else { "" };
    eprintln!("poolwatch: {called}: {}{more}", picture.link.text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form_and_stay_at_home() {
        let read = |text: &str| listen(text).unwrap().to_string();
        assert_eq!(read("9000"), "127.0.0.1:9000");
        assert_eq!(read(":0"), "127.0.0.1:0");
        assert_eq!(read("0.0.0.0"), "0.0.0.0:9955");
        assert_eq!(read("[::1]:99"), "[::1]:99");
        assert_eq!(read("::1"), "[::1]:9955");
        assert!(listen("here").unwrap_err().to_string().contains("--listen \"here\""));
    }

    #[tokio::test]
    async fn only_two_pages_are_there_and_nothing_can_be_changed() {
        let (ask, mut questions) = mpsc::channel::<Question>(1);
        tokio::spawn(async move {
            while let Some((format, tell)) = questions.recv().await {
                let _ = tell.send(format!("{format:?}"));
            }
        });
        let get = async |method: &str, path: &str, accept: Option<&str>| {
            let request = Request { method: method.into(), path: path.into(), accept: accept.map(Into::into) };
            answer(request, ask.clone()).await
        };
        assert_eq!(get("GET", "/metrics", None).await.body, "Prometheus");
        let open = get("GET", "/metrics", Some("application/openmetrics-text;version=1.0.0")).await;
        assert_eq!((open.body.as_str(), open.content_type), ("OpenMetrics", Format::OpenMetrics.content_type()));
        assert!(get("GET", "/", None).await.body.contains("/metrics"));
        assert!(get("GET", "/metrics/", None).await.status.starts_with("404"));
        assert!(get("POST", "/metrics", None).await.status.starts_with("405"));
    }
}
