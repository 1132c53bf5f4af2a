use serde_json::{Map, Value, json};

use super::*;
use crate::testing::{NOW, call, world};
use crate::world::{SendKind, World};

fn post(world: &mut World, path: &str, body: Value) -> Value {
    let (status, answer) = call(world, "POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

fn campaign(world: &mut World, more: Value) -> String {
    let mut body = json!({
        "name": "Test",
        "campaign_schedule": {"schedules": [{
            "name": "s",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": true},
            "timezone": "America/Chicago",
        }]},
        "sequences": [{"steps": [
            {"type": "email", "delay": 1, "variants": [{"subject": "Hi {{firstName}}", "body": "b"}]},
            {"type": "email", "delay": 1, "variants": [{"subject": "", "body": "c"}]},
        ]}],
        "email_list": ["sender@larkspur.example"],
    });
    crate::cx::merge(&mut body, &more);
    let made = post(world, "/api/v2/campaigns", body);
    made["id"].as_str().unwrap().to_owned()
}

fn list_of(world: &mut World) -> String {
    let made = post(world, "/api/v2/lead-lists", json!({"name": "Mine"}));
    made["id"].as_str().unwrap().to_owned()
}

fn add(world: &mut World, campaign: &str, email: &str) -> String {
    let body = json!({"campaign": campaign, "email": email, "first_name": "Ada"});
    let lead = post(world, "/api/v2/leads", body);
    lead["id"].as_str().unwrap().to_owned()
}

fn listed(world: &mut World, body: Value) -> Vec<String> {
    let page = post(world, "/api/v2/leads/list", body);
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|lead| lead["email"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Runs something in the first workspace.
fn within<T>(world: &mut World, act: impl FnOnce(&mut Cx<'_>) -> T) -> T {
    let workspace = world.workspaces.get_index(0).unwrap().0.clone();
    let now = world.now();
    act(&mut Cx {
        world,
        workspace,
        key_id: None,
        now,
    })
}

fn happen(world: &mut World, kind: SendKind, campaign: &str, email: &str, fields: Value) -> Value {
    let fields: Map<String, Value> = fields.as_object().cloned().unwrap();
    within(world, |cx| simulate(cx, kind, campaign, email, fields)).unwrap()
}

/// The events told since the last time this was asked: type and payload's fields.
fn told(world: &mut World) -> Vec<(String, Map<String, Value>)> {
    std::mem::take(&mut world.outbox)
        .into_iter()
        .map(|event| (event.event_type, event.fields))
        .collect()
}

fn types(world: &mut World) -> Vec<String> {
    told(world)
        .into_iter()
        .map(|(event_type, _)| event_type)
        .collect()
}

#[test]
fn a_repeated_create_makes_a_second_lead_unless_a_flag_skips_it() {
    let mut world = world();
    let (one, two) = (
        campaign(&mut world, json!({})),
        campaign(&mut world, json!({})),
    );
    let first = add(&mut world, &one, "ada@basalt.example");
    let second = add(&mut world, &one, "ada@basalt.example");
    assert_ne!(first, second);
    let mut again = |campaign: &str, flag: &str| {
        let body = json!({"campaign": campaign, "email": "ADA@basalt.example", flag: true});
        post(&mut world, "/api/v2/leads", body)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut held = vec![first, second];
    assert!(held.contains(&again(&one, "skip_if_in_campaign")));
    let elsewhere = again(&two, "skip_if_in_campaign");
    assert!(!held.contains(&elsewhere), "it was not in that campaign");
    held.push(elsewhere);
    assert!(held.contains(&again(&two, "skip_if_in_workspace")));
    assert!(!held.contains(&again(&one, "skip_if_in_list")));
}

#[test]
fn create_checks_what_it_refers_to() {
    let mut world = world();
    let nowhere = "01900000-0000-7000-8000-000000000000";
    let mut status = |body: Value| call(&mut world, "POST", "/api/v2/leads", Some(body)).0;
    assert_eq!(
        status(json!({"campaign": nowhere, "email": "a@b.example"})),
        404
    );
    assert_eq!(
        status(json!({"list_id": nowhere, "email": "a@b.example"})),
        404
    );
    let id = campaign(&mut world, json!({}));
    let mut status = |body: Value| call(&mut world, "POST", "/api/v2/leads", Some(body)).0;
    assert_eq!(status(json!({"campaign": id})), 400);
    assert_eq!(status(json!({"campaign": id, "email": "no address"})), 400);
    let list = list_of(&mut world);
    let mut status = |body: Value| call(&mut world, "POST", "/api/v2/leads", Some(body)).0;
    assert_eq!(status(json!({"list_id": list, "phone": "1"})), 400);
    assert_eq!(status(json!({"list_id": list, "last_name": "Abel"})), 200);
}

#[test]
fn custom_variables_reach_the_payload_and_the_campaign() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    let body = json!({
        "campaign": id,
        "email": "ada@basalt.example",
        "first_name": "Ada",
        "custom_variables": {"seats": 3, "firstName": "other"},
    });
    let lead = post(&mut world, "/api/v2/leads", body);
    assert_eq!(lead["payload"], json!({"firstName": "Ada", "seats": 3}));
    assert_eq!(lead["company_domain"], "basalt.example");
    let (_, held) = call(&mut world, "GET", &format!("/api/v2/campaigns/{id}"), None);
    assert!(held["custom_variables"].get("seats").is_some());
    let path = format!("/api/v2/leads/{}", lead["id"].as_str().unwrap());
    let body =
        json!({"company_name": "Basalt", "first_name": null, "custom_variables": {"x": true}});
    let (status, lead) = call(&mut world, "PATCH", &path, Some(body));
    assert_eq!(status, 200);
    assert_eq!(
        lead["payload"],
        json!({"firstName": "other", "companyName": "Basalt", "seats": 3, "x": true})
    );
}

#[test]
fn pages_hold_every_lead_once_in_ascending_order() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    for n in 0..23 {
        add(&mut world, &id, &format!("lead{n}@basalt.example"));
    }
    let mut ids: Vec<String> = Vec::new();
    let mut body = json!({"campaign": id, "limit": 5});
    loop {
        let page = post(&mut world, "/api/v2/leads/list", body.clone());
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            assert!(page.get("next_starting_after").is_none());
            break;
        }
        ids.extend(
            items
                .iter()
                .map(|lead| lead["id"].as_str().unwrap().to_owned()),
        );
        body["starting_after"] = page["next_starting_after"].clone();
    }
    assert_eq!(ids.len(), 23);
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
    let default = post(&mut world, "/api/v2/leads/list", json!({"campaign": id}));
    assert_eq!(default["items"].as_array().unwrap().len(), 10);
    assert_eq!(
        listed(&mut world, json!({"starting_after": "nothing"})),
        [""; 0]
    );
}

#[test]
fn distinct_contacts_come_by_address() {
    let mut world = world();
    let (one, two) = (
        campaign(&mut world, json!({})),
        campaign(&mut world, json!({})),
    );
    for email in ["c@x.example", "a@x.example", "b@x.example"] {
        add(&mut world, &one, email);
        add(&mut world, &two, email);
    }
    let body = json!({
        "contacts": ["a@x.example", "b@x.example", "c@x.example"],
        "distinct_contacts": true,
        "limit": 2,
    });
    let page = post(&mut world, "/api/v2/leads/list", body.clone());
    assert_eq!(page["next_starting_after"], "b@x.example");
    let mut body = body;
    body["starting_after"] = page["next_starting_after"].clone();
    assert_eq!(listed(&mut world, body), ["c@x.example"]);
}

#[test]
fn filters_look_at_what_happened() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    let list = list_of(&mut world);
    for name in ["opened", "replied", "bounced", "quiet"] {
        add(&mut world, &id, &format!("{name}@x.example"));
    }
    let body = json!({"list_id": list, "email": "listed@x.example", "last_name": "Zest"});
    post(&mut world, "/api/v2/leads", body);
    for (kind, name) in [
        (SendKind::Sent, "opened"),
        (SendKind::Opened, "opened"),
        (SendKind::Opened, "opened"),
        (SendKind::Sent, "replied"),
        (SendKind::Replied, "replied"),
        (SendKind::Opportunity, "replied"),
        (SendKind::Bounced, "bounced"),
    ] {
        happen(
            &mut world,
            kind,
            &id,
            &format!("{name}@x.example"),
            json!({}),
        );
    }
    let names = |world: &mut World, more: Value| {
        let mut body = json!({"campaign": id});
        crate::cx::merge(&mut body, &more);
        let mut names: Vec<String> = listed(world, body)
            .iter()
            .map(|email| email.trim_end_matches("@x.example").to_owned())
            .collect();
        names.sort();
        names
    };
    let query = |action: &str, values: Value| json!({"queries": [{"actionType": action, "values": values}]});
    for (more, wanted) in [
        (
            json!({"filter": "FILTER_VAL_CONTACTED"}),
            vec!["opened", "replied"],
        ),
        (
            json!({"filter": "FILTER_VAL_NOT_CONTACTED"}),
            vec!["bounced", "quiet"],
        ),
        (
            json!({"filter": "FILTER_VAL_OPENED_NO_REPLY"}),
            vec!["opened"],
        ),
        (json!({"filter": "FILTER_VAL_REPLIED"}), vec!["replied"]),
        (json!({"filter": "FILTER_VAL_BOUNCED"}), vec!["bounced"]),
        (json!({"filter": "FILTER_LEAD_INTERESTED"}), vec!["replied"]),
        (json!({"filter": "FILTER_LEAD_INTERESTD"}), vec![]),
        (json!({"search": "QUI"}), vec!["quiet"]),
        (json!({"in_list": true}), vec![]),
        (
            query(
                "email-open",
                json!({"occurrence-count": {"condition": "more", "count": 1}}),
            ),
            vec!["opened"],
        ),
        (
            query("email-open", json!({"occurrence-days": 1})),
            vec!["opened"],
        ),
        (
            query(
                "reply",
                json!({"occurrence-count": {"condition": "equal", "count": 0}}),
            ),
            vec!["bounced", "opened", "quiet"],
        ),
        (
            query(
                "lead-status",
                json!({"lead-status": {"status": 1, "condition": "is"}}),
            ),
            vec!["replied"],
        ),
        (
            query(
                "lead-status",
                json!({"lead-status": {"status": 1, "condition": "is-not"}}),
            ),
            vec!["bounced", "opened", "quiet"],
        ),
    ] {
        assert_eq!(names(&mut world, more.clone()), wanted, "{more}");
    }
    assert_eq!(
        listed(&mut world, json!({"list_id": list, "search": "ada zest"})),
        [""; 0]
    );
    assert_eq!(
        listed(&mut world, json!({"list_id": list, "search": "zest"})),
        ["listed@x.example"]
    );
    assert_eq!(
        listed(&mut world, json!({"list_id": list, "in_campaign": true})),
        [""; 0]
    );
    let named = json!({"ids": [], "campaign": id});
    assert_eq!(listed(&mut world, named), [""; 0]);
}

#[test]
fn what_happens_changes_the_lead_and_is_told() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    add(&mut world, &id, "ada@x.example");
    told(&mut world);
    let lead = happen(&mut world, SendKind::Sent, &id, "ada@x.example", json!({}));
    assert_eq!(lead["last_contacted_from"], "sender@larkspur.example");
    assert_eq!(lead["status_summary"]["lastStep"]["from"], "campaign");
    let events = told(&mut world);
    let [(event_type, fields)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event_type, "email_sent");
    assert_eq!(fields["email_subject"], "Hi Ada");
    assert_eq!(
        (&fields["step"], &fields["variant"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(fields["is_first"], true);
    assert_eq!(fields["firstName"], "Ada");
    happen(&mut world, SendKind::Sent, &id, "ada@x.example", json!({}));
    let events = told(&mut world);
    assert_eq!(
        (&events[0].1["step"], &events[0].1["is_first"]),
        (&json!(2), &json!(false))
    );
    let body = json!({"reply_text": "Send me the price", "mark": "m1"});
    let lead = happen(&mut world, SendKind::Replied, &id, "ada@x.example", body);
    assert_eq!(lead["email_reply_count"], 1);
    assert_eq!(lead["email_replied_step"], 2);
    assert_eq!(lead["status"], 3, "the campaign stops on a reply");
    let events = told(&mut world);
    assert_eq!(events[0].0, "reply_received");
    assert_eq!(events[0].1["reply_text"], "Send me the price");
    assert_eq!(events[0].1["mark"], "m1");
    let email = events[0].1["email_id"].as_str().unwrap();
    let (status, email) = call(&mut world, "GET", &format!("/api/v2/emails/{email}"), None);
    assert_eq!(
        (status, &email["from_address_email"]),
        (200, &json!("ada@x.example"))
    );
}

#[test]
fn the_api_tells_nothing_of_a_lead_it_does_not_have() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    let refused = within(&mut world, |cx| {
        simulate(cx, SendKind::Opened, &id, "no@x.example", Map::new())
    });
    assert_eq!(refused.unwrap_err().body.status_code, 404);
    let refused = within(&mut world, |cx| {
        simulate(cx, SendKind::Opened, "none", "no@x.example", Map::new())
    });
    assert_eq!(refused.unwrap_err().body.status_code, 404);
    assert!(world.outbox.is_empty());
}

#[test]
fn an_unsubscribe_is_the_campaigns_own_unless_the_workspace_blocks() {
    let mut world = world();
    let (one, two) = (
        campaign(&mut world, json!({})),
        campaign(&mut world, json!({})),
    );
    let (_, other) = (
        add(&mut world, &one, "ada@x.example"),
        add(&mut world, &two, "ada@x.example"),
    );
    add(&mut world, &one, "bob@x.example");
    let lead = happen(
        &mut world,
        SendKind::Unsubscribed,
        &one,
        "ada@x.example",
        json!({}),
    );
    assert_eq!(lead["status"], -2);
    assert_eq!(types(&mut world), ["lead_unsubscribed"]);
    let (_, other) = call(&mut world, "GET", &format!("/api/v2/leads/{other}"), None);
    assert_eq!(other["status"], 1);
    let blocked = |world: &mut World, email: &str| {
        let path = format!("/api/v2/block-lists-entries?search={email}");
        let (_, page) = call(world, "GET", &path, None);
        page["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(blocked(&mut world, "ada@x.example"), 0);
    within(&mut world, |cx| {
        crate::ops::view::set(&mut cx.ws().record, "add_unsub_to_block", true)
    });
    happen(
        &mut world,
        SendKind::Unsubscribed,
        &one,
        "bob@x.example",
        json!({}),
    );
    assert_eq!(blocked(&mut world, "bob@x.example"), 1);
}

#[test]
fn a_campaign_ends_when_its_last_lead_is_done_unless_it_is_evergreen() {
    let mut world = world();
    for (evergreen, status) in [(false, 3), (true, 1)] {
        let id = campaign(&mut world, json!({"is_evergreen": evergreen}));
        add(&mut world, &id, "ada@x.example");
        add(&mut world, &id, "bob@x.example");
        post(
            &mut world,
            &format!("/api/v2/campaigns/{id}/activate"),
            Value::Null,
        );
        told(&mut world);
        happen(
            &mut world,
            SendKind::Completed,
            &id,
            "ada@x.example",
            json!({}),
        );
        assert!(told(&mut world).is_empty());
        happen(
            &mut world,
            SendKind::Bounced,
            &id,
            "bob@x.example",
            json!({}),
        );
        let (_, held) = call(&mut world, "GET", &format!("/api/v2/campaigns/{id}"), None);
        assert_eq!(held["status"], status);
        let ended = types(&mut world).contains(&"campaign_completed".to_owned());
        assert_eq!(ended, !evergreen);
    }
}

#[test]
fn a_reply_ends_it_for_the_company_where_the_campaign_says_so() {
    let mut world = world();
    let id = campaign(&mut world, json!({"stop_for_company": true}));
    for email in ["ada@x.example", "bob@X.example", "eve@y.example"] {
        add(&mut world, &id, email);
    }
    happen(
        &mut world,
        SendKind::Replied,
        &id,
        "ada@x.example",
        json!({}),
    );
    let body = json!({"campaign": id, "filter": "FILTER_VAL_ACTIVE"});
    assert_eq!(listed(&mut world, body), ["eve@y.example"]);
}

#[test]
fn interest_changes_are_told_by_name_or_by_label() {
    let mut world = world();
    let id = campaign(&mut world, json!({}));
    add(&mut world, &id, "ada@x.example");
    let label = json!({"label": "Très chaud!", "interest_status_label": "positive"});
    let label = post(&mut world, "/api/v2/lead-labels", label)["interest_status"].clone();
    told(&mut world);
    let change = |world: &mut World, value: Value| {
        let body = json!({"lead_email": "ada@x.example", "interest_value": value});
        call(
            world,
            "POST",
            "/api/v2/leads/update-interest-status",
            Some(body),
        )
        .0
    };
    for (value, event_type) in [
        (json!(1), Some("lead_interested")),
        (json!(1), None),
        (json!(-1), Some("lead_not_interested")),
        (json!(4), Some("lead_closed")),
        (json!(-3), None),
        (label.clone(), Some("Très chaud!")),
        (Value::Null, Some("lead_neutral")),
    ] {
        assert_eq!(change(&mut world, value.clone()), 202, "{value}");
        assert_eq!(types(&mut world), event_type.as_slice(), "{value}");
    }
    assert_eq!(change(&mut world, json!(77)), 400);
    let body = json!({"lead_email": "nobody@x.example", "interest_value": 1});
    let path = "/api/v2/leads/update-interest-status";
    assert_eq!(call(&mut world, "POST", path, Some(body)).0, 404);
    change(&mut world, label.clone());
    assert_eq!(world.outbox[0].custom_interest_value, label.as_f64());
}

#[test]
fn the_table_of_a_dump_is_the_same_table() {
    let world = world();
    let text = serde_json::to_string(&world).unwrap();
    let back: World = serde_json::from_str(&text).unwrap();
    let count = |world: &World| {
        world
            .workspaces
            .values()
            .map(|ws| ws.leads.len())
            .sum::<usize>()
    };
    assert!(count(&world) >= 300);
    assert_eq!(count(&back), count(&world));
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert_eq!(world.now(), NOW);
}
