//! How far the end of a server is.

use tokio::sync::watch;

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Running,
    /// Whoever asks is told that it ends.
    Leaving,
    /// No new calls; those under way finish.
    Draining,
    /// All else ends.
    Ending,
}

/// Waits until that is reached.
pub(super) async fn reached(mut stage: watch::Receiver<Stage>, wanted: Stage) {
    // With nobody left to say so, the end is here too.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}
