//! `doorward audit prove`.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use doorward_ledger::{Error, LogProof};
use serde_json::json;

use super::folder::{Folder, keys_of};
use crate::cli::Prove;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;

/// How often a checkpoint is looked for.
const POLL: Duration = Duration::from_millis(100);

/// Runs `doorward audit prove`.
pub(super) fn run(context: &Context, prove: &Prove) -> Outcome {
    let folder = match &prove.offline {
        Some(named) => Folder::copy(named, keys_of(context, &prove.key)?),
        None => Folder::of(context)?,
    };
    let leaf = folder.leaf(prove.seq)?;
    let proof = signed(&folder, prove.seq, leaf, prove.wait.duration())?.to_string();
    if let Some(path) = &prove.output {
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(proof.as_bytes()));
        written.map_err(|error| {
            Failure::failed(format_args!("can't write {}: {error}", path.display()))
        })?;
        if context.output.is_json() {
            context
                .output
                .value(&json!({ "seq": prove.seq, "file": path }))?;
        } else {
            note(format_args!("wrote {}", path.display()));
        }
    } else if context.output.is_json() {
        context
            .output
            .value(&json!({ "seq": prove.seq, "proof": proof }))?;
    } else {
        context.output.bytes(proof.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// The proof under the newest checkpoint, as soon as that covers the leaf.
fn signed(
    folder: &Folder,
    sequence: u64,
    leaf: Vec<u8>,
    wait: Duration,
) -> Result<LogProof, Failure> {
    let keys = folder.keys()?;
    let began = Instant::now();
    loop {
        let mut why = None;
        if let Some((note, signed)) = folder.checkpoint()?
            && signed.checkpoint.size() > sequence
        {
            match LogProof::make(&folder.directory(), sequence, leaf.clone(), note, &keys) {
                Ok(proof) => return Ok(proof),
                // Cleared away while it was read: there is a newer checkpoint.
                Err(error @ Error::Missing(_)) => why = Some(error),
                Err(error) => {
                    return Err(Failure::failed(format_args!(
                        "leaf {sequence} can't be proved: {error}; `doorward audit verify` says \
                         what does not hold"
                    )));
                }
            }
        }
        if began.elapsed() >= wait {
            return Err(Failure::failed(match why {
                Some(error) => format!("leaf {sequence} can't be proved: {error}"),
                None => format!(
                    "no checkpoint covers leaf {sequence} yet; a server signs one within a second \
                     or so, and a command when it ends: try again, or wait longer with --wait"
                ),
            }));
        }
        std::thread::sleep(POLL);
    }
}
