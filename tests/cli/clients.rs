//! Clients and their keys, from creation to the refusal of what was revoked.

use serde_json::{Value, json};

use crate::harness::{Demo, Server, call, run};

#[test]
fn refusals_are_in_the_vendors_envelope_with_the_reason_beside() {
    let demo = Demo::up();
    let key = demo.key("analytics-dashboard");
    let lead = json!({"email": "ada@example.com"});

    let allowed = demo.call("GET", "/api/v2/campaigns?limit=1", &key, None);
    assert_eq!(
        (allowed.status, allowed.header("doorward-decision")),
        (200, "allowed")
    );

    let refused = demo.call("POST", "/api/v2/leads", &key, Some(lead.clone()));
    assert_eq!(
        (refused.status, refused.header("doorward-decision")),
        (403, "denied")
    );
    let mut body = refused.body;
    let id = body["doorward"]["request_id"].take();
    assert!(id.as_str().unwrap().starts_with("req_"));
    assert_eq!(
        body,
        json!({
            "statusCode": 403,
            "error": "Forbidden",
            "message": "client 'analytics-dashboard' lacks leads:create for createLead; ask for \
                        the use case lead-import, campaign-launcher, writer or crm-sync, or for \
                        leads:create",
            "doorward": {
                "reason": "scope_missing",
                "operation": "createLead",
                "required": ["leads:create"],
                "granted": ["campaigns:read", "accounts:read", "subsequences:read"],
                "request_id": null,
            },
        })
    );

    let whole = demo.key("full-automation");
    let never = demo.call("GET", "/api/v2/api-keys", &whole, None);
    assert_eq!(
        (never.status, &never.body["doorward"]["reason"]),
        (403, &json!("never_granted"))
    );
    let unknown = demo.call("GET", "/api/v2/nothing", &key, None);
    assert_eq!(unknown.body["doorward"]["reason"], "unknown_operation");

    // No key, no client's key, a mistyped one: all alike.
    let mut mistyped = key.clone();
    mistyped.replace_range(30..31, if &key[30..31] == "a" { "b" } else { "a" });
    let mut answers = Vec::new();
    for wrong in ["", "dwk_p_x", &mistyped] {
        let mut answer = demo.call("GET", "/api/v2/campaigns", wrong, None);
        answer.body["doorward"]["request_id"].take();
        assert_eq!(answer.status, 401, "{answer:?}");
        answers.push(answer.body);
    }
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "{answers:#?}"
    );
}

#[test]
fn a_client_lives_and_its_keys_are_refused_from_the_next_call_on() {
    let demo = Demo::up();
    let create = [
        "client",
        "create",
        "reporter",
        "--use-case",
        "reader",
        "--environment",
        "staging",
        "--owner",
        "ada@example.com",
        "--json",
    ];
    let client = demo.run(&create).ended(0).json();
    assert_eq!(
        (&client["status"], &client["environment"]),
        (&json!("active"), &json!("staging"))
    );
    let again = demo.run(&create).ended(1);
    assert!(
        again
            .stderr
            .contains("there is a client 'reporter' already"),
        "{again:?}"
    );

    let issued = demo
        .run(&["key", "issue", "reporter", "--expires-in", "1h", "--json"])
        .ended(0);
    let issued = issued.json();
    let (id, key) = (
        issued["id"].as_str().unwrap(),
        issued["key"].as_str().unwrap(),
    );
    assert!(key.starts_with(&format!("dwk_s_{id}_")), "{key}");
    // For people the key alone is on stdout.
    let other = demo.run(&["key", "issue", "reporter"]).ended(0);
    assert_eq!(other.stdout.trim_end().len(), key.len());
    assert!(!other.stderr.contains(other.stdout.trim_end()));

    let status = |key: &str| demo.call("GET", "/api/v2/campaigns", key, None).status;
    assert_eq!(status(key), 200);
    demo.run(&["client", "disable", "reporter"]).ended(0);
    let disabled = demo.call("GET", "/api/v2/campaigns", key, None);
    assert_eq!(
        (disabled.status, &disabled.body["doorward"]["reason"]),
        (403, &json!("client_disabled"))
    );
    demo.run(&["client", "enable", "reporter"]).ended(0);
    assert_eq!(status(key), 200);

    demo.run(&["key", "revoke", id]).ended(0);
    assert_eq!(status(key), 401);
    assert_eq!(status(other.stdout.trim_end()), 200);
    let listed = demo.run(&["key", "list", "reporter", "--json"]).ended(0);
    assert!(!listed.stdout.contains(key));
    let of = |id: &str| {
        let all = listed.json();
        let key = all
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["id"] == id)
            .cloned();
        key.unwrap()
    };
    assert_eq!(of(id)["status"], "revoked");

    demo.run(&["client", "delete", "reporter"]).ended(0);
    assert_eq!(status(other.stdout.trim_end()), 401);
    let gone = demo.run(&["client", "show", "reporter"]).ended(1);
    assert!(
        gone.stderr.contains("`doorward client list` shows"),
        "{gone:?}"
    );
}

#[test]
fn what_is_done_with_no_server_running_holds_when_it_runs() {
    let demo = Demo::up();
    let folder = {
        let Demo { folder, server } = demo;
        server.end(rustix::process::Signal::TERM);
        folder
    };
    let path = folder.path();
    run(path, &["client", "create", "offline", "-u", "reader"]).ended(0);
    let key = run(path, &["key", "issue", "offline"]).ended(0).stdout;
    let revoked = run(path, &["key", "issue", "offline"]).ended(0).stdout;
    run(path, &["key", "revoke", &revoked[6..18]]).ended(0);

    let demo = Demo {
        server: crate::harness::Server::start(path, &["up"]),
        folder,
    };
    assert_eq!(
        demo.call("GET", "/api/v2/campaigns", key.trim_end(), None)
            .status,
        200
    );
    assert_eq!(
        demo.call("GET", "/api/v2/campaigns", revoked.trim_end(), None)
            .status,
        401
    );
}

#[test]
fn faulty_requests_are_told_apart_from_failures() {
    let demo = Demo::up();
    for (arguments, code, says) in [
        (
            &["client", "create", "Bad Name", "-u", "reader"][..],
            2,
            "other characters",
        ),
        (
            &["client", "create", "x", "-u", "raeder"],
            2,
            "there is no use case 'raeder'",
        ),
        (&["client", "create", "x"], 2, "names nothing"),
        (
            &["client", "create", "x", "--operation", "createAPIKey"],
            2,
            "never granted",
        ),
        (
            &["client", "create", "x", "-u", "reader", "-w", "nowhere"],
            1,
            "workspace list",
        ),
        (
            &[
                "client",
                "create",
                "x",
                "-u",
                "reader",
                "--expires-in",
                "soon",
            ],
            2,
            "90d",
        ),
        (
            &["client", "show", "nobody"],
            1,
            "there is no client 'nobody'",
        ),
        (
            &["key", "issue", "nobody"],
            1,
            "there is no client 'nobody'",
        ),
        (&["key", "revoke", "short"], 2, "12 letters and digits"),
        (
            &["key", "revoke", "000000000000"],
            1,
            "there is no client key",
        ),
        (&["workspace", "remove", "demo"], 1, "client delete"),
        (
            &["workspace", "show", "nowhere"],
            1,
            "there is no workspace 'nowhere'",
        ),
    ] {
        let ended = demo.run(arguments).ended(code);
        assert!(ended.stderr.contains(says), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
        let as_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = demo.run(&as_json).ended(code);
        // What clap refuses it tells in its own form.
        if let Ok(told) = serde_json::from_str::<Value>(&ended.stderr) {
            assert_eq!(told["error"]["exit_code"], code, "{ended:?}");
        } else {
            assert!(ended.stderr.contains("--help"), "{ended:?}");
        }
    }
}

#[test]
fn a_grant_is_replaced_and_holds_from_the_next_call_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &["up"]);
    let gateway = server.text("gateway_url");
    let grant = |arguments: &[&str]| {
        let all: Vec<&str> = ["client", "grant"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        run(path, &all)
    };
    run(path, &["client", "create", "crm", "-u", "lead-import"]).ended(0);
    let key = run(path, &["key", "issue", "crm"]).ended(0).stdout;
    let lead = || {
        let url = format!("{gateway}/api/v2/leads");
        let body = serde_json::json!({"email": "ada@example.com"});
        call("POST", &url, Some(key.trim_end()), Some(body)).status
    };
    assert_eq!(lead(), 200);
    let now = grant(&["crm", "-u", "analytics-dashboard", "--json"]).ended(0);
    let use_cases = &now.json()["grant"]["use_cases"];
    assert_eq!(*use_cases, serde_json::json!(["analytics-dashboard"]));
    assert_eq!(lead(), 403);
    // What is refused changes nothing.
    for wrong in [
        &["crm"][..],
        &["crm", "--operation", "createAPIKey"],
        &["crm", "-u", "none"],
    ] {
        grant(wrong).ended(2);
    }
    grant(&["nobody", "-u", "reader"]).ended(1);
    let shown = run(path, &["client", "show", "crm", "--json"])
        .ended(0)
        .json();
    assert_eq!(shown["client"]["grant"]["use_cases"], *use_cases);
}

#[test]
fn containers_are_told_where_they_reach_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let _server = Server::start(path, &["up"]);
    let env = |arguments: &[&str]| {
        let all: Vec<&str> = ["env", "lead-import"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        run(path, &all).ended(0)
    };
    let url = |ran: crate::harness::Ran| {
        let json = ran.json();
        json["variables"]["INSTANTLY_BASE_URL"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let compose = url(env(&["--format", "compose", "--json"]));
    assert!(
        compose.starts_with("http://host.docker.internal:"),
        "{compose}"
    );
    assert!(env(&["--format", "compose"]).stdout.contains(&compose));
    assert!(url(env(&["--json"])).starts_with("http://127.0.0.1:"));
}
