//! A store with many events that nobody was sent: how it acknowledges, opens, and forgets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use doorward_relay::Retention;
use serde_json::{Value, json};

use crate::common::{Failure, callers, event, memory, now_ms, open, runtime};

pub(crate) fn measure(folder: &Path, events: i64, seconds: u64) -> Result<Value, Failure> {
    let file = folder.join("backlog.db");
    let life = Duration::from_secs(seconds);
    let runtime = runtime()?;
    let next = Arc::new(AtomicI64::new(events));
    let store = Arc::new(open(&file)?);
    runtime.block_on(store.begin(1, Some(0), now_ms()))?;
    let usual = runtime.block_on(callers(&store, &next, 64, life, None))?;
    let half = Some(usual.a_second / 2.0);
    let calm = runtime.block_on(callers(&store, &next, 64, life, half))?;
    // A day old, so that retention finds them.
    let old = now_ms() - 24 * 60 * 60 * 1_000;
    runtime.block_on(async {
        let tasks = (0..64).map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in (caller..events).step_by(64) {
                    store.take(event(&store, n, old)).await?;
                }
                Ok::<_, doorward_relay::events::TakeError>(())
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in tasks {
            task.await??;
        }
        Ok::<_, Failure>(())
    })?;
    drop(store);
    let since = Instant::now();
    let store = Arc::new(open(&file)?);
    let opened = since.elapsed();
    let full = runtime.block_on(callers(&store, &next, 64, life, None))?;
    let full_calm = runtime.block_on(callers(&store, &next, 64, life, half))?;
    let resident = memory();
    let limits = Retention {
        max_age_ms: 12 * 60 * 60 * 1_000,
        max_bytes: u64::MAX,
    };
    let (since, retaining) = (Instant::now(), {
        let store = Arc::clone(&store);
        runtime.spawn(async move { store.retain(limits, now_ms()).await })
    });
    let mut meanwhile = Vec::new();
    while !retaining.is_finished() {
        meanwhile.push(runtime.block_on(callers(&store, &next, 64, life, half))?);
    }
    let removed = runtime.block_on(retaining)??;
    let took = since.elapsed();
    let worst = meanwhile.iter().map(|rate| rate.p99_ms).fold(0.0, f64::max);
    Ok(json!({
        "events": events,
        "empty": usual.json(), "empty_at_half": calm.json(),
        "full": full.json(), "full_at_half": full_calm.json(),
        "opened_seconds": opened.as_secs_f64(),
        "rss_mb": resident,
        "retention": {
            "removed": removed.removed,
            "seconds": took.as_secs_f64().round(),
            "acknowledgement_p99_ms_at_worst": (worst * 100.0).round() / 100.0,
        },
    }))
}
