//! More than one proof of a source: all must hold, and they are exchanged while events come in.

use ring::hmac;
use serde_json::{Value, json};

use super::post;
use crate::harness::{Demo, call};
use crate::operate::until;

fn value(demo: &Demo, reference: &Value) -> String {
    let reference = reference.as_str().unwrap();
    let got = demo.run(&["secret", "get", reference, "--reveal"]).ended(0);
    got.stdout.trim_end().to_owned()
}

fn signed(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn every_proof_of_a_source_must_hold() {
    let demo = Demo::up();
    let show = || {
        let show = ["webhook", "show", "two", "--no-fetch", "--json"];
        demo.run(&show).ended(0).json()
    };
    let create = ["webhook", "create", "two", "--no-subscription", "--json"];
    let proofs = ["--proof", "header:X-Key", "--proof", "hmac-hex:X-Sig"];
    let public = demo.server.text("source_url");
    let public = public.split("/in/").next().unwrap();
    let create = [&create[..], &proofs, &["--public-url", public]].concat();
    let made = demo.run(&create).ended(0).json()["source"].clone();
    assert_eq!(made["proof"], "header:X-Key");
    assert_eq!(made["also"][0]["proof"], "hmac-hex:X-Sig");
    let url = made["url"].as_str().unwrap().to_owned();
    let key = value(&demo, &made["secrets"][0]["reference"]);
    let seal = value(&demo, &made["also"][0]["secrets"][0]["reference"]);
    assert_ne!(key, seal);
    let body = r#"{"event_type":"x"}"#;
    let good = signed(&seal, body);
    let wrong = signed(&key, body);
    assert_eq!(post(&url, &[("x-key", &key), ("x-sig", &good)], body), 200);
    for headers in [
        &[("x-key", key.as_str())][..],
        &[("x-sig", &good)],
        &[("x-key", &key), ("x-sig", &wrong)],
        &[("x-key", &seal), ("x-sig", &good)],
    ] {
        assert_eq!(post(&url, headers, body), 401, "{headers:?}");
    }
    let shown = show();
    assert!(shown["secrets"][0]["last_used"].is_string(), "{shown}");
    assert!(shown["also"][0]["secrets"][0]["last_used"].is_string());
    let table = demo.run(&["webhook", "show", "two", "--no-fetch"]).ended(0);
    let both = "header:X-Key and hmac-hex:X-Sig";
    assert!(table.stdout.contains(both), "{}", table.stdout);

    // The second one is given another secret; the first stays as it was.
    let rotate = [
        "webhook",
        "rotate-secret",
        "two",
        "--proof",
        "hmac-hex:X-Sig",
    ];
    demo.run(&rotate).ended(0);
    let shown = show();
    let of = |name: &str| -> Value {
        let also = shown["also"].as_array().unwrap().iter();
        let mut all = also.chain([&shown]);
        all.find(|one| one["proof"] == name).unwrap()["secrets"].clone()
    };
    let seals = of("hmac-hex:X-Sig");
    assert_eq!(seals.as_array().unwrap().len(), 2, "{shown}");
    let key_at = |secrets: &Value| secrets[0]["reference"].clone();
    assert_eq!(key_at(&of("header:X-Key")), key_at(&made["secrets"]));
    let newer = signed(&value(&demo, &seals[0]["reference"]), body);
    for sig in [&good, &newer] {
        assert_eq!(post(&url, &[("x-key", &key), ("x-sig", sig)], body), 200);
    }

    // One goes; what stays keeps its secret, and what went is erased.
    let set = |proofs: &[&str]| {
        let set = ["webhook", "set", "two", "--json"];
        demo.run(&[&set[..], proofs].concat())
    };
    set(&["--proof", "header:X-Key"]).ended(0);
    assert_eq!(post(&url, &[("x-key", &key)], body), 200);
    let gone = seals[1]["reference"].as_str().unwrap();
    demo.run(&["secret", "get", gone, "--reveal"]).ended(2);
    let pin = format!("certificate:{}", "ab".repeat(32));
    let pinned = set(&["--proof", "header:X-Key", "--proof", &pin]).ended(0);
    assert_eq!(pinned.json()["also"][0]["proof"], pin);
    assert_eq!(post(&url, &[("x-key", &key)], body), 401, "no certificate");
    let refused = demo.run(&["webhook", "rotate-secret", "two", "--proof", &pin]);
    assert!(refused.ended(2).stderr.contains("certificate:OLD,NEW"));
    for wrong in [
        &["--proof", "bearer", "--proof", "basic"][..],
        &["--proof", "off"],
        &["--proof", "header:X-Key", "--proof", "header:x-key"],
        &["--proof", "certificate:ab"],
    ] {
        set(wrong).ended(2);
    }
    let search = ["audit", "search", "--operation", "webhook.set", "--json"];
    let recorded = demo.run(&search).ended(0).stdout;
    assert!(recorded.contains("header:X-Key"), "{recorded}");
    assert!(!recorded.contains(&key), "{recorded}");
}

/// What the demo's inbox has verified of this number.
fn arrived(demo: &Demo, n: u32) -> bool {
    let inbox = call("GET", &demo.server.text("destination_url"), None, None);
    let all = inbox.body.as_array().unwrap().clone();
    all.iter().any(|one| one["payload"]["n"] == n)
}

#[test]
fn a_subscription_is_given_the_headers_of_other_proofs() {
    let demo = Demo::up();
    let control = demo.server.text("sandbox_control_url");
    let sends = |n: u32| {
        let told = json!({ "event_type": "email_opened", "lead_email": "ada@example.com",
            "fields": { "n": n } });
        call("POST", &format!("{control}/events"), None, Some(told));
        until(|| arrived(&demo, n));
    };
    let set = |proofs: &[&str]| {
        let set = ["webhook", "set", "demo", "--json"];
        demo.run(&[&set[..], proofs].concat())
    };
    let both = ["--proof", "header:X-Webhook-Secret", "--proof", "bearer"];
    for (n, proofs) in [
        &both[..],
        &["--proof", "bearer"],
        &["--proof", "header:X-Other", "--proof", "bearer"],
    ]
    .into_iter()
    .enumerate()
    {
        set(proofs).ended(0);
        sends(n as u32 + 1);
        let shown = demo.run(&["webhook", "show", "demo", "--json"]).ended(0);
        assert_eq!(shown.json()["there"]["secret_fits"], true, "{shown:?}");
    }
    let url = demo.server.text("source_url");
    assert_eq!(post(&url, &[], r#"{"event_type":"x"}"#), 401);
    // In between there would be no delivery that both hold for.
    let refused = set(&["--proof", "basic"]).ended(2);
    assert!(
        refused.stderr.contains("another header first"),
        "{refused:?}"
    );
    let refused = set(&["--proof", "hmac-hex:X-Sig"]).ended(2);
    assert!(refused.stderr.contains("never change"), "{refused:?}");
    let rotate = ["webhook", "rotate-secret", "demo", "--proof", "bearer"];
    demo.run(&rotate).ended(0);
    sends(9);
}
