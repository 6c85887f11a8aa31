//! Pools made by hand for tests: pictures as `pool` would make them, and a screen to draw them on.

use super::draw::draw;
use super::effect::Effect;
use super::keymap::{Key, Keymap, Keys};
use super::model::{Demo, FaultChoice, Model, Setup};
use super::msg::Msg;
use super::theme::{ColourLevel, Theme, bundled, load};
use super::update::update;
use crate::pool::budget::{Facts, Ha, Known, Storage, Transport, budget};
use crate::pool::picture::*;
use crate::time::Time;
use crate::xenapi::record::Ref;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::LazyLock;

/// 2026-11-21 02:41:07 UTC.
pub(crate) const NOW: Time = Time::from_secs(1_795_228_867);

pub(crate) fn ago(secs: i64) -> Time {
    Time::from_millis(NOW.as_millis() - secs * 1000)
}

pub(crate) fn ahead(secs: i64) -> Time {
    ago(-secs)
}

fn reason(code: &'static str, severity: Severity, text: &str, evidence: &str, opens: &str) -> Reason {
    Reason {
        code,
        severity,
        text: text.into(),
        evidence: evidence.into(),
        seen: ago(12),
        opens_when: opens.into(),
        until: (severity == Severity::Hard).then(|| ahead(300)),
    }
}

fn rebuild_reason() -> Reason {
    reason(
        "rebuild",
        Severity::Hard,
        "SR xostor is rebuilding its mirrors since xcp2 came back: 63 %, 4 min left.",
        "task \"SR Recovering\" (no progress of its own), probe on xcp1",
        "all 22 mirrors are up to date, then 60 s of quiet",
    )
}

fn path_reason() -> Reason {
    reason(
        "path-lost",
        Severity::Soft,
        "xcp3 has 1 of 2 paths to LUN 3600a098038314f1f (since 02:12).",
        "PBD.other_config:multipath of xcp3",
        "the second path is back",
    )
}

fn host(n: usize, stage: Stage, text: &str, vms: usize, used: f64, paths: (u32, u32)) -> HostView {
    let back = stage == Stage::Back;
    HostView {
        r#ref: Ref::from(format!("OpaqueRef:host-{n}")),
        uuid: format!("8f2b1d4e-0000-4000-8000-00000000000{n}"),
        name: format!("xcp{n}"),
        address: format!("10.0.4.{}", 10 + n),
        coordinator: n == 1,
        state: HostState {
            stage,
            since: Some(ago(if back { 180 } else { 700_000 })),
            text: text.into(),
            evidence: "it answered 4 s ago; host_metrics says live; all 6 PBDs are attached".into(),
        },
        enabled: true,
        live: true,
        gate: Gate {
            state: GateState::Closed,
            reasons: if n == 3 { vec![rebuild_reason(), path_reason()] } else { vec![rebuild_reason()] },
        },
        vms,
        memory: Memory { total: 128 << 30, used: Some((f64::from(128u32) * used) as u64 * (1 << 30)) },
        paths: Some(paths),
        latency: (0..30)
            .map(|i| match (back, i) {
                (true, 8..=11) => Latency::None,
                (true, 12..=13) => Latency::Lost,
                _ => Latency::Ms([8, 9, 14, 7, 30, 9, 8, 12][(i * n) % 8]),
            })
            .collect(),
        version: "8.3.0".into(),
        guidance: if n == 4 { vec!["reboot host".into()] } else { Vec::new() },
        booted: Some(ago(if back { 277 } else { 700_000 })),
        fence: None,
        fence_margin_s: Some([54.0, 55.0, 52.0, 55.0][n - 1]),
        allowed: vec!["provision", "vm_start", "evacuate"],
        ..HostView::default()
    }
}

fn paths() -> Vec<PathView> {
    let luns = ["3600a098038314f1f", "3600a098038314f20", "3600a098038314f2a"];
    let mut paths = Vec::new();
    for host in ["xcp1", "xcp2", "xcp3", "xcp4"] {
        for lun in luns {
            let lost = host == "xcp3" && lun.ends_with("1f");
            paths.push(PathView {
                host: host.into(),
                kind: PathKind::Multipath,
                name: lun.into(),
                sr: "san".into(),
                up: if lost { 1 } else { 2 },
                total: 2,
                since: lost.then(|| ago(1740)),
                health: if lost { Health::Degraded } else { Health::Good },
                week: PathWeek::default(),
            });
        }
        paths.push(PathView {
            host: host.into(),
            kind: PathKind::Bond,
            name: "bond0".into(),
            sr: String::new(),
            up: 2,
            total: 2,
            since: None,
            health: Health::Good,
            week: PathWeek::default(),
        });
    }
    paths
}

fn alert(secs: i64, name: &str, health: Health, about: &str, text: &str, still: Option<bool>, count: u32) -> Alert {
    Alert { at: ago(secs), name: name.into(), health, about: about.into(), text: text.into(), still_true: still, count }
}

/// A pool of four hosts while mirrors are rebuilt and one path is gone.
pub(crate) fn busy() -> Picture {
    Picture {
        at: NOW,
        name: "prod-a".into(),
        uuid: "6e3e0000-0000-4000-8000-000000000001".into(),
        coordinator: "xcp1".into(),
        product: "XCP-ng 8.3".into(),
        xapi: "26.1".into(),
        dialect: Dialect::Designed,
        link: LinkView {
            current: true,
            state: LinkState::Live,
            text: "connected to 10.0.4.11".into(),
            since: ago(3600),
            heard: Some(ago(1)),
            retry_at: None,
        },
        verdict: Verdict {
            state: GateState::Closed,
            headline: "SR xostor is rebuilding its mirrors since xcp2 came back: 63 %, 4 min left, so not before 02:46.".into(),
            opens_when: "the rebuild ends, then 60 s of quiet".into(),
            until: Some(ahead(300)),
            reasons: vec![rebuild_reason(), path_reason()],
        },
        hosts: vec![
            host(1, Stage::Live, "live", 12, 0.71, (8, 8)),
            host(2, Stage::Back, "back for 3 min", 0, 0.09, (8, 8)),
            host(3, Stage::Live, "live, at risk", 14, 0.80, (7, 8)),
            host(4, Stage::Live, "live", 11, 0.93, (8, 8)),
        ],
        rebuilds: vec![Rebuild {
            sr: "xostor".into(),
            source: "probe".into(),
            progress: Some(0.63),
            rate: Some(0.0015),
            ends: Some(ahead(245)),
            since: ago(400),
            ended: None,
            text: "14 of 22 mirrors in step, 41 MB/s, xcp2 → xcp1, xcp4".into(),
            seen: ago(4),
        }],
        tasks: vec![
            TaskView {
                r#ref: Ref::from("OpaqueRef:task-1"),
                name: "Evacuate host".into(),
                host: "xcp3".into(),
                progress: Some(0.25),
                created: Some(ago(60)),
                health: Health::Pending,
                text: "running for 1 min".into(),
                ended: false,
            },
            TaskView {
                r#ref: Ref::from("OpaqueRef:task-2"),
                name: "Migrate VM db-old".into(),
                host: "xcp1".into(),
                progress: None,
                created: Some(ago(300)),
                health: Health::Failed,
                text: "failed: there is not enough memory on xcp1".into(),
                ended: true,
            },
        ],
        clusters: vec![ClusterView {
            stack: "o2cb".into(),
            quorate: Some(true),
            may_fail: Some(1),
            quorum: None,
            restart: Vec::new(),
            members: (1..=4)
                .map(|n| MemberView { host: format!("xcp{n}"), id: Some(n - 1), state: "alive", health: Health::Good })
                .collect(),
            seen: Some(ago(2)),
        }],
        paths: paths(),
        clocks: vec![ClockView { host: "xcp4".into(), skew_s: -0.2, error_s: 1.0, seen: ago(20) }],
        budget: budget(&Facts {
            ha: Some(Ha {
                stack: "xhad".into(),
                timeout_s: 60.0,
                watchdog_s: None,
                known: Known::Told,
                from: "pool.ha_configuration:timeout",
            }),
            o2cb: true,
            storage: vec![Storage {
                transport: Transport::Iscsi,
                multipath: true,
                srs: vec!["lun1".into(), "lun2".into()],
                queue: None,
                waits: None,
            }],
            devices: 16,
            guests: 34,
            skew_s: Some(1.5),
            ..Facts::default()
        }),
        control: Control { ha: true, ha_stack: "o2cb".into(), ha_tolerates: 1, ..Control::default() },
        alerts: vec![
            alert(187, "host-back", Health::Pending, "xcp2", "xcp2 is back (boot 02:36)", None, 1),
            alert(607, "host-rebooted", Health::Pending, "xcp2", "xcp2 was rebooted", None, 1),
            alert(
                1740,
                "MULTIPATH_PERIODIC_ALERT",
                Health::Degraded,
                "xcp3",
                "multipath: xcp3 has 1 of 2 paths to LUN …1f",
                Some(true),
                3,
            ),
            alert(2760, "clock-skew", Health::Good, "xcp4", "clock of xcp4 in step again (was 3.1 s off)", Some(false), 1),
            alert(90_000, "sr-rebuild", Health::Degraded, "xostor", "SR xostor lost a mirror", Some(true), 1),
        ],
        unreadable: 0,
        guests: 37,
    }
}

/// A pool in which nothing speaks against a reboot.
pub(crate) fn calm(name: &str) -> Picture {
    let mut picture = busy();
    picture.name = name.into();
    picture.rebuilds.clear();
    picture.tasks.clear();
    picture.alerts.clear();
    picture.paths.iter_mut().for_each(|p| (p.up, p.since, p.health) = (p.total, None, Health::Good));
    for host in &mut picture.hosts {
        host.gate = Gate { state: GateState::Open, reasons: Vec::new() };
        host.state.stage = Stage::Live;
        host.state.text = "live".into();
        host.paths = Some((8, 8));
    }
    picture.verdict = Verdict {
        state: GateState::Open,
        headline: "Nothing is known that speaks against rebooting the next host. xcp2 would be a good one.".into(),
        ..Verdict::default()
    };
    picture
}

/// The same pool after its coordinator stopped answering.
pub(crate) fn lost() -> Picture {
    let mut picture = busy();
    picture.link = LinkView {
        current: true,
        state: LinkState::Lost,
        text: "10.0.4.11 does not answer: connection refused; next try in 22 s (4 tries)".into(),
        since: ago(125),
        heard: Some(ago(130)),
        retry_at: Some(ahead(22)),
    };
    picture.verdict = Verdict {
        state: GateState::Unknown,
        headline: "The pool has not been heard for 2 min, so nothing can be said about it.".into(),
        opens_when: "the connection is back and everything was read again".into(),
        ..Verdict::default()
    };
    picture
}

/// A connection that will not be tried again.
pub(crate) fn refused() -> Picture {
    Picture {
        at: NOW,
        link: LinkView {
            current: true,
            state: LinkState::Refused,
            text: "The certificate of 10.0.4.11 has changed. It was SHA256:AA:BB:CC, it is SHA256:DD:EE:FF. If you know why \
                   (the host was reinstalled), accept it with: poolwatch watch prod-a --accept-certificate DD:EE:FF"
                .into(),
            since: ago(5),
            ..LinkView::default()
        },
        ..Picture::default()
    }
}

/// A connection that is being made.
pub(crate) fn first() -> Picture {
    Picture {
        at: NOW,
        link: LinkView {
            current: true,
            state: LinkState::Syncing,
            text: "reading hosts, VMs and storage from 10.0.4.11".into(),
            since: ago(3),
            heard: Some(ago(1)),
            retry_at: None,
        },
        ..Picture::default()
    }
}

/// A model over pictures.
pub(crate) fn model_of(pictures: Vec<Picture>, size: (u16, u16), ascii: bool) -> Model {
    static THEMES: LazyLock<Vec<Theme>> =
        LazyLock::new(|| bundled().iter().map(|name| load(name, ColourLevel::Ansi16, None).expect("bundled theme")).collect());
    let themes: Vec<Theme> = THEMES.iter().map(|t| t.clone().with_ascii(ascii)).collect();
    let mut model = Model::new(Setup {
        targets: pictures.iter().map(|p| if p.name.is_empty() { "10.0.4.11".into() } else { p.name.clone() }).collect(),
        theme: themes.iter().find(|t| t.name == "ansi").expect("the theme").clone(),
        themes,
        keymap: Keymap::default(),
        problems: Vec::new(),
        demo: None,
        read_only: true,
        records: false,
        replay: false,
        zone: jiff::tz::TimeZone::UTC,
        now: NOW,
        size,
    });
    for (view, picture) in model.pools.iter_mut().zip(pictures) {
        view.picture = picture;
        view.changed = false;
    }
    model.settle_panes();
    model
}

/// A model of the busy pool.
pub(crate) fn model(size: (u16, u16)) -> Model {
    model_of(vec![busy()], size, false)
}

/// Makes it a demo.
pub(crate) fn demo(mut model: Model) -> Model {
    let fault = |id: &str, label: &str, description: &str| FaultChoice {
        id: id.into(),
        label: label.into(),
        description: description.into(),
    };
    model.demo = Some(Demo {
        speed: 1.0,
        faults: vec![
            fault("crash", "Crash a host", "xcp3 stops at once, as after a power cut."),
            fault("path", "Fail a path", "xcp1 loses one of two paths to a LUN."),
        ],
    });
    model
}

/// Presses keys, written as in the table and divided by commas: `tab, /, x, enter`.
pub(crate) fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(", ") {
        let keys: Keys = key.parse().unwrap_or_else(|e| panic!("{e}"));
        for key in keys.0 {
            effects.extend(press_key(model, key));
        }
    }
    effects
}

pub(crate) fn press_key(model: &mut Model, key: Key) -> Vec<Effect> {
    let effects = update(model, Msg::Key(key));
    model.settle_panes();
    effects
}

/// Types text.
pub(crate) fn type_text(model: &mut Model, text: &str) {
    for c in text.chars() {
        press_key(model, Key::new(crossterm::event::KeyCode::Char(c), crossterm::event::KeyModifiers::NONE));
    }
}

/// The cells that the model draws.
pub(crate) fn buffer(model: &Model) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, &mut buf);
    buf
}

/// The screen as text.
pub(crate) fn screen(model: &Model) -> String {
    text_of(&buffer(model))
}

pub(crate) fn text_of(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The screen as text, and a number that changes if any style does.
pub(crate) fn snapshot(model: &Model) -> String {
    let buf = buffer(model);
    // FNV-1a, so that the number does not hang on the standard library's version.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut last = None;
    for (at, cell) in buf.content.iter().enumerate() {
        let style = (cell.fg, cell.bg, cell.modifier);
        if last != Some(style) {
            for byte in format!("{at} {style:?}").bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            last = Some(style);
        }
    }
    format!("{}styles {hash:016x}\n", text_of(&buf))
}
