//! No key in anything that is shown.

use doorward_catalog::Op;
use secrecy::SecretString;
use serde_json::json;

use super::server::{Act, Fake, reply};
use super::{KEY, builder, client};
use crate::Call;
use crate::pair::{ReaderWriter, ScopedKey};

fn shown(thing: &(impl std::fmt::Debug + ?Sized)) -> String {
    format!("{thing:?} {thing:#?}")
}

#[tokio::test(start_paused = true)]
async fn no_error_shows_a_key_that_a_server_echoes() {
    let half = &KEY[..40];
    for status in [
        200, 301, 400, 401, 402, 403, 404, 405, 409, 418, 422, 429, 500, 503,
    ] {
        for body in [
            json!({"statusCode": status, "error": KEY, "message": format!("bad key {KEY}.")}),
            json!({"message": format!("Invalid scope. Required: {KEY}. Found: a, {KEY}, b")}),
            json!({"error": KEY, "status": "error", "error_description": KEY}),
            json!({"message": "x", "doorward": {
                "reason": "scope_missing", "required": [KEY], "granted": [KEY]}}),
            json!(KEY),
        ] {
            let headers = [("content-type", "application/json"), ("location", KEY)];
            let json = Act::Answer(reply(status, &headers, &body.to_string()));
            let plain = Act::text(status, "text/plain", &format!("error code: {KEY} {body}"));
            for act in [json, plain] {
                let fake = Fake::doing([act]);
                let client = builder(&fake)
                    .key(SecretString::from(KEY))
                    .retries(crate::RetryPolicy::NONE)
                    .build()
                    .unwrap();
                let call = Call::new(Op::SendTestEmail).json(&json!({})).unwrap();
                if let Err(error) = client.send(&call).await {
                    let text = format!("{error} {}", shown(&error));
                    assert!(!text.contains(half), "{status}: {text}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_debug_shows_a_key() {
    let fake = Fake::doing([Act::json(
        200,
        json!({
            "id": "1", "name": "n", "scopes": [], "key": KEY, "organization_id": "o",
            "timestamp_created": "t", "timestamp_updated": "t"
        }),
    )]);
    let client = client(&fake);
    let pair = ReaderWriter {
        reader: ScopedKey {
            key: KEY.into(),
            scopes: Default::default(),
        },
        writer: ScopedKey {
            key: KEY.into(),
            scopes: Default::default(),
        },
    };
    let call = Call::new(Op::CreateWebhook)
        .query("q", KEY)
        .json(&json!({"headers": {"authorization": KEY}}))
        .unwrap();
    let mut texts = vec![
        shown(&client),
        shown(&pair),
        shown(&builder(&fake).key(KEY.into()).reader_writer(pair.clone())),
        shown(&call),
        shown(&client.api_keys()),
    ];
    let paired = builder(&fake).reader_writer(pair).build().unwrap();
    texts.push(shown(&paired));
    let response = client
        .request(Op::ListAPIKey, None, &[], None)
        .await
        .unwrap();
    texts.push(shown(&response));
    texts.push(shown(&response.json::<crate::wire::ApiKey>().unwrap()));
    for text in texts {
        assert!(!text.contains(&KEY[..16]), "{text}");
    }
    // A shape error says where, not what.
    let error = response.json::<u8>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&KEY[..16]));
}

#[test]
fn a_client_needs_one_key_or_one_pair() {
    let fake = Fake::doing([]);
    assert!(builder(&fake).build().is_err());
    let scoped = || ScopedKey {
        key: KEY.into(),
        scopes: Default::default(),
    };
    let pair = ReaderWriter {
        reader: scoped(),
        writer: scoped(),
    };
    assert!(
        builder(&fake)
            .key(KEY.into())
            .reader_writer(pair)
            .build()
            .is_err()
    );
    let bad = builder(&fake).key(format!("{KEY}\r\nx: y").into()).build();
    assert!(!format!("{:?}", bad.unwrap_err()).contains(KEY));
    assert!(
        builder(&fake)
            .key(KEY.into())
            .user_agent("a\nb")
            .build()
            .is_err()
    );
    assert!(
        builder(&fake)
            .key(KEY.into())
            .base_url("http://example.com")
            .build()
            .is_err()
    );
}
