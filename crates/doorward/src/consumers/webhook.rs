//! A consumer's webhook, signed as Standard Webhooks 1.0.0 say.

use bytes::Bytes;
use doorward_audit::web::{Web, target};
use doorward_policy::Timestamp;
use doorward_webhook::WebhookSecret;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use zeroize::Zeroizing;

use super::{LIMIT, Missed, Notice};

/// Most bytes of an answer; nothing is made of it.
const ANSWER_MAX: usize = 64 * 1024;
const OUR_NAME: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// Whether an address is written out, and no reference.
pub(super) fn is_plain(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Tells a consumer; a success (2xx) is its acknowledgement.
pub(super) async fn call(
    address: &SecretString,
    secret: &SecretString,
    (consumer, notice): (&str, &Notice),
    carried: Option<&SecretString>,
    now: Timestamp,
) -> Result<(), Missed> {
    let told = |why: &dyn std::fmt::Display| format!("the webhook of {consumer}: {why}");
    let url = address.expose_secret();
    let uri = target(url).map_err(|why| Missed::for_good(told(&why)))?;
    if carried.is_some() && uri.scheme_str() != Some("https") {
        return Err(Missed::for_good(told(&"a key goes over https alone")));
    }
    let secret = WebhookSecret::parse(secret).map_err(|_| {
        Missed::for_good(told(
            &"its secret is not whsec_ and base64 of 24 to 64 bytes",
        ))
    })?;
    let web = Web::new(None, LIMIT, ANSWER_MAX).map_err(|why| Missed::later(told(&why)))?;
    let (id, seconds) = (id(consumer, notice), now.millis().div_euclid(1_000));
    let body = body(consumer, notice, carried, now);
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, OUR_NAME)
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds)
        .header(
            "webhook-signature",
            secret.sign(&id, seconds, body.as_bytes()),
        )
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|_| Missed::for_good(told(&"the request can't be made")))?;
    let answer = web.send(request).await;
    let answer = answer.map_err(|why| Missed::later(told(&why)))?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(Missed::later(told(&format_args!(
        "it answered {}",
        answer.status.as_u16()
    ))))
}

/// The same for every try, so that whoever is told twice knows.
fn id(consumer: &str, notice: &Notice) -> String {
    let way = if notice.rolled_back { "back" } else { "on" };
    format!("rot_{}_{way}_{consumer}", notice.rotation)
}

/// `type`, `timestamp` and `data`, as the specification advises.
fn body(
    consumer: &str,
    notice: &Notice,
    carried: Option<&SecretString>,
    now: Timestamp,
) -> Zeroizing<String> {
    let mut data = json!({
        "consumer": consumer,
        "rotation": notice.rotation,
        "workspace": notice.workspace,
        "key": notice.key,
        "rolled_back": notice.rolled_back,
    });
    if let (Some(data), Some(value)) = (data.as_object_mut(), carried) {
        data.insert("value".to_owned(), value.expose_secret().into());
    }
    let message = json!({
        "type": "upstream_key.rotated",
        "timestamp": now.to_string(),
        "data": data,
    });
    Zeroizing::new(message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            rotation: "0123456789".to_owned(),
            workspace: "acme".to_owned(),
            key: "reader".to_owned(),
            rolled_back: false,
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn the_key_is_in_the_body_only_when_it_was_asked_for() {
        let value = SecretString::from("the-value");
        let without = body("crm", &notice(), None, NOW);
        assert!(!without.contains("value"), "{}", *without);
        let with = body("crm", &notice(), Some(&value), NOW);
        assert!(with.contains("\"value\":\"the-value\""));
        let back = Notice {
            rolled_back: true,
            ..notice()
        };
        assert_ne!(id("crm", &notice()), id("crm", &back));
    }

    #[tokio::test]
    async fn a_key_goes_over_https_alone() {
        let (secret, value) = (
            SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            SecretString::from("the-value"),
        );
        for (url, says) in [
            ("http://127.0.0.1:9/", "https alone"),
            ("http://crm.example/", "this machine alone"),
            ("ftp://crm.example/", "its URL is not https"),
        ] {
            let missed = call(&url.into(), &secret, ("crm", &notice()), Some(&value), NOW)
                .await
                .unwrap_err();
            assert!(missed.permanent && missed.why.contains(says), "{missed:?}");
        }
        let unsigned = call(
            &"http://127.0.0.1:9/".into(),
            &"secret".into(),
            ("crm", &notice()),
            None,
            NOW,
        )
        .await
        .unwrap_err();
        assert!(unsigned.why.contains("whsec_"));
    }
}
