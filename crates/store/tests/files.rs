//! The file on disk: who may open it, what is in it, what it survives.

#![cfg(test)]

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, Pepper};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{NewClient, NewClientKey, NewWorkspace, SqliteStore, Store, StoreError};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Tells a copy of this test program to be the other process.
const ROLE: &str = "DOORWARD_STORE_TEST_ROLE";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.db");
    (folder, path)
}

fn workspace(store: &dyn Store) -> String {
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    store.create_workspace(&new, NOW).unwrap().id
}

fn client(store: &dyn Store, workspace_id: &str, name: &str) -> String {
    let grant = Grant::for_use_case("lead-import");
    let new = NewClient::new(workspace_id, name, Environment::Production, grant);
    store.create_client(&new, NOW).unwrap().id
}

/// Runs this test program again as another process that opens the store at `path`.
fn other_process(test: &str, role: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role}:{}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn role(wanted: &str) -> Option<PathBuf> {
    let role = std::env::var(ROLE).ok()?;
    Some(PathBuf::from(role.strip_prefix(wanted)?.strip_prefix(':')?))
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let id = workspace(&store);
    client(&store, &id, "importer");
    let (workspaces, clients) = (store.workspaces().unwrap(), store.clients(None).unwrap());
    let generation = store.generation().unwrap();
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.workspaces().unwrap(), workspaces);
    assert_eq!(store.clients(None).unwrap(), clients);
    assert_eq!(store.generation().unwrap(), generation);
    assert_eq!(store.path(), path);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let id = workspace(&store);

    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(refused, StoreError::Locked { pid: Some(pid), .. } if pid == std::process::id()),
        "{refused:?}"
    );
    assert!(
        refused
            .to_string()
            .contains(&format!("in use by process {}", std::process::id()))
    );

    let reader = SqliteStore::open_read_only(&path).unwrap();
    assert_eq!(reader.workspaces().unwrap(), store.workspaces().unwrap());
    client(&store, &id, "importer");
    assert_eq!(
        reader.clients(None).unwrap().len(),
        1,
        "a reader sees what is committed"
    );
    assert!(matches!(
        reader.delete_workspace(&id),
        Err(StoreError::ReadOnly)
    ));
    assert!(matches!(
        reader.confirm_pepper("aa"),
        Err(StoreError::ReadOnly)
    ));

    drop(store);
    SqliteStore::open(&path).unwrap();
}

/// Another process holds the store; when it is killed, it is free again at once.
#[test]
fn another_process_is_named_and_its_death_frees_the_store() {
    if let Some(path) = role("hold") {
        let _store = SqliteStore::open(&path).unwrap();
        println!("holding");
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let (_folder, path) = folder();
    let mut child = other_process(
        "another_process_is_named_and_its_death_frees_the_store",
        "hold",
        &path,
    );
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let held = lines
        .map_while(Result::ok)
        .any(|line| line.ends_with("holding"));
    assert!(held, "the other process opened the store");
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(refused, StoreError::Locked { pid: Some(pid), .. } if pid == child.id()),
        "{refused:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    SqliteStore::open(&path).unwrap();
}

/// A process is killed while it writes: what it had acknowledged is there, and nothing is there by
/// halves.
#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(path) = role("write") {
        let store = SqliteStore::open(&path).unwrap();
        let id = workspace(&store);
        let pepper = Pepper::new(&[7; 32]).unwrap();
        for n in 0..u64::MAX {
            let client = client(&store, &id, &format!("c{n}"));
            let mut random = [0; ClientKey::RANDOM_LEN];
            random[..8].copy_from_slice(&n.to_le_bytes());
            let key = ClientKey::generate(Environment::Production, &random);
            store
                .add_client_key(&client, &NewClientKey::of(&key, &pepper), NOW)
                .unwrap();
            println!("done {n}");
        }
        return;
    }
    for round in [3, 40] {
        let (_folder, path) = folder();
        let mut child = other_process("what_was_acknowledged_survives_a_kill", "write", &path);
        let mut last = None;
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        for line in lines.by_ref() {
            last = line
                .split_once("done ")
                .map(|(_, n)| n.parse::<usize>().unwrap())
                .or(last);
            if last.is_some_and(|n| n >= round) {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            last = line
                .split_once("done ")
                .and_then(|(_, n)| n.parse().ok())
                .or(last);
        }
        let acknowledged = last.unwrap() + 1;

        let store = SqliteStore::open(&path).unwrap();
        let (clients, keys) = (
            store.clients(None).unwrap(),
            store.client_keys(None).unwrap(),
        );
        assert!(
            keys.len() >= acknowledged,
            "{} of {acknowledged}",
            keys.len()
        );
        // Each client and each key moved the generation by one, with the change or not at all.
        let expected = 2 + clients.len() + keys.len();
        assert_eq!(
            store.generation().unwrap(),
            u64::try_from(expected).unwrap()
        );
        assert!(clients.len() - keys.len() <= 1);
    }
}

#[test]
fn no_secret_is_in_the_files() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let id = workspace(&store);
    let importer = client(&store, &id, "importer");
    let canary = b"canary-pepper-of-more-than-32-bytes!";
    let pepper = Pepper::new(canary).unwrap();
    store.confirm_pepper(&pepper.check_value()).unwrap();
    let key = ClientKey::generate(Environment::Production, &[0xA5; ClientKey::RANDOM_LEN]);
    store
        .add_client_key(&importer, &NewClientKey::of(&key, &pepper), NOW)
        .unwrap();

    let secret = key.expose().rsplit_once('_').unwrap().1;
    let forbidden: [&[u8]; 5] = [
        key.expose().as_bytes(),
        secret.as_bytes(),
        &secret.as_bytes()[..12],
        &[0xA5; 16],
        canary,
    ];
    let hash = *key.hash(&pepper).as_bytes();
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
    let look = |when: &str| {
        let mut hashed = false;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!forbidden.iter().any(|part| holds(&bytes, part)), "{when}");
            hashed |= holds(&bytes, &hash);
        }
        hashed
    };
    assert!(
        look("open"),
        "the hash is there, so the search finds what is there"
    );
    drop(store);
    assert!(look("closed"));

    let store = SqliteStore::open(&path).unwrap();
    store.delete_client(&importer).unwrap();
    drop(store);
    assert!(!look("deleted"), "what is deleted is overwritten");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    workspace(&store);
    let modes = || {
        let mut modes: Vec<(String, u32)> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        modes.sort();
        modes
    };
    let all = [
        "doorward.db",
        "doorward.db-shm",
        "doorward.db-wal",
        "doorward.db.lock",
    ];
    assert_eq!(modes(), all.map(|name| (name.to_owned(), 0o600)));
    drop(store);

    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let _store = SqliteStore::open(&path).unwrap();
    assert!(
        modes().iter().all(|(_, mode)| *mode == 0o600),
        "narrowed: {:?}",
        modes()
    );
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let text = "not a database, but somebody's notes\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    assert!(
        refused.to_string().contains("is damaged or no database"),
        "{refused}"
    );
    assert!(matches!(
        SqliteStore::open_read_only(&path),
        Err(StoreError::Corrupt { .. })
    ));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn damage_is_found_on_opening() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let id = workspace(&store);
    for n in 0..50 {
        client(&store, &id, &format!("c{n}"));
    }
    drop(store);
    let whole = std::fs::read(&path).unwrap();

    // Every page but the first overwritten in turn, and the file cut short.
    let mut damaged: Vec<Vec<u8>> = (1..whole.len() / 4096)
        .map(|page| {
            let mut bytes = whole.clone();
            bytes[page * 4096..page * 4096 + 512].fill(0xA5);
            bytes
        })
        .collect();
    damaged.push(whole[..whole.len() - 4096 * 2].to_vec());
    damaged.push(whole[..5_000].to_vec());
    for bytes in damaged {
        std::fs::write(&path, &bytes).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
        assert!(
            refused.to_string().contains("restore it from a backup"),
            "{refused}"
        );
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(
        SqliteStore::open(&path)
            .unwrap()
            .clients(None)
            .unwrap()
            .len(),
        50
    );
}

#[test]
fn a_folder_that_is_not_there_is_a_clear_error() {
    let (folder, _) = folder();
    let path = folder.path().join("none/doorward.db");
    let refused = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(
        refused.starts_with("can't open ") && refused.contains("none"),
        "{refused}"
    );
    let refused = SqliteStore::open_read_only(&path).unwrap_err().to_string();
    assert!(refused.starts_with("can't open "), "{refused}");
}
