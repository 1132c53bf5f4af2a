//! Each answer becomes the error it is.

use std::time::Duration;

use doorward_catalog::Op;
use serde_json::json;

use super::server::{Act, Fake, reply};
use super::{builder, client};
use crate::error::{Error, Outcome};
use crate::retry::RetryPolicy;
use crate::{Call, SecretString};

async fn error_of(op: Op, act: Act) -> Error {
    let client = builder(&Fake::doing([act]))
        .key(SecretString::from("some-key"))
        .retries(RetryPolicy::NONE)
        .build()
        .unwrap();
    let call = Call::new(op);
    let call = if op.facts().path.contains('{') {
        call.param("x")
    } else {
        call
    };
    client.send(&call).await.unwrap_err()
}

const LIST: Op = Op::ListCampaign;

#[tokio::test(start_paused = true)]
async fn a_wrong_scope_is_not_a_dead_key() {
    let message = "Invalid scope. Required: campaigns:read. Found: leads:create, leads:new";
    let wrong = Error::WrongScope {
        op: LIST,
        required: vec!["campaigns:read".to_owned()],
        found: Some(vec!["leads:create".to_owned(), "leads:new".to_owned()]),
    };
    assert_eq!(error_of(LIST, Act::envelope(401, message)).await, wrong);
    assert_eq!(error_of(LIST, Act::envelope(403, message)).await, wrong);
    assert_eq!(
        wrong.to_string(),
        "listCampaign needs campaigns:read; the key has leads:create, leads:new"
    );

    let none = "Invalid scope. Required: campaigns:read. Found: ";
    let error = error_of(LIST, Act::envelope(401, none)).await;
    assert!(matches!(error, Error::WrongScope { found: Some(found), .. } if found.is_empty()));

    let dead = error_of(LIST, Act::envelope(401, "Invalid API key")).await;
    assert!(matches!(dead, Error::DeadKey { .. }), "{dead:?}");
}

#[tokio::test(start_paused = true)]
async fn a_403_is_of_the_edge_of_scopes_or_of_neither() {
    let error = error_of(LIST, Act::text(403, "text/plain", "error code: 1010\n")).await;
    let code = Some(1010);
    assert_eq!(error, Error::EdgeBlocked { op: LIST, code });

    let page = "<html><title>Attention Required!</title></html>";
    let error = error_of(LIST, Act::text(403, "text/html", page)).await;
    assert_eq!(
        error,
        Error::EdgeBlocked {
            op: LIST,
            code: None
        }
    );

    let documented = "The API key scope does not allow this action";
    let error = error_of(LIST, Act::envelope(403, documented)).await;
    assert_eq!(
        error,
        Error::WrongScope {
            op: LIST,
            required: vec!["campaigns:read".to_owned()],
            found: None
        }
    );

    let op = Op::CreateFromExport;
    let error = error_of(op, Act::envelope(403, "The campaign is not shared")).await;
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gateways_refusal_names_scopes_too() {
    let body = json!({
        "statusCode": 403, "error": "Forbidden", "message": "client 'x' may not",
        "doorward": {"reason": "scope_missing", "required": ["campaigns:read"], "granted": []}
    });
    let error = error_of(LIST, Act::json(403, body)).await;
    assert_eq!(
        error,
        Error::WrongScope {
            op: LIST,
            required: vec!["campaigns:read".to_owned()],
            found: Some(Vec::new())
        }
    );
    let body = json!({
        "statusCode": 403, "message": "no", "doorward": {"reason": "expired"}
    });
    let error = error_of(LIST, Act::json(403, body)).await;
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_other_statuses_are_told_apart() {
    let op = Op::CreateLead;
    let cases = [
        (400, "invalid"),
        (402, "no plan"),
        (404, "gone"),
        (405, "?"),
        (409, "twice"),
    ];
    for (status, message) in cases.into_iter().chain([(422, "invalid"), (413, "big")]) {
        let message = message.to_owned();
        let error = error_of(op, Act::envelope(status, &message)).await;
        let expected = match status {
            402 => Error::NoPlan { op, message },
            404 => Error::NotFound { op, message },
            405 => Error::Refused {
                op,
                status,
                message,
            },
            409 => Error::Conflict { op, message },
            _ => Error::Invalid {
                op,
                status,
                message,
            },
        };
        assert_eq!(error, expected);
        assert_eq!(error.outcome(), Outcome::NotDone);
        assert_eq!(error.op(), Some(op));
    }
    for status in [500, 502, 503, 520] {
        let error = error_of(op, Act::text(status, "text/html", "<html>")).await;
        assert!(matches!(error, Error::Server { status: s, .. } if s == status));
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(!error.to_string().contains("<html>"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_says_when_to_come_back_where_the_api_does() {
    for (header, expected) in [
        (Some("7"), Some(7)),
        (Some(" 7 "), Some(7)),
        (Some("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (Some("-1"), None),
        (Some("99999999999999999999999"), None),
        (Some("18446744073709551615"), Some(7 * 24 * 3_600)),
        (None, None),
    ] {
        let headers: Vec<_> = header.iter().map(|value| ("retry-after", *value)).collect();
        let error = error_of(LIST, Act::Answer(reply(429, &headers, ""))).await;
        let Error::Limit { retry_after, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(retry_after, expected.map(Duration::from_secs), "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let to = ("location", "https://elsewhere.example/steal");
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::doing([Act::Answer(reply(status, &[to], ""))]);
        let error = client(&fake).request(LIST, None, &[], None).await;
        assert_eq!(error.unwrap_err(), Error::Redirect { op: LIST, status });
        assert_eq!(fake.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_200_is_an_error() {
    let op = Op::SendTestEmail;
    let error = error_of(op, Act::json(200, json!({"error": "ACC_NOT_FOUND"}))).await;
    assert!(matches!(&error, Error::InBody { code, .. } if code == "ACC_NOT_FOUND"));
    let op = Op::GetOAuthSessionStatus;
    let body = json!({"status": "error", "error": "access_denied", "error_description": "No."});
    let error = error_of(op, Act::json(200, body)).await;
    assert_eq!(
        error.to_string(),
        "getOAuthSessionStatus: answered 200 with the error `access_denied`: No."
    );
    // A pending session is none, and elsewhere `error` is a field like any.
    for (op, body) in [
        (op, json!({"status": "pending"})),
        (
            Op::TestWebhook,
            json!({"success": false, "error": "Connection timeout"}),
        ),
    ] {
        let fake = Fake::doing([Act::json(200, body)]);
        assert!(
            client(&fake)
                .request(op, Some("x"), &[], None)
                .await
                .is_ok()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind_is_no_answer() {
    let html = "<html>Sign in to the hotel's network</html>";
    for act in [
        Act::text(200, "text/html", html),
        Act::text(200, "application/json", html),
        Act::text(200, "application/json", "{\"items\": ["),
        Act::text(200, "application/json", "{} {}"),
        Act::text(200, "application/json", &"[".repeat(100_000)),
        Act::text(200, "text/html", "{}"),
    ] {
        let error = error_of(Op::CreateLead, act).await;
        assert!(matches!(error, Error::BadAnswer { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Done);
    }
    let csv = Op::DownloadBlockListEntry;
    let error = error_of(csv, Act::text(200, "text/html", html)).await;
    assert!(matches!(error, Error::BadAnswer { .. }), "{error:?}");
    let fake = Fake::doing([Act::text(200, "text/csv; charset=utf-8", "a,b")]);
    let answer = client(&fake).request(csv, None, &[], None).await.unwrap();
    assert_eq!(&answer.body()[..], b"a,b");
    assert_eq!(fake.seen()[0].header("accept"), Some("text/csv"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_has_no_value() {
    let fake = Fake::doing([Act::Answer(reply(204, &[], ""))]);
    let call = Call::new(Op::ShareCampaign).param("x");
    let answer = client(&fake).send(&call).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(matches!(
        answer.json::<serde_json::Value>(),
        Err(Error::BadAnswer { why, .. }) if why == "it is empty"
    ));
}
