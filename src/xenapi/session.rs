//! A session on a pool's coordinator, and the read-only calls that the feed makes in it.
//!
//! Makes no call that changes the pool (that is [`super::writer`]), and never shows a session's reference: it is a key to the pool.

use super::client::download::{Bounds, Download};
use super::client::{Ask, Client};
use super::code::Code;
use super::error::{Error, Transport};
use super::events::EventBatch;
use super::record::{Class, REDACTED, Ref, is_secret_key};
use super::reply::{self, Records};
use super::rrd::Updates;
use super::target::Target;
use crate::time::Time;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Tells our sessions apart on the pool, and gives them their own quota there.
const ORIGINATOR: &str = "poolwatch";
/// For a log-out, which must not hold up anyone who leaves.
const LOGOUT: Duration = Duration::from_secs(2);
/// Bodies larger than this are read on a thread of their own. Bytes.
const BIG: usize = 256 << 10;

/// Who logs in.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    password: SecretString,
}

impl Credentials {
    /// A user and a password.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: SecretString::from(password.into()) }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A session. Cheap to clone; all clones are the same session. Not logged out when dropped: see [`Session::logout`].
#[derive(Clone)]
pub struct Session {
    client: Client,
    target: Arc<Target>,
    id: Arc<SecretString>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("coordinator", &self.target.to_string()).finish_non_exhaustive()
    }
}

/// Which certificates are enough for a password to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Any on first sight: the operator named this address.
    FirstUse,
    /// Only one that was seen or vouched for: we found this address ourselves.
    Known,
}

impl Session {
    /// Logs in at `target`, or on its pool's coordinator if it is a member. The coordinator's certificate is then checked
    /// against what the member, which is trusted, says it is.
    pub async fn login(client: &Client, target: &Target, credentials: &Credentials, certainty: Certainty) -> Result<Self, Error> {
        if certainty == Certainty::Known && target.tls && !client.guard().knows(target) {
            let why = "not asked, because its certificate was never seen and nobody named this address".to_owned();
            return Err(Error::Transport { to: target.to_string(), kind: Transport::Other(why) });
        }
        let mut here = target.clone();
        for hop in 0..3 {
            let password = credentials.password.expose_secret();
            let params = [json!(credentials.user), json!(password), json!("1.0"), json!(ORIGINATOR)];
            let ask = Ask {
                method: "session.login_with_password",
                params: &params,
                deadline: client.options().timeout,
                secrets: &[password],
                thumbprint: true,
                waits: false,
            };
            let answer = client.call(&here, ask).await?;
            let error = match reply::result::<String>(&answer.text, ask.method) {
                Ok(id) if id.starts_with("OpaqueRef:") => {
                    let id = Arc::new(SecretString::from(id));
                    return Ok(Self { client: client.clone(), target: Arc::new(here), id });
                }
                Ok(_) => {
                    let why = "it is no session reference".to_owned();
                    return Err(Error::Malformed { to: here.to_string(), what: ask.method.to_owned(), why });
                }
                Err(problem) => Client::problem(&here, ask.method, problem, ask.secrets),
            };
            match error {
                Error::Api(e) if e.code == Code::HostIsSlave && hop < 2 => {
                    let address = e.params.first().map_or("", String::as_str);
                    let next = here.sibling(address, client.options().allow_plain_http).map_err(Error::Target)?;
                    if next == here {
                        return Err(Error::Api(e));
                    }
                    if let Some(fingerprint) = answer.thumbprint.filter(|_| here.tls) {
                        client.guard().vouch(&next, vec![fingerprint]);
                    }
                    tracing::info!("{here} is a member; it says that the pool's coordinator is {next}");
                    here = next;
                }
                Error::Api(error)
                    if matches!(error.code, Code::SessionAuthenticationFailed | Code::SessionAuthorizationFailed) =>
                {
                    return Err(Error::Auth { to: here.to_string(), user: credentials.user.clone(), error });
                }
                other => return Err(other),
            }
        }
        Err(Error::Malformed {
            to: target.to_string(),
            what: "session.login_with_password".to_owned(),
            why: "its hosts send us round in a circle looking for the coordinator".to_owned(),
        })
    }

    /// Where the coordinator is.
    pub fn coordinator(&self) -> &Target {
        &self.target
    }

    /// The client it goes through.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether these are the same session.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.id, &other.id)
    }

    /// The session's reference, for calls that only this room makes.
    pub(super) fn key(&self) -> &str {
        self.id.expose_secret()
    }

    /// Makes a read-only call; `params` are those after the session. Returns the whole reply, not yet looked at.
    pub(super) async fn ask(&self, method: &str, params: Vec<Value>, deadline: Duration, waits: bool) -> Result<String, Error> {
        let id = self.id.expose_secret();
        let params: Vec<Value> = std::iter::once(json!(id)).chain(params).collect();
        let ask = Ask { method, params: &params, deadline, secrets: &[id], thumbprint: false, waits };
        Ok(self.client.call(&self.target, ask).await?.text)
    }

    pub(super) fn problem(&self, what: &str, problem: reply::Problem) -> Error {
        Client::problem(&self.target, what, problem, &[self.id.expose_secret()])
    }

    /// Reads something that may be big, off the threads that everyone shares if it is.
    pub(super) async fn parse<T: Send + 'static>(
        &self,
        what: &str,
        text: String,
        read: impl FnOnce(&str) -> Result<T, reply::Problem> + Send + 'static,
    ) -> Result<T, Error> {
        let result = if text.len() > BIG {
            let work = tokio::task::spawn_blocking(move || read(&text));
            work.await.unwrap_or_else(|_| Err(reply::Problem::Malformed("the reader broke down on it".to_owned())))
        } else {
            read(&text)
        };
        result.map_err(|problem| self.problem(what, problem))
    }

    /// `event.from`: everything there is with an empty token, else what changed since; waits up to `wait` for news.
    pub async fn event_from(&self, classes: &[Class], token: &str, wait: Duration) -> Result<EventBatch, Error> {
        let names: Vec<&str> = classes.iter().map(|c| c.event_name()).collect();
        let deadline = if token.is_empty() { self.client.reading() } else { wait + self.client.options().timeout / 2 };
        let text = self.ask("event.from", vec![json!(names), json!(token), json!(wait.as_secs_f64())], deadline, true).await?;
        self.parse("event.from", text, EventBatch::from_reply).await
    }

    /// Messages since a time by the pool's clock.
    pub async fn messages_since(&self, since: Time) -> Result<Records, Error> {
        const METHOD: &str = "message.get_since";
        let text = self.ask(METHOD, vec![json!(since.to_xapi())], self.client.reading(), false).await?;
        self.parse(METHOD, text, |text| reply::records(text, Class::Message, METHOD)).await
    }

    /// A host's clock, through the coordinator.
    pub async fn servertime(&self, host: &Ref, deadline: Duration) -> Result<Time, Error> {
        const METHOD: &str = "host.get_servertime";
        let text = self.ask(METHOD, vec![json!(host.as_str())], deadline, false).await?;
        let date = reply::result::<String>(&text, METHOD).map_err(|p| self.problem(METHOD, p))?;
        Time::parse_xapi(&date).ok_or_else(|| self.problem(METHOD, reply::Problem::Malformed("it is no date".to_owned())))
    }

    /// What a host's probe reports, as the plugin prints it. Changes nothing; xapi wants the role pool-admin for it, whatever a plugin does.
    pub async fn probe(&self, host: &Ref, deadline: Duration) -> Result<String, Error> {
        const METHOD: &str = "host.call_plugin";
        let args = vec![json!(host.as_str()), json!("poolwatch"), json!("probe"), json!({})];
        let text = self.ask(METHOD, args, deadline, false).await?;
        reply::result::<String>(&text, METHOD).map_err(|p| self.problem(METHOD, p))
    }

    /// Rows of a host's own sources, asked at that host.
    pub async fn rrd_updates(&self, host: &Target, span: Span, deadline: Duration) -> Result<Updates, Error> {
        let path = span.path();
        let answer = self.client.get(host, path, self.id.expose_secret(), deadline).await?;
        Updates::parse(&answer.text).map_err(|why| Error::Malformed {
            to: host.to_string(),
            what: "/rrd_updates".to_owned(),
            why,
        })
    }

    /// A host's bug report, as a tar that it makes while it sends. `entries`: what is wanted of it, as xen-bugtool calls it, with commas
    /// between. Asked at that host itself; xapi wants the role pool-operator or better.
    pub async fn system_status(&self, host: &Target, entries: &str, bounds: Bounds) -> Result<Download, Error> {
        let path = format!("/system-status?entries={entries}&output=tar");
        self.client.download(host, "/system-status", &path, self.id.expose_secret(), bounds).await
    }

    /// A record with every field that the pool has, for people to look at. Secrets in it are replaced.
    pub async fn raw_record(&self, class: Class, r#ref: &Ref) -> Result<Value, Error> {
        let method = format!("{}.get_record", class.call_name());
        let text = self.ask(&method, vec![json!(r#ref.as_str())], self.client.options().timeout, false).await?;
        let mut record = reply::result::<Value>(&text, &method).map_err(|p| self.problem(&method, p))?;
        redact(&mut record, self.id.expose_secret());
        Ok(record)
    }

    /// Ends the session on the pool. Failure does not matter: the pool ends it by itself in the end.
    pub async fn logout(&self) {
        if let Err(e) = self.ask("session.logout", Vec::new(), LOGOUT, false).await {
            tracing::debug!("log-out: {e}");
        }
    }
}

/// Which rows of a host's statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last seconds, one row every 5 s.
    Newest,
    /// The last week, one row an hour: an archive of 168 of them.
    Week,
}

impl Span {
    /// What is asked for. A negative start counts back from the host's own clock, so that a clock that is off does not matter; a bit less
    /// than the whole archive, as the next coarser one is taken for what it does not reach. `vm_uuid=none` leaves out the VMs.
    const fn path(self) -> &'static str {
        match self {
            Self::Newest => "/rrd_updates?start=-15&cf=AVERAGE&interval=5&host=true&vm_uuid=none&json=true",
            Self::Week => "/rrd_updates?start=-601200&cf=AVERAGE&interval=3600&host=true&vm_uuid=none&json=true",
        }
    }
}

/// Replaces what must not be shown, however deep it is.
fn redact(value: &mut Value, session: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if !text.is_empty() && is_secret_key(key) => REDACTED.clone_into(text),
                    other => redact(other, session),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| redact(value, session)),
        Value::String(text) if !session.is_empty() && text.contains(session) => REDACTED.clone_into(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_records_lose_their_secrets() {
        let mut record = json!({
            "cluster_token": "abc", "name_label": "x", "device_config": {"chappassword": "hunter2", "target": "10.0.0.1"},
            "list": [{"secret": "s"}, "in OpaqueRef:s"], "password": ""
        });
        redact(&mut record, "OpaqueRef:s");
        let text = record.to_string();
        assert!(!text.contains("abc") && !text.contains("hunter2") && !text.contains("OpaqueRef:s"), "{text}");
        assert_eq!(record["device_config"]["target"], "10.0.0.1");
        assert_eq!(record["password"], "");
    }

    #[test]
    fn credentials_do_not_show_their_password() {
        assert!(!format!("{:?}", Credentials::new("root", "hunter2")).contains("hunter2"));
    }
}
