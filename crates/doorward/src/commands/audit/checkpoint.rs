//! `doorward audit checkpoint`.

use serde_json::json;

use super::folder::Folder;
use crate::cli::CheckpointOf;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward audit checkpoint`.
pub(super) fn run(context: &Context, of: &CheckpointOf) -> Outcome {
    let output = context.output;
    let folder = Folder::of(context)?;
    if of.key {
        let keys = folder.keys()?.into_iter().map(|key| key.to_string());
        let keys: Vec<String> = keys.collect();
        if output.is_json() {
            output.value(&json!({ "keys": keys }))?;
        } else {
            keys.iter().try_for_each(|key| output.line(key))?;
        }
        return Ok(Exit::Done);
    }
    let (note, signed) = folder.checkpoint()?.ok_or_else(|| {
        Failure::failed("there is no checkpoint yet: the first is signed within a second or so")
    })?;
    if output.is_json() {
        let signed_by = signed.signed_by.iter().map(ToString::to_string);
        let witnesses = signed
            .cosigned_by
            .iter()
            .map(|seen| seen.witness.to_string());
        output.value(&json!({
            "origin": signed.checkpoint.origin(),
            "size": signed.checkpoint.size(),
            "root": signed.checkpoint.head().root.to_string(),
            "signed_by": signed_by.collect::<Vec<_>>(),
            "cosigned_by": witnesses.collect::<Vec<_>>(),
            "checkpoint": String::from_utf8_lossy(&note),
        }))?;
    } else {
        output.bytes(&note)?;
    }
    Ok(Exit::Done)
}
