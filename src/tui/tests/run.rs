//! The loop, over a terminal in memory.

use crate::config::KeyOverride;
use crate::feed::clock::Clock;
use crate::observation::{Link, Observation, Seen};
use crate::tui::effect::Request;
use crate::tui::model::Demo;
use crate::tui::msg::{Answer, PoolIx};
use crate::tui::run::{Calls, Exit, Keys, RunOptions, TuiError, drive};
use crate::tui::terminal::{Call, Look, Modes, Screen};
use crate::tui::testkit::NOW;
use crate::tui::theme::{ColourLevel, load};
use crate::xenapi::record::{Class, Record};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Size;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// Bytes that the test can look at while the loop writes them.
#[derive(Clone)]
struct Shared(Arc<Mutex<(vt100::Parser, u64)>>);

impl Shared {
    fn text(&self) -> String {
        self.0.lock().expect("screen").0.screen().contents()
    }

    fn bytes(&self) -> u64 {
        self.0.lock().expect("screen").1
    }

    /// Waits until the screen shows it; fails with the screen if it never does.
    async fn shows(&self, what: &str) {
        for _ in 0..400 {
            if self.text().contains(what) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what:?} never came on the screen:\n{}", self.text());
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut screen = self.0.lock().expect("screen");
        screen.0.process(bytes);
        screen.1 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Scripted(mpsc::Receiver<io::Result<Event>>);

impl Keys for Scripted {
    async fn next(&mut self) -> Option<io::Result<Event>> {
        self.0.recv().await
    }
    fn pause(&mut self) {}
    fn resume(&mut self) {}
}

struct Silent(mpsc::Receiver<Call>);

impl Calls for Silent {
    async fn next(&mut self) -> Call {
        match self.0.recv().await {
            Some(call) => call,
            None => std::future::pending().await,
        }
    }
}

struct Rig {
    screen: Shared,
    keys: mpsc::Sender<io::Result<Event>>,
    calls: mpsc::Sender<Call>,
    seen: mpsc::Sender<(PoolIx, Vec<Observation>)>,
    answers: mpsc::Sender<Answer>,
    requests: mpsc::Receiver<Request>,
    end: tokio::task::JoinHandle<Result<Exit, TuiError>>,
}

impl Rig {
    fn start() -> Self {
        Self::start_with(true)
    }

    fn start_with(read_only: bool) -> Self {
        let parser = vt100::Parser::new(24.try_into().expect("rows"), 100.try_into().expect("columns"), 0);
        let screen = Shared(Arc::new(Mutex::new((parser, 0))));
        let (keys, key_source) = mpsc::channel(16);
        let (calls, call_source) = mpsc::channel(16);
        let (seen, observations) = mpsc::channel(16);
        let (answers, answer_source) = mpsc::channel(16);
        let (request_sink, requests) = mpsc::channel(16);
        let theme = load("ansi", ColourLevel::Ansi16, None).expect("theme");
        let options = RunOptions {
            targets: vec!["prod-a".into()],
            labels: vec![Some("Stockholm\x1b]0;x".into())],
            observations,
            answers: answer_source,
            requests: request_sink,
            themes: vec![theme.clone()],
            look: Look { theme, level: ColourLevel::Ansi16, modes: Modes::default(), background: None },
            keys: vec![KeyOverride { action: "zoom".into(), keys: vec!["ctrl-k".into()], line: 1 }],
            problems: Vec::new(),
            demo: Some(Demo { faults: Vec::new(), speed: 1.0 }),
            read_only,
            records: false,
            replay: None,
            log: None,
            clock: Clock::start(),
        };
        let out = screen.clone();
        let end = tokio::spawn(async move {
            let mut screen = Screen::over(out, Size::new(100, 24), Modes::default()).expect("screen");
            drive(&mut screen, Scripted(key_source), Silent(call_source), options).await
        });
        Self { screen, keys, calls, seen, answers, requests, end }
    }

    async fn key(&self, c: char) {
        press(&self.keys, c).await;
    }
}

async fn press(keys: &mpsc::Sender<io::Result<Event>>, c: char) {
    let event = Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    keys.send(Ok(event)).await.expect("the loop runs");
}

#[tokio::test]
async fn what_is_seen_comes_on_the_screen_and_q_leaves() {
    let rig = Rig::start();
    rig.screen.shows("Connecting to prod-a").await;
    let refused = Seen::Link(Link::Refused { error: "wrong password for root".into() });
    rig.seen.send((PoolIx(0), vec![Observation { at: NOW, seen: refused }])).await.expect("the loop runs");
    rig.screen.shows("wrong password for root").await;
    rig.key('q').await;
    assert_eq!(rig.end.await.expect("joined").expect("no error"), Exit::Quit);
}

#[tokio::test]
async fn an_idle_screen_writes_nothing() {
    let rig = Rig::start();
    rig.screen.shows("Connecting to prod-a").await;
    // The first frames have settled when nothing was written for a while.
    let mut before = 0;
    while rig.screen.bytes() != before {
        before = rig.screen.bytes();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = rig.screen.bytes();
    // The minute may have turned meanwhile, which is one small frame.
    assert!(after == before || after - before < 200, "{} bytes", after - before);
    rig.key('q').await;
    assert_eq!(rig.end.await.expect("joined").expect("no error"), Exit::Quit);
}

#[tokio::test]
async fn requests_go_out_and_answers_come_in() {
    let Rig { screen, keys, seen, answers, mut requests, end, .. } = Rig::start();
    press(&keys, '+').await;
    assert_eq!(requests.recv().await, Some(Request::Speed(2.0)));
    answers.send(Answer::Speed(2.0)).await.expect("the loop runs");
    screen.shows("demo at 2 times speed").await;
    drop(requests);
    press(&keys, '+').await;
    screen.shows("cannot be done any more").await;
    drop(seen);
    drop(answers);
    press(&keys, 'q').await;
    assert_eq!(end.await.expect("joined").expect("no error"), Exit::Quit);
}

#[tokio::test]
async fn the_wizard_never_waits_for_who_has_gone() {
    let Rig { screen, keys, seen, mut requests, .. } = Rig::start_with(false);
    let set = |class: Class, r: &str, json: &serde_json::Value| Seen::Set {
        r#ref: r.into(),
        record: Record::parse(class, &json.to_string()).expect("record").into(),
    };
    let classes = vec![Class::Pool, Class::Host];
    let pool = vec![
        Seen::Link(Link::Live { coordinator: "10.0.4.11:443".into() }),
        Seen::Resync { classes: classes.clone(), why: "first reading".into() },
        set(Class::Pool, "OpaqueRef:p", &serde_json::json!({"name_label": "prod-a", "master": "OpaqueRef:h1", "uuid": "u"})),
        set(Class::Host, "OpaqueRef:h1", &serde_json::json!({"name_label": "xcp1", "uuid": "h1", "enabled": true})),
        Seen::Synced { classes },
        Seen::Heard { generation: Some(1) },
    ];
    let at = Clock::start().now();
    let observations = pool.into_iter().map(|seen| Observation { at, seen }).collect();
    seen.send((PoolIx(0), observations)).await.expect("the loop runs");
    screen.shows("● live").await;
    press(&keys, 'w').await;
    screen.shows("Hosts, 1 of 1").await;
    let asked = tokio::time::timeout(Duration::from_secs(5), requests.recv()).await;
    assert_eq!(asked, Ok(Some(Request::FindRun { pool: PoolIx(0) })));
    drop(requests);
    let enter = Event::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    keys.send(Ok(enter)).await.expect("the loop runs");
    screen.shows("no plan").await;
    screen.shows("the part that does it has ended").await;
}

#[tokio::test]
async fn a_closed_terminal_and_signals_end_it() {
    let rig = Rig::start();
    drop(rig.keys);
    assert_eq!(rig.end.await.expect("joined").expect("no error"), Exit::HungUp);
    let rig = Rig::start();
    rig.keys.send(Err(io::Error::from_raw_os_error(5))).await.expect("sent");
    assert_eq!(rig.end.await.expect("joined").expect("no error"), Exit::HungUp);
    for (call, exit) in [(Call::End, Exit::Told), (Call::HangUp, Exit::HungUp)] {
        let rig = Rig::start();
        rig.calls.send(call).await.expect("sent");
        assert_eq!(rig.end.await.expect("joined").expect("no error"), exit);
    }
}

#[tokio::test]
async fn after_a_stop_all_of_the_screen_is_drawn_again() {
    let rig = Rig::start();
    rig.screen.shows("Connecting to prod-a").await;
    rig.screen.0.lock().expect("screen").0.process(b"\x1b[2J");
    rig.calls.send(Call::Continue).await.expect("sent");
    rig.screen.shows("Connecting to prod-a").await;
    rig.key('q').await;
    assert_eq!(rig.end.await.expect("joined").expect("no error"), Exit::Quit);
}

#[test]
fn every_theme_can_be_chosen_and_a_broken_one_is_named() {
    let theme = load("ansi", ColourLevel::Ansi256, None).expect("theme");
    let look = Look { theme, level: ColourLevel::Ansi256, modes: Modes::default(), background: None };
    let (themes, problems) = crate::tui::run::themes(&look, None);
    assert_eq!((themes.len(), problems.len()), (crate::tui::theme::bundled().len(), 0));
    let folder = std::env::temp_dir().join(format!("poolwatch-themes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("broken.toml"), "[roles]\nnonsense = 1\n").expect("a file");
    let (_, problems) = crate::tui::run::themes(&look, Some(&folder));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(matches!(&problems[..], [one] if one.contains("broken")), "{problems:?}");
}
