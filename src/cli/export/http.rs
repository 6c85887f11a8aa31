//! The little of HTTP that a scraper needs: one request a connection, one answer, and bounds on all of it.
//!
//! Knows nothing of pools: what to answer is somebody else's (`Answer`). No TLS and no passwords: what wants those puts a proxy before it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A request's head at most, in bytes.
const HEAD: usize = 16 * 1024;
/// Connections that are served at a time; more wait in the system's queue.
const AT_ONCE: usize = 32;
/// How long a request may take to come, and its answer to go.
const PATIENCE: Duration = Duration::from_secs(10);
/// After an error of the system's (no more files, for example), until the next try to take a connection.
const BREATH: Duration = Duration::from_millis(100);

/// A request, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// As sent: `GET`.
    pub method: String,
    /// Without its query: `/metrics`.
    pub path: String,
    /// All its `Accept` headers, joined.
    pub accept: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `200 OK`.
    pub status: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A word on what is wrong.
    pub fn error(status: &'static str, text: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{text}\n") }
    }

    fn into_bytes(self, head_only: bool) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {}\r\n", self.status);
        let _ = write!(out, "Content-Type: {}\r\nContent-Length: {}\r\n", self.content_type, self.body.len());
        if self.status.starts_with("405") {
            out.push_str("Allow: GET, HEAD\r\n");
        }
        // Names of hosts are nobody's business who merely shows a page of theirs in the operator's browser.
        out.push_str(
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'\r\n",
        );
        out.push_str("Vary: Accept\r\nConnection: close\r\n\r\n");
        if !head_only {
            out.push_str(&self.body);
        }
        out.into_bytes()
    }
}

impl Request {
    /// Reads a head. `Err` is the answer to what is none.
    fn parse(head: &[u8]) -> Result<Self, Answer> {
        let bad = || Answer::error("400 Bad Request", "This is no HTTP request.");
        let head = std::str::from_utf8(head).map_err(|_| bad())?;
        let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(bad());
        };
        if !version.starts_with("HTTP/1.") || method.is_empty() {
            return Err(bad());
        }
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut request = Self { method: method.to_owned(), path: path.to_owned(), accept: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("accept") {
                let all = request.accept.get_or_insert_default();
                if !all.is_empty() {
                    all.push(',');
                }
                all.push_str(value.trim());
            }
        }
        Ok(request)
    }
}

/// Serves until it is dropped.
pub async fn serve<F, W>(listener: TcpListener, answer: F)
where
    F: Fn(Request) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Answer> + Send,
{
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = answer.clone();
                tasks.spawn(async move {
                    attend(stream, answer).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

/// One connection.
async fn attend<F, W>(mut stream: TcpStream, answer: F)
where
    F: Fn(Request) -> W,
    W: Future<Output = Answer>,
{
    let (answer, head_only) = match timeout(PATIENCE, head(&mut stream)).await {
        Err(_) => (Answer::error("408 Request Timeout", "The request did not come in time."), false),
        Ok(None) => return,
        Ok(Some(Err(error))) => (error, false),
        Ok(Some(Ok(request))) => {
            let head_only = request.method == "HEAD";
            (answer(request).await, head_only)
        }
    };
    let send = async {
        stream.write_all(&answer.into_bytes(head_only)).await?;
        stream.shutdown().await?;
        // What was sent beyond the head is taken in, a little of it: else the system would throw our answer away with it.
        let mut rest = [0; 4096];
        for _ in 0..16 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    let _ = timeout(PATIENCE, send).await;
}

/// Reads to the end of a head; `None` if nobody asks anything.
async fn head(stream: &mut TcpStream) -> Option<Result<Request, Answer>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut chunk = [0; 2048];
    loop {
        let n = stream.read(&mut chunk).await.ok()?;
        bytes.extend_from_slice(chunk.get(..n)?);
        let end = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark);
        if let Some(end) = end(b"\r\n\r\n").or_else(|| end(b"\n\n")) {
            return Some(Request::parse(bytes.get(..end)?));
        }
        if n == 0 {
            return (!bytes.is_empty()).then(|| Err(Answer::error("400 Bad Request", "The request was cut off.")));
        }
        if bytes.len() > HEAD {
            return Some(Err(Answer::error("431 Request Header Fields Too Large", "The request's head is longer than 16 KiB.")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(request: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, |request: Request| async move {
            Answer { status: "200 OK", content_type: "text/plain", body: format!("{} {:?}", request.path, request.accept) }
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut told = String::new();
        let _ = stream.read_to_string(&mut told).await;
        server.abort();
        told
    }

    #[tokio::test]
    async fn requests_of_every_kind_are_answered() {
        let told = ask(b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nACCEPT: a\r\nAccept: b;q=1\r\n\r\n").await;
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n") && told.ends_with("\r\n\r\n/metrics Some(\"a,b;q=1\")"), "{told}");
        assert!(ask(b"GET / HTTP/1.0\n\n").await.ends_with("/ None"));
        let head = ask(b"HEAD / HTTP/1.1\r\n\r\n").await;
        assert!(head.contains("Content-Length: 6\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[tokio::test]
    async fn what_is_no_request_is_told_so() {
        for bad in [
            &b"hello\r\n\r\n"[..],
            b"GET /\r\n\r\n",
            b"GET / FTP/1.1\r\n\r\n",
            b"\xff\xfe / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHo",
        ] {
            assert!(ask(bad).await.starts_with("HTTP/1.1 400 "), "{bad:?}");
        }
        assert_eq!(ask(b"").await, "");
        let long = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'a'; HEAD + 10]].concat();
        assert!(ask(&long).await.starts_with("HTTP/1.1 431 "));
    }
}
