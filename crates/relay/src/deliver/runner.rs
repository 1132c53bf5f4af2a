//! The task of one lane: reads what is next, has it sent, and has written what came of it.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorward_webhook::Rate;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::finish::{Flight, finish, unsent};
use super::line::{Line, NotNow};
use super::order::{Leads, Turn, Work};
use super::replay::ReplayFilter;
use super::select::{Ask, Found, Judge, length, read};
use super::window::Window;
use crate::error::{RelayError, Result};
use crate::events::Body;
use crate::store::{DeliveryState, EventStore, Lane, Outcome};

/// With fewer than this at hand more is read.
const LOW: usize = 128;
/// With as many bytes of them at hand nothing more is read.
const BYTES: usize = 8 << 20;
/// Outcomes that wait to be written, from which on nothing more is sent.
const UNWRITTEN: usize = 2_000;
/// Outcomes written in one commit.
const BATCH: usize = 512;
/// How long after a failure of the store it is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait without a look at the clock.
const LONGEST: Duration = Duration::from_secs(60);

/// What a replay is limited to.
pub(super) struct Only {
    pub(super) filter: Arc<ReplayFilter>,
    pub(super) last_seq: i64,
    pub(super) rate: Rate,
}

/// How others reach the task.
#[derive(Clone)]
pub(super) struct Signals {
    /// True: begin nothing more, finish what is under way, and end.
    pub(super) stop: watch::Receiver<bool>,
    /// Moves when somebody else changed what is owed.
    pub(super) look: watch::Receiver<u64>,
}

/// The task.
pub(super) struct Runner {
    line: Arc<Line>,
    store: Arc<EventStore>,
    lane: Lane,
    only: Option<Only>,
    window: Window,
    leads: Leads,
    ready: VecDeque<Work>,
    /// Deliveries that are due, and at hand or under way.
    due: HashSet<i64>,
    look_for_due: bool,
    next_due: Option<i64>,
    flights: JoinSet<Flight>,
    outcomes: Vec<Outcome>,
    reading: Option<JoinHandle<Result<Found>>>,
    writing: Option<Writing>,
    /// The store failed: nothing is asked of it before then.
    pause: Option<Instant>,
    newest: watch::Receiver<i64>,
    freed: watch::Receiver<u64>,
    signals: Signals,
}

struct Writing {
    outcomes: Vec<Outcome>,
    seqs: BTreeSet<i64>,
    cursor: Option<i64>,
    written: Pin<Box<dyn Future<Output = Result<u64>> + Send>>,
}

impl Runner {
    /// Begins after the cursor.
    pub(super) async fn begin(
        line: &Arc<Line>,
        lane: Lane,
        cursor: i64,
        only: Option<Only>,
        signals: Signals,
    ) -> Result<Self> {
        let store = Arc::clone(&line.shared.store);
        let reader = store.reader().clone();
        let settled = blocking(move || reader.settled_after(lane, cursor, usize::MAX >> 1)).await?;
        Ok(Self {
            lane,
            only,
            window: Window::new(cursor, settled),
            leads: Leads::default(),
            ready: VecDeque::new(),
            due: HashSet::new(),
            look_for_due: true,
            next_due: None,
            flights: JoinSet::new(),
            outcomes: Vec::new(),
            reading: None,
            writing: None,
            pause: None,
            newest: store.newest(),
            freed: line.freed.subscribe(),
            signals,
            store,
            line: Arc::clone(line),
        })
    }

    /// Runs until it is stopped, or a replay is at its end: true then.
    pub(super) async fn run(mut self) -> Result<bool> {
        loop {
            let stopping = *self.signals.stop.borrow_and_update();
            let _ = self.newest.borrow_and_update();
            let _ = self.freed.borrow_and_update();
            if self.signals.look.has_changed().unwrap_or(false) {
                self.signals.look.borrow_and_update();
                self.look_for_due = true;
            }
            let paused = self.pause.filter(|until| *until > Instant::now());
            self.pause = paused;
            let mut wait = paused.map_or(LONGEST, |until| until - Instant::now());
            if !stopping {
                wait = wait.min(self.until_due());
                if paused.is_none() {
                    self.read_more();
                }
                wait = wait.min(self.launch());
            }
            if paused.is_none() {
                self.write();
            }
            let idle = self.flights.is_empty() && self.outcomes.is_empty();
            if idle && self.writing.is_none() {
                if stopping {
                    return Ok(false);
                }
                if self.is_at_end() {
                    return Ok(true);
                }
            }
            self.wait(wait).await?;
        }
    }

    async fn wait(&mut self, wait: Duration) -> Result<()> {
        tokio::select! {
            Some(flight) = self.flights.join_next(), if !self.flights.is_empty() => {
                let flight = flight.map_err(|_| RelayError::Failed("an attempt broke off".into()))?;
                self.finish(flight);
            }
            found = ready(&mut self.reading) => {
                self.reading = None;
                match found.unwrap_or(Err(RelayError::Closed)) {
                    Ok(found) => self.absorb(found),
                    Err(error) => self.store_failed(&error),
                }
            }
            written = written(&mut self.writing) => self.written(written)?,
            _ = self.newest.changed() => {}
            _ = self.freed.changed() => {}
            _ = self.signals.look.changed() => self.look_for_due = true,
            _ = self.signals.stop.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
        Ok(())
    }

    fn store_failed(&mut self, error: &RelayError) {
        tracing::warn!(
            destination = self.line.destination.name,
            %error,
            "deliveries wait for the event store"
        );
        self.pause = Some(Instant::now() + PAUSE);
    }

    /// The last event that there is for this lane.
    fn last(&self) -> i64 {
        let newest = *self.newest.borrow();
        self.only
            .as_ref()
            .map_or(newest, |only| newest.min(only.last_seq))
    }

    /// Whether a replay has nothing more to do.
    fn is_at_end(&self) -> bool {
        let read = self
            .only
            .as_ref()
            .is_some_and(|only| self.window.read() >= only.last_seq);
        read && self.window.is_done()
            && self.reading.is_none()
            && self.ready.is_empty()
            && !self.look_for_due
            && self.next_due.is_none()
            && self.due.is_empty()
    }

    fn is_due(&mut self, next: Option<i64>) {
        let both = self.next_due.into_iter().chain(next);
        self.next_due = both.min();
    }

    fn until_due(&mut self) -> Duration {
        let Some(next) = self.next_due else {
            return LONGEST;
        };
        let left = next - self.line.shared.options.clock.ms();
        if left <= 0 {
            self.look_for_due = true;
            return LONGEST;
        }
        Duration::from_millis(left.unsigned_abs())
    }

    /// Reads more, if there is more and room for it.
    fn read_more(&mut self) {
        if self.reading.is_some() || self.line.gone.load(Ordering::Relaxed) {
            return;
        }
        let in_order = self.line.destination.in_order;
        // What is at hand was looked at with what was owed then: in order, it goes first.
        let room = self.has_room();
        let last = self.last();
        let events = room && self.window.read() < last && (!in_order || self.ready.is_empty());
        let due = room && self.look_for_due;
        if !events && !due {
            return;
        }
        let unwritten = self.outcomes.iter();
        let writing = self.writing.iter().flat_map(|writing| &writing.outcomes);
        let open = unwritten.chain(writing).filter(|one| one.state.is_open());
        self.leads.about_to_read(open.filter_map(|one| one.lead));
        let ask = Ask {
            lane: self.lane,
            judge: Judge {
                destination: Arc::clone(&self.line.destination),
                only: self.only.as_ref().map(|only| Arc::clone(&only.filter)),
            },
            after: events.then(|| self.window.read()),
            newest: last,
            due_by: due.then(|| self.line.shared.options.clock.ms()),
            at_hand: self.due.clone(),
            in_order,
        };
        if due {
            (self.look_for_due, self.next_due) = (false, None);
        }
        let reader = self.store.reader().clone();
        self.reading = Some(tokio::task::spawn_blocking(move || read(&reader, &ask)));
    }

    /// Whether there are few events at hand, and few bytes of them.
    fn has_room(&self) -> bool {
        let at_hand = || self.ready.iter().chain(self.leads.waiting());
        at_hand().count() < LOW && at_hand().map(|work| length(&work.event)).sum::<usize>() < BYTES
    }

    /// Takes in what was read.
    fn absorb(&mut self, found: Found) {
        let in_order = self.line.destination.in_order;
        if let Some(more) = found.looked_for_due {
            self.is_due(found.next_due);
            self.look_for_due |= more;
        }
        for (due, event) in found.due {
            let Some(event) = event else { continue };
            self.due.insert(due.seq);
            let work = Work {
                event,
                lead: due.lead,
                attempt: due.attempts.saturating_add(1),
                first_ms: due.first_ms,
                again: true,
                blocked: false,
            };
            self.enter(work);
        }
        let last = self.only.as_ref().map_or(i64::MAX, |only| only.last_seq);
        for (event, wanted) in found.events {
            if event.seq > last {
                break;
            }
            if !self.window.admit(event.seq, wanted) {
                continue;
            }
            let lead = event.subject.filter(|_| in_order);
            let work = Work {
                lead,
                attempt: 1,
                first_ms: None,
                again: false,
                blocked: lead.is_some_and(|lead| found.blocked.contains(&lead)),
                event,
            };
            self.enter(work);
        }
        if let Some(to) = found.read_to {
            self.window.read_to(to.min(last));
        }
    }

    fn enter(&mut self, work: Work) {
        let gone = match &work.event.body {
            Body::Whole(_) => None,
            Body::Erased => Some("the person was erased"),
            Body::Removed => Some("its payload was removed to make room"),
            Body::NotRead | Body::Unreadable => Some("its payload can't be read"),
        };
        if let Some(note) = gone {
            self.due.remove(&work.event.seq);
            return self.not_sent(&work, DeliveryState::Discarded, Some(note));
        }
        match self.leads.enter(work) {
            Turn::Go(work) => self.ready.push_back(*work),
            Turn::Waits => {}
            Turn::Hold(work) => self.not_sent(&work, DeliveryState::Held, None),
        }
    }

    fn not_sent(&mut self, work: &Work, state: DeliveryState, note: Option<&str>) {
        let now_ms = self.line.shared.options.clock.ms();
        self.outcomes
            .push(unsent(self.lane, work, state, note, now_ms));
    }

    /// Begins attempts, as many as may be. How long until it is worth trying again.
    fn launch(&mut self) -> Duration {
        if self.line.gone.load(Ordering::Relaxed) || self.outcomes.len() >= UNWRITTEN {
            return LONGEST;
        }
        while !self.ready.is_empty() {
            let own = self.only.as_mut().map(|only| &mut only.rate);
            let going = match self.line.ask(own) {
                Ok(going) => going,
                Err(NotNow::Full) => return LONGEST,
                Err(NotNow::Wait(wait)) => return wait.max(Duration::from_millis(1)),
            };
            let Some(work) = self.ready.pop_front() else {
                return LONGEST;
            };
            let line = Arc::clone(&self.line);
            self.flights.spawn(async move {
                let since = Instant::now();
                let outcome = line.attempt(&work.event, work.attempt).await;
                Flight {
                    work,
                    going,
                    outcome,
                    took: since.elapsed(),
                }
            });
        }
        LONGEST
    }

    fn finish(&mut self, flight: Flight) {
        let (work, outcome) = finish(&self.line, self.lane, flight);
        let open = outcome.state.is_open();
        self.outcomes.push(outcome);
        let Some(lead) = work.lead else { return };
        if !open {
            if let Some(next) = self.leads.done(lead) {
                self.ready.push_back(next);
            }
            return;
        }
        for waited in self.leads.failed(lead) {
            if waited.again {
                // It is in the file as due, and is read from there again.
                self.due.remove(&waited.event.seq);
            } else {
                self.not_sent(&waited, DeliveryState::Held, None);
            }
        }
    }

    /// Has outcomes written, if there are any or the cursor can move.
    fn write(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let count = self.outcomes.len().min(BATCH);
        let outcomes: Vec<Outcome> = self.outcomes.drain(..count).collect();
        let seqs: BTreeSet<i64> = outcomes.iter().map(|one| one.seq).collect();
        let cursor = self.window.done_with(&seqs);
        if outcomes.is_empty() && cursor.is_none() {
            return;
        }
        let (store, told) = (Arc::clone(&self.store), outcomes.clone());
        let done = cursor.map(|cursor| (self.lane, cursor)).into_iter();
        let done = done.collect();
        self.writing = Some(Writing {
            outcomes,
            seqs,
            cursor,
            written: Box::pin(async move { store.settle(told, done).await }),
        });
    }

    fn written(&mut self, written: Result<u64>) -> Result<()> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        match written {
            Ok(released) => {
                self.window.settled(&writing.seqs, writing.cursor);
                for outcome in &writing.outcomes {
                    self.due.remove(&outcome.seq);
                    self.is_due(outcome.next_ms);
                }
                self.look_for_due |= released > 0;
                Ok(())
            }
            Err(RelayError::Closed) => Err(RelayError::Closed),
            Err(error) => {
                // They come first when it goes again.
                let later = std::mem::replace(&mut self.outcomes, writing.outcomes);
                self.outcomes.extend(later);
                self.store_failed(&error);
                Ok(())
            }
        }
    }
}

/// Does something that blocks elsewhere.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or(Err(RelayError::Closed))
}

async fn ready<T>(task: &mut Option<JoinHandle<T>>) -> Option<T> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}

async fn written(writing: &mut Option<Writing>) -> Result<u64> {
    match writing {
        Some(writing) => writing.written.as_mut().await,
        None => std::future::pending().await,
    }
}
