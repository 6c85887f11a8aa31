//! What the doctor makes of the facts: for each a state, words, and what to do. Pure.

use super::look::{Facts, FileFacts, PasswordFacts};
use super::{Finding, State};
use crate::tui::terminal::CopyPath;
use crate::tui::theme::{ColourLevel, Variant};

/// The smallest screen that is comfortable, in columns and rows.
const COMFORT: (u16, u16) = (80, 24);
/// Fewer open files than this do not carry many pools.
const FILES: u64 = 512;

fn finding(check: &'static str, state: State, says: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { check, state, says: says.into(), advice: advice.into() }
}

/// All findings in the order in which they are shown.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![terminal(facts), locale(facts), colours(facts)];
    all.extend([background(facts), copy(facts)].into_iter().flatten());
    all.push(config(facts));
    all.extend(facts.config_file.as_ref().and_then(config_rights));
    all.extend(facts.passwords.iter().map(password));
    all.extend([themes(facts), data(facts), trust(facts), files(facts)]);
    all
}

fn terminal(facts: &Facts) -> Finding {
    let term = if facts.term.is_empty() { "TERM is not set".to_owned() } else { facts.term.clone() };
    if !facts.is_terminal {
        return finding(
            "terminal",
            State::Warn,
            format!("not a terminal here ({term})"),
            "the dashboard needs one; `poolwatch status` and `poolwatch stream` do not",
        );
    }
    let size = facts.size.map_or("of unknown size".to_owned(), |(columns, rows)| format!("{columns} x {rows}"));
    let says = format!("{size}, {term}");
    match facts.size {
        _ if matches!(&*facts.term, "" | "dumb") => finding(
            "terminal",
            State::Fail,
            says,
            "set TERM to what your terminal is, such as xterm-256color; a dumb one shows no dashboard",
        ),
        None | Some((0, _) | (_, 0)) => finding(
            "terminal",
            State::Fail,
            says,
            "the terminal does not know its size: `stty cols 120 rows 40` sets it on serial lines",
        ),
        Some((columns, rows)) if columns < COMFORT.0 || rows < COMFORT.1 => {
            let advice = format!("it works, with less on it; {} x {} or more is comfortable", COMFORT.0, COMFORT.1);
            finding("terminal", State::Warn, says, advice)
        }
        Some(_) => finding("terminal", State::Ok, says, ""),
    }
}

fn locale(facts: &Facts) -> Finding {
    let locale = if facts.locale.is_empty() { "not set".to_owned() } else { facts.locale.clone() };
    if !facts.is_utf8 {
        let advice = "only ASCII is drawn; set LANG to a UTF-8 locale such as C.UTF-8 for lines and symbols";
        return finding("locale", State::Warn, format!("{locale}, not UTF-8"), advice);
    }
    if ["ja", "ko", "zh"].iter().any(|language| facts.locale.starts_with(language)) {
        let advice = "if lines are broken, your terminal draws symbols two columns wide: use ascii = \"always\"";
        return finding("locale", State::Warn, locale, advice);
    }
    finding("locale", State::Ok, locale, "")
}

fn colours(facts: &Facts) -> Finding {
    let says = match facts.level {
        ColourLevel::TrueColour => "16 million",
        ColourLevel::Ansi256 => "256",
        ColourLevel::Ansi16 => "16, the terminal's own",
        ColourLevel::None if facts.no_color => "none, because NO_COLOR is set",
        ColourLevel::None => "none",
    };
    let advice = match facts.level {
        ColourLevel::Ansi16 if facts.is_terminal => {
            "if your terminal can do more, set colours = \"256\" or \"truecolor\"; SSH does not carry COLORTERM"
        }
        _ => "",
    };
    finding("colours", State::Ok, says, advice)
}

fn background(facts: &Facts) -> Option<Finding> {
    if !facts.is_terminal {
        return None;
    }
    Some(match facts.background {
        Some(ground) => {
            let name = if ground.variant == Variant::Light { "light" } else { "dark" };
            let how = if ground.asked { "" } else { ", by COLORFGBG" };
            finding("background", State::Ok, format!("{name}{how}"), "")
        }
        None => {
            finding("background", State::Ok, "the terminal does not say; taken for dark", "if it is light, set theme = \"light\"")
        }
    })
}

fn copy(facts: &Facts) -> Option<Finding> {
    if !facts.is_terminal {
        return None;
    }
    let over = if facts.is_ssh { ", over SSH" } else { "" };
    Some(match facts.through {
        CopyPath::Direct => {
            finding("copy", State::Ok, format!("by OSC 52{over}"), "if `y` copies nothing, your terminal has OSC 52 switched off")
        }
        CopyPath::Tmux => finding(
            "copy",
            State::Ok,
            format!("by OSC 52 through tmux{over}"),
            "tmux needs `set -g set-clipboard on` (or `allow-passthrough on`), and for full colours `set -ga terminal-features \",*:RGB\"`",
        ),
        CopyPath::Screen => finding("copy", State::Ok, format!("by OSC 52 through screen{over}"), ""),
    })
}

fn config(facts: &Facts) -> Finding {
    let path = match &facts.config {
        Ok(path) => path.display().to_string(),
        Err(error) => return finding("config", State::Fail, error.clone(), ""),
    };
    if let Some(error) = &facts.config_error {
        let advice = format!("mend {path}; docs/config.md has every key");
        return finding("config", State::Fail, error.clone(), advice);
    }
    if facts.config_exists {
        let profiles = if facts.profiles == 1 { "1 profile".to_owned() } else { format!("{} profiles", facts.profiles) };
        finding("config", State::Ok, format!("{path}, {profiles}"), "")
    } else {
        finding("config", State::Ok, format!("none; it would be {path}"), "")
    }
}

/// The file names commands that are run: who can change it can run commands as you.
fn config_rights(file: &FileFacts) -> Option<Finding> {
    let rights = file.state.as_ref().ok()?;
    let path = file.path.display();
    if rights.mode & 0o022 != 0 {
        let says = format!("others may change {path} (mode {:o}), and with it the commands that it runs", rights.mode);
        return Some(finding("config", State::Fail, says, format!("chmod go-w {path}")));
    }
    (!rights.is_own)
        .then(|| finding("config", State::Warn, format!("{path} belongs to somebody else"), "make sure that you trust its owner"))
}

fn password(facts: &PasswordFacts) -> Finding {
    match facts {
        PasswordFacts::Command { profile, program, found: true } => {
            finding("password", State::Ok, format!("{profile}: {program} is there (not run now)"), "")
        }
        PasswordFacts::Command { profile, program, .. } => {
            let advice = format!("install it, or mend password_command of [profiles.{profile}]");
            finding("password", State::Fail, format!("{profile}: there is no program {program}"), advice)
        }
        PasswordFacts::File { profile, file } => {
            let path = file.path.display();
            match &file.state {
                Err(error) => {
                    let advice = format!("mend the path or its permissions, or password_file of [profiles.{profile}]");
                    finding("password", State::Fail, format!("{profile}: cannot read {path}: {error}"), advice)
                }
                Ok(rights) if rights.mode & 0o077 != 0 => {
                    let says = format!("{profile}: others may read or change {path} (mode {:o})", rights.mode);
                    finding(
                        "password",
                        State::Warn,
                        says,
                        format!("chmod 600 {path}, and change the password if others have accounts here"),
                    )
                }
                Ok(_) => finding("password", State::Ok, format!("{profile}: {path}, for you alone"), ""),
            }
        }
    }
}

fn themes(facts: &Facts) -> Finding {
    if facts.theme_errors.is_empty() {
        return finding("themes", State::Ok, format!("{} can be used", facts.themes), "");
    }
    finding("themes", State::Fail, facts.theme_errors.join("\n"), "mend or remove them; docs/themes.md has every role")
}

fn data(facts: &Facts) -> Finding {
    let Some(folder) = &facts.data else {
        return finding("data", State::Fail, "no folder", "set HOME or POOLWATCH_DATA_DIR");
    };
    let path = folder.path.display();
    match (&folder.writable, folder.exists) {
        (Err(error), _) => {
            let advice = format!("trusted certificates cannot be kept: make {path} writable, or set POOLWATCH_DATA_DIR");
            finding("data", State::Fail, format!("cannot write to {path}: {error}"), advice)
        }
        (Ok(()), true) => finding("data", State::Ok, format!("{path}"), ""),
        (Ok(()), false) => finding("data", State::Ok, format!("{path}, made when it is needed"), ""),
    }
}

fn trust(facts: &Facts) -> Finding {
    let Some(file) = &facts.trust else {
        return finding("trust", State::Ok, "no certificates known yet; each host's is trusted when it is first seen", "");
    };
    let path = file.path.display();
    match (&facts.trusted, &file.state) {
        // It names the file and what to do, and it is what every command would end with.
        (Err(error), _) => finding("trust", State::Fail, error.clone(), "no pool can be reached before this is mended"),
        (Ok(_), Ok(rights)) if rights.mode & 0o022 != 0 => {
            let says = format!("others may change which certificates are trusted: {path} (mode {:o})", rights.mode);
            finding("trust", State::Fail, says, format!("chmod 600 {path}, and look through it"))
        }
        (Ok(known), _) => finding("trust", State::Ok, format!("{path}, certificates known: {known}"), ""),
    }
}

fn files(facts: &Facts) -> Finding {
    match facts.files {
        Some(limit) if limit < FILES => finding(
            "files",
            State::Warn,
            format!("at most {limit} open at once"),
            "enough for a few pools; `ulimit -n 4096` before starting allows many",
        ),
        Some(limit) => finding("files", State::Ok, format!("{limit} open at once"), ""),
        None => finding("files", State::Ok, "no limit", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::{FolderFacts, Rights};
    use super::*;
    use crate::tui::terminal::Background;

    fn healthy() -> Facts {
        Facts {
            is_terminal: true,
            size: Some((120, 40)),
            term: "xterm-256color".into(),
            locale: "en_GB.UTF-8".into(),
            is_utf8: true,
            no_color: false,
            level: ColourLevel::TrueColour,
            background: Some(Background { variant: Variant::Dark, asked: true }),
            through: CopyPath::Direct,
            is_ssh: true,
            config: Ok("/c/poolwatch.toml".into()),
            config_exists: true,
            config_error: None,
            config_file: Some(file(0o644)),
            profiles: 2,
            passwords: vec![PasswordFacts::File { profile: "prod".into(), file: file(0o600) }],
            data: Some(FolderFacts { path: "/d".into(), exists: true, writable: Ok(()) }),
            trust: Some(file(0o600)),
            trusted: Ok(3),
            themes: 7,
            theme_errors: vec![],
            files: Some(1024),
        }
    }

    fn file(mode: u32) -> FileFacts {
        FileFacts { path: "/f".into(), state: Ok(Rights { mode, is_own: true }) }
    }

    /// The only finding that is not ok after `change`.
    fn after(change: impl FnOnce(&mut Facts)) -> Finding {
        let mut facts = healthy();
        change(&mut facts);
        let mut found: Vec<Finding> = judge(&facts).into_iter().filter(|finding| finding.state != State::Ok).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_say() {
        assert!(judge(&healthy()).iter().all(|finding| finding.state == State::Ok));
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_what_to_do() {
        use State::{Fail, Warn};
        type Change = fn(&mut Facts);
        let cases: [(Change, &str, State, &str); 17] = [
            (|f| f.size = Some((60, 20)), "terminal", Warn, "80 x 24"),
            (|f| f.size = Some((0, 0)), "terminal", Fail, "stty"),
            (|f| f.term = "dumb".into(), "terminal", Fail, "TERM"),
            (|f| f.is_terminal = false, "terminal", Warn, "poolwatch status"),
            (|f| f.is_utf8 = false, "locale", Warn, "C.UTF-8"),
            (|f| f.locale = "ja_JP.UTF-8".into(), "locale", Warn, "ascii"),
            (|f| f.config_error = Some("x".into()), "config", Fail, "docs/config.md"),
            (|f| f.config_file = Some(file(0o664)), "config", Fail, "chmod go-w /f"),
            (
                |f| f.passwords = vec![PasswordFacts::File { profile: "a".into(), file: file(0o644) }],
                "password",
                Warn,
                "chmod 600 /f",
            ),
            (
                |f| {
                    let file = FileFacts { path: "/f".into(), state: Err("no such file".into()) };
                    f.passwords = vec![PasswordFacts::File { profile: "a".into(), file }];
                },
                "password",
                Fail,
                "[profiles.a]",
            ),
            (
                |f| f.passwords = vec![PasswordFacts::Command { profile: "a".into(), program: "pass".into(), found: false }],
                "password",
                Fail,
                "password_command",
            ),
            (|f| f.theme_errors = vec!["x".into()], "themes", Fail, "docs/themes.md"),
            (|f| f.data = None, "data", Fail, "POOLWATCH_DATA_DIR"),
            (
                |f| f.data = Some(FolderFacts { path: "/d".into(), exists: true, writable: Err("denied".into()) }),
                "data",
                Fail,
                "writable",
            ),
            (|f| f.trust = Some(file(0o666)), "trust", Fail, "chmod 600 /f"),
            (|f| f.trusted = Err("a line that cannot be understood".into()), "trust", Fail, "mended"),
            (|f| f.files = Some(256), "files", Warn, "ulimit"),
        ];
        for (change, check, state, advice) in cases {
            let found = after(change);
            assert_eq!((found.check, found.state), (check, state), "{found:?}");
            assert!(found.advice.contains(advice), "{found:?} does not say {advice}");
        }
    }
}
