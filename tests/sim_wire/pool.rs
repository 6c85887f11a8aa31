//! The server with a real simulated pool behind it: what only both together can show.

use super::wire::{Wire, address, call, log_in};
use poolwatch::sim::api::HostIx;
use poolwatch::sim::scenario::{self, Overrides};
use poolwatch::sim::server::{ServeOptions, SimHandle};
use poolwatch::sim::start::{StartOptions, start};
use poolwatch::sim::world::{Dialect, World};
use poolwatch::time::Time;
use serde_json::Value as Json;
use std::io::ErrorKind;
use tokio::net::TcpStream;

async fn calm(speed: f64) -> SimHandle<World> {
    let scenarios = scenario::load("calm", Overrides::default()).unwrap();
    let serve = ServeOptions { tls: false, speed, ..ServeOptions::default() };
    let options = StartOptions { serve, dialect: Dialect::Shipped, ..StartOptions::new(1, Time::from_secs(1_800_000_000)) };
    start(&scenarios, &options).await.unwrap()
}

/// A client with a session.
struct Client {
    wire: Wire,
    session: String,
}

impl Client {
    async fn new(sim: &SimHandle<World>) -> Self {
        let mut wire = Wire::to(sim.pool(), 0).await;
        let session = log_in(&mut wire).await;
        Self { wire, session }
    }

    async fn start(&mut self, method: &str, params: Json) {
        let mut all = vec![Json::from(self.session.clone())];
        all.extend(params.as_array().unwrap().iter().cloned());
        self.wire.send(&call(method, &Json::from(all).to_string())).await;
    }

    async fn end(&mut self) -> Json {
        let answer: Json = serde_json::from_str(&self.wire.answer().await.unwrap().body).unwrap();
        assert_eq!(answer.get("error"), None, "{answer}");
        answer["result"].clone()
    }

    async fn ask(&mut self, method: &str, params: Json) -> Json {
        self.start(method, params).await;
        self.end().await
    }
}

#[tokio::test]
async fn certificates_of_the_records_are_those_that_are_served() {
    let sim = calm(1.0).await;
    let mut client = Client::new(&sim).await;
    let hosts = client.ask("host.get_all_records", Json::from(Vec::<Json>::new())).await;
    let records = client.ask("Certificate.get_all_records", Json::from(Vec::<Json>::new())).await;
    for served in sim.pool().hosts() {
        let address = format!("127.0.0.{}", served.host.0 + 1);
        let (_, host) = hosts.as_object().unwrap().iter().find(|(_, host)| host["address"] == address.as_str()).unwrap();
        let certificates = host["certificates"].as_array().unwrap();
        assert_eq!(certificates.len(), 2);
        for certificate in certificates {
            let record = &records[certificate.as_str().unwrap()];
            assert_eq!(record["fingerprint_sha256"].as_str(), served.fingerprint.as_deref());
            assert_eq!(record["fingerprint_sha1"], sim.pool().identity(served.host).unwrap().sha1());
        }
    }
}

#[tokio::test]
async fn a_blocked_event_from_ends_with_a_change_and_with_a_logout() {
    let sim = calm(1.0).await;
    let (mut follower, mut other) = (Client::new(&sim).await, Client::new(&sim).await);
    let first = follower.ask("event.from", serde_json::json!([["host"], "", 0.0])).await;
    let host = first["events"][0]["ref"].clone();
    follower.start("event.from", serde_json::json!([["host"], first["token"], 3600.0])).await;
    other.ask("host.set_name_description", serde_json::json!([host, "changed"])).await;
    let change = follower.end().await;
    assert_eq!(change["events"][0]["snapshot"]["name_description"], "changed");
    follower.start("event.from", serde_json::json!([["host"], change["token"], 3600.0])).await;
    let session = follower.session.clone();
    other.wire.ask(&call("session.logout", &format!(r#"["{session}"]"#))).await;
    let answer = follower.wire.answer().await.unwrap();
    assert!(answer.body.contains(&format!(r#""message":"SESSION_INVALID","data":["{session}"]"#)), "{answer:?}");
}

#[tokio::test]
async fn a_wrong_password_takes_five_seconds_of_the_virtual_clock() {
    let sim = calm(1_000.0).await;
    let before = sim.pool().now();
    let mut wire = Wire::to(sim.pool(), 0).await;
    let answer = wire.ask(&call("session.login_with_password", r#"["root","wrong"]"#)).await;
    assert!(
        answer.body.contains(r#""message":"SESSION_AUTHENTICATION_FAILED","data":["root","Authentication failure"]"#),
        "{answer:?}"
    );
    assert!(sim.pool().now().since(before).as_secs() >= 5);
}

#[tokio::test]
async fn a_restart_of_the_toolstack_breaks_connections_and_sessions_and_then_answers_again() {
    let sim = calm(60.0).await;
    let mut client = Client::new(&sim).await;
    sim.pool().with(|world| world.fault("restart-toolstack".parse().unwrap())).unwrap();
    client.wire.send(&call("host.get_all", &format!(r#"["{}"]"#, client.session))).await;
    let kind = client.wire.answer().await.unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    while TcpStream::connect(address(sim.pool(), 0)).await.is_err() {
        tokio::task::yield_now().await;
    }
    let old = client.session.clone();
    let mut wire = Wire::to(sim.pool(), 0).await;
    let mut booting = 0;
    let answer = loop {
        let answer = wire.ask(&call("host.get_all", &format!(r#"["{old}"]"#))).await;
        if answer.body != r#"{"jsonrpc":"2.0","error":["HOST_STILL_BOOTING"],"id":0}"# {
            break answer;
        }
        booting += 1;
    };
    assert!(booting > 0, "it was there at once");
    assert!(answer.body.contains("SESSION_INVALID"), "{answer:?}");
}

#[tokio::test]
async fn a_crashed_host_answers_nothing_and_its_resources_are_gone_but_the_others_are_there() {
    let sim = calm(1.0).await;
    let session = Client::new(&sim).await.session;
    let get = format!("GET /rrd_updates?session_id={session}&start=-60&host=true&vm_uuid=none&json=true HTTP/1.1\r\n\r\n");
    sim.pool().with(|world| world.fault("crash host=xcp3".parse().unwrap())).unwrap();
    let mut crashed = Wire::to(sim.pool(), 2).await;
    crashed.send(&get).await;
    assert!(tokio::time::timeout(std::time::Duration::from_millis(30), crashed.answer()).await.is_err());
    for host in [0, 1, 3] {
        let served = sim.pool().hosts()[host].host;
        assert_eq!(served, HostIx(host));
        let answer = Wire::to(sim.pool(), host).await.ask(&get).await;
        let body: Json = serde_json::from_str(&answer.body).unwrap();
        let columns: usize = body["meta"]["columns"].as_str().unwrap().parse().unwrap();
        assert_eq!(columns, body["meta"]["legend"].as_array().unwrap().len());
        assert!(columns > 0 && body["meta"]["legend"][0].as_str().unwrap().starts_with("AVERAGE:host:"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_hosts_lack_is_told_to_whoever_has_a_session_or_a_password() {
    let scenarios = scenario::load("hotfix-xenserver", Overrides::default()).unwrap();
    let serve = ServeOptions { tls: false, speed: 1.0, ..ServeOptions::default() };
    let options = StartOptions { serve, dialect: Dialect::Shipped, ..StartOptions::new(1, Time::from_secs(1_800_000_000)) };
    let sim = start(&scenarios, &options).await.unwrap();
    let session = Client::new(&sim).await.session;
    let ask = async |host: usize, query: &str, header: &str| {
        Wire::to(sim.pool(), host).await.ask(&format!("GET /updates{query} HTTP/1.1\r\nHost: x\r\n{header}\r\n")).await
    };
    let with_session = ask(0, &format!("?session_id={session}"), "").await;
    let body: Json = serde_json::from_str(&with_session.body).unwrap();
    assert_eq!(body["hosts"].as_array().unwrap().len(), 3);
    assert_eq!((body["hash"].as_str().unwrap().len(), &body["hosts"][0]["guidance"]["mandatory"][0]), (64, &"RebootHost".into()));
    // root:poolwatch
    let with_password = ask(0, "", "Authorization: Basic cm9vdDpwb29sd2F0Y2g=\r\n").await;
    assert_eq!(with_password.body, with_session.body);
    assert!(ask(0, "?session_id=OpaqueRef:nobody", "").await.head[0].contains("401"));
    assert!(ask(0, "", "").await.head[0].contains("401"));
    assert!(ask(1, &format!("?session_id={session}"), "").await.head[0].contains("500"), "a member has no list");
}
