//! What is refused of those who hold a key outside, before anything is done.

use std::fs;

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{NewUpstreamKey, NewWorkspace, SqliteStore, Store};
use serde_json::json;

use crate::schedule::{add, name_of};
use crate::upstream::{MANAGER, World};

#[test]
fn a_rotation_is_refused_where_it_would_destroy_a_key_or_wait_for_ever() {
    let world = World::with(&[MANAGER, "lead-import"]);
    let path = world.path();
    let key = name_of(&world, "lead-import");
    world.set(json!({ "list_keys": "clear" }));
    fs::create_dir(path.join("crm")).unwrap();
    std::os::unix::fs::symlink(path, path.join("beside")).unwrap();
    let config = fs::read_to_string(path.join("doorward.toml")).unwrap();
    let plan = |write: &str, more: &str| {
        fs::write(path.join("doorward.toml"), &config).unwrap();
        let write = format!("write = [\"file://{}/{write}\"]", path.display());
        let text =
            format!("[[rotation.consumer]]\nname = \"crm\"\nkey = \"{key}\"\n{write}\n{more}\n");
        add(path, &text);
        world.run(&[
            "upstream",
            "rotate",
            &key,
            "--workspace",
            "acme",
            "--dry-run",
        ])
    };
    let hook = "command = [\"/bin/true\"]";
    let slots = [
        "lead-import.key",
        "lead-import.key-b",
        "beside/lead-import.key",
        "key-rotation.key",
        "key-rotation.key-b",
    ];
    for slot in slots {
        let refused = plan(slot, hook).ended(2);
        assert!(
            refused.stderr.contains("a slot of the upstream key"),
            "{slot}: {refused:?}"
        );
    }
    plan("crm/key", hook).ended(0);

    // It may read, and reads are not in the log; nor is the log read.
    let refused = plan("crm/key", "").ended(2);
    assert!(refused.stderr.contains("which has no reads"), "{refused:?}");
    let refused = plan("crm/key", "reads_unseen = true").ended(2);
    assert!(
        refused.stderr.contains("silence can't be seen"),
        "{refused:?}"
    );

    // Whose key a consumer holds has to be said where two workspaces have one of that name.
    let store = SqliteStore::open(&path.join(".doorward/doorward.db")).unwrap();
    let new = NewWorkspace::new("other", WorkspaceKind::Live, "https://api.instantly.ai");
    let now = Timestamp::from_seconds(1_800_000_000);
    let other = store.create_workspace(&new, now).unwrap().id;
    let new = NewUpstreamKey::new(&key, "file:///run/other");
    store.add_upstream_key(&other, &new, now).unwrap();
    drop(store);
    let refused = plan("crm/key", hook);
    let refused = refused.ended(2);
    assert!(refused.stderr.contains("says no workspace"), "{refused:?}");
}
