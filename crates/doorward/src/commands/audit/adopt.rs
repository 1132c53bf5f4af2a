//! `doorward audit adopt`: a ledger whose database was lost.

use std::sync::Arc;

use doorward_ledger::segment::Disk;
use doorward_ledger::verify_folder;
use doorward_store::{SqliteStore, StoreError};
use serde_json::json;

use super::folder::keys_of;
use crate::admin::Session;
use crate::commands::confirm::confirm;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::record::{Take, open_record};

/// Runs `doorward audit adopt`.
pub(super) async fn run(context: &Context, yes: bool) -> Outcome {
    if Session::running(context).await?.is_some() {
        return Err(Failure::usage(
            "a server runs on this ledger, which so is no stranger to its database; stop it first",
        ));
    }
    let folder = context.data_dir.ledger();
    let keys = keys_of(context, &[])?;
    let disk = Disk::existing(&folder).map_err(|error| {
        Failure::usage(format_args!(
            "there is no ledger in {}: {error}",
            folder.display()
        ))
    })?;
    let report =
        verify_folder(Arc::new(disk), &keys, None, &mut |_| {}).map_err(Failure::failed)?;
    if !report.holds() {
        return Err(Failure::failed(
            "the ledger does not hold, so it is not taken over; `doorward audit verify` says what \
             is wrong",
        ));
    }
    let size = report.size();
    let question = format!(
        "Take the ledger of {size} leaves over with a database that never knew it? Only a witness \
         or a kept checkpoint can tell whether its end was cut off."
    );
    if !confirm(&question, yes)? {
        return Ok(Exit::Findings);
    }
    let store = SqliteStore::open(&context.data_dir.store()).map_err(|error| match error {
        StoreError::Locked { .. } => Failure::usage("another process uses the database; stop it"),
        error => Failure::failed(error),
    })?;
    let (audit, _) = open_record(context, Arc::new(store), Take::Over)?;
    audit.close().map_err(Failure::failed)?;
    if context.output.is_json() {
        context.output.value(&json!({ "adopted": size }))?;
    } else {
        context.output.line(format_args!(
            "the ledger of {size} leaves is this database's now; it says so itself"
        ))?;
    }
    Ok(Exit::Done)
}
