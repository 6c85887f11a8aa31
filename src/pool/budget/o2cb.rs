//! o2cb's rows of the budget: by the probes where they tell, else its defaults (`fs/ocfs2/cluster` of Linux).

use super::probed::{O2cbTold, Value};
use super::{Known, O2CB, Row, row, s};

/// Threshold, idle time-out and keep-alive delay that the kernel starts with.
const DEFAULTS: (u32, u32, u32, u32) = (31, 30_000, 2_000, 2_000);
/// Seconds between two heartbeats.
const BEAT: f64 = 2.0;

fn known(value: Option<&Value>, default: u32) -> (u32, u32, Known) {
    value.map_or((default, default, Known::Default), |v| (v.least, v.most, Known::Probe))
}

fn ms(value: u32) -> f64 {
    f64::from(value) / 1_000.0
}

impl O2cbTold {
    /// When the first host that lost its heartbeat disk fences itself, in seconds.
    pub fn disk_s(&self) -> f64 {
        self.threshold.as_ref().map_or(O2CB, |t| f64::from(t.least.max(2) - 1) * BEAT)
    }

    /// When a host that lost the network fences itself, at the earliest and the latest, in seconds: idle, then (threshold + 2) beats.
    pub fn network_s(&self) -> (f64, f64) {
        let (least, most, _) = known(self.threshold.as_ref(), DEFAULTS.0);
        let (idle, idle_most, _) = known(self.idle_ms.as_ref(), DEFAULTS.1);
        let quorum = |threshold: u32| (f64::from(threshold) + 2.0) * BEAT;
        (ms(idle) + quorum(least), ms(idle_most) + quorum(most))
    }

    /// When a host that lost disk or network is surely gone, in seconds.
    pub fn surely_s(&self) -> f64 {
        let disk = self.threshold.as_ref().map_or(O2CB, |t| f64::from(t.most.max(2) - 1) * BEAT);
        self.network_s().1.max(disk)
    }
}

/// A row of a value, with the hosts that have another one as its problem.
fn of(at_s: f64, what: String, known: Known, from: &str, value: Option<&Value>, name: &str) -> Row {
    let mut row = row(at_s, "o2cb", what, known, from);
    if let Some(value) = value.filter(|v| !v.differ.is_empty()) {
        row.problem = format!(
            "hosts differ ({}): each decides by its own, and they call each other dead too early or too late",
            value.differ
        );
        row.mend = format!("set {name} alike on all nodes, and restart o2cb there one after the other");
    }
    row
}

/// All of them.
pub fn rows(told: &O2cbTold) -> Vec<Row> {
    let (threshold, _, source) = known(told.threshold.as_ref(), DEFAULTS.0);
    let (idle, _, idle_source) = known(told.idle_ms.as_ref(), DEFAULTS.1);
    let (keep, keep_most, keep_source) = known(told.keepalive_ms.as_ref(), DEFAULTS.2);
    let (again, _, again_source) = known(told.reconnect_ms.as_ref(), DEFAULTS.3);
    let disk = told.disk_s();
    let beat = format!("O2CB_HEARTBEAT_THRESHOLD {threshold}");

    let mut alive = of(
        ms(keep),
        "asks a peer that was silent so long whether it is there".into(),
        keep_source,
        &format!("O2CB_KEEPALIVE_DELAY_MS {keep}"),
        told.keepalive_ms.as_ref(),
        "O2CB_KEEPALIVE_DELAY_MS",
    );
    if alive.problem.is_empty() && keep_most >= idle {
        alive.problem =
            format!("a quiet link is called idle at {} before anybody asks: healthy nodes lose each other", s(ms(idle)));
        "set O2CB_KEEPALIVE_DELAY_MS well below O2CB_IDLE_TIMEOUT_MS on all nodes".clone_into(&mut alive.mend);
    }
    let mut silent = of(
        ms(idle),
        "calls a silent peer's link idle: the count to a decision by quorum begins".into(),
        idle_source,
        &format!("O2CB_IDLE_TIMEOUT_MS {idle}"),
        told.idle_ms.as_ref(),
        "O2CB_IDLE_TIMEOUT_MS",
    );
    if silent.problem.is_empty() && ms(again) >= ms(idle) {
        silent.problem = format!("the next try to connect comes only after {}: a link that blinks is lost", s(ms(again)));
        "set O2CB_RECONNECT_DELAY_MS (2000) well below O2CB_IDLE_TIMEOUT_MS on all nodes".clone_into(&mut silent.mend);
        silent.known = again_source;
    }
    let fence = of(
        disk,
        "fences the host that cannot write its heartbeat".into(),
        source,
        &format!("({beat} \u{2212} 1) \u{d7} 2"),
        told.threshold.as_ref(),
        "O2CB_HEARTBEAT_THRESHOLD",
    );
    let net = if source == Known::Probe || idle_source == Known::Probe { Known::Probe } else { Known::Default };
    vec![
        alive,
        silent,
        row(disk / 2.0, "o2cb", "negotiates: if all live nodes hang, nobody fences", source, &beat),
        fence,
        row(disk + BEAT, "o2cb", "the others call it dead and recover its journal", source, &beat),
        row(
            told.network_s().0,
            "o2cb",
            "fences the host that lost the network's quorum",
            net,
            &format!("idle {idle} ms, then ({threshold} + 2) \u{d7} 2"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(least: u32, most: u32) -> Value {
        let differ = if least == most { String::new() } else { format!("{least} on a; {most} on b") };
        Value { least, most, differ }
    }

    #[test]
    fn defaults_are_said_to_be_some_and_the_probes_values_take_their_place() {
        let all = rows(&O2cbTold::default());
        assert!(all.iter().all(|row| row.known == Known::Default && row.problem.is_empty()), "{all:#?}");
        assert!((O2cbTold::default().network_s().0 - 96.0).abs() < 0.1);
        let own = O2cbTold { threshold: Some(told(61, 61)), idle_ms: Some(told(60_000, 60_000)), ..O2cbTold::default() };
        assert!((own.disk_s() - 120.0).abs() < 0.1 && (own.surely_s() - 186.0).abs() < 0.1);
        let all = rows(&own);
        let fence = all.iter().find(|row| row.what.starts_with("fences the host that cannot")).expect("a fence");
        assert!((fence.at_s - 120.0).abs() < 0.1 && fence.known == Known::Probe && fence.from.contains("61"), "{fence:?}");
    }

    #[test]
    fn hosts_that_differ_and_a_keep_alive_that_is_too_slow_are_flagged() {
        let own = O2cbTold { threshold: Some(told(31, 61)), keepalive_ms: Some(told(40_000, 40_000)), ..O2cbTold::default() };
        let problems: Vec<Row> = rows(&own).into_iter().filter(|row| !row.problem.is_empty()).collect();
        assert_eq!(problems.len(), 2, "{problems:#?}");
        assert!(problems.iter().all(|row| !row.mend.is_empty()));
        assert!((own.disk_s() - 60.0).abs() < 0.1 && (own.surely_s() - 156.0).abs() < 0.1, "the first fences, the last is sure");
    }
}
