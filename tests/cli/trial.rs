//! Explaining a decision, and deciding again what was decided.

use serde_json::{Value, json};

use crate::harness::{Server, call, run};

#[test]
fn a_call_is_explained_as_it_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let _server = Server::start(path, &["up"]);
    let explain = |arguments: &[&str], code| {
        let all: Vec<&str> = ["policy", "explain", "--client", "lead-import", "--json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        run(path, &all).ended(code).json()
    };
    let found = |told: &Value, step: &str| {
        let steps = told["steps"].as_array().unwrap();
        let step = steps.iter().find(|each| each["step"] == step).unwrap();
        (
            step["passes"].clone(),
            step["found"].as_str().unwrap().to_owned(),
        )
    };
    let allowed = explain(&["POST", "/api/v2/leads"], 0);
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(
        found(&allowed, "grant"),
        (json!(true), "by the use case lead-import".to_owned())
    );
    let denied = explain(
        &[
            "DELETE",
            "/api/v2/campaigns/0195c1a0-0000-7000-8000-000000000001",
        ],
        1,
    );
    assert_eq!(denied["reason"], "scope_missing", "{denied}");
    assert_eq!(found(&denied, "grant").0, json!(false));
    let unknown = explain(&["GET", "/api/v2/nothing"], 1);
    assert_eq!(unknown["reason"], "unknown_operation", "{unknown}");
    let elsewhere = explain(&["POST", "/api/v2/leads", "--as-workspace", "other"], 1);
    assert_eq!(elsewhere["reason"], "workspace_not_granted", "{elsewhere}");

    // What a policy and a network say is told too.
    let text = "forbid (principal, action == Action::\"createLead\", resource);";
    std::fs::write(path.join("still.cedar"), text).unwrap();
    run(path, &["policy", "add", "still", "still.cedar"]).ended(0);
    let forbidden = explain(&["POST", "/api/v2/leads"], 1);
    assert_eq!(
        (&forbidden["reason"], &forbidden["policy"]),
        (&json!("denied_by_policy"), &json!("still")),
        "{forbidden}"
    );
    run(path, &["policy", "remove", "still"]).ended(0);
    run(
        path,
        &["client", "set", "lead-import", "--source", "10.0.0.0/8"],
    )
    .ended(0);
    let outside = explain(&["POST", "/api/v2/leads", "--source", "192.0.2.1"], 1);
    assert_eq!(outside["reason"], "source_not_allowed", "{outside}");
    explain(&["POST", "/api/v2/leads", "--source", "10.1.2.3"], 0);
    let shown = run(
        path,
        &[
            "policy",
            "explain",
            "--client",
            "lead-import",
            "POST",
            "/api/v2/leads",
        ],
    )
    .ended(0);
    assert!(shown.stdout.contains("createLead is allowed"), "{shown:?}");
}

#[test]
fn what_was_decided_is_decided_again_under_another_policy_or_grant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &["up"]);
    let gateway = server.text("gateway_url");
    run(
        path,
        &["client", "create", "crm", "-u", "crm-sync", "-e", "staging"],
    )
    .ended(0);
    let key = run(path, &["key", "issue", "crm"]).ended(0).stdout;
    let ask = |method: &str, target: &str, body: Option<Value>| {
        let url = format!("{gateway}{target}");
        call(method, &url, Some(key.trim_end()), body).status
    };
    let lead = || Some(json!({"email": "ada@example.com"}));
    for _ in 0..3 {
        assert_eq!(ask("POST", "/api/v2/leads", lead()), 200);
    }
    assert_eq!(ask("GET", "/api/v2/campaigns", None), 200);
    assert_eq!(ask("GET", "/api/v2/accounts", None), 403);
    let simulate = |arguments: &[&str], code| {
        let all: Vec<&str> = ["policy", "simulate", "--client", "crm", "--json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        run(path, &all).ended(code).json()
    };
    let changed = |told: &Value| {
        let changes = told["changes"].as_array().unwrap().clone();
        let mut changes: Vec<_> = changes
            .iter()
            .map(|each| {
                let text = |name: &str| each[name].as_str().unwrap().to_owned();
                (
                    text("change"),
                    text("operation"),
                    each["count"].as_u64().unwrap(),
                )
            })
            .collect();
        changes.sort();
        changes
    };
    let of =
        |change: &str, operation: &str, count| (change.to_owned(), operation.to_owned(), count);

    // Another grant: reads and writes alike.
    let told = simulate(
        &["--operation", "createLead", "--operation", "listAccount"],
        1,
    );
    assert_eq!(
        changed(&told),
        [
            of("newly_allowed", "listAccount", 1),
            of("newly_denied", "listCampaign", 1)
        ],
        "{told}"
    );
    // A policy that goes by what a write named, by its sealed inputs.
    let file = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
    file(
        "few.cedar",
        "forbid (principal, action == Action::\"createLead\", resource) when { context.leads_in_call > 5 };",
    );
    assert_eq!(changed(&simulate(&["few.cedar"], 0)), []);
    file(
        "none.cedar",
        "forbid (principal, action == Action::\"createLead\", resource) when { context.leads_in_call > 0 };",
    );
    let told = simulate(&["none.cedar"], 1);
    assert_eq!(
        changed(&told),
        [of("newly_denied", "createLead", 3)],
        "{told}"
    );
    assert_eq!(told["changes"][0]["examples"].as_array().unwrap().len(), 3);
    file(
        "wait.cedar",
        "@approval(\"required\") forbid (principal, action == Action::\"createLead\", resource);",
    );
    assert_eq!(
        changed(&simulate(&["wait.cedar"], 1)),
        [of("needs_approval", "createLead", 3)]
    );
    // Of reads it is not kept what they named; that is said.
    file(
        "reads.cedar",
        "forbid (principal, action == Action::\"listCampaign\", resource) when { context has query };",
    );
    let unsure = simulate(&["reads.cedar"], 0);
    assert_eq!(
        changed(&unsure),
        [of("unknown", "listCampaign", 1)],
        "{unsure}"
    );

    // Nothing was changed by all that, and that it was looked at is in the record.
    assert_eq!(ask("POST", "/api/v2/leads", lead()), 200);
    let looked = run(path, &["audit", "search", "--action", "policy.simulate"]).ended(0);
    assert!(looked.stdout.contains("success"), "{looked:?}");
    for (wrong, says) in [
        (&["policy", "simulate"][..], "say what to try"),
        (
            &["policy", "simulate", "--use-case", "reader"],
            "whose grant",
        ),
    ] {
        let ended = run(path, wrong).ended(2);
        assert!(ended.stderr.contains(says), "{ended:?}");
    }
}
