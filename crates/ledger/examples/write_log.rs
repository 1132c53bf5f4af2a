//! Writes a log of made-up leaves into a folder, with checkpoints, proofs and requests to witnesses,
//! for other implementations to verify. Says how long its own verifier takes, in `timing`.
//!
//! ```text
//! cargo run -p doorward-ledger --release --example write_log FOLDER LEAVES
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use doorward_ledger::{
    Act, Actor, ActorKind, AddCheckpoint, Body, Checkpoint, CommitmentKey, Directory, Event,
    KeyName, Leaf, LeafBytes, LeafId, LocalSigner, LogProof, Signer, SubjectId, SubjectKey, Tile,
    TileBuilder, TileKind, Verdict, append_to_bundle, verify_log,
};
use doorward_policy::Timestamp;

type Fallible<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "ledger.example/oracle";

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (args.next(), args.next()) else {
        return Err("usage: write_log FOLDER LEAVES".into());
    };
    let (folder, count) = (PathBuf::from(folder), count.parse::<u64>()?);
    let old = LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[1; 32])?;
    let new = LocalSigner::from_seed(KeyName::new("ledger.example/oracle-2")?, &[2; 32])?;
    write(&folder, "key", old.verifier_key().to_string().as_bytes())?;
    write(
        &folder,
        "next-key",
        new.verifier_key().to_string().as_bytes(),
    )?;

    let builder = write_leaves(&folder, count)?;
    let checkpoint = Checkpoint::new(ORIGIN, builder.head())?;
    let note = checkpoint.sign(&[&old, &new])?;
    write(&folder, "checkpoint", &note.to_bytes())?;

    let source = Directory::new(&folder);
    let keys = [old.verifier_key().clone(), new.verifier_key().clone()];
    let mut slowest = 0;
    for index in picked(count) {
        let started = Instant::now();
        let bytes = leaf(index)?.as_bytes().to_vec();
        let proof = LogProof::make(&source, index, bytes, note.to_bytes(), &keys)?;
        slowest = slowest.max(started.elapsed().as_micros());
        let name = format!("proofs/{index}.tlog-proof");
        write(&folder, &name, proof.to_string().as_bytes())?;
        let request = AddCheckpoint::make(&source, index, note.clone())?;
        write(&folder, &format!("requests/{index}"), &request.to_bytes())?;
    }

    let started = Instant::now();
    let verified = verify_log(&source, &keys, 0, &mut |_| ())??;
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for show")]
    let rate = count as f64 / seconds;
    let mean = verified.leaf_bytes / count.max(1);
    let text = format!(
        "{count} leaves of {mean} bytes verified in {seconds:.3} s: {rate:.0} a second\n\
         slowest proof: {slowest} us\n"
    );
    write(&folder, "timing", text.as_bytes())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Fallible<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}

fn write_leaves(folder: &Path, count: u64) -> Fallible<TileBuilder> {
    let mut builder = TileBuilder::new();
    let mut bundle = Vec::new();
    for index in 0..count {
        let leaf = leaf(index)?;
        append_to_bundle(&mut bundle, leaf.as_bytes())?;
        let mut full = Vec::new();
        builder.push(leaf.hash(), |tile, hashes| {
            full.push((tile, TileBuilder::tile_bytes(hashes)));
            Ok(())
        })?;
        for (tile, bytes) in full {
            write(folder, &tile.to_string(), &bytes)?;
        }
        if index % 256 == 255 || index + 1 == count {
            let tile = Tile::in_tree(TileKind::Entries, index / 256, index + 1);
            let name = tile.ok_or("no tile")?.to_string();
            write(folder, &name, &bundle)?;
            bundle.clear();
        }
    }
    for (tile, hashes) in builder.partial_tiles() {
        write(folder, &tile.to_string(), &TileBuilder::tile_bytes(hashes))?;
    }
    Ok(builder)
}

/// The outcome of a call, as the gateway would record it.
fn leaf(index: u64) -> doorward_ledger::Result<LeafBytes> {
    let mut random = [0x5a; 16];
    random
        .iter_mut()
        .zip(index.to_be_bytes())
        .for_each(|(to, from)| *to ^= from);
    let id = LeafId::from_random(random);
    let subject = SubjectKey::new(SubjectId::from_random([7; 16]), &[8; 32]);
    let mut act = Act::new("createLead", Verdict::Success);
    act.actor = Some(Actor {
        kind: ActorKind::Client,
        name: Some("crm-sync".to_owned()),
        person: None,
        claimed: false,
    });
    act.client = Some("crm-sync".to_owned());
    act.environment = Some("production".to_owned());
    act.workspace = Some("main".to_owned());
    act.request_id = Some(format!("req_{index:032x}"));
    act.source = Some(subject.seal(id, "source", b"198.51.100.7", [9; 12])?);
    act.metadata = BTreeMap::from([("tries".to_owned(), 1.into())]);
    let commitment = CommitmentKey::new("2027-01", &[6; 32]).commit(id, "body", &[5; 32]);
    let event = Event::Outcome {
        intent: None,
        operation: Some("createLead".to_owned()),
        status: Some(200),
        latency_us: 1_000 + index % 9_000,
        body: Some(Body {
            bytes: 57,
            commitment: Some(commitment),
        }),
        answer: None,
    };
    let millis = 1_800_000_000_000_i64.saturating_add(i64::try_from(index).unwrap_or(0));
    Leaf::new(id, Timestamp::from_millis(millis), act, event).to_bytes()
}

/// Indexes at the edges of tiles and trees, and some between.
fn picked(count: u64) -> Vec<u64> {
    let powers = (0..40).map(|bit| 1_u64 << bit);
    let near = powers.flat_map(|n| [n - 1, n, n + 1]);
    let some = (0..20).map(|n| count * n / 20);
    let mut all: Vec<u64> = near
        .chain(some)
        .chain([count.saturating_sub(1)])
        .filter(|index| *index < count)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}
