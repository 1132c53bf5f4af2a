//! The disk is full, the file is held by others, the end of the log is torn.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use doorward_relay::events::{NewEvent, TakeError, Taken};
use doorward_relay::{EventStore, Retention, StoreOptions};

use crate::common::{NOW, event, fill, folder, key, open, options};

/// Marks this test program as run on a small disk.
const SMALL_DISK: &str = "RELAY_TEST_SMALL_DISK";

fn large(store: &EventStore, n: u64) -> NewEvent {
    let lead = format!("{n}@example.com");
    event(
        &store.keys(),
        &format!("{n} {}", "x".repeat(3_000)),
        Some(&lead),
    )
}

/// Fills a store until it refuses; makes room by retention; goes on. What was acknowledged is there
/// all the while.
async fn fill_and_go_on(store: &EventStore) {
    let mut stored = Vec::new();
    let refused = loop {
        match store.take(large(store, stored.len() as u64)).await {
            Ok(taken) => stored.push(taken.id()),
            Err(error) => break error,
        }
        assert!(stored.len() < 100_000, "the limit was never reached");
    };
    assert_eq!(refused, TakeError::Full);
    assert!(store.figures().full);
    assert!(store.figures().refused_full >= 1);
    assert!(stored.len() > 50, "{}", stored.len());
    for id in &stored {
        store.reader().event(id).unwrap();
    }
    // What is known already is said so, or is refused; it is never stored again.
    let n = stored.len() as u64;
    if let Ok(again) = store.take(large(store, 0)).await {
        assert_eq!(again, Taken::Known(stored[0]));
    }
    assert_eq!(store.take(large(store, n)).await, Err(TakeError::Full));
    // Retention makes room, and without being opened again the store goes on.
    let limits = Retention {
        max_age_ms: i64::MAX,
        max_bytes: 200_000,
    };
    let done = store.retain(limits, NOW).await.unwrap();
    assert!(done.bodies > 0, "{done:?}");
    let since = Instant::now();
    let taken = loop {
        match store.take(large(store, n)).await {
            Ok(taken) => break taken,
            // It is believed a moment that there is no room.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "it does not go on"
        );
    };
    assert!(matches!(taken, Taken::Stored(_)));
    assert!(!store.figures().full);
    for id in &stored {
        store.reader().event(id).unwrap();
    }
    store.reader().check().unwrap();
}

#[tokio::test]
async fn a_file_that_is_full_refuses_and_goes_on_once_there_is_room() {
    let (_folder, path) = folder();
    let options = StoreOptions {
        most_bytes: 1 << 20,
        ..options()
    };
    let store = EventStore::open(&path, &key(), &options, NOW).unwrap();
    fill_and_go_on(&store).await;
}

async fn on_a_small_disk(folder: &Path) {
    // Others fill the disk to the last byte, and leave again.
    let path = folder.join("others.db");
    let store = open(&path);
    let first = store.take(large(&store, 0)).await.unwrap();
    let ballast = folder.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4_096]).is_ok() {}
    let mut taken = 1;
    let refused = loop {
        match store.take(large(&store, taken)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, TakeError::Full);
    std::fs::remove_file(&ballast).unwrap();
    drop(file);
    // It is believed a moment that there is no room.
    let since = Instant::now();
    while store.take(large(&store, taken)).await.is_err() {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "it does not go on"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.reader().event(&first.id()).unwrap().seq, 1);
    assert_eq!(store.reader().ends().unwrap(), Some((1, taken as i64 + 1)));
    store.reader().check().unwrap();
    drop(store);
    std::fs::remove_file(&path).unwrap();

    // Its own events fill it: the reserve is what retention works with.
    let options = StoreOptions {
        reserve: 3 << 20,
        ..options()
    };
    let store = EventStore::open(&folder.join("own.db"), &key(), &options, NOW).unwrap();
    fill_and_go_on(&store).await;
}

/// The same on a disk that is really full, where this system lets a test have one of its own.
#[test]
fn a_disk_that_is_full_refuses_and_goes_on_once_there_is_room() {
    if let Ok(folder) = std::env::var(SMALL_DISK) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(on_a_small_disk(Path::new(&folder)));
        return;
    }
    let (folder, _) = folder();
    let mount = r#"mount -t tmpfs -o size=8m none "$0" && exec "$@""#;
    let here = folder.path();
    let run = |program: &std::ffi::OsStr, arguments: &[&str]| {
        Command::new("unshare")
            .args(["-rm", "sh", "-c", mount])
            .arg(here)
            .arg(program)
            .args(arguments)
            .env(SMALL_DISK, here)
            .output()
    };
    if !run("true".as_ref(), &[]).is_ok_and(|output| output.status.success()) {
        println!("this system lets nobody mount: the limit of the file stands for the disk");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let name = "disk::a_disk_that_is_full_refuses_and_goes_on_once_there_is_room";
    let output = run(program.as_os_str(), &["--exact", name, "--nocapture"]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn what_is_reserved_is_not_taken() {
    let (_folder, path) = folder();
    let options = StoreOptions {
        reserve: u64::MAX,
        ..options()
    };
    let store = EventStore::open(&path, &key(), &options, NOW).unwrap();
    let refused = store.take(large(&store, 1)).await;
    assert_eq!(refused, Err(TakeError::Full));
    assert!(store.figures().full);
    // Deliveries of what is there go on.
    store.begin(1, None, NOW).await.unwrap();
}

#[tokio::test]
async fn a_file_that_others_hold_is_told_and_taken_again_afterwards() {
    let (_folder, path) = folder();
    let options = StoreOptions {
        patience_ms: 50,
        ..options()
    };
    let store = EventStore::open(&path, &key(), &options, NOW).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.take(large(&store, 1)).await.unwrap_err();
    assert_eq!(refused, TakeError::Locked { path: path.clone() });
    other.execute_batch("ROLLBACK").unwrap();
    let taken = store.take(large(&store, 1)).await.unwrap();
    assert!(matches!(taken, Taken::Stored(_)));
}

/// The log's end is cut off or overwritten anywhere after an event was acknowledged: that event is
/// there, and the store goes on.
#[tokio::test]
async fn a_torn_end_of_the_log_costs_nothing_that_was_acknowledged() {
    let (folder, path) = folder();
    let store = open(&path);
    let log = folder.path().join("relay.db-wal");
    let mut lengths = Vec::new();
    for n in 0..6 {
        fill(&store, n, 1).await;
        lengths.push(std::fs::metadata(&log).unwrap().len() as usize);
    }
    let (file, whole) = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
    drop(store);
    let torn = folder.path().join("torn.db");
    let torn_log = folder.path().join("torn.db-wal");
    let mut tried = 0;
    for cut in (lengths[0]..=whole.len()).step_by(997) {
        let acknowledged = lengths.iter().filter(|length| **length <= cut).count() as i64;
        for garbage in [false, true] {
            let _ = std::fs::remove_file(folder.path().join("torn.db-shm"));
            std::fs::write(&torn, &file).unwrap();
            let mut bytes = whole[..cut].to_vec();
            if garbage {
                let rest = (cut..whole.len()).map(|at| (at * 31 % 251) as u8);
                bytes.extend(rest);
            }
            std::fs::write(&torn_log, &bytes).unwrap();
            let store = open(&torn);
            let (first, last) = store.reader().ends().unwrap().unwrap();
            assert_eq!(first, 1);
            assert!(
                last >= acknowledged,
                "cut at {cut}: {last} of {acknowledged}"
            );
            assert_eq!(
                store.reader().after(0, 99, 1 << 20).unwrap().len(),
                last as usize
            );
            store.reader().check().unwrap();
            fill(&store, 100, 1).await;
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}
