//! An event as it comes in.

use std::fmt;

use bytes::Bytes;

use super::EventKey;

/// Most bytes of an event's type, workspace and campaign that are kept.
pub(crate) const TEXT_MAX: usize = 256;
/// Most bytes of a lead's address that are looked at.
pub(crate) const LEAD_MAX: usize = 320;

/// How an event got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Instantly delivered it.
    Webhook,
    /// It was listed by Instantly and fetched.
    Backfill,
    /// Instantly has no record of it: it was made of what else is known.
    Reconstructed,
    /// A person made it, to see whether it arrives.
    Test,
}

impl Origin {
    /// Each.
    pub const ALL: [Self; 4] = [
        Self::Webhook,
        Self::Backfill,
        Self::Reconstructed,
        Self::Test,
    ];

    /// Its name: `webhook`, `backfill`, `reconstructed` or `test`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Backfill => "backfill",
            Self::Reconstructed => "reconstructed",
            Self::Test => "test",
        }
    }

    /// The one of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// Why an authenticated delivery is kept and not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quarantine {
    /// Larger than is taken: its head and hash are all there is.
    TooLarge,
    /// Not JSON, or none that can be made canonical.
    NotJson,
    /// Deeper, or with more members, than is read.
    TooDeep,
    /// A member stands twice in an object: two readers may see two events.
    DuplicateMember,
    /// It is JSON and no object.
    NotAnObject,
    /// It names no workspace, or another than the source's.
    OtherWorkspace,
    /// It has no type of event.
    NoType,
    /// Its content type is not JSON.
    ContentType,
}

impl Quarantine {
    /// Each.
    pub const ALL: [Self; 8] = [
        Self::TooLarge,
        Self::NotJson,
        Self::TooDeep,
        Self::DuplicateMember,
        Self::NotAnObject,
        Self::OtherWorkspace,
        Self::NoType,
        Self::ContentType,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::DuplicateMember => "duplicate_member",
            Self::NotAnObject => "not_an_object",
            Self::OtherWorkspace => "other_workspace",
            Self::NoType => "no_type",
            Self::ContentType => "content_type",
        }
    }

    /// The one of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event to be taken in. What is known of it was found by who made this; the store does not look
/// into the body.
#[derive(Clone)]
pub struct NewEvent {
    /// What makes it the same as another.
    pub key: EventKey,
    /// Number of the source; 0 of what came by none.
    pub source: i64,
    /// Instantly's id of the workspace.
    pub workspace: String,
    /// Type as the payload says it, a label of the user's own it may be. Empty where there is none.
    pub event_type: String,
    /// Campaign's id, or its name where there is no id.
    pub campaign: Option<String>,
    /// The lead's e-mail address, in clear: it is the name of the key that the body is sealed under
    /// and stored nowhere.
    pub lead: Option<String>,
    /// When it happened, as the payload says, in milliseconds of Unix time.
    pub event_ms: Option<i64>,
    /// When it was received, likewise.
    pub received_ms: i64,
    /// How it got here.
    pub origin: Origin,
    /// Why it is kept and not delivered, if so.
    pub quarantined: Option<Quarantine>,
    /// The payload as it was received, byte for byte.
    pub body: Bytes,
}

impl fmt::Debug for NewEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEvent")
            .field("id", &self.key.id())
            .field("source", &self.source)
            .field("origin", &self.origin)
            .field("quarantined", &self.quarantined)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The beginning of a text, of at most so many bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
