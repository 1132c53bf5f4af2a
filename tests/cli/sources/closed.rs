//! A source whose secret can't be read.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{exchange, parts, post};
use crate::events::Events;

#[test]
fn a_source_without_its_secret_asks_to_be_sent_to_again_until_it_can_be_read() {
    let events = Events::new();
    let secret = events.path().join(".doorward/secrets/of-hub");
    let create = [
        "webhook",
        "create",
        "hub",
        "--no-subscription",
        "--public-url",
        "https://hooks.example.com",
        "--to",
        "file:secrets/of-hub",
    ];
    let made = events.json(&create);
    let away = events.path().join("away");
    fs::rename(&secret, &away).unwrap();
    let value = fs::read_to_string(&away).unwrap();
    let server = events.relaying();
    let id = made["source"]["id"].as_str().unwrap();
    let url = format!("{}/in/{id}", server.text("relay_url"));
    let body = json!({ "event_type": "x" }).to_string();
    let headers = [("x-webhook-secret", value.trim_end())];

    let (address, path) = parts(&url);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = exchange(&mut stream, &path, &headers, &body).to_lowercase();
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert!(head.contains("retry-after:"), "{head}");
    // Who has nothing to show is told no more than that, and of no other source anything.
    assert_eq!(post(&url, &[], &body), 503);
    let other = url.replace(id, "src_nothing");
    assert_eq!(post(&other, &[], &body), 401);
    let log = fs::read_to_string(&server.log).unwrap();
    assert!(log.contains("hub") && !log.contains(value.trim_end()));

    // Nobody has to do anything but to bring it back.
    fs::rename(&away, &secret).unwrap();
    let began = Instant::now();
    while post(&url, &headers, &body) != 200 {
        assert!(began.elapsed() < Duration::from_secs(25), "it stays closed");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(post(&url, &[], &body), 401);
    // One that is lost while a server runs is gone on with as it was.
    fs::rename(&secret, &away).unwrap();
    events
        .run(&["webhook", "set", "hub", "--allow-any"])
        .ended(0);
    assert_eq!(post(&url, &headers, &body), 200);
    drop(server);
    let raised = events.recorded("alert.raised");
    let told = raised.iter().any(|one| one.to_string().contains("hub"));
    assert!(told, "{raised:?}");
}
