//! Copies of a store that is in use.

#![cfg(test)]

use std::os::unix::fs::PermissionsExt;

use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_store::{NewWorkspace, SqliteStore, Store};

#[test]
fn a_copy_has_what_was_there_and_is_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let now = Timestamp::from_seconds(1_800_000_000);
    let store = SqliteStore::open(&path).unwrap();
    let add = |name: &str| {
        let new = NewWorkspace::new(name, WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
        store.create_workspace(&new, now).unwrap()
    };
    add("before");
    // By another reader, while it is open for writing.
    let reader = SqliteStore::open_read_only(&path).unwrap();
    reader.copy_to(&copy).unwrap();
    add("after");
    assert!(reader.copy_to(&copy).is_err(), "nothing is overwritten");

    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let copied = SqliteStore::open(&copy).unwrap();
    let names = |store: &SqliteStore| -> Vec<String> {
        let all = store.workspaces().unwrap();
        all.into_iter().map(|workspace| workspace.name).collect()
    };
    assert_eq!(names(&copied), ["before"]);
    assert_eq!(names(&store).len(), 2);
    assert!(copied.generation().unwrap() < store.generation().unwrap());
}
