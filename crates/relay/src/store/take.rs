//! Taking an event in.

use std::sync::atomic::Ordering;

use rusqlite::params;
use tokio::sync::oneshot;

use super::open::EventStore;
use super::queue::TakeWork;
use super::write::Writing;
use crate::error::Result;
use crate::events::{EventId, NewEvent, TEXT_MAX, TakeError, Taken, cut};

impl EventStore {
    /// Takes an event in: stores it unless it is there already, both in one transaction. Resolves
    /// once it is on disk. Texts longer than 256 bytes are cut.
    ///
    /// Given up, the event may be stored all the same.
    ///
    /// # Errors
    /// When it is not stored; then it is to be sent again.
    pub async fn take(&self, event: NewEvent) -> std::result::Result<Taken, TakeError> {
        let shared = self.shared();
        let counted = &shared.counted;
        if !shared.room.has(event.body.len()) {
            counted.full.fetch_add(1, Ordering::Relaxed);
            return Err(TakeError::Full);
        }
        let lead = event.lead.as_deref();
        let lead = lead.filter(|lead| !lead.trim().is_empty());
        let entry = lead.map(|lead| shared.keys.ring.entry(lead));
        let (tell, told) = oneshot::channel();
        if let Err(error) = shared.queue.take(TakeWork { event, entry, tell }) {
            counted.busy.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        told.await.unwrap_or(Err(TakeError::Closed))
    }
}

/// The place of a body, that it is sealed for.
pub(super) fn body_place(id: &EventId) -> [&[u8]; 2] {
    [b"body\0", id.as_bytes()]
}

/// The place of an answer: of which event, from where.
pub(super) fn answer_place<'a>(id: &'a [u8], lane: &'a [[u8; 8]; 2]) -> [&'a [u8]; 3] {
    [b"answer\0", id, lane.as_flattened()]
}

impl Writing<'_> {
    /// Writes one event, or finds it.
    pub(super) fn take(&mut self, work: &TakeWork) -> Result<Taken> {
        let event = &work.event;
        let id = event.key.id();
        let keys = &self.shared.keys;
        let person = match &work.entry {
            None => None,
            Some(entry) => match self.people.find(self.tx, keys, entry)? {
                Some(person) => Some(person),
                // Nobody's key is made for an event that is there already: the person may have been
                // erased since.
                None if self.is_known(&id)? => return Ok(Taken::Known(id)),
                None => Some(self.people.make(self.tx, keys, entry, event.received_ms)?),
            },
        };
        let seq = *self.next_seq;
        let stored = self
            .tx
            .prepare_cached(
                "INSERT INTO events (seq, id, source, workspace, type, campaign, subject, event_ms,
                    received_ms, origin, quarantine, size)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                seq,
                id.as_bytes(),
                event.source,
                cut(&event.workspace, TEXT_MAX),
                cut(&event.event_type, TEXT_MAX),
                event.campaign.as_deref().map(|text| cut(text, TEXT_MAX)),
                person.as_ref().map(|person| person.id),
                event.event_ms,
                event.received_ms,
                event.origin.as_str(),
                event.quarantined.map(|why| why.as_str()),
                i64::try_from(event.body.len()).unwrap_or(i64::MAX),
            ])?;
        if stored == 0 {
            return Ok(Taken::Known(id));
        }
        let key = person.as_ref().map_or(&keys.bodies, |person| &person.key);
        let sealed = key.seal(self.nonces.next()?, &body_place(&id), &event.body)?;
        self.tx
            .prepare_cached("INSERT INTO bodies (seq, sealed) VALUES (?1, ?2)")?
            .execute(params![seq, sealed])?;
        *self.next_seq = seq + 1;
        Ok(Taken::Stored(id))
    }

    fn is_known(&self, id: &EventId) -> Result<bool> {
        let mut statement = self
            .tx
            .prepare_cached("SELECT 1 FROM events WHERE id = ?1")?;
        Ok(statement.exists([id.as_bytes()])?)
    }
}
