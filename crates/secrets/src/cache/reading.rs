//! Readings on threads of their own, since a provider can't be made to answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use super::Cache;
use crate::error::{Error, Result};
use crate::provider::Found;
use crate::reference::{Scheme, SecretRef};

/// Most readings under way, those included that nobody waits for any more.
const MOST: usize = 64;

/// The readings under way.
#[derive(Default)]
pub(super) struct Air(Arc<AtomicUsize>);

/// One that somebody waits for.
pub(super) struct Reading(mpsc::Receiver<Result<Found>>);

/// One of them, until it is dropped.
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Gives the outcome once, when it is dropped: a provider that panics gives trouble.
struct Landing<L: FnOnce(Result<Found>)> {
    land: Option<L>,
    outcome: Option<Result<Found>>,
    reference: SecretRef,
}

impl<L: FnOnce(Result<Found>)> Drop for Landing<L> {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            Err(Error::trouble(
                &self.reference,
                "the reading came to no end; this is a fault of Doorward",
            ))
        });
        if let Some(land) = self.land.take() {
            land(outcome);
        }
    }
}

impl Air {
    /// Reads on a thread of its own and gives the outcome to `land`.
    pub(super) fn read(
        &self,
        cache: &Arc<Cache>,
        reference: &SecretRef,
        land: impl FnOnce(Result<Found>) + Send + 'static,
    ) {
        let mut landing = Landing {
            land: Some(land),
            outcome: Some(Err(Error::trouble(
                reference,
                "too many secrets are being read at once; their providers give no answers",
            ))),
            reference: reference.clone(),
        };
        let Some(seat) = self.seat() else {
            return;
        };
        let why = "no thread can be started to read it";
        landing.outcome = Some(Err(Error::trouble(reference, why)));
        let cache = Arc::clone(cache);
        let started = thread::Builder::new()
            .name("secret-read".into())
            .spawn(move || {
                landing.outcome = None;
                landing.outcome = Some(cache.setup.ask(&landing.reference));
                drop(landing);
                drop(seat);
            });
        // When it was not started, what it was to have was dropped: the landing told why.
        drop(started);
    }

    /// Begins to read, for [`Air::end`] to wait for.
    pub(super) fn begin(&self, cache: &Arc<Cache>, reference: &SecretRef) -> Reading {
        let (landed, landing) = mpsc::channel();
        // It is had at once, and some look it up in what belongs to their own thread.
        if reference.scheme() == Scheme::Env {
            let _ = landed.send(cache.setup.ask(reference));
        } else {
            self.read(cache, reference, move |outcome| {
                let _ = landed.send(outcome);
            });
        }
        Reading(landing)
    }

    /// Waits for what was begun, at most until `deadline`.
    pub(super) fn end(
        &self,
        cache: &Arc<Cache>,
        reference: &SecretRef,
        reading: Reading,
        deadline: Instant,
    ) -> Result<Found> {
        let left = deadline.saturating_duration_since(Instant::now());
        reading.0.recv_timeout(left).unwrap_or_else(|_| {
            Err(Error::TimedOut {
                reference: reference.clone(),
                millis: cache.setup.settings.limit.as_millis(),
            })
        })
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn seat(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.0));
        let before = self.0.fetch_add(1, Ordering::AcqRel);
        (before < MOST).then_some(seat)
    }
}
