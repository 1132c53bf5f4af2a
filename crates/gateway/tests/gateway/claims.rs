//! `POST /audit`: a client's own word, durable when it is taken.

use doorward_gateway::Limits;
use doorward_policy::Grant;
use serde_json::json;

use crate::door::{Door, Response, Setup, get, post, request};
use crate::upstream::Upstream;

const CLAIM: &str = r#"{"action":"report.export","result":"success","user":"ann@example.com",
    "resource":{"type":"report","id":"Q3 of Canary"},"metadata":{"rows":120,"note":"Canary"}}"#;

async fn crm(upstream: &Upstream) -> (Door, String) {
    let mut door = Door::open(upstream).await;
    let key = door.client("crm", Grant::for_use_case("reader").with_audit());
    (door, key)
}

fn malformed(answer: &Response, member: &str) {
    answer.refused(400, "claim_malformed");
    assert_eq!(answer.json()["doorward"]["member"], member);
}

#[tokio::test]
async fn a_claim_is_durable_when_it_is_taken() {
    let upstream = Upstream::plain().await;
    let (door, key) = crm(&upstream).await;
    let answer = door.send(post("/audit", &key, CLAIM)).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    let sequence = answer.json()["sequence"].as_u64().unwrap();
    let leaf = door.audit.reader().leaf(sequence).unwrap();
    let leaf: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(
        (&leaf["id"], &leaf["kind"]),
        (&answer.json()["leaf"], &json!("claim"))
    );

    // One leaf a claim, and none beside it.
    let entries = door.entries(1).await;
    let entry = &entries[0];
    assert_eq!(
        (entry.action.as_str(), entry.result.as_str()),
        ("report.export", "success")
    );
    assert_eq!(entry.user.as_deref(), Some("ann@example.com"));
    assert!(entry.user_claimed);
    assert_eq!(entry.client.as_deref(), Some("crm"));
    assert_eq!(entry.client_key_id.as_deref(), Some(&key[6..18]));
    assert_eq!(
        entry.request_id.as_deref(),
        answer.header("doorward-request-id")
    );
    assert_eq!(entry.source_ip.as_deref(), Some("127.0.0.1"));
    assert!(!String::from_utf8_lossy(&door.ledger_bytes()).contains("Canary"));
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_acting_person_may_be_named_in_the_header() {
    let upstream = Upstream::plain().await;
    let (door, key) = crm(&upstream).await;
    let lines = [
        "Content-Type: application/json",
        "Doorward-Actor: bob@example.com",
    ];
    let claim = r#"{"action":"report.export","result":"failure"}"#;
    for body in [claim, CLAIM] {
        let answer = door
            .send(request("POST", "/audit", &key, &lines, body))
            .await;
        assert_eq!(answer.status, 201);
    }
    let users = door.entries(2).await;
    let users: Vec<_> = users
        .iter()
        .map(|entry| entry.user.as_deref().unwrap())
        .collect();
    assert_eq!(users, ["bob@example.com", "ann@example.com"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_recorded() {
    let upstream = Upstream::plain().await;
    let (mut door, key) = crm(&upstream).await;
    let without = door.client("reader", Grant::for_use_case("reader"));
    let send = |body: &str| door.send(post("/audit", &key, body));
    malformed(&send("").await, "body");
    malformed(&send("[]").await, "body");
    malformed(
        &send(r#"{"action":"A","result":"success"}"#).await,
        "action",
    );
    malformed(
        &send(r#"{"action":"a","result":"success","user":" "}"#).await,
        "user",
    );
    let tomorrow = r#"{"action":"a","result":"success","timestamp":"2027-01-16T08:00:00Z"}"#;
    malformed(&send(tomorrow).await, "timestamp");
    send("{").await.refused(400, "body_malformed");
    send(&format!("{{\"a\":\"{}\"}}", "x".repeat(20_000)))
        .await
        .refused(413, "body_too_large");
    door.send(request(
        "POST",
        "/audit",
        &key,
        &["Content-Type: text/plain"],
        "{}",
    ))
    .await
    .refused(415, "media_type_unsupported");
    let get_it = door.send(get("/audit", &key)).await;
    get_it.refused(405, "unknown_operation");
    assert_eq!(get_it.header("allow"), Some("POST"));
    let denied = door.send(post("/audit", &without, CLAIM)).await;
    denied.refused(403, "audit_not_granted");
    door.send(post("/audit?a=b", &key, CLAIM))
        .await
        .refused(404, "unknown_operation");
    door.send(post("/audit/", &key, CLAIM))
        .await
        .refused(400, "path_not_canonical");
    door.send(post("/audit", "", CLAIM))
        .await
        .refused(401, "unauthorized");

    let entries = door.entries(12).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.kind == "decision" && entry.is_refused())
    );
    assert!(
        entries[..10]
            .iter()
            .all(|entry| entry.action == "audit.claim")
    );
    let inputs: doorward_policy::Inputs =
        serde_json::from_value(entries[9].metadata["inputs"].clone()).unwrap();
    let again = inputs.decide_again().unwrap_err();
    assert_eq!(again.code(), entries[9].reason.as_deref().unwrap());
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_client_that_claims_too_much_fills_no_ledger() {
    const MORE: usize = 400;
    let upstream = Upstream::plain().await;
    let (mut door, key) = crm(&upstream).await;
    let other = door.client("other", Grant::default().with_audit());
    let mut connection = door.connect().await;
    let (mut taken, mut refused) = (0, 0_u64);
    let start = std::time::Instant::now();
    // All at once, so that a slow machine asks for too much, too.
    connection
        .write(post("/audit", &key, r#"{"action":"A"}"#).repeat(MORE))
        .await;
    for _ in 0..MORE {
        let answer = connection.read().await.unwrap();
        match answer.status {
            400 => taken += 1,
            _ => {
                answer.refused(429, "claims_too_fast");
                assert_eq!(answer.header("retry-after"), Some("1"));
                refused += 1;
            }
        }
    }
    let allowed = 101 + start.elapsed().as_millis() as usize / 10;
    assert!(taken >= 100 && taken <= allowed, "{taken} of {allowed}");
    assert!(refused > 1, "the machine is too slow to ask for too much");
    assert_eq!(door.send(post("/audit", &other, CLAIM)).await.status, 201);

    let entries = door.entries(taken + 2).await;
    let told = entries
        .iter()
        .filter(|entry| entry.reason.as_deref() == Some("claims_too_fast"));
    assert_eq!(told.count(), 1);
    assert_eq!(door.strangers()["claims_too_fast"], refused - 1);
}

#[tokio::test]
async fn a_burst_of_one_persons_calls_is_one_person() {
    const CALLS: usize = 400;
    let upstream = Upstream::plain().await;
    let (door, key) = crm(&upstream).await;
    let mut connection = door.connect().await;
    let actor = ["Doorward-Actor: ann@example.com"];
    let call = request("GET", "/api/v2/nothing", &key, &actor, "");
    connection.write(call.repeat(CALLS)).await;
    for _ in 0..CALLS {
        assert_eq!(connection.read().await.unwrap().status, 404);
    }
}

#[tokio::test]
async fn a_client_that_makes_up_people_fills_no_store() {
    const MORE: usize = 400;
    let upstream = Upstream::plain().await;
    let (door, key) = crm(&upstream).await;
    let mut connection = door.connect().await;
    let start = std::time::Instant::now();
    let calls: String = (0..MORE)
        .map(|n| {
            let actor = format!("Doorward-Actor: canary.{n}@example.com");
            // Each is refused, for another reason.
            let (method, target) = match n % 3 {
                0 => ("DELETE", "/api/v2/accounts/a%40example.com"),
                1 => ("GET", "/api/v2/nothing"),
                _ => ("GET", "/api/v2/not//canonical"),
            };
            request(method, target, &key, &[&actor], "")
        })
        .collect();
    connection.write(calls).await;
    let (mut recorded, mut refused) = (0, 0_u64);
    for _ in 0..MORE {
        let answer = connection.read().await.unwrap();
        match answer.status {
            429 => {
                answer.refused(429, "people_too_fast");
                refused += 1;
            }
            _ => recorded += 1,
        }
    }
    let allowed = 101 + start.elapsed().as_millis() as usize / 10;
    assert!(
        recorded >= 99 && recorded <= allowed,
        "{recorded} of {allowed}"
    );
    assert!(refused > 1, "the machine is too slow to ask for too much");

    let entries = door.entries(recorded + 1).await;
    let told = entries
        .iter()
        .find(|entry| entry.reason.as_deref() == Some("people_too_fast"));
    assert_eq!(
        told.unwrap().user.as_deref(),
        Some("crm"),
        "and nobody else"
    );
    assert_eq!(door.strangers()["people_too_fast"], refused - 1);

    // Who is known by now is welcome at any rate.
    let known = "Doorward-Actor: canary.0@example.com";
    for _ in 0..5 {
        let answer = door.send(request("GET", "/api/v2/nothing", &key, &[known], ""));
        assert_eq!(answer.await.status, 404);
    }
}

#[tokio::test]
async fn without_the_ledger_no_claim_is_taken() {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        limits: Limits::default(),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("crm", Grant::default().with_audit());
    door.audit.log().close().unwrap();
    let answer = door.send(post("/audit", &key, CLAIM)).await;
    answer.refused(503, "ledger_unavailable");
}
