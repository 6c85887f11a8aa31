//! Calls that change a pool. The only way to make one, and only [`crate::rollout::driver`] uses it; a test of the house sees to that.
//!
//! A call is sent once. What cannot be told apart is not: an answer that did not come means that the call may have taken effect.

use super::client::{Ask, Client};
use super::error::{ApiError, Error};
use super::reply::{self, Problem};
use super::session::Session;
use serde_json::{Value, json};
use std::time::Duration;

/// The operator asked for this pool to be changed: made where that was asked, and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Consent(());

impl Consent {
    /// The operator was asked, knew what would be done, and said yes.
    pub const fn given_by_the_operator() -> Self {
        Self(())
    }
}

/// Makes calls that change a pool, in a session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {
    session: Session,
    client: Client,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// The pool did it, or took it on as a task; what it returned.
    Done(Value),
    /// The pool refused it or failed at it.
    Refused(ApiError),
    /// No answer that could be read: it may have taken effect or not.
    Unanswered(Error),
    /// It never left: it had no effect.
    NotSent(Error),
}

impl Writer {
    /// For this session.
    pub fn new(session: &Session, _: Consent) -> Result<Self, Error> {
        Ok(Self { session: session.clone(), client: session.client().for_writing()? })
    }

    /// The session that it writes in.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Makes a call; `params` are those after the session.
    pub async fn call(&self, method: &str, params: &[Value], deadline: Duration) -> Sent {
        let key = self.session.key();
        let params: Vec<Value> = std::iter::once(json!(key)).chain(params.iter().cloned()).collect();
        let ask = Ask { method, params: &params, deadline, secrets: &[key], thumbprint: false, waits: true };
        let to = self.session.coordinator();
        let answer = match self.client.call_once(to, ask).await {
            Ok(answer) => answer,
            Err(lost) if lost.sent => return Sent::Unanswered(lost.error),
            Err(lost) => return Sent::NotSent(lost.error),
        };
        // A call without a result answers with an empty text or with null, depending on the pool's age.
        let problem = match reply::result::<Value>(&answer.text, method) {
            Ok(value) => return Sent::Done(value),
            Err(Problem::Malformed(_)) if is_void(&answer.text) => return Sent::Done(Value::Null),
            Err(problem) => problem,
        };
        match Client::problem(to, method, problem, &[key]) {
            Error::Api(error) => Sent::Refused(error),
            other => Sent::Unanswered(other),
        }
    }
}

/// Whether this is a good answer whose result is null.
fn is_void(answer: &str) -> bool {
    let Ok(Value::Object(answer)) = serde_json::from_str(answer) else { return false };
    answer.get("result") == Some(&Value::Null) && answer.get("error").is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_a_result_is_done_and_one_with_an_error_is_not() {
        assert!(is_void(r#"{"jsonrpc":"2.0","result":null,"id":1}"#));
        assert!(is_void(r#"{"result":null,"error":null,"id":1}"#));
        for not in [r#"{"id":1}"#, r#"{"result":null,"error":["X"],"id":1}"#, r#"{"result":"","id":1}"#, "<html>", "[]"] {
            assert!(!is_void(not), "{not}");
        }
    }
}
