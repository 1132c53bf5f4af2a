use serde_json::{Value, json};

use crate::cx::Cx;
use crate::ops::accounts;
use crate::testing::{NOW, call, world};
use crate::world::World;

fn post(world: &mut World, path: &str, body: Value) -> Value {
    let (status, answer) = call(world, "POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

fn items(world: &mut World, path: &str) -> Vec<Value> {
    let (status, page) = call(world, "GET", path, None);
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().clone()
}

fn tag(world: &mut World, label: &str) -> String {
    let made = post(world, "/api/v2/custom-tags", json!({"label": label}));
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_label_is_one_tags_alone() {
    let mut world = world();
    let one = tag(&mut world, "  Unique ");
    let again = json!({"label": "Unique   "});
    let (status, body) = call(
        &mut world,
        "POST",
        "/api/v2/custom-tags",
        Some(again.clone()),
    );
    assert_eq!((status, &body["error"]), (409, &json!("Conflict")));
    let other = tag(&mut world, "Other");
    let patch = |world: &mut World, id: &str| {
        call(
            world,
            "PATCH",
            &format!("/api/v2/custom-tags/{id}"),
            Some(again.clone()),
        )
        .0
    };
    assert_eq!(patch(&mut world, &other), 409);
    assert_eq!(patch(&mut world, &one), 200, "its own label is no conflict");
}

#[test]
fn tags_go_on_and_come_off() {
    let mut world = world();
    let (one, two) = (tag(&mut world, "One"), tag(&mut world, "Two"));
    let campaigns = items(&mut world, "/api/v2/campaigns?limit=2");
    let ids: Vec<&str> = campaigns
        .iter()
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    let toggle = |world: &mut World, body: Value| {
        let mut all = json!({"tag_ids": [one, two], "resource_type": 2, "assign": true});
        crate::cx::merge(&mut all, &body);
        call(
            world,
            "POST",
            "/api/v2/custom-tags/toggle-resource",
            Some(all),
        )
        .0
    };
    let on = |world: &mut World, resource: &str| {
        let path = format!("/api/v2/custom-tag-mappings?limit=100&resource_ids={resource}");
        let held = items(world, &path);
        held.iter()
            .filter(|m| m["tag_id"] == *one || m["tag_id"] == *two)
            .count()
    };
    assert_eq!(toggle(&mut world, json!({"resource_ids": ids})), 200);
    assert_eq!(
        toggle(&mut world, json!({"resource_ids": ids})),
        200,
        "twice is once"
    );
    assert_eq!((on(&mut world, ids[0]), on(&mut world, ids[1])), (2, 2));
    let path = format!("/api/v2/custom-tags?limit=100&resource_ids={}", ids[0]);
    assert!(items(&mut world, &path).len() >= 2);
    let off = json!({"resource_ids": [ids[0]], "tag_ids": [one], "assign": false});
    assert_eq!(toggle(&mut world, off), 200);
    assert_eq!((on(&mut world, ids[0]), on(&mut world, ids[1])), (1, 2));
    let nowhere = json!({"resource_ids": ["01900000-0000-7000-8000-000000000000"]});
    assert_eq!(toggle(&mut world, nowhere), 404);
    let nothing = json!({"resource_ids": ids, "tag_ids": ["01900000-0000-7000-8000-000000000000"]});
    assert_eq!(toggle(&mut world, nothing), 404);
    assert_eq!(
        call(
            &mut world,
            "DELETE",
            &format!("/api/v2/custom-tags/{two}"),
            None
        )
        .0,
        200
    );
    assert_eq!((on(&mut world, ids[0]), on(&mut world, ids[1])), (0, 1));
}

#[test]
fn all_means_all_that_the_filter_takes() {
    let mut world = world();
    let one = tag(&mut world, "Everywhere");
    let all = items(&mut world, "/api/v2/campaigns?limit=100");
    let spared = all[0]["id"].as_str().unwrap();
    let body = json!({
        "tag_ids": [one], "resource_type": 2, "assign": true, "selected_all": true,
        "excluded_resource_ids": [spared],
    });
    post(&mut world, "/api/v2/custom-tags/toggle-resource", body);
    let tagged = items(
        &mut world,
        &format!("/api/v2/campaigns?limit=100&tag_ids={one}"),
    );
    assert_eq!(tagged.len(), all.len() - 1);
    let body = json!({
        "tag_ids": [one], "resource_type": 2, "assign": false, "selected_all": true,
        "filter": {"tag_id": one, "search": all[1]["name"]},
    });
    post(&mut world, "/api/v2/custom-tags/toggle-resource", body);
    let tagged = items(
        &mut world,
        &format!("/api/v2/campaigns?limit=100&tag_ids={one}"),
    );
    assert_eq!(tagged.len(), all.len() - 2);
}

#[test]
fn an_account_is_tagged_by_its_address() {
    let mut world = world();
    let one = tag(&mut world, "On an account");
    let email = "sender@larkspur.example";
    let workspace = world.workspaces.get_index(0).unwrap().0.clone();
    let mut cx = Cx {
        world: &mut world,
        workspace,
        key_id: None,
        now: NOW,
    };
    let fresh = accounts::fresh(&mut cx, email, ("Sen", "Der"), 1);
    cx.ws().accounts.put(email, fresh);
    let body =
        json!({"tag_ids": [one], "resource_type": 1, "assign": true, "resource_ids": [email]});
    post(&mut world, "/api/v2/custom-tags/toggle-resource", body);
    let found = items(&mut world, &format!("/api/v2/accounts?tag_ids={one}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["email"], email);
    let path = format!("/api/v2/custom-tag-mappings?limit=100&resource_ids={email}");
    let held = items(&mut world, &path);
    assert!(
        held.iter()
            .any(|mapping| mapping["tag_id"] == *one && mapping["resource_type"] == 1)
    );
}
