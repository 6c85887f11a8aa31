//! The clocks of the hosts, and the gate that they are: a host whose clock is off does not get its storage back from a round.

use super::Sheet;
use crate::pool::limits::SKEW_S;
use crate::pool::picture::{ClockView, HostView, Picture};
use crate::tui::draw::words::ago;
use crate::tui::model::Model;
use crate::tui::theme::Role;

/// Columns of the hosts' names.
const NAME: u16 = 16;

pub(super) fn sheet(model: &Model, picture: &Picture) -> Sheet {
    let mut sheet = Sheet::new(format!("Clocks of {}", picture.name));
    let coordinator = if picture.coordinator.is_empty() { "the coordinator" } else { &picture.coordinator };
    sheet.words(
        format!(
            "Each clock against that of {coordinator}, measured through round trips; ours cancels out. More than {SKEW_S:.0} s apart, leases and \
             time-outs mean different things on different hosts, and nobody can read the logs of a crash."
        ),
        Role::Text,
    );
    sheet.blank();
    let off = picture.clocks.iter().filter(|clock| is_off(clock)).count();
    for host in &picture.hosts {
        one(&mut sheet, model, host, picture.clocks.iter().find(|clock| clock.host == host.name));
    }
    sheet.heading("Gate before storage");
    if off == 0 {
        sheet.words("Open for every host whose clock was measured.", Role::Healthy);
    } else {
        let hosts = if off == 1 { "1 host".to_owned() } else { format!("{off} hosts") };
        sheet.words(format!("Closed for {hosts}. It opens when:"), Role::Degraded);
        sheet.para(
            "1",
            Role::Info,
            3,
            "the clock is in step: on that host `chronyc makestep`, then `chronyc tracking` (older: `ntpstat -s`)",
            Role::Text,
        );
        sheet.para(
            "2",
            Role::Info,
            3,
            "or you say that it may go on nevertheless: in the rollout's checks accept clock-skew with a reason, or start it with \
             `poolwatch roll \u{2026} --force-clock HOST=REASON`. The reason stands in the journal and the report",
            Role::Text,
        );
    }
    sheet.words(
        "While it is closed a round neither plugs that host's storage nor goes on to the next host. What xapi itself plugs when a host boots, and what \
         others plug by hand, poolwatch does not hold up: it says so here and in every gate.",
        Role::Muted,
    );
    sheet
}

fn is_off(clock: &ClockView) -> bool {
    clock.skew_s.abs() - clock.error_s > SKEW_S
}

fn one(sheet: &mut Sheet, model: &Model, host: &HostView, clock: Option<&ClockView>) {
    let glyphs = &model.look.glyphs;
    let Some(clock) = clock else {
        let text = "not measured: it did not answer lately, or the coordinator did not; a round then waits for a reading, but not for ever";
        sheet.para(format!("{} {}", glyphs.unknown, host.name), Role::Muted, NAME, text, Role::Muted);
        return;
    };
    if host.coordinator {
        sheet.para(
            format!("{} {}", glyphs.ok, host.name),
            Role::Healthy,
            NAME,
            "the coordinator: what the others are measured against",
            Role::Text,
        );
        return;
    }
    let way = if clock.skew_s < 0.0 { "behind" } else { "ahead" };
    let skew = format!(
        "{:.1} s {way}, give or take {:.1} s ({})",
        clock.skew_s.abs(),
        clock.error_s.abs(),
        ago(model.shown(), clock.seen)
    );
    if is_off(clock) {
        let text = format!("{skew}. Its storage may not be plugged");
        sheet.para(format!("{} {}", glyphs.failed, host.name), Role::Failed, NAME, text, Role::Failed);
    } else {
        sheet.para(format!("{} {}", glyphs.ok, host.name), Role::Healthy, NAME, skew, Role::Text);
    }
}
