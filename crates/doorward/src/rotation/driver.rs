//! The task that drives one rotation to its end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_keys::rotation::{Event, Phase, Rotation, Step};
use doorward_policy::Timestamp;
use doorward_store::RotationRecord;
use tokio::sync::{mpsc, oneshot, watch};

use super::leaves;
use super::parts::{Parts, blocking};
use super::steps::Steps;
use super::view::{Moved, RotationView};
use crate::admin::now;

/// How soon what could not be kept or recorded is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// Most steps that are remembered.
const MOVES_MAX: usize = 256;
/// How soon it is told again, ms, that a step lasts too long.
const TOLD_AGAIN: i64 = 86_400_000;

/// What a person wants, and where to say whether it could be.
pub(super) struct Mail {
    pub(super) event: Event,
    pub(super) told: oneshot::Sender<Result<(), String>>,
}

/// A rotation as others see it.
pub(super) struct Shown {
    pub(super) record: RotationRecord,
    pub(super) rotation: Rotation,
    pub(super) moves: VecDeque<Moved>,
}

impl Shown {
    pub(super) fn view(&self, workspace: &str) -> RotationView {
        let moves = self.moves.iter().cloned().collect();
        RotationView::of(&self.record, &self.rotation, workspace, moves)
    }
}

/// Why a driver stops before the end.
enum Stopped {
    /// The program ends; whoever starts it next goes on.
    Ending,
    /// The state is another than was kept: somebody else drives it.
    Lost,
}

/// Drives one rotation.
pub(super) struct Driver {
    parts: Arc<Parts>,
    steps: Steps,
    record: RotationRecord,
    rotation: Rotation,
    shown: Arc<Mutex<Shown>>,
    mail: mpsc::Receiver<Mail>,
    stop: watch::Receiver<bool>,
    /// The step that was told of as lasting too long, and when.
    overdue: Option<(Phase, Timestamp)>,
}

impl Driver {
    /// Of a rotation whose state is durable.
    pub(super) fn new(
        parts: Arc<Parts>,
        record: RotationRecord,
        rotation: Rotation,
        mail: mpsc::Receiver<Mail>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            record: record.clone(),
            rotation: rotation.clone(),
            moves: VecDeque::new(),
        }));
        Self {
            steps: Steps::new(Arc::clone(&parts), record.clone()),
            parts,
            record,
            rotation,
            shown,
            mail,
            stop,
            overdue: None,
        }
    }

    /// What others see of it.
    pub(super) fn shown(&self) -> Arc<Mutex<Shown>> {
        Arc::clone(&self.shown)
    }

    /// Tells it the first event, then drives it until it is over or the program ends.
    pub(super) async fn run(mut self, first: Event) {
        let stopped = match self.on(first).await {
            Ok(_) => self.drive().await,
            Err(stopped) => Err(stopped),
        };
        let (id, key) = (&self.record.id, &self.record.key);
        match stopped {
            Ok(()) => tracing::info!(id, key, at = self.phase(), "a rotation is over"),
            Err(Stopped::Ending) => {
                tracing::info!(
                    id,
                    key,
                    at = self.phase(),
                    "a rotation goes on at the next start"
                );
            }
            Err(Stopped::Lost) => tracing::error!(
                id,
                key,
                "a rotation is driven by somebody else too, and left to them; is the data folder \
                 shared?"
            ),
        }
    }

    fn phase(&self) -> &'static str {
        self.rotation.phase().as_str()
    }

    async fn drive(&mut self) -> Result<(), Stopped> {
        loop {
            while let Ok(mail) = self.mail.try_recv() {
                self.take(mail).await?;
            }
            if self.rotation.phase().is_over() {
                return Ok(());
            }
            // A value that is in memory alone is kept first.
            if self.ending() && !self.steps.holds_a_value() {
                return Err(Stopped::Ending);
            }
            match self.rotation.next(now()) {
                Step::Over => return Ok(()),
                Step::Ask => self.wait(None).await?,
                Step::Wait { until } => self.wait(Some(until)).await?,
                step => {
                    tracing::debug!(id = self.record.id, step = self.phase(), "a step begins");
                    let came = self.steps.act(&self.rotation, step).await;
                    // A step gives what its phase waits for.
                    if let Err(unfit) = self.on(came).await? {
                        tracing::error!(unfit, id = self.record.id, "a step gave what it can't");
                        self.pause().await?;
                    }
                }
            }
        }
    }

    fn ending(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits for a time, for mail, or for the end of the program.
    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), Stopped> {
        let wait = until.map(|until| {
            let ms = until.millis_since(now()).max(1);
            Duration::from_millis(ms.unsigned_abs())
        });
        let mail = tokio::select! {
            mail = self.mail.recv() => mail,
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)) => None,
            _ = self.stop.wait_for(|stop| *stop) => None,
        };
        match mail {
            Some(mail) => self.take(mail).await,
            None => Ok(()),
        }
    }

    async fn take(&mut self, mail: Mail) -> Result<(), Stopped> {
        let Mail { event, told } = mail;
        let taken = self.on(event).await?;
        // Nobody may be there to hear it any more.
        let _ = told.send(taken);
        Ok(())
    }

    /// Takes an event in: it is in the ledger, and the new state durable, when this is done. The inner
    /// error says that the event does not fit.
    async fn on(&mut self, came: Event) -> Result<Result<(), String>, Stopped> {
        let (at, before) = (now(), self.rotation.phase());
        let mut next = self.rotation.clone();
        if let Err(unfit) = next.on(came.clone(), at) {
            tracing::debug!(%unfit, id = self.record.id, "an event was not taken");
            return Ok(Err(unfit.to_string()));
        }
        let over = next.phase().is_over();
        let retire = match next.phase() {
            Phase::Done => next.plan().old().map(|old| old.key_id.clone()),
            Phase::RolledBack => Some(self.record.new_key_id.clone()),
            Phase::Abandoned if self.rotation.is_past_death() => {
                next.plan().old().map(|old| old.key_id.clone())
            }
            _ => None,
        };
        self.record(&came, &next, before, at).await?;
        self.save(&next, over, retire).await?;
        self.rotation = next;
        self.remember(&came, before, at);
        if over {
            let parts = Arc::clone(&self.parts);
            let swapped = blocking(move || parts.gate.swap()).await;
            if let Err(error) = swapped {
                tracing::warn!(%error, "what is in force could not be read again");
            }
        }
        self.tell(before, at).await;
        Ok(Ok(()))
    }

    /// Makes a state durable, however often that has to be tried.
    async fn save(
        &mut self,
        next: &Rotation,
        over: bool,
        retire: Option<String>,
    ) -> Result<(), Stopped> {
        let state = serde_json::to_string(next).unwrap_or_default();
        loop {
            let (parts, id) = (Arc::clone(&self.parts), self.record.id.clone());
            let (version, kept, retire) = (self.record.version, state.clone(), retire.clone());
            let saved = blocking(move || {
                let store = &parts.store;
                match over {
                    false => store.save_rotation(&id, version, &kept, now()),
                    true => store
                        .end_rotation(&id, version, &kept, retire.as_deref(), now())
                        .map(|ended| ended.then_some(version.saturating_add(1))),
                }
            });
            match saved.await {
                Ok(Some(version)) => {
                    self.record.version = version;
                    self.record.state = state;
                    self.record.open = !over;
                    self.record.changed_at = now();
                    self.record.ended_at = over.then(now);
                    return Ok(());
                }
                Ok(None) => return Err(Stopped::Lost),
                Err(error) => {
                    tracing::error!(%error, id = self.record.id, "a rotation's state can't be kept");
                    self.pause().await?;
                }
            }
        }
    }

    /// A leaf of what came, durable before the state that follows from it: a crash between the two has
    /// a step twice in the record, never a step that is not in it.
    async fn record(
        &mut self,
        came: &Event,
        next: &Rotation,
        before: Phase,
        at: Timestamp,
    ) -> Result<(), Stopped> {
        loop {
            let draft = leaves::draft(&self.record, next, came, before, at);
            let Some(draft) = draft else { return Ok(()) };
            let parts = Arc::clone(&self.parts);
            let recorded = match blocking(move || (parts.audit)()).await {
                Ok(audit) => audit.record(draft).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.message),
            };
            let Err(why) = recorded else { return Ok(()) };
            tracing::error!(
                why,
                id = self.record.id,
                "a rotation's step can't be recorded"
            );
            self.pause().await?;
        }
    }

    /// Tells whoever should know of where it came to, and of a step that lasts too long.
    async fn tell(&mut self, before: Phase, at: Timestamp) {
        let phase = self.rotation.phase();
        let told = self
            .overdue
            .is_some_and(|(told, when)| told == phase && at.millis_since(when) < TOLD_AGAIN);
        let overdue = !told && self.rotation.is_overdue(at);
        if overdue {
            self.overdue = Some((phase, at));
        }
        let parts = Arc::clone(&self.parts);
        let (record, rotation) = (self.record.clone(), self.rotation.clone());
        let raised = blocking(move || {
            let workspace = parts.store.workspace(&record.workspace_id);
            let name = workspace.map_or_else(|_| record.workspace_id.clone(), |found| found.name);
            let come_to = leaves::alert(&record, &rotation, before, &name, at);
            let overdue = overdue.then(|| leaves::overdue(&record, &rotation, &name, at));
            let mut alerts = come_to.into_iter().chain(overdue);
            alerts.try_for_each(|alert| parts.alerts.raise(alert, || (parts.audit)().ok()))
        });
        if let Err(why) = raised.await {
            tracing::warn!(why, "an alert of a rotation was not raised");
        }
    }

    async fn pause(&mut self) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => Ok(()),
            _ = self.stop.wait_for(|stop| *stop) => Err(Stopped::Ending),
        }
    }

    fn remember(&mut self, came: &Event, before: Phase, at: Timestamp) {
        let after = self.rotation.phase();
        let failed = matches!(came, Event::Failed { .. });
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if failed || before != after {
            let trouble = match came {
                Event::Failed { why, .. } | Event::Unprovable { why } => Some(why.clone()),
                _ => None,
            };
            if shown.moves.len() == MOVES_MAX {
                shown.moves.pop_front();
            }
            shown.moves.push_back(Moved {
                at,
                step: before.as_str().to_owned(),
                to: after.as_str().to_owned(),
                trouble,
            });
        }
        shown.record = self.record.clone();
        shown.rotation = self.rotation.clone();
    }
}
