//! One client that reads with one key and writes with another, their scopes found by probing.
//!
//! `cargo run -p doorward-upstream --example two_keys` runs it against a sandbox in this process.

use std::io::Write;

use doorward_sandbox::Sandbox;
use doorward_upstream::{Client, Error, Op, ReaderWriter};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let sandbox = Sandbox::builder().build()?.spawn("127.0.0.1:0").await?;
    let summary = sandbox.sandbox.summary(&sandbox.url);
    let keys = || {
        summary
            .workspaces
            .iter()
            .flat_map(|workspace| &workspace.keys)
    };
    let key = |name: &str| {
        keys()
            .find(|key| key.name == name)
            .map(|key| key.key.clone())
    };
    let (Some(reader), Some(writer)) = (key("analytics-dashboard"), key("lead-import")) else {
        return Err("the sandbox's seed lacks the keys".into());
    };

    let plain = Client::builder()
        .base_url(&sandbox.url)
        .key(reader.clone().into())
        .build()?;
    let pair = ReaderWriter::discover(&plain, reader.into(), writer.into()).await?;
    writeln!(
        out,
        "reader: {}\nwriter: {}",
        pair.reader.scopes, pair.writer.scopes
    )?;

    let client = Client::builder()
        .base_url(&sandbox.url)
        .reader_writer(pair)
        .build()?;
    client
        .request(Op::ListCampaign, None, &[("limit", "1")], None)
        .await?;
    writeln!(out, "read the campaigns with the one")?;
    let lead = json!({ "email": "ada@example.com" });
    client
        .request(Op::CreateLead, None, &[], Some(&lead))
        .await?;
    writeln!(out, "made a lead with the other")?;
    match client.request(Op::ListAPIKey, None, &[], None).await {
        Err(error @ Error::NoKeyCovers { .. }) => writeln!(out, "not sent: {error}")?,
        other => return Err(format!("expected a refusal, got {other:?}").into()),
    }
    Ok(sandbox.shutdown().await?)
}
