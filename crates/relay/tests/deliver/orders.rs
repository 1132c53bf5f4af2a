//! The events of a lead, one after the other.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use doorward_relay::deliver::Destination;

use crate::common::{Relay, destination, state};
use crate::server::{Reply, Server};
use doorward_relay::DeliveryState::{Delivered, Held, Retry};

fn lead_of(text: &str) -> &str {
    text.split('/').next().unwrap()
}

/// What a destination accepted, by lead.
fn accepted(server: &Server, refused: &[usize]) -> HashMap<String, Vec<u64>> {
    let mut by_lead: HashMap<String, Vec<u64>> = HashMap::new();
    for (number, one) in server.arrived().iter().enumerate() {
        if !refused.contains(&number) {
            let text = one.text();
            let n = text.split('/').nth(1).unwrap().parse().unwrap();
            by_lead
                .entry(lead_of(&text).to_owned())
                .or_default()
                .push(n);
        }
    }
    by_lead
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_waits_those_after_it_are_held_and_other_leads_go_on() {
    let server = Server::new(|_, request| match request.text().as_str() {
        "ann/1" if request.headers["webhook-timestamp"] == "1800000000" => Reply::Status(503),
        _ => Reply::Status(200),
    })
    .await;
    let relay = Relay::new();
    relay.set(vec![Destination {
        in_order: true,
        ..destination(1, server.url())
    }]);
    for text in ["ann/1", "ann/2", "bob/1", "ann/3", "bob/2"] {
        let lead = format!("{}@example.com", lead_of(text));
        relay.take_of(text, Some(&lead)).await;
    }
    relay.until_cursor(1, 5).await;
    let states: Vec<_> = (1..=5)
        .map(|seq| state(&relay.store, 1, seq).unwrap())
        .collect();
    assert_eq!(states, [Retry, Held, Delivered, Held, Delivered]);
    // One that comes now is held too.
    relay.take_of("ann/4", Some("ann@example.com")).await;
    relay.until_cursor(1, 6).await;
    assert_eq!(state(&relay.store, 1, 6), Some(Held));
    relay.later(Duration::from_secs(5));
    relay
        .until("all have arrived", |store| {
            (1..=6).all(|seq| state(store, 1, seq) == Some(Delivered))
        })
        .await;
    let found = accepted(&server, &[0]);
    assert_eq!(found["ann"], [1, 2, 3, 4]);
    assert_eq!(found["bob"], [1, 2]);
}

/// Many leads, a destination that refuses often, a relay that is stopped in the middle: each lead's
/// events are accepted in their order.
#[tokio::test(flavor = "multi_thread")]
async fn the_order_holds_whatever_fails() {
    let refused = std::sync::Arc::new(Mutex::new(Vec::new()));
    let server = Server::new({
        let refused = std::sync::Arc::clone(&refused);
        move |number, _| {
            if number % 7 == 3 || number % 11 == 5 {
                refused.lock().unwrap().push(number);
                return Reply::Later(Duration::from_millis(number as u64 % 5), 500);
            }
            Reply::Later(Duration::from_millis(number as u64 % 3), 200)
        }
    })
    .await;
    let relay = Relay::new();
    let of = |version| Destination {
        in_order: true,
        version,
        plan: doorward_webhook::RetryPlan {
            waits: vec![1; 30],
            jitter_percent: 0,
        },
        ..destination(1, server.url())
    };
    relay.set(vec![of(1)]);
    const LEADS: u64 = 9;
    const EACH: u64 = 40;
    for n in 1..=EACH {
        for lead in 0..LEADS {
            let address = format!("l{lead}@example.com");
            relay.take_of(&format!("l{lead}/{n}"), Some(&address)).await;
        }
        if n % 5 == 0 {
            relay.later(Duration::from_secs(1));
        }
        if n == EACH / 2 {
            relay.set(vec![of(2)]);
        }
    }
    let all = (LEADS * EACH) as i64;
    for _ in 0..10_000 {
        let backlog = relay.store.reader().backlog(1).unwrap().unwrap();
        if backlog.cursor == all && backlog.retry + backlog.held == 0 {
            break;
        }
        relay.later(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = refused.lock().unwrap().clone();
    assert!(refused.len() > 50, "{}", refused.len());
    let found = accepted(&server, &refused);
    assert_eq!(found.len() as u64, LEADS);
    for (lead, order) in found {
        assert_eq!(order, (1..=EACH).collect::<Vec<_>>(), "{lead}");
    }
    assert!(
        server.most.load(Ordering::SeqCst) > 1,
        "leads go side by side"
    );
}
