//! A process that writes the log is killed, again and again.
//!
//! `LEDGER_CRASH_RUNS` sets how often: 30 by default.

#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_ledger::log::{FileAnchor, Log, LogOptions, Tuning};
use doorward_ledger::segment::{Disk, read_all};
use doorward_ledger::{
    CHECKPOINT_PATH, Checkpoint, Frontier, KeyName, LeafBytes, LocalSigner, Signer, leaf_hash,
    verify_folder,
};

const ORIGIN: &str = "ledger.example/crash";
const FOLDER: &str = "LEDGER_CRASH_FOLDER";
const NONCE: &str = "LEDGER_CRASH_NONCE";
const CALLERS: usize = 8;

fn signer() -> LocalSigner {
    LocalSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

fn open(folder: &Path) -> Log {
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor")).unwrap()));
    let mut options = LogOptions::new(ORIGIN, Arc::new(signer()), Arc::new(anchor));
    // Everything happens often: rotation, tiles, checkpoints, removal of segments.
    options.tuning = Tuning {
        segment_bytes: 256 << 10,
        checkpoint_every: Duration::from_millis(20),
        keep_segments: 1,
        ..Tuning::default()
    };
    Log::open(Arc::new(Disk::new(folder.join("log")).unwrap()), options)
        .unwrap()
        .0
}

fn leaf(nonce: &str, n: u64) -> LeafBytes {
    let pad = "x".repeat((n * 131 % 1500) as usize);
    let leaf = format!(
        r#"{{"at":"2026-01-01T00:00:00Z","id":"{nonce}/{n}","kind":"a","pad":"{pad}","v":1}}"#
    );
    LeafBytes::from_canonical(leaf.into_bytes()).unwrap()
}

/// The process that gets killed: appends, and tells on its output what was acknowledged.
#[test]
#[ignore = "is started by the test below"]
fn child() {
    let (Ok(folder), Ok(nonce)) = (std::env::var(FOLDER), std::env::var(NONCE)) else {
        return;
    };
    let log = open(Path::new(&folder));
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let sequence = log.append(&leaf(&nonce, n)).unwrap().wait().unwrap();
                    let line = format!("\nack {sequence} {n}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Runs the child for a while and kills it. What it acknowledged: sequence and number.
fn run(folder: &Path, nonce: &str, life: Duration) -> BTreeMap<u64, u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .env(NONCE, nonce)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (tell, first) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut acknowledged = BTreeMap::new();
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) {
            // The last line may be cut: it proves nothing.
            let told = line
                .strip_suffix('\n')
                .and_then(|line| line.strip_prefix("ack "))
                .and_then(|rest| rest.split_once(' '))
                .map(|(sequence, n)| (sequence.to_owned(), n.to_owned()));
            line.clear();
            let Some((sequence, n)) = told else { continue };
            let (Ok(sequence), Ok(n)) = (sequence.parse(), n.parse()) else {
                continue;
            };
            assert_eq!(
                acknowledged.insert(sequence, n),
                None,
                "{sequence} acknowledged twice"
            );
            let _ = tell.send(());
        }
        acknowledged
    });
    // Its life is counted from its first leaf; some die while they still open the log.
    if life > Duration::from_millis(5) {
        first
            .recv_timeout(Duration::from_secs(60))
            .expect("the child writes");
    }
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_however_often_it_is_killed() {
    let runs: u64 = std::env::var("LEDGER_CRASH_RUNS").map_or(30, |runs| runs.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut tree = Frontier::new();
    let mut acknowledged_in_all = 0;
    for number in 0..runs {
        let nonce = format!("{number}");
        let life = Duration::from_micros(number * 7_919 % 40_000);
        let acknowledged = run(folder.path(), &nonce, life);
        acknowledged_in_all += acknowledged.len();

        // What is left holds, but for what was being written; at first there may be nothing yet.
        let last = acknowledged.keys().max().copied();
        if last.is_some() || number > 0 {
            let disk = Arc::new(Disk::existing(folder.path().join("log")).unwrap());
            let keys = [signer().verifier_key().clone()];
            let report = verify_folder(disk, &keys, None, &mut |_| ()).unwrap();
            assert!(report.holds(), "run {number}: {:?}", report.breaks);
            assert!(last < Some(report.durable), "run {number}");
        }

        // It opens, and goes on.
        let log = open(folder.path());
        log.append(&leaf("between", number))
            .unwrap()
            .wait()
            .unwrap();
        let reader = log.reader();
        log.close().unwrap();

        // It holds what was acknowledged, and the tree grew by nothing else than what is there.
        let mut seen = 0;
        let mut cursor = reader.from(tree.size()).unwrap();
        while let Some(record) = cursor.next().unwrap() {
            assert_eq!(record.sequence, tree.size());
            tree.push(leaf_hash(&record.leaf));
            if let Some(n) = acknowledged.get(&record.sequence) {
                assert_eq!(record.leaf, leaf(&nonce, *n).as_bytes(), "run {number}");
                seen += 1;
            }
        }
        assert_eq!(
            seen,
            acknowledged.len(),
            "run {number}: all that was acknowledged is there"
        );
        let bytes = read_all(
            &Disk::new(folder.path().join("log")).unwrap(),
            CHECKPOINT_PATH,
            4096,
        );
        let signed = Checkpoint::open(&bytes.unwrap(), &[signer().verifier_key().clone()]).unwrap();
        assert_eq!(signed.checkpoint.head(), tree.head(), "run {number}");
    }
    println!(
        "{runs} kills, {acknowledged_in_all} leaves acknowledged, {} in the log",
        tree.size()
    );
    assert!(acknowledged_in_all as u64 > runs);
}
