//! TLS as the toolstack's front offers it.

use super::fake::{Fake, served};
use super::wire::{address, call};
use poolwatch::sim::api::HostIx;
use poolwatch::sim::server::SimHandle;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{CipherSuite, ClientConfig, NamedGroup, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connects to a host, trusting only its certificate.
async fn connect(
    sim: &SimHandle<Fake>,
    host: usize,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    groups: Vec<&'static dyn SupportedKxGroup>,
) -> io::Result<TlsStream<TcpStream>> {
    let pem = sim.pool().identity(HostIx(host)).unwrap().pem().to_owned();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = CryptoProvider { kx_groups: groups, ..ring::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address(sim.pool(), host)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), tcp).await
}

const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

#[tokio::test]
async fn it_is_tls_1_2_with_ecdhe_aes_gcm_on_secp384r1() {
    let sim = served(2, true, 1.0).await;
    let all = ring::default_provider().kx_groups;
    let mut stream = connect(&sim, 1, "xcp2", TLS12, all.clone()).await.unwrap();
    {
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_2));
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        assert_eq!(suite, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
        assert_eq!(session.negotiated_key_exchange_group().unwrap().name(), NamedGroup::secp384r1);
    }
    stream.write_all(call("echo", "[]").as_bytes()).await.unwrap();
    let mut start = [0; 15];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    for (versions, groups) in [(&[&rustls::version::TLS13][..], all.clone()), (TLS12, vec![ring::kx_group::X25519])] {
        assert!(connect(&sim, 1, "xcp2", versions, groups).await.is_err());
    }
}

#[tokio::test]
async fn the_certificate_names_the_host_but_not_the_address_that_was_connected_to() {
    let sim = served(1, true, 1.0).await;
    let groups = ring::default_provider().kx_groups;
    assert!(connect(&sim, 0, "xcp1", TLS12, groups.clone()).await.is_ok());
    let error = connect(&sim, 0, "127.0.0.1", TLS12, groups).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn each_host_has_its_own_certificate() {
    let sim = served(2, true, 1.0).await;
    let fingerprints: Vec<_> = sim.pool().hosts().iter().map(|host| host.fingerprint.clone().unwrap()).collect();
    assert_ne!(fingerprints[0], fingerprints[1]);
    assert!(sim.pool().url().starts_with("https://127.0.0.1:"));
}
