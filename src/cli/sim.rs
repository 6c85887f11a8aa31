//! `poolwatch sim`: serves a simulated pool until it is told to stop.
//!
//! Starts the server, says where it listens, and does what its input says. What a pool is and does is `sim`'s.

mod console;
mod report;

use crate::sim::scenario::{self, Overrides, Scenario, ScenarioError};
use crate::sim::server::{MAX_SPEED, ServeError, ServeOptions, SimHandle};
use crate::sim::start::{StartOptions, start};
use crate::sim::world::{Dialect, World};
use crate::time::Time;
use report::{End, Report};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Who may log in at least; see `docs/sim.md` for the others.
const USER: &str = "root";
const PORT: u16 = 8080;
const TLS_PORT: u16 = 8443;

/// Arguments of `poolwatch sim`.
#[derive(Clone, Debug, clap::Args)]
pub struct SimArgs {
    /// Which pool to simulate; --list shows them
    #[arg(long, value_name = "NAME", default_value = "calm")]
    pub scenario: String,
    /// A scenario of your own, a TOML file
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    pub file: Option<PathBuf>,
    /// List the scenarios and end
    #[arg(long)]
    pub list: bool,
    /// Where the first host listens: PORT, IP or IP:PORT; port 0 takes any [default: 127.0.0.1:8080, with --tls 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// HTTPS, with a fresh certificate for each host
    #[arg(long)]
    pub tls: bool,
    /// Folder with the hosts' own certificates and keys, HOST.pem each; also for something else that does TLS in front of it
    #[arg(long, value_name = "DIR")]
    pub certificates: Option<PathBuf>,
    /// xapi as its design documents describe it, or as it is shipped
    #[arg(long, value_enum, default_value_t = ApiArg::Designed)]
    pub api: ApiArg,
    /// Virtual seconds a second, 0 to 100000; 0 stands still
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// The same seed is the same pool and the same chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many pools, for a fleet
    #[arg(long, value_name = "N")]
    pub pools: Option<usize>,
    /// How many hosts a pool has
    #[arg(long, value_name = "N")]
    pub hosts: Option<usize>,
    /// How many guests a pool has
    #[arg(long, value_name = "N")]
    pub vms: Option<usize>,
    /// End after so many seconds of real time
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<Duration>,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which API is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ApiArg {
    /// As the design documents describe it
    Designed,
    /// As it is shipped
    Shipped,
}

impl From<ApiArg> for Dialect {
    fn from(api: ApiArg) -> Self {
        match api {
            ApiArg::Designed => Self::Designed,
            ApiArg::Shipped => Self::Shipped,
        }
    }
}

impl ApiArg {
    const fn name(self) -> &'static str {
        match self {
            Self::Designed => "designed",
            Self::Shipped => "shipped",
        }
    }
}

/// Why there is no simulated pool.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// `--listen` cannot be understood.
    #[error("--listen {0:?} is not a port, an IP address or IP:PORT")]
    Listen(String),
    /// The scenario's file cannot be read.
    #[error("cannot read the scenario {}: {source}", file.display())]
    File {
        /// Which one.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// It cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals cannot be listened to.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// Serves until a signal, a command or the end of `--duration`.
pub async fn run(args: &SimArgs) -> Result<(), SimError> {
    if args.list {
        report::list(&scenario::list());
        return Ok(());
    }
    let scenarios = scenarios(args)?;
    let serve = ServeOptions { listen: listen(args.listen.as_deref(), args.tls)?, tls: args.tls, speed: args.speed };
    let options = StartOptions {
        serve,
        dialect: args.api.into(),
        certificates: args.certificates.clone(),
        ..StartOptions::new(args.seed, now())
    };
    let sim = start(&scenarios, &options).await?;
    let report = Report::new(args.json);
    report.ready(args, &scenarios, &sim);
    let end = attend(args, &scenarios, &sim, &report).await?;
    report.end(end);
    Ok(())
}

/// The pools that the arguments ask for.
pub fn scenarios(args: &SimArgs) -> Result<Vec<Scenario>, SimError> {
    let overrides = Overrides { pools: args.pools, hosts: args.hosts, guests: args.vms };
    let Some(file) = &args.file else { return Ok(scenario::load(&args.scenario, overrides)?) };
    let text = std::fs::read_to_string(file).map_err(|source| SimError::File { file: file.clone(), source })?;
    let name = file.file_stem().map_or_else(|| "file".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut scenario = Scenario::from_toml(&name, &text)?;
    scenario::resize(&mut scenario, overrides)?;
    Ok(vec![scenario])
}

/// Does what the input says until it is time to end.
async fn attend(args: &SimArgs, scenarios: &[Scenario], sim: &SimHandle<World>, report: &Report) -> Result<End, SimError> {
    let mut ends = Ends::new(args.duration).map_err(SimError::Signals)?;
    let mut lines = lines();
    loop {
        tokio::select! {
            end = ends.next() => return Ok(end),
            Some(line) = lines.recv() => match console::obey(&line, scenarios, sim) {
                console::Said::Nothing => {}
                console::Said::Quit => return Ok(End::Quit),
                console::Said::Text(said) => report.command(&line, &said),
            },
        }
    }
}

/// What ends it from outside.
struct Ends {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    last: Option<tokio::time::Instant>,
}

impl Ends {
    fn new(duration: Option<Duration>) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            last: duration.map(|duration| tokio::time::Instant::now() + duration),
        })
    }

    async fn next(&mut self) -> End {
        let over = async {
            match self.last {
                Some(last) => tokio::time::sleep_until(last).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => End::Signal,
            _ = self.terminate.recv() => End::Signal,
            () = over => End::Duration,
        }
    }
}

/// Lines of standard input. Read by a thread of its own: waiting for input must not keep the program from ending.
fn lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { return };
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Where to listen.
fn listen(text: Option<&str>, tls: bool) -> Result<SocketAddr, SimError> {
    let port = if tls { TLS_PORT } else { PORT };
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let Some(text) = text else { return Ok(SocketAddr::new(local, port)) };
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(SocketAddr::new(local, port));
    }
    let ip = || text.trim_matches(['[', ']']).parse().ok().map(|ip| SocketAddr::new(ip, port));
    text.parse().ok().or_else(ip).ok_or_else(|| SimError::Listen(text.to_owned()))
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches(['x', '×']).parse() {
        Ok(speed) if (0.0..=MAX_SPEED).contains(&speed) => Ok(speed),
        _ => Err(format!("a speed is a number from 0 to {MAX_SPEED}")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim_end_matches('s').parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a length of time".to_owned())
}

fn now() -> Time {
    Time::from_millis(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        let read = |text: Option<&str>, tls| listen(text, tls).unwrap().to_string();
        assert_eq!(read(None, false), "127.0.0.1:8080");
        assert_eq!(read(None, true), "127.0.0.1:8443");
        assert_eq!(read(Some("9000"), true), "127.0.0.1:9000");
        assert_eq!(read(Some(":0"), true), "127.0.0.1:0");
        assert_eq!(read(Some("0.0.0.0"), false), "0.0.0.0:8080");
        assert_eq!(read(Some("127.0.5.1:99"), false), "127.0.5.1:99");
        assert_eq!(read(Some("[::1]:99"), false), "[::1]:99");
        assert_eq!(read(Some("[::1]"), false), "[::1]:8080");
        assert!(listen(Some("here"), false).unwrap_err().to_string().contains("--listen \"here\""));
    }

    #[test]
    fn speeds_and_lengths_have_bounds() {
        assert_eq!(speed("60x"), Ok(60.0));
        assert!(speed("-1").is_err() && speed("1e9").is_err() && speed("NaN").is_err());
        assert_eq!(seconds("1.5s"), Ok(Duration::from_millis(1500)));
        assert!(seconds("-3").is_err());
    }
}
