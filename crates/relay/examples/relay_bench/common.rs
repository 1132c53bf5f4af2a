//! Events, callers, and percentiles.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_relay::events::{EventKey, NewEvent, Origin};
use doorward_relay::{EventStore, StoreOptions};
use tokio::runtime::Runtime;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A reply with its text.
const EVENT_BYTES: usize = 1_500;
/// Leads that the events are about.
const LEADS: i64 = 50_000;
const WORKSPACE: &str = "0198f000-0000-7000-8000-000000000001";

pub(crate) fn open(path: &Path) -> Result<EventStore, Failure> {
    let key = "an audit key of thirty-two bytes".into();
    Ok(EventStore::open(
        path,
        &key,
        &StoreOptions::default(),
        now_ms(),
    )?)
}

pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn payload(n: i64) -> String {
    let lead = n % LEADS;
    let head = format!(
        "{{\"event_type\":\"reply_received\",\"workspace\":\"{WORKSPACE}\",\"n\":{n},\
         \"lead_email\":\"lead{lead}@example.com\",\"reply_text\":\""
    );
    let pad = "x".repeat(EVENT_BYTES.saturating_sub(head.len() + 2));
    format!("{head}{pad}\"}}")
}

pub(crate) fn event(store: &EventStore, n: i64, received_ms: i64) -> NewEvent {
    let payload = payload(n);
    let key = store.keys().of_bytes(WORKSPACE, payload.as_bytes());
    NewEvent {
        key: EventKey::new(key),
        source: 1,
        workspace: WORKSPACE.to_owned(),
        event_type: "reply_received".to_owned(),
        campaign: Some("0198f000-0000-7000-8000-00000000000c".to_owned()),
        lead: Some(format!("lead{}@example.com", n % LEADS)),
        event_ms: Some(received_ms),
        received_ms,
        origin: Origin::Webhook,
        quarantined: None,
        body: Bytes::from(payload),
    }
}

pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(2).enable_all().build()?)
}

/// What so many callers came to.
pub(crate) struct Rate {
    pub(crate) a_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Processor time of this program an event, which tells more than the rate on a machine that
    /// does other things too.
    pub(crate) processor_us: f64,
}

impl Rate {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "per_second": self.a_second.round(),
            "p50_ms": (self.p50_ms * 1e3).round() / 1e3,
            "p99_ms": (self.p99_ms * 1e3).round() / 1e3,
            "processor_us": (self.processor_us * 10.0).round() / 10.0,
        })
    }
}

/// Has so many callers take events in for a while, one after the other each; at most so many a
/// second of all.
pub(crate) async fn callers(
    store: &Arc<EventStore>,
    next: &Arc<AtomicI64>,
    callers: u32,
    life: Duration,
    most: Option<f64>,
) -> Result<Rate, Failure> {
    let before = processor();
    let until = Instant::now() + life;
    let pause = most.map(|most| Duration::from_secs_f64(f64::from(callers) / most));
    let tasks = (0..callers).map(|caller| {
        let (store, next) = (Arc::clone(store), Arc::clone(next));
        tokio::spawn(async move {
            let mut took = Vec::new();
            if let Some(pause) = pause {
                tokio::time::sleep(pause * caller / callers).await;
            }
            while Instant::now() < until {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let event = event(&store, n, now_ms());
                let since = Instant::now();
                store.take(event).await?;
                took.push(since.elapsed());
                if let Some(pause) = pause {
                    tokio::time::sleep(pause.saturating_sub(since.elapsed())).await;
                }
            }
            Ok::<_, doorward_relay::events::TakeError>(took)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(Rate {
        processor_us: (processor() - before) * 1e6 / (all.len().max(1) as f64),
        a_second: all.len() as f64 / life.as_secs_f64(),
        p50_ms: percentile(&mut all, 0.5),
        p99_ms: percentile(&mut all, 0.99),
    })
}

/// In milliseconds.
pub(crate) fn percentile(all: &mut [Duration], part: f64) -> f64 {
    all.sort_unstable();
    let at = (all.len() as f64 * part) as usize;
    let found = all.get(at.min(all.len().saturating_sub(1)));
    found.map_or(0.0, |found| found.as_secs_f64() * 1e3)
}

/// Resident megabytes.
pub(crate) fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    (kilobytes.unwrap_or(0.0) / 102.4).round() / 10.0
}

/// Seconds of processor time that this program has used.
pub(crate) fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything; what follows is after its parenthesis.
    let fields = stat.rsplit(')').next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(12)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap_or(0.0));
    ticks.sum::<f64>() / 100.0
}
