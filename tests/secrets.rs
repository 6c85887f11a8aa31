//! What must never be written down: the password and the session, anywhere, whatever happens and however much is logged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Home, Sim, told};
use poolwatch::feed::clock::Clock;
use poolwatch::feed::driver::{FollowOptions, follow_pool};
use poolwatch::observation::{Observation, Seen};
use poolwatch::pool::Pool;
use poolwatch::recording::folder::OneFile;
use poolwatch::recording::recorder::{Options, Recorder};
use poolwatch::sim::scenario::{self, Overrides};
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::sim::world::Fault;
use poolwatch::time::Time;
use poolwatch::xenapi::client::{Client, ClientOptions};
use poolwatch::xenapi::record::Class;
use poolwatch::xenapi::session::{Certainty, Session};
use poolwatch::xenapi::trust::{Guard, Store};
use poolwatch::xenapi::{Credentials, Target};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// The simulated pool's password is also the program's name, which stands everywhere; this one is looked for, and logs in nobody.
const WRONG: &str = "hunter2-\"quoted\"-ü";

/// Everything that was logged, by anyone.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    /// Logs everything there is from here on.
    fn start() -> Self {
        let logged = Self::default();
        let writer = logged.clone();
        let all =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(move || writer.clone());
        tracing::subscriber::set_global_default(all.finish()).expect("the only one in this process");
        logged
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Stands between the client and each host, and remembers what goes to the hosts: that is where session references are.
async fn relay(hosts: &[Target]) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut port = 0;
    for host in hosts {
        let listener = TcpListener::bind((host.host.as_str(), port)).await.expect("a port that is free on every address");
        port = listener.local_addr().unwrap().port();
        let (heard, to) = (heard.clone(), (host.host.clone(), host.port));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((to.0.as_str(), to.1)).await else { continue };
                let ((mut from, mut back), (mut answers, mut onward)) = (client.into_split(), server.into_split());
                let heard = heard.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(n @ 1..) = from.read(&mut buffer).await {
                        heard.lock().unwrap().extend_from_slice(&buffer[..n]);
                        if onward.write_all(&buffer[..n]).await.is_err() {
                            break;
                        }
                    }
                });
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            }
        });
    }
    (port, heard)
}

/// The references that calls began with, and those in cookies.
fn sessions(heard: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(heard);
    let after = |mark: &str| text.split(mark).skip(1).map(|rest| rest.chars().take(46).collect()).collect::<Vec<String>>();
    let found = after("\"params\":[\"").into_iter().chain(after("session_id="));
    found.filter(|text| text.starts_with("OpaqueRef:")).collect()
}

/// What a pool's observations, and all that is made of them, look like in full.
fn shown(observations: &[Observation]) -> String {
    let mut pool = Pool::new("pool");
    for observation in observations {
        pool.apply(observation);
    }
    let picture = pool.picture(observations.last().map_or(Time::EPOCH, |last| last.at));
    let status = serde_json::to_string(&poolwatch::pool::json::Status::new(&picture)).unwrap();
    let written = serde_json::to_string(observations).unwrap();
    format!("{observations:?}\n{picture:?}\n{status}\n{written}")
}

/// The text of a recording of them.
fn recorded(observations: &[Observation], dir: &std::path::Path) -> String {
    std::fs::create_dir_all(dir).unwrap();
    let path = dir.join("recording.zst");
    let mut recorder = Recorder::new(Box::new(OneFile::create(&path).unwrap()), Options::default());
    recorder.see(observations);
    recorder.finish();
    assert_eq!(recorder.trouble(), None);
    let bytes = std::fs::read(path).unwrap();
    // Also what zstd leaves out: the index behind the frames.
    String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap() + &String::from_utf8_lossy(&bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_a_pool_through_trouble_writes_neither_down() {
    let logged = Logged::start();
    let scenarios = scenario::load("calm", Overrides::default()).unwrap();
    let mut plain = StartOptions::new(1, Time::from_secs(1_795_220_468));
    // So that the relay can listen.
    plain.serve.tls = false;
    let sim = start(&scenarios, &plain).await.unwrap();
    let pool = sim.pool();
    let dir = std::env::temp_dir().join(format!("poolwatch-secrets-{}", std::process::id()));
    let store = Arc::new(Store::open(&dir).unwrap());
    let hosts: Vec<Target> = pool.hosts().iter().map(|host| Target::parse(&host.url, false).unwrap()).collect();
    let (port, heard) = relay(&hosts).await;
    let target = Target::parse(&format!("http://127.0.0.1:{port}"), false).unwrap();
    let guard = Arc::new(Guard::new(store.clone(), target.port, []));
    let client = Client::new(guard, ClientOptions::default()).unwrap();
    let credentials = Credentials::new("root", "poolwatch");
    let session = Session::login(&client, &target, &credentials, Certainty::FirstUse).await.unwrap();
    session.servertime(&"OpaqueRef:none".into(), Duration::from_secs(5)).await.unwrap_err();
    let mut written = format!("{session:?} {credentials:?} {client:?}");

    let mut options = FollowOptions::new(store.clone());
    options.follow.servertime_every = Some(Duration::from_millis(500));
    options.follow.rrd_every = Some(Duration::from_millis(500));
    options.follow.retry_most = Duration::from_millis(500);
    let desk = options.desk.clone();
    written.extend([format!("{options:?}")]);
    let (tx, mut rx) = mpsc::channel(16);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(follow_pool(target.clone(), credentials, options, Clock::start(), tx, stopped));
    let mut seen = Vec::new();
    let mut at = 0;
    let patience = tokio::time::Instant::now() + Duration::from_secs(90);
    // Each step of trouble is taken once the pool is followed with another session.
    let steps: [(usize, &[&str]); 4] =
        [(1, &["kill-sessions"]), (2, &["crash host=xcp3"]), (2, &["restart-toolstack"]), (3, &[])];
    while let Some((needed, faults)) = steps.get(at) {
        let batch: Vec<Observation> = tokio::time::timeout_at(patience, rx.recv()).await.expect("in time").expect("it goes on");
        let answered = batch.iter().any(|o| matches!(o.seen, Seen::Answer(_)));
        seen.extend(batch);
        if answered && sessions(&heard.lock().unwrap()).len() > *needed {
            written.extend([format!("{:?} {desk:?}", desk.raw_record(Class::Pool, &"OpaqueRef:none".into()).await)]);
            for fault in *faults {
                pool.with(|world| world.fault(fault.parse::<Fault>().unwrap())).unwrap();
            }
            at += 1;
        }
    }
    stop.send(true).unwrap();
    drop(rx);
    let end = task.await.unwrap();
    session.logout().await;

    let refused = Session::login(&client, &target, &Credentials::new("root", WRONG), Certainty::FirstUse).await.unwrap_err();
    written.extend([format!("{end:?} {refused:?} {refused} {} {}", refused.explain(&()), shown(&seen))]);
    written += &logged.text();
    written += &recorded(&seen, &dir);

    assert!(written.len() > 10_000 && logged.text().contains("TRACE"), "there was something to look through");
    let sessions = sessions(&heard.lock().unwrap());
    assert!(sessions.len() >= 4, "one of ours, one before the trouble, one after each loss of all of them: {}", sessions.len());
    for session in &sessions {
        assert!(!written.contains(session.as_str()), "a session reference is written down");
        assert!(!written.contains(session.trim_start_matches("OpaqueRef:")), "a session reference is written down");
    }
    for password in [WRONG, "hunter2"] {
        assert!(!written.contains(password), "a password is written down");
    }
    let _ = std::fs::remove_dir_all(dir);
}

#[test]
fn what_the_program_prints_and_logs_has_no_password_and_no_session() {
    let home = Home::new("secrets");
    let sim = Sim::start(&home, &["--scenario", "calm", "--listen", "127.0.0.1:0"]);
    let log = home.path().join("all.log");
    let config = home.path().join("poolwatch.toml");
    let profile =
        format!("[profiles.lab]\ntarget = {:?}\npassword_file = \"password\"\n", sim.url().trim_start_matches("http://"));
    std::fs::write(&config, format!("[log]\nlevel = \"trace\"\nfile = \"all.log\"\n{profile}")).unwrap();
    let config = config.to_str().unwrap();
    let mut said = String::new();
    for args in [&["status", sim.url()][..], &["status", sim.url(), "--json"], &["stream", sim.url(), "--duration", "3"]] {
        for password in [WRONG, "poolwatch"] {
            let args = [&["--config", config], args].concat();
            let (_, words, errors) = told(&home.poolwatch(&args).env("POOLWATCH_PASSWORD", password).output().unwrap());
            said += &(words + &errors);
        }
    }
    let logged = std::fs::read_to_string(&log).expect("the log was written");
    assert!(logged.contains("TRACE") || logged.contains("DEBUG") || logged.contains("INFO"), "{logged}");
    said += &logged;
    assert!(said.contains("xcp1"));
    assert!(!said.contains("hunter2"));
    // Whatever is a reference of a live session would be one of these words; records' references are not shown by these commands at all.
    assert!(!said.contains("OpaqueRef:"), "{said}");
}
