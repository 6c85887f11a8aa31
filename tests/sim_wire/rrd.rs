//! `/rrd_updates` on the wire.

use super::fake::served;
use super::wire::{Wire, log_in};

#[tokio::test]
async fn columns_come_as_json_or_xml_with_the_daemons_headers() {
    let sim = served(2, false, 1.0).await;
    let session = log_in(&mut Wire::to(sim.pool(), 0).await).await;
    let get = |rest: &str| format!("GET /rrd_updates?session_id={session}&start=10&host=true{rest} HTTP/1.1\r\nHost: x\r\n");
    // A member answers for itself with the coordinator's session.
    let mut wire = Wire::to(sim.pool(), 1).await;
    let json = wire.ask(&(get("&json=true") + "\r\n")).await;
    let want = [
        "HTTP/1.1 200 OK",
        "Connection: keep-alive",
        "Content-Length: 140",
        "Cache-Control: no-cache, no-store",
        "content-type: application/json",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: X-Requested-With",
    ];
    assert_eq!(json.head, want);
    assert_eq!(
        json.body,
        "{\"meta\":{\"start\":\"10\",\"step\":\"5\",\"end\":\"15\",\"rows\":\"1\",\"columns\":\"1\",\
         \"legend\":[\"AVERAGE:host:1:cpu0\"]},\"data\":[{\"t\":\"15\",\"values\":[\"0.5\"]}]}"
    );
    assert!(wire.ended().await);
    let xml = Wire::to(sim.pool(), 1).await.ask(&(get("") + "\r\n")).await;
    assert!(xml.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xport><meta><start>10</start>"), "{}", xml.body);
    let any = Wire::to(sim.pool(), 1).await.ask(&(get("") + "Accept: */*\r\n\r\n")).await;
    assert_eq!(any.head[4], "content-type: application/json");
}

#[tokio::test]
async fn who_asks_is_looked_at_first() {
    let sim = served(2, false, 1.0).await;
    let ask = async |host: usize, request: &str| Wire::to(sim.pool(), host).await.ask(request).await;
    for query in ["?start=1", "?session_id=OpaqueRef:bad&start=1", "?session_id=OpaqueRef:bad"] {
        let refused = ask(0, &format!("GET /rrd_updates{query} HTTP/1.1\r\n\r\n")).await;
        assert_eq!(refused.head[0], "HTTP/1.1 401 Unauthorised", "{query}");
        assert_eq!(refused.head[5], "WWW-Authenticate: Basic realm=\"rrd_updates\"");
    }
    let session = log_in(&mut Wire::to(sim.pool(), 0).await).await;
    let no_start = ask(0, &format!("GET /rrd_updates HTTP/1.1\r\nCookie: session_id={session}\r\n\r\n")).await;
    assert!(no_start.head[0].starts_with("HTTP/1.1 500") && no_start.body.contains("Not_found"), "{no_start:?}");
    for host in [0, 1] {
        let basic = "GET /rrd_updates?start=1 HTTP/1.1\r\nAuthorization: Basic cm9vdDpwb29sd2F0Y2g=\r\n\r\n";
        assert_eq!(ask(host, basic).await.head[0], "HTTP/1.1 200 OK");
        let wrong = "GET /rrd_updates?start=1 HTTP/1.1\r\nAuthorization: Basic cm9vdDp3cm9uZw==\r\n\r\n";
        assert_eq!(ask(host, wrong).await.head[0], "HTTP/1.1 401 Unauthorised");
    }
}
