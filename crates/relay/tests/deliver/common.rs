//! What the tests have in common.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_relay::deliver::{
    Clock, DeliverOptions, DeliveryObserver, Destination, Dispatcher, Tried,
};
use doorward_relay::events::{EventId, EventKey, NewEvent, Origin};
use doorward_relay::{DeliveryState, EventStore, StoreOptions};
use doorward_webhook::{BreakerSettings, RetryPlan};
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const WORKSPACE: &str = "0198f000-0000-7000-8000-000000000001";

/// What a dispatcher told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) tried: Mutex<Vec<Tried>>,
    pub(crate) gone: Mutex<Vec<i64>>,
    pub(crate) breaker: Mutex<Vec<(i64, bool)>>,
    pub(crate) replayed: Mutex<Vec<i64>>,
}

impl DeliveryObserver for Told {
    fn tried(&self, tried: &Tried) {
        self.tried.lock().unwrap().push(tried.clone());
    }
    fn gone(&self, destination: i64) {
        self.gone.lock().unwrap().push(destination);
    }
    fn breaker(&self, destination: i64, open: bool) {
        self.breaker.lock().unwrap().push((destination, open));
    }
    fn replayed(&self, _: i64, replay: i64) {
        self.replayed.lock().unwrap().push(replay);
    }
}

/// A store, a dispatcher, and a clock that moves when it is told to.
pub(crate) struct Relay {
    pub(crate) store: Arc<EventStore>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) told: Arc<Told>,
    clock: Arc<AtomicI64>,
    // Dropped last.
    _folder: Option<TempDir>,
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut DeliverOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        Self {
            _folder: Some(folder),
            ..Self::at(&path, set)
        }
    }

    pub(crate) fn at(path: &Path, set: impl FnOnce(&mut DeliverOptions)) -> Self {
        let options = StoreOptions {
            reserve: 0,
            ..StoreOptions::default()
        };
        let key = "an audit key of thirty-two bytes".into();
        let store = Arc::new(EventStore::open(path, &key, &options, NOW).unwrap());
        let clock = Arc::new(AtomicI64::new(NOW));
        let told = Arc::new(Told::default());
        let mut options = DeliverOptions {
            clock: Clock::new({
                let clock = Arc::clone(&clock);
                move || clock.load(Ordering::SeqCst)
            }),
            observer: Arc::clone(&told) as Arc<dyn DeliveryObserver>,
            grace: Duration::from_secs(5),
            ..DeliverOptions::default()
        };
        set(&mut options);
        Self {
            dispatcher: Dispatcher::new(Arc::clone(&store), options),
            store,
            told,
            clock,
            _folder: None,
        }
    }

    /// Time goes on, and everybody looks at the clock.
    pub(crate) fn later(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.clock.fetch_add(by, Ordering::SeqCst);
        self.dispatcher.look();
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn set(&self, destinations: Vec<Destination>) {
        let all: Vec<_> = destinations.into_iter().map(Arc::new).collect();
        assert_eq!(self.dispatcher.set(&all), []);
    }

    pub(crate) async fn take(&self, payload: &str) -> EventId {
        self.take_of(payload, None).await
    }

    pub(crate) async fn take_of(&self, payload: &str, lead: Option<&str>) -> EventId {
        let new = event(&self.store, payload, lead, self.now());
        self.store.take(new).await.unwrap().id()
    }

    /// Waits until what came of deliveries is as it should be.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&EventStore) -> bool) {
        let since = Instant::now();
        while !is(&self.store) {
            assert!(since.elapsed() < Duration::from_secs(30), "never: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn until_cursor(&self, destination: i64, seq: i64) {
        self.until("the cursor is there", |store| {
            store.reader().cursor(destination).unwrap() >= Some(seq)
        })
        .await;
    }
}

pub(crate) fn event(
    store: &EventStore,
    payload: &str,
    lead: Option<&str>,
    received_ms: i64,
) -> NewEvent {
    NewEvent {
        key: EventKey::new(store.keys().of_bytes(WORKSPACE, payload.as_bytes())),
        source: 1,
        workspace: WORKSPACE.to_owned(),
        event_type: "reply_received".to_owned(),
        campaign: None,
        lead: lead.map(str::to_owned),
        event_ms: None,
        received_ms,
        origin: Origin::Webhook,
        quarantined: None,
        body: Bytes::from(payload.to_owned()),
    }
}

/// A destination of this machine, which gets every event there is.
pub(crate) fn destination(number: i64, url: http::Uri) -> Destination {
    Destination {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        begin_after: Some(0),
        timeout: Duration::from_secs(5),
        plan: RetryPlan {
            waits: vec![5, 300],
            jitter_percent: 0,
        },
        breaker: BreakerSettings {
            failures: 1_000,
            ..BreakerSettings::default()
        },
        ..Destination::new(number, "crm", url)
    }
}

/// How the deliveries of an event stand, by destination.
pub(crate) fn state(store: &EventStore, destination: i64, seq: i64) -> Option<DeliveryState> {
    let found = store.reader().deliveries_of(seq).unwrap();
    let mut of = found
        .iter()
        .filter(|one| one.lane.destination == destination);
    of.find(|one| one.lane.replay == 0).map(|one| one.state)
}
