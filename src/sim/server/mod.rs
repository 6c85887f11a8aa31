//! The thin server of the simulated pool: HTTP, TLS, JSON-RPC, XML-RPC and `/rrd_updates` on any [`Api`].
//!
//! Nothing about pools is decided here. It speaks as xapi's own server speaks, byte for byte where clients look (headers, reason
//! phrases, error pages, limits), one listener for each host, on that host's address. What it does differently, and why, is
//! listed in `docs/sim.md`.
//!
//! ```text
//! listen ── connection ── http, route ── json | xml | rrd ── shared ── Api
//!                                                              └ clock
//! ```

mod clock;
mod connection;
mod http;
mod json;
mod listen;
mod number;
mod route;
mod rrd;
mod shared;
mod status;
mod tls;
mod xml;

pub use clock::MAX_SPEED;
pub use http::{BODY_LIMIT, HEAD_LIMIT};
#[cfg(test)]
pub(in crate::sim) use json::text_of;
pub use listen::raise_file_limit;
pub use tls::{Identity, TlsError, VALID_YEARS};

use super::api::{Api, HostIx};
use crate::time::Time;
use shared::Shared;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Tries to find one ephemeral port that is free on every address.
const PORT_TRIES: usize = 20;

/// A pool to be served.
#[derive(Debug)]
pub struct Site<A> {
    /// Its core.
    pub world: A,
    /// Its hosts' certificates, in the hosts' order; made beforehand so that the world can have their fingerprints.
    pub identities: Vec<Identity>,
}

/// How to serve.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// The port: the same one on every host's own address, for further pools the following ones; 0: any that is free on
    /// all of them. And where the first pool's first host listens, if that is not `127.0.0.1`, which stands for its own address.
    pub listen: SocketAddr,
    /// HTTPS; HTTP otherwise.
    pub tls: bool,
    /// Virtual seconds a second, 0 to [`MAX_SPEED`].
    pub speed: f64,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), tls: true, speed: 1.0 }
    }
}

/// Why a simulated pool cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is nothing to serve.
    #[error("there is no simulated host to serve: the world has no hosts")]
    NoHosts,
    /// A world's address is none.
    #[error("simulated host {host} has the address {address:?}, which is not an IP address")]
    Address {
        /// The host's position.
        host: usize,
        /// What the world says.
        address: String,
    },
    /// The first host's address cannot be listened on.
    #[error("cannot listen on {address}: {source}. {}; choose another one with --listen", why_not(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The port number ran out of its range.
    #[error("there are not enough ports after {port} for {pools} pools; choose a lower one with --listen")]
    Ports {
        /// The first.
        port: u16,
        /// So many are wanted.
        pools: usize,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What the system's answer to a wish to listen means.
pub fn why_not(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "Another program uses it",
        io::ErrorKind::AddrNotAvailable => "This machine does not have that address",
        io::ErrorKind::PermissionDenied => "Ports below 1024 need more rights",
        _ => "It cannot be used",
    }
}

/// A host that is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// Which one.
    pub host: HostIx,
    /// Where clients connect, e.g. `https://127.0.0.2:8443`.
    pub url: String,
    /// The SHA-256 of its certificate, `4D:20:…`, where it has one.
    pub fingerprint: Option<String>,
    /// Why it cannot be connected to, if so: the system would not let us listen on its address.
    pub unreachable: Option<String>,
}

/// A served pool. Cheap to clone; outlives the server without harm.
pub struct PoolHandle<A> {
    shared: Arc<Shared<A>>,
    hosts: Arc<[Served]>,
}

impl<A> Clone for PoolHandle<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), hosts: Arc::clone(&self.hosts) }
    }
}

impl<A: Api> PoolHandle<A> {
    /// Its hosts, in the world's order. The first is the coordinator's at the start.
    pub fn hosts(&self) -> &[Served] {
        &self.hosts
    }

    /// The first host's URL, to connect to at the start.
    pub fn url(&self) -> &str {
        self.hosts.first().map_or("", |host| &host.url)
    }

    /// The first host's certificate's SHA-256.
    pub fn fingerprint(&self) -> Option<&str> {
        self.hosts.first()?.fingerprint.as_deref()
    }

    /// A host's certificate, where it has one.
    pub fn identity(&self, host: HostIx) -> Option<&Identity> {
        self.shared.identities().get(host.0)
    }

    /// Does something with the world as it is at this moment: injects a fault, reads its state. Whatever that changes takes
    /// effect at once. Must be quick: nobody else gets at the world meanwhile.
    pub fn with<R>(&self, act: impl FnOnce(&mut A) -> R) -> R {
        self.shared.with(act)
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.shared.now()
    }

    /// Virtual seconds a second.
    pub fn speed(&self) -> f64 {
        self.shared.speed()
    }

    /// Changes the speed from now on: 0 stands still, [`MAX_SPEED`] is the most.
    pub fn set_speed(&self, speed: f64) {
        self.shared.set_speed(speed);
    }
}

/// A running server. Dropping it stops it: listeners close, connections end.
pub struct SimHandle<A> {
    pools: Vec<PoolHandle<A>>,
    _tasks: JoinSet<()>,
}

impl<A: Api> SimHandle<A> {
    /// The pools, as they were given.
    pub fn pools(&self) -> &[PoolHandle<A>] {
        &self.pools
    }

    /// The first pool; there always is one.
    #[allow(clippy::missing_panics_doc, reason = "serve refuses to start without a pool")]
    #[allow(clippy::indexing_slicing, reason = "serve refuses to start without a pool")]
    pub fn pool(&self) -> &PoolHandle<A> {
        &self.pools[0]
    }
}

/// Starts to serve. When it returns, clients can connect.
pub async fn serve<A: Api + 'static>(sites: Vec<Site<A>>, options: &ServeOptions) -> Result<SimHandle<A>, ServeError> {
    if sites.is_empty() {
        return Err(ServeError::NoHosts);
    }
    listen::raise_file_limit();
    let mut tasks = JoinSet::new();
    let mut pools = Vec::new();
    let mut port = options.listen.port();
    let count = sites.len();
    for (at, Site { world, identities }) in sites.into_iter().enumerate() {
        let mut addresses = addresses(&world.addresses())?;
        if let Some(first) = addresses.first_mut().filter(|_| at == 0) {
            *first = first_address(*first, options.listen.ip()).await;
        }
        let sockets = bind(&addresses, port).await?;
        let bound_port = sockets.first().and_then(|socket| socket.as_ref().ok()).map_or(port, |(address, _)| address.port());
        let shared = Arc::new(Shared::new(world, identities, options.speed));
        let mut hosts = Vec::new();
        for (ix, (ip, socket)) in addresses.iter().zip(sockets).enumerate() {
            let host = HostIx(ix);
            let identity = shared.identities().get(ix);
            let tls = match identity {
                Some(identity) if options.tls => Some(TlsAcceptor::from(identity.server_config()?)),
                _ => None,
            };
            let scheme = if tls.is_some() { "https" } else { "http" };
            hosts.push(Served {
                host,
                url: format!("{scheme}://{}", SocketAddr::new(*ip, bound_port)),
                fingerprint: identity.map(Identity::sha256),
                unreachable: socket.as_ref().err().map(ToString::to_string),
            });
            if let Ok((address, listener)) = socket {
                tasks.spawn(listen::serve(Arc::clone(&shared), host, address, listener, tls));
            }
        }
        let driven = Arc::clone(&shared);
        tasks.spawn(async move { driven.drive().await });
        pools.push(PoolHandle { shared, hosts: hosts.into() });
        if at + 1 < count && port != 0 {
            port = port.checked_add(1).ok_or(ServeError::Ports { port: options.listen.port(), pools: count })?;
        }
    }
    Ok(SimHandle { pools, _tasks: tasks })
}

fn addresses(addresses: &[String]) -> Result<Vec<IpAddr>, ServeError> {
    let parse =
        |(host, address): (usize, &String)| address.parse().map_err(|_| ServeError::Address { host, address: address.clone() });
    let parsed = addresses.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()?;
    if parsed.is_empty() { Err(ServeError::NoHosts) } else { Ok(parsed) }
}

/// Where the first host listens: on its own address, unless told otherwise or the system does not have that address.
async fn first_address(own: IpAddr, listen: IpAddr) -> IpAddr {
    if listen != IpAddr::from(Ipv4Addr::LOCALHOST) {
        return listen;
    }
    let missing =
        TcpListener::bind(SocketAddr::new(own, 0)).await.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable);
    if missing { listen } else { own }
}

type Bound = Result<(SocketAddr, TcpListener), io::Error>;

/// Listens on the same port of every address. Only the first one must work; on some systems, only `127.0.0.1` exists.
async fn bind(addresses: &[IpAddr], port: u16) -> Result<Vec<Bound>, ServeError> {
    let listen = async |ip: IpAddr, port: u16| -> Bound {
        let listener = TcpListener::bind(SocketAddr::new(ip, port)).await?;
        Ok((listener.local_addr()?, listener))
    };
    let mut tries = PORT_TRIES;
    loop {
        tries -= 1;
        let mut bound: Vec<Bound> = Vec::with_capacity(addresses.len());
        let mut chosen = port;
        for ip in addresses {
            let socket = listen(*ip, chosen).await;
            match socket {
                Ok((address, _)) => chosen = address.port(),
                Err(source) if bound.is_empty() => {
                    return Err(ServeError::Bind { address: SocketAddr::new(*ip, port), source });
                }
                Err(_) => {}
            }
            bound.push(socket);
        }
        let taken = |socket: &Bound| socket.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        if port == 0 && tries > 0 && bound.iter().any(taken) {
            continue;
        }
        return Ok(bound);
    }
}
