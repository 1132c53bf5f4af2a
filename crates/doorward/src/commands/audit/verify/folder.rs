//! Verifying a whole ledger: its folder, what the store keeps of it, what somebody kept of it.

use std::path::Path;
use std::time::{Duration, Instant};

use doorward_ledger::{
    Checkpoint, Directory, MAX_NOTE_BYTES, Report, SignedCheckpoint, TileNodes, TileSource,
    VerifierKey, root_at, verify_folder,
};
use serde_json::{Value, json};

use super::super::folder::{Folder, storage, within};
use super::bar::Bar;
use crate::admin::{AuditAnchor, Session};
use crate::cli::Verify;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, clean};

/// A server publishes what it anchored so soon.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// A checkpoint that the ledger must have grown out of.
struct Earlier {
    /// Who kept it.
    whose: &'static str,
    signed: SignedCheckpoint,
}

/// What is known of an earlier checkpoint.
struct Held {
    whose: &'static str,
    size: Option<u64>,
    /// Why the ledger did not grow out of it.
    fault: Option<String>,
}

/// Verifies a folder.
pub(super) async fn run(context: &Context, verify: &Verify, keys: &[VerifierKey]) -> Outcome {
    let folder = match &verify.offline {
        Some(named) => within(named),
        None => Folder::of(context)?.path().to_owned(),
    };
    let mut earlier = Vec::new();
    let mut told = Vec::new();
    if verify.offline.is_none() {
        // Before the folder is read: it is never behind what was anchored before.
        match anchor(context, &folder, keys).await {
            Ok(signed) => earlier.extend(signed),
            Err(held) => told.push(held),
        }
    }
    if let Some(path) = &verify.since_checkpoint {
        earlier.push(Earlier {
            whose: "the checkpoint given",
            signed: given(path, keys)?,
        });
    }
    if let Some(size) = earlier.iter().map(|one| one.signed.checkpoint.size()).max() {
        published(&folder, keys, size);
    }
    let began = Instant::now();
    let mut bar = Bar::new("verifying");
    let report = verify_folder(storage(&folder)?, keys, None, &mut |progress| {
        bar.at(progress.leaves, progress.of);
    });
    drop(bar);
    let report = report.map_err(|error| {
        Failure::failed(format_args!(
            "{} can't be verified: {error}",
            folder.display()
        ))
    })?;
    let took = began.elapsed();
    for one in &earlier {
        told.push(Held {
            whose: one.whose,
            size: Some(one.signed.checkpoint.size()),
            fault: grown(&folder, &report, &one.signed.checkpoint)?,
        });
    }
    let holds = report.holds() && told.iter().all(|held| held.fault.is_none());
    if context.output.is_json() {
        context
            .output
            .value(&as_json(&report, &told, holds, took))?;
    } else {
        show(&folder, &report, &told, took, context.output)?;
    }
    Ok(if holds { Exit::Done } else { Exit::Findings })
}

/// The checkpoint that the store keeps, or why there is none to hold the ledger against.
async fn anchor(
    context: &Context,
    folder: &Path,
    keys: &[VerifierKey],
) -> Result<Option<Earlier>, Held> {
    const WHOSE: &str = "the store";
    let unknown = || Held {
        whose: WHOSE,
        size: None,
        fault: None,
    };
    let faulty = |fault: String| Held {
        fault: Some(fault),
        ..unknown()
    };
    let origin = match Directory::new(folder).checkpoint() {
        Ok(Some(note)) => match Checkpoint::open(&note, keys) {
            Ok(signed) => signed.checkpoint.origin().to_owned(),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    // Opening a store that is not there would make one.
    if !context.data_dir.store().exists() {
        return Err(unknown());
    }
    let Ok(session) = Session::open(context).await else {
        return Err(unknown());
    };
    let Ok(anchored) = session.call(AuditAnchor { origin }).await else {
        return Err(unknown());
    };
    let Some(note) = anchored.checkpoint else {
        return Err(faulty("it keeps no checkpoint of this ledger".to_owned()));
    };
    match Checkpoint::open(note.as_bytes(), keys) {
        Ok(signed) => Ok(Some(Earlier {
            whose: WHOSE,
            signed,
        })),
        Err(error) => Err(faulty(format!("its checkpoint does not hold: {error}"))),
    }
}

fn given(path: &Path, keys: &[VerifierKey]) -> Result<SignedCheckpoint, Failure> {
    use std::io::Read;
    let fail = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!(
            "the checkpoint in {}: {error}",
            path.display()
        ))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| fail(&error))?;
    file.take(MAX_NOTE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(&error))?;
    Checkpoint::open(&bytes, keys).map_err(|error| fail(&error))
}

/// Waits until the folder's checkpoint has this size: a server may be between the two.
fn published(folder: &Path, keys: &[VerifierKey], size: u64) {
    let began = Instant::now();
    while began.elapsed() < PUBLISHED_WITHIN {
        let note = Directory::new(folder).checkpoint();
        let signed = note
            .ok()
            .flatten()
            .map(|note| Checkpoint::open(&note, keys));
        match signed {
            Some(Ok(signed)) if signed.checkpoint.size() < size => std::thread::sleep(POLL),
            _ => return,
        }
    }
}

/// Why a ledger that was verified did not grow out of a checkpoint; `None` when it did.
fn grown(folder: &Path, report: &Report, old: &Checkpoint) -> Result<Option<String>, Failure> {
    let Some(signed) = &report.signed else {
        return Ok(Some("there is no checkpoint to hold it against".to_owned()));
    };
    let new = &signed.checkpoint;
    if new.origin() != old.origin() {
        return Ok(Some("it is another ledger's".to_owned()));
    }
    if new.size() < old.size() {
        return Ok(Some(format!(
            "it has {} leaves, and the ledger {}: the ledger was turned back, or leaves were lost",
            old.size(),
            new.size()
        )));
    }
    if !report.holds() {
        // The tree can't be relied on; that is told already.
        return Ok(None);
    }
    let mut nodes = TileNodes::new(Directory::new(folder), new.size());
    let root = root_at(&mut nodes, old.size()).map_err(Failure::failed)?;
    Ok((root != old.head().root).then(|| {
        format!(
            "its {} leaves have another root than the ledger's first {0}: the ledger was rewritten",
            old.size()
        )
    }))
}

fn as_json(report: &Report, told: &[Held], holds: bool, took: Duration) -> Value {
    let signed = report.signed.as_ref();
    let names = |signed: &SignedCheckpoint| {
        let names = signed.signed_by.iter().map(ToString::to_string);
        names.collect::<Vec<_>>()
    };
    let breaks = report.breaks.iter().map(|damage| {
        json!({
            "leaf": damage.why.leaf(),
            "file": damage.path,
            "why": damage.why.to_string(),
        })
    });
    let held = told.iter().map(|held| {
        let state = match (&held.fault, held.size) {
            (Some(_), _) => "broken",
            (None, Some(_)) => "holds",
            (None, None) => "not looked at",
        };
        json!({ "kept_by": held.whose, "leaves": held.size, "state": state, "why": held.fault })
    });
    json!({
        "holds": holds,
        "leaves": report.size(),
        "unsigned": report.unsigned(),
        "pruned": report.pruned,
        "bytes": report.leaf_bytes,
        "origin": signed.map(|signed| signed.checkpoint.origin()),
        "root": signed.map(|signed| signed.checkpoint.head().root.to_string()),
        "signed_by": signed.map(names).unwrap_or_default(),
        "unfinished": report.unfinished.as_ref().map(|end| &end.path),
        "earlier": held.collect::<Vec<_>>(),
        "seconds": took.as_secs_f64(),
        "breaks": breaks.collect::<Vec<_>>(),
        "break_count": report.break_count,
    })
}

fn show(
    folder: &Path,
    report: &Report,
    told: &[Held],
    took: Duration,
    output: Output,
) -> Result<(), Failure> {
    breaks(report, output)?;
    for held in told {
        if let Some(fault) = &held.fault {
            let bad = output.paint(Tone::Bad, "does not hold");
            output.line(format_args!("{}: {bad}: {fault}", held.whose))?;
        }
    }
    if report.holds() {
        let good = output.paint(Tone::Good, "every leaf is the one that was signed");
        output.line(good)?;
    }
    let speed = report.size() as f64 / took.as_secs_f64().max(0.001);
    let signed = report.signed.as_ref();
    let keys = signed.into_iter().flat_map(|signed| &signed.signed_by);
    let keys = keys.map(|key| format!("{}+{}", key.name(), key.id()));
    let kept = told.iter().filter(|held| held.fault.is_none());
    let kept = kept.filter_map(|held| {
        let size = held.size?;
        Some(format!(
            "{}: its {size} leaves are the first of these",
            held.whose
        ))
    });
    let unasked = told
        .iter()
        .filter(|held| held.fault.is_none() && held.size.is_none());
    let unasked = unasked.map(|held| format!("{}: it is not to be had", held.whose));
    let unfinished = report.unfinished.as_ref().map(|end| {
        format!(
            "{} has bytes after leaf {} that are no whole batch: being written, or torn by a crash",
            end.path, end.leaf
        )
    });
    let count = |count: u64| {
        if count == 0 {
            String::new()
        } else {
            count.to_string()
        }
    };
    output.fields(vec![
        ("folder", Cell::from(folder.display())),
        ("leaves", Cell::toned(report.size(), Tone::Strong)),
        ("not signed yet", Cell::from(count(report.unsigned()))),
        ("pruned", Cell::from(count(report.pruned))),
        (
            "ledger",
            Cell::from(signed.map_or("", |signed| signed.checkpoint.origin())),
        ),
        (
            "root",
            Cell::from(signed.map_or_else(String::new, |signed| {
                signed.checkpoint.head().root.to_string()
            })),
        ),
        ("signed by", Cell::from(keys.collect::<Vec<_>>().join(", "))),
        (
            "grew out of",
            Cell::from(kept.collect::<Vec<_>>().join(", ")),
        ),
        (
            "not held against",
            Cell::from(unasked.collect::<Vec<_>>().join(", ")),
        ),
        ("at its end", Cell::from(unfinished.unwrap_or_default())),
        (
            "took",
            Cell::from(format_args!(
                "{:.1} s, {speed:.0} leaves/s",
                took.as_secs_f64()
            )),
        ),
    ])
}

fn breaks(report: &Report, output: Output) -> Result<(), Failure> {
    let Some(first) = report.breaks.first() else {
        return Ok(());
    };
    let leaf = report
        .breaks
        .iter()
        .filter_map(|damage| damage.why.leaf())
        .min();
    let begin = match leaf {
        Some(leaf) => format!("the ledger is broken from leaf {leaf} on"),
        None => format!("the ledger is broken: {}", first.path),
    };
    output.line(output.paint(Tone::Bad, begin))?;
    let rows = report.breaks.iter().map(|damage| {
        let leaf = damage.why.leaf().map(|leaf| leaf.to_string());
        vec![
            Cell::toned(leaf.unwrap_or_default(), Tone::Strong),
            Cell::from(&damage.path),
            Cell::from(clean(&damage.why.to_string())),
        ]
    });
    output.table(&["leaf", "file", "why"], rows.collect(), "")?;
    let more = report
        .break_count
        .saturating_sub(report.breaks.len() as u64);
    if more > 0 {
        output.line(format_args!("and {more} more"))?;
    }
    Ok(())
}
