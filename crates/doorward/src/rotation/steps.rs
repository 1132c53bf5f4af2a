//! What is done in each step of a rotation.

use std::sync::Arc;

use doorward_keys::rotation::{Event, Failure, Look, NewKey, Rotation, Step};
use doorward_secrets::{Error as SecretError, Expect, SecretRef};
use doorward_store::{Probe, ProbeOutcome, PromotedKey, RotationRecord, Workspace};
use secrecy::SecretString;

use super::calls::{Keys, Trouble};
use super::held::{no_new_key, old_key, secret_trouble, wanted};
use super::leaves;
use super::manager::keeper_of;
use super::parts::{Handed, Parts, blocking, print};
use super::pulse::Pulse;
use crate::admin::{known_scopes, now};
use crate::scrubbed::known_secrets;

/// Which of the two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Old,
    New,
}

/// How often a new key may be called dead before it is believed: it may take a while to be known.
const CONFIRM_TRIES: u32 = 3;
/// Longest id of a key.
const ID_MAX: usize = 64;

/// Does steps.
pub(super) struct Steps {
    pub(super) parts: Arc<Parts>,
    pub(super) record: RotationRecord,
    /// The value of the key that was made, until it is kept.
    in_hand: Option<SecretString>,
}

impl Steps {
    /// With nothing in hand.
    pub(super) fn new(parts: Arc<Parts>, record: RotationRecord) -> Self {
        Self {
            parts,
            record,
            in_hand: None,
        }
    }

    /// Whether a value would be lost if the program ended now.
    pub(super) fn holds_a_value(&self) -> bool {
        self.in_hand.is_some()
    }

    /// Does a step, and says what came of it.
    pub(super) async fn act(&mut self, rotation: &Rotation, step: Step) -> Event {
        self.done(rotation, step)
            .await
            .unwrap_or_else(|Trouble { how, why }| Event::Failed { how, why })
    }

    async fn done(&mut self, rotation: &Rotation, step: Step) -> Result<Event, Trouble> {
        let workspace = &self.workspace().await?;
        Ok(match step {
            Step::Create { name, scopes } => {
                let keys = self.keys(workspace, rotation)?;
                let made = keys.create(name, scopes).await?;
                self.created(&made.id, SecretString::from(made.key.expose_secret()))?
            }
            Step::Sweep { prefix, keep, also } => {
                let (keep, also) = (keep.as_deref(), also.as_deref());
                self.sweep(workspace, rotation, &prefix, keep, also).await?
            }
            Step::Store => self.store(rotation).await?,
            Step::Recover => self.recover(rotation).await?,
            Step::Verify => self.verify(workspace, rotation).await?,
            Step::Promote => self.promote(rotation).await?,
            Step::Tell { consumer } => self.tell(workspace, rotation, consumer, Which::New).await?,
            Step::Untell { consumer } => {
                self.tell(workspace, rotation, consumer, Which::Old).await?
            }
            Step::Look => Event::Looked(self.look(workspace, rotation).await?),
            Step::Confirm => self.confirm(workspace, rotation).await?,
            Step::Revoke { api_key_id } => {
                self.keys(workspace, rotation)?.delete(&api_key_id).await?;
                Event::Revoked
            }
            Step::Probe => match self.ask(workspace, rotation, Which::Old, false).await? {
                Ok(Pulse::Dead) => Event::Refused,
                Ok(Pulse::Works | Pulse::NotCovered) => Event::Alive,
                Ok(Pulse::Unclear(why)) => return Err(Trouble::passing(why)),
                Err(why) => Event::Unprovable { why },
            },
            Step::Weigh => match self.ask(workspace, rotation, Which::Old, true).await? {
                Ok(Pulse::Dead) => Event::OldDead,
                Ok(Pulse::Works | Pulse::NotCovered) => Event::OldWorks,
                Ok(Pulse::Unclear(why)) => return Err(Trouble::passing(why)),
                Err(why) => Event::Unprovable { why },
            },
            Step::Forget => {
                let old = rotation.plan().old().map(|old| old.key_id.clone());
                let reference = old_key(workspace, rotation)?.reference.clone();
                let print = rotation.plan().old().and_then(|old| old.print);
                self.forget(old, &reference, print).await?;
                Event::Forgot
            }
            Step::Demote => self.demote(rotation).await?,
            Step::Erase => {
                let reference = self.record.reference.clone();
                let print = rotation.new_key().map(|new| new.print);
                self.forget(Some(self.record.new_key_id.clone()), &reference, print)
                    .await?;
                Event::Erased
            }
            Step::Wait { .. } | Step::Ask | Step::Over => {
                return Err(Trouble::passing("there is nothing to be done"));
            }
        })
    }

    async fn workspace(&self) -> Result<Workspace, Trouble> {
        let (parts, id) = (Arc::clone(&self.parts), self.record.workspace_id.clone());
        let workspace = blocking(move || parts.store.workspace(&id)).await;
        workspace.map_err(Trouble::passing)
    }

    fn keys<'a>(
        &'a self,
        workspace: &'a Workspace,
        rotation: &Rotation,
    ) -> Result<Keys<'a>, Trouble> {
        let old = rotation.plan().old().map(|old| old.key_id.as_str());
        let manager = keeper_of(workspace, rotation.plan().manager(), old).ok_or_else(|| {
            Trouble::passing(
                "the key that manages is gone; add another and `doorward upstream resume`",
            )
        })?;
        Ok(Keys {
            parts: &self.parts,
            workspace,
            manager,
        })
    }

    /// Takes a key that was made in hand. From here on its value is looked for in all that is told.
    fn created(&mut self, id: &str, value: SecretString) -> Result<Event, Trouble> {
        let known = known_secrets().set("keys of rotations", vec![value.clone()]);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(plain);
        if known.is_err() || !fits {
            // It is found by its name, and deleted.
            return Err(Trouble {
                how: Failure::Uncertain,
                why:
                    "what was made can't be used: its id is none, or it can't be kept out of what \
                      is told"
                        .to_owned(),
            });
        }
        let new = NewKey {
            api_key_id: id.to_owned(),
            print: print(&value),
        };
        self.in_hand = Some(value);
        Ok(Event::Created { new })
    }

    async fn sweep(
        &mut self,
        workspace: &Workspace,
        rotation: &Rotation,
        prefix: &str,
        keep: Option<&str>,
        also: Option<&str>,
    ) -> Result<Event, Trouble> {
        if keep.is_none() {
            self.in_hand = None;
        }
        let keys = self.keys(workspace, rotation)?;
        let mut listed = keys.list().await?;
        let sure = also.is_none_or(|also| listed.iter().any(|key| key.id == also));
        listed.retain(|key| key.name.starts_with(prefix) && Some(key.id.as_str()) != keep);
        for key in &listed {
            keys.delete(&key.id).await?;
        }
        // The list may lag behind.
        if let Some(also) = also
            && listed.iter().all(|key| key.id != also)
        {
            keys.delete(also).await?;
        }
        Ok(Event::Swept { sure })
    }

    pub(super) fn slot(&self) -> Result<SecretRef, Trouble> {
        self.record.reference.parse().map_err(Trouble::lasting)
    }

    async fn store(&mut self, rotation: &Rotation) -> Result<Event, Trouble> {
        let Some(value) = self.in_hand.clone() else {
            return Err(Trouble::lasting("the new key's value is lost"));
        };
        let (slot, wanted) = (self.slot()?, wanted(rotation)?);
        let expect = match self.parts.find(&slot).await {
            Ok(found) if print(&found.secret) == wanted => {
                self.in_hand = None;
                return Ok(Event::Stored);
            }
            // Of a try before, or of a key that is dead: that was looked at when it began.
            Ok(found) => found.version.map_or(Expect::Any, Expect::Is),
            Err(SecretError::Missing { .. }) => Expect::Absent,
            Err(error) => return Err(secret_trouble(&error)),
        };
        let (parts, to) = (Arc::clone(&self.parts), slot.clone());
        let put = blocking(move || parts.secrets.put(&to, &value, &expect)).await;
        put.map_err(|error| secret_trouble(&error))?;
        let kept = self.parts.find(&slot).await;
        let kept = kept.map_err(|error| secret_trouble(&error))?;
        if print(&kept.secret) != wanted {
            return Err(Trouble::passing(
                "what was written holds something else when it is read again",
            ));
        }
        self.in_hand = None;
        Ok(Event::Stored)
    }

    async fn recover(&self, rotation: &Rotation) -> Result<Event, Trouble> {
        let wanted = wanted(rotation)?;
        match self.parts.find(&self.slot()?).await {
            Ok(found) if print(&found.secret) == wanted => Ok(Event::Recovered),
            Ok(_) | Err(SecretError::Missing { .. }) => Ok(Event::NotThere),
            Err(error) => Err(secret_trouble(&error)),
        }
    }

    async fn verify(&self, workspace: &Workspace, rotation: &Rotation) -> Result<Event, Trouble> {
        let new = rotation.new_key().ok_or_else(no_new_key)?;
        let listed = self.keys(workspace, rotation)?.list().await?;
        let listed = listed.into_iter().find(|key| key.id == new.api_key_id);
        let listed = listed.ok_or_else(|| Trouble::passing("Instantly does not list it yet"))?;
        let planned = rotation.plan().scopes();
        if known_scopes(&listed.scopes) != planned || listed.scopes.len() != planned.len() {
            return Err(Trouble::lasting(format_args!(
                "Instantly gave it other scopes than were asked for: {}",
                listed.scopes.join(", ")
            )));
        }
        match self.ask(workspace, rotation, Which::New, false).await? {
            Ok(Pulse::Works) => Ok(Event::Verified),
            Ok(Pulse::NotCovered) => Err(Trouble::lasting(
                "Instantly refuses it a read that its scopes cover",
            )),
            Ok(Pulse::Dead) => Err(Trouble::passing("Instantly does not take it yet")),
            Ok(Pulse::Unclear(why)) => Err(Trouble::passing(why)),
            Err(why) => Err(Trouble::lasting(why)),
        }
    }

    async fn promote(&self, rotation: &Rotation) -> Result<Event, Trouble> {
        let new = rotation.new_key().ok_or_else(no_new_key)?;
        let plan = rotation.plan();
        let promoted = PromotedKey {
            old: plan.old().map(|old| old.key_id.clone()),
            scopes: plan.scopes().iter().map(|s| s.to_string()).collect(),
            api_key_id: new.api_key_id.clone(),
        };
        let (parts, id) = (Arc::clone(&self.parts), self.record.id.clone());
        let swapped = blocking(move || {
            let promoted = parts.store.promote_key(&id, &promoted, now());
            let promoted = promoted.map_err(Trouble::passing)?;
            let probe = Probe {
                at: now(),
                outcome: ProbeOutcome::Alive,
                detail: "verified by its rotation".to_owned(),
            };
            let noted = parts.store.record_probe(&promoted.id, &probe, None);
            noted.map_err(Trouble::passing)?;
            parts
                .gate
                .swap()
                .map_err(|error| Trouble::passing(error.message))
        });
        swapped.await?;
        match self.parts.gate.has(&self.record.new_key_id, new.print) {
            true => Ok(Event::Promoted),
            false => Err(Trouble::passing(
                "the gateway can't read the new key where it is kept",
            )),
        }
    }

    async fn demote(&self, rotation: &Rotation) -> Result<Event, Trouble> {
        let old = rotation.plan().old().map(|old| old.key_id.clone());
        let (parts, id) = (Arc::clone(&self.parts), self.record.id.clone());
        let swapped = blocking(move || {
            let demoted = parts.store.demote_key(&id, old.as_deref());
            demoted.map_err(Trouble::passing)?;
            parts
                .gate
                .swap()
                .map_err(|error| Trouble::passing(error.message))
        });
        swapped.await?;
        Ok(Event::Demoted)
    }

    async fn tell(
        &self,
        workspace: &Workspace,
        rotation: &Rotation,
        consumer: String,
        which: Which,
    ) -> Result<Event, Trouble> {
        let value = self.value(workspace, rotation, which).await?;
        let value = value.map_err(Trouble::lasting)?;
        let key = Handed {
            workspace,
            key: &self.record.key,
            rotation: &self.record.id,
            value: &value,
            is_new: which == Which::New,
        };
        let (written, told) = self.parts.outside.tell(&consumer, key).await;
        // What was written is on record, whatever became of the rest.
        for place in &written {
            self.record_written(rotation, &consumer, place).await?;
        }
        told.map_err(|(how, why)| Trouble {
            how,
            why: crate::scrubbed::scrub(why),
        })?;
        Ok(Event::Told { consumer })
    }

    async fn record_written(
        &self,
        rotation: &Rotation,
        consumer: &str,
        place: &str,
    ) -> Result<(), Trouble> {
        let draft = leaves::written(&self.record, rotation, (consumer, place), now());
        let parts = Arc::clone(&self.parts);
        let audit = blocking(move || (parts.audit)()).await;
        let audit = audit.map_err(|error| Trouble::passing(error.message))?;
        let recorded = audit.record(draft).await;
        recorded.map(drop).map_err(Trouble::passing)
    }

    async fn look(&self, workspace: &Workspace, rotation: &Rotation) -> Result<Look, Trouble> {
        let plan = rotation.plan();
        let new = self.parts.gate.figures(&self.record.new_key_id);
        let old = plan.old().map(|old| self.parts.gate.figures(&old.key_id));
        let mut look = Look {
            old_under_way: old.map_or(0, |old| old.under_way),
            new_under_way: new.under_way,
            new_carried: new.accepted > 0,
            ..Look::default()
        };
        if rotation.promoted_at().is_some() && (!look.new_carried || new.refused > 0) {
            match self.ask(workspace, rotation, Which::New, true).await? {
                Ok(Pulse::Works | Pulse::NotCovered) => look.new_carried = true,
                Ok(Pulse::Dead) => look.new_refused = true,
                Ok(Pulse::Unclear(_)) | Err(_) => look.new_carried = false,
            }
        }
        let outside = &self.parts.outside;
        let waited_for = rotation.waited_for();
        look.acknowledged = outside.acknowledged(&self.record.id, &waited_for).await;
        if let (Some(old), Some(since), false) =
            (plan.old(), rotation.promoted_at(), look.acknowledged)
        {
            let watched = outside.watched(workspace, &old.api_key_id, since).await;
            look.outside_to = watched.map(|watched| watched.to);
            look.old_seen = watched.and_then(|watched| watched.last);
        }
        Ok(look)
    }

    async fn confirm(&self, workspace: &Workspace, rotation: &Rotation) -> Result<Event, Trouble> {
        match self.ask(workspace, rotation, Which::New, true).await? {
            Ok(Pulse::Works) => Ok(Event::NewWorks),
            Ok(Pulse::NotCovered) => Err(Trouble::lasting("the new key lacks its scopes")),
            Ok(Pulse::Dead) if rotation.tries() >= CONFIRM_TRIES => {
                Err(Trouble::lasting("the new key is dead"))
            }
            Ok(Pulse::Dead) => Err(Trouble::passing("Instantly does not take the new key")),
            Ok(Pulse::Unclear(why)) => Err(Trouble::passing(why)),
            Err(why) => Err(Trouble::lasting(why)),
        }
    }
}
