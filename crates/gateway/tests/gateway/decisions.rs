//! What is allowed reaches the upstream, what is not does not.

use doorward_catalog::{Method, Op};
use doorward_policy::Grant;

use crate::door::{Door, Setup, get, post, request, upstream_key};
use crate::upstream::{Reply, Upstream};

/// A request for an operation, with a body where it has one.
fn call(op: Op, key: &str) -> String {
    let path = op
        .path_with(None)
        .or_else(|| op.path_with(Some("0195-a")))
        .unwrap();
    match op.facts().method {
        Method::Get | Method::Delete => request(op.facts().method.as_str(), &path, key, &[], ""),
        method => request(
            method.as_str(),
            &path,
            key,
            &["Content-Type: application/json"],
            r#"{"name":"x"}"#,
        ),
    }
}

#[tokio::test]
async fn the_upstream_key_goes_out_with_what_is_allowed_and_nothing_else() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let grant = Grant::for_use_case("lead-import");
    let key = door.client("importer", grant.clone());
    let environment = doorward_catalog::Environment::Production;
    let kind = doorward_policy::WorkspaceKind::Sandbox;
    let granted = grant.resolve(environment, kind, crate::door::NOW).unwrap();
    let bearer = format!("Bearer {}", upstream_key("wide"));
    let mut connection = door.connect().await;
    let mut expected = 0;
    for op in Op::ALL {
        let answer = connection.send(call(op, &key)).await;
        if granted.contains(op, crate::door::NOW) {
            expected += 1;
            assert_eq!(answer.status, 200, "{op}");
            assert_eq!(answer.header("doorward-decision"), Some("allowed"));
            let seen = upstream.seen();
            let seen = seen.last().unwrap();
            assert_eq!(seen.all("authorization"), [bearer.as_str()]);
            assert!(!format!("{seen:?}").contains(&key));
        } else {
            assert_eq!(answer.status, 403, "{op}");
            assert_eq!(answer.header("doorward-decision"), Some("denied"));
            assert_eq!(answer.json()["doorward"]["operation"], op.id());
        }
        assert!(!String::from_utf8_lossy(&answer.body).contains(&upstream_key("wide")));
        assert_eq!(upstream.seen().len(), expected, "{op}");
    }
    assert!(expected > 3 && expected < 173);
}

#[tokio::test]
async fn a_refusal_says_what_is_missing() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("dashboard", Grant::for_scopes(["leads:read"]));
    let answer = door
        .send(post("/api/v2/leads", &key, r#"{"email":"a@b.org"}"#))
        .await;
    answer.refused(403, "scope_missing");
    let body = answer.json();
    assert_eq!(body["error"], "Forbidden");
    let doorward = &body["doorward"];
    assert_eq!(doorward["operation"], "createLead");
    assert_eq!(doorward["required"], serde_json::json!(["leads:create"]));
    assert_eq!(doorward["granted"], serde_json::json!(["leads:read"]));
    let message = body["message"].as_str().unwrap();
    assert!(
        message.starts_with("client 'dashboard' lacks leads:create for createLead"),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_no_operation_is_refused() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    for (text, status, reason) in [
        (get("/api/v2/nothing", &key), 404, "unknown_operation"),
        (get("/", &key), 400, "path_not_canonical"),
        (get("/api/v1/campaigns", &key), 404, "unknown_operation"),
        (
            request("PUT", "/api/v2/campaigns", &key, &[], ""),
            405,
            "unknown_operation",
        ),
        (request("HEAD", "/api/v2/campaigns", &key, &[], ""), 405, ""),
        (
            request("get", "/api/v2/campaigns", &key, &[], ""),
            405,
            "unknown_operation",
        ),
        (
            request("OPTIONS", "*", &key, &[], ""),
            400,
            "path_not_canonical",
        ),
        (get("/api/v2/campaigns/", &key), 400, "path_not_canonical"),
        (get("/api/v2//campaigns", &key), 400, "path_not_canonical"),
        (
            get("/api/v2/leads/../campaigns", &key),
            400,
            "path_not_canonical",
        ),
        (
            get("/api/v2/leads/%2e%2e/campaigns", &key),
            400,
            "path_not_canonical",
        ),
        (get("/api/v2/leads/a%2Fb", &key), 400, "path_not_canonical"),
        (
            get("/api/v2/leads/a%252Fb", &key),
            400,
            "path_not_canonical",
        ),
        (
            get("/api/v2/campaigns;a=b", &key),
            400,
            "path_not_canonical",
        ),
        (get("/api/v2/%63ampaigns", &key), 400, "path_not_canonical"),
        (get("/API/v2/campaigns", &key), 404, "unknown_operation"),
        (get("/api/v2/campaigns?a=%zz", &key), 400, "query_malformed"),
        (get("/api/v2/campaigns?a=%00", &key), 400, "query_malformed"),
        (
            get("http://elsewhere/api/v2/campaigns", &key),
            400,
            "target_not_ours",
        ),
    ] {
        let mut connection = door.connect().await;
        if text.starts_with("HEAD") {
            connection.write(&text).await;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(
                    tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut head)
                        .await
                        .unwrap()
                        > 0
                );
            }
            assert!(head.starts_with(b"HTTP/1.1 405 "));
            continue;
        }
        let answer = connection.send(&text).await;
        answer.refused(status, reason);
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET, POST"));
        }
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_sub_workspace_is_reached_only_by_who_is_granted_it() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let without = door.client("without", Grant::for_use_case("reader"));
    let mut grant = Grant::for_use_case("reader");
    grant.sub_workspaces.insert("0195-sub".to_owned());
    let with = door.client("with", grant);
    let naming = |key: &str, ids: &[&str]| {
        let lines: Vec<String> = ids
            .iter()
            .map(|id| format!("X-As-Workspace: {id}"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        request("GET", "/api/v2/campaigns", key, &lines, "")
    };
    door.send(naming(&without, &["0195-sub"]))
        .await
        .refused(403, "workspace_not_granted");
    door.send(naming(&with, &["0195-other"]))
        .await
        .refused(403, "workspace_not_granted");
    door.send(naming(&with, &["0195-sub", "0195-sub"]))
        .await
        .refused(400, "workspace_malformed");
    assert!(upstream.seen().is_empty());
    assert_eq!(door.send(naming(&with, &["0195-sub"])).await.status, 200);
    assert_eq!(upstream.only().all("x-as-workspace"), ["0195-sub"]);
}

#[tokio::test]
async fn the_narrowest_upstream_key_is_used() {
    let upstream = Upstream::plain().await;
    let keys = vec![
        ("reads", "all:read"),
        ("leads", "leads:create,leads:update"),
        ("lists", "lead_lists:read"),
    ];
    let setup = Setup {
        upstream_keys: keys,
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client(
        "robot",
        Grant::for_scopes([
            "leads:create",
            "leads:delete",
            "lead_lists:read",
            "campaigns:read",
        ]),
    );
    for (text, name) in [
        (call(Op::ListCampaign, &key), "reads"),
        (call(Op::CreateLead, &key), "leads"),
        (call(Op::ListLeadList, &key), "lists"),
    ] {
        assert_eq!(door.send(text).await.status, 200);
        let bearer = format!("Bearer {}", upstream_key(name));
        assert_eq!(
            upstream.seen().last().unwrap().all("authorization"),
            [bearer.as_str()]
        );
    }
    let answer = door.send(call(Op::DeleteLead, &key)).await;
    answer.refused(503, "no_upstream_key_covers");
    assert_eq!(answer.json()["doorward"]["operation"], "deleteLead");
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn what_the_api_asks_for_is_learnt_and_its_answer_passed_on() {
    let refusal = r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid scope. Required: webhooks:read. Found: leads:read"}"#;
    let upstream = Upstream::start(move |_, _| Reply::json("401 Unauthorized", refusal)).await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("hooks", Grant::for_operation("listWebhook"));
    let answer = door.send(get("/api/v2/webhooks", &key)).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (401, refusal.as_bytes())
    );
    assert_eq!(answer.header("doorward-decision"), Some("allowed"));
    assert_eq!(answer.header("www-authenticate"), None);
    let learnt = door.learnt.scopes.lock().unwrap().clone();
    assert_eq!(
        learnt,
        [("listWebhook".to_owned(), vec!["webhooks:read".to_owned()])]
    );
    let entry = &door.entries(1).await[0];
    assert_eq!(
        (entry.decision.as_deref(), entry.result.as_str()),
        (Some("allow"), "failure")
    );
}
