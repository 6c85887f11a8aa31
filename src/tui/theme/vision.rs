//! The rules that a bundled theme must keep, measured: contrast (WCAG 2.2), and how far apart the states are for people
//! who see colours differently (Machado, Oliveira and Fernandes 2009, severity 1.0; distances in `OKLab`).

use std::collections::BTreeSet;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use strum::IntoEnumIterator;

use super::colour::{distance, linear, oklab_of_light, times, xterm_value};
use super::{ColourLevel, Role, Theme, Variant, bundled, load};

type Rgb = [u8; 3];
type Matrix = [[f64; 3]; 3];

const EYES: [(&str, Matrix); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protan", [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]]),
    ("deutan", [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]]),
    ("tritan", [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]]),
];

fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn seen(rgb: Rgb, eyes: Matrix) -> [f64; 3] {
    oklab_of_light(times(eyes, rgb.map(linear)).map(|light| light.clamp(0.0, 1.0)))
}

fn rgb(colour: Option<Color>) -> Rgb {
    match colour {
        Some(Color::Rgb(r, g, b)) => [r, g, b],
        Some(Color::Indexed(index)) => xterm_value(index),
        other => panic!("{other:?} has no value"),
    }
}

/// Foreground and background as they are seen once `word` is written on `ground`, with reverse carried out.
fn pair(ground: Style, word: Style) -> (Rgb, Rgb) {
    let style = ground.patch(word);
    let (fg, bg) = (rgb(style.fg), rgb(style.bg));
    if style.add_modifier.contains(Modifier::REVERSED) { (bg, fg) } else { (fg, bg) }
}

fn theme(name: &str, level: ColourLevel) -> Theme {
    load(name, level, None).unwrap_or_else(|error| panic!("{error}"))
}

/// The bundled themes that bring their own colours and ground.
fn painted() -> impl Iterator<Item = &'static str> {
    bundled().iter().copied().filter(|name| !matches!(*name, "ansi" | "mono"))
}

fn words() -> impl Iterator<Item = Role> {
    Role::iter().filter(|role| role.is_words())
}

const GROUNDS: [Role; 3] = [Role::Surface, Role::Bar, Role::Popup];
const STATES: [Role; 4] = [Role::Healthy, Role::Pending, Role::Degraded, Role::Failed];

#[test]
fn the_arithmetic_agrees_with_published_values() {
    assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 1e-9);
    // WCAG's own border case: #767676 on white is 4.54, #777777 is 4.48.
    assert!((contrast([0x76; 3], [255; 3]) - 4.54).abs() < 0.005);
    assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.005);
    for (name, eyes) in EYES {
        // Whites and greys look the same to everybody: every row adds up to one.
        for row in eyes {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{name}");
        }
    }
    // Red and green of one lightness nearly meet for a deuteranope, and do not for anybody else.
    let (red, green) = ([0xd0, 0x60, 0x40], [0x80, 0x8c, 0x20]);
    let apart = |eyes: usize| distance(seen(red, EYES[eyes].1), seen(green, EYES[eyes].1));
    assert!(apart(2) < 0.5 * apart(0) && apart(3) > 0.8 * apart(0), "{} {}", apart(2), apart(0));
}

#[test]
fn every_word_can_be_read_on_every_ground_it_can_stand_on() {
    for name in painted() {
        for level in [ColourLevel::TrueColour, ColourLevel::Ansi256] {
            let theme = theme(name, level);
            // 256 colours are coarser; what is lost by rounding is accepted down to 4, never below.
            let (least, body) = if level == ColourLevel::TrueColour { (4.5, 7.0) } else { (4.0, 6.5) };
            let least = if name == "high-contrast" { least + 2.5 } else { least };
            for role in words() {
                for ground in GROUNDS {
                    let plain = theme.style(ground);
                    for (where_, style) in [
                        ("", plain.patch(theme.style(role))),
                        ("selected ", plain.patch(theme.style(role)).patch(theme.style(Role::Selection))),
                    ] {
                        let (fg, bg) = pair(Style::default(), style);
                        let ratio = contrast(fg, bg);
                        assert!(
                            ratio >= least,
                            "{name} at {level}: {where_}{role:?} on {ground:?} is {ratio:.2}:1, not {least}:1"
                        );
                    }
                }
            }
            let (fg, bg) = pair(theme.style(Role::Surface), theme.style(Role::Text));
            assert!(contrast(fg, bg) >= body, "{name} at {level}: text is {:.2}:1", contrast(fg, bg));
        }
    }
}

#[test]
fn lines_gauges_and_charts_stand_out_as_much_as_they_must() {
    for name in painted() {
        let theme = theme(name, ColourLevel::TrueColour);
        let ratio = |ground: Role, style: Style| {
            let (fg, bg) = pair(theme.style(ground), style);
            contrast(fg, bg)
        };
        for ground in [Role::Surface, Role::Popup] {
            for role in [Role::Focus, Role::GaugeLow, Role::GaugeMid, Role::GaugeHigh] {
                assert!(ratio(ground, theme.style(role)) >= 3.0, "{name}: {role:?} on {ground:?}");
            }
            for role in [Role::Border, Role::GaugeEmpty] {
                assert!(ratio(ground, theme.style(role)) >= 1.5, "{name}: {role:?} on {ground:?}");
            }
            for i in 0..8 {
                assert!(ratio(ground, theme.series(i)) >= 3.0, "{name}: series {i} on {ground:?}");
            }
        }
    }
}

#[test]
fn the_states_are_told_apart_by_everybody() {
    for name in painted() {
        let theme = theme(name, ColourLevel::TrueColour);
        for (eyes, matrix) in EYES {
            let least = match (name, eyes) {
                ("deutan", "normal" | "protan" | "deutan") | ("tritan", "normal" | "tritan") => 0.20,
                (_, "normal") => 0.15,
                // The other half of the colour-blind-safe themes' users see the first half's colours worse; they have
                // their own theme. All states carry a glyph and a word besides.
                ("deutan" | "tritan", _) => 0.0,
                _ => 0.10,
            };
            for (i, a) in STATES.iter().enumerate() {
                for b in &STATES[i + 1..] {
                    let apart = distance(seen(rgb(theme.style(*a).fg), matrix), seen(rgb(theme.style(*b).fg), matrix));
                    assert!(apart >= least, "{name} with {eyes} eyes: {a:?} and {b:?} are {apart:.3} apart, not {least}");
                }
            }
        }
    }
}

#[test]
fn the_selected_row_is_seen_without_its_colour_too() {
    for name in bundled() {
        for level in ColourLevel::iter() {
            let theme = theme(name, level);
            let selected = theme.style(Role::Selection);
            let marked = selected.add_modifier.intersects(Modifier::REVERSED | Modifier::BOLD);
            assert!(marked, "{name} at {level}: selection has neither reverse nor bold");
            if level <= ColourLevel::Ansi16 {
                assert!(selected.add_modifier.contains(Modifier::REVERSED), "{name} at {level}: {selected:?}");
            }
        }
    }
}

#[test]
fn without_colours_there_are_none_and_modifiers_tell_the_roles_apart() {
    for name in bundled() {
        let theme = theme(name, ColourLevel::None);
        for role in Role::iter() {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
        }
        for i in 0..6 {
            assert_eq!((theme.series(i).fg, theme.series(i).bg), (None, None), "{name}");
        }
        let look = |role: Role, ground: Role| theme.style(ground).patch(theme.style(role)).add_modifier;
        let groups: [&[Role]; 3] =
            [&STATES, &[Role::Text, Role::Muted, Role::Match, Role::Failed], &[Role::Focus, Role::Border, Role::Text]];
        for group in groups {
            for ground in [Role::Surface, Role::Selection] {
                let looks: BTreeSet<u16> = group.iter().map(|role| look(*role, ground).bits()).collect();
                assert_eq!(looks.len(), group.len(), "{name}: {group:?} on {ground:?}");
            }
        }
        for role in [Role::Stale, Role::Key, Role::Emphasis, Role::Input, Role::GaugeHigh] {
            assert_ne!(theme.style(role).add_modifier, Modifier::empty(), "{name} {role:?}");
        }
    }
}

/// What people's terminals make of the 16: ground, and the values of red, green, blue, magenta, cyan.
const TERMINALS: [(&str, Rgb, [Rgb; 5]); 6] = [
    ("xterm on black", [0, 0, 0], [[205, 0, 0], [0, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205]]),
    ("xterm on white", [255, 255, 255], [[205, 0, 0], [0, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205]]),
    ("Solarized dark", [0, 43, 54], [[220, 50, 47], [133, 153, 0], [38, 139, 210], [211, 54, 130], [42, 161, 152]]),
    ("Solarized light", [253, 246, 227], [[220, 50, 47], [133, 153, 0], [38, 139, 210], [211, 54, 130], [42, 161, 152]]),
    ("Windows on black", [12, 12, 12], [[197, 15, 31], [19, 161, 14], [0, 55, 218], [136, 23, 152], [58, 150, 221]]),
    ("Windows on white", [242, 242, 242], [[197, 15, 31], [19, 161, 14], [0, 55, 218], [136, 23, 152], [58, 150, 221]]),
];

#[test]
fn on_sixteen_colours_only_the_safe_ones_are_used() {
    let order = [Color::Red, Color::Green, Color::Blue, Color::Magenta, Color::Cyan];
    for name in bundled() {
        let theme = theme(name, ColourLevel::Ansi16);
        let styles = Role::iter().map(|role| (format!("{role:?}"), theme.style(role)));
        let series = (0..5).map(|i| (format!("series {i}"), theme.series(i)));
        for (role, style) in styles.chain(series) {
            assert!(matches!(style.bg, None | Some(Color::Reset)), "{name} {role}: {style:?}");
            let fg = match style.fg {
                None | Some(Color::Reset) => continue,
                Some(fg) => fg,
            };
            let index = order.iter().position(|safe| *safe == fg);
            let index = index.unwrap_or_else(|| panic!("{name} {role}: {fg:?} vanishes on some grounds"));
            for (terminal, ground, values) in TERMINALS {
                // The user's own palette decides; no choice of ours does better on all of these. What says that something
                // is wrong must do best.
                let least = if matches!(fg, Color::Red) { 3.0 } else { 1.8 };
                let ratio = contrast(values[index], ground);
                assert!(ratio >= least, "{name} {role} in {fg:?} on {terminal}: {ratio:.2}");
            }
        }
        // Words of weight never depend on an accent.
        for role in [Role::Text, Role::Title, Role::Muted, Role::Stale, Role::Input] {
            assert!(matches!(theme.style(role).fg, None | Some(Color::Reset)), "{name} {role:?}");
        }
    }
}

#[test]
fn the_terminals_own_palette_is_used_as_it_is() {
    let theme = theme("ansi", ColourLevel::TrueColour);
    for role in Role::iter() {
        let style = theme.style(role);
        assert!(!matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))), "{role:?}");
        assert!(style.bg.is_none(), "{role:?}");
    }
}

#[test]
fn there_is_a_theme_for_both_grounds() {
    let variant = |name| theme(name, ColourLevel::TrueColour).variant;
    assert_eq!((variant("dark"), variant("light"), variant("ansi")), (Variant::Dark, Variant::Light, Variant::Any));
    for name in painted() {
        let theme = theme(name, ColourLevel::TrueColour);
        let dark = luminance(rgb(theme.style(Role::Surface).bg)) < 0.18;
        assert_eq!(dark, theme.variant == Variant::Dark, "{name}");
    }
    assert!(Path::new("themes").join("dark.toml").exists());
}
