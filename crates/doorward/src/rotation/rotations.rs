//! All rotations: begun, told what people want, shown, and gone on with after a restart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_keys::rotation::{Event, Phase, Rotation, Timing};
use doorward_store::{NewRotation, RotationRecord, StoreError, UpstreamKey, UpstreamKeyChange};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::driver::{Driver, Mail, Shown};
use super::manager::manager_of;
use super::owed::Revocations;
use super::parts::{Parts, blocking};
use super::prepare::{Asked, Prepared, rotated_already};
use super::twins::refuse_twin;
use super::view::RotationView;
use crate::admin::{AdminError, now};
use crate::health::{OwedBy, OwedKey};
use crate::scrubbed::known_secrets;

/// How long a step under way is waited for at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// Most rotations that are over whose steps are remembered.
const LATELY_MAX: usize = 32;
/// Most wishes of people that wait for a step to end.
const MAIL_MAX: usize = 8;
/// Most rotations that are listed.
const LIST_MAX: usize = 1_000;

/// All rotations of this process. Cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Rotations(Arc<Inner>);

struct Inner {
    parts: Arc<Parts>,
    owed: Revocations,
    live: Mutex<BTreeMap<String, Live>>,
    lately: Mutex<VecDeque<Arc<Mutex<Shown>>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

/// A rotation that is driven.
struct Live {
    mail: mpsc::Sender<Mail>,
    shown: Arc<Mutex<Shown>>,
}

impl Rotations {
    /// With none driven yet.
    pub(crate) fn new(parts: Parts) -> Self {
        let parts = Arc::new(parts);
        Self(Arc::new(Inner {
            owed: Revocations::new(Arc::clone(&parts)),
            parts,
            live: Mutex::default(),
            lately: Mutex::default(),
            tasks: Mutex::default(),
            stop: watch::channel(false).0,
        }))
    }

    /// The revocations of keys that nothing takes the place of.
    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.owed
    }

    /// Refuses a key that another record which is in use holds too. Blocks.
    ///
    /// # Errors
    /// Which other there is, and what to do.
    pub(crate) fn refuse_twin(
        &self,
        key: &UpstreamKey,
        api_key_id: &str,
    ) -> Result<(), AdminError> {
        refuse_twin(&self.0.parts, key, api_key_id)
    }

    /// The keys that are to be dead and are not yet, of rotations and of revocations.
    pub(crate) fn owed(&self) -> Vec<OwedKey> {
        let mut owed = self.0.owed.owed();
        for live in lock(&self.0.live).values() {
            let shown = lock(&live.shown);
            let (record, rotation) = (&shown.record, &shown.rotation);
            if rotation.is_owed() {
                let old = rotation.plan().old();
                owed.push(OwedKey {
                    by: OwedBy::Rotation,
                    id: record.id.clone(),
                    workspace: record.workspace_id.clone(),
                    api_key_id: old.map(|old| old.api_key_id.clone()),
                    step: rotation.phase().as_str().to_owned(),
                    tries: rotation.tries(),
                    since: record.begun_at,
                    trouble: rotation.trouble().map(str::to_owned),
                });
            }
        }
        owed
    }

    /// The times of a rotation that a person asks for: at once, or with the overlap in force.
    pub(crate) fn timing(&self, at_once: bool) -> Timing {
        match at_once {
            true => Timing::at_once(),
            false => Timing {
                overlap: self.0.parts.overlap.load(Ordering::Relaxed),
                ..Timing::default()
            },
        }
    }

    /// Takes another overlap, ms, for rotations that begin from now on.
    pub(crate) fn set_overlap(&self, overlap: i64) {
        self.0.parts.overlap.store(overlap, Ordering::Relaxed);
    }

    /// Plans a rotation, and does nothing.
    ///
    /// # Errors
    /// Why it can't be, and what to do.
    pub(crate) async fn prepare(&self, asked: &Asked) -> Result<Prepared, AdminError> {
        asked.prepare(&self.0.parts).await
    }

    /// Begins a rotation. It goes on by itself, also after a restart.
    ///
    /// # Errors
    /// Why it can't be, and what to do; nothing was done then.
    pub(crate) async fn begin(&self, asked: &Asked) -> Result<RotationView, AdminError> {
        let Prepared {
            plan, reference, ..
        } = self.prepare(asked).await?;
        if *self.0.stop.borrow() {
            return Err(AdminError::failed(
                "the server ends; try again when it runs",
            ));
        }
        let (key, old) = (plan.key().to_owned(), plan.old().cloned());
        let rotation = Rotation::new(plan);
        let new = NewRotation {
            id: rotation.plan().id().to_string(),
            workspace_id: rotation.plan().workspace().to_owned(),
            key: key.clone(),
            reference: reference.to_string(),
            state: serde_json::to_string(&rotation).map_err(AdminError::failed)?,
        };
        let parts = Arc::clone(&self.0.parts);
        let record = blocking(move || {
            if let Some(old) = old {
                let change = UpstreamKeyChange {
                    api_key_id: Some(old.api_key_id),
                    ..UpstreamKeyChange::default()
                };
                parts.store.change_upstream_key(&old.key_id, &change)?;
            }
            parts.store.begin_rotation(&new, now())
        });
        let record = record.await.map_err(|error| match error {
            StoreError::Duplicate { .. } => rotated_already(&key, "another"),
            error => error.into(),
        })?;
        let id = record.id.clone();
        self.drive(record, rotation, Event::Begin);
        self.view(&id).await
    }

    /// Goes on with every rotation and revocation that is open. Blocks; needs the runtime.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn resume_open(&self) -> Result<(), AdminError> {
        self.0.owed.resume_open()?;
        for record in self.0.parts.store.open_rotations()? {
            if self.is_driven(&record.id) {
                continue;
            }
            match serde_json::from_str::<Rotation>(&record.state) {
                Ok(rotation) => {
                    self.know_again(&record, &rotation);
                    tracing::info!(
                        id = record.id,
                        key = record.key,
                        at = rotation.phase().as_str(),
                        "a rotation goes on"
                    );
                    let first = match rotation.phase() {
                        Phase::Planned => Event::Begin,
                        _ => Event::Restarted,
                    };
                    self.drive(record, rotation, first);
                }
                Err(error) => self.unreadable(&record, &error.to_string()),
            }
        }
        Ok(())
    }

    /// The values that a rotation has to do with are looked for in all that is told, before a step
    /// is done.
    fn know_again(&self, record: &RotationRecord, rotation: &Rotation) {
        let store = &self.0.parts.store;
        let old = rotation.plan().old().and_then(|old| {
            let workspace = store.workspace(&record.workspace_id).ok()?;
            let mut keys = workspace.upstream_keys.into_iter();
            Some(keys.find(|key| key.id == old.key_id)?.reference)
        });
        let places = [Some(record.reference.clone()), old];
        let values = places.into_iter().flatten().filter_map(|place| {
            let reference = place.parse().ok()?;
            Some(self.0.parts.secrets.find(&reference).ok()?.secret)
        });
        let values: Vec<_> = values.collect();
        if known_secrets().set("keys of rotations", values).is_err() {
            tracing::error!(
                id = record.id,
                "a rotation's keys can't be kept out of what is told"
            );
        }
    }

    fn unreadable(&self, record: &RotationRecord, why: &str) {
        tracing::error!(
            id = record.id,
            key = record.key,
            why,
            "a rotation can't be gone on with"
        );
        let title = format!("the rotation of {} can't be read", record.key);
        self.0.parts.alerts.tell(
            Alert::new(AlertKind::RotationTrouble, title, now())
                .text("It was begun by another version of Doorward; use that one to end it.")
                .fact("rotation", &record.id)
                .key(&record.id),
        );
    }

    fn drive(&self, record: RotationRecord, rotation: Rotation, first: Event) {
        let (post, mail) = mpsc::channel(MAIL_MAX);
        let (id, key) = (record.id.clone(), record.key.clone());
        let parts = Arc::clone(&self.0.parts);
        let driver = Driver::new(parts, record, rotation, mail, self.0.stop.subscribe());
        let shown = driver.shown();
        let live = Live {
            mail: post,
            shown: Arc::clone(&shown),
        };
        lock(&self.0.live).insert(id.clone(), live);
        let inner = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            let driven = tokio::spawn(driver.run(first)).await;
            if let Err(error) = driven {
                tracing::error!(%error, id, key, "a rotation stands still until the next start");
                let title = format!("the rotation of {key} stands still");
                inner.parts.alerts.tell(
                    Alert::new(AlertKind::RotationTrouble, title, now())
                        .text("This is a fault of Doorward; restart it, and it goes on.")
                        .fact("rotation", &id)
                        .key(&id),
                );
            }
            lock(&inner.live).remove(&id);
            let mut lately = lock(&inner.lately);
            if lately.len() == LATELY_MAX {
                lately.pop_front();
            }
            lately.push_back(shown);
        });
        let mut tasks = lock(&self.0.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Tells a rotation that is under way what a person wants. It is told between two steps.
    ///
    /// # Errors
    /// When it is not under way, or that does not fit where it is.
    pub(crate) async fn tell(&self, id: &str, event: Event) -> Result<RotationView, AdminError> {
        let post = lock(&self.0.live).get(id).map(|live| live.mail.clone());
        let Some(post) = post else {
            let view = self.view(id).await?;
            return Err(match view.open {
                false => {
                    AdminError::usage(format_args!("the rotation {id} is over ({})", view.step))
                }
                true => AdminError::failed(format_args!(
                    "nobody drives the rotation {id}: start the server, which goes on with it"
                )),
            });
        };
        let (told, answer) = oneshot::channel();
        let gone = || AdminError::failed("the rotation ended meanwhile");
        post.send(Mail { event, told }).await.map_err(|_| gone())?;
        answer
            .await
            .map_err(|_| gone())?
            .map_err(AdminError::usage)?;
        self.view(id).await
    }

    /// Has a rotation that waits go on now: one that is stuck, and one whose step failed. `manager`
    /// names the key that manages from now on, if it is another.
    ///
    /// # Errors
    /// As [`tell`](Self::tell), and when no key may manage.
    pub(crate) async fn resume(
        &self,
        id: &str,
        manager: Option<&str>,
    ) -> Result<RotationView, AdminError> {
        let view = self.view(id).await?;
        let workspace = self.0.parts.store.workspace(&view.workspace_id)?;
        let by = match manager {
            Some(named) => {
                let mut keys = workspace.upstream_keys.iter();
                keys.find(|key| key.name == named || key.id == named)
                    .ok_or_else(|| {
                        AdminError::failed(format_args!(
                            "workspace '{}' has no upstream key of that name",
                            workspace.name
                        ))
                    })?
            }
            None => manager_of(&workspace, self.old_of(id).as_deref())?,
        };
        let managed = Event::Managed { by: by.id.clone() };
        let told = self.tell(id, managed).await?;
        match told.is_stuck() {
            true => self.tell(id, Event::Resume).await,
            false => Ok(told),
        }
    }

    fn old_of(&self, id: &str) -> Option<String> {
        let live = lock(&self.0.live);
        let shown = lock(&live.get(id)?.shown);
        shown.rotation.plan().old().map(|old| old.key_id.clone())
    }

    /// A rotation, whether it is under way or over.
    ///
    /// # Errors
    /// When there is none of that id.
    pub(crate) async fn view(&self, id: &str) -> Result<RotationView, AdminError> {
        let live = lock(&self.0.live)
            .get(id)
            .map(|live| Arc::clone(&live.shown));
        let shown = live.or_else(|| {
            let lately = lock(&self.0.lately);
            let found = lately.iter().find(|shown| lock(shown).record.id == id);
            found.map(Arc::clone)
        });
        let (parts, id) = (Arc::clone(&self.0.parts), id.to_owned());
        blocking(move || {
            let workspaces = Names::read(&parts)?;
            if let Some(shown) = shown {
                let shown = lock(&shown);
                return Ok(shown.view(workspaces.of(&shown.record)));
            }
            of_record(&parts.store.rotation(&id)?, &workspaces)
        })
        .await
    }

    /// The rotations of a workspace and of a key, or all, the newest first: those under way, or all.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) async fn list(
        &self,
        workspace_id: Option<String>,
        key: Option<String>,
        open_only: bool,
    ) -> Result<Vec<RotationView>, AdminError> {
        let parts = Arc::clone(&self.0.parts);
        blocking(move || {
            let workspaces = Names::read(&parts)?;
            let (of, key) = (workspace_id.as_deref(), key.as_deref());
            let mut records = parts.store.rotations(of, key, LIST_MAX)?;
            records.retain(|record| record.open || !open_only);
            let views = records.iter().map(|record| of_record(record, &workspaces));
            views.collect()
        })
        .await
    }

    /// Ends: a step under way is waited for a while, and what is not over goes on at the next start.
    pub(crate) async fn end(&self) {
        self.0.stop.send_replace(true);
        self.0.owed.end().await;
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        let until = tokio::time::Instant::now() + DRAIN;
        for mut task in tasks {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if timeout(left, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// Whether a rotation is driven by this process.
    pub(crate) fn is_driven(&self, id: &str) -> bool {
        lock(&self.0.live).contains_key(id)
    }
}

/// The names of workspaces, by Doorward's id.
struct Names(BTreeMap<String, String>);

impl Names {
    fn read(parts: &Parts) -> Result<Self, AdminError> {
        let all = parts.store.workspaces()?;
        Ok(Self(
            all.into_iter().map(|one| (one.id, one.name)).collect(),
        ))
    }

    fn of<'a>(&'a self, record: &'a RotationRecord) -> &'a str {
        let known = self.0.get(&record.workspace_id);
        known.unwrap_or(&record.workspace_id)
    }
}

fn of_record(record: &RotationRecord, names: &Names) -> Result<RotationView, AdminError> {
    let rotation: Rotation = serde_json::from_str(&record.state).map_err(|error| {
        AdminError::failed(format_args!(
            "the rotation {} can't be read: {error}",
            record.id
        ))
    })?;
    Ok(RotationView::of(
        record,
        &rotation,
        names.of(record),
        Vec::new(),
    ))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
