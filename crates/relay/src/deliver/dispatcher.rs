//! Starts and stops the tasks of destinations.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clock::Clock;
use super::destination::{Destination, DestinationFault};
use super::line::{DestinationFigures, Line};
use super::observe::{DeliveryObserver, NobodyObserves};
use super::reach::{Names, SystemNames};
use super::runner::Signals;
use super::supervise::supervise;
use crate::store::EventStore;

/// Removes what must not be kept of an answer.
pub trait Scrub: Send + Sync {
    /// The bytes without the secrets; none at all where they can't be looked for.
    fn scrub(&self, bytes: &[u8]) -> Vec<u8>;
}

/// What deliveries need besides the store.
pub struct DeliverOptions {
    /// The time.
    pub clock: Clock,
    /// What looks hosts up.
    pub names: Arc<dyn Names>,
    /// What removes secrets of others than the destination from answers.
    pub scrub: Option<Arc<dyn Scrub>>,
    /// Who is told.
    pub observer: Arc<dyn DeliveryObserver>,
    /// How long attempts may be under way after a destination was changed or stopped.
    pub grace: Duration,
}

impl Default for DeliverOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            names: Arc::new(SystemNames),
            scrub: None,
            observer: Arc::new(NobodyObserves),
            grace: Duration::from_secs(30),
        }
    }
}

/// What all destinations share.
pub(super) struct Shared {
    pub(super) store: Arc<EventStore>,
    pub(super) options: DeliverOptions,
}

/// Delivers events to destinations.
pub struct Dispatcher {
    shared: Arc<Shared>,
    look: watch::Sender<u64>,
    running: Mutex<HashMap<i64, Running>>,
}

struct Running {
    line: Arc<Line>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Begins nothing more, and waits for what is under way; after the grace that is given up, and
    /// sent again by who comes next.
    async fn end(self, grace: Duration) {
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(grace, &mut task).await.is_err() {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Dispatcher {
    /// Delivers to nobody yet.
    pub fn new(store: Arc<EventStore>, options: DeliverOptions) -> Self {
        Self {
            shared: Arc::new(Shared { store, options }),
            look: watch::Sender::new(0),
            running: Mutex::default(),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<i64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers to these from now on, and to no other. Those that are as they were go on undisturbed;
    /// one that changed begins anew once its attempts under way have ended. What is wrong with those
    /// that can't be delivered to: their events are kept. To be called within a tokio runtime.
    pub fn set(&self, destinations: &[Arc<Destination>]) -> Vec<(i64, DestinationFault)> {
        let mut faults = Vec::new();
        let mut running = self.running();
        let mut before = std::mem::take(&mut *running);
        for destination in destinations.iter().filter(|one| one.active) {
            let number = destination.number;
            let old = before.remove(&number);
            if let Some(same) = old {
                if same.line.destination.version == destination.version && !same.task.is_finished()
                {
                    running.insert(number, same);
                    continue;
                }
                match Line::new(Arc::clone(destination), Arc::clone(&self.shared)) {
                    Ok(line) => {
                        running.insert(number, self.start(line, Some(same)));
                    }
                    Err(fault) => {
                        faults.push((number, fault));
                        before.insert(number, same);
                    }
                }
                continue;
            }
            match Line::new(Arc::clone(destination), Arc::clone(&self.shared)) {
                Ok(line) => {
                    running.insert(number, self.start(line, None));
                }
                Err(fault) => faults.push((number, fault)),
            }
        }
        for (_, gone) in before {
            tokio::spawn(gone.end(self.shared.options.grace));
        }
        faults
    }

    /// Starts a destination's task, after the one before it.
    fn start(&self, line: Line, before: Option<Running>) -> Running {
        let line = Arc::new(line);
        let (stop, stopped) = watch::channel(false);
        let signals = Signals {
            stop: stopped,
            look: self.look.subscribe(),
        };
        let grace = self.shared.options.grace;
        let task = tokio::spawn({
            let line = Arc::clone(&line);
            async move {
                if let Some(before) = before {
                    before.end(grace).await;
                }
                supervise(line, signals).await;
            }
        });
        Running { line, stop, task }
    }

    /// Something was changed in the store by others: dead letters are to be tried again, a replay
    /// was begun or ended.
    pub fn look(&self) {
        self.look.send_modify(|looks| *looks += 1);
    }

    /// Begins no more attempts, and waits until those under way have ended and what came of them is
    /// written: so long at the most as the grace. Then nothing is delivered until
    /// [`set`](Self::set).
    pub async fn drain(&self) {
        let running = std::mem::take(&mut *self.running());
        for one in running.values() {
            one.stop.send_replace(true);
        }
        let grace = self.shared.options.grace;
        let ends = running.into_values().map(|one| one.end(grace));
        futures_util::future::join_all(ends).await;
    }

    /// How destinations fare, by number.
    pub fn figures(&self) -> Vec<DestinationFigures> {
        let running = self.running();
        let mut figures: Vec<_> = running.values().map(|one| one.line.figures()).collect();
        figures.sort_by_key(|one| one.destination);
        figures
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        for one in self.running().values() {
            one.stop.send_replace(true);
            one.task.abort();
        }
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dispatcher")
    }
}
