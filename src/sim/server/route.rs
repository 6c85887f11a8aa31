//! One request to one host: which answer it gets. Knows paths and protocols; the world knows the rest.

use super::http::{BODY_LIMIT, Request, Response};
use super::rrd::{self, Proof};
use super::shared::{Answer, Shared};
use super::{json, status, xml};
use crate::sim::api::{Api, Call, Failure, HostIx};
use crate::sim::value::Value;

/// Names the caller of sessions that are made for one request.
const ORIGINATOR: &str = "http";

/// What has to be read before a request can be answered.
pub enum Body {
    /// Nothing.
    None,
    /// So many bytes.
    Length(usize),
    /// It is refused without reading.
    Refused(Response),
}

/// How much of a body belongs to a request.
pub fn body_of(request: &Request) -> Body {
    if request.method != "POST" {
        return Body::None;
    }
    match request.content_length {
        None => Body::Refused(Response::internal(request.version, "Failure(\"We require a content-length: HTTP header\")")),
        Some(length) if length > BODY_LIMIT => {
            Body::Refused(Response::internal(request.version, "Http_svr.Client_requested_size_over_limit"))
        }
        Some(length) => Body::Length(length as usize),
    }
}

/// The answer to a request at `host`. Paths match by prefix, as xapi's do.
pub async fn answer<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request, body: &[u8]) -> Response {
    match request.method.as_str() {
        "POST" if request.path.starts_with("/jsonrpc") => json_call(shared, host, request, body).await,
        "POST" => xml_call(shared, host, request, body).await,
        "OPTIONS" => Response::options(request),
        "GET" if request.path.starts_with("/rrd_updates") => rrd_updates(shared, host, request).await,
        "GET" if request.path.starts_with("/system-status") => system_status(shared, host, request).await,
        "GET" if request.path.starts_with("/updates") => updates(shared, host, request).await,
        "GET" | "PUT" | "CONNECT" => Response::forbidden(),
        _ => Response::not_implemented(request),
    }
}

async fn json_call<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request, body: &[u8]) -> Response {
    let (style, call) = match json::read(body) {
        Ok(read) => read,
        Err(exception) => return Response::internal(request.version, &exception),
    };
    let answer = shared.call(host, call).await;
    let text = json::write(&style, &answer);
    finish(shared, request, &answer, Response::call(request, "application/json", dispatched(&answer), text))
}

async fn xml_call<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request, body: &[u8]) -> Response {
    let call = match xml::read(body) {
        Ok(call) => call,
        Err(exception) => return Response::internal(request.version, &exception),
    };
    let method = call.method.clone();
    let answer = shared.call(host, call).await;
    let text = xml::write(&method, &answer);
    finish(shared, request, &answer, Response::call(request, "text/xml", dispatched(&answer), text))
}

fn dispatched(answer: &Answer) -> bool {
    !answer.as_ref().is_err_and(|failure| failure.before_dispatch)
}

/// A client that is sent on to the coordinator may ask for the coordinator's certificate, to know it when it gets there.
fn finish<A: Api>(shared: &Shared<A>, request: &Request, answer: &Answer, response: Response) -> Response {
    let Some(wanted) = request.header("x-xenapi-request-host-certificate-thumbprint") else { return response };
    let Some(address) = coordinator(answer) else { return response };
    let Some(identity) = shared.identity_at(address) else { return response };
    let thumbprint = match wanted {
        "sha-256:master" => identity.sha256(),
        "sha-1:master" => identity.sha1(),
        _ => return response,
    };
    response.with("x-xenapi-response-host-certificate-thumbprint", thumbprint)
}

/// The coordinator's address, if that is what the answer says.
fn coordinator(answer: &Answer) -> Option<&str> {
    answer.as_ref().err().filter(|failure| failure.code == "HOST_IS_SLAVE")?.params.first().map(String::as_str)
}

/// What the pool's hosts lack, as `XenServer` says it.
async fn updates<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request) -> Response {
    let unauthorised = || Response::unauthorised(request, "updates");
    let Some((session, passing)) = proven(shared, host, request).await else { return unauthorised() };
    let response = match shared.with(|world| world.updates(host, &session)) {
        None => unauthorised(),
        Some(Ok(json)) => Response::rrd("application/json", json),
        Some(Err(failure)) => Response::internal(request.version, &failure.to_string()),
    };
    let_go(shared, session, passing).await;
    response
}

/// The bug report of a host, about itself.
async fn system_status<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request) -> Response {
    let unauthorised = || Response::unauthorised(request, "get_system_status");
    let Some((session, passing)) = proven(shared, host, request).await else { return unauthorised() };
    let wanted = status::read(request, session.clone());
    let response = match shared.with(|world| world.system_status(host, &wanted)) {
        None => unauthorised(),
        Some(Err(_)) => Response::forbidden(),
        Some(Ok(files)) => match status::Output::of(request) {
            Ok(output) => Response::status(output.content_type(), output.pieces(files)),
            Err(exception) => Response::internal(request.version, &exception),
        },
    };
    let_go(shared, session, passing).await;
    response
}

async fn rrd_updates<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request) -> Response {
    let unauthorised = || Response::unauthorised(request, "rrd_updates");
    let Some((session, passing)) = proven(shared, host, request).await else { return unauthorised() };
    let response = match rrd::read(request, session.clone()) {
        Ok(wanted) => match shared.rrd_updates(host, &wanted) {
            Some(updates) if rrd::wants_json(request) => Response::rrd("application/json", rrd::json(&updates)),
            Some(updates) => Response::rrd("text/xml", rrd::xml(&updates)),
            None => unauthorised(),
        },
        // Whether the session is good is looked at first.
        Err(exception) => match shared.call(host, get_uuid(&session)).await {
            Err(failure) if failure.code == "SESSION_INVALID" => unauthorised(),
            _ => Response::internal(request.version, &exception),
        },
    };
    let_go(shared, session, passing).await;
    response
}

/// The session that a request names, or one for the user that it names, and where that was made. `None`: it proves nothing.
async fn proven<A: Api>(shared: &Shared<A>, host: HostIx, request: &Request) -> Option<(String, Option<HostIx>)> {
    match rrd::proof(request) {
        Proof::Session(session) => Some((session, None)),
        Proof::Password(user, password) => {
            log_in(shared, host, &user, &password).await.ok().map(|(session, at)| (session, Some(at)))
        }
        Proof::None => None,
    }
}

/// Ends a session that was made for one request. One that was already gone is as good as one that is logged out.
async fn let_go<A: Api>(shared: &Shared<A>, session: String, passing: Option<HostIx>) {
    if let Some(at) = passing {
        let _ = shared.call(at, Call { method: "session.logout".to_owned(), params: vec![session.into()] }).await;
    }
}

/// A session with the pool, at whichever host is its coordinator.
async fn log_in<A: Api>(shared: &Shared<A>, host: HostIx, user: &str, password: &str) -> Result<(String, HostIx), Failure> {
    let params = [user, password, "1.0", ORIGINATOR].map(Value::from).to_vec();
    let call = Call { method: "session.login_with_password".to_owned(), params };
    let mut at = host;
    let mut answer = shared.call(at, call.clone()).await;
    if let Some(coordinator) = coordinator(&answer).and_then(|address| shared.host_at(address)) {
        at = coordinator;
        answer = shared.call(at, call).await;
    }
    match answer? {
        Value::Str(session) => Ok((session.to_string(), at)),
        Value::Ref(session) => Ok((session.to_string(), at)),
        other => Err(Failure::new("INTERNAL_ERROR", [format!("login answered {other:?}")])),
    }
}

fn get_uuid(session: &str) -> Call {
    Call { method: "session.get_uuid".to_owned(), params: vec![session.into(), session.into()] }
}
