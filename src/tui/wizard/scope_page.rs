//! The first page: reboot or update, which hosts in which order, how.

use super::frame::key;
use super::paper::{Paper, Piece, padded, piece};
use super::scope::{Choice, Row};
use crate::rollout::plan::{Limit, Product, Wanted};
use crate::tui::draw::words::{moment, plural, width};
use crate::tui::keymap::Action;
use crate::tui::model::{Model, PoolView};
use crate::tui::theme::Role;

/// Columns that a name may take.
const NAME: u16 = 24;

/// What an update is in this product, as a sentence without its full stop.
fn update_words(product: Product) -> &'static str {
    match product {
        Product::XcpNg => "XCP-ng packages that a host lacks, then a reboot",
        Product::XenServer => "the synchronised updates, then what they ask for",
        Product::XenServer7 => "one pool update, then what it asks for",
        Product::Unknown => "what a host lacks; but the pool does not say which product it runs",
    }
}

pub(super) fn write(paper: &mut Paper, model: &Model, pool: &PoolView) {
    let scope = &pool.wizard.scope;
    let g = model.look.glyphs;
    if let Some(found) = &pool.wizard.found {
        let head = piece(format!("{} not ended", g.warning), Role::Degraded);
        paper.beside(0, head, 14, &format!("run {}: {}", found.run, found.text), Role::Text);
        if let Some(why) = &found.refused {
            paper.beside(0, piece("", Role::Muted), 14, why, Role::Muted);
        } else {
            let text = format!(
                "{} goes on with it. A new round is refused as long as it is not ended.",
                key(model, Action::ResumeFound)
            );
            paper.beside(0, piece("", Role::Muted), 14, &text, Role::Info);
        }
    }
    let spare = pool.wizard.found.is_none();
    for (at, row) in scope.rows().iter().enumerate() {
        match row {
            Row::What(purpose) => {
                if at == 0 {
                    heading(paper, "What", &format!("{} chooses", key(model, Action::Mark)));
                }
                paper.item(Some(at));
                purpose_row(paper, model, pool, *purpose);
            }
            Row::Host(host) => {
                if at == 2 {
                    hosts_heading(paper, model, pool);
                }
                paper.item(Some(at));
                host_row(paper, model, pool, host);
            }
            Row::Choice(choice) => {
                if at == 2 + scope.order.len() {
                    heading(paper, "How", &format!("{} {} change a value", key(model, Action::Left), key(model, Action::Right)));
                }
                paper.item(Some(at));
                choice_row(paper, model, pool, *choice);
                if *choice == Choice::Network && pool.wizard.at() == at {
                    others(paper, pool);
                }
            }
            Row::Limit(limit) => {
                paper.item(Some(at));
                limit_row(paper, model, pool, *limit);
            }
        }
    }
    // The page fits a screen of 24 lines where its blank lines go.
    if spare && model.size.1 < 30 {
        paper.lines.retain(|line| !line.pieces.is_empty());
    }
}

fn heading(paper: &mut Paper, title: &str, hint: &str) {
    paper.heading(title, vec![piece(format!("   {hint}"), Role::Muted)]);
}

fn hosts_heading(paper: &mut Paper, model: &Model, pool: &PoolView) {
    let scope = &pool.wizard.scope;
    let (chosen, all) = (scope.hosts().len(), scope.order.len());
    let rule = match scope.purpose {
        Wanted::Update => "the coordinator goes first: no host may be newer than it",
        Wanted::Reboot => "while the coordinator reboots the pool cannot be asked anything",
    };
    let (up, down) = (key(model, Action::Earlier), key(model, Action::Later));
    let title = format!("Hosts, {chosen} of {all}");
    let long = format!("   {up} {down} change the order; {rule}");
    let text = if width(&title) + width(&long) <= paper.width {
        long
    } else {
        format!("   {up} {down} order, {} all", key(model, Action::MarkAll))
    };
    paper.heading(&title, vec![piece(text, Role::Muted)]);
}

fn tick(model: &Model, on: bool) -> Piece {
    let g = model.look.glyphs;
    if on { piece(format!("[{}] ", g.marked), Role::Healthy) } else { piece("[ ] ", Role::Muted) }
}

fn purpose_row(paper: &mut Paper, model: &Model, pool: &PoolView, purpose: Wanted) {
    let on = pool.wizard.scope.purpose == purpose;
    let (word, text) = match purpose {
        Wanted::Reboot => ("reboot", "each host once; nothing is installed"),
        Wanted::Update => ("update", update_words(Product::of(&pool.pool))),
    };
    let radio = if on { piece(format!("({}) ", model.look.glyphs.live), Role::Healthy) } else { piece("( ) ", Role::Muted) };
    let role = if on { Role::Text } else { Role::Muted };
    paper.line(0, vec![radio, piece(format!("{word:<8}"), role), piece(text, Role::Muted)]);
}

fn host_row(paper: &mut Paper, model: &Model, pool: &PoolView, host: &crate::xenapi::record::Ref) {
    let scope = &pool.wizard.scope;
    let Some(view) = pool.picture.hosts.iter().find(|h| h.r#ref == *host) else {
        paper.line(0, vec![piece("gone", Role::Muted)]);
        return;
    };
    let g = model.look.glyphs;
    let on = !scope.out.contains(host);
    let turn = scope.hosts().iter().position(|r| r == host).map_or_else(|| "   ".to_owned(), |n| format!("{:>2} ", n + 1));
    let names = pool.picture.hosts.iter().map(|h| width(&h.name)).max().unwrap_or(4).clamp(4, NAME);
    let mark = if view.coordinator { g.coordinator } else { " " };
    let sign = model.look.host(view);
    let role = if on { Role::Title } else { Role::Muted };
    let mut pieces = vec![
        tick(model, on),
        piece(turn, Role::Muted),
        piece(padded(&view.name, names, g.ellipsis), role),
        piece(format!(" {mark}  "), Role::Info),
        piece(format!("{} {:<17}", sign.glyph, sign.word), sign.role),
        piece(format!("{:<9}", plural(view.vms, "VM", "VMs")), Role::Text),
        piece(padded(&view.version, 8, g.ellipsis), Role::Muted),
    ];
    if !view.guidance.is_empty() {
        pieces.push(piece(format!("  asks for: {}", view.guidance.join(", ")), Role::Degraded));
    }
    paper.line(0, pieces);
}

fn choice_row(paper: &mut Paper, model: &Model, pool: &PoolView, choice: Choice) {
    let scope = &pool.wizard.scope;
    let g = model.look.glyphs;
    if choice.ticks() {
        paper.line(0, vec![tick(model, scope.ticked(choice)), piece(choice.label(), Role::Text)]);
        return;
    }
    if choice == Choice::Update {
        let value = scope.value(choice, |_| String::new());
        let hint = format!("   {} to type it", key(model, Action::Mark));
        let label = format!("    {:<46}", choice.label());
        paper.line(0, vec![piece(label, Role::Text), piece(value, Role::Input), piece(hint, Role::Muted)]);
        return;
    }
    if choice == Choice::Deadlines {
        // Where something is not as usual, that is worth the room.
        let hint = match (scope.options.deadlines.changed().is_empty(), scope.unfolded) {
            (false, _) => String::new(),
            (true, open) => format!("   {} {} them", key(model, Action::Mark), if open { "hides" } else { "shows" }),
        };
        let label = format!("    {:<46}", choice.label());
        let value = scope.value(choice, |_| String::new());
        paper.line(0, vec![piece(label, Role::Text), piece(value, Role::Input), piece(hint, Role::Muted)]);
        return;
    }
    let value = scope.value(choice, |t| moment(t, model.now, &model.zone));
    paper.line(
        0,
        vec![
            piece("    ", Role::Text),
            piece(format!("{:<46}", choice.label()), Role::Text),
            piece(format!("{} ", g.arrow_left), Role::Muted),
            piece(value, Role::Input),
            piece(format!(" {}", g.arrow_right), Role::Muted),
        ],
    );
}

/// Below the network: those that it cannot be.
fn others(paper: &mut Paper, pool: &PoolView) {
    let others: Vec<String> = pool.wizard.scope.not_offered().collect();
    for text in &others {
        paper.words(6, &format!("not {text}"), Role::Muted);
    }
    if others.is_empty() && pool.wizard.scope.networks.iter().all(|n| n.management) {
        paper.words(6, "The pool has no other network with an address on its hosts.", Role::Muted);
    }
}

fn limit_row(paper: &mut Paper, model: &Model, pool: &PoolView, limit: Limit) {
    let scope = &pool.wizard.scope;
    let g = model.look.glyphs;
    let name: &str = limit.into();
    let usual = scope.options.deadlines.get(limit) == crate::rollout::plan::Deadlines::default().get(limit);
    let mut pieces = vec![
        piece(format!("      {:<44}", format!("{name:<9} {}", limit.words())), Role::Muted),
        piece(format!("{} ", g.arrow_left), Role::Muted),
        piece(scope.limit(limit), Role::Input),
        piece(format!(" {}", g.arrow_right), Role::Muted),
    ];
    if !usual {
        pieces.push(piece("   not as usual", Role::Info));
    }
    paper.line(0, pieces);
}
