//! What time alone brings about: setups end, sessions are decided, tests run, enrichments finish.
//!
//! Nothing ticks. Whoever starts such a thing notes when it is due; the next call of the workspace
//! at or after that time finds it done, and so does whoever moves the clock and asks.

use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::{accounts, oauth, placement_run, supersearch_run};
use crate::world::World;

/// Notes that something is due at a time.
pub(crate) fn wake(cx: &mut Cx<'_>, at: Millis) {
    let due = &mut cx.ws().due;
    *due = Some(due.map_or(at, |due| due.min(at)));
}

/// Brings about what is due in the workspace. It costs one comparison when nothing is.
pub(crate) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now;
    if cx.ws().due.is_none_or(|due| due > now) {
        return;
    }
    // Each notes anew what it still waits for.
    cx.ws().due = None;
    accounts::settle(cx);
    oauth::settle(cx);
    placement_run::settle(cx);
    supersearch_run::settle(cx);
}

/// The same in every workspace.
pub(crate) fn settle_world(world: &mut World) {
    let now = world.now();
    let due: Vec<String> = world
        .workspaces
        .iter()
        .filter(|(_, workspace)| workspace.due.is_some_and(|due| due <= now))
        .map(|(id, _)| id.clone())
        .collect();
    for workspace in due {
        settle(&mut Cx {
            world: &mut *world,
            workspace,
            key_id: None,
            now,
        });
    }
}
