//! Theme files as people write them: inherited, mistaken, missing, and at random.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// A folder of the user's own themes that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("poolwatch-themes-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            std::fs::write(path.join(file), text).unwrap();
        }
        Self(path)
    }

    fn load(&self, name: &str) -> Result<Theme, String> {
        load(name, ColourLevel::TrueColour, Some(&self.0))
            .map_err(|error| error.to_string().replace(&*self.0.to_string_lossy(), ""))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is said about a theme file with this text.
fn mistakes(text: &str) -> String {
    let folder =
        Folder::with(&format!("{:x}", text.len() * 31 + text.bytes().map(usize::from).sum::<usize>()), &[("own.toml", text)]);
    folder.load("own").unwrap_err()
}

#[test]
fn every_mistake_is_named_with_its_file_and_line() {
    for (text, said) in [
        ("[roles]\nhealthy = \"red\"\nheathy = \"red\"\n", "/own.toml:3: roles.heathy: unknown key; did you mean `healthy`?"),
        ("colour = 1\n", "/own.toml:1: colour: unknown key; known here: name, variant, inherits, lines, palette, roles, ansi"),
        (
            "[palette]\nsky = \"#12345\"\n",
            "/own.toml:2: palette.sky: \"#12345\" is no colour: it takes # and 3 or 6 hexadecimal digits",
        ),
        (
            "[palette]\nsky = \"blueish\"\n",
            "/own.toml:2: palette.sky: \"blueish\" is no colour; a palette takes \"#rrggbb\", \"default\" or one of the terminal's 16",
        ),
        (
            "[palette]\nsky = \"#abc\"\n\n[roles]\nkey = { fg = \"skye\" }\n",
            "/own.toml:5: roles.key.fg: \"skye\" is neither in the palette nor a colour; did you mean \"sky\"?",
        ),
        (
            "[roles]\nkey = { fg = \"red\", blink = true }\n",
            "/own.toml:2: roles.key.blink: unknown key; known here: fg, bg, bold, italic, underline, reverse, dim",
        ),
        ("[roles]\nkey = { bold = 1 }\n", "/own.toml:2: roles.key.bold: expected true or false, found an integer"),
        ("[roles]\ngauge = [\"red\"]\n", "/own.toml:2: roles.gauge: expected three colours: low, middle, high, found 1"),
        ("[roles]\nseries = []\n", "/own.toml:2: roles.series: a list of at least one colour is needed"),
        ("variant = \"dim\"\n", "/own.toml:1: variant: expected one of dark, light, any, found \"dim\""),
        ("lines = \"fat\"\n", "/own.toml:1: lines: expected one of plain, rounded, thick, double, ascii, found \"fat\""),
        (
            "[ansi]\nsky = \"#123456\"\n",
            "/own.toml:2: ansi.sky: expected \"default\" or one of the terminal's 16 colours, such as \"blue\" or \"bright-blue\", found \"#123456\"",
        ),
        ("inherits = \"drak\"\n", "/own.toml:1: inherits: there is no theme \"drak\"; did you mean \"dark\"?"),
        ("[roles\n", "/own.toml:1: this is no valid TOML: "),
    ] {
        let error = mistakes(text);
        assert!(error.starts_with(said), "{text}\n said {error}\n not  {said}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_named_at_once() {
    let error = mistakes("name = 3\nvariant = \"x\"\n[roles]\ntext = 1\n");
    assert_eq!(error.lines().count(), 3, "{error}");
    let error = mistakes("[roles]\ntext = \"a\"\nmuted = \"b\"\nseries = [\"c\"]\n");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn circles_are_found_however_long_they_are() {
    let folder = Folder::with(
        "circle",
        &[
            ("a.toml", "# one\ninherits = \"b\"\n"),
            ("b.toml", "inherits = \"c\"\n"),
            ("c.toml", "inherits = \"a\"\n"),
            ("self.toml", "inherits = \"self\"\n"),
        ],
    );
    assert_eq!(
        folder.load("a").unwrap_err(),
        "/c.toml:1: inherits: the themes inherit in a circle: /a.toml -> /b.toml -> /c.toml -> a"
    );
    assert_eq!(folder.load("self").unwrap_err(), "/self.toml:1: inherits: the themes inherit in a circle: /self.toml -> self");
}

#[test]
fn an_own_theme_wins_over_a_bundled_one_and_may_build_on_it() {
    let folder =
        Folder::with("own", &[("dark.toml", "inherits = \"dark\"\n[palette]\nwater = \"#000000\"\n"), ("neu.toml", "[roles]\n")]);
    let own = folder.load("dark").unwrap();
    let bundled = load("dark", ColourLevel::TrueColour, None).unwrap();
    assert_eq!(own.style(Role::Surface).bg, Some(Color::Rgb(0, 0, 0)), "a new palette reaches the parent's roles");
    assert_eq!(own.style(Role::Healthy), bundled.style(Role::Healthy));
    assert_eq!(own.variant, Variant::Dark);
    let names = available(Some(&folder.0));
    assert_eq!(&names[..7], bundled_names().as_slice());
    assert_eq!(&names[7..], ["neu"]);
    let by_path = load(&folder.0.join("dark.toml").to_string_lossy(), ColourLevel::TrueColour, None).unwrap();
    assert_eq!(by_path.style(Role::Surface), own.style(Role::Surface));
}

fn bundled_names() -> Vec<String> {
    bundled().iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_unknown_theme_is_told_with_the_nearest_and_a_missing_file_with_its_path() {
    let error = load("drak", ColourLevel::TrueColour, None).unwrap_err().to_string();
    assert!(error.starts_with("there is no theme \"drak\"; did you mean \"dark\"? Themes: dark, light, "), "{error}");
    let error = load("/nonexistent/x.toml", ColourLevel::TrueColour, None).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the theme file /nonexistent/x.toml: "), "{error}");
}

#[test]
fn what_a_theme_leaves_out_falls_back() {
    let folder = Folder::with("bare", &[("bare.toml", "[roles]\ntext = \"#102030\"\ndegraded = \"magenta\"\n")]);
    let theme = folder.load("bare").unwrap();
    let text = Some(Color::Rgb(0x10, 0x20, 0x30));
    assert_eq!(theme.style(Role::Border).fg, text);
    assert_eq!(theme.style(Role::Failed), Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD));
    assert_eq!(theme.style(Role::Selection), Style::new().fg(Color::Rgb(0x10, 0x20, 0x30)).add_modifier(Modifier::REVERSED));
    assert_eq!(theme.series(7), theme.style(Role::Series));
    assert_eq!(theme.style(Role::Surface), Style::default());
}

#[test]
fn gauges_change_where_they_should_and_series_go_round() {
    let theme = load("dark", ColourLevel::TrueColour, None).unwrap();
    let low = theme.style(Role::GaugeLow);
    for (fraction, style) in [
        (0.0, low),
        (0.74, low),
        (0.75, theme.style(Role::GaugeMid)),
        (0.9, theme.style(Role::GaugeHigh)),
        (7.0, theme.style(Role::GaugeHigh)),
        (f64::NAN, low),
    ] {
        assert_eq!(theme.gauge(fraction), style, "{fraction}");
    }
    assert_eq!(theme.series(0), theme.series(5));
    assert_ne!(theme.series(0), theme.series(1));
}

#[test]
fn two_colours_that_a_terminal_cannot_tell_apart_become_reverse() {
    let folder = Folder::with("flat", &[("flat.toml", "[roles]\ninput = { fg = \"#0000f0\", bg = \"#0000e8\" }\n")]);
    let load = |level| load("flat", level, Some(&folder.0)).unwrap().style(Role::Input);
    assert_eq!(load(ColourLevel::Ansi16), Style::new().add_modifier(Modifier::REVERSED));
    assert_eq!(load(ColourLevel::TrueColour).bg, Some(Color::Rgb(0, 0, 0xe8)));
}

#[test]
fn ascii_changes_glyphs_and_borders_and_nothing_else() {
    let theme = load("dark", ColourLevel::TrueColour, None).unwrap();
    assert_eq!(theme.borders(), border::ROUNDED);
    let plain = theme.clone().with_ascii(true);
    assert_eq!((plain.glyphs().live, plain.borders().top_left), ("*", "+"));
    assert_eq!(plain.style(Role::Failed), theme.style(Role::Failed));
    assert_eq!(plain.with_ascii(false).glyphs(), &UNICODE);
}

#[test]
fn every_bundled_theme_names_every_role_and_every_palette_colour_has_its_sixteen() {
    for name in bundled() {
        let sheet = store::resolve(name, None).unwrap();
        for role in Role::iter() {
            assert!(
                sheet.roles.contains_key(&role) || (role == Role::Series && sheet.series.is_some()),
                "{name} leaves out {role:?}"
            );
        }
        for colour in sheet.palette.keys() {
            assert!(sheet.ansi.contains_key(colour), "{name}: {colour} has no place in [ansi]");
        }
        assert!(source(name).is_some_and(|text| text.starts_with("# ")), "{name} does not say what it is for");
    }
}

/// No colour reaches the terminal when there are none: only "back to normal" does.
#[test]
fn a_frame_without_colours_sends_no_colour_bytes() {
    use crate::tui::terminal::{Modes, Screen};
    use ratatui::layout::Size;
    use ratatui::text::{Line, Span};
    let theme = load("dark", ColourLevel::None, None).unwrap();
    let mut screen = Screen::over(Vec::new(), Size::new(120, 40), Modes::default()).unwrap();
    let drawn = screen.draw(|frame| {
        let lines: Vec<Line> =
            Role::iter().map(|role| Line::from(Span::styled(format!("{role:?}"), theme.style(role)))).collect();
        frame.render_widget(ratatui::widgets::Paragraph::new(lines).style(theme.style(Role::Surface)), frame.area());
    });
    assert!(drawn.unwrap().cells > 100);
    let text = String::from_utf8(screen.out().clone()).unwrap();
    for sequence in text.split("\x1b[").skip(1) {
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else { continue };
        if sequence.as_bytes()[end] == b'm' {
            for code in sequence[..end].split(';') {
                let code: u16 = code.parse().unwrap();
                assert!(!matches!(code, 30..=38 | 40..=48 | 58 | 90..=107), "SGR {}", &sequence[..=end]);
            }
        }
    }
}

fn role_table() -> String {
    let mut out = String::from("\n| role | what for | if a theme leaves it out |\n|---|---|---|\n");
    for role in Role::iter() {
        let name: &str = role.into();
        let instead = match role.fallback() {
            None => "the terminal's own".to_owned(),
            Some((other, modifier)) => {
                let other: &str = other.into();
                let and = sheet::ROLE_KEYS
                    .iter()
                    .find(|(_, flag)| modifier.contains(*flag))
                    .map_or(String::new(), |(name, _)| format!(", {name}"));
                format!("`{other}`{and}")
            }
        };
        let _ = writeln!(out, "| `{name}` | {} | {instead} |", role.purpose());
    }
    out
}

fn theme_table() -> String {
    let mut out = String::from("\n| theme | for | what it is |\n|---|---|---|\n");
    for name in bundled() {
        let theme = load(name, ColourLevel::TrueColour, None).unwrap();
        let comment: Vec<&str> = source(name).unwrap().lines().map_while(|line| line.strip_prefix("# ")).collect();
        let ground: &str = theme.variant.into();
        let _ = writeln!(out, "| `{name}` | {ground} | **{}.** {} |", theme.title, comment.join(" "));
    }
    out
}

fn glyph_table() -> String {
    let mut out = String::from("\n| glyph | name | ASCII |\n|---|---|---|\n");
    for ((name, glyph), (_, ascii)) in UNICODE.all().into_iter().zip(ASCII.all()) {
        let _ = writeln!(out, "| `{glyph}` | {} | `{}` |", name.replace('_', " "), ascii.replace('|', "\\|"));
    }
    out
}

#[test]
fn the_documentation_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/themes.md");
    let parts = [("themes", theme_table()), ("roles", role_table()), ("glyphs", glyph_table())];
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    crate::config::document::generated(&path, &parts);
}

fn read(text: &str) -> Result<Theme, Problems> {
    let sheet = sheet::Sheet::read("own.toml", text)?;
    Theme::build("own", &sheet, ColourLevel::Ansi256)
}

proptest! {
    #[test]
    fn any_text_gives_a_theme_or_problems(text in ".{0,400}") {
        let _ = read(&text);
    }

    #[test]
    fn any_mixture_of_pieces_gives_a_theme_or_problems(pieces in prop::collection::vec(prop::sample::select(vec![
        "[roles]", "[palette]", "[ansi]", "text", "series", "gauge", "selection", "sky", "inherits", "variant", "lines", " = ", "\"sky\"",
        "\"#abc\"", "\"#é\"", "\"dark\"", "{ fg = \"sky\" }", "{ bold = true }", "[\"sky\", \"red\"]", "[]", "{}", "3", "\n", "é", "#",
    ]), 0..24)) {
        if let Err(problems) = read(&pieces.concat()) {
            prop_assert!(!problems.list.is_empty());
        }
    }

    /// Whatever colours a theme picks, words stay apart from their own ground on every kind of terminal.
    #[test]
    fn no_downgrade_makes_words_vanish(fg in any::<[u8; 3]>(), bg in any::<[u8; 3]>()) {
        let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
        let text = format!("[roles]\ninput = {{ fg = \"{}\", bg = \"{}\" }}\n", hex(fg), hex(bg));
        let sheet = sheet::Sheet::read("own.toml", &text).unwrap();
        for level in ColourLevel::iter() {
            let style = Theme::build("own", &sheet, level).unwrap().style(Role::Input);
            prop_assert!(style.fg.is_none() || style.fg != style.bg, "{level}: {style:?}");
        }
    }
}
