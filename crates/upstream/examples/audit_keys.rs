//! Lists a workspace's API keys with what each may do, and its subscriptions with their state.
//!
//! `cargo run -p doorward-upstream --example audit_keys` runs it against a sandbox in this process;
//! with `INSTANTLY_API_KEY` set it asks Instantly, or the `INSTANTLY_BASE_URL` given.

use std::io::Write;

use doorward_sandbox::Sandbox;
use doorward_upstream::resources::WebhookFilter;
use doorward_upstream::{Client, ScopeSet};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut out = std::io::stdout().lock();
    if let Ok(key) = std::env::var("INSTANTLY_API_KEY") {
        let mut builder = Client::builder().key(key.into());
        if let Ok(base) = std::env::var("INSTANTLY_BASE_URL") {
            builder = builder.base_url(base);
        }
        return audit(&builder.build()?, &mut out).await;
    }
    let sandbox = Sandbox::builder().build()?.spawn("127.0.0.1:0").await?;
    for workspace in sandbox.sandbox.summary(&sandbox.url).workspaces {
        let Some(widest) = workspace.keys.first() else {
            continue;
        };
        writeln!(out, "# {}", workspace.name)?;
        let client = Client::builder()
            .base_url(&sandbox.url)
            .key(widest.key.clone().into())
            .build()?;
        audit(&client, &mut out).await?;
    }
    Ok(sandbox.shutdown().await?)
}

async fn audit(client: &Client, out: &mut impl Write) -> Outcome {
    let mut keys = client.api_keys().list();
    while let Some(key) = keys.next().await {
        let key = key?;
        let scopes: ScopeSet = key.scopes.join(",").parse()?;
        let may = scopes.allows().len();
        writeln!(out, "{}: {scopes} ({may} operations)", key.name)?;
    }
    for webhook in client
        .webhooks()
        .list(&WebhookFilter::default())
        .all(100)
        .await?
    {
        let state = if webhook.is_disabled() { "off" } else { "on" };
        let name = webhook.name.unwrap_or(webhook.id);
        writeln!(out, "{name} -> {} ({state})", webhook.target_hook_url)?;
    }
    Ok(())
}
