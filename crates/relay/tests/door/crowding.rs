//! More connections than there is room for, and what is under way when the door closes.

use std::sync::Arc;
use std::time::Duration;

use doorward_relay::receive::DoorLimits;
use tokio::time::timeout;

use crate::common::*;

#[tokio::test]
async fn who_sends_nothing_keeps_nobody_out() {
    let limits = DoorLimits {
        connections: 2,
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    let mut idle = open.connect().await;
    assert_eq!(idle.send(&proved(&payload(0))).await.status, 200);
    let mut slow = open.connect().await;
    slow.write(b"POST /in/crm HTT").await;
    let mut newcomers = Vec::new();
    for n in 1..5 {
        let mut newcomer = open.connect().await;
        let answer = timeout(LONG, newcomer.send(&proved(&payload(n)))).await;
        assert_eq!(answer.unwrap().status, 200);
        newcomers.push(newcomer);
    }
    assert!(idle.is_closed().await && slow.is_closed().await);
}

#[tokio::test]
async fn few_bodies_are_read_without_proof() {
    let limits = DoorLimits {
        unproved: 2,
        unproved_wait: Duration::from_millis(50),
        ..DoorLimits::default()
    };
    let open = open(Setup {
        limits,
        trusted: vec!["127.0.0.0/8"],
        sources: vec![header_source(), signed_source()],
        ..Setup::default()
    })
    .await;
    let body = payload(1);
    let request = post("/in/git", &[&signature(&body)], &body);
    let mut waiting = Vec::new();
    // Behind a proxy: of one address there is one at a time, a part of two.
    let from = |address: &str| {
        post(
            "/in/git",
            &[&signature(&body), &format!("X-Forwarded-For: {address}")],
            &body,
        )
    };
    for address in ["203.0.113.1", "203.0.113.2"] {
        let mut client = open.connect().await;
        let request = from(address);
        client.write(&request[..request.len() - 5]).await;
        while open.send(&from(address)).await.status != 503 {}
        waiting.push(client);
    }
    assert_eq!(
        open.send(&from("203.0.113.3")).await.status,
        503,
        "all turns are taken"
    );
    // Who proves itself by its head is not among them.
    assert_eq!(open.send(&proved(&payload(2))).await.status, 200);
    for mut client in waiting {
        assert_eq!(client.send(&request[request.len() - 5..]).await.status, 200);
    }
    assert_eq!(open.send(&request).await.status, 200);
}

#[tokio::test]
async fn what_is_under_way_is_finished_when_the_door_closes() {
    let open = open(Setup::default()).await;
    open.kept.hold.send_replace(true);
    let mut client = open.connect().await;
    client.write(&proved(&payload(1))).await;
    let kept = Arc::clone(&open.kept);
    // Until the event is with the store.
    timeout(LONG, async {
        while kept.hold.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let address = open.address;
    let closing = tokio::spawn(open.close());
    timeout(LONG, async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    kept.hold.send_replace(false);
    assert_eq!(client.read().await.status, 200);
    let (kept, told) = closing.await.unwrap();
    assert_eq!(kept.only().body, payload(1));
    let told = told.0.lock().unwrap();
    assert_eq!(told.iter().map(|minute| minute.stored).sum::<u64>(), 1);
}

#[tokio::test]
async fn an_event_is_stored_and_counted_although_its_sender_left() {
    let open = open(Setup::default()).await;
    open.kept.hold.send_replace(true);
    let mut client = open.connect().await;
    client.write(&proved(&payload(1))).await;
    timeout(LONG, async {
        while open.kept.hold.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    drop(client);
    open.kept.hold.send_replace(false);
    timeout(LONG, async {
        while open.door.figures()[0].stored == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(open.kept.only().body, payload(1));
}
