//! From scenarios to pools that clients can connect to. The one place that joins worlds to the server.

use super::scenario::Scenario;
use super::server::{self, Identity, ServeError, ServeOptions, SimHandle, Site};
use super::world::{CertificateFacts, Dialect, Options, World};
use crate::time::Time;
use std::path::PathBuf;

/// How to start.
#[derive(Clone, Debug)]
pub struct StartOptions {
    /// Chance: pool by pool, one more each.
    pub seed: u64,
    /// The virtual time at the start.
    pub start: Time,
    /// Which API is spoken.
    pub dialect: Dialect,
    /// Where and how fast.
    pub serve: ServeOptions,
    /// Where the hosts' certificates and keys are, `NAME.pem` each; `None`: fresh ones.
    pub certificates: Option<PathBuf>,
}

impl StartOptions {
    /// The designed API on a free port, with HTTPS, in real time.
    pub fn new(seed: u64, start: Time) -> Self {
        Self { seed, start, dialect: Dialect::Designed, serve: ServeOptions::default(), certificates: None }
    }
}

/// Builds a world for each scenario, makes certificates for their hosts (or reads them), and serves them in the scenarios' order.
pub async fn start(scenarios: &[Scenario], options: &StartOptions) -> Result<SimHandle<World>, ServeError> {
    let mut sites = Vec::with_capacity(scenarios.len());
    for (scenario, number) in scenarios.iter().zip(0..) {
        let seed = options.seed.wrapping_add(number);
        let mut world = World::build(scenario, Options::new(seed, options.start).speaking(options.dialect));
        let identity = |host: &str| match &options.certificates {
            Some(folder) => Identity::read(host, folder),
            None => Identity::generate(host),
        };
        let identities = scenario.hosts.iter().map(|host| identity(&host.name)).collect::<Result<Vec<_>, _>>()?;
        world.install_certificates(&identities.iter().map(facts).collect::<Vec<_>>());
        sites.push(Site { world, identities });
    }
    server::serve(sites, &options.serve).await
}

/// What the API's records say of a certificate.
fn facts(identity: &Identity) -> CertificateFacts {
    let (from, until) = identity.valid();
    CertificateFacts { sha256: identity.sha256(), sha1: identity.sha1(), from, until }
}
