//! `poolwatch doctor`: looks at everything around poolwatch that can be wrong, and says in words what to do about it. Talks to
//! no pool, runs no command, and changes nothing.

mod judge;
mod look;

use std::io::{self, Write};

use serde::Serialize;

use crate::config::{self, Flags};
use crate::text;
use crate::tui::{terminal, theme};

/// Arguments of `poolwatch doctor`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DoctorArgs {
    /// Print JSON instead of words
    #[arg(long)]
    pub json: bool,
    /// Print a configuration file with every key, its default and what it is for, and look at nothing
    #[arg(long, conflicts_with = "json")]
    pub print_config: bool,
    /// Print a bundled theme, to start an own one from, and look at nothing
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "print_config"], value_parser = clap::builder::PossibleValuesParser::new(theme::bundled()))]
    pub print_theme: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, with something to know.
    Warn,
    /// Something will not work.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it came out.
    pub state: State,
    /// What was seen.
    pub says: String,
    /// What to do; empty if nothing.
    #[serde(rename = "do")]
    pub advice: String,
}

#[derive(Serialize)]
struct Report<'f> {
    ok: bool,
    version: &'static str,
    checks: &'f [Finding],
}

/// Looks at everything, prints what it found, and returns the exit code: 0, or 1 if something will not work.
///
/// # Errors
/// If the findings cannot be printed.
pub fn run(args: &DoctorArgs, flags: &Flags, out: &mut impl Write) -> io::Result<u8> {
    if args.print_config {
        out.write_all(config::documented().as_bytes())?;
        return Ok(0);
    }
    if let Some(text) = args.print_theme.as_deref().and_then(theme::source) {
        out.write_all(text.as_bytes())?;
        return Ok(0);
    }
    let findings = judge::judge(&look::look(flags, || terminal::background(terminal::PATIENCE)));
    print(&findings, args, out)
}

fn print(findings: &[Finding], args: &DoctorArgs, out: &mut impl Write) -> io::Result<u8> {
    if args.json {
        print_json(findings, out)?;
    } else {
        print_words(findings, out)?;
    }
    Ok(u8::from(fails(findings)))
}

fn fails(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.state == State::Fail)
}

fn print_json(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let report = Report { ok: !fails(findings), version: env!("CARGO_PKG_VERSION"), checks: findings };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn print_words(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    for finding in findings {
        let state = match finding.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        let mut lines = finding.says.lines().map(|line| text::clean(line, 2000));
        writeln!(out, "{state:<5} {:<12} {}", finding.check, lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "{:<18} {line}", "")?;
        }
        if !finding.advice.is_empty() {
            writeln!(out, "{:<18} -> {}", "", text::clean(&finding.advice, 2000))?;
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    match (count(State::Fail), count(State::Warn)) {
        (0, 0) => writeln!(out, "\nEverything is as it should be."),
        (0, warnings) => writeln!(out, "\nIt works; {warnings} to know about."),
        (failures, warnings) => writeln!(out, "\n{failures} will not work, {warnings} to know about."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        let finding = |check, state, says: &str, advice: &str| Finding { check, state, says: says.into(), advice: advice.into() };
        vec![
            finding("terminal", State::Ok, "120 x 40", ""),
            finding("config", State::Fail, "a.toml:1: x: wrong\na.toml:2: \x1b[31my: wrong", "mend it"),
            finding("files", State::Warn, "256", "ulimit -n 1024"),
        ]
    }

    #[test]
    fn words_come_in_columns_with_what_to_do_below() {
        let mut out = vec![];
        print_words(&findings(), &mut out).unwrap();
        let expected = "ok    terminal     120 x 40\n\
                        FAIL  config       a.toml:1: x: wrong\n                   a.toml:2: [31my: wrong\n                   -> mend it\n\
                        warn  files        256\n                   -> ulimit -n 1024\n\n1 will not work, 1 to know about.\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn json_says_the_same() {
        let mut out = vec![];
        print_json(&findings(), &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["checks"][1]["state"], "fail");
        assert_eq!(json["checks"][1]["do"], "mend it");
    }

    #[test]
    fn the_exit_code_is_for_what_will_not_work_only() {
        assert!(fails(&findings()));
        assert!(!fails(&findings()[2..]));
    }

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: DoctorArgs,
    }

    #[test]
    fn it_prints_what_one_can_start_from() {
        let print = |words: &[&str]| {
            let cli = <Cli as clap::Parser>::try_parse_from([&["doctor"], words].concat()).map_err(|error| error.to_string())?;
            let mut out = vec![];
            assert_eq!(run(&cli.args, &Flags::default(), &mut out).unwrap(), 0);
            Ok::<_, String>(String::from_utf8(out).unwrap())
        };
        assert_eq!(print(&["--print-config"]).unwrap(), config::documented());
        assert_eq!(print(&["--print-theme", "mono"]).unwrap(), theme::source("mono").unwrap());
        assert!(print(&["--print-theme", "x"]).unwrap_err().contains("high-contrast"));
    }

    #[test]
    fn it_runs_on_this_machine() {
        let flags = Flags { config: Some("/nonexistent/poolwatch.toml".into()), ..Flags::default() };
        let mut out = vec![];
        let findings = judge::judge(&look::look(&flags, || None));
        assert_eq!(print(&findings, &DoctorArgs::default(), &mut out).unwrap(), 1);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("FAIL  config       cannot read the configuration file /nonexistent/poolwatch.toml"), "{text}");
        for check in ["terminal", "locale", "colours", "themes", "data", "trust", "files"] {
            assert!(text.contains(check), "{check} is missing in\n{text}");
        }
    }
}
