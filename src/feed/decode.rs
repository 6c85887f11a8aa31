//! Batches of events to observations.
//!
//! Pure, and the only place where this is done: the live feed and anything that plays a recording of the wire share it.

use crate::observation::{Observation, Seen};
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

#[cfg(test)]
mod tests {
    use super::*;
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
