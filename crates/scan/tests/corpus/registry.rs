//! A large corpus that is clean: the sources of the crates that cargo fetched. At most one hit in 10
//! MiB of it.
//!
//! A sample of 60 MiB is looked at; with `DOORWARD_SCAN_REGISTRY=all` all there is. Each hit is
//! printed, to be looked at (`cargo nextest run --no-capture`).

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use doorward_scan::tree::{Counters, Sink, TreeOptions, scan};
use doorward_scan::{Engine, Scanned};

use crate::engine;

struct Told<'e> {
    engine: &'e Engine,
    lines: Mutex<Vec<String>>,
}

impl Sink for Told<'_> {
    fn file(&self, path: &Path, scanned: Scanned) {
        let mut lines = self.lines.lock().expect("no panic");
        for hit in scanned.hits {
            let id = self.engine.detector(&hit).expect("its detector").id();
            let via: Vec<_> = hit.via.iter().map(|via| via.name()).collect();
            let place = format!("{}:{}", path.display(), hit.line);
            lines.push(format!("{id} {place} {} {}", via.join(","), hit.excerpt));
        }
        for skipped in scanned.skipped {
            println!("{} {:?} {}", path.display(), skipped.inner, skipped.cut);
        }
    }

    fn fault(&self, path: Option<&Path>, why: String) {
        panic!("{path:?}: {why}");
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("its metadata");
            if meta.is_dir() {
                size_of(&entry.path())
            } else {
                meta.len()
            }
        })
        .sum()
}

/// The folders of crates, and of which a sample is made.
fn folders() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.expect("cargo's folder").join("registry/src");
    let mut crates: Vec<PathBuf> = std::fs::read_dir(sources)
        .expect("cargo's sources")
        .flat_map(|index| std::fs::read_dir(index.expect("an entry").path()).expect("an index"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    crates.sort_unstable();
    if std::env::var("DOORWARD_SCAN_REGISTRY").is_ok_and(|which| which == "all") {
        return crates;
    }
    // Every seventh, until there is enough.
    let mut left = 60_i64 << 20;
    let mut sample = Vec::new();
    for folder in (0..7).flat_map(|first| crates.iter().skip(first).step_by(7)) {
        let size = size_of(folder) as i64;
        // One large one would be all of it.
        if size > 8 << 20 {
            continue;
        }
        sample.push(folder.clone());
        left -= size;
        if left < 0 {
            break;
        }
    }
    sample
}

#[test]
fn sources_of_crates_have_at_most_one_hit_in_ten_mebibytes() {
    let engine = engine();
    let told = Told {
        engine: &engine,
        lines: Mutex::default(),
    };
    let counters = Counters::default();
    let options = TreeOptions {
        respect_ignores: false,
        ..TreeOptions::default()
    };
    let started = std::time::Instant::now();
    scan(&engine, &folders(), &options, &counters, &told).expect("options");
    let mut lines = told.lines.into_inner().expect("no panic");
    lines.sort_unstable();
    for line in &lines {
        println!("{line}");
    }
    let mebibytes = counters.bytes() >> 20;
    println!(
        "{} hits in {} files, {mebibytes} MiB, {:?}",
        lines.len(),
        counters.files(),
        started.elapsed()
    );
    assert!(mebibytes >= 20, "{mebibytes} MiB are too few");
    assert!(lines.len() as u64 * 10 <= mebibytes, "{}", lines.len());
}
