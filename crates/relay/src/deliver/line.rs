//! What all tasks of one destination share: its connections, its rate, its breaker, how many
//! attempts are under way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_veil::{SECRET_MAX, SECRET_MIN, Scrubber};
use doorward_webhook::{Breaker, BreakerChange, Leave, Rate};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::answer::{Answer, Missing};
use super::client::Client;
use super::destination::{Destination, DestinationFault};
use super::dispatcher::Shared;
use super::message::request;
use crate::events::Event;

/// Bytes of an answer that are kept.
const KEPT: usize = 4 << 10;
/// Attempts that may begin at once where there is a rate: as many as of a tenth of a second.
const BURST: u32 = 10;

/// A destination and what is known of it.
pub(super) struct Line {
    pub(super) destination: Arc<Destination>,
    pub(super) shared: Arc<Shared>,
    client: Client,
    scrubber: Option<Scrubber>,
    under_way: Arc<Semaphore>,
    gate: Mutex<Gate>,
    /// Told when an attempt ended.
    pub(super) freed: watch::Sender<u64>,
    pub(super) gone: AtomicBool,
    pub(super) counted: Counted,
}

struct Gate {
    breaker: Breaker,
    rate: Option<Rate>,
}

#[derive(Default)]
pub(super) struct Counted {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dead: AtomicU64,
}

/// How a destination fares, since it was set as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationFigures {
    /// Its number.
    pub destination: i64,
    /// Attempts that arrived.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that were given up.
    pub dead: u64,
    /// Attempts under way.
    pub under_way: u64,
    /// Whether it is left alone.
    pub open: bool,
    /// Whether it answered 410.
    pub gone: bool,
}

/// Leave to make one attempt, and the place among those under way.
pub(super) struct Going {
    pub(super) leave: Leave,
    _place: OwnedSemaphorePermit,
}

/// Why no attempt is made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotNow {
    /// So many are under way.
    Full,
    /// It is to be asked again after that.
    Wait(Duration),
}

impl Line {
    pub(super) fn new(
        destination: Arc<Destination>,
        shared: Arc<Shared>,
    ) -> Result<Self, DestinationFault> {
        let client = Client::new(&destination, Arc::clone(&shared.options.names))?;
        let secrets = destination
            .secrets
            .iter()
            .map(|secret| secret.expose_secret());
        let known = secrets.filter(|text| (SECRET_MIN..=SECRET_MAX).contains(&text.len()));
        let rate = destination.rate.map(|rate| {
            let burst = (rate / BURST).max(1);
            Rate::new(rate, burst)
        });
        Ok(Self {
            client,
            scrubber: Scrubber::new(known).ok(),
            under_way: Arc::new(Semaphore::new(destination.concurrency.max(1))),
            gate: Mutex::new(Gate {
                breaker: Breaker::new(destination.breaker),
                rate,
            }),
            freed: watch::Sender::new(0),
            gone: AtomicBool::new(false),
            counted: Counted::default(),
            destination,
            shared,
        })
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for leave to make an attempt, by the pace of `own` too.
    pub(super) fn ask(&self, own: Option<&mut Rate>) -> Result<Going, NotNow> {
        let place = Arc::clone(&self.under_way).try_acquire_owned();
        let place = place.map_err(|_| NotNow::Full)?;
        let now = self.shared.options.clock.since();
        let mut gate = self.gate();
        // The breaker is asked last: its leave for a probe is given once.
        if !gate.breaker.is_closed() {
            let _ = gate.breaker.clone().ask(now).map_err(NotNow::Wait)?;
        }
        for rate in own.into_iter().chain(gate.rate.as_mut()) {
            rate.take(now).map_err(NotNow::Wait)?;
        }
        let leave = gate.breaker.ask(now).map_err(NotNow::Wait)?;
        Ok(Going {
            leave,
            _place: place,
        })
    }

    /// Told whether the destination is well, and for how long it asked to be left alone.
    pub(super) fn done(&self, going: Going, well: bool, rest: Option<Duration>) {
        let now = self.shared.options.clock.since();
        let mut gate = self.gate();
        let change = gate.breaker.done(now, going.leave, well);
        if let Some(asked) = rest {
            gate.breaker.rest(now, asked);
        }
        drop(gate);
        drop(going);
        self.freed.send_modify(|freed| *freed += 1);
        let number = self.destination.number;
        match change {
            Some(BreakerChange::Opened) => self.shared.options.observer.breaker(number, true),
            Some(BreakerChange::Closed) => self.shared.options.observer.breaker(number, false),
            None => {}
        }
    }

    /// Makes one attempt.
    pub(super) async fn attempt(&self, event: &Event, attempt: u32) -> Result<Answer, Missing> {
        let now_ms = self.shared.options.clock.ms();
        let request = request(&self.destination, event, attempt, now_ms);
        self.client.send(request.ok_or(Missing::Unmade)?).await
    }

    /// What is kept of an answer's body: its beginning, without any secret that is known. Where
    /// secrets can't be looked for, nothing.
    pub(super) fn kept(&self, body: &[u8]) -> Vec<u8> {
        let Some(own) = &self.scrubber else {
            return Vec::new();
        };
        let body = own.scrub(body);
        let mut kept = match &self.shared.options.scrub {
            Some(scrub) => scrub.scrub(&body),
            None => body.into_owned(),
        };
        kept.truncate(KEPT);
        kept
    }

    pub(super) fn figures(&self) -> DestinationFigures {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let most = self.destination.concurrency.max(1);
        DestinationFigures {
            destination: self.destination.number,
            delivered: get(&self.counted.delivered),
            failed: get(&self.counted.failed),
            dead: get(&self.counted.dead),
            under_way: most.saturating_sub(self.under_way.available_permits()) as u64,
            open: !self.gate().breaker.is_closed(),
            gone: self.gone.load(Ordering::Relaxed),
        }
    }
}
