//! The pace over a restart, and Doorward's own calls at it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_catalog::Op;
use doorward_gateway::{PaceFigures, PaceId, PaceSettings, Pacing, Past};
use doorward_store::{SavedPace, Store};
use doorward_upstream::Pace;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::alive::Alive;
use crate::admin::{AdminError, now};
use crate::boot::{self, Since};
use crate::exit::Failure;
use crate::health::{PaceHealth, PaceWindow, WorkspacePace};
use crate::prometheus::Text;

/// How often it is looked whether there is something to save that can't wait: calls under limits by
/// the hour and month, and complaints of the API's.
const EVERY: Duration = Duration::from_secs(1);
/// Of how many of those looks one saves the rest as well. After a crash windows of up to a minute
/// are taken for full anyway.
const ALL: u32 = 5;

/// The pace of a running server.
pub(super) struct KeptPace {
    pub(super) pacing: Pacing,
    store: Arc<dyn Store>,
    keeping: JoinHandle<()>,
}

impl KeptPace {
    /// Goes on where a run before stopped. Blocks.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(super) fn start(
        settings: PaceSettings,
        store: Arc<dyn Store>,
        end: impl Future<Output = ()> + Send + 'static,
        alive: &Alive,
    ) -> Result<Self, Failure> {
        let saved = store.saved_pace().map_err(AdminError::from)?;
        let kept = saved
            .as_ref()
            .map(|saved| (saved, Kept::read(&saved.state)));
        let past = match &kept {
            None => Past::Nothing,
            Some((saved, kept)) => Past::Saved {
                state: &kept.state,
                ended: saved.ended,
                ago: kept.since.ago(),
            },
        };
        let pacing = Pacing::new(settings, past).map_err(Failure::usage)?;
        // From here on calls may go that are not saved.
        save(store.as_ref(), pacing.state(), false).map_err(AdminError::from)?;
        let keeping = alive.spawn("the pace", keep(pacing.clone(), Arc::clone(&store), end));
        Ok(Self {
            pacing,
            store,
            keeping,
        })
    }

    /// Saves the pace for the next run. Nothing may be sent from here on.
    pub(super) async fn end(self) {
        let _ = self.keeping.await;
        let (pacing, store) = (self.pacing, self.store);
        saved(move || save(store.as_ref(), pacing.state(), true)).await;
    }
}

/// Shows how the pace goes among the metrics.
pub(super) fn show(figures: &PaceFigures, text: &mut Text) {
    for (way, calls) in [("at_once", figures.at_once), ("waited", figures.waited)] {
        let help = "Calls that had their turn, by whether they waited for it";
        text.counter("pace_turns_total", help, &[("way", way)], calls);
    }
    for (why, calls) in figures.refused {
        let help = "Calls that had no turn, by what was full";
        text.counter("pace_refused_total", help, &[("why", why)], calls);
    }
    let help = "Times that the API said 429";
    text.counter("pace_complaints_total", help, &[], figures.complaints);
    let help = "Calls that wait for their turn";
    text.gauge("pace_waiting_calls", help, &[], figures.waiting);
    for (workspace, standing) in &figures.workspaces {
        for window in &standing.limits.windows {
            let labels = [("workspace", workspace.as_str()), ("window", window.name)];
            let help = "Calls that the window has room for";
            text.gauge("pace_remaining_calls", help, &labels, window.remaining);
            let help = "Calls that the window allows at the present pace";
            text.gauge("pace_quota_calls", help, &labels, window.quota);
        }
    }
}

/// The pace as it stands, workspaces by Doorward's ids.
pub(super) fn health(figures: PaceFigures) -> PaceHealth {
    let workspaces = figures.workspaces.into_iter().map(|(id, standing)| {
        let [second, minute] = standing.budget.map(|calls| calls as u64);
        let mut used = standing
            .limits
            .windows
            .iter()
            .map(|window| window.used as u64);
        WorkspacePace {
            workspace: id,
            second: PaceWindow {
                budget: second,
                used: used.next().unwrap_or(0),
            },
            minute: PaceWindow {
                budget: minute,
                used: used.next().unwrap_or(0),
            },
            waiting: standing.waiting as u64,
            percent: standing.pace.div_ceil(10),
            shut_ms: u64::try_from(standing.shut_for.as_millis()).unwrap_or(u64::MAX),
        }
    });
    PaceHealth {
        at_once: figures.at_once,
        waited: figures.waited,
        refused: figures.refused.iter().map(|(_, calls)| calls).sum(),
        complaints: figures.complaints,
        workspaces: workspaces.collect(),
    }
}

/// What is saved: the pace, and since when.
struct Kept {
    since: Since,
    state: String,
}

impl Kept {
    /// The first line says when, the rest is the pace.
    fn read(text: &str) -> Self {
        let (since, state) = text.split_once('\n').unwrap_or_default();
        Self {
            since: Since::read(since),
            state: state.to_owned(),
        }
    }
}

fn save(store: &dyn Store, state: String, ended: bool) -> doorward_store::Result<()> {
    store.save_pace(&SavedPace {
        state: format!("{}\n{state}", boot::now()),
        ended,
        at: now(),
    })
}

/// Saves what has changed until `end` is done.
async fn keep(pacing: Pacing, store: Arc<dyn Store>, end: impl Future<Output = ()>) {
    let mut end = pin!(end);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = ticks.tick() => {}
        }
        looks = looks.wrapping_add(1);
        if let Some(state) = pacing.changed(looks.is_multiple_of(ALL)) {
            let store = Arc::clone(&store);
            saved(move || save(store.as_ref(), state, false)).await;
        }
    }
}

async fn saved(save: impl FnOnce() -> doorward_store::Result<()> + Send + 'static) {
    match tokio::task::spawn_blocking(save).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the pace could not be saved"),
        Err(error) => tracing::warn!(%error, "saving the pace failed"),
    }
}

/// The pace that Doorward's own calls to one workspace keep: that of everybody else's.
#[derive(Clone)]
pub(crate) struct OwnPace {
    pub(crate) pacing: Pacing,
    pub(crate) workspace: PaceId,
}

impl Pace for OwnPace {
    fn turn(&self, op: Op, as_workspace: Option<&str>) -> BoxFuture<'static, Result<(), Duration>> {
        let (pacing, workspace) = (self.pacing.clone(), self.workspace.clone());
        let as_workspace = as_workspace.map(str::to_owned);
        async move {
            pacing
                .own_turn(&workspace, as_workspace.as_deref(), op)
                .await
        }
        .boxed()
    }

    fn answered(
        &self,
        op: Op,
        as_workspace: Option<&str>,
        status: u16,
        retry_after: Option<Duration>,
    ) {
        self.pacing
            .own_answered(&self.workspace, as_workspace, op, status, retry_after);
    }
}
