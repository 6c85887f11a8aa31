//! Batches of events to observations.
//!
//! Pure, and the only place where this is done: the live feed and anything that plays a recording of the wire share it.

use crate::observation::{Observation, Seen, Week};
use crate::probe::Report;
use crate::probe::report::SCHEMA;
use crate::text;
use crate::time::Time;
use crate::xenapi::events::{Change, EventBatch, What};
use crate::xenapi::reply::Unreadable;
use crate::xenapi::rrd::Updates;

/// The observations that a batch holds, all made at `at`, in the order of the wire; those that could not be read last.
pub fn observations(batch: &EventBatch, at: Time) -> Vec<Observation> {
    let changes = batch.changes.iter().map(|change| seen(change.clone()));
    changes.chain(batch.unreadable.iter().map(unreadable)).map(|seen| Observation { at, seen }).collect()
}

/// What a change means to someone who watches.
pub fn seen(change: Change) -> Seen {
    match change.what {
        What::Set(record) => Seen::Set { r#ref: change.r#ref, record },
        What::Gone => Seen::Gone { class: change.class, r#ref: change.r#ref },
    }
}

/// What could not be read, in words that are safe to show.
pub fn unreadable(what: &Unreadable) -> Seen {
    Seen::Unreadable {
        class: text::clean(&what.class, 64).into_owned(),
        r#ref: what.r#ref.clone(),
        why: text::clean(&what.why, text::NAME_LIMIT).into_owned(),
    }
}

/// Sources of a host that are looked at over days: what HA measures of its heartbeats (`rrdd_ha_stats.ml`), and the counts of lost
/// paths of seed 2, where a pool has them.
const LASTING: [&str; 3] = ["/latency", "_paths_failed", "_paths_total"];
/// Such sources at most.
const SOURCES: usize = 256;

/// The statistics of the last days of the sources that matter for so long; `None` if there is none.
pub fn week(updates: &Updates, uuid: Option<&str>) -> Option<Week> {
    let (rows, mut series) = updates.series_of_host(uuid, |name| LASTING.iter().any(|end| name.ends_with(end)));
    series.retain(|(_, values)| values.iter().any(Option::is_some));
    series.truncate(SOURCES);
    (!series.is_empty()).then_some(Week { rows, series })
}

/// The longest report that is read, in bytes.
const REPORT: usize = 4 << 20;

/// A probe's report as its plugin prints it; or why it could not be understood, in words.
pub fn report(said: &str) -> Result<Box<Report>, String> {
    if said.len() > REPORT {
        return Err(format!("its report is longer than {} MiB", REPORT >> 20));
    }
    let schema = serde_json::from_str::<serde_json::Value>(said)
        .map_err(|error| format!("its report is no JSON: {}", text::clean(&error.to_string(), 120)))
        .map(|json| json.get("schema").and_then(|s| s.as_str()).unwrap_or_default().to_owned())?;
    if schema != SCHEMA {
        let schema = text::clean(&schema, 40).into_owned();
        return Err(format!("its report is {schema:?} and this poolwatch reads {SCHEMA}: install the same version on both"));
    }
    serde_json::from_str(said)
        .map(Box::new)
        .map_err(|error| format!("its report does not fit {SCHEMA}: {}", text::clean(&error.to_string(), 120)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_kind_is_refused_with_the_reason() {
        assert!(report("help text").is_err_and(|why| why.contains("no JSON")));
        assert!(report("{}").is_err_and(|why| why.contains("poolwatch-probe/1")));
        assert!(report(r#"{"schema":"poolwatch-probe/9"}"#).is_err_and(|why| why.contains("the same version")));
        assert!(report(r#"{"schema":"poolwatch-probe/1","taken":7}"#).is_err_and(|why| why.contains("does not fit")));
        assert!(report(&" ".repeat(REPORT + 1)).is_err_and(|why| why.contains("longer")));
    }
    use crate::xenapi::record::{Class, Ref};

    #[test]
    fn of_a_week_only_what_matters_for_so_long_is_kept() {
        let legend =
            ["cpu0", "statefile/a-b/latency", "network/latency", "sr_x_paths_failed"].map(|n| format!("AVERAGE:host:u:{n}"));
        let rows = vec![
            (Time::from_secs(3_600), vec![1.0, 2.0, f64::NAN, 0.0]),
            (Time::from_secs(0), vec![1.0, f64::INFINITY, f64::NAN, 1.0]),
        ];
        let found = week(&Updates { legend: legend.to_vec(), rows }, Some("u")).expect("a week");
        assert_eq!(found.rows, [0, 3_600].map(Time::from_secs));
        let series = [
            ("statefile/a-b/latency".to_owned(), vec![None, Some(2.0)]),
            ("sr_x_paths_failed".to_owned(), vec![Some(1.0), Some(0.0)]),
        ];
        assert_eq!(found.series, series);
        assert_eq!(week(&Updates { legend: vec![legend[0].clone()], rows: Vec::new() }, Some("u")), None);
    }

    #[test]
    fn every_change_becomes_one_observation() {
        let json = r#"{"events":[
            {"id":"1","class":"host","operation":"add","ref":"OpaqueRef:h","snapshot":{"name_label":"a"}},
            {"id":"2","class":"task","operation":"del","ref":"OpaqueRef:t"},
            {"id":"3","class":"sr","operation":"add","ref":"OpaqueRef:s","snapshot":"\u001b[2J"}],"token":"1,1"}"#;
        let batch = EventBatch::from_result(json).expect("batch");
        let at = Time::from_secs(5);
        let all = observations(&batch, at);
        assert!(all.iter().all(|o| o.at == at));
        assert!(matches!(&all[0].seen, Seen::Set { r#ref, .. } if r#ref.as_str() == "OpaqueRef:h"));
        assert_eq!(all[1].seen, Seen::Gone { class: Class::Task, r#ref: Ref::from("OpaqueRef:t") });
        assert!(matches!(&all[2].seen, Seen::Unreadable { class, why, .. } if class == "sr" && !why.contains('\u{1b}')));
        assert_eq!(all.len(), 3);
    }
}
