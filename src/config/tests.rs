//! The configuration file as people write it: right, wrong, and at random.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use proptest::prelude::*;

use super::*;
use crate::tui::theme::ColourLevel;

fn dirs() -> Dirs {
    Dirs { home: "/home/o".into(), config: "/home/o/.config/poolwatch".into(), data: "/d".into(), state: "/s".into() }
}

fn read(text: &str) -> Result<Config, Problems> {
    parse(Path::new("/etc/pw/poolwatch.toml"), text, &dirs())
}

fn corpus(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4, "{} is nearly empty", folder.display());
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_valid_file_is_read() {
    for (path, text) in corpus("valid_configs") {
        parse(&path, &text, &dirs()).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

/// Each file says in its first lines, after `# expect: `, what must be said about it, one line a problem and no more.
#[test]
fn every_invalid_file_is_refused_with_its_message() {
    for (path, text) in corpus("invalid_configs") {
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
        assert!(!expected.is_empty(), "{}: no expectation", path.display());
        let said = parse(Path::new("poolwatch.toml"), &text, &dirs()).expect_err(&path.display().to_string()).to_string();
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), expected.len(), "{}: {said:#?}", path.display());
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "{}\n said {said}\n not  {expected}", path.display());
        }
    }
}

#[test]
fn every_default_is_valid_once_it_is_uncommented_and_changes_nothing() {
    let uncomment = |text: &str, all: bool| -> String {
        let lines = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || (rest.contains(" = ") && !rest.ends_with('.')) => rest,
            _ => line,
        });
        let lines = lines.filter(|line| all || !line.contains("prod"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let all = read(&uncomment(&documented(), true)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(all.profiles.len(), 1);
    assert_eq!(all.keys.len(), 1);
    assert!(all.log.file.is_some());
    // One line at a time, in its section: none of them needs another one, except for the profile.
    let mut section = "";
    let documented = documented();
    for line in documented.lines().filter_map(|line| line.strip_prefix("# ")) {
        if line.starts_with('[') {
            section = line;
        } else if line.contains(" = ") && !line.ends_with('.') && !section.contains("profiles") && !line.starts_with("profile") {
            read(&format!("{section}\n{line}")).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
    // What is documented as the default is the default.
    let defaults: String = schema::ITEMS.iter().filter(|item| item.is_default).fold(String::new(), |text, item| {
        let key = if item.section.is_empty() { item.key.to_owned() } else { format!("{}.{}", item.section, item.key) };
        text + &format!("{key} = {}\n", item.sample)
    });
    let read_back = Config { file: None, ..read(&defaults).unwrap() };
    assert_eq!(read_back, Config::default());
    assert_eq!(Config { file: None, ..read(&documented).unwrap() }, Config::default(), "all of it is commented out");
}

#[test]
fn a_whole_file_ends_up_in_its_fields() {
    let config = read(
        "profile = \"prod\"\ntheme = { dark = \"deutan\" }\ncolours = \"256\"\nascii = \"always\"\nmouse = true\n\
         [poll]\nmetrics = \"10 s\"\n[log]\nlevel = \"debug\"\nfile = \"pw.log\"\n[keys]\nzoom = \"z\"\n\"sort-next\" = [\"s\", \"ctrl-s\"]\n\
         [profiles.prod]\ntarget = [\"a\", \"b:8443\"]\nuser = \"root\"\npassword_file = \"~/p\"\nread_only = true\n\
         [profiles.lab]\ntarget = \"c\"\npassword_command = [\"pass\", \"lab\"]\ntheme = \"high-contrast\"\n",
    )
    .unwrap();
    assert_eq!(config.theme, ThemeChoice::ByGround { dark: "deutan".into(), light: "light".into() });
    assert_eq!(config.colours, ColourChoice::Fixed(ColourLevel::Ansi256));
    assert_eq!((config.ascii, config.mouse), (Switch::Always, true));
    assert_eq!((config.poll.metrics, config.poll.clock), (Duration::from_secs(10), Poll::default().clock));
    assert_eq!(config.log, Log { level: Level::Debug, file: Some("/etc/pw/pw.log".into()) });
    assert_eq!(config.keys[1], KeyOverride { action: "sort-next".into(), keys: vec!["s".into(), "ctrl-s".into()], line: 13 });
    let prod = config.profile(None).unwrap().unwrap();
    assert_eq!(prod.targets, ["a", "b:8443"]);
    assert_eq!(prod.password, Some(Password::File("/home/o/p".into())));
    let lab = config.profile(Some("lab")).unwrap().unwrap();
    assert_eq!(lab.password, Some(Password::Command(vec!["pass".into(), "lab".into()])));
    assert!(prod.read_only && !lab.read_only);
    let error = config.profile(Some("prdo")).unwrap_err().to_string();
    assert_eq!(error, "there is no profile \"prdo\"; did you mean \"prod\"?");
}

#[test]
fn no_file_is_fine_unless_it_was_asked_for() {
    let nowhere = Dirs { config: "/nonexistent/poolwatch".into(), ..dirs() };
    assert_eq!(Config::load(None, &nowhere).unwrap(), Config::default());
    let error = Config::load(Some(Path::new("/nonexistent/my.toml")), &nowhere).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration file /nonexistent/my.toml: "), "{error}");
    let error = Config::default().profile(Some("x")).unwrap_err().to_string();
    assert!(error.contains("poolwatch doctor"), "{error}");
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

#[test]
fn flags_beat_the_file_and_the_file_beats_the_default() {
    let file =
        read("theme = \"light\"\nascii = \"never\"\nmouse = true\n[profiles.p]\ntarget = \"a\"\ntheme = \"mono\"\n").unwrap();
    let flags = |words: &[&str]| Cli::try_parse_from([&["poolwatch"], words].concat()).map(|cli| cli.flags);
    let with = |words: &[&str]| file.clone().with(&flags(words).unwrap());
    assert_eq!(with(&[]), file);
    let over = with(&["--theme", "dark", "--ascii", "--mouse=false", "--colours", "none"]);
    assert_eq!(over.theme, ThemeChoice::Named("dark".into()));
    assert_eq!(over.profiles["p"].theme, None, "asked for on the command line: for every pool");
    assert_eq!((over.ascii, over.mouse), (Switch::Always, false));
    assert_eq!(over.colours, ColourChoice::Fixed(ColourLevel::None));
    assert!(flags(&["--colours", "many"]).unwrap_err().to_string().contains("truecolor"));
    assert_eq!(Config::default().with(&Flags::default()), Config::default());
}

#[test]
fn the_theme_follows_the_ground_only_when_it_may() {
    let auto = ThemeChoice::default();
    assert!(auto.needs_ground());
    assert_eq!(auto.name(None), "dark");
    assert_eq!(auto.name(Some(Variant::Light)), "light");
    assert_eq!(ThemeChoice::named("mono").name(Some(Variant::Light)), "mono");
}

#[test]
fn durations_take_a_number_and_a_unit() {
    assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(parse_duration("2 min"), Some(Duration::from_secs(120)));
    for bad in ["", "5", "s", "-5s", "5.5s", "5 parsecs", "99999999999999999999s", "18446744073709551615h"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
}

/// The part of a document between its markers is what the program would print there.
#[test]
fn the_documentation_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
    let tables = schema::tables();
    let file = format!("\n```toml\n{}```\n", documented());
    crate::config::document::generated(&path, &[("schema", &tables), ("file", &file)]);
}

proptest! {
    #[test]
    fn any_text_gives_a_configuration_or_problems(text in ".{0,400}") {
        let _ = read(&text);
    }

    /// Pieces of real files in any order, which get further than noise.
    #[test]
    fn any_mixture_of_pieces_gives_a_configuration_or_problems(pieces in prop::collection::vec(prop::sample::select(vec![
        "theme", "profile", "[keys]", "[poll]", "[profiles.a]", "[profiles]", "metrics", "target", "password_file", "colours",
        " = ", "\"auto\"", "\"5s\"", "true", "[]", "[\"a\", 1]", "{ dark = \"x\" }", "{}", "\n", "1e9", "1979-05-27", "é", "\u{0}", ".", "#",
    ]), 0..24)) {
        if let Err(problems) = read(&pieces.concat()) {
            prop_assert!(!problems.list.is_empty());
            prop_assert!(!problems.to_string().chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
