//! Calls that wait: a place for each, and one timer for all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use doorward_catalog::Op;
use doorward_pace::{Ask, Pacer, Refused, Spends, Ticket, Turn, Verdict, WorkspaceId};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::figures::Counts;
use super::{Asking, PaceSettings};

/// What is said to a call that asks.
pub(super) enum Asked {
    /// It has its turn, at that time.
    Go(Duration),
    /// It has a place among those that wait.
    Wait(Ticket, ComingTurn),
}

/// Told when a wait has ended, and how.
pub(super) type ComingTurn = oneshot::Receiver<Result<Duration, Refused>>;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    pub(super) settings: ArcSwap<PaceSettings>,
    pub(super) began: Instant,
    pub(super) wake: Notify,
    /// Whether a budget is cut for a complaint, so that successes are worth telling.
    pub(super) cut: AtomicBool,
    /// Whether calls waited or were refused of late.
    pub(super) crowded: AtomicBool,
    /// Whether anything changed that is to be saved, and whether that is urgent.
    pub(super) changed: AtomicBool,
    pub(super) urgent: AtomicBool,
    pub(super) counts: Counts,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) pacer: Pacer,
    pub(super) waiting: HashMap<Ticket, oneshot::Sender<Result<Duration, Refused>>>,
    pub(super) turns: Vec<Turn>,
    /// When the timer wakes; none while there is no timer.
    pub(super) armed: Option<Duration>,
    /// By which number each record of a workspace is paced.
    pub(super) known: HashMap<Arc<str>, WorkspaceId>,
    /// Numbers that turned out to be another's.
    pub(super) aliases: HashMap<WorkspaceId, WorkspaceId>,
}

impl Inner {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pacer's time.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Asks once.
    pub(super) fn ask(self: &Arc<Self>, asking: &Asking<'_>) -> Result<Asked, Refused> {
        let mut state = self.lock();
        let now = self.now();
        let ask = state.meet(asking, now);
        state.pacer.set_weight(ask.client, asking.weight);
        match state.pacer.ask(now, &ask) {
            Verdict::Go => {
                let at = state.pacer.time();
                self.settle(&mut state, now);
                drop(state);
                self.went(ask.op);
                self.counts.at_once.fetch_add(1, Ordering::Relaxed);
                Ok(Asked::Go(at))
            }
            Verdict::Refuse(refused) => {
                self.settle(&mut state, now);
                drop(state);
                self.crowded.store(true, Ordering::Relaxed);
                self.counts.refuse(refused.why);
                Err(refused)
            }
            Verdict::Wait { ticket, .. } => {
                let (sender, turn) = oneshot::channel();
                state.waiting.insert(ticket, sender);
                self.settle(&mut state, now);
                drop(state);
                self.crowded.store(true, Ordering::Relaxed);
                Ok(Asked::Wait(ticket, turn))
            }
        }
    }

    pub(super) fn went(&self, op: Op) {
        self.changed.store(true, Ordering::Relaxed);
        if !op.facts().limits.is_empty() {
            self.urgent.store(true, Ordering::Relaxed);
        }
    }

    /// Gives the turns that have come, and sees to it that the timer wakes for the next.
    pub(super) fn settle(self: &Arc<Self>, state: &mut State, now: Duration) {
        if state.waiting.is_empty() {
            return;
        }
        self.give(state, now);
        let Some(next) = state.pacer.next_due() else {
            return;
        };
        match state.armed {
            Some(armed) if armed <= next => {}
            Some(_) => {
                state.armed = Some(next);
                self.wake.notify_one();
            }
            None => {
                state.armed = Some(next);
                tokio::spawn(Arc::clone(self).keep_time());
            }
        }
    }

    pub(super) fn give(&self, state: &mut State, now: Duration) {
        let mut turns = std::mem::take(&mut state.turns);
        state.pacer.due(now, &mut turns);
        let at = state.pacer.time();
        for turn in turns.drain(..) {
            let (ticket, ended) = match turn {
                Turn::Go(ticket) => (ticket, Ok(at)),
                Turn::Refuse(ticket, refused) => (ticket, Err(refused)),
            };
            match ended {
                Ok(_) => {
                    self.counts.waited.fetch_add(1, Ordering::Relaxed);
                    self.changed.store(true, Ordering::Relaxed);
                }
                Err(refused) => self.counts.refuse(refused.why),
            }
            if let Some(place) = state.waiting.remove(&ticket) {
                let _ = place.send(ended);
            }
        }
        state.turns = turns;
    }

    /// Wakes when turns are due, as long as anybody waits.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.lock();
                let now = self.now();
                self.give(&mut state, now);
                state.armed = state.pacer.next_due();
                state.armed
            };
            let Some(next) = next else { return };
            tokio::select! {
                () = sleep_until(self.began + next) => {}
                () = self.wake.notified() => {}
            }
        }
    }
}

impl State {
    /// The ask by the numbers in force, the workspace's record noted.
    pub(super) fn meet(&mut self, asking: &Asking<'_>, now: Duration) -> Ask {
        // What has no record yet has none to be noted.
        if asking.workspace.is_empty() {
            return asking.ask;
        }
        match self.known.get(asking.workspace) {
            Some(known) if *known == asking.number => {}
            // A call of before the change; its number is told from the new one below.
            Some(known) if self.aliases.get(&asking.number) == Some(known) => {}
            Some(known) => {
                let known = *known;
                self.adopt(now, known, asking.number);
                self.known
                    .insert(Arc::clone(asking.workspace), asking.number);
            }
            None => {
                self.known
                    .insert(Arc::clone(asking.workspace), asking.number);
            }
        }
        Ask {
            spends: self.resolve(asking.ask.spends),
            ..asking.ask
        }
    }

    /// A workspace's own number came to be known.
    pub(super) fn adopt(&mut self, now: Duration, from: WorkspaceId, to: WorkspaceId) {
        self.pacer.adopt(now, from, to);
        // Each leads to a number in force, never to another alias.
        self.aliases.remove(&to);
        for number in self.aliases.values_mut().filter(|number| **number == from) {
            *number = to;
        }
        self.aliases.insert(from, to);
    }

    /// The number in force of a workspace that was known by this one.
    pub(super) fn number(&self, number: WorkspaceId) -> WorkspaceId {
        self.aliases.get(&number).copied().unwrap_or(number)
    }

    /// The same for whose budgets a call spends.
    pub(super) fn resolve(&self, spends: Spends) -> Spends {
        if self.aliases.is_empty() {
            return spends;
        }
        let mut all = spends.workspaces().map(|number| self.number(number));
        match (all.next(), all.next()) {
            (Some(admin), Some(sub)) => Spends::both(sub, admin),
            (Some(only), None) => Spends::one(only),
            _ => spends,
        }
    }
}

/// A call's place among those that wait, given up when it is dropped.
pub(super) struct Place<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let mut state = self.inner.lock();
            state.waiting.remove(&ticket);
            state.pacer.cancel(ticket);
            // What it held is others' now, sooner than the timer wakes.
            if Handle::try_current().is_ok() {
                self.inner.settle(&mut state, self.inner.now());
            }
        }
    }
}
