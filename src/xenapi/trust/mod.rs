//! Trust on first use, by the SHA-256 of a host's certificate.
//!
//! xapi's certificates are self-signed and often do not carry the address that is used, so names and authorities prove
//! nothing; that the host has the key to *the same certificate as last time* does. Signatures of the handshake are checked
//! as always. A first certificate is only written down once the host has proved that it has the key and has answered.

mod store;

pub use store::{FILE, Store, StoreError};

use super::error::TrustError;
use super::target::Target;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, OtherError, SignatureScheme};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    /// 64 hexadecimal digits, with or without colons, in either case, with or without `SHA256:` before them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHY: &str = "a certificate's fingerprint is its SHA-256: 64 hexadecimal digits, with or without colons";
        let text = text.trim();
        let text = text.strip_prefix("SHA256:").or_else(|| text.strip_prefix("sha256:")).unwrap_or(text);
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(WHY);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| WHY)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| WHY)?;
        }
        Ok(Self(bytes))
    }
}

/// A certificate that was written down just now: to be shown to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// `host:port`.
    pub to: String,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// The one that was known before, if it took its place.
    pub instead_of: Option<Fingerprint>,
}

/// Judges the certificates of one pool's hosts.
#[derive(Debug)]
pub struct Guard {
    store: Arc<Store>,
    port: u16,
    provider: Arc<CryptoProvider>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the operator accepted with a flag.
    accepted: HashSet<Fingerprint>,
    /// What the coordinator says its hosts' certificates are, by `host:port`.
    vouched: HashMap<String, Vec<Fingerprint>>,
    /// Seen to answer with this certificate in this run.
    confirmed: HashMap<String, Fingerprint>,
    /// Why the last handshake with a host was refused. The error that comes back through the HTTP library has lost it.
    refused: HashMap<String, TrustError>,
    pinned: Vec<Pinned>,
}

impl Guard {
    /// For the hosts of one pool, which all listen at `port`.
    pub fn new(store: Arc<Store>, port: u16, accepted: impl IntoIterator<Item = Fingerprint>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let state = Mutex::new(State { accepted: accepted.into_iter().collect(), ..State::default() });
        Self { store, port, provider, state }
    }

    /// The TLS settings that ask this guard: TLS 1.2 and 1.3 with ring's ciphers and curves, which include xapi's
    /// ECDHE-RSA-AES-GCM on secp384r1.
    pub fn tls(self: &Arc<Self>) -> Result<rustls::ClientConfig, rustls::Error> {
        Ok(rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth())
    }

    /// Says that the coordinator, which is trusted, names these as a host's certificates.
    pub fn vouch(&self, host: &Target, fingerprints: Vec<Fingerprint>) {
        let mut state = self.state();
        if fingerprints.is_empty() {
            state.vouched.remove(&host.to_string());
        } else {
            state.vouched.insert(host.to_string(), fingerprints);
        }
    }

    /// Whether there is something to hold a host's certificate against.
    pub fn knows(&self, host: &Target) -> bool {
        let key = host.to_string();
        self.state().vouched.contains_key(&key) || self.store.get(&key).is_some()
    }

    /// Takes the reason why the last handshake with a host was refused, if it was.
    pub fn take_refusal(&self, host: &Target) -> Option<TrustError> {
        self.state().refused.remove(&host.to_string())
    }

    /// Takes what was written down since the last time, to show it.
    pub fn take_pinned(&self) -> Vec<Pinned> {
        std::mem::take(&mut self.state().pinned)
    }

    /// A host has proved that it has the key to this certificate and has answered sensibly: remembers it. Does blocking
    /// file I/O the first time for each host.
    ///
    /// # Errors
    /// If it is not to be trusted after all: two connections were made at once and saw different certificates.
    pub fn confirm(&self, host: &Target, fingerprint: Fingerprint) -> Result<(), TrustError> {
        let key = host.to_string();
        if self.is_confirmed(host, fingerprint) {
            return Ok(());
        }
        let may_replace = self.may_replace(&key, fingerprint);
        let before = match self.store.pin(&key, fingerprint, may_replace) {
            Ok(before) => before,
            Err(StoreError::Other { known }) => {
                return Err(TrustError::Changed { to: key, expected: known, got: fingerprint });
            }
            Err(problem) => {
                // The connection is as good as it was; only the memory of it is not.
                tracing::warn!("{problem}");
                None
            }
        };
        if before != Some(fingerprint) {
            tracing::info!("{key}: certificate SHA-256 {fingerprint} is trusted from now on");
        }
        let mut state = self.state();
        if before != Some(fingerprint) {
            state.pinned.push(Pinned { to: key.clone(), fingerprint, instead_of: before });
        }
        state.confirmed.insert(key, fingerprint);
        Ok(())
    }

    /// Whether [`Self::confirm`] would have nothing to do.
    pub fn is_confirmed(&self, host: &Target, fingerprint: Fingerprint) -> bool {
        self.state().confirmed.get(&host.to_string()) == Some(&fingerprint)
    }

    fn may_replace(&self, key: &str, fingerprint: Fingerprint) -> bool {
        let state = self.state();
        state.accepted.contains(&fingerprint) || state.vouched.get(key).is_some_and(|all| all.contains(&fingerprint))
    }

    fn judge(&self, key: &str, got: Fingerprint) -> Result<(), TrustError> {
        if self.may_replace(key, got) {
            return Ok(());
        }
        let (confirmed, vouched) = {
            let state = self.state();
            (state.confirmed.get(key).copied(), state.vouched.get(key).and_then(|all| all.first()).copied())
        };
        match self.store.get(key).or(confirmed).or(vouched) {
            None => Ok(()),
            Some(expected) if expected == got => Ok(()),
            Some(expected) => Err(TrustError::Changed { to: key.to_owned(), expected, got }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves only whole values behind here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, name: &ServerName<'_>) -> String {
        let host = match name {
            ServerName::DnsName(name) => name.as_ref().to_ascii_lowercase(),
            ServerName::IpAddress(ip) => std::net::IpAddr::from(*ip).to_string(),
            _ => String::new(),
        };
        Target { user: None, host, port: self.port, tls: true }.to_string()
    }
}

impl ServerCertVerifier for Guard {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let key = self.key(server_name);
        match self.judge(&key, Fingerprint::of(end_entity)) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refusal) => {
                self.state().refused.insert(key, refusal.clone());
                Err(rustls::Error::Other(OtherError(Arc::new(refusal))))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Target {
        Target::parse(host, false).expect("target")
    }

    #[test]
    fn fingerprints_are_read_in_every_usual_form() {
        let print = Fingerprint::of(b"a");
        let text = print.to_string();
        assert_eq!(text.len(), 95);
        for form in [text.clone(), text.to_lowercase(), text.replace(':', ""), format!("SHA256:{text}")] {
            assert_eq!(form.parse(), Ok(print), "{form}");
        }
        for bad in ["", "AB:CD", &text[..94], &format!("{}zz", &text[..92])] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn first_use_is_trusted_a_change_is_not_and_who_vouches_counts() {
        let dir = crate::xenapi::trust::store::tests::temp_dir("guard");
        let (old, new) = (Fingerprint::of(b"old"), Fingerprint::of(b"new"));
        let host = target("xcp1");
        let guard = Guard::new(Arc::new(Store::open(&dir).expect("store")), 443, []);
        assert!(!guard.knows(&host));
        assert_eq!(guard.judge("xcp1:443", old), Ok(()));
        assert!(!guard.knows(&host), "a handshake alone proves nothing");
        guard.confirm(&host, old).expect("trusted");
        assert_eq!(guard.take_pinned().len(), 1);
        assert!(guard.knows(&host));

        // In another process, later.
        let guard = Guard::new(Arc::new(Store::open(&dir).expect("store")), 443, []);
        assert_eq!(guard.judge("xcp1:443", old), Ok(()));
        let refused = guard.judge("xcp1:443", new).expect_err("changed");
        assert_eq!(refused, TrustError::Changed { to: "xcp1:443".into(), expected: old, got: new });
        assert!(guard.confirm(&host, new).is_err());

        // The operator accepts it.
        let guard = Guard::new(Arc::new(Store::open(&dir).expect("store")), 443, [new]);
        assert_eq!(guard.judge("xcp1:443", new), Ok(()));
        guard.confirm(&host, new).expect("accepted");
        assert_eq!(guard.take_pinned(), [Pinned { to: "xcp1:443".into(), fingerprint: new, instead_of: Some(old) }]);

        // A member that the coordinator vouches for: only that certificate will do.
        let member = target("xcp2");
        guard.vouch(&member, vec![old]);
        assert_eq!(guard.judge("xcp2:443", old), Ok(()));
        assert!(guard.judge("xcp2:443", new).is_ok(), "the operator's word counts for every host");
        assert!(guard.judge("xcp2:443", Fingerprint::of(b"third")).is_err());
        std::fs::remove_dir_all(dir).expect("removable");
    }

    #[test]
    fn names_and_addresses_become_the_keys_of_targets() {
        let dir = crate::xenapi::trust::store::tests::temp_dir("keys");
        let guard = Guard::new(Arc::new(Store::open(&dir).expect("store")), 8443, []);
        for host in ["xcp1.lab", "10.0.0.1", "fd00::1"] {
            let name = ServerName::try_from(host).expect("name");
            let target = target("x:8443").sibling(host, false).expect("sibling");
            assert_eq!(guard.key(&name), target.to_string());
        }
        std::fs::remove_dir_all(dir).expect("removable");
    }
}
