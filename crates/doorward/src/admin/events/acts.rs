//! What is recorded of requests about events: looking at people's data is an act. A person is never
//! named in it.

use doorward_ledger::Event;

use super::types::{
    EventFollow, EventList, EventNext, EventSearch, EventShow, EventShown, EventsAsked, EventsPage,
    Following,
};
use crate::admin::deeds::{Acts, Deed};

// Who follows with payloads is recorded when that begins.
impl Acts for EventNext {}

fn with(deed: Deed, asked: &EventsAsked) -> Deed {
    deed.with("types", &asked.types)
        .with("campaign", &asked.campaign)
        .with("source", &asked.source)
        .with("workspace", &asked.workspace)
        .with("by_lead", &asked.lead.is_some())
        .with("since", &asked.since)
        .with("until", &asked.until)
}

fn found(deed: &mut Deed, page: &EventsPage) {
    let metadata = &mut deed.act.metadata;
    metadata.insert("events".to_owned(), page.events.len().into());
}

impl Acts for EventList {
    fn deed(&self) -> Option<Deed> {
        self.asked.lead.as_ref()?;
        let deed = Deed::new("event.list", "webhook_event", Event::Admin);
        Some(with(deed, &self.asked))
    }

    fn complete(deed: &mut Deed, answer: &EventsPage) {
        found(deed, answer);
    }
}

impl Acts for EventSearch {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("event.search", "webhook_event", Event::Admin);
        Some(with(deed, &self.asked))
    }

    fn complete(deed: &mut Deed, answer: &EventsPage) {
        found(deed, answer);
    }
}

impl Acts for EventShow {
    fn deed(&self) -> Option<Deed> {
        self.body
            .then(|| Deed::new("event.show", "webhook_event", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &EventShown) {
        deed.set_id("event_id", &answer.event.id);
    }
}

impl Acts for EventFollow {
    fn deed(&self) -> Option<Deed> {
        self.bodies
            .then(|| Deed::new("event.listen", "webhook_event", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &Following) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("after".to_owned(), answer.after.into());
    }
}
