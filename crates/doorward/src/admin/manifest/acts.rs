//! What is recorded of requests for a manifest.

use doorward_ledger::{Change, Event};

use super::types::{
    GroupInvite, GroupList, GroupMember, GroupRemove, KeyMake, KeyNote, KeyStrangers,
    ManifestApplied, ManifestApply, WebhookAlign, WebhookEnd,
};
use super::{RotationView, SourceView, UpstreamKeyView, Wanted};
use crate::admin::deeds::{Acts, Deed};

impl Acts for GroupList {}
impl Acts for KeyStrangers {}

impl Acts for GroupInvite {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("group.invite", "sub_workspace", Event::Admin)
            .id("workspace", &self.workspace)
            .id("sub_workspace", &self.sub_workspace);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &GroupMember) {
        deed.set_id("membership", &answer.id);
    }
}

impl Acts for GroupRemove {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("group.remove", "sub_workspace", Event::Admin)
            .id("workspace", &self.workspace)
            .id("membership", &self.membership);
        Some(deed)
    }
}

fn on_key(action: &str, workspace: &str, name: &str, change: Change) -> Deed {
    Deed::new(action, "upstream_key", Event::UpstreamKey { change })
        .id("workspace", workspace)
        .id("name", name)
}

impl Acts for KeyMake {
    fn deed(&self) -> Option<Deed> {
        let change = Change::Requested;
        let deed = on_key("upstream_key.mint.ask", &self.workspace, &self.name, change);
        Some(deed.with("scopes", &self.scopes))
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        deed.set_id("rotation", &answer.id);
        deed.act.workspace = Some(answer.workspace_id.clone());
    }
}

impl Acts for KeyNote {
    fn deed(&self) -> Option<Deed> {
        let change = Change::Updated;
        let owner = self.owner.as_ref().map(|_| true);
        let deed = on_key("upstream_key.note", &self.workspace, &self.name, change)
            .with("rotate_every_ms", &self.rotate_every)
            .with("manages", &self.manages)
            .with("owner_said", &owner);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &UpstreamKeyView) {
        deed.act.upstream_key = Some(answer.id.clone());
    }
}

impl Acts for WebhookAlign {
    fn deed(&self) -> Option<Deed> {
        let deed =
            Deed::new("webhook.align", "webhook_source", Event::Admin).id("name", &self.source);
        Some(match &self.wanted {
            Wanted::Event { event, campaign } => {
                deed.with("event", event).with("campaign", campaign)
            }
            Wanted::Label { value, campaign } => {
                deed.with("label", value).with("campaign", campaign)
            }
            Wanted::Nothing => deed,
        })
    }

    fn complete(deed: &mut Deed, answer: &SourceView) {
        deed.set_id("source_id", &answer.id);
        deed.act.workspace = Some(answer.workspace_id.clone());
    }
}

impl Acts for WebhookEnd {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("webhook.end", "subscription", Event::Admin)
            .id("workspace", &self.workspace)
            .id("subscription_id", &self.subscription);
        Some(deed)
    }
}

fn on_manifest(action: &str, plan: &str) -> Deed {
    Deed::new(action, "manifest", Event::Admin).id("plan", plan)
}

impl Acts for ManifestApply {
    fn deed(&self) -> Option<Deed> {
        let deed = on_manifest("manifest.apply", &self.plan)
            .with("steps", &self.steps)
            .with("dangerous", &self.dangerous)
            .with("approved", &self.approved);
        Some(deed)
    }
}

impl Acts for ManifestApplied {
    fn deed(&self) -> Option<Deed> {
        let deed = on_manifest("manifest.applied", &self.plan)
            .with("done", &self.done)
            .with("skipped", &self.skipped)
            .with("left", &self.left);
        Some(deed)
    }
}
