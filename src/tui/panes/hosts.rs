//! The hosts: one row each. Columns come and go with the width, by how much they say.

use super::{View, empty, open};
use crate::pool::picture::{HostView, Latency, Picture, Severity};
use crate::text;
use crate::tui::draw::look::Look;
use crate::tui::draw::pen::Pen;
use crate::tui::draw::table::{Column, EXTRA, Rows};
use crate::tui::draw::words::{fit, width};
use crate::tui::model::{Model, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use ratatui::text::Span;

const NAME: usize = 0;
const STATE: usize = 1;
const ENABLED: usize = 2;
const GATE: usize = 3;
const VMS: usize = 4;
const MEMORY: usize = 5;
const PATHS: usize = 6;
const FENCE: usize = 7;
const LATENCY: usize = 8;
const VERSION: usize = 9;
const PENDING: usize = 10;
const UPTIME: usize = 11;
const ADDRESS: usize = 12;
const WHY: usize = 13;

/// The column of a sort, by its name.
fn sorted_column(sort: &str) -> Option<usize> {
    Some(match sort {
        "name" => NAME,
        "state" => STATE,
        "gate" => GATE,
        "VMs" => VMS,
        "memory" => MEMORY,
        "paths" => PATHS,
        "fence in" => FENCE,
        "version" => VERSION,
        "uptime" => UPTIME,
        _ => return None,
    })
}

fn columns(picture: &Picture) -> Vec<Column> {
    let widest =
        |of: &dyn Fn(&HostView) -> u16, low: u16, high: u16| picture.hosts.iter().map(of).max().unwrap_or(0).clamp(low, high);
    let name = widest(&|h| width(&h.name) + 2 * u16::from(h.coordinator), 6, 24);
    let state = widest(&|h| width(&h.state.text) + 2, 8, 24);
    let version = widest(&|h| width(&h.version), 7, 14);
    let pending = widest(&|h| width(&guidance(h)), 7, 26);
    let address = widest(&|h| width(&h.address), 7, 20);
    let samples = widest(&|h| h.latency.len() as u16, 8, 60);
    let pending_column = Column::new("pending", 9, pending.min(12), pending);
    let guided = picture.hosts.iter().any(|h| !h.guidance.is_empty());
    // A column in which nothing is known gives way to those that say something.
    let rank = |rank: u8, known: bool| if known { rank } else { EXTRA + 8 };
    let watched = picture.hosts.iter().any(|h| h.paths.is_some());
    let fenced = picture.hosts.iter().any(|h| h.fence_margin_s.is_some());
    let against = picture.hosts.iter().any(|h| h.gate.reasons.iter().any(|reason| reason.severity != Severity::Note));
    let why = Column::new("why", 13, 30, 60).grow(160);
    let asked = picture.hosts.iter().any(|h| h.latency.iter().any(|l| *l != Latency::None));
    vec![
        Column::new("name", 0, name.min(16), name),
        Column::new("state", 1, state.min(18), state),
        Column::new("enabled", 10, 7, 7),
        Column::new("gate", 2, 9, 9),
        Column::new("VMs", 4, 3, 4).right(),
        Column::new("memory", 3, 6, 16).snap(12),
        Column::new("paths", rank(5, watched), 5, 5).right(),
        Column::new("fence in", rank(6, fenced), 8, 8).right(),
        Column::new("answers", rank(8, asked), 12, 16).grow(samples),
        Column::new("version", 7, version, version),
        if guided { pending_column } else { pending_column.without() },
        Column::new("up for", 11, 9, 10).right(),
        Column::new("address", 12, address, address),
        if against { why } else { why.without() },
    ]
}

fn guidance(host: &HostView) -> String {
    host.guidance.join(", ")
}

/// Draws the pane.
pub(crate) fn render(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(pool) = model.pool() else { return };
    let picture = &pool.picture;
    let total = picture.hosts.len();
    let Some(view) = open(pen, model, Pane::Hosts, area, total, Vec::new()) else { return };
    if view.order.is_empty() {
        empty(pen, &view, total, "No host is known yet.");
        return;
    }
    let View { order, state, cursor, focused, needle, body } = view;
    let columns = columns(picture);
    let look = pen.look;
    let sorted = Pane::Hosts.sorts().get(state.sort).and_then(|s| sorted_column(s));
    Rows {
        columns: &columns,
        count: order.len(),
        first: state.first,
        selected: cursor,
        focused,
        sorted: sorted.filter(|_| state.sort > 0 || state.reverse).map(|c| (c, state.reverse)),
        head: true,
        below: None,
        cell: |row, column, room| {
            order
                .get(row)
                .and_then(|ix| picture.hosts.get(*ix))
                .map_or_else(Vec::new, |host| cell(look, model, host, column, room, &needle))
        },
    }
    .draw(pen, body);
}

fn cell<'p>(look: &Look, model: &Model, host: &'p HostView, column: usize, room: u16, needle: &str) -> Vec<Span<'p>> {
    let span = |text: String, role: Role| Span::styled(text, look.style(role));
    let unknown = || vec![span(if look.ascii() { "-" } else { "—" }.to_owned(), Role::Muted)];
    match column {
        NAME => {
            let mark = if host.coordinator { 2 } else { 0 };
            let shown = fit(&host.name, room.saturating_sub(mark), look.glyphs.ellipsis).into_owned();
            let mut spans = marked(look, shown, needle, Role::Title);
            if host.coordinator {
                spans.push(span(format!(" {}", look.glyphs.coordinator), Role::Emphasis));
            }
            spans
        }
        STATE => {
            let sign = look.host(host);
            let word = if host.state.text.is_empty() { sign.word } else { &host.state.text };
            let word = if sign.glyph == look.glyphs.warning && word == "live" { sign.word } else { word };
            let mut spans = vec![span(format!("{} ", sign.glyph), sign.role)];
            spans.extend(marked(look, word.to_owned(), needle, sign.role));
            spans
        }
        ENABLED if host.enabled => vec![span("yes".to_owned(), Role::Muted)],
        ENABLED => vec![span("no".to_owned(), Role::Degraded)],
        GATE => {
            let sign = look.gate(host.gate.state);
            vec![span(format!("{} {}", sign.glyph, sign.word), sign.role)]
        }
        VMS => vec![span(host.vms.to_string(), if host.vms == 0 { Role::Muted } else { Role::Text })],
        MEMORY => memory(look, host, room).unwrap_or_else(unknown),
        PATHS => host.paths.map_or_else(unknown, |(up, total)| {
            let role = match up {
                0 if total > 0 => Role::Failed,
                up if up < total => Role::Degraded,
                _ => Role::Text,
            };
            vec![span(format!("{up}/{total}"), role)]
        }),
        FENCE => host.fence_margin_s.filter(|s| s.is_finite()).map_or_else(unknown, |s| {
            let role = match s {
                s if s < 15.0 => Role::Failed,
                s if s < 30.0 => Role::Degraded,
                _ => Role::Text,
            };
            vec![span(format!("{:.0} s", s.max(0.0)), role)]
        }),
        LATENCY => sparkline(look, &host.latency, room),
        VERSION => marked(look, host.version.clone(), needle, Role::Text),
        PENDING => marked(look, guidance(host), needle, Role::Pending),
        UPTIME => host.booted.map_or_else(unknown, |t| vec![span(text::duration(model.shown().since(t)), Role::Muted)]),
        ADDRESS => marked(look, host.address.clone(), needle, Role::Muted),
        // What keeps its gate from being open, or speaks against it. What is true of any host that does its work is not said.
        WHY => {
            let reason = host.gate.reasons.iter().find(|reason| reason.severity != Severity::Note);
            reason.map_or_else(Vec::new, |reason| vec![span(reason.text.clone(), Role::Muted)])
        }
        _ => Vec::new(),
    }
}

/// Owned text with the part that the filter found marked.
pub(crate) fn marked(look: &Look, text: String, needle: &str, role: Role) -> Vec<Span<'static>> {
    let Some(found) = crate::tui::draw::words::find(&text, needle) else {
        return vec![Span::styled(text, look.style(role))];
    };
    let part =
        |range: Option<&str>, role: Role| range.filter(|t| !t.is_empty()).map(|t| Span::styled(t.to_owned(), look.style(role)));
    let (start, end) = (found.start, found.end);
    [part(text.get(..start), role), part(text.get(found), Role::Match), part(text.get(end..), role)]
        .into_iter()
        .flatten()
        .collect()
}

fn memory(look: &Look, host: &HostView, room: u16) -> Option<Vec<Span<'static>>> {
    let used = host.memory.used.filter(|_| host.memory.total > 0)?;
    let fraction = used as f64 / host.memory.total as f64;
    let percent = format!("{:>3.0} %", (fraction * 100.0).min(999.0));
    if room < 12 {
        let role = if fraction >= 0.9 { Role::Degraded } else { Role::Text };
        return Some(vec![Span::styled(percent, look.style(role))]);
    }
    let (filled, empty) = look.glyphs.gauge(fraction, usize::from(room - 6));
    Some(vec![
        Span::styled(filled, look.style(Look::gauge_role(fraction))),
        Span::styled(empty, look.style(Role::GaugeEmpty)),
        Span::styled(format!(" {percent}"), look.style(Role::Text)),
    ])
}

/// How long a host took to answer, on a fixed scale so that hosts can be compared and nothing jumps: each step is about
/// twice as long, from 10 ms to one second.
fn sparkline(look: &Look, samples: &[Latency], room: u16) -> Vec<Span<'static>> {
    let skip = samples.len().saturating_sub(usize::from(room));
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut run = String::new();
    for sample in samples.iter().skip(skip) {
        match sample {
            Latency::None => run.push_str(look.glyphs.gap),
            Latency::Ms(ms) => {
                let step = (f64::from((*ms).max(1)) / 10.0).log2().floor() + 1.0;
                run.push_str(look.glyphs.bar((step / 8.0).clamp(0.0, 1.0)));
            }
            Latency::Lost => {
                if !run.is_empty() {
                    spans.push(Span::styled(std::mem::take(&mut run), look.style(Role::Series)));
                }
                spans.push(Span::styled(look.glyphs.failed, look.style(Role::Failed)));
            }
        }
    }
    if !run.is_empty() {
        spans.push(Span::styled(run, look.style(Role::Series)));
    }
    spans
}
