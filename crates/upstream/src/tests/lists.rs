//! Walks over lists.

use doorward_catalog::Op;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::client;
use super::server::{Act, Fake, Seen};
use crate::Call;
use crate::error::Error;

fn cursor(seen: &Seen) -> Option<String> {
    let (_, query) = seen.target.split_once('?')?;
    let after = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("starting_after="));
    after.map(str::to_owned)
}

async fn walk(fake: &Fake, call: Call) -> Result<Vec<Value>, Error> {
    client(fake).items(call).all(usize::MAX).await
}

#[tokio::test(start_paused = true)]
async fn a_walk_ends_at_a_page_without_items() {
    // The last page has a cursor; the API's lists may do so.
    let fake = Fake::answering(|seen| {
        let page = match cursor(seen).as_deref() {
            None => json!({"items": [1, 2], "next_starting_after": "2026-08-13T11:12:14.211Z"}),
            Some("2026-08-13T11%3A12%3A14.211Z") => {
                json!({"items": [3], "next_starting_after": "a+b@example.com"})
            }
            Some("a%2Bb%40example.com") => json!({"items": [], "next_starting_after": "more"}),
            other => panic!("unknown cursor {other:?}"),
        };
        Act::json(200, page)
    });
    let items = walk(&fake, Call::new(Op::ListCampaign).query("search", "x"))
        .await
        .unwrap();
    assert_eq!(items, [json!(1), json!(2), json!(3)]);
    let targets: Vec<_> = fake.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets.len(), 3);
    assert_eq!(targets[0], "/api/v2/campaigns?search=x&limit=100");
}

#[tokio::test(start_paused = true)]
async fn a_walk_ends_without_a_cursor() {
    for end in [
        json!({"items": [1]}),
        json!({"items": [1], "next_starting_after": null}),
        json!({"items": [1], "next_starting_after": ""}),
    ] {
        let fake = Fake::doing([Act::json(200, end)]);
        assert_eq!(
            walk(&fake, Call::new(Op::ListAPIKey)).await.unwrap(),
            [json!(1)]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_comes_again_ends_the_walk() {
    let fake = Fake::answering(|seen| {
        let next = match cursor(seen).as_deref() {
            None | Some("c") => "a",
            Some("a") => "b",
            _ => "c",
        };
        Act::json(200, json!({"items": [0], "next_starting_after": next}))
    });
    let mut pages = client(&fake).pages::<Value>(Call::new(Op::ListCampaign));
    let mut count = 0;
    let error = loop {
        match pages.try_next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("the walk ended as if whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error,
        Error::RepeatedCursor {
            op: Op::ListCampaign
        }
    );
    assert_eq!(count, 4);
    assert_eq!(fake.seen().len(), 4);
    assert!(pages.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn leads_are_walked_by_body() {
    let fake = Fake::answering(|seen| {
        let page = match seen.json().get("starting_after") {
            None => json!({"items": [1], "next_starting_after": "x"}),
            Some(_) => json!({"items": []}),
        };
        Act::json(200, page)
    });
    let call = Call::new(Op::ListLeads)
        .json(&json!({"campaign": "c", "limit": 7}))
        .unwrap();
    assert_eq!(walk(&fake, call).await.unwrap(), [json!(1)]);
    let seen = fake.seen();
    assert_eq!(seen[0].json(), json!({"campaign": "c", "limit": 7}));
    assert_eq!(
        seen[1].json(),
        json!({"campaign": "c", "limit": 7, "starting_after": "x"})
    );
    assert!(
        seen.iter()
            .all(|seen| seen.method == "POST" && seen.target == "/api/v2/leads/list")
    );

    let fake = Fake::doing([Act::json(200, json!({"items": []}))]);
    walk(&fake, Call::new(Op::ListLeads)).await.unwrap();
    assert_eq!(fake.seen()[0].json(), json!({"limit": 100}));
}

#[tokio::test(start_paused = true)]
async fn a_page_is_no_longer_than_the_api_allows() {
    for (op, limit, good) in [
        (Op::ListCampaign, "100", true),
        (Op::ListCampaign, "101", false),
        (Op::ListCampaign, "0", false),
        (Op::ListCampaign, "ten", false),
        (Op::ListAuditLog, "1000", true),
        (Op::ListAuditLog, "1001", false),
    ] {
        let fake = Fake::doing([Act::json(200, json!({"items": []}))]);
        let outcome = walk(&fake, Call::new(op).query("limit", limit)).await;
        assert_eq!(outcome.is_ok(), good, "{op} {limit}: {outcome:?}");
        assert_eq!(fake.seen().len(), usize::from(good));
    }
    for body in [json!({"limit": 101}), json!({"limit": "x"}), json!([])] {
        let fake = Fake::doing([]);
        let outcome = walk(&fake, Call::new(Op::ListLeads).json(&body).unwrap()).await;
        assert!(matches!(outcome, Err(Error::BadCall { .. })));
    }
    let fake = Fake::doing([]);
    let outcome = walk(&fake, Call::new(Op::GetWorkspace)).await;
    assert!(matches!(outcome, Err(Error::BadCall { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_page_is_no_empty_list() {
    for body in [
        json!({}),
        json!([]),
        json!({"error": "x"}),
        json!({"items": null}),
    ] {
        let fake = Fake::doing([Act::json(200, body)]);
        let outcome = walk(&fake, Call::new(Op::ListAPIKey)).await;
        assert!(
            matches!(outcome, Err(Error::BadAnswer { .. })),
            "{outcome:?}"
        );
    }
    let long = json!({"items": [1], "next_starting_after": "x".repeat(5_000)});
    let fake = Fake::doing([Act::json(200, long)]);
    let outcome = walk(&fake, Call::new(Op::ListAPIKey)).await;
    assert!(
        matches!(outcome, Err(Error::BadAnswer { .. })),
        "{outcome:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_are_fetched_as_they_are_asked_for() {
    let fake = Fake::answering(|seen| {
        let n: u32 = cursor(seen).map_or(0, |cursor| cursor.parse().unwrap());
        let next = (n + 1).to_string();
        Act::json(200, json!({"items": [n, n], "next_starting_after": next}))
    });
    let some = client(&fake)
        .items::<u32>(Call::new(Op::ListCampaign))
        .all(5)
        .await
        .unwrap();
    assert_eq!(some, [0, 0, 1, 1, 2]);
    assert_eq!(fake.seen().len(), 3);
}
