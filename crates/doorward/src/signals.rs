//! The signals that end or reload a server.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// The signals that tell the process to end: SIGTERM and SIGINT.
pub(crate) struct Endings {
    terminate: Signal,
    interrupt: Signal,
}

impl Endings {
    /// Listens from now on, not only when it is awaited, so that a signal that comes while things
    /// are being set up counts.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Done when the process is told to end once more.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Listens for SIGHUP.
///
/// # Errors
/// When the system lets nobody listen.
pub(crate) fn hang_ups() -> Result<Signal, Failure> {
    listen(SignalKind::hangup())
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format_args!("can't wait for signals: {error}")))
}
