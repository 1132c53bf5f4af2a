//! What writes under idempotency keys are remembered by, and the forgetting of old ones.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_gateway::{Idempotency, IdempotencyFigures};
use doorward_secrets::Secrets;
use doorward_store::{IdempotencyStore, Store};
use tokio::time::{MissedTickBehavior, interval};

use crate::admin::{AdminError, now};
use crate::context::Context;
use crate::exit::Failure;
use crate::prometheus::Text;

/// How often what has expired is forgotten.
const EVERY: Duration = Duration::from_secs(60);

/// The memory, switched on or off. What an earlier run sent and never saw answered is noted as
/// unknown. Blocks.
///
/// # Errors
/// When the store or the audit key, which all is sealed under, can't be read.
pub(super) fn remembered(
    context: &Context,
    store: &Arc<dyn Store>,
    secrets: &Secrets,
) -> Result<Idempotency, Failure> {
    let config = &context.config.idempotency;
    // They are noted before they wait for their turn.
    let late = context.config.pace.settings.pace.max_wait;
    let interrupted = store
        .end_interrupted_writes(late)
        .map_err(AdminError::from)?;
    if interrupted > 0 {
        tracing::warn!(
            interrupted,
            "writes under idempotency keys were under way when the last run ended; they are not \
             sent again before it is known what became of them"
        );
    }
    let key = secrets
        .read(&context.audit_key()?)
        .map_err(Failure::usage)?;
    let store: Arc<dyn IdempotencyStore> = Arc::<dyn Store>::clone(store);
    let idempotency = Idempotency::new(store, &key, config.settings.clone());
    let idempotency = idempotency.map_err(Failure::failed)?;
    idempotency.switch(config.enabled);
    Ok(idempotency)
}

/// Shows how writes under idempotency keys have gone among the metrics.
pub(super) fn show(figures: &IdempotencyFigures, text: &mut Text) {
    let help = "Writes under idempotency keys that a call has in hand";
    text.gauge("idempotency_in_flight", help, &[], figures.in_flight);
    for (what, count) in [
        ("kept", figures.kept),
        ("not_kept", figures.not_kept),
        ("replayed", figures.replayed),
        ("outcome_unknown", figures.outcome_unknown),
        ("settled_done", figures.settled_done),
        ("settled_not_done", figures.settled_not_done),
    ] {
        let help = "Writes under idempotency keys, by what became of their answers";
        text.counter("idempotency_writes_total", help, &[("what", what)], count);
    }
}

/// Forgets what has expired, until `end` is done.
pub(super) async fn forget(store: Arc<dyn Store>, end: impl Future<Output = ()>) {
    let mut end = pin!(end);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => {}
        }
        let store = Arc::clone(&store);
        match tokio::task::spawn_blocking(move || store.prune_idempotency(now())).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(count)) => tracing::debug!(count, "old idempotency keys are forgotten"),
            Ok(Err(error)) => tracing::warn!(%error, "old idempotency keys can't be forgotten"),
        }
    }
}
