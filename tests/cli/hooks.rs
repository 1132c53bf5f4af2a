//! Hooks of those outside: the new key over https, to whom the machine trusts, signed.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::harness::Server;
use crate::operate::{request, set, until};
use crate::schedule::{add, secret};
use crate::upstream::{MANAGER, World};

const KEY: &str = "lead-import";
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A certificate for this machine: what a server shows, and its PEM.
fn certificate() -> (Arc<ServerConfig>, String) {
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from(made.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (Arc::new(config), made.pem())
}

/// Takes a connection, and shows it this certificate.
fn accept(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> StreamOwned<ServerConnection, TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    StreamOwned::new(connection, stream)
}

fn field(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(field, _)| field.eq_ignore_ascii_case(name));
    found
        .unwrap_or_else(|| panic!("no {name}: {head}"))
        .1
        .to_owned()
}

fn rotation(world: &World) -> Value {
    let all = world
        .run(&["upstream", "history", "--json"])
        .ended(0)
        .json();
    all[0].clone()
}

#[test]
fn the_new_key_goes_to_a_trusted_hook_over_https_and_nowhere_else() {
    let world = World::with(&[MANAGER, KEY]);
    let path = world.path();
    let text = |field: &str| world.seeded(KEY)[field].as_str().unwrap().to_owned();
    let (id, old) = (text("id"), text("key"));
    world.run(&["upstream", "adopt", KEY, "--id", &id]).ended(0);
    set(path, "overlap = \"1m\"", "overlap = \"0\"");
    secret(path, "hook", &format!("whsec_{SECRET}"));
    let (trusted, pem) = certificate();
    let (stranger, _) = certificate();
    fs::write(path.join("trusted.pem"), pem).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    add(
        path,
        &format!(
            "[[rotation.consumer]]\nname = \"crm\"\nkey = \"{KEY}\"\nwebhook = {{ url = \
             \"https://{at}/rotated\", secret = \"file:secrets/hook\", send_key = true }}\n"
        ),
    );
    let trust = path.join("trusted.pem");
    let server = Server::start_with(
        path,
        &["serve", "--listen", "127.0.0.1:0"],
        &[("SSL_CERT_FILE", &trust)],
    );
    world
        .run(&["upstream", "rotate", KEY, "--now", "--no-wait"])
        .ended(0);

    // Whoever shows a certificate that the machine does not trust is told nothing at all.
    let mut connection = accept(&listener, &stranger);
    let refused = connection.conn.complete_io(&mut connection.sock);
    assert!(refused.is_err(), "the handshake is refused: {refused:?}");
    drop(connection);
    let works = |key: &str| world.instantly(key, "GET", "/lead-lists", None).0;
    assert_eq!(works(&old), 200);

    // One that fails is told again, under the same id, and the old key works until it has it.
    let mut connection = accept(&listener, &trusted);
    let (first, _) = request(&mut connection);
    let failed = b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    connection.write_all(failed).unwrap();
    connection.conn.send_close_notify();
    let _ = connection.flush();
    drop(connection);
    assert_eq!(works(&old), 200);

    let mut connection = accept(&listener, &trusted);
    let (head, body) = request(&mut connection);
    assert!(head.starts_with("POST /rotated "), "{head}");
    let id = field(&head, "webhook-id");
    assert_eq!(id, field(&first, "webhook-id"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    let mut signed = format!("{id}.{}.", field(&head, "webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&body);
    let signature = format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)));
    assert_eq!(field(&head, "webhook-signature"), signature);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&told["data"]["consumer"], &told["data"]["rolled_back"]),
        (&json!("crm"), &json!(false))
    );
    let new = told["data"]["value"].as_str().unwrap().to_owned();
    assert_eq!((works(&new), works(&old)), (200, 200));
    let done = b"HTTP/1.1 204 Done\r\nconnection: close\r\n\r\n";
    connection.write_all(done).unwrap();
    connection.conn.send_close_notify();
    let _ = connection.flush();

    until(|| rotation(&world)["step"] == "done");
    assert_eq!((works(&new), works(&old)), (200, 401));
    for value in [&new, &old] {
        world.holds_nowhere(value, "nothing");
        assert!(
            !fs::read_to_string(&server.log)
                .unwrap()
                .contains(value.as_str())
        );
    }
}
