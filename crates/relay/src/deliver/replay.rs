//! Which events a replay sends.

use doorward_webhook::Filter;
use serde::{Deserialize, Serialize};

use super::destination::Destination;
use crate::error::Result;
use crate::events::Event;
use crate::store::EventReader;

/// Events that are read at once when they are counted.
const AT_ONCE: usize = 1_000;

/// Which events of a range a replay sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayFilter {
    /// Types, campaigns and workspaces.
    pub filter: Filter,
    /// Received then or later, in milliseconds of Unix time.
    pub since_ms: Option<i64>,
    /// Received before then.
    pub until_ms: Option<i64>,
    /// Also what the destination does not want by its own filter: an event that was asked for by its
    /// id.
    pub unwanted: bool,
}

impl ReplayFilter {
    /// Whether an event is sent to that destination.
    pub fn wants(&self, destination: &Destination, event: &Event) -> bool {
        let own = self.unwanted || destination.wants(event);
        event.quarantined.is_none()
            && own
            && self.since_ms.is_none_or(|since| event.received_ms >= since)
            && self.until_ms.is_none_or(|until| event.received_ms < until)
            && self.filter.wants(
                &event.event_type,
                event.campaign.as_deref(),
                &event.workspace,
            )
    }
}

/// How many events a replay of that range would send, for who asks before. Blocks.
///
/// # Errors
/// When they can't be read.
pub fn count_replay(
    reader: &EventReader,
    destination: &Destination,
    filter: &ReplayFilter,
    first_seq: i64,
    last_seq: i64,
) -> Result<u64> {
    let (mut count, mut after) = (0, first_seq - 1);
    loop {
        let events = reader.after(after, AT_ONCE, 4 << 20)?;
        for event in &events {
            if event.seq > last_seq {
                return Ok(count);
            }
            count += u64::from(filter.wants(destination, event));
        }
        match events.last() {
            Some(last) => after = last.seq,
            None => return Ok(count),
        }
    }
}
