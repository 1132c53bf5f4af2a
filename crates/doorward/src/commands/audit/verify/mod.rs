//! `doorward audit verify`: one proof, a folder, or the data folder with its store.

mod bar;
mod folder;
mod proof;

pub(in crate::commands) use bar::Bar;

use super::folder::keys_of;
use crate::cli::Verify;
use crate::context::Context;
use crate::exit::Outcome;

/// Runs `doorward audit verify`.
pub(super) async fn run(context: &Context, verify: &Verify) -> Outcome {
    let keys = keys_of(context, &verify.key)?;
    if !verify.proofs.is_empty() {
        return proof::run(context.output, &verify.proofs, &keys);
    }
    folder::run(context, verify, &keys).await
}
