//! Letting an event out of quarantine, after a person has looked at it.

use doorward_ledger::Event;
use doorward_relay::events::{Body, Quarantine};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle as Runtime;

use super::find::event_id;
use super::names::Names;
use super::types::EventView;
use crate::admin::deeds::{Acts, Deed};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// Lets an event out of quarantine: it can be delivered from then on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventRelease {
    /// Its id.
    pub(crate) id: String,
}

/// An event that was let out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Released {
    /// Why it was in quarantine.
    pub(crate) was: String,
    /// The event as it is now.
    #[serde(flatten)]
    pub(crate) event: EventView,
}

impl Acts for EventRelease {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("event.release", "webhook_event", Event::Admin);
        Some(deed.id("event_id", &self.id))
    }

    fn complete(deed: &mut Deed, answer: &Released) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("was".to_owned(), answer.was.clone().into());
    }
}

impl Handle<EventRelease> for Admin {
    fn handle(&self, call: EventRelease) -> Result<Released, AdminError> {
        let id = event_id(&call.id)?;
        let Some(events) = self.parts.events.get()? else {
            return Err(AdminError::failed("no event ever came in"));
        };
        let found = events.reader().event(&id)?;
        let why = match (found.quarantined, &found.body) {
            (None, _) => Some("is not in quarantine".to_owned()),
            (Some(Quarantine::TooLarge), _) => Some(
                "was larger than is taken: its beginning and its hash are all there is. Take larger \
                 ones with `body_bytes` under [relay], and fetch it back with `doorward webhook \
                 reconcile`"
                    .to_owned(),
            ),
            (Some(_), Body::Whole(_)) => None,
            (Some(_), _) => Some("has no payload any more".to_owned()),
        };
        if let Some(why) = why {
            return Err(AdminError::usage(format_args!("{id} {why}")));
        }
        let was = Runtime::current().block_on(events.release(id))?;
        let mut event = events.reader().event(&id)?;
        event.body = Body::NotRead;
        Ok(Released {
            was: was.map(|was| was.as_str().to_owned()).unwrap_or_default(),
            event: Names::of(self.store())?.event(&event),
        })
    }
}
