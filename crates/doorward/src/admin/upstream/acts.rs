//! What is recorded of requests about upstream keys.

use doorward_ledger::{Change, Event};
use doorward_secrets::SecretRef;

use super::types::{
    Target, UpstreamAdopt, UpstreamAdopted, UpstreamList, UpstreamMint, UpstreamMintPlan,
    UpstreamProbe, UpstreamProbed, UpstreamRevoke, UpstreamRevoked, UpstreamShrink,
    UpstreamShrinkPlan, UpstreamTarget,
};
use crate::admin::deeds::{Acts, Deed, NOT_SAID};
use crate::rotation::RotationView;

impl Acts for UpstreamList {}
impl Acts for UpstreamTarget {}
impl Acts for UpstreamMintPlan {}
impl Acts for UpstreamShrinkPlan {}

/// An act on an upstream key.
fn on_key(action: &str, event: Event) -> Deed {
    Deed::new(action, "upstream_key", event)
}

impl Acts for UpstreamAdopt {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Created,
        };
        let mut deed = on_key("upstream_key.adopt", event)
            .id("name", &self.name)
            .with("manages", &self.manages)
            .with("said_id", &self.api_key_id);
        // What is no reference may be the key itself.
        if let Some(text) = &self.reference {
            let reference = text
                .parse::<SecretRef>()
                .map_or_else(|_| NOT_SAID.to_owned(), |reference| reference.to_string());
            let metadata = &mut deed.act.metadata;
            metadata.insert("reference".to_owned(), reference.into());
        }
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &UpstreamAdopted) {
        deed.act.upstream_key = Some(answer.key_id.clone());
        if let Some(id) = &answer.api_key_id {
            deed.set_id("api_key_id", id);
        }
        if !answer.added {
            deed.event = Event::UpstreamKey {
                change: Change::Updated,
            };
        }
    }
}

impl Acts for UpstreamProbe {
    fn deed(&self) -> Option<Deed> {
        Some(on_key("upstream_key.probe", Event::Admin).id("name", &self.name))
    }

    fn complete(deed: &mut Deed, answer: &UpstreamProbed) {
        deed.act.upstream_key = Some(answer.key_id.clone());
        let metadata = &mut deed.act.metadata;
        metadata.insert("alive".to_owned(), answer.alive.as_str().into());
    }
}

impl Acts for UpstreamRevoke {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Revoked,
        };
        let deed = on_key("upstream_key.revoke", event)
            .id("workspace", &self.workspace)
            .id("api_key_id", &self.api_key_id)
            .with("force", &self.force);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &UpstreamRevoked) {
        let Target { key_id, name, .. } = &answer.target;
        deed.act.upstream_key.clone_from(key_id);
        if let Some(name) = name {
            deed.set_id("name", name);
        }
        let revocation = &answer.revocation;
        deed.set_id("revocation", &revocation.id);
        let metadata = &mut deed.act.metadata;
        metadata.insert(
            "proved_dead".to_owned(),
            revocation.refusals.is_some().into(),
        );
        metadata.insert("owed".to_owned(), revocation.open.into());
        if let Some(millis) = revocation.millis_to_death {
            metadata.insert("dead_after_ms".to_owned(), millis.into());
        }
    }
}

impl Acts for UpstreamMint {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Requested,
        };
        let asked = &self.0;
        let deed = on_key("upstream_key.mint", event)
            .id("name", &asked.name)
            .with("use_cases", &asked.use_cases)
            .with("environment", &asked.environment);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        of_rotation(deed, answer);
    }
}

impl Acts for UpstreamShrink {
    fn deed(&self) -> Option<Deed> {
        let event = Event::UpstreamKey {
            change: Change::Requested,
        };
        let deed = on_key("upstream_key.shrink", event)
            .id("name", &self.0.name)
            .with("since", &self.0.since)
            .with("scopes", &self.1);
        Some(deed)
    }

    fn complete(deed: &mut Deed, answer: &RotationView) {
        of_rotation(deed, answer);
    }
}

fn of_rotation(deed: &mut Deed, answer: &RotationView) {
    deed.act.workspace = Some(answer.workspace_id.clone());
    deed.set_id("rotation", &answer.id);
}
