//! Forgetting: a tombstone is recorded, then a key destroyed.

use doorward_ledger::{Act, Actor, ActorKind, Event, SubjectId, Verdict};
use doorward_policy::Timestamp;

use crate::audit::{Audit, Recorded};
use crate::commitments::month_of;
use crate::draft::Draft;
use crate::error::{AuditError, Result};
use crate::people::Person;

/// How long after a month its key is still in use: calls end after they began.
const MONTH_IN_USE_MS: i64 = 24 * 60 * 60 * 1000;

impl Audit {
    /// Forgets a person: a tombstone is recorded, then the key and the index entry are destroyed.
    /// Every value sealed for the person is noise from then on; every proof stays good. Whether
    /// there was such a subject. Blocks.
    ///
    /// # Errors
    /// When it can't be recorded or done; then it may be asked for again.
    pub fn erase(&self, subject: SubjectId, by: Option<Person>) -> Result<Option<Recorded>> {
        // Of one that is erased something may be left in the store's files: that is mended.
        if self.core.store.subject(subject.as_bytes())?.is_none()
            && !self.core.people.erase(subject)?
        {
            return Ok(None);
        }
        let draft = erasure(self.now(), "subject.erase", by, Event::Erasure { subject });
        let recorded = self.record_blocking(draft)?;
        self.core.people.erase(subject)?;
        Ok(Some(recorded))
    }

    /// Destroys the key of a month (`2026-11`): bodies of that month can't be held against their
    /// commitments any more. Whether there was one. Blocks.
    ///
    /// # Errors
    /// When it can't be recorded or done; [`AuditError::Setting`] for a month that is not over. Its
    /// key would be made anew under the same name, and bodies that were committed to under the old
    /// one would look forged.
    pub fn erase_month(&self, month: &str, by: Option<Person>) -> Result<Option<Recorded>> {
        let in_use = month_of(self.now().plus_millis(-MONTH_IN_USE_MS));
        if month >= in_use.as_str() {
            return Err(AuditError::Setting {
                what: "the month",
                why: "its key is in use; erase it a day after the month has ended",
            });
        }
        if self.core.store.commitment_key(month)?.is_none() {
            return Ok(None);
        }
        let mut draft = erasure(self.now(), "commitment_key.erase", by, Event::Admin);
        draft.act.metadata.insert("month".to_owned(), month.into());
        let recorded = self.record_blocking(draft)?;
        self.core
            .commitments
            .erase(self.core.store.as_ref(), month)?;
        Ok(Some(recorded))
    }
}

fn erasure(at: Timestamp, action: &str, by: Option<Person>, event: Event) -> Draft {
    let act = Act {
        actor: Some(Actor::of(match by {
            Some(_) => ActorKind::Admin,
            None => ActorKind::Doorward,
        })),
        ..Act::new(action, Verdict::Success)
    };
    let draft = Draft::new(at, act, event);
    match by {
        Some(person) => draft.person(person),
        None => draft,
    }
}
