use serde_json::{Value, json};

use crate::ops::fitting::{call, items, ok};
use crate::ops::view::text;
use crate::testing;
use crate::world::World;

fn new(email: &str, host: &str) -> Value {
    json!({
        "email": email, "first_name": "Ada", "last_name": "Berg", "provider_code": 1,
        "imap_username": "u", "imap_password": "planted-secret", "imap_host": host, "imap_port": 993,
        "smtp_username": "u", "smtp_password": "planted-secret", "smtp_host": host, "smtp_port": 587,
        "warmup": { "limit": 20 }, "reply_to": "not an address", "warmup_custom_ftag": "tag",
    })
}

fn audits(world: &World, activity: i64) -> usize {
    let (_, workspace) = world.workspaces.get_index(0).unwrap();
    workspace
        .audit_logs
        .iter()
        .filter(|entry| entry["activity_type"] == activity)
        .count()
}

#[test]
fn an_account_lives_from_creation_to_deletion() {
    let mut world = testing::world();
    let (added, gone) = (audits(&world, 6), audits(&world, 7));
    let made = ok(
        &mut world,
        "POST",
        "/api/v2/accounts",
        Some(new("New@Example.com", "mail.example.com")),
    );
    assert_eq!(made["status"], 1);
    assert_eq!(made["reply_to"], Value::Null);
    assert_eq!(made["warmup"]["limit"], 20);
    assert_eq!(made["warmup"]["warmup_custom_ftag"], "tag");
    assert_eq!(made["warmup"]["advanced"]["open_rate"], 0.95);
    // Whatever its case, and never with its password.
    let got = ok(&mut world, "GET", "/api/v2/accounts/new@example.com", None);
    assert_eq!(got, made);
    assert!(
        !serde_json::to_string(&world)
            .unwrap()
            .contains("planted-secret")
    );

    let patch = json!({
        "daily_limit": 7, "warmup": { "advanced": { "open_rate": 0.5 } },
        "tracking_domain_name": "track.example.com",
    });
    let patched = ok(
        &mut world,
        "PATCH",
        "/api/v2/accounts/new@example.com",
        Some(patch),
    );
    assert_eq!(patched["daily_limit"], 7);
    assert_eq!(patched["tracking_domain_status"], "active");
    assert_eq!(patched["warmup"]["advanced"]["open_rate"], 0.5);
    assert_eq!(patched["warmup"]["advanced"]["important_rate"], 0.8);
    let patch = json!({ "remove_tracking_domain": true });
    let patched = ok(
        &mut world,
        "PATCH",
        "/api/v2/accounts/new@example.com",
        Some(patch),
    );
    assert_eq!(patched["tracking_domain_name"], Value::Null);

    ok(
        &mut world,
        "DELETE",
        "/api/v2/accounts/new@example.com",
        None,
    );
    assert_eq!(
        call(&mut world, "GET", "/api/v2/accounts/new@example.com", None).0,
        404
    );
    assert_eq!(
        call(
            &mut world,
            "DELETE",
            "/api/v2/accounts/new@example.com",
            None
        )
        .0,
        404
    );
    assert_eq!(audits(&world, 6), added + 1);
    assert_eq!(audits(&world, 7), gone + 1);
}

#[test]
fn an_address_that_is_connected_again_is_the_same_account() {
    let mut world = testing::world();
    let body = new("twice@example.com", "mail.example.com");
    let first = ok(&mut world, "POST", "/api/v2/accounts", Some(body.clone()));
    world.clock.advance(60_000);
    let second = ok(&mut world, "POST", "/api/v2/accounts", Some(body));
    assert_eq!(first["timestamp_created"], second["timestamp_created"]);
    let found = ok(&mut world, "GET", "/api/v2/accounts?search=twice", None);
    assert_eq!(items(&found).len(), 1);
}

#[test]
fn an_unreachable_host_is_an_error_until_it_can_be_reached() {
    let mut world = testing::world();
    let made = ok(
        &mut world,
        "POST",
        "/api/v2/accounts",
        Some(new("a@example.com", "mail.invalid")),
    );
    assert_eq!(made["status"], -1);
    assert!(
        world
            .outbox
            .iter()
            .any(|event| event.event_type == "account_error")
    );
    let path = "/api/v2/accounts/a@example.com";
    let fixed = ok(&mut world, "POST", &format!("{path}/mark-fixed"), None);
    assert_eq!(fixed["status"], -1);
    assert_eq!(fixed["autofix_failed"], true);
    // Resuming mends nothing.
    assert_eq!(
        ok(&mut world, "POST", &format!("{path}/resume"), None)["status"],
        -1
    );
    ok(
        &mut world,
        "POST",
        "/api/v2/accounts",
        Some(new("a@example.com", "mail.example.com")),
    );
    assert_eq!(ok(&mut world, "GET", path, None)["status"], 1);
}

#[test]
fn seeded_errors_can_be_marked_fixed() {
    let mut world = testing::world();
    let errors = ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_ERROR&limit=100",
        None,
    );
    let errors = items(&errors);
    assert_eq!(errors.len(), 3);
    for account in errors {
        assert!(account["status_message"]["response"].is_string());
        let path = format!("/api/v2/accounts/{}/mark-fixed", text(&account, "email"));
        let fixed = ok(&mut world, "POST", &path, None);
        assert_eq!(fixed["status"], 1);
        assert!(fixed.get("status_message").is_none());
    }
}

#[test]
fn pausing_many_tells_which_were_not() {
    let mut world = testing::world();
    let all = items(&ok(
        &mut world,
        "GET",
        "/api/v2/accounts?status=1&limit=2",
        None,
    ));
    let (one, other) = (text(&all[0], "email"), text(&all[1], "email"));
    ok(
        &mut world,
        "POST",
        &format!("/api/v2/accounts/{other}/pause"),
        None,
    );
    let body = json!({ "emails": [one, one, other, "nobody@example.com", "no address"] });
    let answer = ok(&mut world, "POST", "/api/v2/accounts/pause", Some(body));
    assert_eq!(answer["paused_emails"], json!([one]));
    assert_eq!(
        answer["failed_emails"],
        json!([other, "nobody@example.com", "no address"])
    );
    let resumed = ok(
        &mut world,
        "POST",
        &format!("/api/v2/accounts/{one}/resume"),
        None,
    );
    assert_eq!(resumed["status"], 1);
}

#[test]
fn pages_go_through_all_accounts_in_any_order() {
    let mut world = testing::world();
    let all = items(&ok(&mut world, "GET", "/api/v2/accounts?limit=100", None));
    assert!(all.len() > 8);
    for sort in [
        "",
        "&sort_by=email&sort_order=asc",
        "&sort_by=stat_warmup_score",
        "&sort_by=status",
    ] {
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let target = format!("/api/v2/accounts?limit=3{sort}{after}");
            let page = ok(&mut world, "GET", &target, None);
            let found = items(&page);
            if found.is_empty() {
                break;
            }
            seen.extend(
                found
                    .iter()
                    .map(|account| text(account, "email").to_owned()),
            );
            let next = text(&page, "next_starting_after")
                .replace('&', "%26")
                .replace('@', "%40");
            after = format!("&starting_after={next}");
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (all.len(), all.len()), "{sort}");
    }
    // The cursor of old: what was created before.
    let third = text(&all[2], "timestamp_created");
    let rest = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts?limit=100&starting_after={third}"),
        None,
    );
    assert!(
        items(&rest)
            .iter()
            .all(|account| text(account, "timestamp_created") < third)
    );
    let skipped = ok(&mut world, "GET", "/api/v2/accounts?limit=100&skip=4", None);
    assert_eq!(items(&skipped).len(), all.len() - 4);
}

#[test]
fn tags_filter_accounts() {
    let mut world = testing::world();
    let all = items(&ok(&mut world, "GET", "/api/v2/accounts?limit=2", None));
    let emails: Vec<&str> = all.iter().map(|account| text(account, "email")).collect();
    let mut tags = Vec::new();
    for (label, on) in [("one", &emails[..]), ("other", &emails[..1])] {
        let tag = ok(
            &mut world,
            "POST",
            "/api/v2/custom-tags",
            Some(json!({ "label": label })),
        );
        let body = json!({
            "tag_ids": [tag["id"]], "resource_type": 1, "resource_ids": on, "assign": true,
        });
        ok(
            &mut world,
            "POST",
            "/api/v2/custom-tags/toggle-resource",
            Some(body),
        );
        tags.push(text(&tag, "id").to_owned());
    }
    let (one, other) = (&tags[0], &tags[1]);
    let found = |world: &mut World, query: String| {
        items(&ok(
            world,
            "GET",
            &format!("/api/v2/accounts?limit=100&{query}"),
            None,
        ))
        .len()
    };
    assert_eq!(found(&mut world, format!("tag_ids={one},{other}")), 2);
    assert_eq!(found(&mut world, format!("tag_ids_all={one},{other}")), 1);
    assert_eq!(found(&mut world, format!("tag_ids={other}")), 1);
    ok(
        &mut world,
        "DELETE",
        &format!("/api/v2/accounts/{}", emails[0]),
        None,
    );
    assert_eq!(found(&mut world, format!("tag_ids={one},{other}")), 1);
}

#[test]
fn the_campaigns_of_an_account_are_those_that_name_it() {
    let mut world = testing::world();
    let sender = world.workspaces[0].accounts.iter().next().unwrap()["email"]
        .as_str()
        .unwrap()
        .to_owned();
    let campaigns = world.workspaces[0]
        .campaigns
        .iter()
        .filter(|campaign| {
            campaign["email_list"]
                .as_array()
                .is_some_and(|list| list.contains(&json!(sender)))
        })
        .count();
    let path = format!("/api/v2/account-campaign-mappings/{sender}?limit=100");
    assert_eq!(items(&ok(&mut world, "GET", &path, None)).len(), campaigns);
    let path = "/api/v2/account-campaign-mappings/nobody@example.com";
    assert_eq!(call(&mut world, "GET", path, None).0, 404);
}

#[test]
fn accounts_move_within_the_group_and_nowhere_else() {
    let mut world = testing::world();
    let ids: Vec<String> = world.workspaces.keys().cloned().collect();
    let email = world.workspaces[0].accounts.iter().next().unwrap()["email"].clone();
    let body = |emails: Value, from: &str, to: &str| {
        Some(
            json!({ "emails": emails, "source_workspace_id": from, "destination_workspace_id": to }),
        )
    };
    let path = "/api/v2/accounts/move";
    let stranger = "0195cc00-0000-7000-8000-000000000000";
    assert_eq!(
        call(
            &mut world,
            "POST",
            path,
            body(json!([email]), &ids[0], stranger)
        )
        .0,
        404
    );
    // All or nothing.
    let some = json!([email, "nobody@example.com"]);
    assert_eq!(
        call(&mut world, "POST", path, body(some, &ids[0], &ids[1])).0,
        404
    );
    let key = email.as_str().unwrap();
    assert!(world.workspaces[0].accounts.get(key).is_some());
    ok(
        &mut world,
        "POST",
        path,
        body(json!([email]), &ids[0], &ids[1]),
    );
    assert!(world.workspaces[0].accounts.get(key).is_none());
    let moved = world.workspaces[1].accounts.get(key).unwrap();
    assert_eq!(moved["organization"], json!(ids[1]));
    for campaign in world.workspaces[0].campaigns.iter() {
        assert!(!campaign["email_list"].as_array().unwrap().contains(&email));
    }
    // The sub-workspace is no admin.
    let key = testing::key(&world, 1, 0);
    let answer = testing::call_as(
        &mut world,
        &key,
        "POST",
        path,
        body(json!([email]), &ids[1], &ids[0]),
    );
    assert_eq!(answer.status, 404);
}
