//! The task that drives one revocation to its end.

use std::sync::Arc;
use std::time::Duration;

use doorward_catalog::Op;
use doorward_keys::revocation::{Event, Phase, Revocation, Step};
use doorward_policy::Timestamp;
use doorward_secrets::SecretRef;
use doorward_store::{Probe, ProbeOutcome, RevocationRecord, UpstreamKey, Workspace};
use doorward_upstream::USER_AGENT;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot, watch};

use super::leaves;
use super::view::RevocationView;
use crate::admin::now;
use crate::inventory::keeper;
use crate::rotation::calls::{Keys, Trouble, call_name};
use crate::rotation::parts::{Parts, blocking, print};
use crate::rotation::pulse::{Pulse, pulse};

/// How soon what could not be kept or recorded is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What a person wants, and where to say whether it could be.
pub(super) struct Mail {
    pub(super) event: Event,
    pub(super) told: oneshot::Sender<Result<(), String>>,
}

/// A revocation as others see it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) record: RevocationRecord,
    pub(super) revocation: Revocation,
}

/// Why a driver stops before the end.
enum Stopped {
    /// The program ends; whoever starts it next goes on.
    Ending,
    /// The state is another than was kept: somebody else drives it.
    Lost,
}

/// Drives one revocation.
pub(super) struct Driver {
    pub(super) parts: Arc<Parts>,
    pub(super) shown: watch::Sender<Shown>,
    pub(super) mail: mpsc::Receiver<Mail>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) record: RevocationRecord,
    pub(super) revocation: Revocation,
}

impl Driver {
    /// Tells it the first event, then drives it until it is over or the program ends.
    pub(super) async fn run(mut self, first: Event) {
        let stopped = match self.on(first).await {
            Ok(_) => self.drive().await,
            Err(stopped) => Err(stopped),
        };
        let (id, at) = (&self.record.id, self.revocation.phase().as_str());
        match stopped {
            Ok(()) => tracing::info!(id, at, "a revocation is over"),
            Err(Stopped::Ending) => {
                tracing::info!(id, at, "a revocation goes on at the next start")
            }
            Err(Stopped::Lost) => tracing::error!(
                id,
                "a revocation is driven by somebody else too, and left to them; is the data folder shared?"
            ),
        }
    }

    async fn drive(&mut self) -> Result<(), Stopped> {
        loop {
            while let Ok(mail) = self.mail.try_recv() {
                self.take(mail).await?;
            }
            if *self.stop.borrow() && !self.revocation.phase().is_over() {
                return Err(Stopped::Ending);
            }
            let came = match self.revocation.next(now()) {
                Step::Over => return Ok(()),
                Step::Wait { until } => {
                    self.wait(until).await?;
                    continue;
                }
                Step::Revoke => self.revoke().await.map(|()| Event::Revoked),
                Step::Probe => self.probe().await,
            };
            let came = came.unwrap_or_else(|Trouble { why, .. }| Event::Failed { why });
            // A step gives what its phase waits for.
            if let Err(unfit) = self.on(came).await? {
                tracing::error!(unfit, id = self.record.id, "a step gave what it can't");
                self.pause().await?;
            }
        }
    }

    async fn wait(&mut self, until: Timestamp) -> Result<(), Stopped> {
        let ms = until.millis_since(now()).max(1);
        let mail = tokio::select! {
            mail = self.mail.recv() => mail,
            () = tokio::time::sleep(Duration::from_millis(ms.unsigned_abs())) => None,
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

    async fn workspace(&self) -> Result<Workspace, Trouble> {
        let (parts, id) = (Arc::clone(&self.parts), self.record.workspace_id.clone());
        let workspace = blocking(move || parts.store.workspace(&id)).await;
        workspace.map_err(Trouble::passing)
    }

    /// Who may do these operations, other than the key that goes.
    fn manager<'w>(&self, workspace: &'w Workspace, ops: &[Op]) -> Option<&'w UpstreamKey> {
        keeper(workspace, ops, self.record.key_id.as_deref())
    }

    async fn revoke(&self) -> Result<(), Trouble> {
        let workspace = self.workspace().await?;
        let both = [Op::ListAPIKey, Op::DeleteAPIKey];
        let manager = self
            .manager(&workspace, &both)
            .or_else(|| self.manager(&workspace, &[Op::DeleteAPIKey]));
        let manager = manager.ok_or_else(|| {
            Trouble::passing(
                "no other upstream key of the workspace may delete its keys; add one with `doorward \
                 upstream adopt NAME --manages`",
            )
        })?;
        let keys = Keys {
            parts: &self.parts,
            workspace: &workspace,
            manager,
        };
        keys.delete(&self.record.api_key_id)
            .await
            .map_err(|trouble| Trouble {
                why: format!(
                    "the key {} could not be deleted under '{}': {}",
                    self.record.api_key_id, manager.name, trouble.why
                ),
                ..trouble
            })
    }

    /// One read under the key; where its value is not to be had, a look at the list of keys.
    async fn probe(&self) -> Result<Event, Trouble> {
        let workspace = self.workspace().await?;
        if let Some((key, value)) = self.value(&workspace).await {
            let name = format!("{USER_AGENT} {}", call_name()?);
            let client = self.parts.client(&workspace, value, &name);
            let client = client.map_err(Trouble::lasting)?;
            return match pulse(&client, key.scope_set().unwrap_or_default()).await {
                Pulse::Dead => Ok(Event::Refused),
                Pulse::Works | Pulse::NotCovered => Ok(Event::Alive),
                Pulse::Unclear(why) => Err(Trouble::passing(why)),
            };
        }
        let Some(manager) = self.manager(&workspace, &[Op::ListAPIKey]) else {
            return Ok(Event::Unprovable {
                why: "its value is not to be had, and no key may list the workspace's keys: that it was \
                      deleted is all that can be said"
                    .to_owned(),
            });
        };
        let keys = Keys {
            parts: &self.parts,
            workspace: &workspace,
            manager,
        };
        let listed = keys.list().await?;
        let listed = listed.iter().any(|key| key.id == self.record.api_key_id);
        Ok(match listed {
            true => Event::Alive,
            false => Event::Unlisted,
        })
    }

    /// The key's record and value, where that is the one that it had.
    async fn value<'w>(&self, workspace: &'w Workspace) -> Option<(&'w UpstreamKey, SecretString)> {
        let held = self.revocation.held()?;
        let mut keys = workspace.upstream_keys.iter();
        let key = keys.find(|key| key.id == held.key_id)?;
        let reference: SecretRef = key.reference.parse().ok()?;
        let found = self.parts.find(&reference).await.ok()?;
        // What somebody wrote there since says nothing of this key.
        (held.print == Some(print(&found.secret))).then_some((key, found.secret))
    }

    /// Takes an event in: it is in the ledger, and the new state durable, when this is done. The inner
    /// error says that the event does not fit.
    async fn on(&mut self, came: Event) -> Result<Result<(), String>, Stopped> {
        let (at, before) = (now(), self.revocation.phase());
        let mut next = self.revocation.clone();
        if let Err(unfit) = next.on(came.clone(), at) {
            return Ok(Err(unfit.to_string()));
        }
        self.keep(&came, &next, before, at).await?;
        self.revocation = next;
        self.shown.send_replace(Shown {
            record: self.record.clone(),
            revocation: self.revocation.clone(),
        });
        self.tell(at).await;
        Ok(Ok(()))
    }

    /// A leaf of what came, then the state that follows from it, however often that has to be tried: a
    /// crash between the two has a step twice in the record, never a step that is not in it.
    async fn keep(
        &mut self,
        came: &Event,
        next: &Revocation,
        before: Phase,
        at: Timestamp,
    ) -> Result<(), Stopped> {
        let id = self.record.id.clone();
        while let Some(draft) = leaves::draft(&self.record, next, came, before, at) {
            let parts = Arc::clone(&self.parts);
            let recorded = match blocking(move || (parts.audit)()).await {
                Ok(audit) => audit.record(draft).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.message),
            };
            let Err(why) = recorded else { break };
            tracing::error!(why, id, "a revocation's step can't be recorded");
            self.pause().await?;
        }
        let over = next.phase().is_over();
        let state = serde_json::to_string(next).unwrap_or_default();
        loop {
            let (parts, version) = (Arc::clone(&self.parts), self.record.version);
            let (of, kept) = (id.clone(), state.clone());
            let saved = blocking(move || {
                parts
                    .store
                    .save_revocation(&of, version, &kept, over, now())
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
                    tracing::error!(%error, id, "a revocation's state can't be kept");
                    self.pause().await?;
                }
            }
        }
    }

    /// Tells whoever should know of where it came to; what is proved dead is written down with the key.
    async fn tell(&self, at: Timestamp) {
        let (record, revocation) = (self.record.clone(), self.revocation.clone());
        let parts = Arc::clone(&self.parts);
        let told = blocking(move || {
            if let (Some(_), Some(key_id)) = (revocation.proof(), &record.key_id) {
                let probe = Probe {
                    at,
                    outcome: ProbeOutcome::Dead,
                    detail: "revoked and proved dead".to_owned(),
                };
                if let Err(error) = parts.store.record_probe(key_id, &probe, None) {
                    tracing::warn!(%error, "that a key is dead could not be written down");
                }
            }
            let workspace = parts.store.workspace(&record.workspace_id).ok();
            let view = RevocationView::of(&record, &revocation, workspace.as_ref());
            match leaves::alert(&view, at) {
                Some(alert) => parts.alerts.raise(alert, || (parts.audit)().ok()),
                None => Ok(()),
            }
        });
        if let Err(why) = told.await {
            tracing::warn!(why, "an alert of a revocation was not raised");
        }
    }

    async fn pause(&mut self) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => Ok(()),
            _ = self.stop.wait_for(|stop| *stop) => Err(Stopped::Ending),
        }
    }
}
