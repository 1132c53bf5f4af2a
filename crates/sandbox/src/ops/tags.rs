//! createCustomTag, listCustomTag, getCustomTag, patchCustomTag, deleteCustomTag, toggleTagResource,
//! listCustomTagMapping.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::{Cx, merge};
use crate::ops::campaigns::key;
use crate::ops::view::{holds, set, text};
use crate::ops::{account_filter, accounts, astray};
use crate::reply::{Answer, Refusal, Reply};
use crate::table::Table;
use crate::world::Workspace;

const KIND: &str = "Custom tag";

/// What a tag can be on.
const ACCOUNT: i64 = 1;
const CAMPAIGN: i64 = 2;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateCustomTag => create(cx, call),
        Op::ListCustomTag => list(cx, call),
        Op::GetCustomTag => Reply::ok(cx.ws().tags.find(&key(&call.param), KIND)?.clone()),
        Op::PatchCustomTag => patch(cx, call),
        Op::DeleteCustomTag => delete(cx, call),
        Op::ToggleTagResource => toggle(cx, call),
        Op::ListCustomTagMapping => list_mappings(cx, call),
        other => Err(astray(other)),
    }
}

/// The ids of the resources that carry any of the tags.
pub(crate) fn carriers(mappings: &Table, tags: &[String]) -> HashSet<String> {
    let tags: HashSet<String> = tags.iter().map(|tag| key(tag)).collect();
    mappings
        .iter()
        .filter(|mapping| tags.contains(text(mapping, "tag_id")))
        .map(|mapping| text(mapping, "resource_id").to_owned())
        .collect()
}

/// The id a mapping has for a resource: campaigns have one, an account's is made from its address.
fn resource_id(given: &str) -> String {
    if given.contains('@') {
        accounts::resource_id(given)
    } else {
        key(given)
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let entity = put(cx, &call.body)?;
    Reply::ok(entity)
}

/// Puts a new tag; 409 when its label is taken.
pub(crate) fn put(cx: &mut Cx<'_>, fields: &Value) -> Result<Value, Refusal> {
    let label = text(fields, "label").trim().to_owned();
    refuse_taken(cx, &label, "")?;
    let id = cx.uuid();
    let now = cx.now_text();
    let entity = json!({
        "id": id,
        "timestamp_created": now,
        "timestamp_updated": now,
        "organization_id": cx.workspace,
        "label": label,
        "description": fields.get("description").cloned().unwrap_or_default(),
    });
    cx.ws().tags.put(&id, entity.clone());
    Ok(entity)
}

/// A label is one tag's alone, whatever spaces are around it.
fn refuse_taken(cx: &mut Cx<'_>, label: &str, but: &str) -> Result<(), Refusal> {
    let taken = cx
        .ws()
        .tags
        .iter()
        .any(|tag| text(tag, "label") == label && text(tag, "id") != but);
    if taken {
        return Err(Refusal::conflict("a tag with this label already exists"));
    }
    Ok(())
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let search = call.query_text("search").map(str::to_lowercase);
    let wanted: Option<HashSet<String>> = call
        .query_list("tag_ids")
        .map(|ids| ids.iter().map(|id| key(id)).collect());
    let resources: Option<HashSet<String>> = call
        .query_list("resource_ids")
        .map(|ids| ids.iter().map(|id| resource_id(id)).collect());
    let ws = cx.ws();
    let on_them = resources.map(|resources| -> HashSet<&str> {
        ws.tag_mappings
            .iter()
            .filter(|mapping| resources.contains(text(mapping, "resource_id")))
            .map(|mapping| text(mapping, "tag_id"))
            .collect()
    });
    ws.tags.page(call, |tag| {
        let id = text(tag, "id");
        wanted.as_ref().is_none_or(|wanted| wanted.contains(id))
            && on_them.as_ref().is_none_or(|tags| tags.contains(id))
            && search.as_deref().is_none_or(|part| {
                holds(text(tag, "label"), part) || holds(text(tag, "description"), part)
            })
    })
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    cx.ws().tags.find(&id, KIND)?;
    let label = call
        .field_text("label")
        .map(|label| label.trim().to_owned());
    if let Some(label) = &label {
        refuse_taken(cx, label, &id)?;
    }
    let now = cx.now_text();
    let tag = cx.ws().tags.find_mut(&id, KIND)?;
    merge(tag, &call.body);
    if let Some(label) = label {
        set(tag, "label", label);
    }
    set(tag, "timestamp_updated", now);
    Reply::ok(tag.clone())
}

/// Deletes a tag and takes it off everything.
fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = key(&call.param);
    let ws = cx.ws();
    let tag = ws.tags.find(&id, KIND)?.clone();
    ws.tags.remove(&id);
    ws.tag_mappings
        .remove_where(|mapping| text(mapping, "tag_id") == id);
    for campaign in ws.campaigns.iter_mut() {
        if let Some(tags) = campaign
            .get_mut("email_tag_list")
            .and_then(Value::as_array_mut)
        {
            tags.retain(|tag| {
                tag.as_str()
                    .is_none_or(|tag| !tag.eq_ignore_ascii_case(&id))
            });
        }
    }
    Reply::ok(tag)
}

fn list_mappings(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resources: Option<HashSet<String>> = call
        .query_list("resource_ids")
        .map(|ids| ids.iter().map(|id| resource_id(id)).collect());
    cx.ws().tag_mappings.page(call, |mapping| {
        resources
            .as_ref()
            .is_none_or(|ids| ids.contains(text(mapping, "resource_id")))
    })
}

fn toggle(cx: &mut Cx<'_>, call: &Call) -> Answer {
    // A set, for a call may name a tag many times; in order, so that mappings are made in order.
    let tags: BTreeSet<String> = call
        .field_list("tag_ids")
        .unwrap_or_default()
        .iter()
        .map(|id| key(id))
        .collect();
    for tag in &tags {
        cx.ws().tags.find(tag, KIND)?;
    }
    let kind = call.field("resource_type").and_then(Value::as_f64);
    let kind = if kind == Some(1.0) { ACCOUNT } else { CAMPAIGN };
    let resources = resources(cx.ws(), call, kind)?;
    if call.field_flag("assign") == Some(true) {
        let there: HashSet<(String, String)> = cx
            .ws()
            .tag_mappings
            .iter()
            .map(|mapping| {
                let of = |name| text(mapping, name).to_owned();
                (of("tag_id"), of("resource_id"))
            })
            .collect();
        for resource in resources {
            for tag in &tags {
                if !there.contains(&(tag.clone(), resource.clone())) {
                    assign(cx, tag, &resource, kind);
                }
            }
        }
    } else {
        cx.ws().tag_mappings.remove_where(|mapping| {
            tags.contains(text(mapping, "tag_id"))
                && resources.contains(text(mapping, "resource_id"))
        });
    }
    Reply::ok(json!({ "success": true }))
}

/// Puts a tag on a resource that does not have it.
fn assign(cx: &mut Cx<'_>, tag: &str, resource: &str, kind: i64) {
    let id = cx.uuid();
    let mapping = json!({
        "id": id,
        "tag_id": tag,
        "resource_id": resource,
        "resource_type": kind,
        "timestamp_created": cx.now_text(),
        "organization_id": cx.workspace,
    });
    cx.ws().tag_mappings.put(&id, mapping);
}

/// Puts a tag on a campaign or, by its address, on an account, that does not have it.
pub(crate) fn tag(cx: &mut Cx<'_>, tag: &str, resource: &str) {
    let kind = if resource.contains('@') {
        ACCOUNT
    } else {
        CAMPAIGN
    };
    assign(cx, tag, &resource_id(resource), kind);
}

/// The ids of the resources a call means; 404 when one it names is not there.
fn resources(ws: &Workspace, call: &Call, kind: i64) -> Result<BTreeSet<String>, Refusal> {
    let (table, name) = if kind == ACCOUNT {
        (&ws.accounts, "Account")
    } else {
        (&ws.campaigns, "Campaign")
    };
    let id_of = |entity: &Value| {
        if kind == ACCOUNT {
            accounts::resource_id(text(entity, "email"))
        } else {
            text(entity, "id").to_owned()
        }
    };
    if call.field_flag("selected_all") == Some(true) {
        let filter = Filter::read(ws, call, kind);
        let excluded: HashSet<String> = call
            .field_list("excluded_resource_ids")
            .unwrap_or_default()
            .iter()
            .map(|id| resource_id(id))
            .collect();
        return Ok(table
            .iter()
            .filter(|entity| filter.takes(entity, &id_of(entity)))
            .map(id_of)
            .filter(|id| !excluded.contains(id))
            .collect());
    }
    let there: HashSet<String> = table.iter().map(id_of).collect();
    call.field_list("resource_ids")
        .unwrap_or_default()
        .iter()
        .map(|given| {
            Some(resource_id(given))
                .filter(|id| there.contains(id))
                .ok_or_else(|| Refusal::not_found(name))
        })
        .collect()
}

/// Which of all the resources.
struct Filter {
    state: Option<String>,
    search: Option<String>,
    /// For each: the resources that carry one of some tags.
    tagged: Vec<HashSet<String>>,
    /// Only those without any tag: the resources that have one.
    untagged: Option<HashSet<String>>,
    kind: i64,
}

impl Filter {
    fn read(ws: &Workspace, call: &Call, kind: i64) -> Filter {
        let asked = call.field("filter");
        let part = |name: &str| asked.and_then(|asked| asked.get(name)?.as_str());
        let list = |name: &str| -> Option<Vec<String>> {
            let items = asked?.get(name)?.as_array()?;
            Some(
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        };
        let mut filter = Filter {
            state: asked
                .and_then(Value::as_str)
                .or_else(|| part("filter"))
                .map(str::to_owned),
            search: call
                .field_text("search")
                .or_else(|| part("search"))
                .map(str::to_lowercase),
            tagged: Vec::new(),
            untagged: None,
            kind,
        };
        match part("tag_id") {
            Some("no-tag") => {
                let resources = ws
                    .tag_mappings
                    .iter()
                    .map(|m| text(m, "resource_id").to_owned());
                filter.untagged = Some(resources.collect());
            }
            Some(tag) => filter
                .tagged
                .push(carriers(&ws.tag_mappings, &[tag.to_owned()])),
            None => {}
        }
        if let Some(any) = list("tag_ids") {
            filter.tagged.push(carriers(&ws.tag_mappings, &any));
        }
        for tag in list("tag_ids_all").unwrap_or_default() {
            filter.tagged.push(carriers(&ws.tag_mappings, &[tag]));
        }
        filter
    }

    fn takes(&self, entity: &Value, id: &str) -> bool {
        let searched: &[&str] = if self.kind == ACCOUNT {
            &["email", "first_name", "last_name"]
        } else {
            &["name"]
        };
        // The states are those of accounts: no campaign is in one.
        self.state
            .as_deref()
            .is_none_or(|state| self.kind == ACCOUNT && account_filter::in_state(entity, state))
            && self
                .search
                .as_deref()
                .is_none_or(|part| searched.iter().any(|name| holds(text(entity, name), part)))
            && self.tagged.iter().all(|carriers| carriers.contains(id))
            && self
                .untagged
                .as_ref()
                .is_none_or(|tagged| !tagged.contains(id))
    }
}
