//! Everything that may stand in the configuration file, in one table: the reader takes its known keys from here, the
//! printed default file and `docs/config.md` are made of it.

use std::fmt::Write as _;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// The section, as it is written in the file; empty for the top of the file.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What it takes, in words.
    pub takes: &'static str,
    /// An example, in TOML: the default, if there is one.
    pub sample: &'static str,
    /// True if [`Item::sample`] is what counts without a file.
    pub is_default: bool,
    /// What it is for, in one or two sentences.
    pub about: &'static str,
}

const fn default(
    section: &'static str,
    key: &'static str,
    takes: &'static str,
    sample: &'static str,
    about: &'static str,
) -> Item {
    Item { section, key, takes, sample, is_default: true, about }
}

const fn example(
    section: &'static str,
    key: &'static str,
    takes: &'static str,
    sample: &'static str,
    about: &'static str,
) -> Item {
    Item { section, key, takes, sample, is_default: false, about }
}

/// The section that [`ITEMS`] uses for a profile; people choose the name.
pub const SAMPLE_PROFILE: &str = "profiles.prod";

/// The file in the order in which it is printed.
pub const ITEMS: [Item; 26] = [
    example(
        "",
        "profile",
        "the name of a profile",
        "\"prod\"",
        "The profile that is used when neither a target nor a profile is named.",
    ),
    default(
        "",
        "theme",
        "\"auto\", a theme's name, a path, or { dark = \"…\", light = \"…\" }",
        "\"auto\"",
        "Colours. \"auto\" asks the terminal whether its ground is dark or light.",
    ),
    default(
        "",
        "colours",
        "auto, none, 16, 256 or truecolor",
        "\"auto\"",
        "How many colours. \"auto\" looks at NO_COLOR, COLORTERM and TERM.",
    ),
    default(
        "",
        "ascii",
        "auto, always or never",
        "\"auto\"",
        "Draw with ASCII alone. \"auto\" does in locales without UTF-8 and on the Linux console.",
    ),
    default("", "mouse", "true or false", "false", "Take mouse reports. The terminal's own selecting then needs Shift."),
    default("", "title", "true or false", "false", "Show the pool's name as the window's title."),
    default(
        "poll",
        "metrics",
        "a duration from 1s to 5min",
        "\"15s\"",
        "How often hosts are asked for new metrics. With more than 15 pools at once less often.",
    ),
    default(
        "poll",
        "probe",
        "a duration from 2s to 5min",
        "\"10s\"",
        "How often hosts that have the probe are asked for its report. One whose fence comes near is asked every 2 s, one without a probe every 10 min.",
    ),
    default(
        "poll",
        "clock",
        "a duration from 2s to 15s",
        "\"10s\"",
        "How often hosts are asked for their time. It is also how a host that died in silence is found out, so it cannot be longer.",
    ),
    default(
        "poll",
        "timeout",
        "a duration from 1s to 10min",
        "\"20s\"",
        "How long a request may take. Reading a whole pool may take six times as long; hosts that are asked whether they are alive get 5s.",
    ),
    default(
        "poll",
        "retry_max",
        "a duration from 1s to 10min",
        "\"30s\"",
        "The longest pause between two attempts to reach a pool that is lost.",
    ),
    default(
        "recording",
        "on",
        "true or false",
        "true",
        "Record what is seen of the pools that are watched, so that one can go back in time. Recordings hold no secret: docs/recording.md.",
    ),
    default("recording", "keep", "a duration from 1h to 3650d", "\"14d\"", "What is older is deleted."),
    default(
        "recording",
        "size",
        "a size from 10MB to 10000GB",
        "\"2GB\"",
        "The oldest is deleted when the recordings of all pools together are more.",
    ),
    default(
        "log",
        "level",
        "off, error, warn, info, debug or trace",
        "\"info\"",
        "What is logged, in the log pane and in the file.",
    ),
    example(
        "log",
        "file",
        "a path",
        "\"~/.local/state/poolwatch/poolwatch.log\"",
        "Also write the log to this file. Passwords and session references are never logged.",
    ),
    example(
        "keys",
        "ACTION",
        "a key or a list of keys",
        "",
        "Other keys for an action; they replace its own. Names of actions and keys: docs/keys.md.",
    ),
    example(
        SAMPLE_PROFILE,
        "target",
        "an address or user@address, or a list of them",
        "\"root@10.0.0.1\"",
        "Needed. Any host of the pool; those of a list are tried in turn. With a port after a colon, if it is not 443.",
    ),
    example(SAMPLE_PROFILE, "user", "a name", "\"root\"", "Who logs in, if the target does not say."),
    example(
        SAMPLE_PROFILE,
        "password_command",
        "a command as a list of words",
        "[\"pass\", \"show\", \"pools/prod\"]",
        "A command that prints the password. It is run without a shell. Only its first line counts.",
    ),
    example(
        SAMPLE_PROFILE,
        "password_file",
        "a path",
        "\"~/.config/poolwatch/prod.password\"",
        "A file with the password on its first line, for you alone (chmod 600). Instead of password_command.",
    ),
    example(
        SAMPLE_PROFILE,
        "read_only",
        "true or false",
        "true",
        "Refuse to change anything in this pool, whatever is asked for.",
    ),
    example(
        SAMPLE_PROFILE,
        "fingerprint",
        "SHA-256 of a certificate, 64 hexadecimal digits, colons allowed",
        "\"9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08\"",
        "The certificate to expect, so that even the first connection is checked.",
    ),
    example(
        SAMPLE_PROFILE,
        "insecure_http",
        "true or false",
        "false",
        "Talk without TLS to a host that is not this machine. The password crosses the network in the clear.",
    ),
    example(
        SAMPLE_PROFILE,
        "theme",
        "as theme above",
        "\"high-contrast\"",
        "Another theme for this pool, to tell pools apart at a glance.",
    ),
    example(
        SAMPLE_PROFILE,
        "label",
        "a short text",
        "\"production\"",
        "What the pool is called on the screen, besides its own name.",
    ),
];

/// The keys of a section.
pub fn keys(section: &str) -> Vec<&'static str> {
    ITEMS.iter().filter(|item| item.section == section).map(|item| item.key).collect()
}

/// Sections of the file, and the keys at its top.
pub fn top() -> Vec<&'static str> {
    let mut top = keys("");
    top.extend(["poll", "log", "keys", "profiles"]);
    top
}

/// The sample of a key whose name the reader chooses.
const KEY_SAMPLE: &str = "\"zoom\" = [\"z\", \"f11\"]";

/// The whole file with every default, all of it commented out. Uncommented, every line is valid;
/// `password_file` is the other way of saying what stands before it, so it carries a second `#`.
pub fn documented() -> String {
    let mut out = String::from(
        "# poolwatch's configuration. Every line is a default or an example; remove the # of those that you change.\n\
         # Flags and environment variables win over this file. An unknown key is an error, so that no slip goes unseen.\n",
    );
    let mut section = "";
    for item in ITEMS {
        if item.section != section {
            section = item.section;
            let _ = write!(out, "\n# [{section}]\n");
        }
        let _ = writeln!(out, "\n## {}\n## Takes {}.", item.about, item.takes);
        let sign = if is_alternative(item) { "##" } else { "#" };
        if item.section == "keys" {
            let _ = writeln!(out, "{sign} {KEY_SAMPLE}");
        } else {
            let _ = writeln!(out, "{sign} {} = {}", item.key, item.sample);
        }
    }
    out
}

/// Keys that must not stand beside another one.
fn is_alternative(item: Item) -> bool {
    item.section == SAMPLE_PROFILE && item.key == "password_file"
}

/// The tables of `docs/config.md`.
pub fn tables() -> String {
    let mut out = String::new();
    let mut section = None;
    for item in ITEMS {
        if section != Some(item.section) {
            section = Some(item.section);
            let title = match item.section {
                "" => "At the top".to_owned(),
                SAMPLE_PROFILE => "`[profiles.NAME]`".to_owned(),
                other => format!("`[{other}]`"),
            };
            let _ = write!(out, "\n### {title}\n\n| key | takes | default | what for |\n|---|---|---|---|\n");
        }
        let default = if item.is_default { format!("`{}`", item.sample) } else { "–".to_owned() };
        let _ = writeln!(out, "| `{}` | {} | {default} | {} |", item.key, item.takes.replace('|', "\\|"), item.about);
    }
    out
}
