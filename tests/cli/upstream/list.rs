//! `doorward upstream list`.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{MANAGER, World, row};
use crate::harness::{Demo, call};
use crate::leak::hard::post_as;

#[test]
fn every_key_is_listed_with_what_is_known_of_it_and_no_value() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let (stranger, value) = world.made_elsewhere("zapier", &["leads:all"]);
    // Instantly may show values, and people paste keys where names belong.
    world.set(json!({ "list_keys": "clear" }));
    let (pasted, _) = world.made_elsewhere(&value, &["leads:read"]);
    // Somebody goes around Doorward with it.
    let lead = json!({ "email": "grace@example.com" });
    let (status, _) = world.instantly(&value, "POST", "/leads", Some(lead));
    assert_eq!(status, 200);
    let (server, key) = world.serve("lead-import");
    let gateway = server.text("gateway_url");
    let lead = || Some(json!({ "email": "ada@example.com" }));
    for _ in 0..3 {
        let made = call(
            "POST",
            &format!("{gateway}/api/v2/leads"),
            Some(&key),
            lead(),
        );
        assert_eq!(made.status, 200, "{made:?}");
    }

    let found = world.inventory();
    assert_eq!(found["listed"], true, "{found:#}");
    assert!(found["log_read_to"].is_string(), "{found:#}");
    let ours = row(&found, "lead-import");
    assert_eq!(
        (&ours["state"], &ours["used"]["calls"]),
        (&json!("active"), &json!(3))
    );
    let uses = ours["scope_uses"].as_array().unwrap();
    let calls = |scope: &str| &uses.iter().find(|one| one["scope"] == scope).unwrap()["calls"];
    assert_eq!(
        (calls("leads:create"), calls("lead_lists:read")),
        (&json!(3), &json!(0))
    );

    let rows = found["keys"].as_array().unwrap();
    let odd = rows
        .iter()
        .find(|row| row["api_key_id"] == pasted.as_str())
        .unwrap();
    assert_eq!(odd["name"], "(not shown)");
    let theirs = row(&found, "zapier");
    assert_eq!(theirs["state"], "unknown");
    assert_eq!(theirs["api_key_id"], stranger.as_str());
    assert_eq!(theirs["scopes"], json!(["leads:all"]));
    assert_eq!(
        (&theirs["risk"], &theirs["used"]),
        (&json!("high"), &Value::Null)
    );
    assert_eq!(theirs["seen"]["around"], 1, "{theirs:#}");
    assert!(theirs["created_at"].is_string());
    // Each key of the sandbox is there, however many.
    let all = world.sandbox.ready["workspaces"][0]["keys"]
        .as_array()
        .unwrap();
    for key in all {
        let id = &key["id"];
        let name = key["name"].as_str().unwrap();
        let rows = found["keys"].as_array().unwrap();
        assert!(
            rows.iter()
                .any(|row| row["api_key_id"] == *id || row["name"] == name)
        );
    }

    let shown = world.run(&["upstream", "list"]).ended(0);
    for text in [
        "zapier",
        "unknown",
        "1 act around Doorward",
        "lead-import",
        "3 calls",
    ] {
        assert!(shown.stdout.contains(text), "{text}: {shown:?}");
    }
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
    // Without a server the same is told.
    let after = world.inventory();
    assert_eq!(row(&after, "lead-import")["used"]["calls"], 3);

    world.holds_nowhere(&value, "no such file");
    assert!(!shown.stdout.contains(&value) && !found.to_string().contains(&value));
}

#[test]
fn without_a_key_that_may_list_them_it_says_what_can_not_be_known() {
    let world = World::with(&["lead-import"]);
    let listed = world.run(&["upstream", "list"]).ended(0);
    assert!(
        listed.stdout.contains("its id at Instantly is not known"),
        "{listed:?}"
    );
    for text in [
        "api_keys:read",
        "can't be known",
        "upstream adopt manager",
        "audit_logs:read",
    ] {
        assert!(listed.stderr.contains(text), "{text}: {listed:?}");
    }
    let found = world.inventory();
    assert_eq!(
        (&found["listed"], &found["log_read_to"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(found["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn more_keys_than_a_page_holds_are_all_listed() {
    let world = World::with(&[MANAGER]);
    world.set(json!({ "rate_limits": false }));
    for n in 0..130 {
        world.made_elsewhere(&format!("spare-{n}"), &["leads:read"]);
    }
    let found = world.inventory();
    let rows = found["keys"].as_array().unwrap();
    let spare = rows
        .iter()
        .filter(|row| row["name"].as_str().unwrap().starts_with("spare-"));
    assert_eq!(spare.count(), 130);
    assert_eq!(found["listed"], true);
}

#[test]
fn the_demo_knows_each_of_its_keys() {
    let demo = Demo::up();
    let listed = demo.run(&["upstream", "list", "--json"]).ended(0).json();
    let keys = listed[0]["keys"].as_array().unwrap();
    let held: Vec<&Value> = keys
        .iter()
        .filter(|key| key["key_id"].is_string())
        .collect();
    assert!(held.len() >= 6, "{held:#?}");
    for key in held {
        assert_eq!(key["state"], "active", "{key:#}");
        assert!(
            key["api_key_id"].is_string() && key["name_there"].is_string(),
            "{key:#}"
        );
        assert_eq!(key["manages"], key["name"] == "manager", "{key:#}");
        let own = key["name"] == "manager" || key["name"] == "watcher";
        assert_eq!(key["own_use"].is_string(), own, "{key:#}");
    }
    let unknown = keys.iter().filter(|key| key["state"] == "unknown");
    assert!(unknown.clone().count() > 0);
    assert!(
        unknown
            .clone()
            .all(|key| key["may_be"].as_array().unwrap().is_empty())
    );
}

#[test]
fn a_call_around_doorward_is_seen_whatever_it_calls_itself() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let text = |field: &str| {
        world.seeded("lead-import")[field]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (id, value) = (text("id"), text("key"));
    world
        .run(&["upstream", "adopt", "lead-import", "--id", &id])
        .ended(0);
    let (server, client) = world.serve("lead-import");
    let url = format!("{}/api/v2/leads", server.text("gateway_url"));
    let lead = json!({ "email": "ada@example.com" });
    assert_eq!(call("POST", &url, Some(&client), Some(lead)).status, 200);
    let seen = || row(&world.inventory(), "lead-import")["seen"].clone();
    let ours = seen();
    assert_eq!(
        (&ours["records"], &ours["around"]),
        (&json!(1), &json!(0)),
        "{ours:#}"
    );

    // A name of Doorward's form, of a call that was never made; and one of a call under another key.
    let other = call_under_manager(&world);
    for name in ["req_00112233445566778899aabbccddeeff", &other] {
        let agent = format!("doorward/0.1.0 {name}");
        let email = format!("{{\"email\":\"{name}@example.com\"}}");
        let status = post_as(&world, &value, &agent, &email);
        assert!(status.contains("200"), "{status}");
    }
    let all = seen();
    assert_eq!(
        (&all["records"], &all["around"]),
        (&json!(3), &json!(2)),
        "{all:#}"
    );
    // What was done around Doorward is kept for its sake.
    let plan = ["upstream", "shrink", "lead-import", "--dry-run", "--json"];
    let plan = world.run(&plan).ended(0).json();
    let kept = plan["kept"].as_array().unwrap();
    assert!(kept.iter().any(|scope| scope["records"] == 2), "{plan:#}");
}

/// The name of a call that Doorward made under the key that manages.
fn call_under_manager(world: &World) -> String {
    let (id, _) = world.made_elsewhere("zapier", &["leads:read"]);
    world.run(&["upstream", "revoke", &id, "--yes"]).ended(0);
    let made = world.recorded("deleteAPIKey");
    made[0]["request_id"].as_str().unwrap().to_owned()
}
