use serde_json::{Map, Value, json};

use crate::clock::{self, DAY};
use crate::cx::Cx;
use crate::ops::{accounts, leads};
use crate::testing::{NOW, call, world};
use crate::world::{SendKind, World};

fn get(world: &mut World, path: &str) -> Value {
    let (status, answer) = call(world, "GET", path, None);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

fn post(world: &mut World, path: &str, body: Value) -> Value {
    let (status, answer) = call(world, "POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

fn campaign(world: &mut World) -> String {
    let body = json!({
        "name": "Counted",
        "pl_value": 100,
        "stop_on_reply": false,
        "campaign_schedule": {"schedules": [{
            "name": "s",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": true},
            "timezone": "America/Chicago",
        }]},
        "sequences": [{"steps": [
            {"type": "email", "delay": 1, "variants": [{"subject": "a", "body": "a"}]},
            {"type": "email", "delay": 1, "variants": [{"subject": "b", "body": "b"}]},
        ]}],
    });
    let id = post(world, "/api/v2/campaigns", body)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for email in ["a@x.example", "b@x.example", "c@x.example"] {
        post(
            world,
            "/api/v2/leads",
            json!({"campaign": id, "email": email}),
        );
    }
    id
}

/// Makes something happen some days ago.
fn happen(world: &mut World, days: i64, kind: SendKind, campaign: &str, name: &str, fields: Value) {
    let fields: Map<String, Value> = fields.as_object().cloned().unwrap();
    within(world, NOW - days * DAY, |cx| {
        leads::simulate(cx, kind, campaign, &format!("{name}@x.example"), fields).unwrap();
    });
}

/// Runs something in the first workspace, at a time.
fn within(world: &mut World, now: i64, act: impl FnOnce(&mut Cx<'_>)) {
    let workspace = world.workspaces.get_index(0).unwrap().0.clone();
    act(&mut Cx {
        world,
        workspace,
        key_id: None,
        now,
    });
}

/// Two leads are written to ten days ago; one of them answers, is written to again and rises.
fn story(world: &mut World) -> String {
    let id = campaign(world);
    let none = || json!({});
    for (days, kind, name) in [
        (10, SendKind::Sent, "a"),
        (10, SendKind::Sent, "b"),
        (10, SendKind::Opened, "a"),
        (9, SendKind::Opened, "a"),
        (9, SendKind::Clicked, "a"),
        (8, SendKind::Sent, "a"),
        (8, SendKind::Opened, "a"),
        (7, SendKind::Replied, "a"),
        (7, SendKind::AutoReplied, "a"),
        (6, SendKind::Bounced, "b"),
    ] {
        happen(world, days, kind, &id, name, none());
    }
    happen(
        world,
        6,
        SendKind::Opportunity,
        &id,
        "a",
        json!({"interest_status": 1}),
    );
    happen(
        world,
        5,
        SendKind::Opportunity,
        &id,
        "a",
        json!({"interest_status": 2}),
    );
    id
}

fn wants(figures: &Value, wanted: &[(&str, i64)]) {
    for (name, value) in wanted {
        assert_eq!(
            figures[*name].as_f64(),
            Some(*value as f64),
            "{name} in {figures}"
        );
    }
}

#[test]
fn figures_are_counted_from_what_happened() {
    let mut world = world();
    let id = story(&mut world);
    let figures = get(&mut world, &format!("/api/v2/campaigns/analytics?id={id}"));
    assert_eq!(figures.as_array().unwrap().len(), 1);
    wants(
        &figures[0],
        &[
            ("leads_count", 3),
            ("contacted_count", 2),
            ("emails_sent_count", 3),
            ("new_leads_contacted_count", 2),
            ("open_count", 3),
            ("open_count_unique", 1),
            ("open_count_unique_by_step", 2),
            ("link_click_count", 1),
            ("reply_count", 1),
            ("reply_count_automatic", 1),
            ("bounced_count", 1),
            ("unsubscribed_count", 0),
            ("total_opportunities", 1),
            ("total_opportunity_value", 100),
        ],
    );
    let all = get(
        &mut world,
        "/api/v2/campaigns/analytics?exclude_total_leads_count=true",
    );
    assert!(all.as_array().unwrap().len() > 5);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|figures| figures["leads_count"] == 0)
    );
}

#[test]
fn dates_bound_what_is_counted() {
    let mut world = world();
    let id = story(&mut world);
    let day = |days: i64| clock::day(NOW - days * DAY);
    let sent = |world: &mut World, query: &str| {
        let path = format!("/api/v2/campaigns/analytics?id={id}&{query}");
        get(world, &path)[0]["emails_sent_count"].as_u64().unwrap()
    };
    assert_eq!(sent(&mut world, &format!("start_date={}", day(9))), 1);
    assert_eq!(sent(&mut world, &format!("end_date={}", day(9))), 2);
    assert_eq!(
        sent(&mut world, &format!("end_date={}", day(8))),
        2,
        "its first instant only"
    );
    let end = clock::text(NOW - 8 * DAY);
    assert_eq!(sent(&mut world, &format!("end_date={end}")), 3);
    assert_eq!(sent(&mut world, "start_date=soon"), 0);
}

#[test]
fn the_overview_counts_a_rising_lead_once_or_at_every_rise() {
    let mut world = world();
    let id = story(&mut world);
    let path = format!("/api/v2/campaigns/analytics/overview?id={id}");
    let figures = get(&mut world, &path);
    wants(
        &figures,
        &[
            ("total_opportunities", 1),
            ("total_interested", 1),
            ("total_meeting_booked", 0),
        ],
    );
    let figures = get(&mut world, &format!("{path}&expand_crm_events=true"));
    wants(
        &figures,
        &[
            ("total_opportunities", 2),
            ("total_interested", 1),
            ("total_meeting_booked", 1),
            ("total_opportunity_value", 200),
        ],
    );
    let figures = get(&mut world, &format!("{path}&campaign_status=1"));
    wants(&figures, &[("emails_sent_count", 0)]);
}

#[test]
fn days_and_steps_add_up_to_the_whole() {
    let mut world = world();
    let id = story(&mut world);
    let days = get(
        &mut world,
        &format!("/api/v2/campaigns/analytics/daily?campaign_id={id}"),
    );
    let days = days.as_array().unwrap();
    assert!(
        days.windows(2)
            .all(|pair| pair[0]["date"].as_str() < pair[1]["date"].as_str())
    );
    wants(
        &days[0],
        &[
            ("sent", 2),
            ("contacted", 2),
            ("new_leads_contacted", 2),
            ("opened", 1),
        ],
    );
    let sum = |rows: &[Value], name: &str| {
        rows.iter()
            .filter_map(|row| row[name].as_u64())
            .sum::<u64>()
    };
    assert_eq!((sum(days, "sent"), sum(days, "opened")), (3, 3));
    let path = format!("/api/v2/campaigns/analytics/steps?campaign_id={id}");
    let steps = get(&mut world, &path);
    let steps = steps.as_array().unwrap();
    assert_eq!(
        (&steps[0]["step"], &steps[1]["step"]),
        (&json!("1"), &json!("2"))
    );
    assert_eq!(
        (
            sum(steps, "sent"),
            sum(steps, "opened"),
            sum(steps, "replies")
        ),
        (3, 3, 1)
    );
    assert!(steps[0].get("opportunities").is_none());
    let steps = get(
        &mut world,
        &format!("{path}&include_opportunities_count=true"),
    );
    wants(
        &steps[1],
        &[
            ("opportunities", 2),
            ("unique_opportunities", 1),
            ("meetings_booked", 1),
            ("won", 0),
        ],
    );
    let one = clock::day(NOW - 8 * DAY);
    let path = format!(
        "/api/v2/campaigns/analytics/daily?campaign_id={id}&start_date={one}&end_date={one}"
    );
    assert_eq!(get(&mut world, &path).as_array().unwrap().len(), 1);
}

#[test]
fn an_open_brings_a_lead_into_the_subsequence_that_waits_for_one() {
    let mut world = world();
    let id = campaign(&mut world);
    let body = json!({
        "parent_campaign": id,
        "name": "Opened",
        "conditions": {"lead_activity": [2]},
        "sequences": [{"steps": [
            {"type": "email", "delay": 1, "variants": [{"subject": "again", "body": "b"}]},
        ]}],
    });
    let made = post(&mut world, "/api/v2/subsequences", body);
    assert_eq!(made["status"], 0);
    assert!(
        made["subsequence_schedule"]["schedules"].is_array(),
        "the campaign's"
    );
    let sub = made["id"].as_str().unwrap();
    happen(&mut world, 9, SendKind::Sent, &id, "a", json!({}));
    happen(&mut world, 8, SendKind::Opened, &id, "a", json!({}));
    let page = post(
        &mut world,
        "/api/v2/leads/list",
        json!({"campaign": id, "filter": "FILTER_VAL_IN_SUBSEQUENCE"}),
    );
    assert_eq!(page["items"], json!([]), "a draft takes nobody");
    post(
        &mut world,
        &format!("/api/v2/subsequences/{sub}/resume"),
        Value::Null,
    );
    happen(&mut world, 8, SendKind::Opened, &id, "a", json!({}));
    happen(&mut world, 7, SendKind::Sent, &id, "a", json!({}));
    happen(&mut world, 7, SendKind::Replied, &id, "a", json!({}));
    let figures = get(
        &mut world,
        &format!("/api/v2/subsequences/analytics?campaign_id={id}"),
    );
    assert_eq!(
        figures,
        json!([{"subsequence_id": sub, "emails_sent": 1, "unique_opens": 0, "unique_replies": 1}])
    );
    let steps = get(
        &mut world,
        &format!("/api/v2/subsequences/{sub}/analytics/steps"),
    );
    wants(&steps[0], &[("sent", 1), ("replies", 1)]);
    assert_eq!(steps[0]["step"], "0");
    let one = clock::day(NOW - 7 * DAY);
    let path =
        format!("/api/v2/subsequences/{sub}/analytics/steps?start_date={one}&end_date={one}");
    assert_eq!(
        get(&mut world, &path).as_array().unwrap().len(),
        1,
        "days are whole"
    );
    let steps = get(
        &mut world,
        &format!("/api/v2/campaigns/analytics/steps?campaign_id={id}"),
    );
    wants(&steps[0], &[("sent", 1), ("replies", 0)]);
}

#[test]
fn sending_stops_for_the_first_reason_there_is() {
    let mut world = world();
    let id = campaign(&mut world);
    let path = format!("/api/v2/campaigns/{id}");
    post(&mut world, &format!("{path}/activate"), Value::Null);
    let state = |world: &mut World| {
        let answer = get(
            world,
            &format!("{path}/sending-status?with_ai_summary=true"),
        );
        assert!(answer["summary"]["ai_summary"].is_string());
        answer["diagnostics"]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&mut world), "no_accounts_available");
    let account = "sender@larkspur.example";
    within(&mut world, NOW, |cx| {
        let fresh = accounts::fresh(cx, account, ("Sen", "Der"), 1);
        cx.ws().accounts.put(account, fresh);
    });
    let always = json!({"schedules": [{
        "name": "s",
        "timing": {"from": "00:00", "to": "23:59"},
        "days": {"0": true, "1": true, "2": true, "3": true, "4": true, "5": true, "6": true},
        "timezone": "Etc/GMT+12",
    }]});
    let patch = |world: &mut World, body: Value| {
        assert_eq!(call(world, "PATCH", &path, Some(body)).0, 200);
        state(world)
    };
    let body = json!({"email_list": [account], "campaign_schedule": always});
    assert_eq!(patch(&mut world, body), "healthy");
    happen(
        &mut world,
        0,
        SendKind::Sent,
        &id,
        "a",
        json!({"email_account": account}),
    );
    assert_eq!(
        patch(&mut world, json!({"daily_max_leads": 1})),
        "new_lead_limit_met"
    );
    assert_eq!(
        patch(&mut world, json!({"daily_limit": 1})),
        "daily_limit_met"
    );
    for name in ["b", "c"] {
        happen(
            &mut world,
            0,
            SendKind::Sent,
            &id,
            name,
            json!({"email_account": account}),
        );
    }
    assert_eq!(
        patch(&mut world, json!({"daily_limit": null})),
        "follow_up_delay_not_met"
    );
}
