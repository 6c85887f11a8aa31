//! Certificates and TLS as a host of a pool has them: TLS 1.2, ECDHE with AES-GCM, the curve secp384r1 only, a self-signed
//! certificate that names the host but not its address.
//!
//! One difference that a client can see: xapi's keys are RSA 2048, ours ECDSA P-384, because the
//! cryptography library makes no RSA keys. They live only in memory; every start has fresh ones. Whoever needs RSA, or the
//! same ones every time, brings them as files.

use crate::time::Time;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
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
    /// A certificate that was brought along cannot be used.
    #[error(
        "cannot use {} for simulated host {host}: {source}. It should hold the host's certificate and its key, in PEM",
        file.display()
    )]
    File {
        /// The host's name.
        host: String,
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
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

    /// The key and certificate in `NAME.pem` in this folder.
    pub fn read(name: &str, folder: &Path) -> Result<Self, TlsError> {
        let file = folder.join(format!("{name}.pem"));
        let failed = |source| TlsError::File { host: name.to_owned(), file: file.clone(), source };
        let text = std::fs::read(&file).map_err(|e| failed(pem::Error::Io(e)))?;
        let certificate = CertificateDer::from_pem_slice(&text).map_err(failed)?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n");
        let pem = text.split_once(begin).and_then(|(_, rest)| rest.split_once(end.trim_end()));
        let pem = pem.map_or_else(String::new, |(body, _)| format!("{begin}{body}{end}"));
        let valid = validity(&certificate).unwrap_or_default();
        Ok(Self { name: name.to_owned(), pem, certificate, key, valid })
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

/// The toolstack's policy (source: xapi's `tls_policy.ml`), and the same with ECDSA for RSA.
fn policy() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ],
        kx_groups: vec![ring::kx_group::SECP384R1],
        ..ring::default_provider()
    }
}

/// From when until when a certificate in DER is valid: its first two dates (RFC 5280, 4.1.2.5: `UTCTime` until the year 2049).
fn validity(der: &[u8]) -> Option<(Time, Time)> {
    let mut dates = der.windows(15).filter(|w| w.starts_with(&[0x17, 13]) && w.ends_with(b"Z"));
    let mut next = || {
        let text = std::str::from_utf8(dates.next()?.get(2..)?).ok()?;
        let (day, clock) = (text.get(..6)?, text.get(6..12)?);
        Time::parse_xapi(&format!("20{day}T{}:{}:{}Z", clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?))
    };
    Some((next()?, next()?))
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

    #[test]
    fn a_certificate_that_is_brought_along_is_the_one_that_is_used() {
        let made = Identity::generate("xcp1").unwrap();
        let folder = std::env::temp_dir().join(format!("poolwatch-identity-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let key = rcgen::KeyPair::try_from(&made.key).unwrap().serialize_pem();
        std::fs::write(folder.join("xcp1.pem"), format!("{key}{}", made.pem().replace("\r\n", "\n"))).unwrap();
        let read = Identity::read("xcp1", &folder);
        let missing = Identity::read("xcp2", &folder).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        let read = read.unwrap();
        assert_eq!((read.sha256(), read.valid()), (made.sha256(), made.valid()));
        assert!(read.server_config().is_ok());
        assert!(missing.contains("xcp2.pem"), "{missing}");
    }
}
