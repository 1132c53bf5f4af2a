//! Connections to the proxy that have not shown its credential yet. Any user of the machine can open
//! them, so that they have little room and little time, and take none of the command's.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

/// Most of them at once; one more, and the one that has waited longest goes.
pub(super) const STRANGERS: usize = 32;
/// Time to show the credential.
const WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Stranger,
    Known,
    SentAway,
}

/// Who has not shown the credential, the longest wait first.
#[derive(Default)]
pub(super) struct Strangers(Mutex<VecDeque<Arc<Guest>>>);

/// One connection.
pub(super) struct Guest {
    standing: watch::Sender<Standing>,
    /// Among the command's own, once it is one of them.
    place: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Strangers {
    /// Takes one more in.
    pub(super) fn enter(&self) -> Arc<Guest> {
        let guest = Arc::new(Guest {
            standing: watch::Sender::new(Standing::Stranger),
            place: Mutex::default(),
        });
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Arc::clone(&guest));
        if waiting.len() > STRANGERS
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.standing.send_replace(Standing::SentAway);
        }
        guest
    }

    /// It showed the credential, or is gone.
    pub(super) fn leave(&self, guest: &Arc<Guest>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|other| !Arc::ptr_eq(other, guest));
    }
}

impl Guest {
    /// Whether it showed the credential before.
    pub(super) fn is_known(&self) -> bool {
        *self.standing.borrow() == Standing::Known
    }

    /// It showed the credential.
    pub(super) fn know(&self) {
        self.standing.send_replace(Standing::Known);
    }

    /// Gives it a place among the command's own, for as long as it lasts.
    pub(super) fn seat(&self, place: OwnedSemaphorePermit) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Done when it has to go: it had its time, or made room. Never once it is known.
    pub(super) async fn must_go(&self) {
        let mut standing = self.standing.subscribe();
        let settled = standing.wait_for(|standing| *standing != Standing::Stranger);
        let known = match timeout(WITHIN, settled).await {
            Ok(Ok(standing)) => *standing == Standing::Known,
            Ok(Err(_)) | Err(_) => false,
        };
        if known {
            pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stranger_goes_in_time_or_for_a_newer_one_and_who_is_known_stays() {
        let strangers = Strangers::default();
        let first = strangers.enter();
        let known = strangers.enter();
        known.know();
        strangers.leave(&known);
        let more: Vec<_> = (0..STRANGERS).map(|_| strangers.enter()).collect();
        // It made room, at once.
        timeout(Duration::from_millis(1), first.must_go())
            .await
            .unwrap();
        let newest = more.last().unwrap();
        let early = timeout(WITHIN - Duration::from_secs(1), newest.must_go());
        assert!(early.await.is_err());
        timeout(WITHIN, newest.must_go()).await.unwrap();
        assert!(timeout(WITHIN * 10, known.must_go()).await.is_err());
    }
}
