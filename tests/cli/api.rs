//! `api`: calls as a client makes them.

use serde_json::{Value, json};

use crate::harness::{Demo, Ran, doorward};

#[test]
fn pages_are_followed_to_the_end() {
    let demo = Demo::up();
    let items = |ran: Ran| ran.ended(0).json()["items"].as_array().unwrap().clone();
    let call = |arguments: &[&str]| {
        let mut all = vec!["api", "--as", "lead-import"];
        all.extend(arguments);
        demo.run(&all)
    };
    let first = items(call(&["GET", "campaigns", "-F", "limit=2"]));
    let all = items(call(&["GET", "campaigns", "-F", "limit=2", "--paginate"]));
    assert_eq!(first.len(), 2);
    assert!(all.len() > 4 && all[..2] == first[..], "{}", all.len());

    // The cursor of the list of leads is in the body.
    let some = items(call(&["POST", "leads/list", "-F", "limit=50"]));
    let all = items(call(&[
        "POST",
        "leads/list",
        "-F",
        "limit=50",
        "--paginate",
    ]));
    assert_eq!(some.len(), 50);
    assert!(all.len() > 100 && all[..50] == some[..], "{}", all.len());
    let mut ids: Vec<&str> = all
        .iter()
        .map(|lead| lead["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());

    let few = call(&[
        "GET",
        "campaigns",
        "-F",
        "limit=1",
        "--paginate",
        "--max-pages",
        "2",
    ])
    .ended(1);
    assert!(few.stderr.contains("--max-pages"), "{few:?}");
    let one = call(&["GET", &format!("leads/{}", ids[0]), "--paginate"]).ended(1);
    assert!(one.stderr.contains("no list"), "{one:?}");
}

#[test]
fn bodies_come_from_fields_files_and_stdin() {
    let demo = Demo::up();
    let made = demo.run(&[
        "api",
        "POST",
        "leads",
        "-F",
        "email=fields@example.com",
        "-f",
        "first_name=7",
        "-F",
        "custom_variables[tier]=gold",
        "--as",
        "lead-import",
    ]);
    let made = made.ended(0).json();
    assert_eq!(made["first_name"], "7");
    assert_eq!(made["payload"]["tier"], "gold");

    std::fs::write(
        demo.path().join("lead.json"),
        r#"{"email": "file@example.com"}"#,
    )
    .unwrap();
    let made = demo.run(&[
        "api",
        "POST",
        "/api/v2/leads",
        "--input",
        "lead.json",
        "--as",
        "lead-import",
    ]);
    assert_eq!(made.ended(0).json()["email"], "file@example.com");

    let mut piped = doorward(demo.path());
    piped.args([
        "api",
        "POST",
        "leads",
        "--input",
        "-",
        "--as",
        "lead-import",
    ]);
    piped.stdin(std::fs::File::open(demo.path().join("lead.json")).unwrap());
    assert_eq!(Ran::of(piped.output().unwrap()).code, 0);
}

#[test]
fn answers_are_shown_as_they_are_and_refusals_end_with_1() {
    let demo = Demo::up();
    let refused = demo
        .run(&[
            "api",
            "POST",
            "leads",
            "-F",
            "email=x@example.com",
            "--as",
            "analytics-dashboard",
        ])
        .ended(1);
    assert_eq!(refused.json()["doorward"]["reason"], "scope_missing");
    assert!(
        refused
            .stderr
            .starts_with("403 Forbidden: client 'analytics-dashboard' lacks")
    );
    let shown = demo
        .run(&[
            "api",
            "GET",
            "campaigns",
            "--include",
            "--as",
            "lead-import",
        ])
        .ended(0);
    assert!(shown.stdout.starts_with("HTTP/1.1 200 OK\n"), "{shown:?}");
    assert!(
        shown.stdout.contains("doorward-decision: allowed\n"),
        "{shown:?}"
    );
    let told = demo
        .run(&["api", "GET", "nothing", "--as", "lead-import", "--json"])
        .ended(1)
        .json();
    assert_eq!(
        (&told["status"], &told["decision"]),
        (&json!(404), &json!("denied"))
    );
}

#[test]
fn the_key_is_the_environments_or_one_for_the_moment() {
    let demo = Demo::up();
    let with = |name: &str, key: &str| {
        let mut command = doorward(demo.path());
        command.args(["api", "GET", "campaigns"]).env(name, key);
        Ran::of(command.output().unwrap())
    };
    let key = demo.key("lead-import");
    with("DOORWARD_CLIENT_KEY", &key).ended(0);
    with("INSTANTLY_API_KEY", &key).ended(0);
    let none = with("UNRELATED", &key).ended(2);
    assert!(none.stderr.contains("--as CLIENT"), "{none:?}");

    // A real key is neither sent nor shown.
    let real = std::fs::read_to_string(demo.path().join(".doorward/secrets/upstream-reader.key"));
    let real = real.unwrap();
    let refused = with("INSTANTLY_API_KEY", &real).ended(2);
    assert!(refused.stderr.contains("real Instantly key"), "{refused:?}");
    assert!(!refused.stderr.contains(&real));

    demo.run(&["client", "create", "passing", "-u", "reader"])
        .ended(0);
    demo.run(&["api", "GET", "campaigns", "--as", "passing"])
        .ended(0);
    let keys = demo
        .run(&["key", "list", "passing", "--json"])
        .ended(0)
        .json();
    let statuses: Vec<&Value> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["status"])
        .collect();
    assert_eq!(statuses, ["revoked"]);
}

#[test]
fn a_sub_workspace_is_acted_on_by_who_was_granted_it() {
    let demo = Demo::up();
    let client = demo
        .run(&["client", "show", "full-automation", "--json"])
        .ended(0)
        .json();
    let sub = client["client"]["grant"]["sub_workspaces"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let arguments = [
        "api",
        "GET",
        "workspaces/current",
        "--as-workspace",
        &sub,
        "--as",
    ];
    let call = |client: &str| {
        let all: Vec<&str> = arguments.iter().copied().chain([client]).collect();
        demo.run(&all)
    };
    assert_eq!(call("full-automation").ended(0).json()["id"], sub.as_str());
    let refused = call("lead-import").ended(1).json();
    assert_eq!(refused["doorward"]["reason"], "workspace_not_granted");
}
