//! What a fresh sandbox holds: an admin workspace and a sub-workspace of its group, with people,
//! keys, webhooks, block lists, a history, campaigns, leads and mail. The same seed brings the same
//! ids and keys; times are counted back from the clock's.

pub(crate) mod campaigns;
mod faults;
pub(crate) mod mail;
mod people;
mod security;

use serde_json::{Value, json};

use crate::clock::{self, Clock, DAY, Millis};
use crate::cx::Cx;
use crate::settings::Settings;
use crate::world::World;

/// The time seeded ids are made for: 2026-01-01T00:00:00Z.
const IDS_MADE_AT: Millis = 1_767_225_600_000;

/// A seeded world.
pub(crate) fn world(seed: u64, clock: Clock, settings: Settings) -> World {
    let mut world = World::empty(seed, clock, settings);
    world.ids.pin(Some(IDS_MADE_AT));
    world.delivery_ids.pin(Some(IDS_MADE_AT));
    let now = world.now();
    let owner = world.ids.uuid(now);
    let admin = workspace(&mut world, now, "Larkspur Agency", &owner);
    let sub = workspace(&mut world, now, "Tern & Teasel", &owner);
    for (id, is_admin) in [(&admin, true), (&sub, false)] {
        let mut cx = Cx {
            world: &mut world,
            workspace: id.clone(),
            key_id: None,
            now,
        };
        people::plant(&mut cx, is_admin);
        security::keys(&mut cx, is_admin);
        security::webhooks(&mut cx);
        security::block_list(&mut cx);
        security::history(&mut cx);
        mail::accounts(&mut cx);
        campaigns::plant(&mut cx);
        mail::plant(&mut cx);
    }
    people::join(&mut world, now, &admin, &sub);
    faults::plant(&mut Cx {
        world: &mut world,
        workspace: admin,
        key_id: None,
        now,
    });
    // What planting told is history, not news.
    world.outbox.clear();
    world.ids.pin(None);
    world.delivery_ids.pin(None);
    world.index();
    world
}

fn workspace(world: &mut World, now: Millis, name: &str, owner: &str) -> String {
    let id = world.ids.uuid(now);
    let made = clock::text(now - 400 * DAY);
    let record = json!({
        "id": id,
        "timestamp_created": made,
        "timestamp_updated": made,
        "scheduled_for_removal_at": null,
        "owner": owner,
        "name": name,
        "plan_id": "pid_hg_v1",
        "plan_id_bundle": null,
        "add_unsub_to_block": false,
        "default_opportunity_value": 250,
        "plan_id_leadfinder": "pid_lf_ls_v1",
        "plan_id_verification": {
            "quantity": 1000,
            "product_id": "pid_ev_v1",
            "timestamp_updated": made,
        },
        "org_logo_url": null,
        "org_client_domain": null,
        "plan_id_crm": "pid_crm_v1",
        "plan_id_website_visitor": null,
        "plan_id_inbox_placement": "pid_ip_v1",
    });
    world.workspaces.entry(id.clone()).or_default().record = record;
    id
}

/// Puts an entity under a fresh id; the id.
fn put(
    cx: &mut Cx<'_>,
    table: fn(&mut crate::world::Workspace) -> &mut crate::table::Table,
    mut entity: Value,
) -> String {
    let id = cx.uuid();
    if let Some(entity) = entity.as_object_mut() {
        entity.insert("id".to_owned(), Value::from(id.as_str()));
    }
    table(cx.ws()).put(&id, entity);
    id
}
