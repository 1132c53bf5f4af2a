//! Rotations by the schedule: begun when they are due, those outside served, ages told.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use doorward_policy::Timestamp;
use doorward_store::{NewUpstreamKey, SqliteStore, Store};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Server, run};
use crate::operate::{answer, set, take, until};
use crate::upstream::{MANAGER, World};

const DAY: i64 = 86_400_000;

/// Has a key be made elsewhere, and added here, so many days ago.
fn age(folder: &Path, name: &str, days: i64) {
    let store = SqliteStore::open(&folder.join(".doorward/doorward.db")).unwrap();
    let workspace = store.workspace("acme").unwrap();
    let mut keys = workspace.upstream_keys.into_iter();
    let key = keys.find(|key| key.name == name).unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let at = Timestamp::from_millis(now - days * DAY);
    let again = NewUpstreamKey {
        scopes: key.scopes,
        role: key.role,
        api_key_id: key.api_key_id,
        made_at: Some(at),
        ..NewUpstreamKey::new(&key.name, &key.reference)
    };
    store.delete_upstream_key(&key.id).unwrap();
    store.add_upstream_key(&workspace.id, &again, at).unwrap();
}

fn history(folder: &Path) -> Vec<Value> {
    let all = run(folder, &["upstream", "history", "--json"])
        .ended(0)
        .json();
    all.as_array().unwrap().clone()
}

pub(crate) fn add(folder: &Path, text: &str) {
    let path = folder.join("doorward.toml");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}\n{text}")).unwrap();
}

/// Name of the key in the store, whatever it was seeded as.
pub(crate) fn name_of(world: &World, seeded: &str) -> String {
    let shown = world
        .run(&["workspace", "show", "acme", "--json"])
        .ended(0)
        .json();
    let keys = shown["upstream_keys"].as_array().unwrap().clone();
    let reference = format!("{seeded}.key");
    let key = keys
        .iter()
        .find(|key| key["reference"].as_str().unwrap().ends_with(&reference))
        .unwrap();
    key["name"].as_str().unwrap().to_owned()
}

pub(crate) fn secret(folder: &Path, name: &str, text: &str) {
    let path = folder.join(".doorward/secrets").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_key_that_is_due_is_rotated_and_those_outside_hold_the_new_one_before_the_old_is_revoked() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let path = world.path();
    let key = name_of(&world, "lead-import");
    let old = fs::read_to_string(path.join("lead-import.key")).unwrap();
    // The values are listed, so that which key it is can be told for certain.
    world.set(json!({ "list_keys": "clear" }));
    age(path, &key, 91);
    set(path, "rotate_every = \"never\"", "rotate_every = \"90d\"");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://{}/rotated", listener.local_addr().unwrap());
    secret(path, "hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    fs::create_dir(path.join("crm")).unwrap();
    set(path, "overlap = \"1m\"", "overlap = \"0\"");
    add(
        path,
        &format!(
            "[[rotation.consumer]]\nname = \"crm\"\nkey = \"{key}\"\nwrite = [\"file://{0}/crm/key\"]\n\
             webhook = {{ url = \"{hook}\", secret = \"file:secrets/hook\" }}\n\
             [[rotation.consumer]]\nname = \"sync\"\nkey = \"{key}\"\n\
             command = [\"/bin/sh\", \"-c\", \"cat > {0}/crm/sync; echo $DOORWARD_CONSUMER > {0}/crm/who\"]\n\
             command_stdin = true\n",
            path.display()
        ),
    );
    let plan = world
        .run(&["upstream", "rotate", &key, "--dry-run"])
        .ended(0);
    assert!(plan.stdout.contains("give crm the new key"), "{plan:?}");

    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    // While the hook has not answered, the old key works.
    let (stream, head, body) = take(&listener);
    let works = |value: &str| world.instantly(value, "GET", "/lead-lists?limit=1", None).0;
    assert_ne!(works(&old), 401, "{head}");
    answer(stream);
    let body = String::from_utf8(body).unwrap();
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["type"], "upstream_key.rotated");
    assert_eq!(
        (&told["data"]["key"], &told["data"]["consumer"]),
        (&json!(key), &json!("crm"))
    );
    for name in [
        "webhook-id: rot_",
        "webhook-timestamp: ",
        "webhook-signature: v1,",
    ] {
        assert!(head.to_lowercase().contains(name), "{name}: {head}");
    }
    until(|| {
        history(path)
            .first()
            .is_some_and(|one| one["step"] == "done")
    });
    let done = history(path)[0].clone();
    assert_eq!(
        (&done["why"], &done["key"]),
        (&json!("schedule"), &json!(key))
    );
    let new = fs::read_to_string(path.join("crm/key")).unwrap();
    assert_eq!(fs::read_to_string(path.join("crm/sync")).unwrap(), new);
    assert_eq!(fs::read_to_string(path.join("crm/who")).unwrap(), "sync\n");
    assert_ne!(works(&new), 401);
    assert_eq!(works(&old), 401);
    assert!(!body.contains(&new) && !body.contains(&old), "{body}");
    assert!(
        !fs::read_to_string(&server.log)
            .unwrap()
            .contains(new.trim())
    );
    // Whom it was given, and where it was written, is on record.
    let told = world.recorded("rotation.told");
    let to: Vec<_> = told.iter().map(|leaf| leaf.to_string()).collect();
    for consumer in ["crm", "sync"] {
        let named = format!("\"consumer\":\"{consumer}\"");
        assert!(to.iter().any(|leaf| leaf.contains(&named)), "{to:?}");
    }
    let written = json!(world.recorded("rotation.written")).to_string();
    let place = format!("file://{}/crm/key", path.display());
    assert!(
        written.contains(&place) && written.contains("\"consumer\":\"crm\""),
        "{written}"
    );
    // It is as old as a new one: nothing is due.
    assert_eq!(history(path).len(), 1);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}

#[test]
fn a_key_that_is_too_old_or_can_not_be_rotated_is_told_and_left_alone() {
    let world = World::with(&["lead-import"]);
    let path = world.path();
    let key = name_of(&world, "lead-import");
    age(path, &key, 120);
    set(path, "rotate_every = \"never\"", "rotate_every = \"90d\"");
    // Nobody but Doorward holds it, so that is not what stands in the way.
    let alone = format!("[[rotation.key]]\nname = \"{key}\"\nalone = true\n");
    add(path, &alone);
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let told = || -> Vec<Value> {
        let all = run(path, &["alert", "list", "--json"]).ended(0).json();
        let all = all.as_array().unwrap().clone();
        all.into_iter()
            .filter(|one| one["kind"] == "key_old")
            .collect()
    };
    until(|| told().len() == 2);
    let text = json!(told()).to_string();
    // Nothing manages the keys, so it is not begun, and both are said.
    assert!(
        text.contains("120") && text.contains("due and not rotated"),
        "{text}"
    );
    assert!(text.contains("make, list and delete keys"), "{text}");
    assert!(history(path).is_empty());
    // The schedule is taken up while it runs, and refused when it is faulty.
    set(path, "rotate_every = \"90d\"", "rotate_every = \"never\"");
    let taken = run(path, &["reload", "--json"]).ended(0).json();
    assert_eq!(
        taken,
        json!({"changed": ["rotation"], "restart_needed": []})
    );
    set(path, "windows = []", "windows = [\"Moon 09:00-17:00\"]");
    let refused = run(path, &["reload"]).ended(2);
    assert!(refused.stderr.contains("rotation.windows"), "{refused:?}");
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}

#[test]
fn a_key_that_others_may_hold_is_told_and_left_alone() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let path = world.path();
    let key = name_of(&world, "lead-import");
    let value = fs::read_to_string(path.join("lead-import.key")).unwrap();
    world.set(json!({ "list_keys": "clear" }));
    age(path, &key, 120);
    set(path, "rotate_every = \"never\"", "rotate_every = \"90d\"");
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let why = "whether somebody else uses it can't be told";
    until(|| {
        let told = run(path, &["alert", "list", "--json"]).ended(0).stdout;
        told.contains(why) && told.contains("alone = true")
    });
    assert!(history(path).is_empty());
    let still = world
        .instantly(&value, "GET", "/lead-lists?limit=1", None)
        .0;
    assert_ne!(still, 401);
    assert_eq!(server.end(Signal::TERM).code(), Some(0));
}
