//! What can go wrong on the wire, as types.
//!
//! Every message says what was being done to whom, what happened, and what to do now. No message holds a secret: session
//! references and passwords are cut out of what a pool says before it becomes an error.

use super::code::Code;
use super::explain::NameLookup;
use super::target::TargetError;
use super::trust::{Fingerprint, StoreError};
use crate::text;
use std::fmt;
use std::time::Duration;

/// An error that the pool itself returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The call that failed.
    pub method: String,
    /// The code.
    pub code: Code,
    /// Its parameters, as sent.
    pub params: Vec<String>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain(&()).fmt(f)
    }
}

impl std::error::Error for ApiError {}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Transport {
    /// Nothing listens there.
    #[error("connection refused: nothing listens there. The host may be starting, or the port is wrong")]
    Refused,
    /// The other side broke the connection.
    #[error("the connection was broken off. The toolstack may be restarting, or the host just went down")]
    Reset,
    /// The other side closed the connection before its answer was complete.
    #[error("the answer was cut off. The toolstack may be restarting, or the host just went down")]
    CutOff,
    /// No answer within the deadline.
    #[error("no answer within {} while {doing}. The host may be down, busy or cut off", text::duration(*after))]
    TimedOut {
        /// What was waited for, e.g. `connecting`.
        doing: &'static str,
        /// How long.
        after: Duration,
    },
    /// The name cannot be resolved.
    #[error("the name cannot be resolved. Check its spelling and this machine's DNS")]
    Dns,
    /// There is no way there.
    #[error("there is no route to it. Check the address and this machine's network")]
    Unreachable,
    /// The TLS handshake failed.
    #[error("no secure connection could be made ({0}). Is this the HTTPS port of a XenServer or XCP-ng host?")]
    Tls(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// Why a certificate was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// It is not the one that was seen before.
    #[error(
        "{to} shows another certificate than before. Expected SHA-256 {expected}, got {got}. If the certificate was renewed, \
         accept it with --accept-certificate {got}. If not, someone may be listening in: do not log in"
    )]
    Changed {
        /// `host:port`.
        to: String,
        /// The one that is trusted.
        expected: Fingerprint,
        /// The one that was shown.
        got: Fingerprint,
    },
}

/// What can go wrong on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The pool refused a call.
    #[error("{0}")]
    Api(ApiError),
    /// The log-in was refused for good.
    #[error("cannot log in to {to} as {user}: {error}")]
    Auth {
        /// `host:port`.
        to: String,
        /// The user's name.
        user: String,
        /// What the pool said.
        error: ApiError,
    },
    /// The connection failed.
    #[error("{to}: {kind}")]
    Transport {
        /// `host:port`.
        to: String,
        /// What happened.
        kind: Transport,
    },
    /// The certificate is not trusted.
    #[error("{0}")]
    Trust(TrustError),
    /// The certificate store cannot be used.
    #[error("{0}")]
    Store(StoreError),
    /// Something answers, but it is not the XenAPI.
    #[error("{to} answers, but not as a XenServer or XCP-ng host does: {what}. Check the address and the port")]
    NotXenApi {
        /// `host:port`.
        to: String,
        /// What it answered instead.
        what: String,
    },
    /// The host's HTTP server refused or failed.
    #[error("{to}: HTTP {status} to {what}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Http {
        /// `host:port`.
        to: String,
        /// The HTTP status.
        status: u16,
        /// What was asked, e.g. a method.
        what: String,
        /// What the page said, cleaned.
        said: String,
    },
    /// The answer has no end, or is absurdly big.
    #[error("{to}: the answer to {what} is longer than {}. It was dropped", text::bytes(*limit as u64))]
    TooLarge {
        /// `host:port`.
        to: String,
        /// What was asked.
        what: String,
        /// Bytes.
        limit: usize,
    },
    /// The answer cannot be read.
    #[error("{to}: the answer to {what} cannot be read: {why}")]
    Malformed {
        /// `host:port`.
        to: String,
        /// What was asked.
        what: String,
        /// What was wrong with it.
        why: String,
    },
    /// The address cannot be used.
    #[error("{0}")]
    Target(TargetError),
}

impl Error {
    /// The XenAPI error code, if there was one.
    pub const fn code(&self) -> Option<&Code> {
        match self {
            Self::Api(e) | Self::Auth { error: e, .. } => Some(&e.code),
            _ => None,
        }
    }

    /// In words, with names in place of references.
    pub fn explain(&self, names: &dyn NameLookup) -> String {
        match self {
            Self::Api(e) => e.explain(names).to_string(),
            other => other.to_string(),
        }
    }

    /// Whether the session is over, so that only a new log-in helps.
    pub fn is_session_over(&self) -> bool {
        matches!(self.code(), Some(Code::SessionInvalid | Code::HostIsSlave))
    }

    /// Whether the connection itself failed, as against an answer that we do not like.
    pub const fn is_transport(&self) -> bool {
        matches!(self, Self::Transport { .. })
    }

    /// Whether trying again without the operator makes no sense, whatever was the case before.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Trust(_) | Self::Store(_) | Self::Target(_))
    }

    /// Whether trying again makes no sense if there never was a pool at this address.
    pub const fn is_final_at_first(&self) -> bool {
        self.is_final() || matches!(self, Self::Auth { .. } | Self::NotXenApi { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_thing_and_say_what_to_do() {
        let to = "xcp1.lab:443".to_owned();
        let timed_out = Transport::TimedOut { doing: "connecting", after: Duration::from_secs(5) };
        let said = Error::Transport { to: to.clone(), kind: timed_out }.to_string();
        assert_eq!(said, "xcp1.lab:443: no answer within 5 s while connecting. The host may be down, busy or cut off");
        let (expected, got) = (Fingerprint::of(b"old"), Fingerprint::of(b"new"));
        let said = TrustError::Changed { to, expected, got }.to_string();
        assert!(said.contains(&expected.to_string()) && said.contains(&format!("--accept-certificate {got}")), "{said}");
    }

    #[test]
    fn what_ends_a_session_is_told_apart() {
        let api = |code: &str| Error::Api(ApiError { method: "m".to_owned(), code: code.into(), params: vec![] });
        assert!(api("SESSION_INVALID").is_session_over() && api("HOST_IS_SLAVE").is_session_over());
        assert!(!api("HOST_OFFLINE").is_session_over());
        assert!(!api("HOST_OFFLINE").is_final_at_first());
    }
}
