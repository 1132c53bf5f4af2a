//! An event as it is stored.

use std::fmt;

use bytes::Bytes;

use super::{EventId, Origin, Quarantine};

/// A stored event's payload.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// As it was received, byte for byte.
    Whole(Bytes),
    /// It was not asked for.
    NotRead,
    /// The person that it was about was erased.
    Erased,
    /// There was no room to keep it any longer; what is known of it is kept.
    Removed,
    /// It does not open: the file was changed by somebody else.
    Unreadable,
}

impl Body {
    /// The payload, where there is one.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::NotRead => f.write_str("NotRead"),
            Self::Erased => f.write_str("Erased"),
            Self::Removed => f.write_str("Removed"),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place among all: 1 is the first. Never given again.
    pub seq: i64,
    /// Its public id.
    pub id: EventId,
    /// Number of the source; 0 of what came by none.
    pub source: i64,
    /// Instantly's id of the workspace.
    pub workspace: String,
    /// Type as the payload says it.
    pub event_type: String,
    /// Campaign's id or name.
    pub campaign: Option<String>,
    /// Stands for the lead, within this store; `None` of an event about nobody.
    pub subject: Option<i64>,
    /// When it happened, as the payload says, in milliseconds of Unix time.
    pub event_ms: Option<i64>,
    /// When it was received, likewise.
    pub received_ms: i64,
    /// How it got here.
    pub origin: Origin,
    /// Why it is kept and not delivered, if so.
    pub quarantined: Option<Quarantine>,
    /// Bytes of its payload as received.
    pub size: u64,
    /// Its payload.
    pub body: Body,
}
