//! `doorward upstream`: the real keys, at Instantly and here.

mod adopt;
mod list;
mod mint;
mod owed;
mod probe;
mod progress;
mod revoke;
mod rotate;
mod shrink;

use crate::admin::Session;
use crate::cli::UpstreamCommand;
use crate::context::Context;
use crate::exit::Outcome;

/// Runs `doorward upstream …`.
pub(crate) async fn run(context: &Context, command: UpstreamCommand) -> Outcome {
    let session = Session::open(context).await?;
    match command {
        UpstreamCommand::List(typed) => list::run(context, &session, typed).await,
        UpstreamCommand::Adopt(typed) => adopt::run(context, &session, typed).await,
        UpstreamCommand::Probe(typed) => probe::run(context, &session, typed).await,
        UpstreamCommand::Mint(typed) => mint::run(context, &session, typed).await,
        UpstreamCommand::Shrink(typed) => shrink::run(context, &session, typed).await,
        UpstreamCommand::Revoke(typed) => revoke::run(context, &session, typed).await,
        UpstreamCommand::Rotation(command) => rotate::run(context, &session, command).await,
    }
}
