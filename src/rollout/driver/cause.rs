//! Notes the cause of a crash with its dump in the pool, because an operator says so. Only ever that: one key of one dump's `other_config`.

use super::super::call::{Call, Outcome};
use super::make::{Made, attempt};
use super::{Consent, Names};
use crate::pool::Pool;
use crate::xenapi::record::Ref;
use crate::xenapi::session::Session;
use crate::xenapi::writer::Writer;

/// Causes that may be noted: those that say something.
const CAUSES: [&str; 3] = ["o2cb", "xhad", "bug"];

/// Why it was not noted, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CauseError {
    /// It says nothing.
    #[error("{0:?} is not noted: only o2cb, xhad and bug say who took the host down")]
    Says(String),
    /// The user may not.
    #[error("the pool does not let this user write to a dump: {0}. It takes the role pool-operator or better")]
    Role(String),
    /// It was refused, or not sent.
    #[error("the cause was not noted: {0}")]
    Refused(String),
    /// There was no answer.
    #[error(
        "the pool did not answer, so the cause may have been noted or not: {0}. Look at `xe host-crashdump-list`, and try again: it does no harm"
    )]
    Unanswered(String),
}

/// Sets `poolwatch-cause` of a dump, whatever it was, in this session. The operator knows of which dump, and what will stand there.
pub async fn note_cause(session: &Session, consent: Consent, dump: &Ref, cause: &str) -> Result<(), CauseError> {
    if !CAUSES.contains(&cause) {
        return Err(CauseError::Says(crate::text::clean(cause, 40).into_owned()));
    }
    let call = Call::NoteCause { dump: dump.clone(), cause: cause.to_owned() };
    let writer = Writer::new(session, consent).map_err(|error| CauseError::Refused(error.to_string()))?;
    let Some(made) = attempt(&writer, &call, &Ref::default()).await else {
        return Err(CauseError::Refused("the session was over".to_owned()));
    };
    let Made::Ended(ended) = made else { return Ok(()) };
    match ended.outcome(&Names(&Pool::new(""))) {
        Outcome::Done { .. } => Ok(()),
        Outcome::Failed { code, text, .. } if code == "RBAC_PERMISSION_DENIED" => Err(CauseError::Role(text)),
        Outcome::Failed { text, .. } | Outcome::NotSent { text } => Err(CauseError::Refused(text)),
        Outcome::Unanswered { text } => Err(CauseError::Unanswered(text)),
    }
}
