//! `doorward serve`: the gateway, by its configuration.

use serde_json::json;

use crate::cli::Serve;
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::server::{Doors, Server, listen, open_store};
use crate::signals::Endings;

/// Runs `doorward serve`.
pub(crate) async fn run(context: &Context, serve: &Serve) -> Outcome {
    crate::log::begin(&context.config.log);
    let data = &context.data_dir;
    if !data.exists() {
        return Err(Failure::usage(format_args!(
            "there is no data folder {}; make it with `doorward init`",
            data.path().display()
        )));
    }
    data.make()?;
    if Demo::read(data)?.is_some() {
        return Err(Failure::usage(format_args!(
            "{} holds the demo of `doorward up`; run that, or choose another folder with \
             --data-dir",
            data.path().display()
        )));
    }
    let endings = Endings::listen()?;
    let store = open_store(context)?;
    let listener = listen(serve.listen.unwrap_or(context.config.gateway.listen)).await?;
    let doors = Doors::open(context, store.as_ref()).await?;
    let server = Server::start_with(context, store, listener, doors)?;
    tracing::info!(gateway = server.gateway_url, data = %data.path().display(), "ready");
    crate::supervisor::ready();
    if context.output.is_json() {
        context.output.value_line(&json!({
            "gateway_url": server.gateway_url,
            "relay_url": server.relay_url,
            "data_dir": data.path(),
            "pid": std::process::id(),
        }))?;
    }
    warn_of_review(context);
    server.run(endings).await?;
    Ok(Exit::Done)
}

/// Looks when the last review was, which may take reading the whole ledger.
fn warn_of_review(context: &Context) {
    let context = context.clone();
    // Nobody waits for it, at the end neither.
    std::thread::spawn(move || {
        if let Some(told) = super::audit::overdue(&context) {
            tracing::warn!("{told}");
        }
    });
}
