//! TLS at the door, and senders that show a certificate.

use std::sync::Arc;

use doorward_relay::receive::{Tls, TlsError};
use doorward_webhook::Way;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::common::*;

struct Made {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn made(name: &str, authority: &CertifiedIssuer<'static, KeyPair>) -> Made {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    Made {
        pem: certificate.pem(),
        der: certificate.der().clone(),
        key,
    }
}

async fn connect(
    open: &Open,
    roots: &CertifiedIssuer<'static, KeyPair>,
    shown: Option<&Made>,
) -> std::io::Result<Client<TlsStream<TcpStream>>> {
    let mut store = RootCertStore::empty();
    store.add(roots.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(made) => {
            let key = PrivateKeyDer::try_from(made.key.serialize_der()).unwrap();
            config
                .with_client_auth_cert(vec![made.der.clone()], key)
                .unwrap()
        }
    };
    let tcp = TcpStream::connect(open.address).await?;
    let name = ServerName::try_from("hooks.example").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await?;
    Ok(Client::new(stream))
}

#[tokio::test]
async fn a_certificate_proves_a_delivery_and_no_other_does() {
    let (ours, senders, strangers) = (authority(), authority(), authority());
    let server = made("hooks.example", &ours);
    let (sender, colleague) = (made("sender", &senders), made("colleague", &senders));
    let stranger = made("sender", &strangers);
    let config = Tls::of_pem_http1(
        server.pem.as_bytes(),
        server.key.serialize_pem().as_bytes(),
        Some(senders.pem().as_bytes()),
    );
    let pin: String = digest(&SHA256, &sender.der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let open = open(Setup {
        sources: vec![source("crm", 7, &[(Way::Certificate, &[&pin])])],
        tls: Some(Tls::new(config.unwrap())),
        ..Setup::default()
    })
    .await;
    let request = post("/in/crm", &[], &payload(1));
    let mut client = connect(&open, &ours, Some(&sender)).await.unwrap();
    assert_eq!(client.send(&request).await.status, 200);
    // Of the same authority, but another's.
    let mut client = connect(&open, &ours, Some(&colleague)).await.unwrap();
    assert_eq!(client.send(&request).await.status, 401);
    for shown in [None, Some(&stranger)] {
        // The client learns of it when it reads, in TLS 1.3.
        let Ok(mut client) = connect(&open, &ours, shown).await else {
            continue;
        };
        client.write(&request).await;
        let mut byte = [0];
        let read = tokio::io::AsyncReadExt::read(&mut client.0, &mut byte).await;
        assert!(!matches!(read, Ok(1..)), "{read:?}");
    }
    // Plain HTTP is none.
    let mut plain = open.connect().await;
    plain.write(&request).await;
    assert!(plain.is_closed().await);
    assert_eq!(open.kept.only().body, payload(1));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let ours = authority();
    let server = made("hooks.example", &ours);
    let (chain, key) = (server.pem.clone(), server.key.serialize_pem());
    let of = |chain: &str, key: &str, senders: Option<&str>| {
        Tls::of_pem_http1(chain.as_bytes(), key.as_bytes(), senders.map(str::as_bytes)).err()
    };
    assert!(of(&chain, &key, None).is_none());
    assert!(matches!(of("", &key, None), Some(TlsError::NoCertificate)));
    assert!(matches!(of(&chain, &chain, None), Some(TlsError::NoKey)));
    assert!(matches!(
        of(&chain, &key, Some("")),
        Some(TlsError::NoAuthority)
    ));
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(matches!(
        of(&chain, &other, None),
        Some(TlsError::Unusable(_))
    ));
}
