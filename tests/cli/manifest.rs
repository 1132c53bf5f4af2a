//! `doorward plan`, `apply`, `export` and `manifest`, against the emulated Instantly.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Demo, Ran, doorward, pid};
use crate::people::{blocked, roles, world};
use crate::upstream::World;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

fn write(folder: &Path, text: &str) {
    fs::write(folder.join("workspace.toml"), text).unwrap();
}

fn add(folder: &Path, text: &str) {
    let path = folder.join("workspace.toml");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{before}\n{text}")).unwrap();
}

/// What a plan is approved by, and its steps.
fn plan(ran: &Ran) -> (String, Vec<String>) {
    let plan = ran.json();
    let approve = plan["approve"].as_str().unwrap_or_default().to_owned();
    let steps = plan["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| step["id"].as_str().unwrap().to_owned());
    (approve, steps.collect())
}

const MORE: &str = r#"
[[workspace]]
name = "demo"
competitor_domains = ["rival.example"]

[[workspace.upstream_key]]
name = "crm-reader"
scopes = ["leads:read"]
owner = "growth"
rotate_every = "30d"

[[workspace.client]]
name = "crm"
environment = "production"
use_cases = ["crm-sync"]
owner = "growth"
limits = { per_second = 5, redact = ["email=mask"] }

[[workspace.subscription]]
name = "replies"
event = "reply_received"
public_url = "RELAY"
allow = ["127.0.0.0/8"]

[[workspace.member]]
email = "new@larkspur.example"
role = "view"

[[destination]]
name = "lake"
url = "http://127.0.0.1:9/in"
events = ["reply_received"]
rate = 7
paused = true
"#;

#[test]
fn a_workspace_is_exported_brought_to_its_declared_state_and_kept_there() {
    let demo = Demo::up();
    let detailed = ["plan", "--detailed-exitcode"];
    demo.run(&["export", "--out", "workspace.toml"]).ended(0);
    let exported = fs::read_to_string(demo.path().join("workspace.toml")).unwrap();
    for there in [
        "mara@larkspur.example",
        "competitor.example",
        "[[destination]]",
        "lead-import",
    ] {
        assert!(exported.contains(there), "{there}: {exported}");
    }
    for secret in ["dwk_", "whsec_", "seeded-"] {
        assert!(!exported.contains(secret), "{exported}");
    }
    let nothing = demo.run(&detailed).ended(0);
    assert!(nothing.stdout.contains("Nothing to do"), "{nothing:?}");
    // It is not written over.
    demo.run(&["export", "--out", "workspace.toml"]).ended(2);

    // A role, permissions, and one of everything.
    let changed = exported.replace(
        "email = \"pavel@larkspur.example\"\nrole = \"view\"",
        "email = \"pavel@larkspur.example\"\nrole = \"editor\"",
    );
    let permissions =
        "permissions = [\"campaigns.edit\", \"campaigns.view\", \"leadManagement.view\"]";
    assert!(
        changed.contains(permissions) && changed != exported,
        "{exported}"
    );
    write(
        demo.path(),
        &changed.replace(permissions, "permissions = [\"crm.view\"]"),
    );
    let source = demo.server.text("source_url");
    let (relay, _) = source.split_once("/in/").unwrap();
    add(demo.path(), &MORE.replace("RELAY", relay));
    let drift = demo.run(&[&detailed[..], &["--json"]].concat()).ended(3);
    let (approve, steps) = plan(&drift);
    assert_eq!(
        steps,
        [
            "demo/upstream_key/crm-reader",
            "destination/lake",
            "demo/subscription/replies",
            "demo/client/crm",
            "demo/member/new@larkspur.example",
            "demo/member/pavel@larkspur.example",
            "demo/member/ines@larkspur.example",
            "demo/block_list/block",
        ]
    );
    let told = demo.run(&["plan"]).ended(0).stdout;
    assert!(told.contains("removed and invited again"), "{told}");
    assert!(told.contains("role: view → editor"), "{told}");

    // What is dangerous is approved by name, or not done.
    let unapproved = demo.run(&["apply", "--yes"]).ended(2);
    assert!(unapproved.stderr.contains(&approve), "{unapproved:?}");
    let other = demo
        .run(&["apply", "--yes", "--approve", "000000000000"])
        .ended(2);
    assert!(other.stderr.contains("is not this plan"), "{other:?}");
    demo.run(&["apply", "--approve", &approve]).ended(2);
    assert_eq!(plan(&demo.run(&["plan", "--json"])).1.len(), 8);

    let applied = demo
        .run(&["apply", "--yes", "--approve", &approve, "--json"])
        .ended(0);
    let last: Value = serde_json::from_str(applied.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["done"], &last["left"]),
        (&json!(8), &json!(0)),
        "{applied:?}"
    );
    let nothing = demo.run(&detailed).ended(0);
    assert!(nothing.stdout.contains("Nothing to do"), "{nothing:?}");
    demo.run(&["apply"]).ended(0);
    let key = demo
        .run(&["client", "show", "crm", "--json"])
        .ended(0)
        .json();
    assert_eq!(key["client"]["controls"]["per_second"], 5);
    let source = demo
        .run(&["webhook", "show", "replies", "--json"])
        .ended(0)
        .json();
    assert_eq!(source["there"]["secret_fits"], true, "{source}");
    let lake = demo
        .run(&["destination", "show", "lake", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&lake["state"], &lake["rate"]),
        (&json!("paused"), &json!(7))
    );
    for action in [
        "manifest.apply",
        "manifest.applied",
        "member.invite",
        "block_list.add",
    ] {
        let found = demo
            .run(&["audit", "search", "--action", action, "--json"])
            .ended(0);
        assert!(!found.stdout.is_empty(), "{action}");
    }

    // Somebody changes a member by hand.
    let whole = demo.key("full-automation");
    let found = demo.call(
        "GET",
        "/api/v2/workspace-members?search=pavel",
        &whole,
        None,
    );
    let id = found.body["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v2/workspace-members/{id}");
    let by_hand = demo.call("PATCH", &path, &whole, Some(json!({ "role": "admin" })));
    assert_eq!(by_hand.status, 200, "{by_hand:?}");
    let drift = demo.run(&[&detailed[..], &["--json"]].concat()).ended(3);
    assert_eq!(plan(&drift).1, ["demo/member/pavel@larkspur.example"]);
    let only_told = demo.run(&["apply", "--refresh-only"]).ended(0);
    assert!(only_told.stdout.contains("admin → editor"), "{only_told:?}");
    demo.run(&["apply", "--yes"]).ended(0);
    demo.run(&detailed).ended(0);
}

/// Starts an apply, kills it when a step of this kind is under way, and lets the API answer again.
fn killed(world: &World, operation: &str, kind: &str) {
    world.fail(Some(
        json!({ "kind": "latency", "operation": operation, "ms": 20_000 }),
    ));
    let approve = plan(&world.run(&["plan", "--json"])).0;
    let mut command = doorward(world.path());
    command.args(["apply", "--yes"]);
    if !approve.is_empty() {
        command.args(["--approve", &approve]);
    }
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let journal = world.path().join(".doorward/apply.json");
    let began = Instant::now();
    let under_way = |text: &str| {
        let kept: Value = serde_json::from_str(text).unwrap_or_default();
        kept["steps"].as_array().is_some_and(|steps| {
            steps.iter().any(|step| {
                step["state"] == "begun" && step["step"].as_str().unwrap().ends_with(kind)
            })
        })
    };
    while !fs::read_to_string(&journal).is_ok_and(|text| under_way(&text)) {
        assert!(began.elapsed() < PATIENCE, "no step of {kind} is under way");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The call is out.
    std::thread::sleep(Duration::from_millis(300));
    kill_process(pid(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    world.fail(None);
}

#[test]
fn an_apply_that_is_killed_is_just_run_again() {
    let world = world();
    let values: Vec<String> = (0..1_500)
        .map(|n| format!("\"rival{n}.example\""))
        .collect();
    let text = format!(
        "[[workspace]]\nname = \"acme\"\n\
         [[workspace.member]]\nemail = \"new@larkspur.example\"\nrole = \"view\"\n\
         [[workspace.member]]\nemail = \"ines@larkspur.example\"\nrole = \"editor\"\n\
         permissions = [\"crm.view\"]\n\
         [workspace.block_list]\nvalues = [{}]\n",
        values.join(", ")
    );
    write(world.path(), &text);
    // Between removing and inviting again, and within the block list.
    killed(&world, "createWorkspaceMember", "member");
    killed(&world, "createblukBlockListEntry", "block_list");
    let approve = plan(&world.run(&["plan", "--json"])).0;
    let mut last = vec!["apply", "--yes"];
    if !approve.is_empty() {
        last.extend(["--approve", &approve]);
    }
    let again = world.run(&last).ended(0);
    assert!(again.stderr.contains("ended early"), "{again:?}");
    world.run(&["plan", "--detailed-exitcode"]).ended(0);

    let people = roles(&world);
    for email in [
        "new@larkspur.example",
        "ines@larkspur.example",
        "mara@larkspur.example",
    ] {
        let count = people.iter().filter(|(one, _)| one == email).count();
        assert_eq!(count, 1, "{people:?}");
    }
    let mut values = blocked(&world);
    assert_eq!(values.len(), 1_505);
    values.dedup();
    assert_eq!(values.len(), 1_505);
    assert!(!world.path().join(".doorward/apply.json").exists());
    world.holds_nowhere("new@larkspur.example", "nothing");
}

#[test]
fn pruning_removes_what_is_not_declared_and_never_the_owner() {
    let world = world();
    write(
        world.path(),
        "[[workspace]]\nname = \"acme\"\nprune = [\"member\", \"block_list\"]\n\
         [[workspace.member]]\nemail = \"teo@larkspur.example\"\nrole = \"admin\"\n\
         [workspace.block_list]\nvalues = [\"competitor.example\"]\n",
    );
    let there = roles(&world).len();
    let shown = world.run(&["plan", "--json"]).ended(0);
    let (approve, steps) = plan(&shown);
    // All but the owner and who is declared, and the values that are not.
    assert_eq!(steps.len(), there - 2 + 1, "{steps:?}");
    assert_eq!(shown.json()["cannot"][0]["name"], "mara@larkspur.example");
    // What can't be as declared is told by the exit code; the rest is done.
    world
        .run(&["apply", "--yes", "--approve", &approve])
        .ended(1);
    let left: Vec<String> = roles(&world).into_iter().map(|(email, _)| email).collect();
    assert_eq!(left, ["mara@larkspur.example", "teo@larkspur.example"]);
    assert_eq!(blocked(&world), ["competitor.example"]);
    world.run(&["plan", "--detailed-exitcode"]).ended(3);
    let one = ["plan", "--detailed-exitcode", "--target", "block_list"];
    world.run(&one).ended(0);
}

#[test]
fn what_does_not_fit_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| crate::harness::run(folder.path(), arguments);
    let missing = run(&["plan"]).ended(2);
    assert!(missing.stderr.contains("doorward export"), "{missing:?}");
    write(
        folder.path(),
        "[[workspace]]\nname = \"acme\"\nprun = true\n[[workspace.member]]\nrole = \"boss\"\n",
    );
    let faulty = run(&["manifest", "validate"]).ended(2);
    for told in [
        "workspace.toml:3:1",
        "did you mean prune?",
        "workspace.toml:5:8",
    ] {
        assert!(faulty.stderr.contains(told), "{told}: {faulty:?}");
    }
    let faults = run(&["manifest", "validate", "--json"]).ended(2).json();
    assert_eq!(faults["faults"][0]["line"], 3);
    write(
        folder.path(),
        "[[workspace]]\nname = \"acme\"\nown_domains = [\"a.example\"]\n",
    );
    run(&["manifest", "validate"]).ended(0);
    let schema = run(&["manifest", "schema"]).ended(0).json();
    assert_eq!(schema["additionalProperties"], false);
    // It is no workspace of Doorward's yet, and there is no data folder.
    run(&["plan"]).ended(2);
}

#[test]
fn what_could_not_be_looked_at_stops_an_apply_and_is_told_by_a_plan() {
    let world = World::with(&["lead-import"]);
    write(
        world.path(),
        "[[workspace]]\nname = \"acme\"\n[[workspace.member]]\nemail = \"a@b.example\"\nrole = \"view\"\n\
         [[workspace.client]]\nname = \"c\"\nenvironment = \"production\"\nuse_cases = [\"lead-import\"]\n",
    );
    let plan = world.run(&["plan", "--detailed-exitcode"]).ended(1);
    assert!(plan.stdout.contains("workspace_members:read"), "{plan:?}");
    let refused = world.run(&["apply", "--yes"]).ended(1);
    assert!(refused.stderr.contains("nothing was done"), "{refused:?}");
    world
        .run(&["apply", "--yes", "--target", "client/c"])
        .ended(0);
    world.run(&["client", "show", "c"]).ended(0);
    let other = "[[workspace]]\nname = \"other\"\nown_domains = [\"a.example\"]\n";
    write(world.path(), other);
    let unknown = world.run(&["plan", "--detailed-exitcode"]).ended(3);
    assert!(
        unknown.stdout.contains("doorward workspace add other"),
        "{unknown:?}"
    );
}
