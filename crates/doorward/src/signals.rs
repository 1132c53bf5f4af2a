//! The signals that end or reload a server.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// Done when the process is told to end, by SIGTERM or SIGINT. It listens from the call on, not
/// only when it is awaited, so that a signal that comes while things are being set up counts.
///
/// # Errors
/// When the system lets nobody listen.
pub(crate) fn ended() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Listens for SIGHUP.
///
/// # Errors
/// When the system lets nobody listen.
pub(crate) fn hang_ups() -> Result<tokio::signal::unix::Signal, Failure> {
    listen(SignalKind::hangup())
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format_args!("can't wait for signals: {error}")))
}
