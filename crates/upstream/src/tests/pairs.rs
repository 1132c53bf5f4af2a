//! One client, two keys.

use doorward_catalog::{Op, route};
use secrecy::SecretString;
use serde_json::json;

use super::server::{Act, Fake};
use super::{builder, client};
use crate::client::Client;
use crate::error::Error;
use crate::pair::{ReaderWriter, ScopedKey};
use crate::probe::Liveness;

fn scoped(key: &str, scopes: &str) -> ScopedKey {
    ScopedKey {
        key: SecretString::from(key),
        scopes: scopes.parse().unwrap(),
    }
}

fn pair(fake: &Fake, reader: &str, writer: &str) -> Client {
    let pair = ReaderWriter {
        reader: scoped("the-reader", reader),
        writer: scoped("the-writer", writer),
    };
    builder(fake).reader_writer(pair).build().unwrap()
}

/// Which key an operation goes out with.
async fn key_for(reader: &str, writer: &str, op: Op) -> Result<String, Error> {
    let fake = Fake::answering(|_| Act::json(200, json!({})));
    pair(&fake, reader, writer)
        .request(op, None, &[], None)
        .await?;
    let seen = fake.seen();
    Ok(seen[0].header("authorization").unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn each_call_goes_out_under_the_narrowest_key_that_covers_it() {
    for (reader, writer, op, expected) in [
        (
            "all:read",
            "leads:create",
            Op::ListCampaign,
            "Bearer the-reader",
        ),
        (
            "all:read",
            "leads:create",
            Op::CreateLead,
            "Bearer the-writer",
        ),
        // Both cover it; the writer is the narrower here, the reader where they are alike.
        ("all:read", "leads:all", Op::ListLeads, "Bearer the-writer"),
        (
            "leads:read",
            "leads:all",
            Op::ListLeads,
            "Bearer the-reader",
        ),
        (
            "leads:read",
            "leads:read",
            Op::ListLeads,
            "Bearer the-reader",
        ),
    ] {
        assert_eq!(
            key_for(reader, writer, op).await.unwrap(),
            expected,
            "{reader} {writer} {op}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_neither_covers_is_not_sent_and_both_are_named() {
    let fake = Fake::doing([]);
    let client = pair(&fake, "campaigns:read", "leads:create");
    let error = client
        .request(Op::ListAPIKey, None, &[], None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "listAPIKey needs api_keys:read; neither the reader key (campaigns:read) nor the writer \
         key (leads:create) covers it"
    );
    assert!(fake.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn typed_calls_lists_and_sub_workspaces_work_with_a_pair() {
    let fake = Fake::answering(|_| Act::json(200, json!({"items": []})));
    let client = pair(&fake, "webhooks:read", "webhooks:delete")
        .as_workspace("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f")
        .unwrap();
    client
        .webhooks()
        .list(&Default::default())
        .all(9)
        .await
        .unwrap();
    drop(client.webhooks().delete("x").await);
    let keys: Vec<_> = fake
        .seen()
        .iter()
        .map(|s| s.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        keys,
        [
            Some("Bearer the-reader".to_owned()),
            Some("Bearer the-writer".to_owned())
        ]
    );
    assert!(
        fake.seen()
            .iter()
            .all(|seen| seen.header("x-as-workspace").is_some())
    );
    let probe = client.probe().await;
    assert!(matches!(probe.alive, Liveness::Unknown { .. }));
    assert_eq!(probe.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pairs_scopes_can_be_discovered() {
    let fake = Fake::answering(|seen| {
        let scopes = match seen.header("authorization") {
            Some("Bearer the-reader") => "campaigns:read, leads:read",
            Some("Bearer the-writer") => "leads:create",
            _ => return Act::envelope(401, "Invalid API key"),
        };
        let path = seen.target.split('?').next().unwrap();
        let required = route(&seen.method, path).unwrap().op.facts().scope;
        Act::envelope(
            401,
            &format!("Invalid scope. Required: {required}. Found: {scopes}"),
        )
    });
    let client = client(&fake);
    let key = |name: &str| SecretString::from(name);
    let pair = ReaderWriter::discover(&client, key("the-reader"), key("the-writer"))
        .await
        .unwrap();
    assert_eq!(
        pair.reader.scopes,
        "campaigns:read, leads:read".parse().unwrap()
    );
    assert_eq!(pair.writer.scopes, "leads:create".parse().unwrap());
    let error = ReaderWriter::discover(&client, key("the-reader"), key("gone"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "writer key: it is dead");
}
