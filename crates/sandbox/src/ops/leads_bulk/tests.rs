use serde_json::{Value, json};

use crate::testing::{call, world};
use crate::world::World;

fn post(world: &mut World, path: &str, body: Value) -> Value {
    let (status, answer) = call(world, "POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

fn id(entity: &Value) -> String {
    entity["id"].as_str().unwrap().to_owned()
}

fn campaign(world: &mut World) -> String {
    let schedule = json!({"schedules": [{
        "name": "s",
        "timing": {"from": "09:00", "to": "17:00"},
        "days": {"1": true},
        "timezone": "America/Chicago",
    }]});
    let body = json!({"name": "Bulk", "campaign_schedule": schedule});
    id(&post(world, "/api/v2/campaigns", body))
}

fn list(world: &mut World) -> String {
    id(&post(world, "/api/v2/lead-lists", json!({"name": "Bulk"})))
}

fn add(world: &mut World, target: (&str, &str), emails: &[&str]) -> Value {
    let leads: Vec<Value> = emails.iter().map(|email| json!({"email": email})).collect();
    post(
        world,
        "/api/v2/leads/add",
        json!({target.0: target.1, "leads": leads}),
    )
}

fn emails(world: &mut World, filter: Value) -> Vec<String> {
    let mut body = filter;
    body["limit"] = json!(100);
    let page = post(world, "/api/v2/leads/list", body);
    let items = page["items"].as_array().unwrap();
    let mut emails: Vec<String> = items
        .iter()
        .map(|lead| lead["email"].as_str().unwrap_or_default().to_owned())
        .collect();
    emails.sort();
    emails
}

fn last_audit(world: &mut World) -> (i64, Value) {
    let (_, page) = call(world, "GET", "/api/v2/audit-logs?limit=1", None);
    let entry = page["items"][0].clone();
    (
        entry["activity_type"].as_i64().unwrap(),
        entry["affected_count"].clone(),
    )
}

#[test]
fn every_lead_of_an_import_is_counted_once() {
    let mut world = world();
    let (here, there, held) = (campaign(&mut world), campaign(&mut world), list(&mut world));
    add(&mut world, ("campaign_id", &here), &["here@x.example"]);
    add(&mut world, ("campaign_id", &there), &["there@x.example"]);
    add(&mut world, ("list_id", &held), &["listed@x.example"]);
    for value in ["blocked@x.example", "barred.example"] {
        post(
            &mut world,
            "/api/v2/block-lists-entries",
            json!({"bl_value": value}),
        );
    }
    let leads = json!([
        {"email": "new@x.example", "first_name": "New", "phone": "1"},
        {"email": "NEW@x.example"},
        {"email": "here@x.example"},
        {"email": "there@x.example"},
        {"email": "listed@x.example"},
        {"email": "Blocked@x.example"},
        {"email": "anyone@barred.example"},
        {"email": "nonsense"},
        {"first_name": "Nameless"},
    ]);
    let count = |world: &mut World, flags: Value| {
        let mut world = world.clone();
        let mut body = json!({"campaign_id": here, "leads": leads});
        crate::cx::merge(&mut body, &flags);
        post(&mut world, "/api/v2/leads/add", body)
    };
    for (flags, uploaded, skipped) in [
        (json!({}), 3, 0),
        (json!({"skip_if_in_campaign": true}), 2, 1),
        (json!({"skip_if_in_list": true}), 2, 1),
        (json!({"skip_if_in_workspace": true}), 1, 2),
    ] {
        let answer = count(&mut world, flags.clone());
        for (name, wanted) in [
            ("total_sent", 9),
            ("leads_uploaded", uploaded),
            ("skipped_count", skipped),
            ("duplicated_leads", 1),
            ("duplicate_email_count", 1),
            ("in_blocklist", 2),
            ("invalid_email_count", 2),
            ("incomplete_count", 0),
        ] {
            assert_eq!(answer[name], wanted, "{name} with {flags}");
        }
        let created = answer["created_leads"].as_array().unwrap();
        assert_eq!(created.len(), uploaded);
        assert_eq!(
            (&created[0]["index"], &created[0]["phone"]),
            (&json!(0), &json!("1"))
        );
        assert!(answer["remaining_in_plan"].is_number());
    }
    let body =
        json!({"list_id": held, "leads": [{"first_name": "Only"}, {"phone": "1"}, {"email": "x"}]});
    let answer = post(&mut world, "/api/v2/leads/add", body);
    assert_eq!(answer["leads_uploaded"], 1);
    assert_eq!(
        (&answer["incomplete_count"], &answer["invalid_email_count"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(answer["remaining_in_plan"], Value::Null);
    assert_eq!(last_audit(&mut world), (9, json!(1)));
}

#[test]
fn an_import_goes_to_one_place() {
    let mut world = world();
    let (campaign, list) = (campaign(&mut world), list(&mut world));
    let lead = json!([{"email": "a@x.example"}]);
    for body in [
        json!({"leads": lead}),
        json!({"leads": lead, "campaign_id": campaign, "list_id": list}),
        json!({"leads": lead, "campaign_id": list}),
    ] {
        assert_eq!(
            call(&mut world, "POST", "/api/v2/leads/add", Some(body)).0,
            404
        );
    }
}

#[test]
fn deletes_what_the_filters_mean_and_no_more() {
    let mut world = world();
    let (one, two) = (campaign(&mut world), campaign(&mut world));
    let added = add(
        &mut world,
        ("campaign_id", &one),
        &["a@x.example", "b@x.example", "c@x.example"],
    );
    let other = add(&mut world, ("campaign_id", &two), &["d@x.example"]);
    let a = id(&added["created_leads"][0]);
    let d = id(&other["created_leads"][0]);
    let mut delete = |body: Value| {
        let (status, answer) = call(&mut world, "DELETE", "/api/v2/leads", Some(body));
        assert_eq!(status, 200, "{answer}");
        answer["count"].clone()
    };
    assert_eq!(delete(json!({"campaign_id": one, "ids": [a, d]})), 1);
    assert_eq!(delete(json!({"campaign_id": one, "status": 3})), 0);
    assert_eq!(
        delete(json!({"campaign_id": "01900000-0000-7000-8000-000000000000"})),
        0
    );
    assert_eq!(delete(json!({"campaign_id": one, "limit": 1})), 1);
    assert_eq!(last_audit(&mut world), (2, json!(1)));
    assert_eq!(emails(&mut world, json!({"campaign": one})).len(), 1);
    assert_eq!(
        emails(&mut world, json!({"campaign": two})),
        ["d@x.example"]
    );
}

#[test]
fn moving_takes_leads_along_and_copying_leaves_them() {
    let mut world = world();
    let (one, two, held) = (campaign(&mut world), campaign(&mut world), list(&mut world));
    add(
        &mut world,
        ("campaign_id", &one),
        &["a@x.example", "b@x.example", "c@x.example"],
    );
    add(&mut world, ("campaign_id", &two), &["b@x.example"]);
    let job = post(
        &mut world,
        "/api/v2/leads/move",
        json!({"campaign": one, "to_campaign_id": two, "check_duplicates": true, "search": "b@"}),
    );
    assert_eq!(
        (&job["type"], &job["entity_id"]),
        (&json!("move-leads"), &json!(two))
    );
    assert_eq!(job["data"]["moved_lead_emails"], json!([]));
    let body = json!({"campaign": one, "to_campaign_id": two, "contacts": ["a@x.example"]});
    let job = post(&mut world, "/api/v2/leads/move", body);
    assert_eq!(job["data"]["moved_lead_emails"], json!(["a@x.example"]));
    assert_eq!(last_audit(&mut world), (8, json!(1)));
    let body = json!({"campaign": one, "to_list_id": held, "copy_leads": true});
    post(&mut world, "/api/v2/leads/move", body);
    assert_eq!(
        emails(&mut world, json!({"campaign": one})),
        ["b@x.example", "c@x.example"]
    );
    assert_eq!(
        emails(&mut world, json!({"campaign": two})),
        ["a@x.example", "b@x.example"]
    );
    assert_eq!(
        emails(&mut world, json!({"list_id": held})),
        ["b@x.example", "c@x.example"]
    );
    for body in [
        json!({"campaign": one}),
        json!({"to_list_id": one}),
        json!({"to_list_id": held, "ids": ["01900000-0000-7000-8000-000000000000"]}),
    ] {
        assert_eq!(
            call(&mut world, "POST", "/api/v2/leads/move", Some(body)).0,
            404
        );
    }
}

#[test]
fn assigns_in_turn() {
    let mut world = world();
    let one = campaign(&mut world);
    add(
        &mut world,
        ("campaign_id", &one),
        &["a@x.example", "b@x.example", "c@x.example"],
    );
    let users = [
        "01900000-0000-7000-8000-00000000000a",
        "01900000-0000-7000-8000-00000000000b",
    ];
    let body = json!({"campaign": one, "organization_user_ids": users});
    let (status, _) = call(&mut world, "POST", "/api/v2/leads/bulk-assign", Some(body));
    assert_eq!(status, 202);
    let of = |world: &mut World, user: &str| {
        emails(
            world,
            json!({"campaign": one, "organization_user_ids": [user]}),
        )
        .len()
    };
    assert_eq!((of(&mut world, users[0]), of(&mut world, users[1])), (2, 1));
    let body = json!({
        "campaign": one, "organization_user_ids": [users[1]], "assigned_to": users[0], "limit": 1,
    });
    call(&mut world, "POST", "/api/v2/leads/bulk-assign", Some(body));
    assert_eq!((of(&mut world, users[0]), of(&mut world, users[1])), (1, 2));
}

#[test]
fn a_merged_lead_keeps_its_own_and_takes_what_it_lacked() {
    let mut world = world();
    let (one, held) = (campaign(&mut world), list(&mut world));
    let from =
        json!({"campaign": one, "email": "a@x.example", "first_name": "From", "job_title": "CTO"});
    let from = id(&post(&mut world, "/api/v2/leads", from));
    let into = json!({"list_id": held, "first_name": "Into"});
    let into = id(&post(&mut world, "/api/v2/leads", into));
    let body = json!({"lead_id": from, "destination_lead_id": into});
    let lead = post(&mut world, "/api/v2/leads/merge", body.clone());
    assert_eq!(
        (&lead["id"], &lead["first_name"]),
        (&json!(into), &json!("Into"))
    );
    assert_eq!(
        (&lead["email"], &lead["job_title"]),
        (&json!("a@x.example"), &json!("CTO"))
    );
    assert_eq!(last_audit(&mut world).0, 10);
    assert_eq!(
        emails(&mut world, json!({"contacts": ["a@x.example"]})),
        ["a@x.example"]
    );
    assert_eq!(
        call(&mut world, "GET", &format!("/api/v2/leads/{from}"), None).0,
        404
    );
    assert_eq!(
        call(&mut world, "POST", "/api/v2/leads/merge", Some(body)).0,
        404
    );
}

#[test]
fn a_lead_enters_and_leaves_a_subsequence_of_its_campaign() {
    let mut world = world();
    let (one, two) = (campaign(&mut world), campaign(&mut world));
    let added = add(&mut world, ("campaign_id", &one), &["a@x.example"]);
    let lead = id(&added["created_leads"][0]);
    let mut of = |parent: &str| {
        let body =
            json!({"parent_campaign": parent, "name": "s", "conditions": {"lead_activity": [2]}});
        id(&post(&mut world, "/api/v2/subsequences", body))
    };
    let (mine, other) = (of(&one), of(&two));
    let path = "/api/v2/leads/subsequence/move";
    let body = json!({"id": lead, "subsequence_id": other});
    assert_eq!(call(&mut world, "POST", path, Some(body)).0, 404);
    let body = json!({"id": lead, "subsequence_id": mine});
    let shown = post(&mut world, path, body);
    assert_eq!(shown["subsequence_id"], mine);
    assert!(shown["timestamp_added_subsequence"].is_string());
    let shown = post(
        &mut world,
        "/api/v2/leads/subsequence/remove",
        json!({"id": lead}),
    );
    assert_eq!(shown["subsequence_id"], Value::Null);
}

#[test]
fn many_leads_are_added_and_searched() {
    let mut world = world();
    let one = campaign(&mut world);
    for batch in 0..20 {
        let leads: Vec<Value> = (0..1000)
            .map(|n| json!({"email": format!("{batch}.{n}@x.example")}))
            .collect();
        let body = json!({"campaign_id": one, "leads": leads});
        assert_eq!(
            post(&mut world, "/api/v2/leads/add", body)["leads_uploaded"],
            1000
        );
    }
    let body = json!({"campaign": one, "search": "19.999@", "limit": 1});
    assert_eq!(emails(&mut world, body), ["19.999@x.example"]);
}
