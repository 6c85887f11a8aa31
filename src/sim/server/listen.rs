//! The hosts' listening sockets: bound while a host's door is not refused, gone while it is.

use super::connection;
use super::shared::Shared;
use crate::sim::api::{Api, Door, HostIx};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Connections that one host's xapi has open at once; more wait to be accepted (source: xapi's `conn_limit_tcp`).
const CONNECTIONS: usize = 800;
/// How long to wait before trying again to bind or to accept.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves one host for ever. `bound` is its socket at the start.
pub async fn serve<A: Api + 'static>(
    shared: Arc<Shared<A>>,
    host: HostIx,
    address: SocketAddr,
    bound: TcpListener,
    tls: Option<TlsAcceptor>,
) {
    let Some(mut gate) = shared.gate(host) else { return };
    let mut bound = Some(bound);
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        if gate.borrow_and_update().door == Door::Refused {
            // Connections that are open see the door too, and reset themselves.
            bound = None;
            if gate.changed().await.is_err() {
                return;
            }
            continue;
        }
        let listener = match bound.take() {
            Some(listener) => bound.insert(listener),
            None => match TcpListener::bind(address).await {
                Ok(listener) => bound.insert(listener),
                Err(error) => {
                    tracing::warn!(%address, %error, "a simulated host is up again but its address cannot be bound; trying again");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            },
        };
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            let (stream, _) = listener.accept().await?;
            Ok::<_, io::Error>((stream, permit))
        };
        tokio::select! {
            biased;
            changed = gate.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accepted => match accepted {
                Ok((stream, permit)) => {
                    // Answers are small and whole: nothing is gained by waiting to fill a packet.
                    let _ = stream.set_nodelay(true);
                    let (shared, tls, gate) = (Arc::clone(&shared), tls.clone(), gate.clone());
                    connections.spawn(async move {
                        connection::serve(&shared, host, stream, tls, gate).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%address, %error, "cannot accept a connection; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            },
        }
    }
}

/// Raises the soft limit of open files to the hard one: many hosts and clients need many sockets. Best effort.
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
