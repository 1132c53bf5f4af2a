//! `doorward audit`: the record read, proved, verified and kept.
//!
//! What needs no key is read from the ledger's folder, beside a server that may be running. What
//! needs the store, or changes something, goes through the admin API.

mod adopt;
mod checkpoint;
mod erase;
mod export;
mod folder;
mod line;
mod prove;
mod prune;
mod reconcile;
mod review;
mod rotate;
mod search;
mod show;
mod tail;
mod verify;
mod which;

pub(super) use folder::Folder;
pub(crate) use review::{overdue, review_standing};
pub(super) use verify::Bar;

use crate::cli::AuditCommand;
use crate::context::Context;
use crate::exit::Outcome;

/// Runs `doorward audit …`.
pub(crate) async fn run(context: &Context, command: AuditCommand) -> Outcome {
    match command {
        AuditCommand::Tail(tail) => tail::run(context, &tail).await,
        AuditCommand::Search(search) => search::run(context, &search).await,
        AuditCommand::Show(show) => show::run(context, &show).await,
        AuditCommand::Prove(prove) => prove::run(context, &prove),
        AuditCommand::Verify(verify) => verify::run(context, &verify).await,
        AuditCommand::Checkpoint(of) => checkpoint::run(context, &of),
        AuditCommand::Erase(erase) => erase::run(context, erase).await,
        AuditCommand::Export(export) => export::run(context, &export).await,
        AuditCommand::Reconcile(reconcile) => reconcile::run(context, reconcile).await,
        AuditCommand::Prune(prune) => prune::run(context, &prune).await,
        AuditCommand::RotateKey { finish } => rotate::run(context, finish).await,
        AuditCommand::Adopt { yes } => adopt::run(context, yes).await,
        AuditCommand::Review(review) => review::run(context, review).await,
    }
}
