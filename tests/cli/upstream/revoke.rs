//! `doorward upstream revoke`.

use serde_json::json;

use super::{MANAGER, World, row};
use crate::harness::call;

#[test]
fn a_stranger_is_revoked_by_its_id_and_only_when_it_is_said() {
    let world = World::with(&[MANAGER]);
    let (id, value) = world.made_elsewhere("zapier", &["leads:read"]);
    let works = || {
        let body = Some(json!({}));
        world.instantly(&value, "POST", "/leads/list", body).0
    };
    let asked = world
        .run(&["upstream", "revoke", "--name", "zapier"])
        .ended(2);
    assert!(
        asked.stderr.contains("--yes") && asked.stderr.contains(&id),
        "{asked:?}"
    );
    assert!(asked.stdout.contains(&id), "{asked:?}");
    assert_eq!(works(), 200);
    let none = world
        .run(&["upstream", "revoke", "--name", "nobody", "-y"])
        .ended(2);
    assert!(none.stderr.contains("is called 'nobody'"), "{none:?}");
    let unknown = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
    let none = world.run(&["upstream", "revoke", unknown, "-y"]).ended(2);
    assert!(none.stderr.contains("lists no key"), "{none:?}");

    // Nobody is asked, so that a name does not do: it may be another key's by now.
    let named = world
        .run(&["upstream", "revoke", "--name", "zapier", "--yes"])
        .ended(2);
    assert!(
        named.stderr.contains(&format!("revoke {id} --yes")),
        "{named:?}"
    );
    let other = world
        .run(&["upstream", "revoke", &id, "--name", "crm", "--yes"])
        .ended(2);
    assert!(other.stderr.contains("is called 'zapier'"), "{other:?}");
    assert_eq!(works(), 200);

    let done = world
        .run(&[
            "upstream", "revoke", &id, "--name", "zapier", "--yes", "--json",
        ])
        .ended(0)
        .json();
    assert_eq!(done["target"]["api_key_id"], id.as_str());
    assert_eq!(
        (&done["was_gone"], &done["revocation"]["step"]),
        (&json!(false), &json!("done"))
    );
    assert!(
        done["revocation"]["trouble"]
            .as_str()
            .unwrap()
            .contains("does not hold its value")
    );
    assert_eq!(works(), 401);

    // A name that is two keys' is none.
    let (first, _) = world.made_elsewhere("twin", &["leads:read"]);
    let (second, _) = world.made_elsewhere("twin", &["leads:create"]);
    let twins = world
        .run(&["upstream", "revoke", "--name", "twin", "-y"])
        .ended(2);
    assert!(
        twins.stderr.contains(&first) && twins.stderr.contains(&second),
        "{twins:?}"
    );
    world.run(&["upstream", "revoke", &first, "-y"]).ended(0);
    let found = world.inventory();
    assert_eq!(row(&found, "twin")["api_key_id"], second.as_str());

    // The one key that manages is not revoked under itself.
    world
        .run(&["upstream", "adopt", MANAGER, "--manages"])
        .ended(0);
    let manager = world
        .run(&["upstream", "revoke", "--name", MANAGER, "-y"])
        .ended(2);
    assert!(manager.stderr.contains("managed under"), "{manager:?}");

    // Told before it was sent and after, and under a name that Instantly's log has too.
    let acts = world.recorded("deleteAPIKey");
    let kinds: Vec<_> = acts
        .iter()
        .map(|act| act["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["intent", "outcome", "intent", "outcome"],
        "{acts:?}"
    );
    let revoked = world.recorded("upstream_key.revoke");
    assert!(
        revoked.iter().any(|act| act["result"] == "success"),
        "{revoked:?}"
    );
    let checked = world.run(&["audit", "reconcile", "--since", "1h", "--json"]);
    let report = &checked.json()["report"];
    let around = report["around"].as_array().unwrap();
    assert!(
        around.iter().all(|one| one["activity_type"] != 38),
        "{report:#}"
    );
    world.holds_nowhere(&value, "no such file");
}

#[test]
fn a_key_that_clients_need_is_kept_unless_forced_and_proved_dead_then() {
    let world = World::with(&[MANAGER, "lead-import"]);
    world.set(json!({ "revocation_delay_ms": 1_200 }));
    let id = world.seeded("lead-import")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Its id is not known yet, and no name stands in for it.
    let asked = world
        .run(&["upstream", "revoke", "--name", "lead-import", "-y"])
        .ended(2);
    assert!(
        asked.stderr.contains("upstream adopt lead-import --id"),
        "{asked:?}"
    );
    world
        .run(&["upstream", "adopt", "lead-import", "--id", &id])
        .ended(0);
    let (server, key) = world.serve("lead-import");
    let url = format!("{}/api/v2/leads", server.text("gateway_url"));
    let add = || {
        call(
            "POST",
            &url,
            Some(&key),
            Some(json!({ "email": "ada@example.com" })),
        )
    };
    assert_eq!(add().status, 200);

    let kept = world.run(&["upstream", "revoke", &id, "--yes"]).ended(2);
    assert!(
        kept.stderr.contains("createLead") && kept.stderr.contains("--force"),
        "{kept:?}"
    );
    assert_eq!(add().status, 200);

    let done = world
        .run(&["upstream", "revoke", &id, "--yes", "--force", "--json"])
        .ended(0)
        .json();
    let proof = &done["revocation"];
    assert!(proof["refusals"].as_u64().unwrap() >= 3, "{done:#}");
    assert!(
        proof["millis_to_death"].as_i64().unwrap() >= 1_000,
        "{done:#}"
    );
    let value = world.seeded("lead-import")["key"].as_str().unwrap();
    assert_eq!(world.instantly(value, "GET", "/lead-lists", None).0, 401);
    // No call goes out under it from then on.
    assert_ne!(add().status, 200);
    let found = world.inventory();
    assert_eq!(row(&found, "lead-import")["state"], "retired");
    let acts = world.recorded("upstream_key.revoke");
    let last = acts.last().unwrap();
    assert_eq!(last["metadata"]["proved_dead"], true, "{last:#}");
    world.holds_nowhere(value, "no such file");
}

#[test]
fn a_deletion_whose_answer_is_lost_leaves_no_doubt() {
    let world = World::with(&[MANAGER]);
    let revoke = |id: &str| world.run(&["upstream", "revoke", id, "--yes", "--json"]);
    let (id, value) = world.made_elsewhere("zapier", &["leads:read"]);
    world.fail(Some(json!({
        "kind": "lost_response", "operation": "deleteAPIKey", "count": 1
    })));
    revoke(&id).ended(0);
    world.fail(None);
    assert_eq!(
        world
            .instantly(&value, "POST", "/leads/list", Some(json!({})))
            .0,
        401
    );
    let found = world.inventory();
    assert!(
        found["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["name"] != "zapier")
    );
}
