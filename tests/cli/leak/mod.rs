//! `doorward leak respond`: from a leaked key to the proof that it is dead, and the report.

pub(crate) mod hard;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::canary::{files, holds};
use crate::harness::{Demo, Ran, call, doorward};
use crate::upstream::{MANAGER, World};

/// Starts the answer to a leak, with the value piped in.
fn begin(folder: &Path, value: &str, arguments: &[&str]) -> Child {
    // What is not dead by then never is.
    let wait: &[&str] = match arguments.contains(&"--wait") {
        true => &[],
        false => &["--wait", "60s"],
    };
    let mut child = doorward(folder)
        .args(["leak", "respond", "--yes"])
        .args(wait)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(value.as_bytes()).unwrap();
    child
}

fn respond(folder: &Path, value: &str, arguments: &[&str]) -> Ran {
    Ran::of(begin(folder, value, arguments).wait_with_output().unwrap())
}

/// The report as JSON, once its files were seen to be for their owner alone and to hold no key.
fn report(folder: &Path, answer: &Value, secrets: &[&str]) -> (Value, String) {
    let read = |kind: &str| {
        let path = folder.join(answer["report"][kind].as_str().unwrap());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
        let text = fs::read_to_string(&path).unwrap();
        for secret in secrets {
            assert!(!text.contains(secret), "{path:?} holds a key");
        }
        text
    };
    (
        serde_json::from_str(&read("json")).unwrap(),
        read("markdown"),
    )
}

/// The acts of the ledger that have this action, as lines.
fn acts(folder: &Path, action: &str) -> Vec<Value> {
    let search = ["audit", "search", "--action", action, "--json"];
    let found = crate::harness::run(folder, &search).ended(0).stdout;
    found
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_client_key_is_refused_at_once_and_its_client_given_another() {
    let demo = Demo::up();
    demo.run(&["client", "create", "crm", "-u", "reader"])
        .ended(0);
    let leaked = demo.run(&["key", "issue", "crm"]).ended(0).stdout;
    let leaked = leaked.trim_end();
    let status = |key: &str| demo.call("GET", "/api/v2/campaigns", key, None).status;
    for _ in 0..3 {
        assert_eq!(status(leaked), 200);
    }
    let lead = json!({"email": "ada@example.com"});
    assert_eq!(
        demo.call("POST", "/api/v2/leads", leaked, Some(lead))
            .status,
        403
    );
    // As it was found, in quotes.
    let said = format!("\"{leaked}\"\n");
    let answer = respond(
        demo.path(),
        &said,
        &["--reissue", "--report", "incidents", "--json"],
    )
    .ended(0)
    .json();
    assert_eq!(status(leaked), 401);
    let new = answer["reissued"]["key"].as_str().unwrap();
    assert_eq!(status(new), 200);

    let (incident, text) = report(demo.path(), &answer, &[leaked, new]);
    assert_eq!(incident["dead"], true, "{incident:#}");
    assert_eq!(incident["subject"]["kind"], "client_key");
    let through = &incident["deeds"]["through"];
    assert_eq!(
        (&through["calls"], &through["failed"]),
        (&json!(4), &json!(1)),
        "{through:#}"
    );
    let addresses = through["addresses"].as_array().unwrap();
    assert_eq!(addresses[0]["address"], "127.0.0.1", "{through:#}");
    for part in [
        "**The key is dead.**",
        "listCampaign",
        "127.0.0.1",
        "## Timeline",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (found, stopped) = (
        acts(demo.path(), "leak.find"),
        acts(demo.path(), "leak.stop"),
    );
    assert_eq!((found.len(), stopped.len()), (2, 2));
    assert_eq!(acts(demo.path(), "leak.close").len(), 2);
    assert!(!format!("{found:?}{stopped:?}").contains(leaked));

    // By its id, a second time, nothing is left to do; without --report it lies here.
    let id = &leaked[6..18];
    let again = respond(demo.path(), "", &["--key", id, "--json"])
        .ended(0)
        .json();
    let path = again["report"]["markdown"].as_str().unwrap();
    assert!(demo.path().join(path).exists());
}

#[test]
fn a_key_that_doorward_does_not_hold_is_found_revoked_and_proved_dead() {
    let world = World::with(&[MANAGER, "lead-import"]);
    // Masked, so that which one it is can't be told for certain.
    let (id, value) = world.made_elsewhere("zapier", &["leads:all"]);
    let unsure = respond(world.path(), &value, &["--wait", "1s", "--report", "out"]).ended(1);
    let says = format!("--id {id}");
    assert!(unsure.stderr.contains(&says), "{unsure:?}");
    let wrong = [
        "--id",
        "019b76da-a800-7e55-b2fb-eea293f80bc9",
        "--wait",
        "1s",
    ];
    respond(world.path(), &value, &wrong).ended(1);
    let lead = json!({ "email": "grace@example.com" });
    assert_eq!(
        world
            .instantly(&value, "POST", "/leads", Some(lead.clone()))
            .0,
        200
    );
    // It is presented to the gateway too.
    let (server, _) = world.serve("lead-import");
    let gateway = server.text("gateway_url");
    assert_eq!(
        call(
            "GET",
            &format!("{gateway}/api/v2/leads"),
            Some(&value),
            None
        )
        .status,
        401
    );

    let ran = respond(
        world.path(),
        &format!("{value}\n"),
        &["--report", "out", "--json", "--id", &id],
    );
    let answer = ran.ended(0);
    let stderr = answer.stderr.clone();
    let answer = answer.json();
    assert_eq!(world.instantly(&value, "POST", "/leads", Some(lead)).0, 401);
    let (incident, text) = report(world.path(), &answer, &[&value]);
    let subject = &incident["subject"];
    assert_eq!(
        (&subject["api_key_id"], &subject["way"]),
        (&json!(id), &json!("revoke"))
    );
    assert_eq!(subject["key_id"], Value::Null);
    assert!(
        incident["proof"]["refusals"].as_u64().unwrap() >= 3,
        "{incident:#}"
    );
    assert!(
        incident["millis_to_401"].as_i64().unwrap() < 10_000,
        "{incident:#}"
    );
    let around = &incident["deeds"]["around"];
    assert_eq!(
        (&around["others"], &around["ours"]),
        (&json!(1), &json!(0)),
        "{around:#}"
    );
    assert_eq!(around["records"][0]["own_address"], false);
    let presented = &incident["deeds"]["through"]["presented"];
    assert_eq!(presented[0]["address"], "127.0.0.1", "{incident:#}");
    // What it could have done: add and delete leads, not make keys.
    let radius = incident["radius"].to_string();
    assert!(
        radius.contains("createLead") && !radius.contains("createAPIKey"),
        "{radius}"
    );
    for part in ["zapier", "was refused", "Around Doorward", "Lead added"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        stderr.contains("proved dead") && !stderr.contains(&value),
        "{stderr}"
    );
    let closed = acts(world.path(), "leak.close");
    let closed = closed.last().unwrap().to_string();
    assert!(
        closed.contains(&id) && closed.contains("millis_to_401"),
        "{closed}"
    );
    assert_eq!(server.end(Signal::TERM).code(), Some(0));

    let mut kept = Vec::new();
    files(&world.path().join(".doorward"), &[], &mut kept);
    for (path, bytes) in kept {
        assert!(!holds(&bytes, &value), "{path}");
    }
    // With no server, and dead already.
    let again = respond(world.path(), &value, &["--json"]).ended(0).json();
    assert_eq!(again["incident"]["subject"]["way"], "dead", "{again:#}");
    assert_eq!(again["incident"]["dead"], true);
}

#[test]
fn a_key_in_use_is_replaced_revoked_and_proved_dead_while_calls_go_on() {
    let demo = Demo::up();
    let folder = demo.path().join(".doorward/secrets");
    let mut secrets = Vec::new();
    files(&folder, &[], &mut secrets);
    let (_, value) = secrets
        .into_iter()
        .find(|(path, _)| path.contains("upstream-") && path.contains("reader"))
        .unwrap();
    let value = String::from_utf8(value).unwrap().trim().to_owned();
    let client = demo.key("analytics-dashboard");
    let status = || demo.call("GET", "/api/v2/campaigns", &client, None).status;
    assert_eq!(status(), 200);
    let answer = respond(demo.path(), &value, &["--report", "out", "--json"]).ended(0);
    let stderr = answer.stderr.clone();
    let answer = answer.json();
    assert_eq!(status(), 200, "under the new key");
    let sandbox = demo.server.text("sandbox_url");
    let old = call(
        "GET",
        &format!("{sandbox}/api/v2/campaigns"),
        Some(&value),
        None,
    );
    assert_eq!(old.status, 401, "{old:?}");

    let (incident, text) = report(demo.path(), &answer, &[&value]);
    let subject = &incident["subject"];
    assert_eq!(
        (&subject["name"], &subject["way"]),
        (&json!("reader"), &json!("rotate"))
    );
    assert_eq!(incident["dead"], true, "{incident:#}");
    assert!(incident["proof"]["refusals"].as_u64().unwrap() >= 3);
    assert!(incident["rotation"].is_string() && incident["revoked_at"].is_string());
    assert!(
        incident["deeds"]["through"]["calls"].as_u64().unwrap() >= 1,
        "{incident:#}"
    );
    assert!(
        incident["radius"].to_string().contains("listCampaign"),
        "{incident:#}"
    );
    assert!(text.contains("The key is dead"), "{text}");
    assert!(!stderr.contains(&value));
    let history = demo.run(&["upstream", "history", "--json"]).ended(0).stdout;
    assert!(history.contains("leak"), "{history}");

    // The key that manages is a person's to replace.
    let managing = respond(demo.path(), "", &["--key", "manager", "--wait", "1s"]).ended(1);
    assert!(managing.stderr.contains("app.instantly.ai"), "{managing:?}");
}

#[test]
fn where_no_key_manages_a_person_is_told_what_to_do_and_the_key_is_tried_until_it_is_dead() {
    let world = World::with(&["lead-import"]);
    let (id, value) = world.made_elsewhere("zapier", &["leads:all"]);
    let mut child = begin(world.path(), &value, &["--report", "out"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = String::new();
    loop {
        let line = lines.next().expect("it ended before it told").unwrap();
        told.push_str(&line);
        told.push('\n');
        if line.contains("until it is proved dead") {
            break;
        }
    }
    for part in ["app.instantly.ai", "API Keys", "leads:all", "Delete"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // The person does it.
    let wide = world.seeded("full-automation")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, _) = world.instantly(&wide, "DELETE", &format!("/api-keys/{id}"), None);
    assert_eq!(status, 200);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest:#?}");
    assert!(
        rest.iter().any(|line| line.contains("proved dead")),
        "{rest:#?}"
    );

    // Nobody does it: it says so, and reports all the same.
    let (_, other) = world.made_elsewhere("other", &["leads:all"]);
    let answer = respond(
        world.path(),
        &other,
        &["--wait", "1s", "--report", "out", "--json"],
    )
    .ended(1)
    .json();
    let (incident, text) = report(world.path(), &answer, &[&other]);
    assert_eq!(incident["dead"], false);
    assert!(text.contains("**The key is not proved dead.**"), "{text}");
}

#[test]
fn what_is_no_key_or_is_typed_as_an_argument_is_refused() {
    let world = World::with(&[MANAGER]);
    let (_, value) = world.made_elsewhere("zapier", &["leads:all"]);
    let typed = respond(world.path(), "", &["--key", &value]).ended(2);
    assert!(typed.stderr.contains("pipe it in"), "{typed:?}");
    assert!(!typed.stderr.contains(&value));
    for (piped, says) in [
        ("", "that is no key"),
        ("two words", "that is no key"),
        ("MDE5YmM", "may not be whole"),
        (&"x".repeat(5_000), "that is no key"),
        (
            "dwk_p_8jtPHNY1aF55_2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
            "none of those that were issued here",
        ),
    ] {
        let refused = respond(world.path(), piped, &[]).ended(2);
        assert!(refused.stderr.contains(says), "{says}: {refused:?}");
    }
    let unknown = respond(world.path(), "", &["--key", "nobody"]).ended(2);
    assert!(unknown.stderr.contains("upstream list"), "{unknown:?}");
    // Without --yes and with nobody to ask, nothing is done.
    let mut child = doorward(world.path())
        .args(["leak", "respond"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(value.as_bytes()).unwrap();
    drop(stdin);
    let asked = Ran::of(child.wait_with_output().unwrap()).ended(2);
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    let (status, _) = world.instantly(
        &value,
        "POST",
        "/leads",
        Some(json!({"email": "a@example.com"})),
    );
    assert_eq!(status, 200, "it was not revoked");
}
