//! Keys that the API takes for dead, and the keys that take their place.

use doorward_policy::Grant;
use doorward_store::Store;

use crate::door::{Door, Setup, get, post, upstream_key};
use crate::upstream::{Reply, Seen, Upstream};

const BODY: &str = r#"{"email":"a@b.org"}"#;
const DEAD: &str = r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid API key"}"#;
const SCOPE: &str = r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid scope. Required: leads:create. Found: x"}"#;

fn setup() -> Setup {
    Setup {
        upstream_keys: vec![("narrow", "leads:all"), ("wide", "all:all")],
        ..Setup::default()
    }
}

async fn importer(upstream: &Upstream) -> (Door, String) {
    let mut door = Door::open_with(upstream, setup()).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    (door, key)
}

fn under(seen: &Seen, name: &str) -> bool {
    seen.all("authorization") == [format!("Bearer {}", upstream_key(name))]
}

/// Answers so under the narrow key, and well under the other.
async fn refusing(status: &'static str, body: &'static str) -> Upstream {
    Upstream::start(move |seen, _| {
        if under(seen, "narrow") {
            Reply::json(status, body)
        } else {
            Reply::json("200 OK", "{}")
        }
    })
    .await
}

#[tokio::test]
async fn a_dead_keys_call_goes_once_more_under_its_successor() {
    let upstream = refusing("401 Unauthorized", DEAD).await;
    let (door, key) = importer(&upstream).await;
    assert_eq!(
        door.send(post("/api/v2/leads", &key, BODY)).await.status,
        200
    );
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(under(&seen[0], "narrow") && under(&seen[1], "wide"));
    assert_eq!(seen[0].body, seen[1].body);
    // From now on the other is chosen first.
    assert_eq!(
        door.send(post("/api/v2/leads", &key, BODY)).await.status,
        200
    );
    assert_eq!(upstream.seen().len(), 3);
    let wide = door.store.workspaces().unwrap().remove(0).upstream_keys;
    let wide = wide
        .iter()
        .find(|key| key.name == "wide")
        .unwrap()
        .id
        .clone();
    let entries = door.entries(4).await;
    let outcomes: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == "outcome")
        .collect();
    assert!(
        outcomes
            .iter()
            .all(|entry| entry.upstream_key.as_ref() == Some(&wide))
    );
    assert_eq!(*door.learnt.refused.lock().unwrap(), [(true, true)]);
}

#[tokio::test]
async fn what_is_not_the_apis_word_on_the_key_is_passed_on() {
    for (status, body) in [
        ("401 Unauthorized", SCOPE),
        ("401 Unauthorized", r#"{"message":"log in to the proxy"}"#),
        ("403 Forbidden", DEAD),
    ] {
        let upstream = refusing(status, body).await;
        let (door, key) = importer(&upstream).await;
        let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
        assert!(status.starts_with(&answer.status.to_string()), "{body}");
        assert_eq!(answer.body, body.as_bytes());
        assert_eq!(upstream.seen().len(), 1, "{body}");
        assert!(door.learnt.refused.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn it_goes_once_more_and_not_twice() {
    let upstream = Upstream::start(|_, _| Reply::json("401 Unauthorized", DEAD)).await;
    let (door, key) = importer(&upstream).await;
    let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (401, DEAD.as_bytes())
    );
    assert_eq!(upstream.seen().len(), 2);
    // With none left that was not refused, the first is tried alone.
    assert_eq!(door.send(get("/api/v2/campaigns", &key)).await.status, 401);
    assert_eq!(upstream.seen().len(), 3);
}
