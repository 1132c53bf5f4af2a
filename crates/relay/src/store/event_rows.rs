//! Events as rows.

use bytes::Bytes;
use rusqlite::Row;

use super::open::Keys;
use super::people::{Gone, key_of};
use super::take::body_place;
use crate::error::{RelayError, Result};
use crate::events::{Body, Event, EventId, Origin, Quarantine};

/// The columns of an event, in the order that [`event`] reads them in.
pub(super) const COLUMNS: &str = "e.seq, e.id, e.source, e.workspace, e.type, e.campaign, \
    e.subject, e.event_ms, e.received_ms, e.origin, e.quarantine, e.size";

/// An event without its body.
pub(super) fn event(row: &Row<'_>) -> Result<Event> {
    let seq = row.get(0)?;
    let unreadable = |detail| RelayError::Unreadable { seq, detail };
    let origin = row.get_ref(9)?.as_str().ok().and_then(Origin::of);
    let quarantined = match row.get::<_, Option<String>>(10)? {
        None => None,
        Some(why) => Some(Quarantine::of(&why).ok_or(unreadable("unknown reason"))?),
    };
    Ok(Event {
        seq,
        id: EventId::from_bytes(row.get(1)?),
        source: row.get(2)?,
        workspace: row.get(3)?,
        event_type: row.get(4)?,
        campaign: row.get(5)?,
        subject: row.get(6)?,
        event_ms: row.get(7)?,
        received_ms: row.get(8)?,
        origin: origin.ok_or(unreadable("unknown origin"))?,
        quarantined,
        size: row.get::<_, i64>(11)?.unsigned_abs(),
        body: Body::NotRead,
    })
}

/// What a body is opened with.
pub(super) const BODY_COLUMNS: &str = "b.sealed, s.entry, s.wrapped_key";
/// Where that is.
pub(super) const BODY_TABLES: &str = "events e \
    LEFT JOIN bodies b ON b.seq = e.seq LEFT JOIN subjects s ON s.id = e.subject";

/// Opens the body that stands in the columns from `at` on.
pub(super) fn body(row: &Row<'_>, at: usize, event: &Event, keys: &Keys) -> Result<Body> {
    let Some(sealed) = row.get_ref(at)?.as_blob_or_null().ok().flatten() else {
        return Ok(match sealed_for(row, at, event)? {
            true => Body::Removed,
            false => Body::Erased,
        });
    };
    let opened = if event.subject.is_none() {
        keys.bodies.open(&body_place(&event.id), sealed)
    } else {
        match key_of(keys, row.get(at + 1)?, row.get(at + 2)?) {
            Ok(key) => key.open(&body_place(&event.id), sealed),
            Err(Gone::Erased) => return Ok(Body::Erased),
            Err(Gone::Changed) => None,
        }
    };
    Ok(match opened {
        Some(bytes) => Body::Whole(Bytes::from(bytes)),
        None => Body::Unreadable,
    })
}

/// Whether whom the event is about is there still, or it is about nobody.
fn sealed_for(row: &Row<'_>, at: usize, event: &Event) -> Result<bool> {
    Ok(event.subject.is_none() || row.get::<_, Option<Vec<u8>>>(at + 1)?.is_some())
}
