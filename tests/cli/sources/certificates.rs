//! The relay's own TLS: a sender's certificate as proof, and a new certificate while it runs.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::digest::{SHA256, digest};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{exchange, parts};
use crate::events::Events;
use crate::schedule::add;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(authority: &Authority) -> (rcgen::Certificate, KeyPair) {
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn put(folder: &Path, made: &(rcgen::Certificate, KeyPair)) {
    let key = folder.join("door.key");
    fs::write(&key, made.1.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.join("door.pem"), made.0.pem()).unwrap();
}

/// Posts over TLS; the answer's head, empty when there is none.
fn post(
    url: &str,
    trusted: &Authority,
    shown: Option<&(rcgen::Certificate, KeyPair)>,
    headers: &[(&str, &str)],
) -> String {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from(trusted.der().to_vec());
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = vec![CertificateDer::from(cert.der().to_vec())];
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let (address, path) = parts(url);
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let refused = stream.conn.complete_io(&mut stream.sock).is_err();
    if refused {
        return String::new();
    }
    exchange(&mut stream, &path, headers, r#"{"event_type":"x"}"#)
}

#[test]
fn a_sender_is_known_by_its_certificate_and_the_door_takes_a_new_one() {
    let events = Events::new();
    let path = events.path().to_owned();
    let (door, senders, later) = (authority(), authority(), authority());
    put(&path, &leaf(&door));
    fs::write(path.join("senders.pem"), senders.pem()).unwrap();
    add(
        &path,
        "[relay.tls]\ncert = \"door.pem\"\nkey = \"door.key\"\nclient_ca = \"senders.pem\"\n",
    );
    let (known, other) = (leaf(&senders), leaf(&senders));
    let hash = digest(&SHA256, known.0.der());
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}:"))
        .collect();
    let pin = format!("certificate:{}", hash.trim_end_matches(':'));
    let create = [
        "webhook",
        "create",
        "hub",
        "--no-subscription",
        "--public-url",
        "https://hooks.example.com",
        "--proof",
        "header:X-Key",
        "--proof",
        &pin,
        "--to",
        "file:secrets/of-hub",
    ];
    let made = events.json(&create);
    let key = fs::read_to_string(path.join(".doorward/secrets/of-hub")).unwrap();
    let server = events.relaying();
    let id = made["source"]["id"].as_str().unwrap();
    let url = format!("{}/in/{id}", server.text("relay_url"));
    let headers = [("x-key", key.trim_end())];
    let says = |answer: &str, status: &str| answer.starts_with(&format!("HTTP/1.1 {status} "));
    let good = post(&url, &door, Some(&known), &headers);
    assert!(says(&good, "200"), "{good}");
    for (shown, headers) in [(&other, &headers[..]), (&known, &[])] {
        let answer = post(&url, &door, Some(shown), headers);
        assert!(says(&answer, "401"), "{answer}");
    }
    // Whoever shows none gets no further than that.
    assert_eq!(post(&url, &door, None, &headers), "");

    // A certificate of another authority takes its place, without a restart.
    put(&path, &leaf(&later));
    server.signal(Signal::HUP);
    let began = Instant::now();
    while !says(&post(&url, &later, Some(&known), &headers), "200") {
        assert!(began.elapsed() < Duration::from_secs(20), "not taken");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(
        post(&url, &door, Some(&known), &headers),
        "",
        "the old one is gone"
    );
    // One that is of no use changes nothing.
    fs::write(path.join("door.pem"), "nothing").unwrap();
    server.signal(Signal::HUP);
    let began = Instant::now();
    while !fs::read_to_string(&server.log)
        .unwrap()
        .contains("stays as it was")
    {
        assert!(began.elapsed() < Duration::from_secs(20), "not told");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(says(&post(&url, &later, Some(&known), &headers), "200"));
}
