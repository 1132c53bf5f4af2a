//! What is recorded of requests about deliveries.

use doorward_ledger::Event;

use super::types::{
    Answer, DeadDiscard, DeadList, DeadRetry, DeliveryAnswer, DeliveryList, ReplayCancel,
    ReplayList, ReplayPlan, ReplayShow, ReplayStart, ReplayView,
};
use crate::admin::deeds::{Acts, Deed};

impl Acts for DeliveryList {}
impl Acts for DeadList {}
impl Acts for ReplayList {}
impl Acts for ReplayShow {}

// What a destination answers may be about people.
impl Acts for DeliveryAnswer {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("delivery.answer", "webhook_delivery", Event::Admin);
        Some(deed.id("destination", &self.destination))
    }

    fn complete(deed: &mut Deed, answer: &Answer) {
        if let Some(event) = &answer.delivery.event {
            deed.set_id("event_id", event);
        }
    }
}

fn of_dead(action: &str, destination: &str, event: Option<&String>) -> Deed {
    Deed::new(action, "webhook_delivery", Event::Admin)
        .id("destination", destination)
        .with("all", &event.is_none())
}

fn counted(deed: &mut Deed, answer: u64) {
    let metadata = &mut deed.act.metadata;
    metadata.insert("deliveries".to_owned(), answer.into());
}

impl Acts for DeadRetry {
    fn deed(&self) -> Option<Deed> {
        let event = self.event.as_ref();
        Some(of_dead("dead_letter.retry", &self.destination, event))
    }

    fn complete(deed: &mut Deed, answer: &u64) {
        counted(deed, *answer);
    }
}

impl Acts for DeadDiscard {
    fn deed(&self) -> Option<Deed> {
        let event = self.event.as_ref();
        Some(of_dead("dead_letter.discard", &self.destination, event))
    }

    fn complete(deed: &mut Deed, answer: &u64) {
        counted(deed, *answer);
    }
}

impl Acts for ReplayStart {
    fn deed(&self) -> Option<Deed> {
        if self.dry_run {
            return None;
        }
        let deed = Deed::new("replay.start", "webhook_replay", Event::Admin)
            .id("destination", &self.destination)
            .with("one_event", &self.event.is_some())
            .with("types", &self.types)
            .with("campaigns", &self.campaigns)
            .with("workspaces", &self.workspaces)
            .with("since", &self.since)
            .with("until", &self.until)
            .with("rate", &self.rate);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &ReplayPlan) {
        if let Some(replay) = &answer.replay {
            deed.set_id("replay", &replay.id.to_string());
        }
        let metadata = &mut deed.act.metadata;
        metadata.insert("events".to_owned(), answer.events.into());
    }
}

impl Acts for ReplayCancel {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("replay.cancel", "webhook_replay", Event::Admin);
        Some(deed.id("replay", &self.replay.to_string()))
    }

    fn complete(deed: &mut Deed, answer: &ReplayView) {
        deed.set_id("destination", &answer.destination);
    }
}
