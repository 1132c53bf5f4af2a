//! What is recorded of requests about destinations.

use doorward_condition::text_digest;
use doorward_ledger::Event;

use super::types::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationRemove, DestinationRotate,
    DestinationSet, DestinationShow, DestinationView,
};
use crate::admin::deeds::{Acts, Deed};

impl Acts for DestinationList {}
impl Acts for DestinationShow {}

fn on(action: &str, name: &str) -> Deed {
    Deed::new(action, "webhook_destination", Event::Admin).id("name", name)
}

fn with(deed: Deed, asked: &DestinationAsked) -> Deed {
    // The path of an address may be a secret.
    let host = asked.url.as_ref().and_then(|url| {
        let url: http::Uri = url.parse().ok()?;
        Some(url.host()?.to_owned())
    });
    deed.with("host", &host)
        .with("events", &asked.events)
        .with("campaigns", &asked.campaigns)
        .with("workspaces", &asked.workspaces)
        .with("in_order", &asked.in_order)
        .with(
            "condition_digest",
            &asked.condition.as_deref().map(text_digest),
        )
        .with("retry", &asked.retry)
        .with("client_cert", &asked.client_cert)
        .with("trust", &asked.trust)
}

fn named(deed: &mut Deed, destination: &DestinationView) {
    deed.set_id("destination_id", &destination.id);
}

impl Acts for DestinationAdd {
    fn deed(&self) -> Option<Deed> {
        Some(with(on("destination.add", &self.name), &self.asked))
    }

    fn complete(deed: &mut Deed, answer: &DestinationView) {
        named(deed, answer);
    }
}

impl Acts for DestinationSet {
    fn deed(&self) -> Option<Deed> {
        let deed = on("destination.set", &self.destination).with("switch", &self.switch);
        Some(with(deed, &self.asked))
    }

    fn complete(deed: &mut Deed, answer: &DestinationView) {
        named(deed, answer);
    }
}

impl Acts for DestinationRotate {
    fn deed(&self) -> Option<Deed> {
        let deed = on("destination.rotate_secret", &self.destination);
        Some(deed.with("overlap_ms", &self.overlap_ms))
    }

    fn complete(deed: &mut Deed, answer: &DestinationView) {
        named(deed, answer);
    }
}

impl Acts for DestinationRemove {
    fn deed(&self) -> Option<Deed> {
        Some(on("destination.remove", &self.destination))
    }

    fn complete(deed: &mut Deed, answer: &DestinationView) {
        named(deed, answer);
    }
}
