//! What did not come is fetched back from an emulated Instantly.

#![cfg(test)]

use std::sync::Arc;

use doorward_relay::events::{Origin, Taken};
use doorward_relay::intake::{Intake, Of};
use doorward_relay::reconcile::{Reconciled, Span, Subscribed, fill, rebuild};
use doorward_relay::{EventFilter, EventStore, Order, StoreOptions};
use doorward_sandbox::{Running, Sandbox};
use doorward_upstream::Client;
use doorward_upstream::resources::NewWebhook;
use serde_json::{Value, json};

const DAY: i64 = 86_400_000;

struct Stage {
    running: Running,
    client: Client,
    store: Arc<EventStore>,
    source: Subscribed,
    _folder: tempfile::TempDir,
}

/// A subscription to everything that leads to where nobody listens.
async fn stage() -> Stage {
    let sandbox = Sandbox::builder().seed(1).build().unwrap();
    let running = sandbox.spawn("127.0.0.1:0").await.unwrap();
    running.sandbox.set(|settings| {
        settings.webhook_failures = 100_000;
        settings.webhook_clock_factor = 0.0;
        settings.rate_limits = false;
    });
    let summary = running.sandbox.summary(&running.url);
    let workspace = &summary.workspaces[0];
    let client = Client::builder()
        .base_url(&running.url)
        .key(workspace.keys[0].key.clone().into())
        .build()
        .unwrap();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in/src_1", nobody.local_addr().unwrap());
    drop(nobody);
    let new = NewWebhook {
        target_hook_url: url.clone(),
        event_type: Some("all_events".to_owned()),
        ..NewWebhook::default()
    };
    client.webhooks().create(&new).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = "0123456789abcdef0123456789abcdef".to_owned().into();
    let path = folder.path().join("relay.db");
    let store = EventStore::open(&path, &key, &StoreOptions::default(), 0).unwrap();
    Stage {
        source: Subscribed {
            source: 1,
            workspace: workspace.id.clone(),
            url,
            event: Some("all_events".to_owned()),
            campaign: None,
        },
        running,
        client,
        store: Arc::new(store),
        _folder: folder,
    }
}

impl Stage {
    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let target = format!("/_sandbox/{path}");
        let answer = self
            .running
            .sandbox
            .control(method, &target, body.to_string().as_bytes());
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn tell(&self, count: u32, lead: &str) {
        for n in 0..count {
            let lead = format!("{n}.{lead}");
            let told =
                json!({ "event_type": "email_opened", "lead_email": lead, "fields": { "n": n } });
            self.control("POST", "events", &told);
        }
    }

    /// Waits until every try was made and recorded.
    async fn settled(&self) {
        while self.control("GET", "deliveries", &json!({}))["pending"] != 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    fn span(&self) -> Span {
        let now = self.running.sandbox.now();
        Span {
            from_ms: now - DAY,
            to_ms: now + DAY,
        }
    }

    async fn fill(&self) -> Reconciled {
        let now = self.running.sandbox.now();
        fill(
            &self.store,
            &self.client,
            &self.source,
            self.span(),
            || now,
            |_| {},
        )
        .await
        .unwrap()
    }

    fn stored(&self) -> Vec<doorward_relay::events::Event> {
        let reader = self.store.reader();
        let all = EventFilter::default();
        reader
            .list(&all, Order::OldestFirst, None, 1_000, true)
            .unwrap()
            .events
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_never_came_is_taken_in_once() {
    let stage = stage().await;
    stage.tell(300, "lead@example.com");
    stage.settled().await;
    let found = stage.fill().await;
    assert_eq!((found.recovered, found.received), (300, 0), "{found:?}");
    // Each was tried several times.
    assert!(
        found.tries >= 600 && found.whole && found.unrecoverable == 0,
        "{found:?}"
    );
    let stored = stage.stored();
    assert_eq!(stored.len(), 300);
    assert!(stored.iter().all(|event| {
        event.origin == Origin::Backfill && event.event_type == "email_opened" && event.source == 1
    }));
    let again = stage.fill().await;
    assert_eq!((again.recovered, again.received), (0, 300));
    assert_eq!(stage.stored().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_itself_meanwhile_is_the_same_event() {
    let stage = stage().await;
    stage.tell(50, "lead@example.com");
    stage.settled().await;
    // The same deliveries come in, spelled otherwise, while they are fetched.
    let rows = stage
        .client
        .webhook_events()
        .list(&Default::default())
        .all(10_000)
        .await
        .unwrap();
    let mine = rows
        .iter()
        .filter(|row| row.webhook_url == stage.source.url);
    let payloads: Vec<String> = mine
        .filter_map(|row| serde_json::to_string_pretty(row.payload.as_ref()?).ok())
        .collect();
    assert!(payloads.len() >= 50);
    let arriving = {
        let store = Arc::clone(&stage.store);
        let workspace = stage.source.workspace.clone();
        tokio::spawn(async move {
            let mut intake = Intake::new(store.keys(), 1_000_000);
            let mut stored = 0;
            for payload in payloads {
                let of = Of {
                    source: 1,
                    workspace: &workspace,
                };
                let event = intake.event(of, payload.into(), 5, Origin::Webhook);
                stored += u64::from(matches!(store.take(event).await, Ok(Taken::Stored(_))));
            }
            stored
        })
    };
    let found = stage.fill().await;
    let came = arriving.await.unwrap();
    assert_eq!(found.recovered + came, 50, "{found:?}");
    assert_eq!(found.recovered + found.received, 50);
    assert_eq!(stage.stored().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_to_others_and_of_other_days_are_left_alone() {
    let stage = stage().await;
    stage.tell(5, "lead@example.com");
    stage.settled().await;
    let now = stage.running.sandbox.now();
    let early = Span {
        from_ms: now - 3 * DAY,
        to_ms: now - 2 * DAY,
    };
    let found = fill(
        &stage.store,
        &stage.client,
        &stage.source,
        early,
        || now,
        |_| {},
    )
    .await
    .unwrap();
    assert_eq!((found.tries, found.recovered), (0, 0));
    let other = Subscribed {
        url: "http://127.0.0.1:1/in/src_2".to_owned(),
        ..stage.source.clone()
    };
    let found = fill(
        &stage.store,
        &stage.client,
        &other,
        stage.span(),
        || now,
        |_| {},
    )
    .await
    .unwrap();
    assert_eq!((found.tries, found.recovered), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_of_a_time_in_which_nothing_was_recorded_are_made_of_e_mails() {
    let stage = stage().await;
    // The subscription is off: what happens now is sent and recorded nowhere.
    let hooks = stage
        .client
        .webhooks()
        .list(&Default::default())
        .all(100)
        .await
        .unwrap();
    for hook in hooks {
        stage.client.webhooks().delete(&hook.id).await.unwrap();
    }
    let campaigns: Value = {
        let call = doorward_upstream::Call::new(doorward_catalog::Op::ListCampaign);
        stage.client.send(&call).await.unwrap().json().unwrap()
    };
    let campaign = campaigns["items"][0]["id"].as_str().unwrap().to_owned();
    let leads: Value = {
        let call = doorward_upstream::Call::new(doorward_catalog::Op::ListLeads);
        let call = call
            .json(&json!({ "campaign": campaign, "limit": 3 }))
            .unwrap();
        stage.client.send(&call).await.unwrap().json().unwrap()
    };
    let lead = leads["items"][0]["email"].as_str().unwrap().to_owned();
    let before = stage.running.sandbox.now();
    let happening = json!({
        "what": "replied", "campaign": campaign, "lead_email": lead,
        "fields": { "reply_text": "Yes, please." },
    });
    let happened = stage.control("POST", "happenings", &happening);
    assert!(happened.get("error").is_none(), "{happened}");
    let span = Span {
        from_ms: before - 1_000,
        to_ms: stage.running.sandbox.now() + 60_000,
    };
    let found = rebuild(&stage.store, &stage.client, &stage.source, span, || before)
        .await
        .unwrap();
    assert_eq!(found.reconstructed, 1, "{found:?}");
    let stored = stage.stored();
    assert_eq!((stored.len(), stored[0].origin), (1, Origin::Reconstructed));
    let body: Value = serde_json::from_slice(stored[0].body.bytes().unwrap()).unwrap();
    assert_eq!(
        (
            &body["event_type"],
            &body["lead_email"],
            &body["reconstructed"]
        ),
        (&json!("reply_received"), &json!(lead), &json!(true))
    );
    let again = rebuild(&stage.store, &stage.client, &stage.source, span, || before)
        .await
        .unwrap();
    assert_eq!((again.reconstructed, stage.stored().len()), (0, 1));
}
