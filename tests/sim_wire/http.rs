//! Odd requests and the exact bytes they get.

use super::fake::served;
use super::wire::{Answer, Wire, call, post};

const INTERNAL: &str = "<html><body><h1>HTTP 500 internal server error</h1>An unexpected error occurred; please wait a while and \
                        try again. If the problem persists, please contact your support representative.<h1> Additional \
                        information </h1>";

const ECHO: &str = r#"{"jsonrpc":"2.0","method":"echo","id":1}"#;

fn html(status: &str, body: &str) -> Answer {
    let length = format!("content-length: {}", body.len());
    let head = [status, &length, "content-type: text/html", "connection: close", "cache-control: no-cache, no-store"];
    Answer { head: head.map(str::to_owned).to_vec(), body: body.to_owned() }
}

/// What a request gets on a connection of its own, and that the connection then ends as it says.
async fn asked(request: &str) -> Answer {
    let sim = served(1, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let answer = wire.ask(request).await;
    if answer.head.contains(&"connection: close".to_owned()) {
        assert!(wire.ended().await);
    }
    answer
}

#[tokio::test]
async fn calls_have_xapis_headers_in_its_order_and_spelling() {
    let answer = asked(&call("echo", "[]")).await;
    let want = [
        "HTTP/1.1 200 OK",
        "content-length: 36",
        "connection: keep-alive",
        "cache-control: no-cache, no-store",
        "content-type: application/json",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: X-Requested-With",
    ];
    assert_eq!(answer.head, want);
    assert_eq!(answer.body, r#"{"jsonrpc":"2.0","result":[],"id":1}"#);
}

#[tokio::test]
async fn malformed_requests_get_500_with_the_exception() {
    let cases = [
        ("{\"jsonrpc\":\"2.0\",", "Yojson__Common.Json_error(&quot;Line 1, bytes 16-17:\\nUnexpected end of input&quot;)"),
        ("[{}]", "Jsonrpc.Malformed_method_request(&quot;Invalid request body&quot;)"),
        (
            r#"{"jsonrpc":"2.0","method":"echo","params":[],"id":null}"#,
            "Jsonrpc.Malformed_method_request(&quot;Invalid field &apos;id&apos; in request body&quot;)",
        ),
    ];
    for (body, exception) in cases {
        let want = html("HTTP/1.1 500 Internal Error", &format!("{INTERNAL}{exception}</body></html>"));
        assert_eq!(asked(&post("/jsonrpc", body)).await, want);
    }
    let want = html(
        "HTTP/1.1 500 Internal Error",
        &format!("{INTERNAL}Xmlm.Error(1:1, &quot;expected root element&quot;)</body></html>"),
    );
    assert_eq!(asked(&post("/nothing", "x")).await, want);
}

#[tokio::test]
async fn a_body_needs_a_length() {
    let want = html(
        "HTTP/1.1 500 Internal Error",
        &format!("{INTERNAL}Failure(&quot;We require a content-length: HTTP header&quot;)</body></html>"),
    );
    assert_eq!(asked("POST /jsonrpc HTTP/1.1\r\nHost: x\r\n\r\n{}").await, want);
    assert_eq!(asked("POST /jsonrpc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n").await, want);
}

#[tokio::test]
async fn heads_over_1024_bytes_and_bodies_over_300_kib_are_refused() {
    let padded = |length: usize| {
        let rest = "POST /jsonrpc HTTP/1.1\r\nContent-Length: 48\r\nX-Pad: \r\n\r\n".len();
        let pad = "a".repeat(length - rest);
        format!(
            "POST /jsonrpc HTTP/1.1\r\nContent-Length: 48\r\nX-Pad: {pad}\r\n\r\n{}",
            r#"{"jsonrpc":"2.0","method":"echo","params":[],"id":1}"#
        )
    };
    let body = "<html><body><h1>HTTP 431 request header fields too large</h1>Exceeded the maximum header size.</body></html>";
    assert_eq!(asked(&padded(1025)).await, html("HTTP/1.1 431 Request Header Fields Too Large", body));
    // The length is wrong on purpose: the parser sees the head, then a body that ends too early.
    assert_eq!(asked(&padded(1024)).await.head[0], "HTTP/1.1 500 Internal Error");
    let large = |length: usize| post("/jsonrpc", &(ECHO.to_owned() + &" ".repeat(length - ECHO.len())));
    assert_eq!(asked(&large(300 * 1024)).await.head[0], "HTTP/1.1 200 OK");
    let want = html("HTTP/1.1 500 Internal Error", &format!("{INTERNAL}Http_svr.Client_requested_size_over_limit</body></html>"));
    assert_eq!(asked(&large(300 * 1024 + 1)).await, want);
}

#[tokio::test]
async fn other_paths_and_methods() {
    let forbidden = "<html><body><h1>HTTP 403 forbidden</h1>Access to the requested resource is forbidden.</body></html>";
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET /export HTTP/1.1\r\n\r\n", "PUT /import HTTP/1.1\r\n\r\n"] {
        assert_eq!(asked(request).await, html("HTTP/1.1 403 Forbidden", forbidden));
    }
    let unknown = asked("BREW / HTTP/1.1\r\n\r\n").await;
    assert_eq!(unknown.head[0], "HTTP/1.1 501 Method not implemented");
    let unparsable = asked("hello\r\n\r\n").await;
    assert!(unparsable.body.contains("The HTTP headers could not be parsed."), "{unparsable:?}");
    let options = asked("OPTIONS /jsonrpc HTTP/1.1\r\nAccess-Control-Request-Headers: X-A\r\n\r\n").await;
    let want = [
        "HTTP/1.1 200 OK",
        "content-length: 0",
        "connection: keep-alive",
        "cache-control: no-cache, no-store",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: X-A, X-Requested-With",
        "Access-Control-Allow-Methods: PUT",
    ];
    assert_eq!(options.head, want);
}

#[tokio::test]
async fn connections_are_kept_as_version_and_header_ask_and_pipelined_requests_wait_their_turn() {
    let sim = served(1, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    wire.send(&(call("echo", "[1]") + &call("echo", "[2]"))).await;
    assert!(wire.answer().await.unwrap().body.contains("[1]"));
    assert!(wire.answer().await.unwrap().body.contains("[2]"));
    let old = call("echo", "[3]").replace("HTTP/1.1", "HTTP/1.0");
    let kept = wire.ask(&old.replace("Host: x", "Connection: keep-alive")).await;
    assert_eq!((kept.head[0].as_str(), kept.head[2].as_str()), ("HTTP/1.0 200 OK", "connection: keep-alive"));
    let closed = wire.ask(&old).await;
    assert_eq!((closed.head[0].as_str(), closed.head[2].as_str()), ("HTTP/1.0 200 OK", "connection: close"));
    assert!(wire.ended().await);
    let mut wire = Wire::to(sim.pool(), 0).await;
    let closed = wire.ask(&call("echo", "[4]").replace("Host: x", "Connection: close")).await;
    assert_eq!(closed.head[2], "connection: close");
    assert!(wire.ended().await);
}

#[tokio::test]
async fn a_body_may_come_in_pieces_and_nothing_is_said_in_between() {
    let sim = served(1, false, 1.0).await;
    let mut wire = Wire::to(sim.pool(), 0).await;
    let request = call("echo", "[1]").replace("Host: x", "Expect: 100-continue");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    wire.send(head).await;
    wire.send("\r\n\r\n").await;
    for byte in body.chars() {
        wire.send(&byte.to_string()).await;
    }
    // xapi never sends `100 Continue`.
    assert_eq!(wire.answer().await.unwrap().head[0], "HTTP/1.1 200 OK");
}
