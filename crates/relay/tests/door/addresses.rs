//! Where deliveries come from: networks that are allowed, proxies that are believed, strangers.

use doorward_relay::receive::DoorLimits;

use crate::common::*;

#[tokio::test]
async fn only_from_networks_that_are_allowed() {
    let mut inside = header_source();
    inside.allow = vec!["203.0.113.0/24".parse().unwrap()];
    let from = |address: &str| {
        let line = format!("X-Forwarded-For: {address}");
        post("/in/crm", &[&secret(), &line], &payload(1))
    };
    // Behind a proxy that is believed, and one that is not.
    for (trusted, allowed) in [(vec!["127.0.0.0/8"], true), (vec!["10.0.0.0/8"], false)] {
        let open = open(Setup {
            trusted,
            sources: vec![inside.clone()],
            ..Setup::default()
        })
        .await;
        let status = if allowed { 200 } else { 401 };
        assert_eq!(open.send(&from("203.0.113.9")).await.status, status);
        assert_eq!(open.send(&from("198.51.100.9")).await.status, 401);
        // What the sender itself claims is before what the proxy wrote.
        assert_eq!(
            open.send(&from("203.0.113.9, 198.51.100.9")).await.status,
            401
        );
        assert_eq!(open.send(&proved(&payload(1))).await.status, 401);
        assert_eq!(open.refused("network"), if allowed { 3 } else { 4 });
    }
}

#[tokio::test]
async fn who_fails_too_often_waits_and_nobody_else_does() {
    let limits = DoorLimits {
        failures: 3,
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        trusted: vec!["127.0.0.0/8"],
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let from = |address: &str, lines: &[&str]| {
        let line = format!("X-Forwarded-For: {address}");
        post("/in/crm", &[&[line.as_str()], lines].concat(), &payload(1))
    };
    let mut statuses = Vec::new();
    for host in 1..=4 {
        let request = from(&format!("2001:db8:0:1::{host}"), &[]);
        statuses.push(open.send(&request).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429], "one network is one sender");
    assert_eq!(open.send(&from("2001:db8:0:2::1", &[])).await.status, 401);
    // From the same address, what proves itself is taken.
    let right = secret();
    assert_eq!(
        open.send(&from("2001:db8:0:1::5", &[&right])).await.status,
        200
    );
    // What would have to be read first may be what it says: it is to come again.
    let line = "X-Forwarded-For: 2001:db8:0:1::6";
    let body = payload(2);
    let signed = post("/in/git", &[line, &signature(&body)], &body);
    assert_eq!(open.send(&signed).await.status, 503);
    let other = post(
        "/in/git",
        &["X-Forwarded-For: 2001:db8::1", &signature(&body)],
        &body,
    );
    assert_eq!(open.send(&other).await.status, 200);
}
