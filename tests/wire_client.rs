//! The client against servers that behave in every way they should not, over real sockets and real TLS.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails may panic")]

mod fake;

use fake::{Fake, Request, Say, client, client_in, temp_dir};
use poolwatch::xenapi::client::{Ask, ClientOptions};
use poolwatch::xenapi::error::{Transport, TrustError};
use poolwatch::xenapi::record::{Class, Ref};
use poolwatch::xenapi::session::{Certainty, Credentials, Session, Span};
use poolwatch::xenapi::{Client, Error, Target};
use serde_json::json;
use std::time::Duration;

const SESSION: &str = "OpaqueRef:5e55-0000";

fn root() -> Credentials {
    Credentials::new("root", "hunter2")
}

fn pool(request: &Request) -> Say {
    match request.method().as_str() {
        "session.login_with_password" => Say::Result(json!(SESSION)),
        "session.logout" => Say::Result(json!("")),
        "host.get_servertime" => Say::Result(json!("20261121T00:36:13Z")),
        "Cluster.get_record" => Say::Result(json!({"uuid": "u", "cluster_token": "very secret", "note": SESSION})),
        method => Say::error("MESSAGE_METHOD_UNKNOWN", &[method]),
    }
}

async fn login(client: &Client, target: &Target) -> Result<Session, Error> {
    Session::login(client, target, &root(), Certainty::FirstUse).await
}

#[tokio::test]
async fn a_session_over_tls_with_a_certificate_without_the_address() {
    let fake = Fake::start("127.0.0.1:0", true, pool).await;
    let dir = temp_dir();
    let client = client_in(&dir, fake.addr.port(), &[], ClientOptions::default());
    let session = login(&client, &fake.target()).await.expect("a session");
    let clock = session.servertime(&Ref::from("OpaqueRef:h"), Duration::from_secs(5)).await.expect("a clock");
    assert_eq!(clock.to_xapi(), "20261121T00:36:13Z");
    let raw = session.raw_record(Class::Cluster, &Ref::from("OpaqueRef:c")).await.expect("a record").to_string();
    assert!(!raw.contains("very secret") && !raw.contains(SESSION), "{raw}");
    session.logout().await;
    assert!(!format!("{session:?} {client:?}").contains(SESSION));

    // The certificate was written down, and shown.
    let pinned = client.guard().take_pinned();
    assert_eq!(pinned.len(), 1);
    assert_eq!(Some(pinned[0].fingerprint), fake.fingerprint);

    // Heads stay small, lengths are announced, and the session is named to the pool.
    let requests = fake.requests.lock().expect("log").clone();
    for request in &requests {
        assert!(request.head.len() < 1024, "{}", request.head.len());
        let head = request.head.to_ascii_lowercase();
        assert!(head.contains("content-length:") && head.contains("user-agent: poolwatch\r\n"), "{head}");
    }
    assert_eq!(requests[0].json()["params"][3], "poolwatch");
    assert_eq!(requests.last().expect("some").method(), "session.logout");
}

#[tokio::test]
async fn a_changed_certificate_is_refused_with_both_fingerprints_and_the_way_to_accept_it() {
    let dir = temp_dir();
    let first = Fake::start("127.0.0.1:0", true, pool).await;
    let at = first.addr;
    login(&client_in(&dir, at.port(), &[], ClientOptions::default()), &first.target()).await.expect("first use");
    let old = first.fingerprint.expect("TLS");
    drop(first);
    // The port is free once the old server's task has gone.
    let second = loop {
        match tokio::net::TcpListener::bind(at).await {
            Ok(free) => {
                drop(free);
                break Fake::start(&at.to_string(), true, pool).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let new = second.fingerprint.expect("TLS");
    let client = client_in(&dir, at.port(), &[], ClientOptions::default());
    let error = login(&client, &second.target()).await.expect_err("changed");
    assert_eq!(error, Error::Trust(TrustError::Changed { to: at.to_string(), expected: old, got: new }));
    let said = error.to_string();
    assert!(said.contains(&old.to_string()) && said.contains(&format!("--accept-certificate {new}")), "{said}");
    assert_eq!(second.count(), 0, "no password was sent");
    // Accepted once, it is the known one.
    login(&client_in(&dir, at.port(), &[new], ClientOptions::default()), &second.target()).await.expect("accepted");
    login(&client_in(&dir, at.port(), &[], ClientOptions::default()), &second.target()).await.expect("known now");
}

/// A member that sends on to the coordinator at the same port of another address, and says what certificate that has.
async fn member_and_coordinator(thumbprint: impl Fn(&Fake) -> String) -> (Fake, Fake) {
    // Both need the same port, as hosts of one pool have.
    loop {
        let coordinator = Fake::start("127.0.0.2:0", true, pool).await;
        let at = format!("127.0.0.1:{}", coordinator.addr.port());
        if tokio::net::TcpListener::bind(&at).await.is_err() {
            continue;
        }
        let header = format!("x-xenapi-response-host-certificate-thumbprint: {}\r\n", thumbprint(&coordinator));
        let member = Fake::start(&at, true, move |request| {
            assert!(request.head.to_ascii_lowercase().contains("x-xenapi-request-host-certificate-thumbprint: sha-256:master"));
            let body =
                json!({"jsonrpc": "2.0", "error": {"code": 1, "message": "HOST_IS_SLAVE", "data": ["127.0.0.2"]}, "id": 1});
            Say::body("application/json", &header, &body.to_string())
        })
        .await;
        return (member, coordinator);
    }
}

#[tokio::test]
async fn a_member_leads_to_its_coordinator_and_vouches_for_it() {
    let (member, coordinator) = member_and_coordinator(|c| c.fingerprint.expect("TLS").to_string()).await;
    let session = login(&client(member.addr.port()), &member.target()).await.expect("a session on the coordinator");
    assert_eq!(session.coordinator().to_string(), coordinator.addr.to_string());

    let (member, coordinator) = member_and_coordinator(|_| "AA:".repeat(31) + "AA").await;
    let error = login(&client(member.addr.port()), &member.target()).await.expect_err("somebody else");
    assert!(matches!(&error, Error::Trust(TrustError::Changed { to, .. }) if *to == coordinator.addr.to_string()), "{error}");
    assert_eq!(coordinator.count(), 0, "no password was sent");
}

#[tokio::test]
async fn an_address_that_nobody_named_gets_no_password_from_us_on_first_sight() {
    let fake = Fake::start("127.0.0.1:0", true, pool).await;
    let client = client(fake.addr.port());
    let error = Session::login(&client, &fake.target(), &root(), Certainty::Known).await.expect_err("unknown");
    assert!(error.to_string().contains("never seen"), "{error}");
    assert_eq!(fake.count(), 0);
    client.guard().vouch(&fake.target(), vec![fake.fingerprint.expect("TLS")]);
    Session::login(&client, &fake.target(), &root(), Certainty::Known).await.expect("vouched for");
}

#[tokio::test]
async fn a_circle_of_members_comes_to_an_end() {
    let fake = Fake::start("127.0.0.1:0", false, |_| Say::error("HOST_IS_SLAVE", &["127.0.0.1"])).await;
    let error = login(&client(fake.addr.port()), &fake.target()).await.expect_err("a circle");
    assert!(error.to_string().contains("HOST_IS_SLAVE"), "{error}");
    let fake = Fake::start("127.0.0.1:0", false, |_| Say::error("HOST_IS_SLAVE", &["10.0.0.1"])).await;
    let error = login(&client(fake.addr.port()), &fake.target()).await.expect_err("unencrypted to elsewhere");
    assert!(error.to_string().contains("unencrypted"), "{error}");
}

#[tokio::test]
async fn what_is_no_xenapi_is_named_as_such() {
    for (say, says) in [
        (Say::body("text/html", "", "<html><body>Welcome to nginx</body></html>").into_bytes(), "web page"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), "HTTP 404 Not Found"),
        (b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere/\r\ncontent-length: 0\r\n\r\n".to_vec(), "HTTP 302"),
        (Say::body("application/json", "", "{\"hello\":1}").into_bytes(), "not of the JSON-RPC kind"),
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "127.0.0.1"),
        (
            b"HTTP/1.1 500 Internal Error\r\ncontent-length: 44\r\n\r\n<html><h1>HTTP 500 internal error</h1></html>".to_vec(),
            "HTTP 500",
        ),
    ] {
        let fake = Fake::start("127.0.0.1:0", false, move |_| Say::Raw(say.clone())).await;
        let error = login(&client(fake.addr.port()), &fake.target()).await.expect_err("no pool").to_string();
        assert!(error.contains(says) && error.contains(&fake.addr.to_string()), "{error}");
    }
    // TLS to a port that does not speak it.
    let fake = Fake::start("127.0.0.1:0", false, |_| Say::Nothing).await;
    let target = Target { tls: true, ..fake.target() };
    let options = ClientOptions { connect: Duration::from_secs(2), ..ClientOptions::default() };
    let ask =
        Ask { method: "m", params: &[], deadline: Duration::from_millis(300), secrets: &[], thumbprint: false, waits: false };
    let error = client_in(&temp_dir(), fake.addr.port(), &[], options).call(&target, ask).await.expect_err("no TLS");
    assert!(error.is_transport(), "{error}");
}

trait Bytes {
    fn into_bytes(self) -> Vec<u8>;
}

impl Bytes for Say {
    fn into_bytes(self) -> Vec<u8> {
        let Say::Raw(bytes) = self else { panic!("not bytes") };
        bytes
    }
}

#[tokio::test]
async fn answers_without_end_without_beginning_and_cut_off() {
    let ask = |deadline| Ask { method: "m", params: &[], deadline, secrets: &[], thumbprint: false, waits: false };
    let long = Duration::from_secs(20);

    let fake = Fake::start("127.0.0.1:0", false, |_| Say::Endless).await;
    let small = ClientOptions { max_answer: 1 << 20, ..ClientOptions::default() };
    let error = client_in(&temp_dir(), fake.addr.port(), &[], small).call(&fake.target(), ask(long)).await.expect_err("endless");
    assert!(matches!(error, Error::TooLarge { limit, .. } if limit == 1 << 20), "{error}");

    let fake =
        Fake::start("127.0.0.1:0", false, |_| Say::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec())).await;
    let error = client(fake.addr.port()).call(&fake.target(), ask(long)).await.expect_err("absurd");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");

    let fake = Fake::start("127.0.0.1:0", false, |_| Say::Nothing).await;
    let error = client(fake.addr.port()).call(&fake.target(), ask(Duration::from_millis(100))).await.expect_err("silence");
    assert!(matches!(&error, Error::Transport { kind: Transport::TimedOut { .. }, .. }), "{error}");

    let fake =
        Fake::start("127.0.0.1:0", false, |_| Say::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"result\":".to_vec()))
            .await;
    let error = client(fake.addr.port()).call(&fake.target(), ask(long)).await.expect_err("cut off");
    assert!(matches!(&error, Error::Transport { kind: Transport::CutOff, .. }), "{error}");

    let target = fake.target();
    drop(fake);
    let error = loop {
        match client(target.port).call(&target, ask(long)).await {
            Err(Error::Transport { kind: Transport::Refused, to }) => break to,
            // The listener is about to go.
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(error, target.to_string());

    let nowhere = Target::parse("no-such-host.invalid", false).expect("target");
    let error = client(443).call(&nowhere, ask(long)).await.expect_err("no such name");
    assert!(matches!(&error, Error::Transport { kind: Transport::Dns | Transport::TimedOut { .. }, .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_said_without_the_password() {
    let fake = Fake::start("127.0.0.1:0", false, |request| {
        let password = request.json()["params"][1].as_str().unwrap_or_default().to_owned();
        Say::error("SESSION_AUTHENTICATION_FAILED", &["root", &format!("no: {password}")])
    })
    .await;
    let error = login(&client(fake.addr.port()), &fake.target()).await.expect_err("wrong");
    assert!(matches!(error, Error::Auth { .. }));
    assert!(error.to_string().contains("root") && !format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_ended_session_is_said_without_its_reference() {
    let fake = Fake::start("127.0.0.1:0", false, |request| match request.method().as_str() {
        "session.login_with_password" => Say::Result(json!(SESSION)),
        _ => Say::error("SESSION_INVALID", &[SESSION]),
    })
    .await;
    let session = login(&client(fake.addr.port()), &fake.target()).await.expect("a session");
    let error = session.servertime(&Ref::from("OpaqueRef:h"), Duration::from_secs(5)).await.expect_err("ended");
    assert!(error.is_session_over() && !format!("{error} {error:?}").contains(SESSION), "{error:?}");
}

#[tokio::test]
async fn records_of_the_wrong_type_and_very_long_names_do_no_harm() {
    let name = format!("\u{1b}[2J{}", "x".repeat(10_000));
    let fake = Fake::start("127.0.0.1:0", false, move |request| match request.method().as_str() {
        "session.login_with_password" => Say::Result(json!(SESSION)),
        _ => Say::Result(json!({"events": [
            {"id": "1", "class": "host", "operation": "add", "ref": "OpaqueRef:1", "snapshot": {"name_label": name, "enabled": true}},
            {"id": "2", "class": "host", "operation": "add", "ref": "OpaqueRef:2", "snapshot": {"enabled": name}},
            {"id": "3", "class": "vm", "operation": "add", "ref": "OpaqueRef:3", "snapshot": []},
            {"id": "4", "class": 5},
        ], "valid_ref_counts": {"host": 2}, "token": "4,0"})),
    })
    .await;
    let session = login(&client(fake.addr.port()), &fake.target()).await.expect("a session");
    let batch = session.event_from(&[Class::Host], "", Duration::ZERO).await.expect("a batch");
    assert_eq!((batch.changes.len(), batch.unreadable.len()), (1, 3));
    let seen = poolwatch::feed::decode::observations(&batch, poolwatch::time::Time::EPOCH);
    let words: Vec<String> = seen[1..].iter().map(|o| format!("{:?}", o.seen)).collect();
    assert!(words.iter().all(|w| w.len() < 1_500 && !w.contains('\u{1b}')), "{words:?}");
}

#[tokio::test]
async fn samples_are_fetched_with_the_session_in_a_cookie() {
    let fake = Fake::start("127.0.0.1:0", false, |request| {
        if request.head.starts_with("POST") {
            return Say::Result(json!(SESSION));
        }
        let body = r#"{"meta":{"legend":["AVERAGE:host:u:cpu0"]},"data":[{"t":"100","values":["0.25"]}]}"#;
        Say::body("application/json", "", body)
    })
    .await;
    let session = login(&client(fake.addr.port()), &fake.target()).await.expect("a session");
    let updates = session.rrd_updates(&fake.target(), Span::Newest, Duration::from_secs(5)).await.expect("rows");
    assert_eq!(updates.newest_of_host(Some("u")).expect("a row").1, [("cpu0".to_owned(), 0.25)]);
    let request = fake.requests.lock().expect("log").last().expect("some").clone();
    let line = request.head.lines().next().expect("a line").to_owned();
    assert!(line.contains("/rrd_updates?") && !line.contains(SESSION), "{line}");
    assert!(request.head.contains(&format!("session_id={SESSION}")));
}
