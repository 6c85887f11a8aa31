//! What is written is read again, whatever happened to it on the way.

use super::line::Header;
use super::player::{Player, look_through};
use super::read::{Item, ReadError, Recording};
use super::recorder::{KEY_EVERY, Options, Recorder, Shelf};
use super::segment::Sink;
use crate::observation::{Answer, Link, Observation, Outcome, Seen, Via};
use crate::pool::Pool;
use crate::pool::picture::Picture;
use crate::pool::random::any_observations;
use crate::pool::scene::{Scene, r};
use crate::time::Time;
use crate::xenapi::record::{Class, Message, Record, Vm};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Files in memory, on a disk of so many bytes.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<Vec<u8>>, usize)>>);

impl Disk {
    fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), room))))
    }

    fn room(&self, room: usize) {
        self.0.lock().expect("lock").1 = room;
    }

    fn files(&self) -> Vec<Vec<u8>> {
        self.0.lock().expect("lock").0.clone()
    }

    fn only(&self) -> Vec<u8> {
        let files = self.files();
        assert_eq!(files.len(), 1);
        files[0].clone()
    }
}

struct File(Disk, usize);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.0.lock().expect("lock");
        let fits = bytes.len().min(disk.1);
        if fits == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.1 -= fits;
        disk.0[self.1].extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for File {
    fn cut(&mut self, to: u64) -> io::Result<()> {
        self.0.0.lock().expect("lock").0[self.1].truncate(to as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shelf for Disk {
    fn next(&mut self, _: &Header) -> io::Result<Box<dyn Sink>> {
        let mut disk = self.0.lock().expect("lock");
        if disk.1 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.0.push(Vec::new());
        Ok(Box::new(File(self.clone(), disk.0.len() - 1)))
    }

    fn tidy(&mut self, _: Time) {}
}

const ROOM: usize = 1 << 30;

fn recorder(disk: &Disk) -> Recorder {
    Recorder::new(Box::new(disk.clone()), Options { segment: u64::MAX, span: Duration::MAX, ..Options::default() })
}

fn recorded(all: &[Observation]) -> Vec<u8> {
    let disk = Disk::with_room(ROOM);
    let mut recorder = recorder(&disk);
    recorder.see(all);
    recorder.finish();
    assert_eq!(recorder.trouble(), None);
    disk.only()
}

fn player(bytes: Vec<u8>) -> Player {
    Player::of(Recording::of_bytes("test", bytes).expect("a recording"), TimeZone::UTC)
}

/// Everything that was observed, key frames left out.
fn observed(bytes: Vec<u8>) -> Vec<Observation> {
    let recording = Recording::of_bytes("test", bytes).expect("a recording");
    recording.observations(Time::EPOCH).map(|seen| seen.expect("readable")).collect()
}

/// As drawn: what happens in one moment is told in no order.
fn comparable(mut picture: Picture) -> Picture {
    let lists = [&mut picture.alerts];
    for list in lists {
        list.sort_by(|a, b| (b.at, &a.about, &a.name, &a.text).cmp(&(a.at, &b.about, &b.name, &b.text)));
    }
    picture
}

/// All that a pool knows, in an order: where references clash, a picture of it hangs on the order in which it looks.
fn essence(pool: &Pool) -> (serde_json::Value, String, usize) {
    let mut kept = serde_json::to_value(pool.keep()).expect("written");
    if let Some(own) = kept["alerts"]["own"].as_array_mut() {
        own.sort_by_key(ToString::to_string);
    }
    (kept, format!("{:?}", pool.whole_records()), pool.count(Class::Vm))
}

/// A pool of three hosts for half an hour: a reboot, a rebuild, a lost host, guests.
fn story() -> Vec<Observation> {
    let mut scene = Scene::new(3);
    scene.guest("v1", 1);
    scene.guest("v2", 2);
    scene.pass(200.0);
    scene.reboot(2);
    scene.pass(100.0);
    scene.rebuild(0.3);
    scene.pass(200.0);
    scene.mute = vec![3];
    scene.pass(400.0);
    scene.mute.clear();
    scene.rebuild(1.0);
    scene.pass(900.0);
    scene.told
}

#[test]
fn going_to_a_moment_is_the_same_as_playing_up_to_it() {
    let all = story();
    let (first, last) = (all[0].at, all[all.len() - 1].at);
    assert!(last.since(first) > KEY_EVERY * 4, "there are key frames in it");
    let bytes = recorded(&all);
    let mut steady = player(bytes.clone());
    let mut keys = 0;
    for secs in (0..last.since(first).as_secs()).step_by(37) {
        let at = first + Duration::from_secs(secs);
        let played = comparable(steady.go(at).expect("plays").picture(at));
        let mut sought = player(bytes.clone());
        let sought = comparable(sought.go(at).expect("goes there").picture(at));
        assert_eq!(played, sought, "after {secs} s");
        // And as it was seen live.
        let mut live = Pool::new("");
        all.iter().filter(|seen| seen.at <= at).for_each(|seen| live.apply(seen));
        assert_eq!(comparable(live.picture(at)), played, "after {secs} s");
        keys += usize::from(!played.alerts.is_empty());
    }
    assert!(keys > 10, "something was told");
    let line = steady.time_line();
    assert_eq!((line.from, line.to), (first, last));
    for name in ["host-back", "rebuild-began", "host-ready"] {
        assert!(line.marks.iter().any(|mark| mark.name == name), "{name}: {:?}", line.marks);
    }
}

#[test]
fn what_is_read_is_what_was_seen() {
    let all = story();
    let read = observed(recorded(&all));
    let lasting = |seen: &&Observation| !matches!(seen.seen, Seen::Heard { .. });
    assert_eq!(read.iter().filter(lasting).collect::<Vec<_>>(), all.iter().filter(lasting).collect::<Vec<_>>());
}

#[test]
fn a_recording_that_is_being_written_is_read_up_to_the_last_flush() {
    let all = story();
    let disk = Disk::with_room(ROOM);
    let mut recorder = recorder(&disk);
    let mut seen = 0;
    for part in all.chunks(100) {
        recorder.see(part);
        recorder.flush();
        seen += part.len();
        let read = observed(disk.only());
        assert_eq!(
            read.last(),
            all[..seen].iter().rev().find(|seen| !matches!(seen.seen, Seen::Heard { .. }) || read.last() == Some(*seen))
        );
    }
}

#[test]
fn cut_anywhere_it_is_read_up_to_there() {
    let mut scene = Scene::new(2);
    scene.pass(90.0);
    let bytes = recorded(&scene.told);
    let all = observed(bytes.clone());
    let mut before = 0;
    for cut in 0..bytes.len() {
        match Recording::of_bytes("test", bytes[..cut].to_vec()) {
            Ok(recording) => {
                let read: Vec<_> = recording.observations(Time::EPOCH).map(|seen| seen.expect("readable")).collect();
                assert!(read.len() >= before && read[..] == all[..read.len()], "cut at {cut}");
                before = read.len();
                let (_, end) = recording.span();
                Player::of(recording, TimeZone::UTC).go(end).expect("can be looked at");
            }
            Err(ReadError::Empty { .. } | ReadError::Foreign { .. }) => assert_eq!(before, 0, "cut at {cut}"),
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
    assert!(before > all.len() / 2);
}

#[test]
fn any_byte_may_be_another_one() {
    let mut scene = Scene::new(2);
    scene.pass(70.0);
    let bytes = recorded(&scene.told);
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1 << (at % 8);
        if let Ok(recording) = Recording::of_bytes("test", broken) {
            let (from, to) = recording.span();
            let mut player = Player::of(recording, TimeZone::UTC);
            for moment in [to, from] {
                let _ = player.go(moment).map(|pool| pool.picture(moment));
            }
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_written_and_it_goes_on_when_there_is_room() {
    let all = story();
    for room in [0, 1, 500, 3_000, 5_000] {
        let disk = Disk::with_room(room);
        let mut recorder = recorder(&disk);
        let half = all.len() / 2;
        for part in all[..half].chunks(50) {
            recorder.see(part);
            recorder.flush();
        }
        assert_eq!(recorder.trouble(), Some("the disk is full"), "room for {room}");
        recorder.retry();
        assert!(recorder.trouble().is_some(), "still full");
        let before: Vec<_> = disk.files().into_iter().filter(|file| !file.is_empty()).collect();
        for file in &before {
            if let Ok(recording) = Recording::of_bytes("test", file.clone()) {
                for seen in recording.observations(Time::EPOCH) {
                    seen.expect("what was written is readable");
                }
            }
        }
        disk.room(ROOM);
        recorder.retry();
        assert_eq!(recorder.trouble(), None);
        recorder.see(&all[half..]);
        recorder.finish();
        let files = disk.files();
        let last = files.last().expect("a file").clone();
        let recording = Recording::of_bytes("test", last.clone()).expect("a recording");
        let gap = recording.items(recording.place(Time::EPOCH)).find_map(|item| match item.expect("readable") {
            Item::Gap(gap) => Some(gap),
            _ => None,
        });
        let gap = gap.expect("it says what is missing");
        assert!(gap.lost > 0 && gap.why == "the disk is full", "{gap:?}");
        let at = all[all.len() - 1].at;
        let mut live = Pool::new("");
        for seen in &all {
            live.apply(seen);
        }
        let picture = player(last).go(at).expect("goes there").picture(at);
        assert_eq!(comparable(picture), comparable(live.picture(at)), "room for {room}");
    }
}

/// The files of a recording that goes on in a new one every 400 s.
fn in_segments(all: &[Observation]) -> Vec<Vec<u8>> {
    let disk = Disk::with_room(ROOM);
    let options = Options { segment: u64::MAX, span: Duration::from_secs(400), ..Options::default() };
    let mut recorder = Recorder::new(Box::new(disk.clone()), options);
    recorder.see(all);
    recorder.finish();
    disk.files()
}

/// A folder of this process's own.
fn empty_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("poolwatch-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn segments_follow_each_other_without_a_seam() {
    let all = story();
    let files = in_segments(&all);
    assert!(files.len() >= 3, "{}", files.len());
    let folder = empty_folder("segments");
    for (at, bytes) in files.iter().enumerate() {
        std::fs::write(folder.join(format!("2026112{at}T000000Z{}", super::folder::ENDING)), bytes).expect("written");
    }
    let mut player = Player::open(&folder, TimeZone::UTC).expect("a recording");
    let line = player.time_line();
    assert_eq!((line.from, line.to, line.gaps.len()), (all[0].at, all[all.len() - 1].at, 0));
    let mut whole = self::player(recorded(&all));
    for secs in (0..line.to.since(line.from).as_secs() as u32).step_by(97).rev() {
        let at = line.from + Duration::from_secs(u64::from(secs));
        let (one, many) = (whole.go(at).expect("goes").picture(at), player.go(at).expect("goes").picture(at));
        assert_eq!(comparable(one), comparable(many), "after {secs} s");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_file_is_read_with_those_that_it_went_on_in() {
    let all = story();
    let files = in_segments(&all);
    assert!(files.len() > 1, "one file shows nothing");
    let folder = empty_folder("continued");
    let path = folder.join("flight.jsonl.zst");
    std::fs::write(&path, &files[0]).expect("written");
    for (at, bytes) in files.iter().enumerate().skip(1) {
        std::fs::write(folder.join(format!("flight-{}.jsonl.zst", at + 1)), bytes).expect("written");
    }
    // What is called as if it followed, and does not: another pool's, and no recording at all.
    let foreign =
        serde_json::to_string(&Header { schema: super::line::SCHEMA.to_owned(), uuid: "other".to_owned(), ..Header::default() });
    std::fs::write(folder.join(format!("flight-{}.jsonl.zst", files.len() + 1)), packed(&[&foreign.expect("a line")]))
        .expect("written");
    std::fs::write(folder.join(format!("flight-{}.jsonl.zst", files.len() + 2)), b"nonsense").expect("written");
    let recording = Recording::open(&path).expect("a recording");
    let at = all[all.len() - 1].at;
    assert_eq!(recording.header().uuid, Recording::of_bytes("first", files[0].clone()).expect("a recording").header().uuid);
    let whole = {
        let mut live = Pool::new("");
        for seen in &all {
            live.apply(seen);
        }
        live.picture(at)
    };
    let mut player = Player::of(recording, TimeZone::UTC);
    assert_eq!(comparable(player.go(at).expect("goes there").picture(at)), comparable(whole));
    let _ = std::fs::remove_dir_all(&folder);
}

/// Lines packed as one frame each.
fn packed(lines: &[&str]) -> Vec<u8> {
    let pack = |line: &&str| zstd::encode_all(format!("{line}\n").as_bytes(), 3).expect("packed");
    lines.iter().flat_map(pack).collect()
}

const HEADER: &str = r#"{"schema":"poolwatch-recording/1","pool":"p","start":1000}"#;
const HEARD: &str = r#"{"at":1000,"seen":{"heard":{"generation":7}}}"#;

#[test]
fn other_files_and_other_versions_are_refused_with_the_reason() {
    let open = |bytes: &[u8]| Recording::of_bytes("x.zst", bytes.to_vec()).map(|_| ()).expect_err("refused").to_string();
    assert!(open(b"").contains("empty"));
    assert!(open(b"PK\x03\x04 and so on").contains("not a recording"));
    assert!(open(HEADER.as_bytes()).contains("not packed with zstd"));
    assert!(open(&packed(&["{}"])).contains("not a recording"));
    assert!(open(&packed(&["[1,2]"])).contains("no header"));
    let newer = open(&packed(&[r#"{"schema":"poolwatch-recording/2"}"#]));
    assert!(newer.contains("poolwatch-recording/2") && newer.contains("poolwatch-recording/1"), "{newer}");
    let hostile = open(&packed(&["{\"schema\":\"poolwatch-recording/\\u001b[31m\"}"]));
    assert!(!hostile.contains('\u{1b}'), "{hostile}");
    assert!(Recording::open(&PathBuf::from("/nowhere/at/all")).map(|_| ()).is_err());
}

#[test]
fn lines_that_were_edited_are_left_out_and_counted() {
    let lines = [
        HEADER,
        "not json",
        r#"{"at":"soon","seen":{"heard":{"generation":1}}}"#,
        r#"{"seen":{"heard":{"generation":3}},"at":1500}"#,
        r#"{"at":1600,"seen":{"levitated":{}}}"#,
        r#"{"key":{"at":1700,"records":5}}"#,
        r#"{"kept":{"at":1700,"tracks":7}}"#,
        r#"{"future":1}"#,
        "\u{0}\u{1}",
        HEARD,
    ];
    let recording = Recording::of_bytes("x", packed(&lines)).expect("a recording");
    let mut items = recording.items(recording.place(Time::EPOCH));
    let seen = items.by_ref().filter(|item| matches!(item, Ok(Item::Seen(_)))).count();
    assert_eq!((seen, items.unread()), (2, 5));
}

#[test]
fn what_unpacks_without_end_is_not_unpacked() {
    let mut bytes = packed(&[HEADER, HEARD]);
    bytes.extend(zstd::encode_all(io::repeat(b' ').take(1 << 30), 1).expect("packed"));
    bytes.extend(zstd::encode_all(io::repeat(b'\n').take(1 << 30), 1).expect("packed"));
    bytes.extend(packed(&[HEARD]));
    let began = crate::time::computed();
    let recording = Recording::of_bytes("x", bytes).expect("a recording");
    let mut items = recording.items(recording.place(Time::EPOCH));
    assert_eq!(items.by_ref().filter(|item| matches!(item, Ok(Item::Seen(_)))).count(), 2);
    assert!(items.problem().is_some_and(|problem| problem.contains("not read")), "{:?}", items.problem());
    let took = crate::time::computed().saturating_sub(began);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn an_index_that_lies_is_not_believed() {
    let all = story();
    let bytes = recorded(&all);
    // Key frames and their times are named wrongly, in the same number of bytes.
    let text =
        bytes.windows(11).position(|w| w == b"\"key\":true,").or_else(|| bytes.windows(10).position(|w| w == b"\"key\":true"));
    let at = text.expect("there are key frames");
    let mut lying = bytes.clone();
    lying[at..at + 10].copy_from_slice(b"\"kez\":true");
    let end = all[all.len() - 1].at;
    let honest = comparable(player(bytes).go(end).expect("goes").picture(end));
    assert_eq!(comparable(player(lying).go(end).expect("goes").picture(end)), honest);
}

#[test]
fn no_secret_is_written() {
    let mut scene = Scene::new(2);
    scene.say(Seen::Link(Link::Lost {
        error: "GET https://10.0.0.1/x?session_id=OpaqueRef:hunter2-session failed".into(),
        retry_at: Time::EPOCH,
        attempt: 1,
    }));
    scene.say(Seen::Link(Link::Live { coordinator: "10.0.0.1:443".into() }));
    let message =
        Message { name: "X".into(), body: "<password>hunter2</password> cluster_token=hunter2".into(), ..Message::default() };
    scene.set("msg", Record::Message(message));
    let outcome = Outcome::Failed { code: None, error: "plugin said {\"pool_secret\": \"hunter2\"}".into() };
    scene.say(Seen::Answer(Answer { host: r("h1"), via: Via::Probe, took_ms: 1, outcome }));
    scene.set("v", Record::Vm(Vm { name_label: "secret=hunter2".into(), ..Vm::default() }));
    scene.pass(700.0);
    let bytes = recorded(&scene.told);
    let text = String::from_utf8(zstd::decode_all(&bytes[..]).expect("unpacked")).expect("text");
    assert!(!text.contains("hunter2"), "{}", text.lines().find(|line| line.contains("hunter2")).unwrap_or_default());
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "every line is JSON");
    assert!(!bytes.windows(7).any(|w| w == b"hunter2"), "nor in the index");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_pool_at_any_moment_is_as_it_was(all in any_observations(400), part in 0.0..1.0f64) {
        prop_assume!(!all.is_empty());
        let disk = Disk::with_room(ROOM);
        let mut recorder = recorder(&disk);
        for part in all.chunks(20) {
            recorder.see(part);
        }
        recorder.finish();
        let bytes = disk.only();
        let mut steady = player(bytes.clone());
        let (from, to) = steady.recording().span();
        let at = from + to.since(from).mul_f64(part);
        let middle = from + at.since(from) / 2;
        steady.go(middle).expect("plays");
        let played = essence(steady.go(at).expect("plays"));
        let sought = essence(player(bytes).go(at).expect("goes"));
        prop_assert_eq!(played, sought);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), behind in any::<bool>()) {
        let all = if behind { [packed(&[HEADER, HEARD]), bytes].concat() } else { bytes };
        look_through(all);
    }

    #[test]
    fn any_lines_are_read_or_left_out(lines in proptest::collection::vec("[ -~]{0,80}", 0..20)) {
        let mut all = vec![HEADER];
        all.extend(lines.iter().map(String::as_str));
        look_through(packed(&all));
    }
}
