//! What people are told of, and when.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Demo, Server, call, run};
use crate::operate::{Stage, set, until};

/// The alerts of a kind that were told, the newest last.
fn told(demo: &Demo, kind: &str) -> Vec<Value> {
    told_at(demo.path(), kind)
}

fn told_at(folder: &Path, kind: &str) -> Vec<Value> {
    let list = run(folder, &["alert", "list", "--json"]).ended(0).json();
    let list = list.as_array().unwrap().clone();
    list.into_iter().filter(|one| one["kind"] == kind).collect()
}

#[test]
fn more_than_the_ceiling_is_told_each_time_before_it_is_granted() {
    let demo = Demo::up();
    let create = [
        "client",
        "create",
        "fixer",
        "--use-case",
        "analytics-dashboard",
    ];
    let rest = ["--environment", "production"];
    demo.run(&[&create[..], &rest[..]].concat()).ended(0);
    assert!(told(&demo, "break_glass").is_empty());
    for (n, hours) in [(1, "1h"), (2, "2h")] {
        let grant = ["client", "learn", "fixer", "--for", hours];
        let why = ["--break-glass", "incident 12"];
        demo.run(&[&grant[..], &why[..]].concat()).ended(0);
        let told = told(&demo, "break_glass");
        let granted = told[n - 1]["facts"].to_string();
        assert!(granted.contains("granted"), "{granted}");
        assert_eq!(told.len(), n, "{told:?}");
        assert!(
            told[n - 1]["text"]
                .as_str()
                .unwrap()
                .contains("incident 12")
        );
        demo.run(&[
            "client",
            "grant",
            "fixer",
            "--use-case",
            "analytics-dashboard",
        ])
        .ended(0);
    }
    let refused = [
        "client",
        "learn",
        "fixer",
        "--for",
        "9h",
        "--break-glass",
        "x",
    ];
    demo.run(&refused).ended(2);
    assert_eq!(
        told(&demo, "break_glass").len(),
        2,
        "what is refused is not told"
    );
}

#[test]
fn a_policy_that_forbids_less_is_told_and_one_that_forbids_more_is_not() {
    let demo = Demo::up();
    let save = |text: &str| {
        fs::write(demo.path().join("p.cedar"), text).unwrap();
        demo.run(&["policy", "add", "own", "p.cedar"]).ended(0);
    };
    let one = "forbid (principal, action == Action::\"createLead\", resource);\n";
    let two = "forbid (principal, action == Action::\"deleteLead\", resource);\n";
    save(one);
    save(&format!("{two}{one}"));
    assert!(told(&demo, "policy_loosened").is_empty());
    save(two);
    let first = told(&demo, "policy_loosened");
    assert_eq!(first.len(), 1);
    assert_eq!(
        first[0]["facts"],
        json!([["policy", "own"], first[0]["facts"][1]])
    );
    demo.run(&["policy", "remove", "own"]).ended(0);
    let removed = told(&demo, "policy_loosened");
    assert_eq!(removed.len(), 2);
    assert!(removed[1]["title"].as_str().unwrap().contains("removed"));
    demo.run(&["policy", "remove", "own"]).ended(1);
    assert_eq!(told(&demo, "policy_loosened").len(), 2);
}

#[test]
fn keys_that_are_made_up_hide_none_that_is_real() {
    let demo = Demo::up();
    let url = format!("{}/api/v2/campaigns", demo.server.text("gateway_url"));
    let made_up = |n: u32| {
        use std::fmt::Write as _;
        // A key's form: base64 of an id and a tail.
        let text = format!("{n:08x}-0b5e-7979-9f1e-ae977ad7628e:N5bj1PQpTLO{}", n % 10);
        let mut key = String::new();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for three in text.as_bytes().chunks(3) {
            let mut bits = [0; 3];
            bits[..three.len()].copy_from_slice(three);
            let all = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
            for shift in [18, 12, 6, 0].into_iter().take(three.len() + 1) {
                let _ = write!(key, "{}", alphabet[(all >> shift) as usize & 63] as char);
            }
        }
        key + "=="
    };
    let present = |key: &str| {
        let answer = call("GET", &url, Some(key), None);
        assert_eq!(
            answer.body["doorward"]["reason"], "upstream_key_presented",
            "{answer:?}"
        );
    };
    (0..150).for_each(|n| present(&made_up(n)));
    let strangers = told(&demo, "key_presented");
    assert_eq!(strangers.len(), 1, "all of them are one: {strangers:?}");

    // One that Doorward holds is told whatever came before it.
    let held = demo.server.ready["workspaces"][0]["keys"][0]["key"].as_str();
    let held = held.map_or_else(|| held_key(&demo), str::to_owned);
    present(&held);
    present(&held);
    let all = told(&demo, "key_presented");
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[1]["severity"], "critical");
    let findings = demo.run(&["audit", "search", "--kind", "finding", "--json"]);
    let findings = findings.ended(0).stdout;
    let findings = findings.matches("gateway.upstream_key_presented").count();
    assert!((2..=40).contains(&findings), "{findings}");
}

/// An upstream key as the demo keeps it.
fn held_key(demo: &Demo) -> String {
    fn find(folder: &std::path::Path) -> Option<String> {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if let Some(found) = find(&path) {
                    return Some(found);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let text = text.trim();
                if text.len() == 68 && text.ends_with("==") {
                    return Some(text.to_owned());
                }
            }
        }
        None
    }
    find(demo.path()).expect("an upstream key")
}

/// A certificate that ends after so many days, and its key.
fn certificate(days: i64) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec!["door".to_owned()]).unwrap();
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(90 - days);
    params.not_after = now + time::Duration::days(days) + time::Duration::hours(1);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    (made.pem(), key.serialize_pem())
}

#[test]
fn a_certificate_that_ends_soon_or_is_of_no_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let write = |(cert, key): (String, String)| {
        fs::write(path.join("key.pem"), key).unwrap();
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path.join("key.pem"), private).unwrap();
        fs::write(path.join("cert.pem"), cert).unwrap();
    };
    write(certificate(10));
    let toml = path.join("doorward.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let tls = "\n[gateway.tls]\nlisten = \"127.0.0.1:0\"\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    fs::write(&toml, text + tls).unwrap();
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let all = || told_at(path, "certificate");
    until(|| all().len() == 1);
    let first = &all()[0];
    assert!(
        first["title"].as_str().unwrap().contains("ends in 10 days"),
        "{first}"
    );
    assert_eq!(first["severity"], "warning");

    // Nearer its end it is told again, on reload too; so is the authority's.
    write(certificate(1));
    let authority = path.join(".doorward/ca");
    fs::create_dir_all(&authority).unwrap();
    fs::write(authority.join("ca.pem"), certificate(5).0).unwrap();
    run(path, &["reload"]).ended(0);
    until(|| all().len() == 3);
    let two = all();
    let of = |what: &str| {
        let found = two.iter().skip(1);
        found
            .filter(|one| one["title"].as_str().unwrap().contains(what))
            .count()
    };
    assert_eq!(
        (of("gateway.tls"), of("local authority")),
        (1, 1),
        "{two:?}"
    );

    // One that is of no use is told, and the one before it stays.
    fs::write(path.join("cert.pem"), "no certificate").unwrap();
    until(|| {
        let all = all();
        all.iter()
            .any(|one| one["title"].as_str().unwrap().contains("of no use"))
    });
    drop(server);
}

#[test]
fn a_configuration_that_is_refused_is_told_and_channels_are_taken_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    set(path, "connections = 1024", "conections = 1024");
    let refused = run(path, &["reload"]).ended(2);
    assert!(refused.stderr.contains("did you mean"), "{refused:?}");
    let log = || fs::read_to_string(&server.log).unwrap();
    until(|| !told_at(path, "configuration_refused").is_empty());
    server.signal(Signal::HUP);
    until(|| log().contains("what was in force stays"));
    // The server needs nothing of the file to carry out what can't wait.
    let listed = run(path, &["admin", "token", "list"]).ended(0);
    assert!(
        listed
            .stderr
            .contains("warning: the configuration file is faulty")
    );
    set(path, "conections = 1024", "connections = 1024");
    until(|| !told_at(path, "configuration_refused").is_empty());
    let told = told_at(path, "configuration_refused");
    assert_eq!(told.len(), 1);
    assert!(
        told[0]["facts"][0][1]
            .as_str()
            .unwrap()
            .contains("conections"),
        "{told:?}"
    );

    let none = run(path, &["alert", "test"]).ended(2);
    assert!(none.stderr.contains("no alert channel"), "{none:?}");
    let toml = path.join("doorward.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let address = |url: &str| {
        let file = path.join(".doorward/secrets/slack");
        fs::write(&file, url).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    address("http://127.0.0.1:9/x");
    let channel =
        "\n[[alerts.channel]]\nname = \"chat\"\nto = \"slack\"\nurl = \"file:secrets/slack\"\n";
    fs::write(&toml, format!("{text}{channel}")).unwrap();
    let taken = run(path, &["reload", "--json"]).ended(0).json();
    assert_eq!(taken, json!({"changed": ["alerts"], "restart_needed": []}));
    // An address that does not fit refuses the whole, and the channel stays.
    address("http://example.com/x");
    run(path, &["reload"]).ended(2);
    let tried = run(path, &["alert", "test", "chat"]);
    assert!(tried.stdout.contains("chat"), "{tried:?}");
    let told = told_at(path, "configuration_refused");
    assert_eq!(told.len(), 1, "the same, within its window");
}

#[test]
fn a_key_that_is_dead_and_an_api_that_is_down_are_each_told_once() {
    let stage = Stage::new();
    let server = stage.serve();
    let lead = |n: u32| stage.create_lead(&server, &format!("l{n}@example.com"));
    assert_eq!(lead(0), 200);
    let scope = json!({"kind": "status", "status": 401, "message": "Invalid scope. Required: a"});
    stage.go_wrong(scope);
    lead(1);
    let dead = json!({"kind": "status", "status": 401, "message": "Invalid API key"});
    stage.go_wrong(dead);
    (2..6).for_each(|n| {
        lead(n);
    });
    let told = told_at(stage.path(), "key_dead");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["count"], 1);
    assert_eq!(told[0]["severity"], "critical");

    // It takes two clients to say so of all.
    let create = [
        "client",
        "create",
        "second",
        "-u",
        "lead-import",
        "-e",
        "production",
    ];
    run(stage.path(), &create).ended(0);
    let key = run(stage.path(), &["key", "issue", "second"])
        .ended(0)
        .stdout;
    let url = format!("{}/api/v2/leads", server.text("gateway_url"));
    stage.go_down();
    for n in 6..40 {
        lead(n);
        let body = json!({"email": format!("s{n}@example.com")});
        call("POST", &url, Some(key.trim_end()), Some(body));
    }
    let told = told_at(stage.path(), "breaker_open");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn without_a_server_an_alert_is_told_all_the_same_or_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let forbid = "forbid (principal, action == Action::\"createLead\", resource);\n";
    fs::write(path.join("p.cedar"), forbid).unwrap();
    run(path, &["policy", "add", "own", "p.cedar"]).ended(0);
    let toml = path.join("doorward.toml");
    let before = fs::read_to_string(&toml).unwrap();
    // Nothing listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let file = path.join(".doorward/secrets/slack");
    fs::write(&file, format!("http://{address}/x")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let channel = |secret: &str| {
        let channel = "\n[[alerts.channel]]\nname = \"chat\"\nto = \"slack\"\n";
        fs::write(
            &toml,
            format!("{before}{channel}url = \"file:secrets/{secret}\"\n"),
        )
        .unwrap();
    };
    for (n, secret) in [(1, "none"), (2, "slack")] {
        channel(secret);
        let refused = run(path, &["policy", "remove", "own"]).ended(1);
        for told in [
            "nothing was done",
            "did not reach chat",
            "doorward alert test",
        ] {
            assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        }
        run(path, &["policy", "show", "own"]).ended(0);
        let told = told_at(path, "policy_loosened");
        assert_eq!(told.len(), n, "it is in the ledger: {told:?}");
        assert_eq!(told[n - 1]["channels"], json!(["chat"]));
    }
    // With no channel for it, the ledger has it.
    fs::write(&toml, before).unwrap();
    run(path, &["policy", "remove", "own"]).ended(0);
    assert_eq!(told_at(path, "policy_loosened").len(), 3);
}
