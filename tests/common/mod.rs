//! What the end-to-end tests share: the program under test, a simulated pool to point it at, a folder of its own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: each test file uses a part of it"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_poolwatch");

/// A folder that is the program's home, and goes away with the test.
pub struct Home(PathBuf);

impl Home {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("poolwatch-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The program, with this home, the simulated pool's password, and no terminal.
    pub fn poolwatch(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.0).env("POOLWATCH_PASSWORD", "poolwatch").env("LANG", "C.UTF-8").stdin(Stdio::null());
        for dir in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            command.env(dir, self.0.join(dir));
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.poolwatch(args).output().expect("the program starts")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a finished program printed, and its exit code.
pub fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A simulated pool in a process of its own.
pub struct Sim {
    process: Child,
    commands: ChildStdin,
    pub ready: serde_json::Value,
}

impl Sim {
    pub fn start(home: &Home, args: &[&str]) -> Self {
        let mut all = vec!["sim", "--json"];
        all.extend(args);
        let mut process = home
            .poolwatch(&all)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the simulated pool starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).expect("it says when it is ready");
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}"));
        let commands = process.stdin.take().unwrap();
        Self { process, commands, ready }
    }

    /// The URL of its first pool.
    pub fn url(&self) -> &str {
        self.ready["pools"][0]["url"].as_str().expect("a URL")
    }

    /// A call as another client would make it, over plain HTTP; returns the result, or panics with what came instead.
    pub fn call(&self, method: &str, params: &serde_json::Value) -> serde_json::Value {
        let body = serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).to_string();
        let mut stream = TcpStream::connect(self.url().trim_start_matches("http://")).expect("it listens");
        let head = format!("POST /jsonrpc HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut answer: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{method}: {e}: {answer}"));
        assert!(answer["result"] != serde_json::Value::Null || answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// A session of another client.
    pub fn login(&self) -> String {
        let id = self.call("session.login_with_password", &serde_json::json!(["root", "poolwatch", "1.0", "test"]));
        id.as_str().expect("a reference").to_owned()
    }

    /// A fault or another command, as typed.
    pub fn say(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("it listens");
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
