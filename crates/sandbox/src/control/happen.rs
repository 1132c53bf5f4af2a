//! Making something happen: to a lead, or only to those who listen.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Controlled, read};
use crate::cx::Cx;
use crate::ops::leads::simulate;
use crate::reply::Refusal;
use crate::sandbox::Core;
use crate::world::{Event, SendKind};

/// The workspace that is named, or the first.
fn workspace(core: &Core, named: Option<String>) -> Result<String, Refusal> {
    let known = |id: &String| core.world.workspaces.contains_key(id);
    let first = || core.world.workspaces.keys().next().cloned();
    let id = match named {
        Some(id) => Some(id).filter(known),
        None => first(),
    };
    id.ok_or_else(|| Refusal::not_found("Workspace"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    workspace: Option<String>,
    /// As delivered.
    event_type: String,
    campaign: Option<String>,
    lead_email: Option<String>,
    custom_interest_value: Option<f64>,
    #[serde(default)]
    fields: Map<String, Value>,
    /// How many times.
    count: Option<u32>,
}

/// Tells webhooks of an event; nothing else changes.
pub(super) fn tell(core: &mut Core, body: &[u8]) -> Controlled {
    let told: Told = read(body)?;
    let workspace = workspace(core, told.workspace)?;
    let count = told.count.unwrap_or(1).min(10_000);
    let event = Event {
        workspace,
        event_type: told.event_type,
        custom_interest_value: told.custom_interest_value,
        campaign: told.campaign,
        lead_email: told.lead_email,
        fields: told.fields,
        at: core.world.now(),
    };
    let events = std::iter::repeat_n(event, count as usize);
    core.world.outbox.extend(events);
    Ok(json!({ "told": count }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    workspace: Option<String>,
    /// `sent`, `opened`, `clicked`, `replied`, `auto_replied`, `bounced`, `unsubscribed`,
    /// `opportunity` or `completed`.
    what: SendKind,
    campaign: String,
    #[serde(default)]
    lead_email: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// Makes something happen to a lead of a campaign, with all that follows from it.
pub(super) fn happen(core: &mut Core, body: &[u8]) -> Controlled {
    let Happening {
        workspace: named,
        what,
        campaign,
        lead_email,
        fields,
    } = read(body)?;
    let workspace = workspace(core, named)?;
    let now = core.world.now();
    let mut cx = Cx {
        world: &mut core.world,
        workspace,
        key_id: None,
        now,
    };
    simulate(&mut cx, what, &campaign, &lead_email, fields)
}
