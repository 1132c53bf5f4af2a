use serde_json::{Value, json};

use crate::testing::{call, world};
use crate::world::World;

fn post(world: &mut World, path: &str, body: Value) -> Value {
    let (status, answer) = call(world, "POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

#[test]
fn pages_by_time_lose_nothing_while_the_clock_stands() {
    let mut world = world();
    for n in 0..7 {
        post(
            &mut world,
            "/api/v2/lead-lists",
            json!({"name": format!("paged {n}")}),
        );
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v2/lead-lists?search=paged&limit=3{cursor}");
        let (_, page) = call(&mut world, "GET", &path, None);
        let items = page["items"].as_array().unwrap().clone();
        if items.is_empty() {
            break;
        }
        names.extend(
            items
                .iter()
                .map(|list| list["name"].as_str().unwrap().to_owned()),
        );
        cursor = format!(
            "&starting_after={}",
            page["next_starting_after"].as_str().unwrap()
        );
    }
    let newest_first: Vec<String> = (0..7).rev().map(|n| format!("paged {n}")).collect();
    assert_eq!(names, newest_first);
}

#[test]
fn verification_is_summed_up() {
    let mut world = world();
    let list = post(
        &mut world,
        "/api/v2/lead-lists",
        json!({"name": "Verified"}),
    );
    let id = list["id"].as_str().unwrap();
    let leads =
        json!([{"email": "a@x.invalid"}, {"email": "b@catch-all.example"}, {"first_name": "C"}]);
    let body = json!({"list_id": id, "leads": leads, "verify_leads_on_import": true});
    post(&mut world, "/api/v2/leads/add", body);
    let path = format!("/api/v2/lead-lists/{id}/verification-stats");
    let (status, stats) = call(&mut world, "GET", &path, None);
    assert_eq!((status, &stats["total_leads"]), (200, &json!(3)));
    assert_eq!(stats["stats"]["invalid"].as_u64().unwrap(), 1);
}

#[test]
fn a_deleted_list_takes_its_leads_but_for_those_of_campaigns() {
    let mut world = world();
    let list = post(&mut world, "/api/v2/lead-lists", json!({"name": "Doomed"}));
    let (_, page) = call(&mut world, "GET", "/api/v2/campaigns?limit=1", None);
    let campaign = &page["items"][0]["id"];
    let lead = |world: &mut World, body: Value| {
        let made = post(world, "/api/v2/leads", body);
        format!("/api/v2/leads/{}", made["id"].as_str().unwrap())
    };
    let body = json!({"list_id": list["id"], "email": "lost@x.example"});
    let lost = lead(&mut world, body);
    let body = json!({"list_id": list["id"], "campaign": campaign, "email": "kept@x.example"});
    let kept = lead(&mut world, body);
    let path = format!("/api/v2/lead-lists/{}", list["id"].as_str().unwrap());
    assert_eq!(call(&mut world, "DELETE", &path, None).0, 200);
    assert_eq!(call(&mut world, "GET", &path, None).0, 404);
    assert_eq!(call(&mut world, "GET", &lost, None).0, 404);
    assert_eq!(
        call(&mut world, "GET", &kept, None).1["list_id"],
        Value::Null
    );
}

#[test]
fn a_deleted_labels_leads_get_the_status_asked_for() {
    let mut world = world();
    let (_, page) = call(&mut world, "GET", "/api/v2/campaigns?limit=1", None);
    let campaign = page["items"][0]["id"].clone();
    let label = json!({"label": "Fleeting", "interest_status_label": "negative"});
    let label = post(&mut world, "/api/v2/lead-labels", label);
    assert!(label["interest_status"].as_i64().unwrap() < -4);
    let made = post(
        &mut world,
        "/api/v2/leads",
        json!({"campaign": campaign, "email": "z@x.example"}),
    );
    let body = json!({"lead_email": "z@x.example", "interest_value": label["interest_status"]});
    post(&mut world, "/api/v2/leads/update-interest-status", body);
    let filter = json!({"campaign": campaign, "filter": "FILTER_LEAD_CUSTOM_LABEL_NEGATIVE"});
    let found = post(&mut world, "/api/v2/leads/list", filter);
    assert_eq!(found["items"][0]["id"], made["id"]);
    let path = format!("/api/v2/lead-labels/{}", label["id"].as_str().unwrap());
    let (status, _) = call(
        &mut world,
        "DELETE",
        &path,
        Some(json!({"reassigned_status": -1})),
    );
    assert_eq!(status, 200);
    let path = format!("/api/v2/leads/{}", made["id"].as_str().unwrap());
    assert_eq!(
        call(&mut world, "GET", &path, None).1["lt_interest_status"],
        -1
    );
}

#[test]
fn a_reply_is_labelled_by_its_words() {
    let mut world = world();
    let mut label = |reply: &str| {
        let body = json!({"reply_text": reply});
        let answer = post(&mut world, "/api/v2/lead-labels/ai-reply-label", body);
        answer["result"].as_str().unwrap().to_owned()
    };
    assert_eq!(label("I am OUT OF OFFICE until May"), "Out of Office");
    assert_eq!(label("We are not interested, sorry"), "Not Interested");
    assert_eq!(
        label("He wants to know the price or a quote"),
        "Asked for pricing"
    );
    assert_eq!(label("ok"), "Lead");
}
