//! Makes one call: finds a session, tries its forms, and says what became of it. Never makes a call a second time that may have
//! taken effect.

use super::super::call::{Call, Outcome};
use super::super::wire::{self, Wired};
use super::lend::Lender;
use crate::xenapi::code::Code;
use crate::xenapi::error::{ApiError, Error, Transport};
use crate::xenapi::explain::NameLookup;
use crate::xenapi::record::Ref;
use crate::xenapi::session::Session;
use crate::xenapi::writer::{Consent, Sent, Writer};
use serde_json::Value;
use std::time::Duration;

/// How long a call waits for a session, by the pool's clock, before it is given up unsent: then the machine decides anew.
const PATIENCE: Duration = Duration::from_secs(20);
/// As [`PATIENCE`], for what must not be done on a look at the pool that is older than this: the look was made for the call (I1).
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long the pool may take to answer a call; one that works on for longer is a task.
const ANSWER: Duration = Duration::from_secs(60);
/// As [`ANSWER`], for what sets up or takes down HA on every host before it answers.
const LONG_ANSWER: Duration = Duration::from_secs(600);
/// How often a new session is tried for one call.
const SESSIONS: usize = 3;

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// The pool took it, and works on it as this task.
    Accepted(Ref),
    /// It ended, or cannot be told to have ended.
    Ended(Ended),
}

/// How a call ended, not yet in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// Done; what it returned.
    Done(String),
    /// Refused.
    Refused(ApiError),
    /// It may have taken effect.
    Unanswered(Error),
    /// It took no effect.
    NotSent(Error),
}

impl Ended {
    /// In words, with names in place of references.
    pub fn outcome(self, names: &dyn NameLookup) -> Outcome {
        match self {
            Self::Done(value) => Outcome::Done { value },
            Self::Refused(error) => Outcome::Failed {
                code: error.code.as_str().to_owned(),
                text: error.explain(names).to_string(),
                params: error.params,
            },
            Self::Unanswered(error) => Outcome::Unanswered { text: error.explain(names) },
            Self::NotSent(error) => Outcome::NotSent { text: error.explain(names) },
        }
    }
}

/// Makes a call on the pool with this reference.
pub async fn make(lender: &Lender, consent: Consent, call: &Call, pool: &Ref) -> Made {
    let mut used: Option<Session> = None;
    let patience = if call.is_destructive() { AT_ONCE } else { PATIENCE };
    for _ in 0..SESSIONS {
        let Some(session) = lender.session(patience, used.as_ref()).await else { break };
        let writer = match lender.writer(&session, consent) {
            Ok(writer) => writer,
            Err(error) => return Made::Ended(Ended::NotSent(error)),
        };
        match attempt(&writer, call, pool).await {
            Some(made) => return made,
            // Refused before it was looked at, because the session was over: a new one may make it.
            None => used = Some(session),
        }
    }
    Made::Ended(Ended::NotSent(unsent("not connected to it at the moment")))
}

fn unsent(why: &str) -> Error {
    Error::Transport { to: "the pool".to_owned(), kind: Transport::Other(why.to_owned()) }
}

/// Every form of a call in one session; `None`: the session is over, and nothing was done.
pub(super) async fn attempt(writer: &Writer, call: &Call, pool: &Ref) -> Option<Made> {
    let deadline = if matches!(call, Call::EnableHa { .. } | Call::DisableHa) { LONG_ANSWER } else { ANSWER };
    let forms = wire::forms(call, pool);
    let last = forms.len().saturating_sub(1);
    for (form, at) in forms.iter().zip(0..) {
        match send(writer, form, deadline).await {
            Sent::Done(value) => return Some(done(call, value)),
            Sent::Refused(error) if is_session_over(&error) => return None,
            Sent::Refused(error) if wire::falls_back(error.code.as_str()) && at < last => {}
            Sent::Refused(error) => return Some(Made::Ended(Ended::Refused(error))),
            Sent::Unanswered(error) => return Some(Made::Ended(Ended::Unanswered(error))),
            Sent::NotSent(error) => return Some(Made::Ended(Ended::NotSent(error))),
        }
    }
    Some(Made::Ended(Ended::NotSent(unsent("there is no form of this call"))))
}

async fn send(writer: &Writer, form: &Wired, deadline: Duration) -> Sent {
    if let Some((method, params)) = &form.first {
        match writer.call(method, params, deadline).await {
            Sent::Done(_) => {}
            // What goes before may be repeated freely; the call itself was not made.
            Sent::Unanswered(error) | Sent::NotSent(error) => return Sent::NotSent(error),
            refused @ Sent::Refused(_) => return refused,
        }
    }
    writer.call(form.method, &form.params, deadline).await
}

/// Raised before a call is dispatched: the call had no effect.
fn is_session_over(error: &ApiError) -> bool {
    matches!(error.code, Code::SessionInvalid | Code::HostIsSlave)
}

fn done(call: &Call, value: Value) -> Made {
    let value = match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    if !call.is_async() {
        return Made::Ended(Ended::Done(value));
    }
    if value.starts_with("OpaqueRef:") && value.len() < 200 {
        return Made::Accepted(Ref::from(value));
    }
    Made::Ended(Ended::Unanswered(Error::Malformed {
        to: "the pool".to_owned(),
        what: super::super::run::verb(call).to_owned(),
        why: "it does not say which task works on it".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_must_be_named_and_other_results_are_text() {
        let reboot = Call::Reboot { host: "OpaqueRef:h".into() };
        assert_eq!(done(&reboot, json!("OpaqueRef:t")), Made::Accepted("OpaqueRef:t".into()));
        assert!(matches!(done(&reboot, json!(7)), Made::Ended(Ended::Unanswered(_))));
        assert_eq!(done(&Call::DisableHa, Value::Null), Made::Ended(Ended::Done(String::new())));
    }

    #[test]
    fn only_what_was_refused_before_it_was_looked_at_is_made_in_another_session() {
        let error = |code: &str| ApiError { method: "m".into(), code: code.into(), params: vec![] };
        assert!(is_session_over(&error("SESSION_INVALID")) && is_session_over(&error("HOST_IS_SLAVE")));
        assert!(!is_session_over(&error("SESSION_NOT_REGISTERED")) && !is_session_over(&error("HOST_OFFLINE")));
    }
}
