//! All revocations: begun, told what people want, shown, and gone on with after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_keys::revocation::{Event, HeldKey, Phase, Revocation};
use doorward_keys::rotation::{RotationId, Why};
use doorward_secrets::SecretRef;
use doorward_store::{NewRevocation, RevocationRecord, StoreError, UpstreamKey, Workspace};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::driver::{Driver, Mail, Shown};
use super::view::RevocationView;
use crate::admin::{AdminError, now};
use crate::health::{OwedBy, OwedKey};
use crate::rotation::parts::{Parts, blocking, print};
use crate::scrubbed::known_secrets;

/// How long a step under way is waited for at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// Most wishes of people that wait for a step to end.
const MAIL_MAX: usize = 8;
/// Most revocations that are listed.
const LIST_MAX: usize = 1_000;
/// What ids begin with.
const PREFIX: &str = "rv-";

/// A key that is to be revoked.
pub(crate) struct Revoke<'a> {
    /// Its workspace.
    pub(crate) workspace: &'a Workspace,
    /// Instantly's id of it.
    pub(crate) api_key_id: &'a str,
    /// Its record, if there is one: no call begins under it any more.
    pub(crate) held: Option<&'a UpstreamKey>,
    /// Why.
    pub(crate) why: Why,
}

/// All revocations of this process. Cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Revocations(Arc<Inner>);

struct Inner {
    parts: Arc<Parts>,
    live: Mutex<BTreeMap<String, Live>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

/// A revocation that is driven.
struct Live {
    mail: mpsc::Sender<Mail>,
    shown: watch::Receiver<Shown>,
}

impl Revocations {
    /// With none driven yet.
    pub(in crate::rotation) fn new(parts: Arc<Parts>) -> Self {
        Self(Arc::new(Inner {
            parts,
            live: Mutex::default(),
            tasks: Mutex::default(),
            stop: watch::channel(false).0,
        }))
    }

    /// Whether an id is a revocation's, by its form.
    pub(crate) fn is_id(id: &str) -> bool {
        id.starts_with(PREFIX)
    }

    /// Begins a revocation, or tries one again that is owed already. It goes on by itself, also after a
    /// restart. Blocks; needs the runtime.
    ///
    /// # Errors
    /// When it can't be kept; nothing was done then.
    pub(crate) fn begin(&self, revoke: &Revoke<'_>) -> Result<RevocationView, AdminError> {
        let parts = &self.0.parts;
        if *self.0.stop.borrow() {
            return Err(AdminError::failed(
                "the server ends; try again when it runs",
            ));
        }
        let held = revoke.held.map(|held| HeldKey {
            key_id: held.id.clone(),
            print: self.print(&held.reference),
        });
        let id = format!("revocation of {}", revoke.api_key_id);
        let revocation = Revocation::new(revoke.why, revoke.api_key_id.to_owned(), held, now());
        let random = crate::secret::random::<{ RotationId::RANDOM_LEN }>();
        let random = random.map_err(|error| AdminError::failed(format_args!("{id}: {error}")))?;
        let new = NewRevocation {
            id: format!("{PREFIX}{}", RotationId::generate(&random)),
            workspace_id: revoke.workspace.id.clone(),
            api_key_id: revoke.api_key_id.to_owned(),
            key_id: revoke.held.map(|held| held.id.clone()),
            state: serde_json::to_string(&revocation).map_err(AdminError::failed)?,
        };
        let record = match parts.store.begin_revocation(&new, now()) {
            Ok(record) => record,
            Err(StoreError::Duplicate { .. }) => return self.again(&new),
            Err(error) => return Err(error.into()),
        };
        // The key dies whatever is in force.
        if let Err(error) = parts.gate.swap() {
            tracing::error!(%error, "a key that is revoked may be in force still");
        }
        let id = record.id.clone();
        self.drive(record, revocation, Event::Begin);
        self.view(&id)
    }

    /// Tries the one that is open now.
    fn again(&self, new: &NewRevocation) -> Result<RevocationView, AdminError> {
        let open = self.0.parts.store.open_revocations()?;
        let mut same = open
            .into_iter()
            .filter(|one| one.workspace_id == new.workspace_id && one.api_key_id == new.api_key_id);
        let record = same
            .next()
            .ok_or_else(|| AdminError::failed("it was over a moment ago; look again"))?;
        self.resume(&record.id)
    }

    /// The start of a value's hash. From here on it is looked for in all that is told.
    fn print(&self, reference: &str) -> Option<[u8; 8]> {
        let reference: SecretRef = reference.parse().ok()?;
        let value = self.0.parts.secrets.find(&reference).ok()?.secret;
        let print = print(&value);
        let known = known_secrets().set("keys being revoked", vec![value]);
        known.is_ok().then_some(print)
    }

    /// Goes on with every revocation that is open. Blocks; needs the runtime.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn resume_open(&self) -> Result<(), AdminError> {
        for record in self.0.parts.store.open_revocations()? {
            if lock(&self.0.live).contains_key(&record.id) {
                continue;
            }
            match serde_json::from_str::<Revocation>(&record.state) {
                Ok(revocation) => {
                    let workspace = self.0.parts.store.workspace(&record.workspace_id)?;
                    let mut keys = workspace.upstream_keys.iter();
                    if let Some(key) = keys.find(|key| Some(&key.id) == record.key_id.as_ref()) {
                        self.print(&key.reference);
                    }
                    let at = revocation.phase().as_str();
                    tracing::info!(id = record.id, at, "a revocation goes on");
                    self.drive(record, revocation, Event::Restarted);
                }
                Err(error) => {
                    tracing::error!(%error, id = record.id, "a revocation can't be gone on with");
                    let title = format!("the revocation of {} can't be read", record.api_key_id);
                    self.0.parts.alerts.tell(
                        Alert::new(AlertKind::RotationDebt, title, now())
                            .text("It was begun by another version of Doorward; use that one to end it.")
                            .fact("revocation", &record.id)
                            .key(&record.id),
                    );
                }
            }
        }
        Ok(())
    }

    fn drive(&self, record: RevocationRecord, revocation: Revocation, first: Event) {
        let (post, mail) = mpsc::channel(MAIL_MAX);
        let id = record.id.clone();
        let (shown, watched) = watch::channel(Shown {
            record: record.clone(),
            revocation: revocation.clone(),
        });
        let driver = Driver {
            parts: Arc::clone(&self.0.parts),
            shown,
            mail,
            stop: self.0.stop.subscribe(),
            record,
            revocation,
        };
        let live = Live {
            mail: post,
            shown: watched,
        };
        lock(&self.0.live).insert(id.clone(), live);
        let inner = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            if let Err(error) = tokio::spawn(driver.run(first)).await {
                tracing::error!(%error, id, "a revocation stands still until the next start");
                inner.parts.alerts.tell(
                    Alert::new(
                        AlertKind::RotationDebt,
                        format!("the revocation {id} stands still"),
                        now(),
                    )
                    .text("This is a fault of Doorward; restart it, and it goes on.")
                    .fact("revocation", &id)
                    .key(&id),
                );
            }
            lock(&inner.live).remove(&id);
        });
        let mut tasks = lock(&self.0.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Waits until a revocation is over, or has failed so often that it is not worth waiting, or so long;
    /// with `until_revoked`, no longer than until the key is deleted. Needs the runtime.
    ///
    /// # Errors
    /// When there is none of that id.
    pub(crate) async fn wait(
        &self,
        id: &str,
        until_revoked: bool,
        longest: Duration,
    ) -> Result<RevocationView, AdminError> {
        let shown = lock(&self.0.live).get(id).map(|live| live.shown.clone());
        if let Some(mut shown) = shown {
            let enough = |shown: &Shown| {
                let Shown { record, revocation } = shown;
                RevocationView::of(record, revocation, None).is_put_off()
                    || revocation.phase().is_over()
                    || (until_revoked && revocation.phase() != Phase::Revoking)
            };
            // That it took too long is seen in what is shown.
            let _ = timeout(longest, shown.wait_for(enough)).await;
        }
        let (this, id) = (self.clone(), id.to_owned());
        blocking(move || this.view(&id)).await
    }

    /// Has one tried now that waits for its next try; one that nobody drives is gone on with. Blocks;
    /// needs the runtime.
    ///
    /// # Errors
    /// When it is over, or there is none of that id.
    pub(crate) fn resume(&self, id: &str) -> Result<RevocationView, AdminError> {
        if !lock(&self.0.live).contains_key(id) {
            self.resume_open()?;
        }
        self.tell(id, Event::Again)
    }

    /// Leaves one as it is. Blocks; needs the runtime.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub(crate) fn abandon(&self, id: &str, why: String) -> Result<RevocationView, AdminError> {
        if !lock(&self.0.live).contains_key(id) {
            self.resume_open()?;
        }
        self.tell(id, Event::Abandon { why })
    }

    fn tell(&self, id: &str, event: Event) -> Result<RevocationView, AdminError> {
        let post = lock(&self.0.live).get(id).map(|live| live.mail.clone());
        let over = |view: RevocationView| {
            AdminError::usage(format_args!("the revocation {id} is over ({})", view.step))
        };
        let Some(post) = post else {
            return Err(over(self.view(id)?));
        };
        let (told, answer) = oneshot::channel();
        let sent = post.blocking_send(Mail { event, told });
        match sent.ok().and_then(|()| answer.blocking_recv().ok()) {
            Some(Ok(())) => self.view(id),
            Some(Err(unfit)) => Err(AdminError::usage(unfit)),
            None => Err(over(self.view(id)?)),
        }
    }

    /// A revocation, whether it is owed or over. Blocks.
    ///
    /// # Errors
    /// When there is none of that id.
    pub(crate) fn view(&self, id: &str) -> Result<RevocationView, AdminError> {
        let live = lock(&self.0.live)
            .get(id)
            .map(|live| live.shown.borrow().clone());
        let store = &self.0.parts.store;
        match live {
            Some(Shown { record, revocation }) => {
                let workspace = store.workspace(&record.workspace_id).ok();
                Ok(RevocationView::of(&record, &revocation, workspace.as_ref()))
            }
            None => {
                let record = store.revocation(id)?;
                of_record(&record, store.workspace(&record.workspace_id).ok().as_ref())
            }
        }
    }

    /// The revocations of a workspace, or all, the newest first: those that are owed, or all. Blocks.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn list(
        &self,
        workspace_id: Option<&str>,
        open_only: bool,
    ) -> Result<Vec<RevocationView>, AdminError> {
        let store = &self.0.parts.store;
        let workspaces = store.workspaces()?;
        let records = match open_only {
            true => store.open_revocations()?,
            false => store.revocations(workspace_id, LIST_MAX)?,
        };
        let records = records
            .iter()
            .filter(|record| workspace_id.is_none_or(|workspace| workspace == record.workspace_id));
        let views = records.map(|record| {
            let mut all = workspaces.iter();
            of_record(record, all.find(|one| one.id == record.workspace_id))
        });
        views.collect()
    }

    /// Those that are owed, as far as they are driven.
    pub(in crate::rotation) fn owed(&self) -> Vec<OwedKey> {
        let live = lock(&self.0.live);
        let shown = live.values().map(|live| live.shown.borrow().clone());
        let open = shown.filter(|shown| !shown.revocation.phase().is_over());
        let owed = open.map(|Shown { record, revocation }| OwedKey {
            by: OwedBy::Revocation,
            id: record.id,
            workspace: record.workspace_id,
            api_key_id: Some(record.api_key_id),
            step: revocation.phase().as_str().to_owned(),
            tries: revocation.tries(),
            since: record.begun_at,
            trouble: revocation.trouble().map(str::to_owned),
        });
        owed.collect()
    }

    /// Ends: a step under way is waited for a while, and what is owed goes on at the next start.
    pub(crate) async fn end(&self) {
        self.0.stop.send_replace(true);
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        let until = tokio::time::Instant::now() + DRAIN;
        for mut task in tasks {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if timeout(left, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

fn of_record(
    record: &RevocationRecord,
    workspace: Option<&Workspace>,
) -> Result<RevocationView, AdminError> {
    let revocation: Revocation = serde_json::from_str(&record.state).map_err(|error| {
        AdminError::failed(format_args!(
            "the revocation {} can't be read: {error}",
            record.id
        ))
    })?;
    Ok(RevocationView::of(record, &revocation, workspace))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
