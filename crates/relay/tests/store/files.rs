//! The file: who may open it, and what is not opened.

use std::os::unix::fs::PermissionsExt;

use doorward_relay::{DeliveryState, EventReader, EventStore, Lane};
use doorward_store::SqliteStore;

use crate::common::{NOW, fill, folder, key, number, on_disk, open, options, outcome};

#[tokio::test]
async fn one_process_writes_and_only_the_owner_reads() {
    let (folder, path) = folder();
    let store = open(&path);
    let refused = EventStore::open(&path, &key(), &options(), NOW).unwrap_err();
    assert!(
        refused.to_string().contains("in use by process"),
        "{refused}"
    );
    fill(&store, 0, 1).await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.path());
    }
    // Others read meanwhile.
    let reader = EventReader::open(&path, &key()).unwrap();
    assert_eq!(reader.ends().unwrap(), Some((1, 1)));
    fill(&store, 1, 1).await;
    assert_eq!(reader.ends().unwrap(), Some((1, 2)));
    assert!(EventReader::open(&path, &"x".repeat(32).into()).is_err());
    assert!(EventReader::open(&folder.path().join("none.db"), &key()).is_err());
    reader.check().unwrap();
    drop(store);
    drop(open(&path));
}

#[tokio::test]
async fn writes_are_logged_ahead_and_synchronous() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 1).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(number(&path, "PRAGMA auto_vacuum"), 2);
}

#[tokio::test]
async fn a_file_that_is_not_ours_or_is_damaged_is_left_alone() {
    let (folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    let before = on_disk(&path);
    let open_it = |path: &std::path::Path| EventStore::open(path, &key(), &options(), NOW);
    let refused = open_it(&path).unwrap_err().to_string();
    assert!(refused.contains("another program"), "{refused}");
    assert_eq!(on_disk(&path), before);

    let path = folder.path().join("newer.db");
    drop(open(&path));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = open_it(&path).unwrap_err().to_string();
    assert!(refused.contains("format 99"), "{refused}");

    let path = folder.path().join("damaged.db");
    let store = open(&path);
    fill(&store, 0, 200).await;
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    let refused = open_it(&path).unwrap_err().to_string();
    assert!(refused.contains("damaged"), "{refused}");

    std::fs::write(&path, "no database at all, whatever it is").unwrap();
    assert!(open_it(&path).is_err());
}

#[tokio::test]
async fn a_copy_is_whole_and_goes_on_by_itself() {
    let (folder, path) = folder();
    let store = open(&path);
    let ids = fill(&store, 0, 20).await;
    store.begin(1, Some(0), NOW).await.unwrap();
    let outcomes = vec![outcome(1, 1, DeliveryState::Retry)];
    store
        .settle(outcomes, vec![(Lane::of(1), 1)])
        .await
        .unwrap();
    let copy = folder.path().join("copy.db");
    store.reader().copy_to(&copy).unwrap();
    assert!(
        store.reader().copy_to(&copy).is_err(),
        "nothing is overwritten"
    );
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fill(&store, 20, 1).await;
    let copied = open(&copy);
    assert_eq!(copied.reader().ends().unwrap(), Some((1, 20)));
    assert_eq!(
        copied.reader().event(&ids[3]).unwrap(),
        store.reader().event(&ids[3]).unwrap()
    );
    assert_eq!(copied.reader().cursor(1).unwrap(), Some(1));
    let again = fill(&copied, 20, 1).await;
    assert_eq!(copied.reader().event(&again[0]).unwrap().seq, 21);
}

#[tokio::test]
async fn what_a_killed_process_left_in_the_log_does_not_stay_there() {
    let (_folder, path) = folder();
    let store = open(&path);
    fill(&store, 0, 300).await;
    let log = |path: &std::path::Path| {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        std::path::PathBuf::from(log)
    };
    // What is on the disk now is what a kill would leave.
    let (_other, left) = crate::common::folder();
    std::fs::copy(&path, &left).unwrap();
    std::fs::copy(log(&path), log(&left)).unwrap();
    let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let before = size(&log(&left));
    assert!(before > 1_000_000, "{before}");
    let again = open(&left);
    // Once this one is written, what was found is where it belongs.
    fill(&again, 300, 1).await;
    let after = size(&log(&left));
    assert!(after < before / 10, "{after} of {before}");
    assert!(size(&left) > 300 * 512);
    assert_eq!(again.reader().ends().unwrap(), Some((1, 301)));
    again.close();
    assert_eq!(size(&log(&left)), 0);
}
