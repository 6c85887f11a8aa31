//! One connection to one host: bytes in, bytes out, for as long as the host's door stands open.
//!
//! While packets vanish nothing is read or written; what was underway goes on when they pass again. When the host
//! goes down the connection is reset, as a machine does that forgot it.

use super::http::{BadHead, HEAD_LIMIT, Request, Response};
use super::route::{self, Body};
use super::shared::{Gate, Shared};
use crate::sim::api::{Api, Door, HostIx};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// The first head must make progress this often … (source: xapi's `header_read_timeout_tcp`)
const HEAD_READ: Duration = Duration::from_secs(10);
/// … and be whole by then (source: xapi's `header_total_timeout_tcp`).
const HEAD_TOTAL: Duration = Duration::from_secs(60);
/// What a client sends while its call waits is kept up to this many bytes.
const READ_AHEAD: usize = 64 * 1024;
/// How long a client that is still sending may take to read why it was refused.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection until it ends or the host's door shuts.
pub async fn serve<A: Api>(
    shared: &Shared<A>,
    host: HostIx,
    mut tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    mut gate: watch::Receiver<Gate>,
) {
    let shut = gate.borrow_and_update().shut;
    let cut = {
        let mut talk = pin!(async {
            match tls {
                Some(tls) => match tls.accept(&mut tcp).await {
                    Ok(stream) => converse(shared, host, stream).await,
                    Err(error) => Err(error),
                },
                None => converse(shared, host, &mut tcp).await,
            }
        });
        loop {
            let now = *gate.borrow_and_update();
            if now.door == Door::Refused || now.shut != shut {
                break true;
            }
            tokio::select! {
                biased;
                changed = gate.changed() => if changed.is_err() { break true },
                ended = &mut talk, if now.door == Door::Open => {
                    if let Err(error) = ended {
                        tracing::debug!(host = host.0, %error, "a connection to the simulated pool ended");
                    }
                    break false;
                }
            }
        }
    };
    if cut {
        // Closing without lingering sends a reset. If it cannot be set the client sees an ordinary end.
        let _ = tcp.set_zero_linger();
    }
}

/// Requests and answers, one after the other.
async fn converse<A: Api, S: AsyncRead + AsyncWrite + Unpin>(shared: &Shared<A>, host: HostIx, mut stream: S) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(HEAD_LIMIT);
    let mut first = true;
    loop {
        let response = match read_head(&mut stream, &mut buffer, first).await? {
            Head::Whole(request) => match route::body_of(&request) {
                Body::Refused(response) => response,
                Body::None => respond(shared, host, &mut stream, &mut buffer, &request, &[]).await?,
                Body::Length(length) => {
                    let body = read_body(&mut stream, &mut buffer, length).await?;
                    respond(shared, host, &mut stream, &mut buffer, &request, &body).await?
                }
            },
            Head::Refused(response) => response,
            Head::Ended => return Ok(()),
        };
        first = false;
        let close = response.close;
        for piece in response.into_pieces() {
            stream.write_all(&piece).await?;
            stream.flush().await?;
        }
        if close {
            return hang_up(stream).await;
        }
    }
}

enum Head {
    Whole(Request),
    Refused(Response),
    Ended,
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>, first: bool) -> io::Result<Head> {
    let last = Instant::now() + HEAD_TOTAL;
    let mut searched = 0;
    loop {
        if let Some(end) = head_end(buffer, searched) {
            if end > HEAD_LIMIT {
                return Ok(Head::Refused(Response::head_too_large()));
            }
            let head: Vec<u8> = buffer.drain(..end).collect();
            return Ok(match Request::parse(&String::from_utf8_lossy(&head)) {
                Ok(request) => Head::Whole(request),
                Err(BadHead::Unparsable) => Head::Refused(Response::internal("1.1", "The HTTP headers could not be parsed.")),
                Err(BadHead::Length) => Head::Refused(Response::internal("1.1", "Failure(\"Int64.of_string\")")),
            });
        }
        if buffer.len() >= HEAD_LIMIT {
            return Ok(Head::Refused(Response::head_too_large()));
        }
        searched = buffer.len();
        let read = if first {
            match timeout_at(last.min(Instant::now() + HEAD_READ), stream.read_buf(buffer)).await {
                Ok(read) => read?,
                Err(_) => return Ok(Head::Refused(Response::timed_out())),
            }
        } else {
            stream.read_buf(buffer).await?
        };
        if read == 0 {
            return Ok(Head::Ended);
        }
    }
}

/// Where the head ends, its blank line included. `searched` bytes are known not to hold the end.
fn head_end(buffer: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(3);
    let tail = buffer.get(from..)?;
    tail.windows(4).position(|window| window == b"\r\n\r\n").map(|at| from + at + 4)
}

async fn read_body<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(buffer.drain(..length).collect())
}

/// The answer; an error if the client goes away before there is one, so that the world can forget the call.
async fn respond<A: Api, S: AsyncRead + Unpin>(
    shared: &Shared<A>,
    host: HostIx,
    stream: &mut S,
    buffer: &mut Vec<u8>,
    request: &Request,
    body: &[u8],
) -> io::Result<Response> {
    let mut answer = pin!(route::answer(shared, host, request, body));
    loop {
        tokio::select! {
            biased;
            response = &mut answer => return Ok(response),
            read = stream.read_buf(buffer), if buffer.len() < READ_AHEAD => if read? == 0 {
                return Err(io::ErrorKind::ConnectionAborted.into());
            },
        }
    }
}

/// Ends a connection in order. What the client is still sending is read and dropped: closing on unread
/// bytes would reset the connection before the client has read its answer.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    stream.shutdown().await?;
    let mut dropped = [0; 4096];
    let rest = async { while stream.read(&mut dropped).await.is_ok_and(|read| read > 0) {} };
    // A client that never stops sending is not waited for.
    let _ = timeout(LINGER, rest).await;
    Ok(())
}
