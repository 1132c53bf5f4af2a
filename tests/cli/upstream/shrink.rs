//! `doorward upstream shrink`.

use serde_json::{Value, json};

use super::{MANAGER, World, row};
use crate::harness::call;

#[test]
fn a_wide_key_is_replaced_by_one_with_what_it_was_used_for() {
    let world = World::with(&[MANAGER, "full-automation"]);
    world
        .run(&["upstream", "adopt", MANAGER, "--manages"])
        .ended(0);
    let wide = world.seeded("full-automation");
    let (id, value) = (wide["id"].as_str().unwrap(), wide["key"].as_str().unwrap());
    world
        .run(&["upstream", "adopt", "full-automation", "--id", id])
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
    let unused = world.run(&[
        "upstream",
        "shrink",
        "full-automation",
        "--since",
        "1s",
        "--dry-run",
    ]);
    // What Doorward itself reads under it stays, so that there is a plan at all.
    assert_eq!(unused.code, 0, "{unused:?}");
    for _ in 0..2 {
        assert_eq!(add().status, 200);
    }
    // Somebody goes around Doorward with it: that is kept too.
    let list = json!({ "name": "mine" });
    let (status, campaign) = world.instantly(value, "GET", "/campaigns?limit=1", None);
    assert_eq!(status, 200);
    let campaign = campaign["items"][0]["id"].as_str().unwrap();
    let path = format!("/campaigns/{campaign}");
    assert_eq!(world.instantly(value, "PATCH", &path, Some(list)).0, 200);

    let shrink = ["upstream", "shrink", "full-automation", "--now", "--json"];
    let with = |more: &[&'static str]| {
        let all: Vec<&str> = shrink.iter().chain(more).copied().collect();
        world.run(&all)
    };
    let plan = with(&["--dry-run"]).ended(0).json();
    let kept = plan["kept"].as_array().unwrap();
    let of = |scope: &str| {
        let found = kept.iter().find(|kept| kept["scope"] == scope);
        found.unwrap_or_else(|| panic!("no {scope}: {plan:#}"))
    };
    assert_eq!(of("leads:create")["calls"], 2, "{plan:#}");
    assert_eq!(of("campaigns:update")["records"], 1, "{plan:#}");
    let members = of("workspace_members:read");
    assert!(!members["own"].as_array().unwrap().is_empty(), "{plan:#}");
    assert_eq!(plan["dropped"], json!(["all:all"]));
    // The client is granted more than it used, and no other key covers it.
    assert!(!plan["lost"].as_array().unwrap().is_empty());
    let told = plan["told"].as_array().unwrap();
    assert!(
        told.iter()
            .any(|told| told.as_str().unwrap().contains("in no log"))
    );
    let asked = with(&[]).ended(2);
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(world.instantly(value, "GET", "/campaigns", None).0, 200);

    let ran = with(&["--yes"]).ended(0);
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["step"], &last["why"]),
        (&json!("done"), &json!("shrink")),
        "{ran:?}"
    );
    assert_eq!(world.instantly(value, "GET", "/campaigns", None).0, 401);
    assert_eq!(add().status, 200);
    let found = world.inventory();
    let narrow = row(&found, "full-automation");
    assert_eq!(narrow["scopes"], last["scopes"], "{narrow:#}");
    assert_ne!(narrow["api_key_id"], id);
    assert_eq!(
        narrow["name_there"].as_str().unwrap().split('-').next(),
        Some("dw")
    );
    // Used to the full, there is nothing left to take.
    let acts = world.recorded("upstream_key.shrink");
    assert!(
        acts.iter().any(|act| act["result"] == "success"),
        "{acts:?}"
    );
    world.holds_nowhere(value, "no such file");
    let none = world
        .run(&["upstream", "shrink", "full-automation", "--dry-run"])
        .ended(2);
    assert!(
        none.stderr.contains("every scope that it has was used"),
        "{none:?}"
    );
}
