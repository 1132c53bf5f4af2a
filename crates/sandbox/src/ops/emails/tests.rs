use serde_json::{Value, json};

use crate::ops::fitting::{call, items, ok};
use crate::ops::view::{number, text};
use crate::testing;
use crate::world::World;

fn list(world: &mut World, query: &str) -> Vec<Value> {
    // The pipeline's limit of twenty a minute does not count in tests.
    items(&ok(
        world,
        "GET",
        &format!("/api/v2/emails?limit=100{query}"),
        None,
    ))
}

#[test]
fn every_filter_narrows_to_what_it_says() {
    let mut world = testing::world();
    let all = list(&mut world, "");
    assert!(all.len() > 20);
    let received = all
        .iter()
        .find(|email| email["ue_type"] == 2 && !email["campaign_id"].is_null())
        .unwrap()
        .clone();
    let (lead, thread, account) = (
        text(&received, "lead"),
        text(&received, "thread_id"),
        text(&received, "eaccount"),
    );
    let campaign = text(&received, "campaign_id");
    let created = text(&received, "timestamp_created");
    let domain = lead.rsplit_once('@').unwrap().1;
    type Holds = Box<dyn Fn(&Value) -> bool>;
    let is = |name: &'static str, value: &str| -> Holds {
        let value = value.to_owned();
        Box::new(move |email| text(email, name) == value)
    };
    let cases: Vec<(String, Holds)> = vec![
        (format!("&lead={lead}"), is("lead", lead)),
        (format!("&search={lead}"), is("lead", lead)),
        (format!("&search=thread:{thread}"), is("thread_id", thread)),
        (
            format!("&eaccount={account},nobody@example.com"),
            is("eaccount", account),
        ),
        (
            format!("&campaign_id={campaign}"),
            is("campaign_id", campaign),
        ),
        (
            format!("&company_domain={domain}"),
            Box::new({
                let domain = domain.to_owned();
                move |email| text(email, "lead").ends_with(&domain)
            }),
        ),
        (
            "&is_unread=true".into(),
            Box::new(|email| number(email, "is_unread") == 1),
        ),
        (
            "&is_unread=false".into(),
            Box::new(|email| number(email, "is_unread") == 0),
        ),
        (
            "&email_type=received".into(),
            Box::new(|email| email["ue_type"] == 2),
        ),
        (
            "&email_type=sent".into(),
            Box::new(|email| email["ue_type"] == 1),
        ),
        (
            "&email_type=manual".into(),
            Box::new(|email| email["ue_type"] == 3),
        ),
        (
            "&scheduled_only=true".into(),
            Box::new(|email| email["ue_type"] == 4),
        ),
        (
            "&has_reminder=true".into(),
            Box::new(|email| email["reminder_ts"].is_string()),
        ),
        (
            "&mode=emode_focused".into(),
            Box::new(|email| email["is_focused"] == 1),
        ),
        (
            "&preview_only=true".into(),
            Box::new(|email| email["body"] == json!({})),
        ),
        (
            format!("&min_timestamp_created={created}"),
            Box::new({
                let created = created.to_owned();
                move |email| text(email, "timestamp_created") >= created.as_str()
            }),
        ),
        (
            format!("&max_timestamp_created={created}"),
            Box::new({
                let created = created.to_owned();
                move |email| text(email, "timestamp_created") <= created.as_str()
            }),
        ),
    ];
    for (query, holds) in cases {
        let found = list(&mut world, &query);
        assert!(!found.is_empty(), "{query}");
        assert!(found.iter().all(&holds), "{query}");
        if !query.contains("preview") {
            assert_eq!(
                found.len(),
                all.iter().filter(|email| holds(email)).count(),
                "{query}"
            );
        }
    }
    let done = list(&mut world, "&marked_as_done=true").len();
    assert!(done > 0 && done < all.len());
    let latest = list(&mut world, "&latest_of_thread=true");
    let mut threads: Vec<&str> = all.iter().map(|email| text(email, "thread_id")).collect();
    threads.sort();
    threads.dedup();
    assert_eq!(latest.len(), threads.len());
    let times = |emails: &[Value]| -> Vec<String> {
        emails
            .iter()
            .map(|email| text(email, "timestamp_created").to_owned())
            .collect()
    };
    let mut ascending = times(&list(&mut world, "&sort_order=asc"));
    assert!(ascending.is_sorted());
    ascending.reverse();
    assert_eq!(ascending, times(&all));
}

#[test]
fn the_lead_somebody_is_assigned_to_brings_its_mail() {
    let mut world = testing::world();
    let received = list(&mut world, "&email_type=received")[1].clone();
    let user = "0195cc00-0000-7000-8000-000000000001";
    let body = json!({
        "eaccount": received["eaccount"], "reply_to_uuid": received["id"], "subject": "Re: x",
        "body": { "text": "yes" }, "assigned_to": user,
    });
    ok(&mut world, "POST", "/api/v2/emails/reply", Some(body));
    let found = list(&mut world, &format!("&assigned_to={user}"));
    assert!(found.len() >= 2);
    assert!(found.iter().all(|email| email["lead"] == received["lead"]));
    assert!(list(&mut world, "&assigned_to=nobody").is_empty());
}

#[test]
fn reading_and_counting_agree() {
    let mut world = testing::world();
    let unread = list(&mut world, "&is_unread=true");
    let count = |world: &mut World| {
        number(
            &ok(world, "GET", "/api/v2/emails/unread/count", None),
            "count",
        )
    };
    let before = count(&mut world);
    assert_eq!(before as usize, unread.len());
    let thread = text(&unread[0], "thread_id");
    let path = format!("/api/v2/emails/threads/{thread}/mark-as-read");
    ok(&mut world, "POST", &path, None);
    let in_thread = unread
        .iter()
        .filter(|email| text(email, "thread_id") == thread)
        .count() as i64;
    assert_eq!(count(&mut world), before - in_thread);
    let path = format!("/api/v2/emails/{}", text(&unread[0], "id"));
    ok(&mut world, "PATCH", &path, Some(json!({ "is_unread": 1 })));
    assert_eq!(count(&mut world), before - in_thread + 1);
    ok(&mut world, "DELETE", &path, None);
    assert_eq!(count(&mut world), before - in_thread);
    assert_eq!(call(&mut world, "GET", &path, None).0, 404);
    assert_eq!(
        call(
            &mut world,
            "POST",
            "/api/v2/emails/threads/none/mark-as-read",
            None
        )
        .0,
        404
    );
}

#[test]
fn a_reply_joins_the_thread_and_is_told() {
    let mut world = testing::world();
    let received = list(&mut world, "&email_type=received")[1].clone();
    let mut body = json!({
        "eaccount": received["eaccount"], "reply_to_uuid": received["id"], "subject": "Re: yes",
        "body": { "html": "Hello<br/>there" }, "cc_address_email_list": "cc@example.com",
        "additional_recipients": ["more@example.com"], "reminder_ts": "2026-03-05T10:00:00.000Z",
    });
    let sent = ok(
        &mut world,
        "POST",
        "/api/v2/emails/reply",
        Some(body.clone()),
    );
    assert_eq!(sent["thread_id"], received["thread_id"]);
    assert_eq!(sent["campaign_id"], received["campaign_id"]);
    let to = format!("{},more@example.com", text(&received, "from_address_email"));
    assert_eq!(sent["to_address_email_list"], to);
    assert_eq!(sent["content_preview"], "Hello there");
    assert_eq!(sent["reminder_ts"], "2026-03-05T10:00:00.000Z");
    let told = world.outbox.last().unwrap();
    assert_eq!(told.event_type, "email_sent");
    assert_eq!(told.lead_email.as_deref(), received["lead"].as_str());
    let in_thread = list(
        &mut world,
        &format!("&search=thread:{}", text(&received, "thread_id")),
    );
    assert_eq!(in_thread[0]["id"], sent["id"]);

    for (field, value) in [
        ("eaccount", json!("nobody@example.com")),
        ("reply_to_uuid", json!("none")),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        assert_eq!(
            call(&mut world, "POST", "/api/v2/emails/reply", Some(wrong)).0,
            404,
            "{field}"
        );
    }
    let broken =
        items(&ok(&mut world, "GET", "/api/v2/accounts?status=-1", None))[0]["email"].clone();
    body["eaccount"] = broken;
    assert_eq!(
        call(&mut world, "POST", "/api/v2/emails/reply", Some(body)).0,
        404
    );
}

#[test]
fn a_forward_carries_the_original_when_asked() {
    let mut world = testing::world();
    let received = list(&mut world, "&email_type=received")[1].clone();
    let words = text(&received["body"], "text");
    let forward = |body: Value| {
        let mut whole = json!({
            "eaccount": received["eaccount"], "reply_to_uuid": received["id"],
            "to_address_email_list": "boss@example.com", "subject": "Fwd: look",
        });
        crate::cx::merge(&mut whole, &body);
        Some(whole)
    };
    let path = "/api/v2/emails/forward";
    let plain = ok(
        &mut world,
        "POST",
        path,
        forward(json!({ "body": { "text": "note" } })),
    );
    assert_eq!(plain["body"], json!({ "text": "note" }));
    let whole = json!({ "body": { "text": "note" }, "include_original_body": true });
    let whole = ok(&mut world, "POST", path, forward(whole));
    let told = text(&whole["body"], "text");
    assert!(
        told.starts_with("note") && told.contains(words) && told.contains("Forwarded message"),
        "{told}"
    );
    let bare = ok(
        &mut world,
        "POST",
        path,
        forward(json!({ "include_original_body": true })),
    );
    assert!(text(&bare["body"], "html").contains(words));
    assert_eq!(bare["to_address_email_list"], "boss@example.com");
    assert_eq!(
        testing::call(&mut world, "POST", path, forward(json!({}))).0,
        400
    );
}

#[test]
fn a_test_email_tells_of_a_bad_account_with_200() {
    let mut world = testing::world();
    let account = |world: &mut World, status: i64| {
        let found = ok(
            world,
            "GET",
            &format!("/api/v2/accounts?status={status}"),
            None,
        );
        text(&items(&found)[0], "email").to_owned()
    };
    for (status, answer) in [
        (1, json!({ "status": "success" })),
        (-1, json!({ "error": "ACC_AUTH_ERROR" })),
        (-2, json!({ "error": "ACC_UNKNOWN_ERROR" })),
        (0, json!({ "error": "ACC_NOT_FOUND" })),
    ] {
        let sender = if status == 0 {
            "nobody@example.com".to_owned()
        } else {
            account(&mut world, status)
        };
        let body = json!({
            "eaccount": sender, "to_address_email_list": "a@example.com", "subject": "s", "body": { "html": "h" },
        });
        let kept = world.workspaces[0].emails.len();
        assert_eq!(
            ok(&mut world, "POST", "/api/v2/emails/test", Some(body)),
            answer
        );
        assert_eq!(world.workspaces[0].emails.len(), kept);
    }
}
