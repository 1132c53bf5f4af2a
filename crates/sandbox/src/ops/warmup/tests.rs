use serde_json::{Value, json};

use crate::clock::{self, DAY};
use crate::ops::fitting::{call, items, ok};
use crate::ops::view::{number, text};
use crate::testing;
use crate::world::SendKind;

#[test]
fn warmup_runs_from_when_it_is_enabled_to_when_it_is_disabled() {
    let mut world = testing::world();
    let off = items(&ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_W_PAUSED&status=1",
        None,
    ));
    let email = text(&off[0], "email").to_owned();
    let path = "/api/v2/accounts/warmup-analytics";
    let asked = || Some(json!({ "emails": [email, "nobody@example.com"] }));
    let before = ok(&mut world, "POST", path, asked());
    assert_eq!(before["email_date_data"][&email], json!({}));
    assert!(before["aggregate_data"].get("nobody@example.com").is_none());

    let job = ok(
        &mut world,
        "POST",
        "/api/v2/accounts/warmup/enable",
        Some(json!({ "emails": [email] })),
    );
    assert_eq!(job["type"], "update-warmup-accounts");
    assert_eq!(job["status"], "pending");
    world.clock.advance(10_000);
    let path_of_job = format!("/api/v2/background-jobs/{}", text(&job, "id"));
    assert_eq!(
        ok(&mut world, "GET", &path_of_job, None)["status"],
        "success"
    );
    let account = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts/{email}"),
        None,
    );
    assert_eq!(account["warmup_status"], 1);

    world.clock.advance(3 * DAY);
    ok(
        &mut world,
        "POST",
        "/api/v2/accounts/warmup/disable",
        Some(json!({ "emails": [email] })),
    );
    world.clock.advance(5 * DAY);
    let after = ok(&mut world, "POST", path, asked());
    let days = after["email_date_data"][&email].as_object().unwrap();
    assert_eq!(days.len(), 4, "{days:?}");
    let sum = |name: &str| days.values().map(|day| number(day, name)).sum::<i64>();
    let whole = &after["aggregate_data"][&email];
    assert!(sum("sent") > 0);
    for name in ["sent", "received", "landed_inbox", "landed_spam"] {
        assert_eq!(sum(name), number(whole, name), "{name}");
    }
    assert_eq!(sum("landed_inbox") + sum("landed_spam"), sum("sent"));
    let score = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts/{email}"),
        None,
    )["stat_warmup_score"]
        .clone();
    assert_eq!(score, whole["health_score"]);
}

#[test]
fn all_accounts_but_some_are_warmed() {
    let mut world = testing::world();
    let off = items(&ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_W_PAUSED&limit=100",
        None,
    ));
    assert!(off.len() >= 2);
    let spared = text(&off[0], "email");
    let body = json!({ "include_all_emails": true, "excluded_emails": [spared] });
    ok(
        &mut world,
        "POST",
        "/api/v2/accounts/warmup/enable",
        Some(body),
    );
    let off = items(&ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_W_PAUSED&limit=100",
        None,
    ));
    let left: Vec<&str> = off.iter().map(|account| text(account, "email")).collect();
    assert_eq!(left, [spared]);
    // What is suspended stays so.
    let banned = ok(
        &mut world,
        "GET",
        "/api/v2/accounts?filter=ACC_FILTER_W_ERROR",
        None,
    );
    assert_eq!(items(&banned).len(), 2);
}

#[test]
fn daily_figures_are_what_was_sent() {
    let mut world = testing::world();
    let today = clock::day(testing::NOW);
    let from = clock::day(testing::NOW - 30 * DAY);
    let rows = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts/analytics/daily?start_date={from}&end_date={today}"),
        None,
    );
    let rows = rows.as_array().unwrap();
    let first = clock::parse(&from).unwrap();
    for (name, kind) in [
        ("sent", SendKind::Sent),
        ("opened", SendKind::Opened),
        ("replies", SendKind::Replied),
        ("clicks", SendKind::Clicked),
        ("bounced", SendKind::Bounced),
    ] {
        let counted: i64 = rows.iter().map(|row| number(row, name)).sum();
        let held = world.workspaces[0]
            .sends
            .iter()
            .filter(|send| send.kind == kind && send.at >= first && send.at < first + 31 * DAY)
            .count();
        assert_eq!(counted, held as i64, "{name}");
        assert!(name == "bounced" || counted > 0, "{name}");
    }
    for row in rows {
        assert!(number(row, "unique_opened") <= number(row, "opened"));
        assert!(number(row, "new_leads_contacted") <= number(row, "contacted"));
    }
    let one = text(&rows[0], "email_account");
    let only = ok(
        &mut world,
        "GET",
        &format!("/api/v2/accounts/analytics/daily?emails={one}"),
        None,
    );
    assert!(
        only.as_array()
            .unwrap()
            .iter()
            .all(|row| text(row, "email_account") == one)
    );
    for bad in [
        "start_date=2026-02-02&end_date=2026-02-01",
        "start_date=2026-01-01&end_date=2026-02-20",
    ] {
        assert_eq!(
            call(
                &mut world,
                "GET",
                &format!("/api/v2/accounts/analytics/daily?{bad}"),
                None
            )
            .0,
            400
        );
    }
}

#[test]
fn vitals_follow_from_the_names() {
    let mut world = testing::world();
    for (host, good) in [
        ("track.example.com", true),
        ("no-ssl.example.com", false),
        ("gone.invalid", false),
        ("nonsense", false),
    ] {
        let answer = ok(
            &mut world,
            "GET",
            &format!("/api/v2/accounts/ctd/status?host={host}"),
            None,
        );
        assert_eq!(answer["success"], good, "{host}");
    }
    for email in ["a@no-spf.example.com", "b@example.com"] {
        let body = json!({
            "email": email, "first_name": "A", "last_name": "B", "provider_code": 1,
            "imap_username": "u", "imap_password": "p", "imap_host": "h", "imap_port": 1,
            "smtp_username": "u", "smtp_password": "p", "smtp_host": "h", "smtp_port": 1,
        });
        ok(&mut world, "POST", "/api/v2/accounts", Some(body));
    }
    let body =
        json!({ "accounts": ["a@no-spf.example.com", "b@example.com", "stranger@example.org"] });
    let answer = ok(
        &mut world,
        "POST",
        "/api/v2/accounts/test/vitals",
        Some(body),
    );
    let domains = |list: &Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|domain| text(domain, "domain").to_owned())
            .collect()
    };
    assert_eq!(domains(&answer["success_list"]), ["example.com"]);
    assert_eq!(domains(&answer["failure_list"]), ["no-spf.example.com"]);
    assert_eq!(answer["failure_list"][0]["spf"], false);
    assert_eq!(answer["failure_list"][0]["mx"], true);
}
