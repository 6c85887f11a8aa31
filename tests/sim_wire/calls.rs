//! Calls in every encoding, and calls that wait.

use super::fake::{START, served, until};
use super::wire::{Wire, call, log_in, post};
use poolwatch::sim::value::Value;

fn xml(method: &str, params: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>{method}</methodName>\n<params>\n{params}</params>\n</methodCall>\n"
    )
}

#[tokio::test]
async fn every_path_speaks_its_encoding() {
    let sim = served(1, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let one = wire.ask(&post("/jsonrpc", r#"{"method":"echo","params":["a",1.5],"id":"x"}"#)).await;
    assert_eq!(one.body, r#"{"result":["a",1.5],"error":null,"id":"x"}"#);
    for path in ["/", "/RPC2", "/xmlrpc"] {
        let answer = wire.ask(&post(path, &xml("echo", "<param>\n<value><int>7</int></value>\n</param>\n"))).await;
        assert_eq!(answer.head[4], "content-type: text/xml");
        assert_eq!(
            answer.body,
            "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>Status</name>\
             <value>Success</value></member><member><name>Value</name><value><array><data><value>7</value></data></array>\
             </value></member></struct></value></param></params></methodResponse>"
        );
    }
    let calls = sim.pool().with(|world| world.calls.clone());
    assert_eq!(calls[0].1.params, [Value::from("a"), Value::Float(1.5)]);
    assert_eq!(calls[1].1.params, [Value::Int(7)]);
}

#[tokio::test]
async fn errors_before_dispatch_are_bare_arrays_without_cross_origin_headers() {
    let sim = served(1, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let answer = wire.ask(&call("early", "[]")).await;
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","error":["HOST_STILL_BOOTING"],"id":0}"#);
    assert_eq!(answer.head.len(), 5, "{:?}", answer.head);
}

#[tokio::test]
async fn a_client_that_is_sent_on_may_learn_the_coordinators_certificate() {
    let sim = served(2, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 1).await;
    let login = call("session.login_with_password", r#"["root","poolwatch"]"#);
    let plain = wire.ask(&login).await;
    assert_eq!(plain.body, r#"{"jsonrpc":"2.0","error":{"code":1,"message":"HOST_IS_SLAVE","data":["127.0.0.1"]},"id":1}"#);
    assert_eq!(plain.head.len(), 7);
    let header = "x-xenapi-request-host-certificate-thumbprint: sha-256:master";
    let asked = wire.ask(&login.replace("Host: x", header)).await;
    let want = format!("x-xenapi-response-host-certificate-thumbprint: {}", sim.pool().fingerprint().unwrap());
    assert_eq!(asked.head.last(), Some(&want));
}

#[tokio::test]
async fn a_waiting_call_ends_with_the_virtual_clock() {
    let sim = served(1, false, 10_000.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let session = log_in(&mut wire).await;
    let answer = wire.ask(&call("wait", &format!(r#"["{session}",600.0]"#))).await;
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":"done","id":1}"#);
    assert!(sim.pool().now().since(START).as_secs() >= 600);
}

#[tokio::test]
async fn logging_out_wakes_a_waiting_call() {
    let sim = served(1, false, 1.0).await;
    let (mut waiter, mut other) = (Wire::to(sim.pool(), 0).await, Wire::to(sim.pool(), 0).await);
    let session = log_in(&mut other).await;
    waiter.send(&call("wait", &format!(r#"["{session}",86400.0]"#))).await;
    until(sim.pool(), |world| world.waiting() == 1).await;
    other.ask(&call("session.logout", &format!(r#"["{session}"]"#))).await;
    let answer = waiter.answer().await.unwrap();
    assert!(answer.body.contains("SESSION_INVALID"), "{answer:?}");
}

#[tokio::test]
async fn a_client_that_goes_away_is_forgotten() {
    let sim = served(1, false, 1.0).await;
    let (mut waiter, mut other) = (Wire::to(sim.pool(), 0).await, Wire::to(sim.pool(), 0).await);
    let session = log_in(&mut other).await;
    waiter.send(&call("wait", &format!(r#"["{session}",86400.0]"#))).await;
    until(sim.pool(), |world| world.waiting() == 1).await;
    drop(waiter);
    until(sim.pool(), |world| world.forgotten == 1 && world.waiting() == 0).await;
}

#[tokio::test]
async fn the_clock_stands_still_at_speed_0_and_a_change_takes_effect_at_once() {
    let sim = served(1, false, 0.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let session = log_in(&mut wire).await;
    assert_eq!(sim.pool().now(), START);
    wire.send(&call("wait", &format!(r#"["{session}",3600.0]"#))).await;
    until(sim.pool(), |world| world.waiting() == 1).await;
    assert_eq!((sim.pool().speed(), sim.pool().now()), (0.0, START));
    sim.pool().set_speed(100_000.0);
    assert!(wire.answer().await.unwrap().body.contains("done"));
}

#[tokio::test]
async fn whoever_moves_the_world_ahead_moves_the_clock() {
    use poolwatch::sim::api::Api;
    let sim = served(1, false, 0.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let session = log_in(&mut wire).await;
    wire.send(&call("wait", &format!(r#"["{session}",3600.0]"#))).await;
    until(sim.pool(), |world| world.waiting() == 1).await;
    let later = START + std::time::Duration::from_secs(7200);
    sim.pool().with(|world| world.advance(later));
    assert!(wire.answer().await.unwrap().body.contains("done"));
    assert_eq!(sim.pool().now(), later);
}
