//! Prints screens for a person to look at: `cargo test look_at -- --ignored --nocapture`.
use crate::tui::testkit::*;

#[test]
#[ignore = "for a person to look at"]
fn look_at() {
    for (size, keys) in [
        ((120, 30), ""),
        ((110, 24), ""),
        ((80, 24), "P, right"),
        ((80, 40), "C"),
        ((160, 50), "L"),
        ((60, 16), ""),
        ((100, 16), ""),
    ] {
        let mut m = model(size);
        if !keys.is_empty() {
            press(&mut m, keys);
        }
        println!("{}\n{}", format!("== {size:?} {keys} ").repeat(3), screen(&m));
    }
}

#[test]
#[ignore = "for a person to look at"]
fn how_long_a_frame_takes() {
    let mut picture = busy();
    let host = picture.hosts[0].clone();
    picture.hosts = (0..64)
        .map(|n| {
            let mut host = host.clone();
            host.name = format!("node-{n:02}");
            host.r#ref = format!("OpaqueRef:n{n}").into();
            host
        })
        .collect();
    let path = picture.paths[0].clone();
    picture.paths = (0..64 * 12)
        .map(|n| {
            let mut path = path.clone();
            path.host = format!("node-{:02}", n / 12);
            path.name = format!("3600a0980383{:04x}", n % 12);
            path
        })
        .collect();
    let alert = picture.alerts[0].clone();
    picture.alerts = vec![alert; 400];
    let mut model = model_of(vec![picture], (200, 60), false);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        model.settle_panes();
    }
    println!("settling {:?}", start.elapsed() / 100);
    let start = std::time::Instant::now();
    for _ in 0..100 {
        let _ = buffer(&model);
    }
    println!("drawing {:?}", start.elapsed() / 100);
}

#[test]
#[ignore = "for a person to look at"]
fn look_at_the_wizard() {
    use crate::tui::wizard::fixture::{confirming, ended, evacuating, findings, planned, rolling, stuck, writing};
    for size in [(80, 24), (120, 40), (40, 10), (200, 60)] {
        let mut scope = writing(size);
        press(&mut scope, "w, down, space, down, down");
        let mut checks = planned(size, findings());
        press(&mut checks, "enter");
        let mut leaving = rolling(size, evacuating());
        press(&mut leaving, "q");
        let mut away = rolling(size, evacuating());
        press(&mut away, "w");
        for (name, m) in [
            ("scope", scope),
            ("plan", planned(size, findings())),
            ("preflight", checks),
            ("confirm", confirming(size)),
            ("run", rolling(size, evacuating())),
            ("stuck", rolling(size, stuck())),
            ("leaving", leaving),
            ("away", away),
            ("report", rolling(size, ended(true))),
            ("report, left", rolling(size, ended(false))),
        ] {
            println!("== {name} {size:?} {}\n{}", "=".repeat(60), screen(&m));
        }
    }
}

/// The screen with its colours, as a terminal takes them.
fn coloured(model: &crate::tui::model::Model) -> String {
    use ratatui::style::{Color, Modifier};
    use std::fmt::Write as _;
    let code = |colour: Color, base: u8| match colour {
        Color::Rgb(r, g, b) => format!(";{};2;{r};{g};{b}", base + 8),
        Color::Indexed(n) => format!(";{};5;{n}", base + 8),
        _ => String::new(),
    };
    let buf = buffer(model);
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut skip = 0;
        for x in 0..buf.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let cell = &buf[(x, y)];
            let bold = if cell.modifier.contains(Modifier::BOLD) { ";1" } else { "" };
            let swap = if cell.modifier.contains(Modifier::REVERSED) { ";7" } else { "" };
            let _ = write!(out, "\x1b[0{bold}{swap}{}{}m{}", code(cell.fg, 30), code(cell.bg, 40), cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

#[test]
#[ignore = "for a person to look at"]
fn look_at_the_wizards_colours() {
    use crate::tui::theme::{ColourLevel, load};
    use crate::tui::wizard::fixture::{confirming, ended, evacuating, findings, planned, rolling, stuck, writing};
    let Some(folder) = std::env::var_os("POOLWATCH_LOOK") else { return };
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut scope = writing(size);
        press(&mut scope, "w, down, space, down, down");
        let mut checks = planned(size, findings());
        press(&mut checks, "enter, down, a");
        let pages = [
            ("scope", scope),
            ("plan", planned(size, findings())),
            ("checks", checks),
            ("confirm", confirming(size)),
            ("run", rolling(size, evacuating())),
            ("stuck", rolling(size, stuck())),
            ("report", rolling(size, ended(false))),
        ];
        for (name, mut model) in pages {
            let theme = load("dark", ColourLevel::TrueColour, None).expect("theme");
            model.look = crate::tui::draw::Look::new(theme);
            let path = std::path::Path::new(&folder).join(format!("{name}-{}x{}.ansi", size.0, size.1));
            std::fs::write(path, coloured(&model)).expect("written");
        }
    }
}
