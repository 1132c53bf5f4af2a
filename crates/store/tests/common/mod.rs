//! What the tests start from.

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, Pepper};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{Client, NewClient, NewWorkspace, SqliteStore, Store, Workspace};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const LATER: Timestamp = NOW.plus_millis(60_000);

pub(crate) fn store() -> SqliteStore {
    SqliteStore::in_memory().unwrap()
}

pub(crate) fn sandbox(store: &dyn Store, name: &str) -> Workspace {
    let new = NewWorkspace::new(name, WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    store.create_workspace(&new, NOW).unwrap()
}

pub(crate) fn live(store: &dyn Store, name: &str) -> Workspace {
    let new = NewWorkspace::new(name, WorkspaceKind::Live, "https://api.instantly.ai");
    store.create_workspace(&new, NOW).unwrap()
}

pub(crate) fn importer(store: &dyn Store, workspace: &Workspace, name: &str) -> Client {
    let grant = Grant::for_use_case("lead-import");
    let new = NewClient::new(&workspace.id, name, Environment::Production, grant);
    store.create_client(&new, NOW).unwrap()
}

pub(crate) fn key(seed: u8) -> ClientKey {
    ClientKey::generate(Environment::Production, &[seed; ClientKey::RANDOM_LEN])
}

pub(crate) fn pepper() -> Pepper {
    Pepper::new(&[7; 32]).unwrap()
}
