//! The signals that end or reload a server.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::exit::Failure;

/// Signals that come within this time of the first say the same.
pub(crate) const SAME_WORD: Duration = Duration::from_secs(1);

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

    /// Done when the process is told to end once more, and that is not the same word twice: a
    /// terminal or a supervisor tells the whole group, and whoever started us passes it on.
    pub(crate) async fn again(&mut self, same_within: Duration) {
        let same = async {
            loop {
                self.next().await;
            }
        };
        // It never ends by itself.
        let _: Result<(), _> = timeout(same_within, same).await;
        self.next().await;
    }

    /// Done when the process is told to end.
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

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_same_word_twice_is_said_once() {
        let mut endings = Endings::listen().unwrap();
        let tell = || kill_process(getpid(), Signal::TERM).unwrap();
        tell();
        endings.next().await;
        let (start, within) = (Instant::now(), Duration::from_millis(100));
        tell();
        let later = tokio::spawn(async move {
            tokio::time::sleep(within * 3 / 2).await;
            kill_process(getpid(), Signal::TERM).unwrap();
        });
        endings.again(within).await;
        assert!(start.elapsed() >= within, "it was the same word");
        later.await.unwrap();
    }
}
