//! Events: as they come in, as they are stored, and what they are known by.

mod id;
mod new;
mod stored;
mod taken;

pub use id::{EventId, EventKey, NotAnEventId};
pub(crate) use new::{LEAD_MAX, TEXT_MAX, cut};
pub use new::{NewEvent, Origin, Quarantine};
pub use stored::{Body, Event};
pub use taken::{TakeError, Taken};
