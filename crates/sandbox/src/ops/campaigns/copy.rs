//! Copies of campaigns: shareCampaign, exportCampaign, createFromExport, duplicate.

use serde_json::{Map, Value, json};

use super::{KIND, key, put};
use crate::call::Call;
use crate::clock::{DAY, Millis};
use crate::cx::Cx;
use crate::ops::view::{set, text};
use crate::reply::{Answer, Refusal, Reply};

/// How long a campaign stays shared.
const SHARED_FOR: Millis = 7 * DAY;

/// Where a workspace notes which campaigns it shares and until when.
const NOTE: &str = "shared_campaigns";

/// Shares a campaign for seven days from now.
pub(super) fn share(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let until = cx.now.saturating_add(SHARED_FOR);
    let ws = cx.ws();
    ws.campaigns.find(&id, KIND)?;
    let note = ws
        .notes
        .entry(NOTE.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    set(note, &id, until);
    Ok(Reply::Empty)
}

pub(super) fn export(cx: &mut Cx<'_>, call: &Call) -> Answer {
    Reply::ok(cx.ws().campaigns.find(&key(&call.param), KIND)?.clone())
}

/// A new campaign made after one that is shared, by whatever workspace.
pub(super) fn from_export(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let now = cx.now;
    let (owner, shared) = cx
        .world
        .workspaces
        .iter()
        .find_map(|(owner, ws)| {
            let campaign = ws.campaigns.get(&id)?.clone();
            let until = ws.notes.get(NOTE).and_then(|note| note.get(&id)?.as_i64());
            Some((owner.clone(), (campaign, until)))
        })
        .ok_or_else(|| Refusal::not_found(KIND))?;
    let (campaign, until) = shared;
    if until.is_none_or(|until| until <= now) {
        return Err(Refusal::forbidden("the campaign is not shared"));
    }
    // Identity, times and status are the copy's own: `put` sets them.
    let mut fields = campaign;
    if owner != cx.workspace {
        // Accounts, tags and people of another workspace mean nothing here.
        for name in ["email_list", "email_tag_list"] {
            set(&mut fields, name, json!([]));
        }
        if let Some(fields) = fields.as_object_mut() {
            fields.remove("owned_by");
            fields.remove("ai_sdr_id");
        }
    }
    let entity = put(cx, &fields);
    Reply::ok(entity)
}

pub(super) fn duplicate(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut fields = cx.ws().campaigns.find(&key(&call.param), KIND)?.clone();
    let name = call.field_text("name").map_or_else(
        || format!("{} (copy)", text(&fields, "name")),
        str::to_owned,
    );
    set(&mut fields, "name", name);
    let entity = put(cx, &fields);
    Reply::ok(entity)
}
