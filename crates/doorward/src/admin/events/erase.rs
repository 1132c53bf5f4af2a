//! Forgetting a person whom events are about.

use doorward_ledger::Event;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle as Runtime;

use crate::admin::deeds::{Acts, Deed};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// How many events are about a person?
#[derive(Serialize, Deserialize)]
pub(crate) struct EventPerson {
    /// The person's e-mail address.
    pub(crate) lead: String,
}

/// Destroys the key that events about a person are sealed under.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventErase {
    /// The person's e-mail address.
    pub(crate) lead: String,
}

/// What that came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedEvents {
    /// Events whose bodies open no more.
    pub(crate) events: u64,
    /// Deliveries of them that were owed still, and are given up.
    pub(crate) given_up: u64,
}

// The address itself is what the ledger is not to have.
impl Acts for EventPerson {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("event.search_person", "person", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &u64) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("events".to_owned(), (*answer).into());
    }
}

impl Acts for EventErase {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("event.erase_person", "person", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &ErasedEvents) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("events".to_owned(), answer.events.into());
        metadata.insert("given_up".to_owned(), answer.given_up.into());
    }
}

impl Handle<EventPerson> for Admin {
    fn handle(&self, call: EventPerson) -> Result<u64, AdminError> {
        match self.parts.events.get()? {
            Some(events) => Ok(events.reader().about(&call.lead)?),
            None => Ok(0),
        }
    }
}

impl Handle<EventErase> for Admin {
    fn handle(&self, call: EventErase) -> Result<ErasedEvents, AdminError> {
        let Some(events) = self.parts.events.get()? else {
            return Ok(ErasedEvents::default());
        };
        let erased = Runtime::current().block_on(events.erase(&call.lead))?;
        Ok(ErasedEvents {
            events: erased.events,
            given_up: erased.given_up,
        })
    }
}
