//! Certificates and TLS as a host of a pool has them: TLS 1.2, ECDHE with AES-GCM, the curve secp384r1 only, a self-signed
//! certificate that names the host but not its address.
//!
//! One difference that a client can see: xapi's keys are RSA 2048, ours ECDSA P-384, because the
//! cryptography library makes no RSA keys. Keys live only in memory; every start has fresh ones.

use crate::time::Time;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt::{self, Write};
use std::sync::Arc;

/// Years that a certificate is valid, as xapi's.
pub const VALID_YEARS: i16 = 10;

/// What went wrong when certificates or TLS were prepared.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("could not make a certificate for simulated host {host}: {source}. Does its name work as a DNS name?")]
    Certificate {
        /// The host's name.
        host: String,
        /// What the generator said.
        source: rcgen::Error,
    },
    /// TLS could not be set up with it.
    #[error("could not set up TLS for simulated host {host}: {source}")]
    Setup {
        /// The host's name.
        host: String,
        /// What the library said.
        source: rustls::Error,
    },
}

/// A host's certificate and key.
pub struct Identity {
    name: String,
    pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    valid: (Time, Time),
}

impl fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).field("sha256", &self.sha256()).finish_non_exhaustive()
    }
}

impl Identity {
    /// A fresh key and a self-signed certificate for a host of this name.
    pub fn generate(name: &str) -> Result<Self, TlsError> {
        let failed = |source| TlsError::Certificate { host: name.to_owned(), source };
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        // From the start of last year: also a client whose clock is late takes it.
        let from = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year() - 1;
        let until = from + VALID_YEARS;
        params.not_before = rcgen::date_time_ymd(from.into(), 1, 1);
        params.not_after = rcgen::date_time_ymd(until.into(), 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            valid: (new_year(from), new_year(until)),
        })
    }

    /// The name in the certificate.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The certificate as text, for clients that want a file.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificate's SHA-256 fingerprint as xapi writes it: `4D:20:6B:…`.
    pub fn sha256(&self) -> String {
        fingerprint(&ring_digest(&::ring::digest::SHA256, &self.certificate))
    }

    /// The certificate's SHA-1 fingerprint, which older clients ask for.
    pub fn sha1(&self) -> String {
        fingerprint(&ring_digest(&::ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.certificate))
    }

    /// From when until when the certificate is valid.
    pub const fn valid(&self) -> (Time, Time) {
        self.valid
    }

    /// TLS as the toolstack's front does it.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let failed = |source| TlsError::Setup { host: self.name.clone(), source };
        let config = ServerConfig::builder_with_provider(Arc::new(policy()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(failed)?;
        Ok(Arc::new(config))
    }
}

/// The toolstack's policy (source: xapi's `tls_policy.ml`), with ECDSA for RSA.
fn policy() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ],
        kx_groups: vec![ring::kx_group::SECP384R1],
        ..ring::default_provider()
    }
}

fn new_year(year: i16) -> Time {
    let date = jiff::civil::Date::constant(year, 1, 1).to_zoned(jiff::tz::TimeZone::UTC);
    date.map_or(Time::EPOCH, |date| Time::from_millis(date.timestamp().as_millisecond()))
}

fn ring_digest(algorithm: &'static ::ring::digest::Algorithm, bytes: &[u8]) -> Vec<u8> {
    ::ring::digest::digest(algorithm, bytes).as_ref().to_vec()
}

fn fingerprint(digest: &[u8]) -> String {
    let mut text = String::with_capacity(digest.len() * 3);
    for byte in digest {
        if !text.is_empty() {
            text.push(':');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_identity_is_its_own_and_never_shows_its_key() {
        let one = Identity::generate("xcp1").unwrap();
        let two = Identity::generate("xcp1").unwrap();
        assert_ne!(one.sha256(), two.sha256());
        assert_eq!(one.sha256().len(), 95);
        assert_eq!(one.sha1().len(), 59);
        let shown = format!("{one:?}");
        assert!(shown.contains(&one.sha256()) && !shown.contains("key"), "{shown}");
        assert!(one.server_config().is_ok());
        let (from, until) = one.valid();
        assert!(from.to_xapi().ends_with("0101T00:00:00Z") && until.since(from).as_secs() / 86_400 / 365 == 10);
        assert!(one.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
