//! Letting an event out of quarantine.

use super::open::EventStore;
use crate::error::{RelayError, Result};
use crate::events::{EventId, Quarantine};

impl EventStore {
    /// Lets an event out of quarantine, and says why it was there; `None` of one that was not. Who is
    /// past it by then gets it by a replay. One that was too large stays: there is but its beginning.
    ///
    /// # Errors
    /// [`NoEvent`](RelayError::NoEvent), or when it can't be written.
    pub async fn release(&self, id: EventId) -> Result<Option<Quarantine>> {
        self.write(move |writing| {
            let was = writing.tx.query_row(
                "SELECT quarantine FROM events WHERE id = ?1",
                [id.as_bytes()],
                |row| row.get::<_, Option<String>>(0),
            );
            let was = match was {
                Err(rusqlite::Error::QueryReturnedNoRows) => return Err(RelayError::NoEvent(id)),
                was => was?,
            };
            let was = was.as_deref().and_then(Quarantine::of);
            if was.is_some_and(|was| was != Quarantine::TooLarge) {
                writing.tx.execute(
                    "UPDATE events SET quarantine = NULL WHERE id = ?1",
                    [id.as_bytes()],
                )?;
            }
            Ok(was)
        })
        .await
    }
}
