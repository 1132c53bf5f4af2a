//! TLS, and certificates on both sides.

use std::sync::Arc;

use doorward_relay::DeliveryState;
use doorward_relay::deliver::{ClientIdentity, Destination, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::common::{Relay, destination, state};
use crate::server::{Reply, Server};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// A destination that wants to be shown a certificate of that authority.
async fn server(of: &Authority, clients: &Authority) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(clients.roots()), provider.clone());
    let (certificate, key) = of.issue("127.0.0.1");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (server, listener) = Server::bound(|_, _| Reply::Status(200)).await;
    let serving = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, serving) = (acceptor.clone(), serving.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serving.serve(stream).await;
                }
            });
        }
    });
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_shown_to_each_other_or_nothing_is_sent() {
    let (own, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let server = server(&own, &clients).await;
    let url: http::Uri = format!("https://127.0.0.1:{}/", server.port)
        .parse()
        .unwrap();
    let identity = |of: &Authority| {
        let (certificate, key) = of.issue("doorward");
        Some(ClientIdentity {
            chain: certificate.pem().into_bytes(),
            key: key.serialize_pem().into(),
        })
    };
    let trust = |of: &Authority| Trust::Only(of.0.pem().into_bytes());
    for (trust, identity, arrives) in [
        (trust(&own), identity(&clients), true),
        (trust(&others), identity(&clients), false),
        (trust(&own), identity(&others), false),
        (trust(&own), None, false),
        (Trust::System, identity(&clients), false),
    ] {
        let relay = Relay::new();
        let one = Destination {
            trust: trust.clone(),
            identity,
            ..destination(1, url.clone())
        };
        if !relay.dispatcher.set(&[Arc::new(one)]).is_empty() {
            // A machine that trusts nobody says so.
            assert_eq!(trust, Trust::System);
            continue;
        }
        let before = server.arrived().len();
        relay.take("1").await;
        relay
            .until("something came of it", |store| state(store, 1, 1).is_some())
            .await;
        let found = state(&relay.store, 1, 1).unwrap();
        assert_eq!(found == DeliveryState::Delivered, arrives);
        assert_eq!(server.arrived().len() - before, usize::from(arrives));
    }
    // A key that does not belong to the certificate is told before anything is sent.
    let (certificate, _) = clients.issue("doorward");
    let (_, key) = clients.issue("doorward");
    let relay = Relay::new();
    let one = Destination {
        trust: trust(&own),
        identity: Some(ClientIdentity {
            chain: certificate.pem().into_bytes(),
            key: key.serialize_pem().into(),
        }),
        ..destination(1, url)
    };
    let faults = relay.dispatcher.set(&[Arc::new(one)]);
    assert!(faults[0].1.to_string().contains("TLS"), "{faults:?}");
}
