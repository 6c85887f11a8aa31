//! A small server that says what it is told to say, over plain HTTP or TLS: not a pool, just bytes on a wire.

#![allow(dead_code, reason = "each test uses a part of it")]

use futures::future::BoxFuture;
use poolwatch::xenapi::client::{Client, ClientOptions};
use poolwatch::xenapi::target::Target;
use poolwatch::xenapi::trust::{Fingerprint, Guard, Store};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    /// The method called, for JSON-RPC.
    pub fn method(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What to say.
pub enum Say {
    /// A JSON-RPC result.
    Result(serde_json::Value),
    /// These bytes, then close.
    Raw(Vec<u8>),
    /// A body without end.
    Endless,
    /// Nothing, for ever.
    Nothing,
    /// What this comes to.
    Later(BoxFuture<'static, Say>),
}

impl Say {
    /// An answer with status 200.
    pub fn body(kind: &str, extra: &str, body: &str) -> Self {
        let length = body.len();
        Self::Raw(
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{extra}\r\n{body}").into_bytes(),
        )
    }

    pub fn error(code: &str, params: &[&str]) -> Self {
        let error = serde_json::json!({"code": 1, "message": code, "data": params});
        Self::body("application/json", "", &serde_json::json!({"jsonrpc": "2.0", "error": error, "id": 1}).to_string())
    }
}

type Answer = dyn Fn(&Request) -> Say + Send + Sync;

/// Runs until it is dropped.
pub struct Fake {
    pub addr: SocketAddr,
    pub fingerprint: Option<Fingerprint>,
    pub requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// At an address of this machine (port 0: any), with a new certificate or in plain text.
    pub async fn start(at: &str, tls: bool, answer: impl Fn(&Request) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(at).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (acceptor, fingerprint) = if tls { acceptor() } else { (None, None) };
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer) as Arc<Answer>);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, log, answer) = (acceptor.clone(), log.clone(), answer.clone());
                open.spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(socket).await {
                                serve(stream, &log, &*answer).await;
                            }
                        }
                        None => serve(socket, &log, &*answer).await,
                    }
                });
            }
        });
        Self { addr, fingerprint, requests, task }
    }

    pub fn target(&self) -> Target {
        let scheme = if self.fingerprint.is_some() { "https" } else { "http" };
        Target::parse(&format!("{scheme}://{}", self.addr), false).expect("target")
    }

    pub fn count(&self) -> usize {
        self.requests.lock().expect("log").len()
    }
}

/// TLS 1.2 only, as xapi's front end speaks it; the certificate does not carry the address.
fn acceptor() -> (Option<tokio_rustls::TlsAcceptor>, Option<Fingerprint>) {
    let made = rcgen::generate_simple_self_signed(vec!["xcp1.invalid".to_owned()]).expect("certificate");
    let der = made.cert.der().clone();
    let fingerprint = Fingerprint::of(&der);
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("TLS 1.2")
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .expect("server");
    (Some(tokio_rustls::TlsAcceptor::from(Arc::new(config))), Some(fingerprint))
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, log: &Mutex<Vec<Request>>, answer: &Answer) {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = read_request(&mut stream, &mut buffer).await else { return };
        log.lock().expect("log").push(request.clone());
        let mut say = answer(&request);
        while let Say::Later(later) = say {
            say = later.await;
        }
        match say {
            Say::Later(_) => return,
            Say::Result(value) => {
                let body = serde_json::json!({"jsonrpc": "2.0", "result": value, "id": 1}).to_string();
                let Say::Raw(bytes) = Say::body("application/json", "", &body) else { return };
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Say::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Say::Endless => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"result\":\"").await;
                while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
                return;
            }
            Say::Nothing => {
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
                buffer.drain(..end + 4 + length);
                return Some(Request { head, body });
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A directory of its own for a certificate store.
pub fn temp_dir() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("poolwatch-wire-{}-{}", std::process::id(), fastrand::u64(..)));
    std::fs::create_dir_all(&dir).expect("temporary directory");
    dir
}

pub fn client_in(dir: &std::path::Path, port: u16, accept: &[Fingerprint], options: ClientOptions) -> Client {
    let store = Arc::new(Store::open(dir).expect("store"));
    let guard = Arc::new(Guard::new(store, port, accept.iter().copied()));
    Client::new(guard, options).expect("client")
}

pub fn client(port: u16) -> Client {
    client_in(&temp_dir(), port, &[], ClientOptions::default())
}
