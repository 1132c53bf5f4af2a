use serde_json::{Value, json};

use crate::ops::fitting::{call, items, ok};
use crate::ops::supersearch_people::PEOPLE;
use crate::ops::view::{number, text};
use crate::testing;
use crate::world::World;

const ENRICHMENT: &str = "/api/v2/supersearch-enrichment";

fn count(world: &mut World, filters: Value) -> i64 {
    let path = format!("{ENRICHMENT}/count-leads-from-supersearch");
    number(
        &ok(
            world,
            "POST",
            &path,
            Some(json!({ "search_filters": filters })),
        ),
        "number_of_leads",
    )
}

fn preview(world: &mut World, body: Value) -> Value {
    ok(
        world,
        "POST",
        &format!("{ENRICHMENT}/preview-leads-from-supersearch"),
        Some(body),
    )
}

fn get_leads(world: &mut World, body: Value) -> Value {
    ok(
        world,
        "POST",
        &format!("{ENRICHMENT}/enrich-leads-from-supersearch"),
        Some(body),
    )
}

fn leads_of(world: &mut World, list: &Value) -> Vec<Value> {
    items(&ok(
        world,
        "POST",
        "/api/v2/leads/list",
        Some(json!({ "list_id": list, "limit": 100 })),
    ))
}

fn a_list(world: &mut World, leads: &[Value]) -> Value {
    let list = ok(
        world,
        "POST",
        "/api/v2/lead-lists",
        Some(json!({ "name": "l" })),
    );
    let body = json!({ "list_id": list["id"], "leads": leads });
    ok(world, "POST", "/api/v2/leads/add", Some(body));
    list["id"].clone()
}

#[test]
fn each_filter_parts_the_population() {
    let mut world = testing::world();
    let all = i64::from(PEOPLE);
    assert_eq!(count(&mut world, json!({})), all);
    for filters in [
        json!({ "department": ["Sales"] }),
        json!({ "level": ["C-Level"] }),
        json!({ "title": { "include": ["engineer"] } }),
        json!({ "title": { "exclude": ["engineer"] } }),
        json!({ "name": ["ada "] }),
        json!({ "company_name": { "include": ["amber"] } }),
        json!({ "locations": [{ "city": "Berlin" }] }),
        json!({ "locations": { "include": [{ "country": "United States" }], "exclude": [{ "city": "Austin" }] } }),
        json!({ "locations": { "include": [{ "place_id": "x", "label": "San Francisco, CA, USA" }] } }),
        json!({ "employeeCount": ["0 - 25"] }),
        json!({ "employeeCount": [{ "op": "between", "min": 50, "max": 200 }] }),
        json!({ "employeeCount": [{ "op": "gte", "min": 10_000 }] }),
        json!({ "revenue": ["$1 - 10M"] }),
        json!({ "news": ["launches"] }),
        json!({ "jobListing": ["engineer"] }),
        json!({ "technologies": ["salesforce"] }),
        json!({ "funding_type": ["seed"] }),
        json!({ "fundingType": ["seed"] }),
        json!({ "industry": { "include": ["Retail"] } }),
        json!({ "subIndustry": { "exclude": ["Banking"] } }),
        json!({ "domains": ["amberworks.example"] }),
        json!({ "keyword_filter": { "include": "payments, solar" } }),
        json!({ "keyword_filter": { "exclude": "automation" } }),
        json!({ "look_alike": "amberworks.example" }),
        json!({ "signals": ["job_change"] }),
        json!({ "signals": [{ "key": "linkedin_post_contact", "period_days": 60, "keywords": { "tags": ["hiring"] } }] }),
        json!({ "show_one_lead_per_company": true }),
    ] {
        let found = count(&mut world, filters.clone());
        assert!(found > 0 && found < all, "{filters}: {found}");
    }
    let one = count(&mut world, json!({ "industry": { "include": ["Retail"] } }));
    let other = count(&mut world, json!({ "industry": { "exclude": ["Retail"] } }));
    assert_eq!(one + other, all);
    let flat = count(
        &mut world,
        json!({ "signals": [{ "key": "job_change", "period_days": 90 }] }),
    );
    assert!(flat > count(&mut world, json!({ "signals": ["job_change"] })));
    // No pixel, no visitors; no operation makes company lists.
    assert_eq!(count(&mut world, json!({ "website_visitors": true })), 0);
    let path = format!("{ENRICHMENT}/count-leads-from-supersearch");
    let list =
        json!({ "search_filters": { "company_list_id": "018f23b7-92bb-7c64-a3d4-1ba53b8ad971" } });
    let (status, refusal) = call(&mut world, "POST", &path, Some(list));
    assert_eq!(
        (status, &refusal["errorCode"]),
        (404, &json!("COMPANY_LIST_NOT_FOUND"))
    );
}

#[test]
fn leads_that_are_got_are_owned_and_got_once() {
    let mut world = testing::world();
    let filters = json!({ "department": ["Sales"], "level": ["VP-Level"], "locations": [{ "city": "Berlin" }] });
    let found = count(&mut world, filters.clone());
    assert!(found > 5);
    let leads = world.workspaces[0].leads.len();
    let body = json!({ "search_filters": filters, "limit": 3, "list_name": "Berlin", "fully_enriched_profile": true });
    let got = get_leads(&mut world, body);
    assert_eq!(got["list_name"], "Berlin");
    let list = got["resource_id"].clone();
    let held = leads_of(&mut world, &list);
    assert_eq!(held.len(), 3);
    assert_eq!(world.workspaces[0].leads.len(), leads + 3);
    let preview = preview(&mut world, json!({ "search_filters": filters }));
    let owned = preview["leads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|lead| lead["isOwned"] == true)
        .count();
    assert_eq!(owned, 3);
    let mut rest = filters.clone();
    rest["skip_owned_leads"] = json!(true);
    assert_eq!(count(&mut world, rest), found - 3);
    let again = get_leads(
        &mut world,
        json!({ "search_filters": filters, "limit": 1_000, "resource_id": list }),
    );
    assert_eq!(again["resource_id"], list);
    assert_eq!(leads_of(&mut world, &list).len() as i64, found);
    get_leads(
        &mut world,
        json!({ "search_filters": filters, "limit": 1_000, "resource_id": list }),
    );
    assert_eq!(leads_of(&mut world, &list).len() as i64, found);
    let none = json!({ "search_filters": { "name": ["nobody has this name"] }, "limit": 5 });
    let none = get_leads(&mut world, none);
    let path = format!("{ENRICHMENT}/{}", text(&none, "resource_id"));
    assert_eq!(ok(&mut world, "GET", &path, None)["has_no_leads"], true);
}

#[test]
fn an_enrichment_runs_by_the_clock_and_is_told() {
    let mut world = testing::world();
    let list = a_list(
        &mut world,
        &[
            json!({ "email": "ada@example.com", "first_name": "Ada" }),
            json!({ "email": "gone@gone.invalid" }),
            json!({ "first_name": "Bela", "last_name": "Berg", "company_name": "Amber Works" }),
        ],
    );
    let resource = format!("{ENRICHMENT}/{}", list.as_str().unwrap());
    assert_eq!(ok(&mut world, "GET", &resource, None)["exists"], false);
    let credits = super::credits::OF_THE_PLAN;
    for kind in [
        "work_email_enrichment",
        "email_verification",
        "technologies",
    ] {
        let body = json!({ "resource_id": list, "type": kind });
        let made = ok(&mut world, "POST", &format!("{ENRICHMENT}/"), Some(body));
        assert_eq!(made["resource_id"], list);
        assert_eq!(ok(&mut world, "GET", &resource, None)["in_progress"], true);
        world.clock.advance(60_000);
    }
    let state = ok(&mut world, "GET", &resource, None);
    assert_eq!(state["in_progress"], false);
    assert_eq!(state["enrichment_payload"]["technologies"], true);
    let told = world
        .outbox
        .iter()
        .filter(|event| event.event_type == "supersearch_enrichment_completed")
        .count();
    assert_eq!(told, 3);
    let leads = leads_of(&mut world, &list);
    let by = |email: &str| {
        leads
            .iter()
            .find(|lead| text(lead, "email") == email)
            .unwrap()
    };
    assert_eq!(by("ada@example.com")["verification_status"], 1);
    assert_eq!(by("gone@gone.invalid")["verification_status"], -1);
    assert_eq!(by("bela.berg@amberworks.example")["enrichment_status"], 1);
    assert!(
        leads
            .iter()
            .all(|lead| lead["payload"]["technologies"].is_string())
    );
    let history = format!("{ENRICHMENT}/history/{}", list.as_str().unwrap());
    let runs = ok(&mut world, "GET", &history, None);
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[0]["type"], "technologies");
    assert!(runs.iter().all(|run| run["status"] == "completed"));
    let used: u64 = runs
        .iter()
        .map(|run| run["credits_used"].as_u64().unwrap())
        .sum();
    let left = world.workspaces[0].notes["credits_left"].as_u64().unwrap();
    assert!(used >= 7 && left <= credits - used);
    let second = ok(
        &mut world,
        "GET",
        &format!("{history}?offset=1&limit=1"),
        None,
    );
    assert_eq!(second[0], runs[1]);

    // All is done: there is nothing to run; with a new lead there is.
    let run = format!("{ENRICHMENT}/run");
    let body = json!({ "resource_id": list });
    assert_eq!(call(&mut world, "POST", &run, Some(body.clone())).0, 400);
    let lead = json!({ "list_id": list, "email": "new@example.com" });
    ok(&mut world, "POST", "/api/v2/leads", Some(lead));
    ok(&mut world, "POST", &run, Some(body));
    world.clock.advance(60_000);
    ok(&mut world, "GET", &resource, None);
    assert!(
        leads_of(&mut world, &list)
            .iter()
            .all(|lead| lead["payload"]["technologies"].is_string())
    );
}

#[test]
fn an_ai_enrichment_fills_its_column() {
    let mut world = testing::world();
    let list = a_list(
        &mut world,
        &[
            json!({ "email": "ada@example.com", "first_name": "Ada" }),
            json!({ "email": "bela@example.com", "first_name": "Bela" }),
        ],
    );
    let body = json!({
        "resource_id": list, "resource_type": 2, "output_column": "opener", "model_version": "gpt-5",
        "prompt": "Hi {{first_name}}, {{nothing}}welcome", "input_columns": ["first_name"], "limit": 1,
    });
    let path = format!("{ENRICHMENT}/ai");
    let made = ok(&mut world, "POST", &path, Some(body.clone()));
    assert_eq!(made["status"], 1);
    let progress = format!("{ENRICHMENT}/ai/{}/in-progress", list.as_str().unwrap());
    assert_eq!(
        ok(&mut world, "GET", &progress, None)[0]["output_column"],
        "opener"
    );
    world.clock.advance(1_500);
    assert_eq!(ok(&mut world, "GET", &progress, None)[0]["status"], 2);
    world.clock.advance(60_000);
    assert_eq!(ok(&mut world, "GET", &progress, None), json!([]));
    let openers = |world: &mut World| -> Vec<String> {
        let mut openers: Vec<String> = leads_of(world, &list)
            .iter()
            .map(|lead| text(&lead["payload"], "opener").to_owned())
            .collect();
        openers.sort();
        openers
    };
    let first = openers(&mut world);
    assert!(
        first[0].is_empty() && first[1].ends_with(", welcome"),
        "{first:?}"
    );
    let run = json!({ "resource_id": list, "column_name": "opener" });
    ok(&mut world, "POST", &format!("{ENRICHMENT}/run"), Some(run));
    world.clock.advance(60_000);
    assert_eq!(openers(&mut world), ["Hi Ada, welcome", "Hi Bela, welcome"]);
    let other = json!({ "resource_id": list, "column_name": "no such column" });
    assert_eq!(
        call(
            &mut world,
            "POST",
            &format!("{ENRICHMENT}/run"),
            Some(other)
        )
        .0,
        404
    );
    let mut wrong = body;
    wrong["resource_type"] = json!(1);
    assert_eq!(call(&mut world, "POST", &path, Some(wrong)).0, 404);
}

#[test]
fn a_resource_that_updates_itself_takes_new_leads() {
    let mut world = testing::world();
    let list = a_list(&mut world, &[json!({ "email": "ada@example.com" })]);
    let body = json!({ "resource_id": list, "type": "news" });
    ok(&mut world, "POST", &format!("{ENRICHMENT}/"), Some(body));
    let settings = format!("{ENRICHMENT}/{}/settings", list.as_str().unwrap());
    let set = ok(
        &mut world,
        "PATCH",
        &settings,
        Some(json!({ "auto_update": true, "is_evergreen": true })),
    );
    assert_eq!(set["auto_update"], true);
    ok(
        &mut world,
        "POST",
        "/api/v2/leads",
        Some(json!({ "list_id": list, "email": "new@example.com" })),
    );
    for _ in 0..3 {
        world.clock.advance(70_000);
        leads_of(&mut world, &list);
    }
    assert!(
        leads_of(&mut world, &list)
            .iter()
            .all(|lead| lead["payload"]["news"].is_string())
    );
    let state = ok(
        &mut world,
        "GET",
        &format!("{ENRICHMENT}/{}", list.as_str().unwrap()),
        None,
    );
    assert_eq!(state["is_evergreen"], true);
    let nothing = a_list(&mut world, &[json!({ "email": "x@example.com" })]);
    let settings = format!("{ENRICHMENT}/{}/settings", nothing.as_str().unwrap());
    assert_eq!(
        call(
            &mut world,
            "PATCH",
            &settings,
            Some(json!({ "auto_update": true }))
        )
        .0,
        404
    );
}

#[test]
fn without_credits_nothing_is_got() {
    let mut world = testing::world();
    world.workspaces[0]
        .notes
        .insert("credits_left".into(), json!(2));
    let path = format!("{ENRICHMENT}/enrich-leads-from-supersearch");
    let body = json!({ "search_filters": {}, "limit": 5 });
    let got = ok(&mut world, "POST", &path, Some(body.clone()));
    assert_eq!(leads_of(&mut world, &got["resource_id"]).len(), 2);
    assert_eq!(call(&mut world, "POST", &path, Some(body)).0, 402);
}

#[test]
fn facets_count_what_people_did() {
    let mut world = testing::world();
    let path = format!("{ENRICHMENT}/signal-keywords-facet");
    let facet = |body: Value| Some(body);
    let all = ok(
        &mut world,
        "POST",
        &path,
        facet(json!({ "category": "linkedin_post_contact", "field": "tags" })),
    );
    let counts: Vec<i64> = all["keywords"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| number(k, "count"))
        .collect();
    assert_eq!(counts.len(), 5);
    assert!(counts.is_sorted_by(|a, b| a >= b));
    let some =
        json!({ "category": "linkedin_post_contact", "field": "tags", "prefix": "AI", "limit": 1 });
    assert_eq!(
        ok(&mut world, "POST", &path, facet(some))["keywords"][0]["keyword"],
        "ai agents"
    );
    let wrong = json!({ "category": "nothing", "field": "tags" });
    assert_eq!(call(&mut world, "POST", &path, facet(wrong)).0, 404);
}
