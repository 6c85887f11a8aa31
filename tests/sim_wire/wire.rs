//! A client that sends exactly the bytes it is told to.

use poolwatch::sim::api::{Api, HostIx};
use poolwatch::sim::server::PoolHandle;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Wire(TcpStream);

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status line and headers.
    pub head: Vec<String>,
    pub body: String,
}

pub fn address<A: Api>(pool: &PoolHandle<A>, host: usize) -> SocketAddr {
    let served = pool.hosts().iter().find(|served| served.host == HostIx(host)).unwrap();
    assert_eq!(served.unreachable, None);
    served.url.split_once("://").unwrap().1.parse().unwrap()
}

impl Wire {
    pub async fn to<A: Api>(pool: &PoolHandle<A>, host: usize) -> Self {
        Self(TcpStream::connect(address(pool, host)).await.unwrap())
    }

    pub async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// One answer, by its content length.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head: Vec<String> = String::from_utf8(head).unwrap().trim_end().split("\r\n").map(str::to_owned).collect();
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await?;
        Ok(Answer { head, body: String::from_utf8(body).unwrap() })
    }

    /// Whether the server has ended the connection in order.
    pub async fn ended(&mut self) -> bool {
        self.0.read(&mut [0]).await.unwrap() == 0
    }

    pub async fn ask(&mut self, bytes: &str) -> Answer {
        self.send(bytes).await;
        self.answer().await.unwrap()
    }
}

/// A JSON-RPC request as bytes.
pub fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A JSON-RPC 2.0 call as bytes.
pub fn call(method: &str, params: &str) -> String {
    post("/jsonrpc", &format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#))
}

/// Logs in and returns the session.
pub async fn log_in(wire: &mut Wire) -> String {
    let answer = wire.ask(&call("session.login_with_password", r#"["root","poolwatch","1.0","test"]"#)).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    json["result"].as_str().unwrap().to_owned()
}
