use serde_json::{Value, json};

use crate::clock::DAY;
use crate::testing::{call, call_as, key, world};
use crate::world::World;

fn get(world: &mut World, path: &str) -> Value {
    let (status, answer) = call(world, "GET", path, None);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn post(world: &mut World, path: &str, body: Option<Value>) -> Value {
    let (status, answer) = call(world, "POST", path, body);
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

fn create(world: &mut World, name: &str) -> String {
    let body = json!({
        "name": name,
        "campaign_schedule": {"schedules": [{
            "name": "always",
            "timing": {"from": "00:00", "to": "23:59"},
            "days": {"0": true, "1": true, "2": true, "3": true, "4": true, "5": true, "6": true},
            "timezone": "Etc/GMT+12",
        }]},
        "sequences": [{"steps": [
            {"type": "email", "delay": 1, "variants": [{"subject": "s", "body": "b"}]},
        ]}],
        "email_list": ["sender@nowhere.example"],
    });
    let made = post(world, "/api/v2/campaigns", Some(body));
    assert_eq!(made["status"], 0);
    made["id"].as_str().unwrap().to_owned()
}

fn status_of(world: &mut World, id: &str) -> Value {
    get(world, &format!("/api/v2/campaigns/{id}"))["status"].clone()
}

fn audits(world: &mut World, activity: i64, id: &str) -> usize {
    let page = get(
        world,
        &format!("/api/v2/audit-logs?activity_type={activity}&limit=100"),
    );
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .filter(|entry| entry["campaign_id"] == id)
        .count()
}

fn sending(world: &mut World, id: &str) -> String {
    let answer = get(world, &format!("/api/v2/campaigns/{id}/sending-status"));
    answer["diagnostics"]["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_campaign_goes_from_draft_to_active_to_paused() {
    let mut world = world();
    let launched = |world: &mut World| {
        get(world, "/api/v2/campaigns/count-launched")["count"]
            .as_u64()
            .unwrap()
    };
    let before = launched(&mut world);
    let id = create(&mut world, "Launch me");
    assert_eq!(launched(&mut world), before);
    assert_eq!(sending(&mut world, &id), "campaign_draft");
    post(
        &mut world,
        &format!("/api/v2/campaigns/{id}/activate"),
        None,
    );
    assert_eq!(status_of(&mut world, &id), 1);
    assert_eq!(launched(&mut world), before + 1);
    assert_eq!(sending(&mut world, &id), "no_accounts_available");
    post(&mut world, &format!("/api/v2/campaigns/{id}/pause"), None);
    assert_eq!(status_of(&mut world, &id), 2);
    assert_eq!(
        (audits(&mut world, 4, &id), audits(&mut world, 5, &id)),
        (1, 1)
    );
    let path = "/api/v2/campaigns/01900000-0000-7000-8000-000000000000/activate";
    assert_eq!(call(&mut world, "POST", path, None).0, 404);
}

#[test]
fn a_shared_campaign_is_copied_by_anyone_for_seven_days() {
    let mut world = world();
    let id = create(&mut world, "Shared");
    let path = format!("/api/v2/campaigns/{id}/from-export");
    assert_eq!(call(&mut world, "POST", &path, None).0, 403);
    let (status, body) = call(
        &mut world,
        "POST",
        &format!("/api/v2/campaigns/{id}/share"),
        None,
    );
    assert_eq!((status, body), (204, Value::Null));
    let copy = post(&mut world, &path, None);
    let exported = post(&mut world, &format!("/api/v2/campaigns/{id}/export"), None);
    for (name, value) in exported.as_object().unwrap() {
        // The clock stands still, so that only the id is the copy's own.
        assert_eq!(copy[name] == *value, name != "id", "{name}");
    }
    let other = key(&world, 1, 0);
    let there = call_as(&mut world, &other, "POST", &path, None);
    assert_eq!(there.status, 200);
    assert_eq!(
        there.value()["email_list"],
        json!([]),
        "another workspace's accounts"
    );
    assert_eq!(there.value()["sequences"], exported["sequences"]);
    world.clock.advance(7 * DAY);
    assert_eq!(call(&mut world, "POST", &path, None).0, 403);
}

#[test]
fn a_duplicate_is_a_draft_of_its_own() {
    let mut world = world();
    let id = create(&mut world, "Model");
    post(
        &mut world,
        &format!("/api/v2/campaigns/{id}/activate"),
        None,
    );
    let path = format!("/api/v2/campaigns/{id}/duplicate");
    let copy = post(&mut world, &path, Some(json!({})));
    assert_eq!(
        (&copy["name"], &copy["status"]),
        (&json!("Model (copy)"), &json!(0))
    );
    assert_eq!(
        post(&mut world, &path, Some(json!({"name": "Mine"})))["name"],
        "Mine"
    );
    assert_eq!(status_of(&mut world, &id), 1);
}

#[test]
fn variables_are_sorted_into_core_and_custom() {
    let mut world = world();
    let id = create(&mut world, "Variables");
    let body = json!({"variables": ["firstName", "seats"]});
    let held = post(
        &mut world,
        &format!("/api/v2/campaigns/{id}/variables"),
        Some(body),
    );
    assert!(held["core_variables"].get("firstName").is_some());
    assert!(held["custom_variables"].get("seats").is_some());
    assert!(held["custom_variables"].get("firstName").is_none());
}

#[test]
fn lists_by_name_status_and_tag() {
    let mut world = world();
    let id = create(&mut world, "Needle in a haystack");
    let names = |world: &mut World, query: &str| -> Vec<String> {
        let page = get(world, &format!("/api/v2/campaigns?limit=100&{query}"));
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&mut world, "search=NEEDLE"), ["Needle in a haystack"]);
    assert!(names(&mut world, "status=0").contains(&"Needle in a haystack".to_owned()));
    assert!(!names(&mut world, "exclude_status=0").contains(&"Needle in a haystack".to_owned()));
    let tag = post(
        &mut world,
        "/api/v2/custom-tags",
        Some(json!({"label": "Only here"})),
    );
    let tag = tag["id"].as_str().unwrap();
    let body = json!({"tag_ids": [tag], "resource_type": 2, "resource_ids": [id], "assign": true});
    post(
        &mut world,
        "/api/v2/custom-tags/toggle-resource",
        Some(body),
    );
    assert_eq!(
        names(&mut world, &format!("tag_ids={tag}")),
        ["Needle in a haystack"]
    );
}

#[test]
fn every_status_is_planted() {
    let mut world = world();
    for status in [-99, -2, -1, 0, 1, 2, 3, 4] {
        let page = get(&mut world, &format!("/api/v2/campaigns?status={status}"));
        assert!(!page["items"].as_array().unwrap().is_empty(), "{status}");
    }
}

#[test]
fn a_deleted_campaign_takes_its_leads_but_for_those_of_lists() {
    let mut world = world();
    let id = create(&mut world, "Doomed");
    let list = post(
        &mut world,
        "/api/v2/lead-lists",
        Some(json!({"name": "Kept"})),
    );
    let lead = |world: &mut World, body: Value| {
        let made = post(world, "/api/v2/leads", Some(body));
        made["id"].as_str().unwrap().to_owned()
    };
    let lost = lead(
        &mut world,
        json!({"campaign": id, "email": "lost@x.example"}),
    );
    let body = json!({"campaign": id, "list_id": list["id"], "email": "kept@x.example"});
    let kept = lead(&mut world, body);
    let found = get(
        &mut world,
        "/api/v2/campaigns/search-by-contact?search=LOST@x.example",
    );
    assert_eq!(found["items"][0]["id"], id);
    let body = json!({"parent_campaign": id, "name": "s", "conditions": {}});
    let sub = post(&mut world, "/api/v2/subsequences", Some(body));
    let path = format!("/api/v2/campaigns/{id}");
    assert_eq!(call(&mut world, "DELETE", &path, None).0, 200);
    assert_eq!(call(&mut world, "DELETE", &path, None).0, 404);
    assert_eq!(
        call(&mut world, "GET", &format!("/api/v2/leads/{lost}"), None).0,
        404
    );
    assert_eq!(
        get(&mut world, &format!("/api/v2/leads/{kept}"))["campaign"],
        Value::Null
    );
    let sub = format!("/api/v2/subsequences/{}", sub["id"].as_str().unwrap());
    assert_eq!(call(&mut world, "GET", &sub, None).0, 404);
    assert_eq!(audits(&mut world, 3, &id), 1);
    let found = get(
        &mut world,
        "/api/v2/campaigns/search-by-contact?search=lost@x.example",
    );
    assert_eq!(found["items"], json!([]));
}
