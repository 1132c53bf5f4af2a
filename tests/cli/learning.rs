//! From a wide grant for a while to the least that does the work.

use serde_json::{Value, json};

use crate::harness::{Server, call, run};

#[test]
fn a_client_that_learned_gets_its_least_grant_and_works_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &["up"]);
    let gateway = server.text("gateway_url");
    let create = ["client", "create", "sync", "--learn", "1m", "--json"];
    let made = run(path, &create).ended(0).json();
    assert!(made["grant"]["learning"]["until"].is_string(), "{made}");
    let key = run(path, &["key", "issue", "sync"]).ended(0).stdout;
    let ask = |method: &str, target: &str, body: Option<Value>| {
        call(
            method,
            &format!("{gateway}{target}"),
            Some(key.trim_end()),
            body,
        )
    };
    let lead = || Some(json!({"email": "ada@example.com"}));
    assert_eq!(ask("GET", "/api/v2/campaigns", None).status, 200);
    assert_eq!(ask("GET", "/api/v2/campaigns?limit=1", None).status, 200);
    assert_eq!(ask("POST", "/api/v2/leads", lead()).status, 200);
    // No learning is wide enough for keys.
    assert_eq!(ask("GET", "/api/v2/api-keys", None).status, 403);

    let status = run(path, &["status", "--json"]).json();
    assert_eq!(
        (&status["beyond"][0]["client"], &status["beyond"][0]["why"]),
        (&json!("sync"), &json!("learning")),
        "{status}"
    );

    // When it is over, a client that was granted nothing else may do nothing.
    run(path, &["client", "learn", "sync", "--end"]).ended(0);
    let over = ask("GET", "/api/v2/campaigns", None);
    assert_eq!(
        (over.status, &over.body["doorward"]["reason"]),
        (403, &json!("learning_over"))
    );
    assert!(
        over.body["message"]
            .as_str()
            .unwrap()
            .contains("client recommend sync"),
        "{over:?}"
    );

    let told = run(path, &["client", "recommend", "sync", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        told["grant"],
        json!({"operations": ["createLead", "listCampaign"]})
    );
    assert_eq!(told["used"]["listCampaign"]["calls"], 2);
    assert_eq!(told["denied"]["never_granted"]["listAPIKey"]["calls"], 1);
    assert_eq!(told["denied"]["learning_over"]["listCampaign"]["calls"], 1);
    let command = told["command"].as_str().unwrap();
    assert_eq!(
        command,
        "doorward client grant sync --operation createLead --operation listCampaign --workspace demo"
    );
    let shown = run(path, &["client", "recommend", "sync"]).ended(0).stdout;
    assert!(shown.contains(command), "{shown}");
    // Looking changes nothing.
    assert_eq!(ask("GET", "/api/v2/campaigns", None).status, 403);

    run(path, &["client", "recommend", "sync", "--apply"]).ended(0);
    assert_eq!(ask("GET", "/api/v2/campaigns", None).status, 200);
    assert_eq!(ask("POST", "/api/v2/leads", lead()).status, 200);
    let other = ask("GET", "/api/v2/accounts", None);
    assert_eq!(
        (other.status, &other.body["doorward"]["reason"]),
        (403, &json!("scope_missing"))
    );

    // The wide grant is in the record, with its end, and so is what took its place.
    for action in ["client.create", "client.learn.end", "client.grant"] {
        let found = run(
            path,
            &["audit", "search", "--client", "sync", "--action", action],
        );
        assert!(found.ended(0).stdout.contains("success"), "{action}");
    }
}

#[test]
fn what_can_t_be_learned_is_refused_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let _server = Server::start(path, &["up"]);
    run(path, &["client", "create", "idle", "-u", "reader"]).ended(0);
    for (arguments, code, says) in [
        (&["learn", "idle", "--for", "31d"][..], 2, "thirty days"),
        (&["learn", "idle"], 2, "--for"),
        (&["learn", "idle", "--end"], 2, "does not learn"),
        (&["learn", "nobody", "--for", "1h"], 1, "there is no client"),
        (&["recommend", "idle", "--apply"], 1, "nothing was applied"),
    ] {
        let all: Vec<&str> = ["client"].iter().chain(arguments).copied().collect();
        let ended = run(path, &all).ended(code);
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
    }
    let told = run(path, &["client", "recommend", "idle", "--json"])
        .ended(0)
        .json();
    assert_eq!(told["grant"], Value::Null);
    assert!(!told["never_used"].as_array().unwrap().is_empty());
}
