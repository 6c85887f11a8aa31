//! Batches of events to observations.
//!
//! Pure, and the only place where this is done: the live feed and anything that plays a recording of the wire share it.

use crate::observation::{Observation, Seen};
use crate::probe::Report;
use crate::probe::report::SCHEMA;
use crate::text;
use crate::time::Time;
use crate::xenapi::events::{Change, EventBatch, What};
use crate::xenapi::reply::Unreadable;

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
