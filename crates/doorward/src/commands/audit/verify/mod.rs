//! `doorward audit verify`: one proof, a folder, or the data folder with its store.

mod bar;
mod folder;
mod proof;

pub(super) use bar::Bar;

use std::path::Path;

use doorward_ledger::VerifierKey;

use super::folder::{Folder, read_keys};
use crate::cli::Verify;
use crate::context::Context;
use crate::exit::{Failure, Outcome};

/// Runs `doorward audit verify`.
pub(super) async fn run(context: &Context, verify: &Verify) -> Outcome {
    let keys = keys(context, &verify.key)?;
    if !verify.proofs.is_empty() {
        return proof::run(context.output, &verify.proofs, &keys);
    }
    folder::run(context, verify, &keys).await
}

/// The keys that were given, or the data folder's own.
fn keys(context: &Context, given: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    if given.is_empty() {
        return read_keys(&context.data_dir.ledger_public_keys());
    }
    let mut keys = Vec::new();
    for text in given {
        match text.trim().parse() {
            Ok(key) => keys.push(key),
            Err(error) => {
                let path = Path::new(text);
                if !path.exists() && text.matches('+').count() >= 2 {
                    return Err(Failure::usage(format_args!("--key: {error}")));
                }
                keys.extend(read_keys(path)?);
            }
        }
    }
    Ok(keys)
}

impl Folder {
    /// The ledger's folder in what somebody names: itself, or the data folder that it is in.
    fn within(named: &Path) -> std::path::PathBuf {
        let inner = named.join("ledger");
        if !named.join("checkpoint").exists() && inner.is_dir() {
            return inner;
        }
        named.to_owned()
    }
}
