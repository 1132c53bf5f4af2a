//! What clients used of their day, kept over a restart.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_gateway::Uses;
use doorward_store::Store;
use tokio::time::{MissedTickBehavior, interval};

use crate::admin::{AdminError, now};

/// How often uses are saved. After a crash what was used since is forgotten.
const EVERY: Duration = Duration::from_secs(3);

/// The uses of today as a run before saved them. Blocks.
///
/// # Errors
/// When the store can't be read.
pub(super) fn restored(store: &Arc<dyn Store>) -> Result<Arc<Uses>, AdminError> {
    let uses = Uses::default();
    uses.restore(store.client_uses(Uses::day(now()))?);
    Ok(Arc::new(uses))
}

/// Saves uses until `end` is done, and then what is left.
pub(super) async fn keep(uses: Arc<Uses>, store: Arc<dyn Store>, end: impl Future<Output = ()>) {
    let mut end = pin!(end);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => save(&uses, &store).await,
        }
    }
    save(&uses, &store).await;
}

async fn save(uses: &Arc<Uses>, store: &Arc<dyn Store>) {
    let changed = uses.changed();
    if changed.is_empty() {
        return;
    }
    let (uses, store) = (Arc::clone(uses), Arc::clone(store));
    let saved = tokio::task::spawn_blocking(move || {
        let saved = store.save_client_uses(&changed);
        if saved.is_err() {
            uses.unsaved(&changed);
        }
        saved
    });
    match saved.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the uses of clients could not be saved"),
        Err(error) => tracing::warn!(%error, "saving the uses of clients failed"),
    }
}
