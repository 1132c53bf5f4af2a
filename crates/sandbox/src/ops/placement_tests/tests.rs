use serde_json::{Value, json};

use crate::clock::{self, DAY};
use crate::ops::fitting::{call, items, ok};
use crate::ops::placement_run::next_slot;
use crate::ops::view::{number, text};
use crate::testing;
use crate::world::World;

const TESTS: &str = "/api/v2/inbox-placement-tests";
const ANALYTICS: &str = "/api/v2/inbox-placement-analytics";
const REPORTS: &str = "/api/v2/inbox-placement-reports";

fn sender(world: &World) -> String {
    let mut accounts = world.workspaces[0].accounts.iter();
    let account = accounts
        .find(|account| number(account, "status") == 1)
        .unwrap();
    text(account, "email").to_owned()
}

fn create(world: &mut World, more: Value) -> Value {
    let mut body = json!({
        "name": "t", "type": 1, "sending_method": 1, "email_subject": "s", "email_body": "b",
        "emails": [sender(world)],
    });
    crate::cx::merge(&mut body, &more);
    ok(world, "POST", TESTS, Some(body))
}

fn stats(world: &mut World, test: &Value) -> Value {
    let path = format!("{ANALYTICS}/stats-by-test-id");
    ok(
        world,
        "POST",
        &path,
        Some(json!({ "test_ids": [test["id"]] })),
    )[0]
    .clone()
}

#[test]
fn a_test_sends_at_once_and_fills_as_mail_arrives() {
    let mut world = testing::world();
    let test = create(&mut world, json!({ "test_code": "abc" }));
    assert_eq!(test["status"], 1);
    assert_eq!(test["test_code"], "ptid_abc");
    let recipients = test["recipients"].as_array().unwrap().len();
    assert_eq!(stats(&mut world, &test)["count"], 0);
    world.clock.advance(60_000);
    let path = format!("{TESTS}/{}", text(&test, "id"));
    assert_eq!(ok(&mut world, "GET", &path, None)["status"], 3);

    let counted = stats(&mut world, &test);
    assert_eq!(number(&counted, "count") as usize, recipients);
    let parts = ["spam_count", "inbox_count", "category_count"].map(|name| number(&counted, name));
    assert_eq!(parts.iter().sum::<i64>() as usize, recipients);
    let id = text(&test, "id");
    let rows = items(&ok(
        &mut world,
        "GET",
        &format!("{ANALYTICS}?test_id={id}&limit=100"),
        None,
    ));
    assert_eq!(rows.len(), 2 * recipients);
    let spam = rows.iter().filter(|row| row["is_spam"] == true).count();
    assert_eq!(spam as i64, parts[0]);
    let one = format!("{ANALYTICS}/{}", text(&rows[0], "id"));
    assert_eq!(ok(&mut world, "GET", &one, None), rows[0]);
    let google = format!(
        "{ANALYTICS}?test_id={id}&limit=100&recipient_esp=1&recipient_geo=1,2&recipient_type=1"
    );
    let google = items(&ok(&mut world, "GET", &google, None));
    assert!(!google.is_empty() && google.len() < rows.len());
    for row in google {
        assert!(
            row["recipient_esp"] == 1
                && number(&row, "recipient_geo") <= 2
                && row["recipient_type"] == 1
        );
    }
    let by_date = ok(
        &mut world,
        "POST",
        &format!("{ANALYTICS}/stats-by-date"),
        Some(json!({ "test_id": id })),
    );
    let received: i64 = by_date
        .as_array()
        .unwrap()
        .iter()
        .map(|day| number(day, "received_count"))
        .sum();
    assert_eq!(received as usize, recipients);
    let insights = format!("{ANALYTICS}/deliverability-insights");
    let insights = ok(
        &mut world,
        "POST",
        &insights,
        Some(json!({ "test_id": id, "show_previous": true })),
    );
    for route in insights.as_array().unwrap() {
        let sum = ["spam_percentage", "inbox_percentage", "category_percentage"]
            .map(|name| route[name].as_f64().unwrap())
            .iter()
            .sum::<f64>();
        assert!((sum - 100.0).abs() < 0.1, "{route}");
        assert_eq!(route["prev_spam_percentage"], Value::Null);
    }

    ok(&mut world, "DELETE", &path, None);
    assert_eq!(call(&mut world, "GET", &one, None).0, 404);
    assert_eq!(
        call(
            &mut world,
            "GET",
            &format!("{ANALYTICS}?test_id={id}"),
            None
        )
        .0,
        404
    );
}

#[test]
fn an_automated_test_runs_on_its_days_and_can_be_paused() {
    let mut world = testing::world();
    // 2026-03-02 is a Monday.
    let schedule =
        json!({ "days": { "1": true, "2": false, "3": true }, "timing": { "from": "11:30" } });
    let test = create(&mut world, json!({ "type": 2, "schedule": schedule }));
    assert_eq!(test["timestamp_next_run"], "2026-03-02T11:30:00.000Z");
    assert_eq!(stats(&mut world, &test)["count"], 0);
    world.clock.advance(7 * DAY);
    let runs = |world: &mut World| {
        let body = json!({ "test_id": test["id"] });
        ok(
            world,
            "POST",
            &format!("{ANALYTICS}/stats-by-date"),
            Some(body),
        )
        .as_array()
        .unwrap()
        .clone()
    };
    let days: Vec<String> = runs(&mut world)
        .iter()
        .map(|day| text(day, "timestamp_created_date").to_owned())
        .collect();
    assert_eq!(days, ["2026-03-02", "2026-03-04"]);
    let path = format!("{TESTS}/{}", text(&test, "id"));
    let paused = ok(&mut world, "PATCH", &path, Some(json!({ "status": 2 })));
    assert_eq!(paused["status"], 2);
    world.clock.advance(14 * DAY);
    assert_eq!(runs(&mut world).len(), 2);
    let on = ok(&mut world, "PATCH", &path, Some(json!({ "status": 1 })));
    assert_eq!(on["timestamp_next_run"], "2026-03-23T11:30:00.000Z");
}

#[test]
fn slots_are_the_next_that_the_schedule_names() {
    let at = |text: &str| clock::parse(text).unwrap();
    let monday_noon = at("2026-03-02T12:00:00Z");
    for (schedule, next) in [
        (json!({}), "2026-03-03T09:00:00Z"),
        (
            json!({ "days": { "1": true }, "timing": { "from": "12:00" } }),
            "2026-03-09T12:00:00Z",
        ),
        (
            json!({ "days": { "1": true }, "timing": { "from": "12:01" } }),
            "2026-03-02T12:01:00Z",
        ),
        (
            json!({ "days": { "0": true }, "timing": { "from": "99:99" } }),
            "2026-03-08T09:00:00Z",
        ),
        (
            json!({ "days": { "0": false, "2": false } }),
            "2026-03-04T09:00:00Z",
        ),
    ] {
        assert_eq!(
            next_slot(Some(&schedule), monday_noon),
            at(next),
            "{schedule}"
        );
    }
}

#[test]
fn what_a_domain_lacks_shows_in_its_report_and_its_placement() {
    let mut world = testing::world();
    let emails = json!(["a@no-dkim.no-spf.no-dmarc.example.com"]);
    let test = create(&mut world, json!({ "sending_method": 2, "emails": emails }));
    world.clock.advance(DAY);
    assert!(number(&stats(&mut world, &test), "spam_count") > 0);
    let id = text(&test, "id");
    let reports = ok(&mut world, "GET", &format!("{REPORTS}?test_id={id}"), None);
    let report = items(&reports)[0].clone();
    assert!(
        report["spam_assassin_score"].as_f64().unwrap() > 3.0,
        "{report}"
    );
    assert!(
        report["spam_assassin_report"]["report"]
            .as_array()
            .unwrap()
            .len()
            > 3
    );
    let one = format!("{REPORTS}/{}", text(&report, "id"));
    assert_eq!(ok(&mut world, "GET", &one, None), report);
    let short =
        format!("{REPORTS}?test_id={id}&skip_spam_assassin_report=true&skip_blacklist_report=true");
    let short = items(&ok(&mut world, "GET", &short, None))[0].clone();
    assert!(short.get("spam_assassin_report").is_none() && short.get("blacklist_report").is_none());
    let rows = format!("{ANALYTICS}?test_id={id}&limit=100");
    let failed = items(&ok(&mut world, "GET", &rows, None))
        .iter()
        .filter(|row| row["record_type"] == 2)
        .all(|row| row["spf_pass"] == false && row["authentication_failure_results"].is_object());
    assert!(failed);
}

#[test]
fn automations_pause_the_senders_of_bad_mail() {
    let mut world = testing::world();
    let sender = sender(&world);
    let automation = json!([{
        "when": { "condition": "placement_goes_below", "condition_value": 101 },
        "then": { "pause": true, "enable_slow_ramp": true },
    }]);
    create(&mut world, json!({ "automations": automation }));
    let account = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts/{sender}"),
        None,
    );
    assert_eq!(account["status"], 2);
    assert_eq!(account["enable_slow_ramp"], true);
}

#[test]
fn tests_are_listed_by_name_and_status_and_told_with_their_campaign() {
    let mut world = testing::world();
    let campaign = text(world.workspaces[0].campaigns.iter().next().unwrap(), "id").to_owned();
    let test = create(
        &mut world,
        json!({ "name": "Zebra", "campaign_id": campaign, "status": 2 }),
    );
    let found = items(&ok(
        &mut world,
        "GET",
        &format!("{TESTS}?search=zebra&status=2"),
        None,
    ));
    assert_eq!(found.len(), 1);
    assert!(
        items(&ok(
            &mut world,
            "GET",
            &format!("{TESTS}?search=zebra&status=1"),
            None
        ))
        .is_empty()
    );
    let path = format!("{TESTS}/{}?with_metadata=true", text(&test, "id"));
    assert_eq!(
        ok(&mut world, "GET", &path, None)["metadata"]["campaign"]["id"],
        json!(campaign)
    );
    let stranger = json!({
        "name": "t", "type": 1, "sending_method": 1, "email_subject": "s", "email_body": "b", "emails": [],
        "campaign_id": "0195cc00-0000-7000-8000-000000000000",
    });
    assert_eq!(call(&mut world, "POST", TESTS, Some(stranger)).0, 404);
    assert!(
        !ok(
            &mut world,
            "GET",
            &format!("{TESTS}/email-service-provider-options"),
            None
        )
        .as_array()
        .unwrap()
        .is_empty()
    );
}
