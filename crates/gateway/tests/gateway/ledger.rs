//! The record of calls: there before a write is, whole, and without anybody's data in clear.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_audit::Entry;
use doorward_catalog::Environment;
use doorward_gateway::{ReadsWithout, RecordSettings};
use doorward_ledger::log::Reader;
use doorward_ledger::segment::Disk;
use doorward_ledger::{Event, ReadLeaf};
use doorward_policy::{DenyReason, Grant, Inputs};

use crate::door::{CANARY, Door, NOW, Setup, get, post, request};
use crate::upstream::{Reply, Upstream};

const BODY: &str = r#"{"email":"Canary@b.org"}"#;
const ACTOR: &str = "Doorward-Actor: Canary.Ann@example.com";

pub(crate) fn recording(record: RecordSettings) -> Setup {
    Setup {
        record,
        ..Setup::default()
    }
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("-")
}

#[tokio::test]
async fn each_call_has_its_leaves() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let target = "/api/v2/leads/Canary%40b.org?email=Canary";
    let read = door.send(request("GET", target, &key, &[ACTOR], "")).await;
    let lines = ["Content-Type: application/json", ACTOR];
    let write = door
        .send(request("POST", "/api/v2/leads", &key, &lines, BODY))
        .await;
    let denied = door
        .send(request(
            "DELETE",
            "/api/v2/leads/Canary@b.org",
            &key,
            &[],
            "",
        ))
        .await;
    assert_eq!((read.status, write.status, denied.status), (200, 200, 403));
    let entries = door.entries(4).await;
    // What is noted may come a little later than what is waited for.
    let of = |answer: &crate::door::Response, kind: &str| {
        let id = answer.header("doorward-request-id");
        let mut found = entries
            .iter()
            .filter(|entry| entry.request_id.as_deref() == id);
        found.find(|entry| entry.kind == kind).unwrap()
    };
    let (read_outcome, decision) = (of(&read, "outcome"), of(&denied, "decision"));
    let (intent, outcome) = (of(&write, "intent"), of(&write, "outcome"));
    assert!(intent.seq < outcome.seq);

    for (entry, answer) in [
        (read_outcome, &read),
        (intent, &write),
        (outcome, &write),
        (decision, &denied),
    ] {
        assert_eq!(
            entry.request_id.as_deref(),
            answer.header("doorward-request-id")
        );
        assert!(
            entry.timestamp.starts_with("2027-01-15T08:00:00"),
            "{}",
            entry.timestamp
        );
        assert_eq!(text(&entry.client), "importer");
        assert_eq!(text(&entry.client_key_id), &key[6..18]);
        assert_eq!(text(&entry.environment), "production");
        assert_eq!(text(&entry.workspace), door.workspace);
        assert_eq!(text(&entry.source_ip), "127.0.0.1");
        assert_eq!(text(&entry.user_type), "client");
        assert_eq!(text(&entry.resource_type), "lead");
    }
    assert_eq!(read_outcome.action, "getLead");
    assert_eq!(text(&read_outcome.resource), "/leads/{id}");
    assert_eq!(read_outcome.resource_ids["id"], "canary@b.org");
    assert_eq!(text(&read_outcome.user), "canary.ann@example.com");
    assert!(read_outcome.user_claimed && !decision.user_claimed);
    assert_eq!(
        (read_outcome.result.as_str(), read_outcome.status),
        ("success", Some(200))
    );
    assert_eq!(read_outcome.metadata["answer"]["bytes"], 2);
    assert!(read_outcome.metadata["latency_us"].as_u64().unwrap() > 0);

    assert_eq!(
        (intent.result.as_str(), text(&intent.decision)),
        ("pending", "allow")
    );
    assert_eq!(intent.metadata["body"]["bytes"], BODY.len());
    assert_eq!(outcome.result, "success");
    assert_eq!(outcome.metadata["intent"], intent.id.unwrap().to_string());
    assert!(
        outcome
            .upstream_key
            .as_deref()
            .is_some_and(|id| id.starts_with("uk_"))
    );
    assert!(!outcome.metadata.contains_key("body"), "the intent has it");

    assert_eq!(
        (decision.result.as_str(), text(&decision.decision)),
        ("refused", "deny")
    );
    assert_eq!(
        (text(&decision.reason), decision.status),
        ("scope_missing", Some(403))
    );
    assert_eq!(text(&decision.user), "importer");
}

#[tokio::test]
async fn bodies_are_committed_to_and_decisions_can_be_made_again() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    door.send(post("/api/v2/leads", &key, BODY)).await;
    let target = "/api/v2/campaigns/019a0000-1111-7222-8333-444455556666";
    let lines = ["X-As-Workspace: Canary-sub"];
    door.send(request("GET", target, &key, &lines, "")).await;
    door.send(request("DELETE", target, &key, &[], "")).await;
    let entries = door.entries(4).await;
    let again = |entry: &Entry| {
        let inputs: Inputs = serde_json::from_value(entry.metadata["inputs"].clone()).unwrap();
        assert_eq!(inputs.decided_at, NOW);
        inputs.decide_again()
    };
    assert_eq!(again(&entries[0]), Ok(()));
    assert_eq!(again(&entries[2]), Err(DenyReason::WorkspaceNotGranted));
    assert_eq!(again(&entries[3]), Err(DenyReason::ScopeMissing));
    // Whatever somebody without the right to it wrote there is sealed with the inputs alone.
    assert_eq!(entries[2].as_workspace, None);
    assert_eq!(entries[2].metadata["inputs"]["as_workspace"], "Canary-sub");

    let digest = |body: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
        <[u8; 32]>::try_from(digest.as_ref()).unwrap()
    };
    let leaf = entries[0].id.unwrap();
    let found = serde_json::from_value(entries[0].metadata["body"]["commitment"].clone()).unwrap();
    let holds = |body| {
        door.audit
            .verify_commitment(leaf, "body", &digest(body), &found)
            .unwrap()
    };
    assert_eq!((holds(BODY), holds("{}")), (Some(true), Some(false)));
}

#[tokio::test]
async fn nobodys_data_is_in_the_ledger_in_clear() {
    let upstream =
        Upstream::start(|_, _| Reply::json("200 OK", r#"{"email":"Canary@b.org"}"#)).await;
    let mut door = Door::open(&upstream).await;
    let grant = Grant::for_use_case("lead-import");
    let key = door.client("importer", grant.clone());
    let lines = ["Content-Type: application/json", ACTOR, "X-Note: Canary"];
    for text in [
        request("POST", "/api/v2/leads", &key, &lines, BODY),
        request(
            "GET",
            "/api/v2/leads/Canary@b.org?search=Canary",
            &key,
            &lines[1..],
            "",
        ),
        request(
            "GET",
            "/api/v2/accounts/Canary@b.org",
            &key,
            &lines[1..],
            "",
        ),
        request("GET", "/api/v2/Canary@b.org", &key, &lines[1..], ""),
        request(
            "GET",
            "/api/v2/leads",
            &key,
            &["X-As-Workspace: Canary"],
            "",
        ),
        request(
            "GET",
            "/api/v2/leads",
            &key,
            &["X-As-Workspace: Canary@b.org"],
            "",
        ),
        post("/api/v2/leads", &key, "{\"Canary\""),
        get("/api/v2/leads", "Canary"),
    ] {
        door.send(text).await;
    }
    let entries = door.entries(8).await;
    assert!(
        entries
            .iter()
            .any(|entry| text(&entry.user).contains("canary"))
    );
    door.audit.close().unwrap();
    let bytes = String::from_utf8_lossy(&door.ledger_bytes()).into_owned();
    assert!(bytes.contains("createLead") && bytes.contains("importer"));
    for canary in [
        CANARY,
        "canary",
        "Q2FuYXJ5",
        "b.org",
        "127.0.0.1",
        "dwk_",
        &key[20..40],
    ] {
        assert!(!bytes.contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn an_intent_is_durable_before_the_write_is_sent() {
    let ledger: Arc<OnceLock<PathBuf>> = Arc::default();
    let folder = Arc::clone(&ledger);
    let upstream = Upstream::start(move |seen, _| {
        // As anybody finds it on disk who reads the folder at this moment.
        let disk = Disk::existing(folder.get().unwrap()).unwrap();
        let reader = Reader::open(Arc::new(disk), None).unwrap();
        let id = seen.all("user-agent")[0]
            .rsplit(' ')
            .next()
            .unwrap()
            .to_owned();
        let mut cursor = reader.from(0).unwrap();
        let mut found = 0;
        while let Some(record) = cursor.next().unwrap() {
            let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
                continue;
            };
            let intent = matches!(leaf.event, Event::Intent { .. });
            found += i32::from(intent && leaf.act.request_id.as_ref() == Some(&id));
        }
        Reply::json("200 OK", &format!("{{\"found\":{found}}}"))
    })
    .await;
    let mut door = Door::open(&upstream).await;
    ledger.set(door.ledger()).unwrap();
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    for _ in 0..20 {
        let answer = door.send(post("/api/v2/leads", &key, BODY)).await;
        assert_eq!(answer.json()["found"], 1);
    }
}

#[tokio::test]
async fn writes_stop_when_they_can_not_be_recorded() {
    for (reads_without, production, development) in [
        (ReadsWithout::Refuse, 503, 503),
        (ReadsWithout::RefuseInProduction, 503, 200),
        (ReadsWithout::Allow, 200, 200),
    ] {
        let upstream = Upstream::plain().await;
        let record = RecordSettings {
            reads_without,
            ..RecordSettings::default()
        };
        let mut door = Door::open_with(&upstream, recording(record)).await;
        let grant = Grant::for_use_case("lead-import");
        let key = door.client("importer", grant.clone());
        let other = door.client_in(Environment::Development, "trial", grant);
        assert_eq!(
            door.send(post("/api/v2/leads", &key, BODY)).await.status,
            200
        );
        door.audit.log().close().unwrap();
        for key in [&key, &other] {
            let refused = door.send(post("/api/v2/leads", key, BODY)).await;
            refused.refused(503, "ledger_unavailable");
            assert_eq!(refused.header("retry-after"), Some("1"));
        }
        let writes = upstream
            .seen()
            .iter()
            .filter(|seen| seen.line.starts_with("POST"))
            .count();
        assert_eq!(writes, 1);
        for (key, status) in [(&key, production), (&other, development)] {
            let answer = door.send(get("/api/v2/campaigns", key)).await;
            assert_eq!(answer.status, status, "{reads_without:?}");
            if status == 503 {
                answer.refused(503, "ledger_unavailable");
            }
        }
    }
}

#[tokio::test]
async fn a_ledger_that_is_moved_away_stops_writes_soon() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let lead = post("/api/v2/leads", &key, BODY);
    assert_eq!(door.send(&lead).await.status, 200);
    std::fs::rename(door.ledger(), door.folder.path().join("elsewhere")).unwrap();
    let stopped = async {
        while door.send(&lead).await.status == 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), stopped)
        .await
        .unwrap();
    door.send(&lead).await.refused(503, "ledger_unavailable");
}

#[tokio::test]
async fn an_intent_that_comes_too_late_is_ended() {
    let upstream = Upstream::plain().await;
    let record = RecordSettings {
        patience: Duration::ZERO,
        ..RecordSettings::default()
    };
    let mut door = Door::open_with(&upstream, recording(record)).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let refused = door.send(post("/api/v2/leads", &key, BODY)).await;
    refused.refused(503, "ledger_unavailable");
    assert!(upstream.seen().is_empty());
    let entries = door.entries(3).await;
    let of = |kind: &str| entries.iter().find(|entry| entry.kind == kind).unwrap();
    let (intent, outcome, decision) = (of("intent"), of("outcome"), of("decision"));
    assert_eq!(outcome.metadata["intent"], intent.id.unwrap().to_string());
    assert_eq!(
        (outcome.result.as_str(), text(&outcome.reason)),
        ("refused", "intent_late")
    );
    assert_eq!(text(&decision.reason), "ledger_unavailable");
    assert_eq!(decision.request_id, intent.request_id);
}

#[tokio::test]
async fn a_flood_of_strangers_is_one_leaf() {
    const FLOOD: usize = 10_000;
    let upstream = Upstream::plain().await;
    let door = Arc::new(Door::open(&upstream).await);
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            let door = Arc::clone(&door);
            tokio::spawn(async move {
                let mut connection = door.connect().await;
                for m in 0..FLOOD / 10 {
                    let text = match (n + m) % 3 {
                        0 => get("/api/v2/leads", ""),
                        1 => get("/api/v2/leads", "dwk_p_nothing"),
                        _ => post("/audit", "", "{}"),
                    };
                    assert_eq!(connection.send(text).await.status, 401);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // Nor do heads that can't be read tell who sent them.
    let mut connection = door.connect().await;
    assert_eq!(
        connection
            .send("GET /a HTTP/1.1\r\nX : y\r\n\r\n")
            .await
            .status,
        400
    );
    let size = door.audit.reader().size();
    let reasons = door.strangers();
    // That leaf, another if a minute ended meanwhile, and that the ledger was closed.
    assert!((2..=3).contains(&(door.audit.reader().size() - size)));
    assert_eq!(reasons.values().sum::<u64>(), FLOOD as u64 + 1);
    assert_eq!(reasons["head_malformed"], 1);
}

#[tokio::test]
async fn who_acts_is_named_printably_or_not_at_all() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    for bad in [
        &["Doorward-Actor: "][..],
        &["Doorward-Actor: a", "Doorward-Actor: b"],
        &[&format!("Doorward-Actor: {}", "a".repeat(257))],
        &["Doorward-Actor: a", "Connection: doorward-actor"],
    ] {
        let answer = door
            .send(request("GET", "/api/v2/campaigns", &key, bad, ""))
            .await;
        answer.refused(400, "actor_malformed");
    }
    assert!(upstream.seen().is_empty());
    let good = request(
        "GET",
        "/api/v2/campaigns",
        &key,
        &["Doorward-Actor: Ann Ö."],
        "",
    );
    assert_eq!(door.send(good).await.status, 200);
    assert!(upstream.only().all("doorward-actor").is_empty());
    let entries = door.entries(5).await;
    assert_eq!(text(&entries[4].user), "Ann Ö.");
}
