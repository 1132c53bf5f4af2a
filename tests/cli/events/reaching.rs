//! What a destination is set to beyond its filters, and what arrives by that: its condition, when it
//! is tried again, whose certificates are shown and trusted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::{Events, texts};
use crate::harness::Server;
use crate::schedule::secret;

const PATIENCE: Duration = Duration::from_secs(60);
const OWN: &str =
    "forbid (principal, action, resource)\nunless { resource.lead_domain == \"example.com\" };\n";

/// A server of this machine that takes deliveries, and answers each with what it is told.
struct Inbox {
    at: String,
    came: Receiver<(Instant, Value)>,
}

impl Inbox {
    fn new(tls: Option<Arc<ServerConfig>>, answers: &'static [u16]) -> Inbox {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let (tell, came) = channel();
        let left = Mutex::new(answers.iter());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let status = || *left.lock().unwrap().next().unwrap_or(&200);
                let taken = match &tls {
                    None => answer(stream, status),
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        answer(StreamOwned::new(connection, stream), status)
                    }
                };
                if let Some(body) = taken {
                    let _ = tell.send((Instant::now(), body));
                }
            }
        });
        Inbox { at, came }
    }

    fn next(&self) -> (Instant, Value) {
        self.came.recv_timeout(PATIENCE).unwrap()
    }
}

/// Answers one request, unless the other side breaks off.
fn answer(mut stream: impl Read + Write, status: impl Fn() -> u16) -> Option<Value> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
    let body = loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.unwrap().parse::<usize>().unwrap() {
            break serde_json::from_slice(body).unwrap_or_default();
        }
    };
    let status = status();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    stream.flush().ok()?;
    Some(body)
}

impl Events {
    /// A server that delivers, on this machine too.
    pub(crate) fn relaying(&self) -> Server {
        let file = self.path().join("doorward.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("[relay]\nlisten") {
            let set = text.replacen("[relay]\n", "[relay]\nlisten = \"127.0.0.1:0\"\n", 1);
            let (before, after) = ("allow_private = []", "allow_private = [\"127.0.0.0/8\"]");
            assert!(set.contains(before));
            std::fs::write(&file, set.replacen(before, after, 1)).unwrap();
        }
        self.stage.serve()
    }

    fn add(&self, name: &str, url: &str, more: &[&str]) -> Value {
        let add = ["destination", "add", name, "--url", url];
        self.json(&[&add[..], more].concat())
    }
}

#[test]
fn a_condition_holds_back_what_it_does_not_want() {
    let events = Events::new();
    let leads = ["ann@example.com", "bob@example.org", "cy@Example.COM"];
    let all = texts(&events.take(&leads.map(|lead| ("reply_received", lead))));
    let inbox = Inbox::new(None, &[]);
    let url = format!("http://{}/in", inbox.at);
    std::fs::write(events.path().join("own.cedar"), OWN).unwrap();
    let added = events.add("own", &url, &["--condition", "own.cedar"]);
    assert_eq!(added["condition"], OWN);

    let since = ["replay", "--to", "own", "--since", "2026-11-01"];
    let dry = events.json(&[&since[..], &["--dry-run"]].concat());
    assert_eq!((&dry["events"], &dry["gone"]), (&2.into(), &0.into()));
    let server = events.relaying();
    events.run(&[&since[..], &["--wait"]].concat()).ended(0);
    let came = BTreeSet::from([(); 2].map(|()| inbox.next().1["lead_email"].to_string()));
    let wanted = [leads[0], leads[2]].map(|lead| json!(lead).to_string());
    assert_eq!(came, BTreeSet::from(wanted));
    // What is asked for by its id comes, wanted or not.
    let one = ["replay", &all[1], "--to", "own", "--wait"];
    events.run(&one).ended(0);
    assert_eq!(inbox.next().1["lead_email"], leads[1]);

    // Another takes its place while the server runs; and none lets everything through.
    let none = r#"forbid (principal, action, resource) when { resource.hasTag("reply_text") };"#;
    let set = events.json(&["destination", "set", "own", "--condition", none]);
    assert_eq!(set["condition"], none);
    let dry = events.json(&[&since[..], &["--dry-run"]].concat());
    assert_eq!(dry["events"], 0);
    let set = events.json(&["destination", "set", "own", "--no-condition"]);
    assert!(set["condition"].is_null());
    events.run(&[&since[..], &["--wait"]].concat()).ended(0);
    let came: Vec<_> = (0..3).map(|_| inbox.next().1).collect();
    assert_eq!(came.len(), 3);
    assert!(inbox.came.try_recv().is_err());
    drop(server);

    // The ledger tells conditions apart and has none: an address may stand in one.
    let recorded = events.recorded("destination.set");
    assert!(recorded[0]["metadata"]["condition_digest"].is_string());
    assert!(!format!("{recorded:?}").contains("hasTag"), "{recorded:?}");
}

#[test]
fn a_condition_that_does_not_fit_is_refused_where_it_does_not() {
    let events = Events::new();
    let url = "https://crm.example.com/own";
    let wrong = "forbid (principal, action, resource)\nunless { resource.lead_domian == \"a\" };";
    let add = |condition: &str| {
        let add = ["destination", "add", "own", "--url", url, "--condition"];
        events.run(&[&add[..], &[condition]].concat())
    };
    let refused = add(wrong).ended(2).stderr;
    for part in ["2:10", "lead_domian", "^^^", "doorward destination schema"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = add("permit (principal, action, resource);").ended(2).stderr;
    assert!(refused.contains("only takes away"), "{refused}");
    add("nowhere.cedar").ended(2);
    std::fs::write(events.path().join("empty"), "\n").unwrap();
    add("empty").ended(2);
    events.run(&["destination", "show", "own"]).ended(1);
    // A destination stays as it was.
    let set = ["destination", "set", "crm", "--condition", wrong];
    events.run(&set).ended(2);
    let crm = events.json(&["destination", "show", "crm"]);
    assert!(crm["condition"].is_null());
    let schema = events.run(&["destination", "schema"]).ended(0).stdout;
    assert!(schema.contains("lead_domain: String"), "{schema}");
}

#[test]
fn a_delivery_is_tried_again_as_it_is_set() {
    let events = Events::new();
    let usual = events.json(&["destination", "show", "crm"])["retry"].clone();
    assert_eq!(usual.as_array().unwrap().len(), 9);
    let all = texts(&events.take(&[("reply_received", "ann@example.com")]));
    let inbox = Inbox::new(None, &[500, 503, 200]);
    let url = format!("http://{}/in", inbox.at);
    let added = events.add("own", &url, &["--retry", "1s, 2s"]);
    assert_eq!(added["retry"], json!([1, 2]));
    let shown = events.run(&["destination", "show", "own"]).ended(0).stdout;
    assert!(shown.contains("1s, 2s"), "{shown}");
    let server = events.relaying();
    let replay = ["replay", &all[0], "--to", "own", "--wait"];
    events.run(&replay).ended(0);
    let came: Vec<Instant> = (0..3).map(|_| inbox.next().0).collect();
    // By a fifth earlier or later.
    assert!(came[1] - came[0] >= Duration::from_millis(800));
    assert!(came[2] - came[1] >= Duration::from_millis(1_600));

    let set = |retry: &str| ["destination", "set", "own", "--retry", retry].map(str::to_owned);
    let run = |retry: &str| events.run(&set(retry).each_ref().map(String::as_str));
    for wrong in ["0s", "8d", "soon", "5s,,6s", &["1s"; 33].join(",")] {
        run(wrong).ended(2);
    }
    run("none").ended(0);
    let own = events.json(&["destination", "show", "own"]);
    assert_eq!(own["retry"], json!([]));
    run("usual").ended(0);
    assert_eq!(events.json(&["destination", "show", "own"])["retry"], usual);
    drop(server);
}

/// An authority, a server's certificate of it, and a client's: chain and key.
struct Certificates {
    authority: String,
    server: Arc<ServerConfig>,
    client: (String, String),
}

impl Certificates {
    fn new() -> Certificates {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let leaf = || {
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
            let key = KeyPair::generate().unwrap();
            let made = params.signed_by(&key, &authority).unwrap();
            (made, key)
        };
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(authority.der().to_vec()))
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let (cert, key) = leaf();
        let chain = vec![CertificateDer::from(cert.der().to_vec())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        let (cert, key) = leaf();
        Certificates {
            authority: authority.pem(),
            server: Arc::new(server),
            client: (cert.pem(), key.serialize_pem()),
        }
    }
}

#[test]
fn a_destination_is_shown_a_certificate_and_held_against_its_own_roots() {
    let events = Events::new();
    let all = texts(&events.take(&[("reply_received", "ann@example.com")]));
    let made = Certificates::new();
    let (chain, key) = &made.client;
    for (name, text) in [
        ("authority", &made.authority),
        ("chain", chain),
        ("key", key),
        ("both", &format!("{chain}{key}")),
        ("other", &Certificates::new().client.1),
    ] {
        secret(events.path(), name, text);
    }
    let inbox = Inbox::new(Some(Arc::clone(&made.server)), &[]);
    let url = format!("https://{}/in", inbox.at);
    let trust = ["--trust", "file:secrets/authority", "--retry", "none"];
    let added = events.add("own", &url, &trust);
    assert!(added["client_cert"].is_null());
    assert!(
        added["trust"]
            .as_str()
            .unwrap()
            .ends_with("/secrets/authority")
    );
    let server = events.relaying();
    let replay = ["replay", &all[0], "--to", "own", "--wait"];
    // Nothing is shown, and it takes nothing.
    events.run(&replay).ended(1);
    assert!(inbox.came.try_recv().is_err());

    let set = |more: &[&str]| events.run(&[&["destination", "set", "own"], more].concat());
    let refused = set(&["--client-cert", "file:secrets/chain"]).ended(2);
    assert!(refused.stderr.contains("key"), "{refused:?}");
    let pair = ["--client-cert", "file:secrets/chain", "--client-key"];
    let refused = set(&[&pair[..], &["file:secrets/other"]].concat()).ended(2);
    assert!(refused.stderr.contains("belong together"), "{refused:?}");
    set(&["--client-key", "file:secrets/key"]).ended(2);
    set(&["--trust", "file:secrets/key"]).ended(2);
    set(&["--trust", "file:secrets/none"]).ended(2);
    for options in [
        &[&pair[..], &["file:secrets/key"]].concat()[..],
        &["--client-cert", "file:secrets/both"],
    ] {
        let shown = set(options).ended(0).stdout;
        assert!(shown.contains(options[1]), "{shown}");
        assert!(!shown.contains("PRIVATE"), "{shown}");
        events.run(&replay).ended(0);
        assert_eq!(inbox.next().1["lead_email"], "ann@example.com");
    }
    // This machine does not trust that authority.
    set(&["--trust-system"]).ended(0);
    events.run(&replay).ended(1);
    set(&["--no-client-cert"]).ended(0);
    let own = events.json(&["destination", "show", "own"]);
    assert!(own["client_cert"].is_null() && own["trust"].is_null());
    let refused = events.run(&[
        "destination",
        "add",
        "plain",
        "--url",
        "http://127.0.0.1:9/",
        "--client-cert",
        "file:secrets/both",
    ]);
    assert!(refused.ended(2).stderr.contains("plain http"));
    drop(server);
}

#[test]
fn an_event_is_let_out_of_quarantine_by_a_person_and_delivered() {
    let events = Events::new();
    let apart = events.take_apart().to_string();
    let inbox = Inbox::new(None, &[]);
    events.add("own", &format!("http://{}/in", inbox.at), &[]);
    let large = events.take_large().to_string();
    let release = ["events", "release", &apart];
    events
        .run(&[&release[..], &["--to", "nobody"]].concat())
        .ended(1);
    let listed = events.json(&["events", "list", "--quarantined"]);
    assert_eq!(listed["events"].as_array().unwrap().len(), 2);
    let refused = events.run(&["events", "release", &large]).ended(2);
    assert!(refused.stderr.contains("body_bytes"), "{refused:?}");

    let released = events.json(&[&release[..], &["--to", "own"]].concat());
    assert_eq!(released["was"], "not_json");
    assert!(released["quarantined"].is_null(), "{released}");
    assert_eq!(released["replays"][0]["destination"], "own");
    let again = events.run(&release).ended(2);
    assert!(again.stderr.contains("not in quarantine"), "{again:?}");
    let server = events.relaying();
    events.run(&["replay", "show", "1", "--wait"]).ended(0);
    drop(server);
    let shown = events.json(&["events", "show", &apart]);
    let deliveries = shown["deliveries"].as_array().unwrap();
    let came = deliveries.iter().find(|one| one["replay"] == 1).unwrap();
    assert_eq!(came["state"], "delivered", "{shown}");
    let recorded = events.recorded("event.release");
    let done = recorded
        .iter()
        .find(|one| one["result"] == "success")
        .unwrap();
    assert_eq!(done["metadata"]["was"], "not_json", "{done}");
}
