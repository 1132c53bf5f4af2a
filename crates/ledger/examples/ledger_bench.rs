//! Measures the log beside the least that any log could do: append to a file, sync, tell.
//!
//! `ledger_bench appends FOLDER SECONDS ROUNDS` · `ledger_bench latency FOLDER SECONDS` ·
//! `ledger_bench memory FOLDER LEAVES` · `ledger_bench verify FOLDER LEAVES BYTES`. Prints one JSON object. Used by `scripts/bench ledger`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use doorward_ledger::log::{FileAnchor, Log, LogError, LogOptions};
use doorward_ledger::segment::Disk;
use doorward_ledger::{
    CHECKPOINT_PATH, Checkpoint, Directory, KeyName, LeafBytes, LocalSigner, LogProof, Signer,
    TileBuilder, TileKind, append_to_bundle, leaf_hash, verify_folder,
};
use serde_json::{Value, json};

/// Appends a second, the 50th and 99th percentile in milliseconds, and processor time an append in
/// microseconds, which tells more than the rate on a machine that does other things too.
type Measured = (f64, f64, f64, f64);
type Failure = Box<dyn std::error::Error + Send + Sync>;

const ORIGIN: &str = "ledger.example/bench";
/// A leaf of a call, with its sealed values.
const LEAF_BYTES: usize = 1500;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    let folder = PathBuf::from(text(1));
    let result = match text(0) {
        "appends" => appends(&folder, text(2).parse()?, text(3).parse()?)?,
        "latency" => latency(&folder, text(2).parse()?)?,
        "memory" => memory(&folder, text(2).parse()?)?,
        "verify" => verify(&folder, text(2).parse()?, text(3).parse()?)?,
        _ => return Err("ledger_bench appends|latency|memory|verify FOLDER …".into()),
    };
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}

fn leaf(bytes: usize) -> Result<LeafBytes, Failure> {
    let head = r#"{"at":"2026-01-01T00:00:00Z","kind":"outcome","pad":""#;
    let tail = r#"","v":1}"#;
    let pad = "x".repeat(bytes.saturating_sub(head.len() + tail.len()));
    Ok(LeafBytes::from_canonical(
        format!("{head}{pad}{tail}").into_bytes(),
    )?)
}

fn open(folder: &Path) -> Result<Log, Failure> {
    let signer = LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[7; 32])?;
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor"))?));
    let options = LogOptions::new(ORIGIN, Arc::new(signer), Arc::new(anchor));
    Ok(Log::open(Arc::new(Disk::new(folder.join("log"))?), options)?.0)
}

/// Runs `act` from so many threads for so long. How often a second, and the 50th and 99th
/// percentile in milliseconds.
fn hammer(
    threads: usize,
    seconds: f64,
    act: impl Fn() -> Result<(), Failure> + Sync,
) -> Result<Measured, Failure> {
    let stop = AtomicBool::new(false);
    let (started, used) = (Instant::now(), processor_time()?);
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let run = || {
            let mut times = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                act()?;
                times.push(began.elapsed());
            }
            Ok::<_, Failure>(times)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in running {
            all.extend(thread.join().map_err(|_| "a thread gave up")??);
        }
        Ok::<_, Failure>(all)
    })?;
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    let each = (processor_time()? - used) * 1e6 / times.len().max(1) as f64;
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    Ok((rate, at(50), at(99), each))
}

/// Processor time of all threads of this process, in seconds.
fn processor_time() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after) = stat.rsplit_once(')').ok_or("no stat")?;
    let ticks = |at: usize| -> Result<f64, Failure> {
        Ok(after
            .split_whitespace()
            .nth(at)
            .ok_or("no field")?
            .parse()?)
    };
    // Fields 14 and 15, in hundredths of a second.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The limit: a file, one thread that appends what waits and syncs, and nothing else.
#[derive(Default)]
struct Bare {
    state: Mutex<BareState>,
    work: Condvar,
}

#[derive(Default)]
struct BareState {
    bytes: Vec<u8>,
    told: Arc<OnceLock<()>>,
    stop: bool,
}

impl Bare {
    fn append(&self, leaf: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = state.bytes.is_empty();
        state.bytes.extend_from_slice(leaf);
        let told = Arc::clone(&state.told);
        drop(state);
        if idle {
            self.work.notify_one();
        }
        told.wait();
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = OpenOptions::new().create_new(true).write(true).open(path)?;
        let (mut offset, mut bytes) = (0, Vec::new());
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            while state.bytes.is_empty() {
                if state.stop {
                    return Ok(());
                }
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut bytes, &mut state.bytes);
            let told = std::mem::take(&mut state.told);
            drop(state);
            file.write_all_at(&bytes, offset)?;
            offset += bytes.len() as u64;
            file.sync_data()?;
            bytes.clear();
            let _ = told.set(());
        }
    }
}

fn bare(folder: &Path, threads: usize, seconds: f64) -> Result<Measured, Failure> {
    let leaf = leaf(LEAF_BYTES)?;
    let bare = Bare::default();
    let path = folder.join("bare");
    let measured = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let written = bare.write(&path);
            if written.is_err() {
                // Those who wait would do so for good: of the two there is nothing to compare.
                std::process::exit(1);
            }
            written
        });
        let measured = hammer(threads, seconds, || {
            bare.append(leaf.as_bytes());
            Ok(())
        });
        bare.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stop = true;
        bare.work.notify_all();
        writer.join().map_err(|_| "the writer gave up")??;
        measured
    });
    std::fs::remove_file(&path)?;
    measured
}

fn ours(folder: &Path, threads: usize, seconds: f64) -> Result<Measured, Failure> {
    let leaf = leaf(LEAF_BYTES)?;
    let log = open(folder)?;
    let measured = hammer(threads, seconds, || {
        log.append(&leaf)?.wait()?;
        Ok(())
    });
    log.close()?;
    measured
}

fn appends(folder: &Path, seconds: f64, rounds: usize) -> Result<Value, Failure> {
    let mut results = serde_json::Map::new();
    for threads in [64, 1] {
        let mut runs = Vec::new();
        for round in 0..rounds {
            // In turn, so that a disk that changes its mind does so for both. Nothing is removed
            // between: some file systems shun what was just removed, at a cost.
            let folder = folder.join(format!("{threads}-{round}"));
            std::fs::create_dir(&folder)?;
            runs.push((
                bare(&folder, threads, seconds)?,
                ours(&folder, threads, seconds)?,
            ));
        }
        let middle = |pick: &dyn Fn(&(Measured, Measured)) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            let value = values.get(values.len() / 2).copied().unwrap_or_default();
            (value * 1000.0).round() / 1000.0
        };
        results.insert(
            format!("{threads} callers"),
            json!({
                "bare_per_second": middle(&|run| run.0.0).round(),
                "ours_per_second": middle(&|run| run.1.0).round(),
                "ratio": middle(&|run| run.1.0 / run.0.0),
                "bare_p50_ms": middle(&|run| run.0.1), "ours_p50_ms": middle(&|run| run.1.1),
                "bare_p99_ms": middle(&|run| run.0.2), "ours_p99_ms": middle(&|run| run.1.2),
                "p99_ratio": middle(&|run| run.1.2 / run.0.2),
                "bare_cpu_us": middle(&|run| run.0.3), "ours_cpu_us": middle(&|run| run.1.3),
            }),
        );
    }
    Ok(results.into())
}

/// From append to signed checkpoint, while 16 others append.
fn latency(folder: &Path, seconds: f64) -> Result<Value, Failure> {
    let leaf = leaf(LEAF_BYTES)?;
    let log = open(folder)?;
    let stop = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Ok(Ok(_)) = log.append(&leaf).map(|ticket| ticket.wait()) else {
                        return;
                    };
                }
            });
        }
        let started = Instant::now();
        let mut times = Vec::new();
        let measured = loop {
            if started.elapsed().as_secs_f64() > seconds {
                break Ok(());
            }
            let began = Instant::now();
            let sequence = match log.append(&leaf).and_then(|ticket| ticket.wait()) {
                Ok(sequence) => sequence,
                Err(error) => break Err(Failure::from(error)),
            };
            if !log.wait_signed(sequence, Duration::from_secs(60)) {
                break Err("no checkpoint within a minute".into());
            }
            times.push(began.elapsed().as_secs_f64());
            // At any moment between two checkpoints.
            std::thread::sleep(Duration::from_millis(times.len() as u64 * 173 % 1000));
        };
        stop.store(true, Ordering::Relaxed);
        measured.map(|()| times)
    })?;
    log.close()?;
    let most = times.iter().copied().fold(0.0, f64::max);
    Ok(json!({ "samples": times.len(), "most_seconds": (most * 1000.0).round() / 1000.0 }))
}

fn resident(field: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no such field")?;
    Ok((kilobytes.parse::<f64>()? / 1024.0 * 10.0).round() / 10.0)
}

/// Memory while a long log is written, and once it is opened again.
fn memory(folder: &Path, leaves: u64) -> Result<Value, Failure> {
    let leaf = leaf(200)?;
    let log = open(folder)?;
    let mut after = Vec::new();
    let mut last = None;
    for n in 0..leaves {
        last = Some(loop {
            match log.append(&leaf) {
                Ok(ticket) => break ticket,
                // The disk sets the pace.
                Err(_) if log.status().halt.is_none() => {
                    std::thread::sleep(Duration::from_millis(2))
                }
                Err(error) => return Err(error.into()),
            }
        });
        if (n + 1) % (leaves / 4).max(1) == 0 {
            after.push(json!({ "leaves": n + 1, "rss_mb": resident("VmRSS:")? }));
        }
    }
    if let Some(ticket) = last {
        ticket.wait()?;
    }
    log.close()?;
    drop(log);
    let began = Instant::now();
    let log = open(folder)?;
    let opened = began.elapsed();
    let reader = log.reader();
    let began = Instant::now();
    let samples = 200;
    for n in 0..samples {
        reader.leaf(n * 7_919 % leaves)?;
    }
    let each = began.elapsed().as_secs_f64() * 1000.0 / samples as f64;
    let result = json!({
        "while_written": after,
        "most_rss_mb": resident("VmHWM:")?,
        "open_ms": opened.as_millis() as u64,
        "read_one_leaf_ms": (each * 1000.0).round() / 1000.0,
    });
    let closed: Result<(), LogError> = log.close();
    closed?;
    Ok(result)
}

/// Bytes of the leaf with this index.
fn numbered(n: u64, bytes: usize) -> Vec<u8> {
    let head = format!(r#"{{"at":"2026-01-01T00:00:00Z","kind":"outcome","n":{n},"pad":""#);
    let pad = "x".repeat(bytes.saturating_sub(head.len() + 8));
    format!(r#"{head}{pad}","v":1}}"#).into_bytes()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    let written = std::fs::write(&path, bytes);
    if written.is_err()
        && let Some(above) = path.parent()
    {
        std::fs::create_dir_all(above)?;
        std::fs::write(&path, bytes)?;
    }
    Ok(())
}

/// A log's published files, without the log.
fn publish(folder: &Path, leaves: u64, bytes: usize) -> Result<Vec<u8>, Failure> {
    let (mut tree, mut bundle) = (TileBuilder::new(), Vec::new());
    for n in 0..leaves {
        let leaf = numbered(n, bytes);
        append_to_bundle(&mut bundle, &leaf)?;
        let mut full = Vec::new();
        tree.push(leaf_hash(&leaf), |tile, hashes| {
            full.push((tile, TileBuilder::tile_bytes(hashes)));
            Ok(())
        })?;
        for (tile, hashes) in full {
            write(folder, &tile.to_string(), &hashes)?;
        }
        let last = n + 1 == leaves;
        if let Some(entries) = doorward_ledger::Tile::in_tree(TileKind::Entries, n / 256, n + 1)
            .filter(|tile| last || tile.is_full())
        {
            write(folder, &entries.to_string(), &std::mem::take(&mut bundle))?;
        }
    }
    for (tile, hashes) in tree.partial_tiles() {
        write(folder, &tile.to_string(), &TileBuilder::tile_bytes(hashes))?;
    }
    let signer = LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[7; 32])?;
    let note = Checkpoint::new(ORIGIN, tree.head())?
        .sign(&[&signer])?
        .to_bytes();
    write(folder, CHECKPOINT_PATH, &note)?;
    Ok(note)
}

/// Proofs out of a log of so many leaves, and the verifier over all of it. Rates are of processor
/// time: the verifier is one thread.
fn verify(folder: &Path, leaves: u64, bytes: usize) -> Result<Value, Failure> {
    let note = publish(folder, leaves, bytes)?;
    let before = resident("VmHWM:")?;
    let signer = LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[7; 32])?;
    let keys = [signer.verifier_key().clone()];
    let source = Directory::new(folder);
    let mut times = Vec::new();
    for n in 0..200 {
        let index = n * 7_654_321 % leaves;
        let began = Instant::now();
        LogProof::make(&source, index, numbered(index, bytes), note.clone(), &keys)?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let (began, used) = (Instant::now(), processor_time()?);
    let report = verify_folder(Arc::new(Disk::existing(folder)?), &keys, None, &mut |_| ())?;
    let used = processor_time()? - used;
    if !report.holds() || report.size() != leaves {
        return Err("the log does not hold".into());
    }
    let at = |part: usize| {
        let time = times.get(times.len() * part / 100).copied();
        (time.unwrap_or_default() * 1000.0).round() / 1000.0
    };
    Ok(json!({
        "leaves": leaves, "leaf_bytes": bytes,
        "verified_per_second_of_processor": (leaves as f64 / used).round(),
        "seconds": (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        "proof_ms_p50": at(50), "proof_ms_p99": at(99),
        "most_rss_mb": resident("VmHWM:")?, "most_rss_mb_before": before,
    }))
}
