//! What is set for a client beside its grant.

use serde_json::json;

use crate::harness::{Server, run};

#[test]
fn controls_are_set_one_by_one_told_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, &["up"]);
    let create = [
        "client",
        "create",
        "crm",
        "--use-case=crm-sync",
        "--environment=production",
        "--per-second=5",
        "--redact=email=mask",
    ];
    run(path, &create).ended(0);
    let set = |arguments: &[&str]| {
        let all: Vec<&str> = ["client", "set", "crm"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        run(path, &all)
    };
    set(&[
        "--leads-per-day=2000",
        "--source=10.0.0.0/8",
        "--class=batch",
    ])
    .ended(0);
    let now = set(&["--per-second=none", "--expires-in=1d", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        now["controls"],
        json!({
            "class": "batch",
            "leads_per_day": 2000,
            "sources": ["10.0.0.0/8"],
            "redact": [{"class": "email", "action": "mask"}],
        })
    );
    assert!(now["expires_at"].is_string());
    let shown = run(path, &["client", "show", "crm"]).ended(0).stdout;
    for line in ["class batch, weight 1", "2000", "10.0.0.0/8", "email=mask"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    // What is refused changes nothing.
    for (wrong, says) in [
        (&[][..], "nothing is said to change"),
        (&["--weight=2", "--redact=items=drop"], "the classes are"),
        (&["--weight=2", "--redact=/a~b=drop"], "redaction rules"),
    ] {
        let refused = set(wrong).ended(2);
        assert!(refused.stderr.contains(says), "{refused:?}");
    }
    let cleared = set(&[
        "--source=none",
        "--redact=none",
        "--expires-in=never",
        "--json",
    ])
    .ended(0)
    .json();
    assert_eq!(
        cleared["controls"],
        json!({"class": "batch", "leads_per_day": 2000})
    );
    assert!(cleared["expires_at"].is_null());

    let acts = run(
        path,
        &["audit", "search", "--action", "client.set", "--json"],
    )
    .ended(0);
    let said: Vec<String> = acts
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|entry| entry.to_string().contains("success"))
        .map(|entry| entry.to_string())
        .collect();
    assert_eq!(said.len(), 3, "{}", acts.stdout);
    assert!(
        said.iter().any(|entry| entry.contains("10.0.0.0/8")),
        "{said:#?}"
    );
    server.end(rustix::process::Signal::TERM);
}
