//! Calls take their turn: the pacer behind a lock, with a place for each call that waits and one
//! timer for all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_catalog::Op;
use doorward_pace::{
    Ask, Class, ClientId, Config, Error, Pacer, RateLimits, Refused, Spends, Ticket, Turn, Verdict,
    Why, WorkspaceId,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::pace::ids::{AsWorkspace, PaceId};
use crate::pace::kept::{self, Past};

#[cfg(test)]
mod tests;

/// What calls are paced by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaceSettings {
    /// The limits, how much of them is spent, and how long and how many calls wait.
    pub pace: Config,
    /// Whose budget a call with `x-as-workspace` spends.
    pub as_workspace: AsWorkspace,
}

/// Lets calls go out at the pace that their workspaces bear, shared fairly between clients. One for
/// all workspaces of a Doorward: any of them may come to be reached through another. Cloning gives
/// the same.
#[derive(Debug, Clone)]
pub struct Pacing(Arc<Inner>);

/// What is said to a call that asks.
enum Asked {
    /// It has its turn, at that time.
    Go(Duration),
    /// It has a place among those that wait.
    Wait(Ticket, ComingTurn),
}

/// Told when a wait has ended, and how.
type ComingTurn = oneshot::Receiver<Result<Duration, Refused>>;

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    as_workspace: AsWorkspace,
    guard: Duration,
    began: Instant,
    wake: Notify,
    /// Whether a budget is cut for a complaint, so that successes are worth telling.
    cut: AtomicBool,
    /// Whether calls waited or were refused of late.
    crowded: AtomicBool,
    /// Whether anything changed that is to be saved, and whether that is urgent.
    changed: AtomicBool,
    urgent: AtomicBool,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    at_once: AtomicU64,
    waited: AtomicU64,
    refused: [AtomicU64; 4],
    complaints: AtomicU64,
}

/// How the pace has gone since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaceFigures {
    /// Calls that went at once.
    pub at_once: u64,
    /// Calls that went after a wait.
    pub waited: u64,
    /// Calls that were refused, by what was full: `window`, `client_queue`, `queue`, `waited`.
    pub refused: [(&'static str, u64); 4],
    /// Times that the API said 429.
    pub complaints: u64,
    /// Calls that wait now.
    pub waiting: u64,
    /// The windows of each workspace that was called, by Doorward's id of it.
    pub workspaces: Vec<(String, RateLimits)>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) pacer: Pacer,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Duration, Refused>>>,
    turns: Vec<Turn>,
    /// When the timer wakes; none while there is no timer.
    armed: Option<Duration>,
    /// By which number each record of a workspace is paced.
    pub(crate) known: HashMap<Arc<str>, WorkspaceId>,
    /// Numbers that turned out to be another's.
    aliases: HashMap<WorkspaceId, WorkspaceId>,
}

/// A turn that a call had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HadTurn {
    /// When, by the pacer's time.
    pub(crate) at: Duration,
    /// Whether there was a wait.
    pub(crate) waited: bool,
}

/// A call that wants to go out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) ask: Ask,
    pub(crate) weight: u32,
    /// Doorward's id of the workspace, and the number it is paced by.
    pub(crate) workspace: &'a Arc<str>,
    pub(crate) number: WorkspaceId,
}

impl Pacing {
    /// Calls paced by those settings, with what is known of the calls before.
    ///
    /// # Errors
    /// Settings out of their bounds. What was saved and does not fit is taken as if nothing were
    /// known.
    pub fn new(settings: PaceSettings, past: Past<'_>) -> Result<Self, Error> {
        let guard = settings.pace.guard;
        let (pacer, known) = kept::begin(settings.pace, past)?;
        let cut = !pacer.is_whole();
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(State {
                pacer,
                waiting: HashMap::new(),
                turns: Vec::new(),
                armed: None,
                known,
                aliases: HashMap::new(),
            }),
            as_workspace: settings.as_workspace,
            guard,
            began: Instant::now(),
            wake: Notify::new(),
            cut: AtomicBool::new(cut),
            crowded: AtomicBool::new(true),
            changed: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            counts: Counts::default(),
        })))
    }

    /// Whose budgets a call to that workspace spends.
    pub(crate) fn spends(&self, workspace: &PaceId, as_workspace: Option<&str>) -> Spends {
        workspace.spends(as_workspace, self.0.as_workspace)
    }

    /// How such a call would be refused now, if it would be.
    pub(crate) fn would_refuse(&self, asking: &Asking<'_>) -> Option<Refused> {
        if !self.0.crowded.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.0.lock();
        let now = self.0.now();
        let ask = state.meet(asking, now);
        let refused = state.pacer.would_refuse(now, &ask);
        if refused.is_none() && state.waiting.is_empty() {
            self.0.crowded.store(false, Ordering::Relaxed);
        }
        drop(state);
        refused.inspect(|refused| self.0.counts.refuse(refused.why))
    }

    /// Waits for a call's turn. What is given up by dropping this costs nothing, but for a turn that
    /// has come.
    pub(crate) async fn turn(&self, asking: &Asking<'_>) -> Result<HadTurn, Refused> {
        let mut waited = false;
        loop {
            let (ticket, turn) = match self.0.ask(asking)? {
                Asked::Go(at) => return Ok(HadTurn { at, waited }),
                Asked::Wait(ticket, turn) => (ticket, turn),
            };
            waited = true;
            let mut place = Place {
                inner: &self.0,
                ticket: Some(ticket),
            };
            let ended = turn.await;
            place.ticket = None;
            // Nobody drops a place unanswered but when the process ends.
            let at = ended.unwrap_or(Err(Refused {
                why: Why::Waited,
                retry_after: Duration::from_secs(1),
            }))?;
            // What turned out to be another's workspace meanwhile has its turn there.
            if self.0.lock().resolve(asking.ask.spends) == asking.ask.spends {
                return Ok(HadTurn { at, waited });
            }
        }
    }

    /// Whether a call that had its turn at `at` may still go: one that was held up on its way must
    /// not go beside those that have their turn now. If not, it has to wait for another.
    pub(crate) fn may_still_go(&self, asking: &Asking<'_>, at: Duration) -> bool {
        let inner = &self.0;
        if inner.now().saturating_sub(at) <= inner.guard {
            return true;
        }
        let mut state = inner.lock();
        let now = inner.now();
        let ask = state.meet(asking, now);
        let goes = state.pacer.goes_late(now, at, &ask);
        inner.settle(&mut state, now);
        goes
    }

    /// Waits for the turn of a call of Doorward's own.
    ///
    /// # Errors
    /// How long to wait when there is no turn to be had soon.
    pub async fn own_turn(
        &self,
        workspace: &PaceId,
        as_workspace: Option<&str>,
        op: Op,
    ) -> Result<(), Duration> {
        let asking = Asking {
            ask: Ask {
                client: ClientId(0),
                class: Class::Batch,
                op,
                spends: self.spends(workspace, as_workspace),
            },
            weight: 1,
            workspace: workspace.record(),
            number: workspace.number(),
        };
        match self.turn(&asking).await {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.retry_after),
        }
    }

    /// Told how the API answered a call of Doorward's own.
    pub fn own_answered(
        &self,
        workspace: &PaceId,
        as_workspace: Option<&str>,
        op: Op,
        status: u16,
        retry_after: Option<Duration>,
    ) {
        self.answered(
            self.spends(workspace, as_workspace),
            op,
            status,
            retry_after,
        );
    }

    /// Told how the API answered a call.
    pub(crate) fn answered(
        &self,
        spends: Spends,
        op: Op,
        status: u16,
        retry_after: Option<Duration>,
    ) {
        let inner = &self.0;
        if status == 429 {
            let mut state = inner.lock();
            let spends = state.resolve(spends);
            state.pacer.saw_429(inner.now(), spends, op, retry_after);
            drop(state);
            inner.cut.store(true, Ordering::Relaxed);
            inner.crowded.store(true, Ordering::Relaxed);
            inner.urgent.store(true, Ordering::Relaxed);
            inner.changed.store(true, Ordering::Relaxed);
            inner.counts.complaints.fetch_add(1, Ordering::Relaxed);
        } else if status < 400 && inner.cut.load(Ordering::Relaxed) {
            let mut state = inner.lock();
            let spends = state.resolve(spends);
            let now = inner.now();
            state.pacer.saw_ok(now, spends, op);
            if state.pacer.is_whole() {
                inner.cut.store(false, Ordering::Relaxed);
            }
            inner.settle(&mut state, now);
            inner.changed.store(true, Ordering::Relaxed);
        }
    }

    /// How the windows stand that such a call is counted in.
    pub(crate) fn rate_limits(&self, spends: Spends, op: Op) -> RateLimits {
        let mut state = self.0.lock();
        let spends = state.resolve(spends);
        state.pacer.rate_limits(self.0.now(), spends, op)
    }

    /// How the pace has gone since the start, and how it stands.
    pub fn figures(&self) -> PaceFigures {
        let counts = &self.0.counts;
        let mut refused =
            [Why::Window, Why::ClientQueue, Why::Queue, Why::Waited].map(|why| (why.as_str(), 0));
        for ((_, to), from) in refused.iter_mut().zip(&counts.refused) {
            *to = from.load(Ordering::Relaxed);
        }
        let mut state = self.0.lock();
        let now = self.0.now();
        let known: Vec<_> = state.known.clone().into_iter().collect();
        let mut workspaces: Vec<(String, RateLimits)> = known
            .into_iter()
            .map(|(record, number)| {
                let spends = state.resolve(Spends::one(number));
                // An operation that has no limit of its own.
                let limits = state.pacer.rate_limits(now, spends, Op::ListCampaign);
                (record.as_ref().to_owned(), limits)
            })
            .collect();
        workspaces.sort_by(|one, other| one.0.cmp(&other.0));
        PaceFigures {
            at_once: counts.at_once.load(Ordering::Relaxed),
            waited: counts.waited.load(Ordering::Relaxed),
            refused,
            complaints: counts.complaints.load(Ordering::Relaxed),
            waiting: state.waiting.len() as u64,
            workspaces,
        }
    }

    /// What is to be saved, if anything has changed since this was asked last. Nothing, too, as long
    /// as what has changed can wait: whoever runs the gateway asks each second, and every few seconds
    /// for all.
    pub fn changed(&self, all: bool) -> Option<String> {
        let inner = &self.0;
        let urgent = inner.urgent.swap(false, Ordering::Relaxed);
        if !(all || urgent) || !inner.changed.swap(false, Ordering::Relaxed) {
            return None;
        }
        Some(self.state())
    }

    /// All that counts now, to be saved. Nothing may be sent after it that is to be the last.
    pub fn state(&self) -> String {
        let (saved, known) = {
            let state = self.0.lock();
            (state.pacer.save(self.0.now()), state.known.clone())
        };
        kept::text(saved, &known)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pacer's time.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Asks once.
    fn ask(self: &Arc<Self>, asking: &Asking<'_>) -> Result<Asked, Refused> {
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

    fn went(&self, op: Op) {
        self.changed.store(true, Ordering::Relaxed);
        if !op.facts().limits.is_empty() {
            self.urgent.store(true, Ordering::Relaxed);
        }
    }

    /// Gives the turns that have come, and sees to it that the timer wakes for the next.
    fn settle(self: &Arc<Self>, state: &mut State, now: Duration) {
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

    fn give(&self, state: &mut State, now: Duration) {
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
    async fn keep_time(self: Arc<Self>) {
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
    fn meet(&mut self, asking: &Asking<'_>, now: Duration) -> Ask {
        match self.known.get(asking.workspace) {
            Some(known) if *known == asking.number => {}
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
    fn adopt(&mut self, now: Duration, from: WorkspaceId, to: WorkspaceId) {
        // A call decided before the change may still come by the old number.
        if self.aliases.get(&to) == Some(&from) {
            self.aliases.remove(&to);
        }
        self.pacer.adopt(now, from, to);
        self.aliases.insert(from, to);
    }

    fn resolve(&self, spends: Spends) -> Spends {
        if self.aliases.is_empty() {
            return spends;
        }
        let known = |number: WorkspaceId| self.aliases.get(&number).copied().unwrap_or(number);
        let mut all = spends.workspaces().map(known);
        match (all.next(), all.next()) {
            (Some(admin), Some(sub)) => Spends::both(sub, admin),
            (Some(only), None) => Spends::one(only),
            _ => spends,
        }
    }
}

impl Counts {
    fn refuse(&self, why: Why) {
        let [window, client_queue, queue, waited] = &self.refused;
        let count = match why {
            Why::Window => window,
            Why::ClientQueue => client_queue,
            Why::Queue => queue,
            Why::Waited => waited,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A call's place among those that wait, given up when it is dropped.
struct Place<'a> {
    inner: &'a Inner,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let mut state = self.inner.lock();
            state.waiting.remove(&ticket);
            state.pacer.cancel(ticket);
        }
    }
}
