//! The door with the store on disk behind it.

use std::sync::Arc;

use doorward_relay::events::Body;
use doorward_relay::receive::TakesEvents;
use doorward_relay::{EventReader, EventStore, StoreOptions};
use doorward_webhook::Way;
use secrecy::SecretString;

use crate::common::*;

fn key() -> SecretString {
    "an audit key of thirty-two bytes".into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_200_is_on_disk_and_once_however_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let options = StoreOptions {
        reserve: 0,
        ..StoreOptions::default()
    };
    let store = Arc::new(EventStore::open(&path, &key(), &options, NOW * 1_000).unwrap());
    let keys = store.keys();
    let taking: Arc<dyn TakesEvents> = Arc::new(Arc::clone(&store));
    let name = "X-Webhook-Secret".to_owned();
    let open = open(Setup {
        // Two subscriptions of one workspace.
        sources: vec![
            header_source(),
            source("all", 9, &[(Way::Header { name }, &[SECRET])]),
        ],
        store: Some((taking, keys)),
        ..Setup::default()
    })
    .await;
    let open = Arc::new(open);
    let mut senders = Vec::new();
    for sender in 0..16_u32 {
        let open = Arc::clone(&open);
        senders.push(tokio::spawn(async move {
            let mut client = open.connect().await;
            for n in 0..20 {
                // Each event by both sources, spelled in two ways.
                let event = sender / 2 * 20 + n;
                let (path, body) = if sender % 2 == 0 {
                    ("/in/crm", payload(event))
                } else {
                    let text = String::from_utf8(payload(event)).unwrap();
                    ("/in/all", text.replace(',', " ,\n ").into_bytes())
                };
                let request = post(path, &[&secret()], &body);
                assert_eq!(client.send(&request).await.status, 200);
            }
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
    let figures = open.door.figures();
    let of = |count: fn(&doorward_relay::receive::SourceFigures) -> u64| -> u64 {
        figures.iter().map(count).sum()
    };
    assert_eq!((of(|of| of.stored), of(|of| of.known)), (160, 160));
    // Read by another, while it is open: all of it is there.
    let events = EventReader::open(&path, &key())
        .unwrap()
        .after(0, 1_000, 1 << 20)
        .unwrap();
    assert_eq!(events.len(), 160);
    assert!(
        events
            .iter()
            .all(|event| matches!(event.body, Body::Whole(_)))
    );
    assert!(events.iter().all(|event| event.quarantined.is_none()));
}
