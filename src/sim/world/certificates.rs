//! The hosts' certificates as records. Whoever serves the world has the certificates themselves.

use super::{Core, World};
use crate::sim::value::Value;
use crate::time::Time;

/// What a record says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Fingerprint, `4D:20:6B:…`.
    pub sha256: String,
    /// Older fingerprint.
    pub sha1: String,
    /// Valid from.
    pub from: Time,
    /// Valid until.
    pub until: Time,
}

impl World {
    /// Records each host's certificate, by position: as the one that it shows to clients and as the one that it shows to
    /// other hosts of the pool, which here is the same. What was recorded before is gone.
    pub fn install_certificates(&mut self, certificates: &[CertificateFacts]) {
        let core = &mut self.core;
        for old in core.db.all("Certificate") {
            core.db.destroy(&old);
        }
        core.certificates = certificates.to_vec();
        for (host, facts) in certificates.iter().enumerate() {
            match core.hosts.get_mut(host).and_then(|h| h.alone.as_mut()) {
                Some(own) => own.install_certificates(std::slice::from_ref(facts)),
                None => core.certify(host),
            }
        }
        core.settle();
    }
}

impl Core {
    /// Records the certificates of one host.
    pub(super) fn certify(&mut self, host: usize) {
        let Some((r, facts)) = self.hosts.get(host).map(|h| h.r.clone()).zip(self.certificates.get(host).cloned()) else {
            return;
        };
        for kind in ["host", "host_internal"] {
            self.db.create(
                "Certificate",
                &[
                    ("name", "".into()),
                    ("type", kind.into()),
                    ("host", (&r).into()),
                    ("not_before", facts.from.into()),
                    ("not_after", facts.until.into()),
                    ("fingerprint", facts.sha256.as_str().into()),
                    ("fingerprint_sha256", facts.sha256.as_str().into()),
                    ("fingerprint_sha1", facts.sha1.as_str().into()),
                    ("purpose", Value::Set(Vec::new())),
                ],
            );
        }
    }
}
