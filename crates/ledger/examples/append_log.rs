//! Lets the log itself write a ledger, batch by batch with a checkpoint after each, and closes it;
//! proofs and requests to witnesses beside it are for other implementations to verify.
//!
//! ```text
//! cargo run -p doorward-ledger --example append_log FOLDER LEAVES
//! ```

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use doorward_ledger::log::{FileAnchor, Log, LogOptions, Reader};
use doorward_ledger::segment::Disk;
use doorward_ledger::{
    AddCheckpoint, Checkpoint, Directory, KeyName, LeafBytes, LocalSigner, LogProof, Note, Signer,
};

type Fallible<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "ledger.example/oracle";
/// Checkpoints that are signed on the way.
const STOPS: u64 = 7;

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (args.next(), args.next()) else {
        return Err("usage: append_log FOLDER LEAVES".into());
    };
    let (folder, count) = (PathBuf::from(folder), count.parse::<u64>()?);
    let old = Arc::new(LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[1; 32])?);
    let new = KeyName::new("ledger.example/oracle-2")?;
    let new = Arc::new(LocalSigner::from_seed(new, &[2; 32])?);
    let keys = [old.verifier_key().clone(), new.verifier_key().clone()];

    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor"))?));
    let mut options = LogOptions::new(ORIGIN, old, Arc::new(anchor));
    options.signers.push(new);
    options.tuning.segment_bytes = 64 << 10;
    let disk = Arc::new(Disk::new(folder.clone())?);
    let (log, _) = Log::open(disk.clone(), options)?;
    let mut sizes = Vec::new();
    let mut written = 0;
    for stop in 1..=STOPS {
        let until = count * stop / STOPS;
        let mut last = None;
        while written < until {
            let ticket = log.append(&leaf(written)?)?;
            written += 1;
            last = Some(ticket);
            if written % 1000 == 0 {
                wait(last.take())?;
            }
        }
        wait(last)?;
        log.checkpoint()?;
        sizes.push(log.status().signed);
    }
    log.close()?;
    drop(log);

    let source = Directory::new(&folder);
    let reader = Reader::open(disk, Some(ORIGIN))?;
    let checkpoint = fs::read(folder.join("checkpoint"))?;
    let opened = Checkpoint::open(&checkpoint, &keys)?;
    if opened.checkpoint.size() != count {
        return Err("the last checkpoint does not cover all leaves".into());
    }
    for (name, key) in ["key", "next-key"].iter().zip(&keys) {
        write(&folder, name, key.to_string().as_bytes())?;
    }
    let note = Note::parse(&checkpoint)?;
    for size in sizes {
        let request = AddCheckpoint::make(&source, size, note.clone())?;
        write(&folder, &format!("requests/{size}"), &request.to_bytes())?;
        let index = size.saturating_sub(1);
        let proof = LogProof::make(
            &source,
            index,
            reader.leaf(index)?,
            checkpoint.clone(),
            &keys,
        )?;
        let name = format!("proofs/{index}.tlog-proof");
        write(&folder, &name, proof.to_string().as_bytes())?;
    }
    Ok(())
}

fn wait(ticket: Option<doorward_ledger::log::Ticket>) -> Fallible<()> {
    if let Some(ticket) = ticket {
        ticket.wait()?;
    }
    Ok(())
}

fn leaf(index: u64) -> doorward_ledger::Result<LeafBytes> {
    let seconds = Duration::from_millis(index).as_secs() % 60;
    let text = format!(
        r#"{{"action":"listLeads","at":"2027-01-15T08:00:{seconds:02}Z","kind":"outcome","number":{index},"result":"success","v":1}}"#
    );
    LeafBytes::from_canonical(text.into_bytes())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Fallible<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}
