//! Verifying proofs with the public key alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use doorward_ledger::log::Record;
use doorward_ledger::{LogProof, MAX_PROOF_BYTES, Proved, VerifierKey};
use serde_json::{Value, json};

use super::super::folder::entry;
use super::super::line;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, clean};

/// Verifies each; findings when one does not hold.
pub(super) fn run(output: Output, paths: &[PathBuf], keys: &[VerifierKey]) -> Outcome {
    let mut exit = Exit::Done;
    for path in paths {
        let bytes = read(path).map_err(|error| {
            Failure::usage(format_args!("can't read {}: {error}", path.display()))
        })?;
        let proved = LogProof::parse(&bytes).and_then(|proof| proof.verify(None, keys));
        match proved {
            Ok(proved) => holds(path, &proved, output)?,
            Err(error) => {
                exit = Exit::Findings;
                if output.is_json() {
                    output.value_line(&json!({
                        "proof": path, "holds": false, "why": error.to_string(),
                    }))?;
                } else {
                    output.line(format_args!(
                        "{}: {}: {error}",
                        clean(&path.display().to_string()),
                        output.paint(Tone::Bad, "does not hold")
                    ))?;
                }
            }
        }
    }
    Ok(exit)
}

fn holds(path: &Path, proved: &Proved, output: Output) -> Result<(), Failure> {
    let record = Record {
        sequence: proved.index,
        leaf: proved.leaf.clone(),
    };
    let checkpoint = &proved.signed.checkpoint;
    // What is proved need not be a leaf of a version that is known here.
    let entry = entry(&record).ok();
    let leaf: Value = serde_json::from_slice(&proved.leaf).unwrap_or_default();
    if output.is_json() {
        let signed_by = proved.signed.signed_by.iter().map(ToString::to_string);
        return output.value_line(&json!({
            "proof": path,
            "holds": true,
            "seq": proved.index,
            "origin": checkpoint.origin(),
            "size": checkpoint.size(),
            "root": checkpoint.head().root.to_string(),
            "signed_by": signed_by.collect::<Vec<_>>(),
            "entry": entry,
            "leaf": leaf,
        }));
    }
    output.line(format_args!(
        "{}: {}: leaf {} of the {} that {} signed",
        clean(&path.display().to_string()),
        output.paint(Tone::Good, "holds"),
        proved.index,
        checkpoint.size(),
        clean(checkpoint.origin()),
    ))?;
    if let Some(entry) = entry {
        output.line(line::line(&entry, output))?;
    }
    output.line(clean(&String::from_utf8_lossy(&proved.leaf)))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = MAX_PROOF_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
