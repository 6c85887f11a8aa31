//! The one table of keys. Handling, footer hints, help, palette and `docs/keys.md` are all made from it.
//!
//! No action hangs on the number row or on brackets alone: they cannot be reached on many keyboards.

use super::action::{Action, Context};

/// One action: its words and its keys.
#[derive(Debug)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// The heading that help lists it under.
    pub group: &'static str,
    /// One or two words, for the footer.
    pub label: &'static str,
    /// One sentence, for help and palette.
    pub help: &'static str,
    /// The higher, the earlier in the footer; 0: never.
    pub hint: u8,
    /// Where, and with which keys.
    pub keys: &'static [(Context, &'static [&'static str])],
}

const fn entry(
    action: Action,
    group: &'static str,
    label: &'static str,
    help: &'static str,
    hint: u8,
    keys: &'static [(Context, &'static [&'static str])],
) -> Entry {
    Entry { action, group, label, help, hint, keys }
}

use Action as A;
use Context::{
    Checks, Crash, Detail, Everywhere, Log, Move, Numbers, Popup, Run, Scope, Screen, Search, Sideways, Typing, Wizard,
};

const GENERAL: &str = "General";
const MOVING: &str = "Moving";
const PANES: &str = "Panes";
const POOLS: &str = "Pools";
const CRASHES: &str = "Crashes";
const ROLLOUT: &str = "Rollout";
const TIME: &str = "Time";
const DEMO: &str = "Demo";

/// All of them, in the order that help shows.
pub const TABLE: &[Entry] = &[
    entry(A::Help, GENERAL, "help", "Show every key, with a search.", 100, &[(Everywhere, &["?", "f1"])]),
    entry(
        A::Palette,
        GENERAL,
        "command",
        "Find any action by its name and do it.",
        95,
        &[(Screen, &[":", "f2"]), (Wizard, &[":", "f2"])],
    ),
    entry(
        A::Open,
        GENERAL,
        "detail",
        "Open what is selected; in a list, choose it.",
        80,
        &[(Screen, &["enter"]), (Popup, &["enter"]), (Typing, &["enter"])],
    ),
    entry(
        A::Back,
        GENERAL,
        "back",
        "Close the popup, clear the filter, leave the zoom, go back a page or to all pools.",
        82,
        &[
            (Screen, &["esc", "backspace"]),
            (Wizard, &["esc", "backspace"]),
            (Popup, &["esc", "q", "backspace"]),
            (Typing, &["esc"]),
        ],
    ),
    entry(
        A::Why,
        GENERAL,
        "why",
        "Explain the verdict: every reason, its evidence, and what opens the gate.",
        78,
        &[(Screen, &["v", "f3"]), (Wizard, &["v", "f3"])],
    ),
    entry(
        A::Control,
        GENERAL,
        "control",
        "Say who is in control: coordinator, HA, other programs, our claim, a database that went back.",
        0,
        &[(Screen, &["i"])],
    ),
    entry(
        A::Budget,
        GENERAL,
        "time-outs",
        "Show the time-outs of an outage second by second, and which come in the wrong order.",
        0,
        &[(Screen, &["b"])],
    ),
    entry(
        A::NumberNext,
        GENERAL,
        "next number",
        "In the time-outs: go to the next number of the lease calculator.",
        0,
        &[(Numbers, &["tab"])],
    ),
    entry(A::NumberMore, GENERAL, "more", "In the time-outs: a larger number.", 0, &[(Numbers, &["+", "=", "f8"])]),
    entry(A::NumberLess, GENERAL, "less", "In the time-outs: a smaller number.", 0, &[(Numbers, &["-", "f7"])]),
    entry(A::NumberType, GENERAL, "type", "In the time-outs: type the number.", 0, &[(Numbers, &["e"])]),
    entry(
        A::Clocks,
        GENERAL,
        "clocks",
        "Show the clocks of the hosts, and which host gets no storage before its clock is right.",
        0,
        &[(Screen, &["K", "g k"])],
    ),
    entry(
        A::Copy,
        GENERAL,
        "copy",
        "Copy what is selected or shown to the clipboard (through the terminal, OSC 52).",
        40,
        &[(Screen, &["y"]), (Detail, &["y"]), (Crash, &["y"]), (Wizard, &["y"])],
    ),
    entry(A::Raw, GENERAL, "raw", "Show the fields of the record as the pool has them now.", 60, &[(Detail, &["r"])]),
    entry(
        A::Theme,
        GENERAL,
        "theme",
        "Choose a theme, with a live preview.",
        20,
        &[(Screen, &["T", "f9"]), (Wizard, &["T", "f9"])],
    ),
    entry(A::Redraw, GENERAL, "redraw", "Draw the whole screen again.", 0, &[(Everywhere, &["ctrl-l"])]),
    entry(A::Suspend, GENERAL, "suspend", "Give the terminal back to the shell until `fg`.", 0, &[(Everywhere, &["ctrl-z"])]),
    entry(
        A::Quit,
        GENERAL,
        "quit",
        "Log out and leave.",
        70,
        &[(Screen, &["q", "f10"]), (Wizard, &["q", "f10"]), (Everywhere, &["ctrl-c"])],
    ),
    entry(A::Up, MOVING, "up", "One up.", 0, &[(Move, &["up", "k"]), (Typing, &["up", "ctrl-p"])]),
    entry(A::Down, MOVING, "down", "One down.", 0, &[(Move, &["down", "j"]), (Typing, &["down", "ctrl-n"])]),
    entry(A::Left, MOVING, "left", "One column to the left.", 0, &[(Sideways, &["left", "h"])]),
    entry(A::Right, MOVING, "right", "One column to the right.", 0, &[(Sideways, &["right", "l"])]),
    entry(A::PageUp, MOVING, "page up", "One page up.", 0, &[(Move, &["pageup", "ctrl-b"]), (Typing, &["pageup"])]),
    entry(A::PageDown, MOVING, "page down", "One page down.", 0, &[(Move, &["pagedown", "ctrl-f"]), (Typing, &["pagedown"])]),
    entry(A::HalfUp, MOVING, "half up", "Half a page up.", 0, &[(Move, &["ctrl-u"])]),
    entry(A::HalfDown, MOVING, "half down", "Half a page down.", 0, &[(Move, &["ctrl-d"])]),
    entry(A::Top, MOVING, "top", "To the first.", 0, &[(Move, &["home", "g g"])]),
    entry(A::Bottom, MOVING, "bottom", "To the last.", 0, &[(Move, &["end", "G"])]),
    entry(A::NextPane, PANES, "pane", "Give the keys to the next pane.", 85, &[(Screen, &["tab"])]),
    entry(A::PreviousPane, PANES, "previous pane", "Give the keys to the pane before.", 0, &[(Screen, &["shift-tab"])]),
    entry(A::Hosts, PANES, "hosts", "Go to the hosts.", 0, &[(Screen, &["H", "g h"])]),
    entry(A::Tasks, PANES, "tasks", "Go to rebuilds and tasks.", 0, &[(Screen, &["R", "g t"])]),
    entry(A::Cluster, PANES, "cluster", "Go to the cluster.", 0, &[(Screen, &["C", "g c"])]),
    entry(A::Paths, PANES, "paths", "Go to the I/O paths.", 0, &[(Screen, &["P", "g p"])]),
    entry(A::Alerts, PANES, "alerts", "Go to the alerts.", 0, &[(Screen, &["A", "g a"])]),
    entry(A::Log, PANES, "log", "Go to the log of poolwatch itself.", 0, &[(Screen, &["L", "g l"])]),
    entry(A::Zoom, PANES, "zoom", "Give the pane the whole screen, or give it back.", 55, &[(Screen, &["z", "f11"])]),
    entry(
        A::Filter,
        PANES,
        "filter",
        "Show only what contains these words; esc clears it.",
        90,
        &[(Screen, &["/"]), (Search, &["/"])],
    ),
    entry(A::Sort, PANES, "sort", "Sort by the next column.", 50, &[(Screen, &["s"])]),
    entry(A::Reverse, PANES, "reverse", "Sort the other way round.", 0, &[(Screen, &["S"])]),
    entry(A::LogLevel, PANES, "level", "Show more or less of the log.", 65, &[(Log, &["e"])]),
    entry(A::Fleet, POOLS, "all pools", "Show all pools, the worst first.", 45, &[(Screen, &["o", "f4"]), (Wizard, &["f4"])]),
    entry(A::Pools, POOLS, "pools", "Go to another pool by its name.", 42, &[(Screen, &["p", "f5"]), (Wizard, &["f5"])]),
    entry(A::NextPool, POOLS, "next pool", "Go to the next pool.", 0, &[(Screen, &["n"])]),
    entry(A::PreviousPool, POOLS, "previous pool", "Go to the pool before.", 0, &[(Screen, &["N"])]),
    entry(
        A::Crashes,
        CRASHES,
        "crashes",
        "List the crashes of the pool's hosts; enter says why one went down.",
        69,
        &[(Screen, &["c"])],
    ),
    entry(
        A::CrashEvidence,
        CRASHES,
        "evidence",
        "Show all of the evidence with what stands around it, or go back to the summary.",
        96,
        &[(Crash, &["e"])],
    ),
    entry(
        A::CrashHtml,
        CRASHES,
        "HTML",
        "Write the crash into an HTML file; where is said, and no file is ever overwritten.",
        95,
        &[(Crash, &["h"])],
    ),
    entry(A::CrashMoment, CRASHES, "go to that time", "Go to the moment of the crash in the recording.", 94, &[(Crash, &["t"])]),
    entry(
        A::CrashCause,
        CRASHES,
        "write cause",
        "Write the cause to the crash dump's record in the pool; asked about first.",
        93,
        &[(Crash, &["w"])],
    ),
    entry(A::CrashAgain, CRASHES, "read again", "Read what the host left once more.", 92, &[(Crash, &["r"])]),
    entry(A::CrashStop, CRASHES, "stop reading", "Stop reading what the host left.", 97, &[(Crash, &["x"])]),
    entry(
        A::Wizard,
        ROLLOUT,
        "rollout",
        "Open the guided rollout: reboot or update host by host; in it, go back to the dashboard.",
        88,
        &[(Screen, &["w", "f12"]), (Wizard, &["w", "f12"])],
    ),
    entry(A::WizardNext, ROLLOUT, "continue", "Go on to the next page of the rollout.", 99, &[(Wizard, &["enter"])]),
    entry(
        A::Mark,
        ROLLOUT,
        "choose",
        "Take a host in or out, tick a box, choose, take the next value.",
        98,
        &[(Scope, &["space"])],
    ),
    entry(A::MarkAll, ROLLOUT, "all hosts", "Take all hosts in, or all out.", 90, &[(Scope, &["a"])]),
    entry(A::Earlier, ROLLOUT, "earlier", "Let the host go earlier.", 92, &[(Scope, &["K", "shift-up"])]),
    entry(A::Later, ROLLOUT, "later", "Let the host go later.", 91, &[(Scope, &["J", "shift-down"])]),
    entry(A::Accept, ROLLOUT, "accept", "Accept a soft finding with a reason, or take that back.", 97, &[(Checks, &["a"])]),
    entry(A::Mend, ROLLOUT, "mend", "Let poolwatch mend what was found.", 96, &[(Checks, &["m"])]),
    entry(A::Recheck, ROLLOUT, "check again", "Plan and check again with what the pool is now.", 94, &[(Checks, &["r"])]),
    entry(A::RunPause, ROLLOUT, "pause", "Begin nothing new; what was begun in the pool goes on there.", 98, &[(Run, &["p"])]),
    entry(A::RunGoOn, ROLLOUT, "go on", "Let a paused run go on.", 97, &[(Run, &["c"])]),
    entry(
        A::RunStop,
        ROLLOUT,
        "stop after this host",
        "End the run after the host that is being worked on.",
        96,
        &[(Run, &["o"])],
    ),
    entry(
        A::RunSkip,
        ROLLOUT,
        "skip",
        "Leave a host out that is not begun, or give up the one that is stuck.",
        94,
        &[(Run, &["s"])],
    ),
    entry(A::RunRetry, ROLLOUT, "retry", "Try again what is stuck.", 97, &[(Run, &["R"])]),
    entry(
        A::RunAbort,
        ROLLOUT,
        "abort and restore",
        "End the run as soon as that is safe and put back what it changed.",
        93,
        &[(Run, &["A"])],
    ),
    entry(A::RunRestore, ROLLOUT, "restore", "Try again to put back what could not be put back.", 92, &[(Run, &["U"])]),
    entry(A::ResumeFound, ROLLOUT, "resume", "Go on with a run of this pool that was not ended.", 97, &[(Scope, &["c"])]),
    entry(A::NewRound, ROLLOUT, "new round", "Leave the report and plan another round.", 90, &[(Run, &["n"])]),
    entry(
        A::Time,
        TIME,
        "time",
        "Go back in time on what was recorded; there: go to a time that is typed in.",
        68,
        &[(Screen, &["t"])],
    ),
    entry(A::Live, TIME, "live", "Leave the past: back to what is now.", 99, &[(Screen, &["x"])]),
    entry(A::EventBack, TIME, "event before", "Back to the event of note before this.", 94, &[(Screen, &["M", "shift-up"])]),
    entry(A::EventForth, TIME, "next event", "On to the next event of note.", 93, &[(Screen, &["m", "shift-down"])]),
    entry(A::Play, TIME, "play", "Let the recording play, or hold it.", 92, &[(Screen, &["space"])]),
    entry(A::SecondsBack, TIME, "5 s back", "Back by 5 seconds.", 91, &[(Screen, &["shift-left", ","])]),
    entry(A::SecondsForth, TIME, "5 s on", "On by 5 seconds.", 89, &[(Screen, &["shift-right", "."])]),
    entry(A::MinutesBack, TIME, "1 min back", "Back by a minute.", 0, &[(Screen, &["ctrl-left", "<"])]),
    entry(A::MinutesForth, TIME, "1 min on", "On by a minute.", 0, &[(Screen, &["ctrl-right", ">"])]),
    entry(
        A::Faults,
        DEMO,
        "faults",
        "Make something go wrong in the simulated pool.",
        75,
        &[(Screen, &["F", "f6"]), (Wizard, &["F", "f6"])],
    ),
    entry(
        A::Faster,
        DEMO,
        "faster",
        "Let the simulated time run faster; in the past: play it faster.",
        30,
        &[(Screen, &["+", "=", "f8"]), (Wizard, &["+", "=", "f8"])],
    ),
    entry(
        A::Slower,
        DEMO,
        "slower",
        "Let the simulated time run slower; in the past: play it slower.",
        29,
        &[(Screen, &["-", "f7"]), (Wizard, &["-", "f7"])],
    ),
];

/// The entry of an action. Every action has exactly one (a test sees to that).
pub fn entry_of(action: Action) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.action == action)
}
