//! `doorward upstream adopt` and `probe`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{MANAGER, World, row};
use crate::harness::call;

#[test]
fn a_manager_is_piped_in_and_known_by_its_own_list() {
    let world = World::with(&["lead-import"]);
    let seeded = world.seeded(MANAGER);
    let value = seeded["key"].as_str().unwrap();
    let adopt = [
        "upstream",
        "adopt",
        "manager",
        "--manages",
        "--owner",
        "Ann",
        "--json",
    ];
    let adopted = world.piped(&adopt, &format!("{value}\n")).ended(0).json();
    assert_eq!(adopted["api_key_id"], seeded["id"], "{adopted:#}");
    assert_eq!(adopted["added"], true);
    let path = world.path().join(".doorward/secrets/upstream-manager.key");
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let found = world.inventory();
    let manager = row(&found, "manager");
    assert_eq!(manager["api_key_id"], seeded["id"]);
    assert_eq!(
        (&manager["owner"], &manager["manages"]),
        (&json!("Ann"), &json!(true))
    );
    assert_eq!(found["listed"], true);
    // Taken in twice it is refused, under whatever name.
    let again = world.piped(&["upstream", "adopt", "other"], value).ended(2);
    assert!(again.stderr.contains("'manager'"), "{again:?}");
    // A key that can't manage is none.
    let narrow = world.keep("narrow", world.seeded("reporting")["key"].as_str().unwrap());
    let refused = world
        .run(&[
            "upstream",
            "adopt",
            "m2",
            &narrow,
            "--manages",
            "--scopes",
            "all:read",
        ])
        .ended(2);
    assert!(refused.stderr.contains("api_keys:create"), "{refused:?}");

    let acts = world.recorded("upstream_key.adopt");
    assert!(acts.len() >= 4, "{acts:?}");
    let told = world.run(&["audit", "tail", "--json"]).ended(0).stdout;
    assert!(told.contains("upstream_key.adopt") && !told.contains(value));
    world.holds_nowhere(value, "upstream-manager.key");
}

#[test]
fn an_id_is_found_where_it_is_certain_and_never_guessed() {
    let world = World::with(&[MANAGER]);
    let adopt = |name: &str, reference: &str, more: &[&str]| {
        let mut all = vec!["upstream", "adopt", name, reference, "--json"];
        all.extend(more);
        world.run(&all)
    };
    // It can be seen to be of the workspace, and none other has its scopes.
    let (id, value) = world.made_elsewhere("crm", &["workspaces:read", "leads:update"]);
    let crm = world.keep("crm", &value);
    let adopted = adopt("crm", &crm, &[]).ended(0).json();
    assert_eq!(adopted["api_key_id"], id.as_str());
    assert!(adopted["known_by"].as_str().unwrap().contains("its scopes"));

    // It can't: another workspace's key may have the same scopes.
    let (id, value) = world.made_elsewhere("sync", &["campaigns:update"]);
    let sync = world.keep("sync", &value);
    let asked = adopt("sync", &sync, &[]).ended(2);
    assert!(
        asked.stderr.contains(&id) && asked.stderr.contains("--id"),
        "{asked:?}"
    );
    assert!(
        world.inventory()["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["name"] != "sync" || key["key_id"].is_null())
    );
    let other = world.seeded("lead-import")["id"].as_str().unwrap();
    let wrong = adopt("sync", &sync, &["--id", other]).ended(2);
    assert!(wrong.stderr.contains("other scopes"), "{wrong:?}");
    let nobody = adopt(
        "sync",
        &sync,
        &["--id", "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f"],
    )
    .ended(2);
    assert!(nobody.stderr.contains("lists no key"), "{nobody:?}");
    let said = adopt("sync", &sync, &["--id", &id]).ended(0).json();
    assert_eq!(
        (&said["api_key_id"], &said["known_by"]),
        (&json!(id), &json!("your word"))
    );

    // Two with the same scopes, of the workspace both.
    let (first, value) = world.made_elsewhere("twin", &["workspaces:read", "custom_tags:read"]);
    let (second, _) = world.made_elsewhere("twin", &["workspaces:read", "custom_tags:read"]);
    let twin = world.keep("twin", &value);
    let asked = adopt("twin", &twin, &[]).ended(2);
    assert!(
        asked.stderr.contains(&first) && asked.stderr.contains(&second),
        "{asked:?}"
    );
    let without = adopt("twin", &twin, &["--without-id"]).ended(0).json();
    assert_eq!(without["api_key_id"], json!(null));
    // More is said of it later; its value is known already.
    let said = world
        .run(&[
            "upstream", "adopt", "twin", "--id", &first, "--owner", "Bob", "--json",
        ])
        .ended(0)
        .json();
    assert_eq!(
        (&said["api_key_id"], &said["added"]),
        (&json!(first), &json!(false))
    );
    let taken = adopt("twin", &crm, &[]).ended(2);
    assert!(taken.stderr.contains("already"), "{taken:?}");

    // A key of another workspace, a dead one, and a key in the place of a reference.
    let subs = world.sandbox.ready["workspaces"][1]["keys"]
        .as_array()
        .unwrap();
    let dashboard = subs
        .iter()
        .find(|key| key["name"] == "tern-dashboard")
        .unwrap();
    let foreign = world.keep("foreign", dashboard["key"].as_str().unwrap());
    let refused = adopt("foreign", &foreign, &[]).ended(2);
    assert!(
        refused.stderr.contains("no key that is listed"),
        "{refused:?}"
    );
    let dead = world.keep("dead", &format!("{}x", &value[1..]));
    assert!(
        adopt("dead", &dead, &[])
            .ended(1)
            .stderr
            .contains("does not accept")
    );
    let pasted = adopt("pasted", &value, &[]).ended(2);
    assert!(!pasted.stderr.contains(&value), "{pasted:?}");
    world.holds_nowhere(&value, "no such file");
}

#[test]
fn a_key_is_probed_by_reads_alone() {
    let world = World::with(&[MANAGER, "analytics-dashboard", "lead-import"]);
    let probe = |name: &str| world.run(&["upstream", "probe", name, "--json"]);
    let healthy = probe("analytics-dashboard").ended(0).json();
    assert_eq!(
        (&healthy["alive"], &healthy["as_known"]),
        (&json!("alive"), &json!(true))
    );
    assert!(healthy["read"].is_string(), "{healthy:#}");
    // One that covers a read of its own is tried by that, and by no write.
    assert_eq!(probe("lead-import").ended(0).json()["alive"], "alive");
    let id = world.seeded("analytics-dashboard")["id"].as_str().unwrap();
    let manager = world.seeded(MANAGER)["key"].as_str().unwrap();
    let (status, _) = world.instantly(manager, "DELETE", &format!("/api-keys/{id}"), None);
    assert_eq!(status, 200);
    let dead = probe("analytics-dashboard").ended(1).json();
    assert_eq!(dead["alive"], "dead");
    let found = world.inventory();
    assert_eq!(row(&found, "analytics-dashboard")["state"], "dead");
    let missing = probe("nobody").ended(1);
    assert!(missing.stderr.contains("upstream list"), "{missing:?}");
    assert_eq!(world.recorded("upstream_key.probe").len() % 2, 0);
}

#[test]
fn an_id_is_learnt_from_records_of_calls_that_went_out_under_the_key() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let config = world.path().join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    let quick = text.replace("pull_seconds = 60", "pull_seconds = 1");
    assert_ne!(quick, text);
    fs::write(&config, quick).unwrap();
    let (server, key) = world.serve("lead-import");
    let url = format!("{}/api/v2/leads", server.text("gateway_url"));
    let lead = || Some(json!({ "email": "ada@example.com" }));
    assert_eq!(call("POST", &url, Some(&key), lead()).status, 200);
    // Another key of the same scopes is none the less another.
    let (other, _) = world.made_elsewhere("double", &["leads:create", "lead_lists:read"]);
    let mine = &world.seeded("lead-import")["id"];
    let began = Instant::now();
    while row(&world.inventory(), "lead-import")["api_key_id"] != *mine {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:#}",
            world.inventory()
        );
        std::thread::sleep(Duration::from_millis(300));
    }
    let adopted = world
        .run(&["upstream", "adopt", "lead-import", "--json"])
        .ended(0)
        .json();
    assert_eq!(adopted["api_key_id"], *mine);
    assert!(
        adopted["known_by"]
            .as_str()
            .unwrap()
            .starts_with("records of calls")
    );
    let wrong = world
        .run(&["upstream", "adopt", "lead-import", "--id", &other])
        .ended(2);
    assert!(
        wrong.stderr.contains("not the one that was said"),
        "{wrong:?}"
    );
}
