//! What is recorded of requests about sources.

use doorward_ledger::Event;

use super::types::{
    DoorAsked, SourceView, Tested, Wanted, WebhookAdopt, WebhookCreate, WebhookDelete, WebhookDone,
    WebhookList, WebhookReconcile, WebhookResume, WebhookRotate, WebhookSet, WebhookShow,
    WebhookTest,
};
use crate::admin::deeds::{Acts, Deed};

impl Acts for WebhookList {}
impl Acts for WebhookShow {}

fn on_source(action: &str, name: &str) -> Deed {
    Deed::new(action, "webhook_source", Event::Admin).id("name", name)
}

fn with_door(deed: Deed, door: &DoorAsked) -> Deed {
    deed.with("proofs", &door.proofs).with("allow", &door.allow)
}

fn named(deed: &mut Deed, source: &SourceView) {
    deed.set_id("source_id", &source.id);
    if let Some(subscription) = &source.subscription {
        deed.set_id("subscription_id", subscription);
    }
    deed.act.workspace = Some(source.workspace_id.clone());
}

fn with_test(deed: &mut Deed, tested: Option<&Tested>) {
    if let Some(tested) = tested {
        let metadata = &mut deed.act.metadata;
        metadata.insert("test_passed".to_owned(), tested.success.into());
    }
}

impl Acts for WebhookCreate {
    fn deed(&self) -> Option<Deed> {
        let deed = on_source("webhook.create", &self.name);
        let deed = match &self.wanted {
            Wanted::Event { event, campaign } => {
                deed.with("event", event).with("campaign", campaign)
            }
            Wanted::Label { value, campaign } => {
                deed.with("label", value).with("campaign", campaign)
            }
            Wanted::Nothing => deed,
        };
        Some(with_door(deed, &self.door))
    }

    fn complete(deed: &mut Deed, answer: &WebhookDone) {
        named(deed, &answer.source);
        with_test(deed, answer.tested.as_ref());
    }
}

impl Acts for WebhookAdopt {
    fn deed(&self) -> Option<Deed> {
        let deed = on_source("webhook.adopt", &self.name).id("subscription_id", &self.subscription);
        Some(with_door(deed, &self.door))
    }

    fn complete(deed: &mut Deed, answer: &WebhookDone) {
        named(deed, &answer.source);
        with_test(deed, answer.tested.as_ref());
    }
}

impl Acts for WebhookRotate {
    fn deed(&self) -> Option<Deed> {
        let deed = on_source("webhook.rotate_secret", &self.source);
        let deed = deed.with("proof", &self.proof);
        Some(deed.with("overlap_ms", &self.overlap_ms))
    }

    fn complete(deed: &mut Deed, answer: &WebhookDone) {
        named(deed, &answer.source);
        with_test(deed, answer.tested.as_ref());
    }
}

impl Acts for WebhookTest {
    fn deed(&self) -> Option<Deed> {
        Some(on_source("webhook.test", &self.source))
    }

    fn complete(deed: &mut Deed, answer: &Tested) {
        with_test(deed, Some(answer));
    }
}

impl Acts for WebhookResume {
    fn deed(&self) -> Option<Deed> {
        Some(on_source("webhook.resume", &self.source))
    }

    fn complete(deed: &mut Deed, answer: &WebhookDone) {
        named(deed, &answer.source);
        with_test(deed, answer.tested.as_ref());
    }
}

/// What is found is in leaves of its own.
impl Acts for WebhookReconcile {
    fn deed(&self) -> Option<Deed> {
        let named = self.source.as_deref().unwrap_or("*");
        Some(on_source("webhook.ask_reconcile", named).with("since", &self.since))
    }
}

impl Acts for WebhookSet {
    fn deed(&self) -> Option<Deed> {
        let deed = on_source("webhook.set", &self.source).with("allow", &self.allow);
        Some(deed.with("proofs", &self.proofs))
    }

    fn complete(deed: &mut Deed, answer: &SourceView) {
        named(deed, answer);
    }
}

impl Acts for WebhookDelete {
    fn deed(&self) -> Option<Deed> {
        let deed = on_source("webhook.delete", &self.source);
        Some(deed.with("keep_subscription", &self.keep_subscription))
    }

    fn complete(deed: &mut Deed, answer: &SourceView) {
        named(deed, answer);
    }
}
