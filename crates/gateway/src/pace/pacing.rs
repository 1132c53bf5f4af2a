//! Calls take their turn: the pacer behind a lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use doorward_catalog::Op;
use doorward_pace::{
    Ask, Class, ClientId, Config, Error, RateLimits, Refused, Spends, Why, WorkspaceId,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::figures::Counts;
use self::waiting::{Asked, Inner, Place, State};
use crate::pace::ids::{AsWorkspace, PaceId};
use crate::pace::kept::{self, Past};

mod figures;
#[cfg(test)]
mod tests;
mod waiting;

pub use figures::PaceFigures;

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
        let (pacer, known) = kept::begin(settings.pace.clone(), past)?;
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
            settings: ArcSwap::from_pointee(settings),
            began: Instant::now(),
            wake: Notify::new(),
            cut: AtomicBool::new(cut),
            crowded: AtomicBool::new(true),
            changed: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            counts: Counts::default(),
        })))
    }

    /// Paces by other settings from now on. What was sent counts under them too, and calls that wait
    /// go on waiting.
    ///
    /// # Errors
    /// Settings out of their bounds; those in force stay.
    pub fn set(&self, settings: PaceSettings) -> Result<(), Error> {
        let inner = &self.0;
        let mut state = inner.lock();
        let now = inner.now();
        state.pacer.set_config(now, settings.pace.clone())?;
        inner.settings.store(Arc::new(settings));
        inner.crowded.store(true, Ordering::Relaxed);
        inner.settle(&mut state, now);
        Ok(())
    }

    /// How long a call waits for its turn at the most.
    pub(crate) fn max_wait(&self) -> Duration {
        self.0.settings.load().pace.max_wait
    }

    /// Whose budgets a call to that workspace spends.
    pub(crate) fn spends(&self, workspace: &PaceId, as_workspace: Option<&str>) -> Spends {
        workspace.spends(as_workspace, self.0.settings.load().as_workspace)
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
        if inner.now().saturating_sub(at) <= inner.settings.load().pace.guard {
            return true;
        }
        let mut state = inner.lock();
        let now = inner.now();
        let ask = state.meet(asking, now);
        let goes = state.pacer.goes_late(now, at, &ask);
        inner.settle(&mut state, now);
        goes
    }

    /// Calls of Doorward's own to a workspace that had no record turned out to be to this one: they
    /// count for it.
    pub fn recorded(&self, unrecorded: &PaceId, workspace: &PaceId) {
        // Where there was a record before, they counted for it all along.
        if !unrecorded.record().is_empty() {
            return;
        }
        let inner = &self.0;
        let mut state = inner.lock();
        let (to, now) = (state.number(workspace.number()), inner.now());
        state.pacer.adopt(now, unrecorded.number(), to);
        inner.settle(&mut state, now);
        inner.changed.store(true, Ordering::Relaxed);
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
