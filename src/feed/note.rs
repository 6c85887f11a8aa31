//! The details of following a pool for poolwatch's own log, at the levels debug and trace; what an operator wants to read is told by
//! [`super::journal`]. Nothing is decided here, and nothing secret can come here: calls are named without their parameters, errors
//! were cleaned where they were made.

use super::follow::{Ask, CallId};
use crate::observation::{Answer, Link, Outcome, Probed, Seen};
use crate::text::{self, clean};

/// Characters of what a pool says that are logged.
const LONGEST: usize = 400;

/// Something was seen.
pub fn seen(pool: &str, seen: &Seen) {
    match seen {
        Seen::Link(Link::Connecting { to }) => tracing::debug!("{pool}: connecting to {to}"),
        Seen::Link(Link::Live { coordinator }) => tracing::debug!("{pool}: logged in on the coordinator, {coordinator}"),
        Seen::Link(Link::Lost { error, attempt, .. }) => {
            tracing::debug!("{pool}: {} (failed {attempt} in a row)", clean(error, LONGEST));
        }
        Seen::Link(Link::Refused { error }) => tracing::debug!("{pool}: {}", clean(error, LONGEST)),
        Seen::Link(Link::Closed) => tracing::debug!("{pool}: logged out"),
        Seen::Resync { classes, why } => tracing::debug!("{pool}: {}: reading {} classes", clean(why, LONGEST), classes.len()),
        Seen::Synced { classes } => tracing::debug!("{pool}: {} classes are complete", classes.len()),
        Seen::Unreadable { class, why, .. } => {
            tracing::debug!(
                "{pool}: a record of class {} cannot be read and is left out: {}",
                clean(class, 40),
                clean(why, LONGEST)
            );
        }
        Seen::Answer(Answer { via, took_ms, outcome, .. }) => match outcome {
            Outcome::Ok { .. } => tracing::trace!("{pool}: a host answered to {via:?} within {took_ms} ms"),
            Outcome::Failed { error, .. } => {
                tracing::debug!("{pool}: a host did not answer to {via:?}: {}", clean(error, LONGEST));
            }
        },
        Seen::Set { record, .. } => {
            tracing::trace!("{pool}: a record of class {} is there or has changed", record.class().call_name());
        }
        Seen::Gone { class, .. } => tracing::trace!("{pool}: a record of class {} is gone", class.call_name()),
        Seen::Heard { generation } => tracing::trace!("{pool}: heard, at generation {generation:?}"),
        Seen::Probe { told: Probed::Failed { why }, .. } => tracing::debug!("{pool}: a host's probe: {}", clean(why, LONGEST)),
        Seen::Probe { told, .. } => {
            let what = if matches!(told, Probed::Report(_)) { "reported" } else { "is not there for us" };
            tracing::trace!("{pool}: a host's probe {what}");
        }
        Seen::WentBack(rewind) => {
            tracing::debug!("{pool}: the database went back from {} to {}", rewind.from, rewind.to);
        }
        Seen::Week { week, .. } => {
            tracing::trace!("{pool}: {} sources of a host over {} hours", week.series.len(), week.rows.len());
        }
        Seen::Paths { paths } => tracing::trace!("{pool}: {} paths changed in earlier runs", paths.len()),
        Seen::Samples { values, .. } => tracing::trace!("{pool}: {} measurements of a host", values.len()),
    }
}

/// A call is being made.
pub fn asked(pool: &str, id: CallId, ask: &Ask) {
    match ask {
        Ask::Login(_) => tracing::debug!("{pool}: {id:?}: log-in"),
        Ask::Read(classes) => tracing::debug!("{pool}: {id:?}: reading {} classes", classes.len()),
        Ask::Reread(classes) => tracing::debug!("{pool}: {id:?}: reading {} classes again", classes.len()),
        Ask::Probe => tracing::debug!("{pool}: {id:?}: looking whether our place in the stream of events still holds"),
        Ask::Messages { since } => tracing::debug!("{pool}: {id:?}: reading messages since {since}"),
        Ask::Poll { token, wait } => {
            tracing::trace!("{pool}: {id:?}: waiting up to {} for what comes after {token}", text::duration(*wait));
        }
        Ask::Host(due, _) => tracing::trace!("{pool}: {id:?}: asking the host at {} by {:?}", due.address, due.via),
    }
}
