//! `doorward upstream`: the real keys, at Instantly and here.

mod list;

use crate::admin::Session;
use crate::cli::UpstreamCommand;
use crate::context::Context;
use crate::exit::Outcome;

/// Runs `doorward upstream …`.
pub(crate) async fn run(context: &Context, command: UpstreamCommand) -> Outcome {
    let session = Session::open(context).await?;
    match command {
        UpstreamCommand::List(typed) => list::run(context, &session, typed).await,
    }
}
