//! The task that delivers: it waits for events and for tries that are due, and makes them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::plan::{Request, Try};
use crate::ops::due;
use crate::sandbox::Shared;

/// Tries under way at a time.
const MOST_UNDER_WAY: usize = 64;
/// The longest sleep; a clock can be set by other means than the control API.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Delivers until told to stop. Tries under way are then left to end by themselves.
pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        let (tries, generation, wait) = ready(&shared);
        for (one, request) in tries {
            tokio::spawn(attempt(Arc::clone(&shared), one, request, generation));
        }
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
    }
}

/// The tries that are due, and how long there will be no other.
fn ready(shared: &Shared) -> (Vec<(Try, Request)>, u64, Duration) {
    let mut core = shared.lock();
    let core = &mut *core;
    due::settle_world(&mut core.world);
    core.queue.fill(&mut core.world);
    let free = MOST_UNDER_WAY.saturating_sub(core.queue.under_way);
    let tries = core.queue.take(&core.world, free);
    let wait = match core.queue.next_due() {
        Some(due) if !core.world.clock.is_frozen() => {
            let millis = due.saturating_sub(core.world.clock.now());
            match u64::try_from(millis) {
                // What is due and was not taken waits for one under way to end, which wakes.
                Ok(0) | Err(_) => SLEEP_MAX,
                Ok(millis) => Duration::from_millis(millis).min(SLEEP_MAX),
            }
        }
        _ => SLEEP_MAX,
    };
    (tries, core.generation, wait)
}

async fn attempt(shared: Arc<Shared>, one: Try, request: Request, generation: u64) {
    let timeout = {
        let core = shared.lock();
        Duration::from_millis(core.world.settings.webhook_timeout_ms.into())
    };
    let sent = shared
        .sender
        .send(&request.url, &request.headers, &request.payload, timeout);
    let outcome = sent.await;
    {
        let mut core = shared.lock();
        let core = &mut *core;
        // A world that was reset or loaded since knows nothing of this try.
        if core.generation == generation {
            let noted = one.noted(&request.url, &outcome, core.world.now());
            core.deliveries.note(noted);
            core.queue
                .conclude(&mut core.world, one, &request.url, &outcome);
            core.changes = core.changes.wrapping_add(1);
        }
    }
    shared.wake.notify_one();
}
