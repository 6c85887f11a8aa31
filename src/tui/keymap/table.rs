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
use Context::{Detail, Everywhere, Log, Move, Popup, Screen, Search, Typing};

const GENERAL: &str = "General";
const MOVING: &str = "Moving";
const PANES: &str = "Panes";
const POOLS: &str = "Pools";
const DEMO: &str = "Demo";

/// All of them, in the order that help shows.
pub const TABLE: &[Entry] = &[
    entry(A::Help, GENERAL, "help", "Show every key, with a search.", 100, &[(Everywhere, &["?", "f1"])]),
    entry(A::Palette, GENERAL, "command", "Find any action by its name and do it.", 95, &[(Screen, &[":", "f2"])]),
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
        "Close the popup, clear the filter, leave the zoom, go back to all pools.",
        82,
        &[(Screen, &["esc", "backspace"]), (Popup, &["esc", "q", "backspace"]), (Typing, &["esc"])],
    ),
    entry(
        A::Why,
        GENERAL,
        "why",
        "Explain the verdict: every reason, its evidence, and what opens the gate.",
        78,
        &[(Screen, &["v", "f3"])],
    ),
    entry(
        A::Copy,
        GENERAL,
        "copy",
        "Copy what is selected or shown to the clipboard (through the terminal, OSC 52).",
        40,
        &[(Screen, &["y"]), (Detail, &["y"])],
    ),
    entry(A::Raw, GENERAL, "raw", "Show the fields of the record as the pool has them now.", 60, &[(Detail, &["r"])]),
    entry(A::Theme, GENERAL, "theme", "Choose a theme, with a live preview.", 20, &[(Screen, &["T", "f9"])]),
    entry(A::Redraw, GENERAL, "redraw", "Draw the whole screen again.", 0, &[(Everywhere, &["ctrl-l"])]),
    entry(A::Suspend, GENERAL, "suspend", "Give the terminal back to the shell until `fg`.", 0, &[(Everywhere, &["ctrl-z"])]),
    entry(A::Quit, GENERAL, "quit", "Log out and leave.", 70, &[(Screen, &["q", "f10"]), (Everywhere, &["ctrl-c"])]),
    entry(A::Up, MOVING, "up", "One up.", 0, &[(Move, &["up", "k"]), (Typing, &["up", "ctrl-p"])]),
    entry(A::Down, MOVING, "down", "One down.", 0, &[(Move, &["down", "j"]), (Typing, &["down", "ctrl-n"])]),
    entry(A::Left, MOVING, "left", "One column to the left.", 0, &[(Move, &["left", "h"])]),
    entry(A::Right, MOVING, "right", "One column to the right.", 0, &[(Move, &["right", "l"])]),
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
    entry(A::Fleet, POOLS, "all pools", "Show all pools, the worst first.", 45, &[(Screen, &["o", "f4"])]),
    entry(A::Pools, POOLS, "pools", "Go to another pool by its name.", 42, &[(Screen, &["p", "f5"])]),
    entry(A::NextPool, POOLS, "next pool", "Go to the next pool.", 0, &[(Screen, &["n"])]),
    entry(A::PreviousPool, POOLS, "previous pool", "Go to the pool before.", 0, &[(Screen, &["N"])]),
    entry(A::Faults, DEMO, "faults", "Make something go wrong in the simulated pool.", 75, &[(Screen, &["F", "f6"])]),
    entry(A::Faster, DEMO, "faster", "Let the simulated time run faster.", 30, &[(Screen, &["+", "=", "f8"])]),
    entry(A::Slower, DEMO, "slower", "Let the simulated time run slower.", 29, &[(Screen, &["-", "f7"])]),
];

/// The entry of an action. Every action has exactly one (a test sees to that).
pub fn entry_of(action: Action) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.action == action)
}
