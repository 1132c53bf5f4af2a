//! Deliveries that prove themselves, and all the ways in which they don't.

#![cfg(test)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_policy::Timestamp;
use doorward_webhook::{
    Delivery, Encoding, Head, Refused, Scheme, SchemeFault, Schemes, Stamp, Verified, Way, Which,
    Why,
};
use proptest::prelude::*;
use ring::hmac;
use secrecy::SecretString;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const NEW: &str = "a-secret-of-these-days";
const OLD: &str = "a-secret-of-the-old-days";
const BODY: &[u8] = b"{\"event_type\":\"reply_received\"}";

fn texts(secrets: &[&str]) -> Vec<SecretString> {
    secrets.iter().map(|secret| (*secret).into()).collect()
}

fn scheme(way: &Way, secrets: &[&str]) -> Scheme {
    Scheme::new(way, &texts(secrets)).unwrap()
}

fn schemes(way: &Way, secrets: &[&str]) -> Schemes {
    Schemes::new(vec![scheme(way, secrets)]).unwrap()
}

fn judge(schemes: &Schemes, head: &dyn Head, body: &[u8]) -> Result<Vec<Which>, Why> {
    let delivery = Delivery {
        head,
        certificate: None,
    };
    let verdict = schemes.verify(&delivery, body, NOW);
    // Piece by piece the verdict is the same, where it can be had so.
    if let Ok(pending) = schemes.head(&delivery, NOW)
        && let Some(mut stream) = pending.stream()
    {
        body.chunks(7).for_each(|piece| stream.update(piece));
        assert_eq!(stream.finish(), verdict);
    }
    let secrets = |verified: Verified| verified.secrets().collect();
    verdict.map(secrets).map_err(|refused| refused.why)
}

fn header() -> Way {
    Way::Header {
        name: "X-Webhook-Secret".to_owned(),
    }
}

fn mac(secret: &str, signed: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, signed).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_secret_header() {
    let both = schemes(&header(), &[NEW, OLD]);
    let sent = |value: &str| judge(&both, &[("x-webhook-secret", value)], BODY);
    assert_eq!(sent(NEW), Ok(vec![Which::Current]));
    assert_eq!(sent(OLD), Ok(vec![Which::Other]));
    for wrong in ["", "x", &NEW[1..], &format!("{NEW} "), &NEW.to_uppercase()] {
        assert_eq!(sent(wrong), Err(Why::Wrong), "{wrong:?}");
    }
    assert_eq!(sent(&"x".repeat(4_097)), Err(Why::TooLong));
    assert_eq!(judge(&both, &[("x-other", NEW)], BODY), Err(Why::Missing));
    let twice = [("x-webhook-secret", NEW), ("X-Webhook-Secret", NEW)];
    assert_eq!(judge(&both, &twice, BODY), Err(Why::Repeated));
    let one = schemes(&header(), &[NEW]);
    assert_eq!(
        judge(&one, &[("x-webhook-secret", OLD)], BODY),
        Err(Why::Wrong)
    );
}

#[test]
fn basic_and_bearer() {
    let basic = schemes(
        &Way::Basic,
        &["instantly:long-password", "instantly:old-password"],
    );
    let value = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let sent = |value: &str| judge(&basic, &[("authorization", value)], BODY);
    assert_eq!(
        sent(&value("instantly:long-password")),
        Ok(vec![Which::Current])
    );
    let old = value("instantly:old-password");
    assert_eq!(sent(&old.replace("Basic", "bASIC")), Ok(vec![Which::Other]));
    assert_eq!(sent(old.trim_end_matches('=')), Ok(vec![Which::Other]));
    assert_eq!(sent(&value("instantly:")), Err(Why::Wrong));
    for malformed in ["Basic", "Basic !", "Bearer x", "Basi", ""] {
        assert_eq!(sent(malformed), Err(Why::Malformed), "{malformed}");
    }
    let bearer = schemes(&Way::Bearer, &[NEW]);
    let sent = |value: &str| judge(&bearer, &[("Authorization", value)], BODY);
    assert_eq!(sent(&format!("bearer {NEW}")), Ok(vec![Which::Current]));
    assert_eq!(sent(&format!("Bearer {OLD}")), Err(Why::Wrong));
    assert_eq!(sent(NEW), Err(Why::Malformed));
}

#[test]
fn as_github_signs() {
    // The example of GitHub's documentation.
    let github = schemes(&Way::github(), &["It's a Secret to Everybody"]);
    let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for value in [format!("sha256={signature}"), signature.to_uppercase()] {
        let head = [("X-Hub-Signature-256", value)];
        assert_eq!(
            judge(&github, &head, b"Hello, World!"),
            Ok(vec![Which::Current])
        );
        assert_eq!(judge(&github, &head, b"Hello, World?"), Err(Why::Wrong));
    }
    for malformed in [
        "",
        "sha256=",
        "sha1=00",
        &signature[1..],
        &format!("{signature}00"),
    ] {
        let head = [("X-Hub-Signature-256", malformed)];
        assert_eq!(judge(&github, &head, b"Hello, World!"), Err(Why::Malformed));
    }
}

#[test]
fn base64_and_a_stamp_in_a_header_of_its_own() {
    let way = Way::Hmac {
        header: "x-slack-signature".to_owned(),
        encoding: Encoding::Base64,
        prefix: "v0=".to_owned(),
        stamp: Some(Stamp {
            header: "x-slack-request-timestamp".to_owned(),
            before: "v0:".to_owned(),
            after: ":".to_owned(),
            tolerance: 300,
        }),
    };
    let both = schemes(&way, &[NEW, OLD]);
    let sent = |secret: &str, time: &str| {
        let signed = [b"v0:", time.as_bytes(), b":", BODY].concat();
        let signature = STANDARD.encode(mac(secret, &signed));
        let head = [
            ("x-slack-signature", format!("v0={signature}")),
            ("x-slack-request-timestamp", time.to_owned()),
        ];
        judge(&both, &head, BODY)
    };
    assert_eq!(sent(NEW, "1800000000"), Ok(vec![Which::Current]));
    assert_eq!(sent(OLD, "1799999700"), Ok(vec![Which::Other]));
    assert_eq!(
        sent("another secret of ours", "1800000000"),
        Err(Why::Wrong)
    );
    assert_eq!(sent(NEW, "1799999699"), Err(Why::Stale));
    assert_eq!(sent(NEW, "1800000301"), Err(Why::Stale));
    assert_eq!(sent(NEW, "-1800000000"), Err(Why::Malformed));
    assert_eq!(sent(NEW, ""), Err(Why::Malformed));
}

#[test]
fn as_stripe_signs() {
    let both = schemes(&Way::stripe(), &[NEW, OLD]);
    let sign = |secret, time: &[u8]| hex(&mac(secret, &[time, b".", BODY].concat()));
    let (new, old) = (sign(NEW, b"1800000000"), sign(OLD, b"1800000000"));
    let sent = |value: String| judge(&both, &[("Stripe-Signature", value)], BODY);
    assert_eq!(
        sent(format!("t=1800000000,v1={new}")),
        Ok(vec![Which::Current])
    );
    let several = format!("t=1800000000, v0=beef, v1={}, v1={old}", "00".repeat(32));
    assert_eq!(sent(several), Ok(vec![Which::Other]));
    assert_eq!(sent(format!("t=1800000001,v1={new}")), Err(Why::Wrong));
    let stale = sign(NEW, b"1799990000");
    assert_eq!(sent(format!("t=1799990000,v1={stale}")), Err(Why::Stale));
    assert_eq!(sent(format!("v1={new}")), Err(Why::Malformed));
    assert_eq!(sent("t=1800000000".to_owned()), Err(Why::Malformed));
    assert_eq!(
        sent(format!("t=1800000000,t=1,v1={new}")),
        Err(Why::Repeated)
    );
    assert_eq!(
        sent(format!("t=1800000000{}", ",v1=00".repeat(40))),
        Err(Why::TooLong)
    );
}

#[test]
fn a_certificate() {
    let pin = "ab".repeat(32);
    let pinned = schemes(&Way::Certificate, &[&pin]);
    let none: [(&str, &str); 0] = [];
    let judge = |certificate: Option<&[u8; 32]>| {
        let delivery = Delivery {
            head: &none,
            certificate,
        };
        pinned
            .verify(&delivery, BODY, NOW)
            .map_err(|refused| refused.why)
    };
    assert!(judge(Some(&[0xab; 32])).is_ok());
    assert_eq!(judge(Some(&[0; 32])), Err(Why::Wrong));
    assert_eq!(judge(None), Err(Why::Missing));
}

#[test]
fn all_that_are_configured_must_hold() {
    let all = Schemes::new(vec![
        scheme(&header(), &[NEW, OLD]),
        scheme(&Way::Bearer, &["a-token-of-good-length"]),
        scheme(&Way::github(), &[NEW, OLD]),
    ])
    .unwrap();
    let good = [
        ("x-webhook-secret", OLD.to_owned()),
        ("authorization", "Bearer a-token-of-good-length".to_owned()),
        ("x-hub-signature-256", hex(&mac(NEW, BODY))),
    ];
    let which = [Which::Other, Which::Current, Which::Current];
    assert_eq!(judge(&all, &good, BODY), Ok(which.to_vec()));
    for (at, why) in [(0, Why::Wrong), (1, Why::Malformed), (2, Why::Malformed)] {
        let mut bad = good.clone();
        bad[at].1 = "not this".to_owned();
        assert_eq!(judge(&all, &bad, BODY), Err(why));
        let missing = good.iter().enumerate().filter(|(is, _)| *is != at);
        let missing: Vec<_> = missing.map(|(_, pair)| pair.clone()).collect();
        let delivery = Delivery {
            head: &missing,
            certificate: None,
        };
        let refused = all.verify(&delivery, BODY, NOW).unwrap_err();
        assert_eq!(
            refused,
            Refused {
                scheme: at,
                why: Why::Missing
            }
        );
    }
}

#[test]
fn what_the_head_settles_is_settled_before_the_body() {
    let none: [(&str, &str); 0] = [];
    let delivery = Delivery {
        head: &none,
        certificate: None,
    };
    assert!(
        schemes(&Way::github(), &[NEW])
            .head(&delivery, NOW)
            .is_err()
    );
    let good = [("x-webhook-secret", NEW)];
    let delivery = Delivery {
        head: &good,
        certificate: None,
    };
    let by_head = schemes(&header(), &[NEW]);
    assert!(by_head.head(&delivery, NOW).unwrap().settled().is_some());
    let both = Schemes::new(vec![
        scheme(&header(), &[NEW]),
        scheme(&Way::github(), &[NEW]),
    ]);
    let signed = [
        ("x-webhook-secret", NEW),
        ("x-hub-signature-256", &"0".repeat(64)),
    ];
    let delivery = Delivery {
        head: &signed,
        certificate: None,
    };
    assert!(
        both.unwrap()
            .head(&delivery, NOW)
            .unwrap()
            .settled()
            .is_none()
    );
}

#[test]
fn configurations_of_no_use_are_refused() {
    let refused = |way: &Way, secrets: &[&str]| Scheme::new(way, &texts(secrets)).err();
    assert_eq!(Schemes::new(vec![]).err(), Some(SchemeFault::None));
    let many = vec![scheme(&Way::Bearer, &[NEW]); 9];
    assert_eq!(Schemes::new(many).err(), Some(SchemeFault::TooMany));
    for (way, secrets, fault) in [
        (header(), &[][..], SchemeFault::Secrets),
        (
            header(),
            &[NEW, OLD, "a-third-secret-of-ours"],
            SchemeFault::Secrets,
        ),
        (header(), &[NEW, NEW], SchemeFault::SameSecret),
        (header(), &["short"], SchemeFault::Secret),
        (header(), &[" spaces-at-the-ends "], SchemeFault::Secret),
        (header(), &["a-line\nfeed-within-it"], SchemeFault::Secret),
        (Way::Bearer, &[NEW, "short"], SchemeFault::Secret),
        (Way::Basic, &["instantly"], SchemeFault::Basic),
        (Way::Basic, &["instantly:"], SchemeFault::Basic),
        (Way::standard(), &[NEW], SchemeFault::Standard),
        (Way::standard(), &["whsec_c2hvcnQ="], SchemeFault::Standard),
        (Way::Certificate, &["abcd"], SchemeFault::Certificate),
        (
            Way::Standard { tolerance: 0 },
            &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            SchemeFault::Tolerance,
        ),
        (
            Way::Header {
                name: "Host".to_owned(),
            },
            &[NEW],
            SchemeFault::Header("Host".to_owned()),
        ),
        (
            Way::Header {
                name: "a b".to_owned(),
            },
            &[NEW],
            SchemeFault::Header("a b".to_owned()),
        ),
    ] {
        let found = refused(&way, secrets);
        assert_eq!(found, Some(fault), "{way:?}");
        let text = found.unwrap().to_string();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret)),
            "{text}"
        );
    }
    assert_eq!(format!("{:?}", scheme(&header(), &[NEW])), "Scheme(…)");
}

proptest! {
    #[test]
    fn hostile_headers_prove_nothing(
        names in proptest::collection::vec(0_usize..6, 0..6),
        values in proptest::collection::vec(
            prop_oneof!["[ -~]{0,80}", "(v1|v1a|t|sha256|Basic |Bearer )[,= ]?[0-9A-Za-z+/=]{0,90}"],
            6,
        ),
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let known = [
            "authorization", "x-hub-signature-256", "stripe-signature", "webhook-id",
            "webhook-timestamp", "webhook-signature",
        ];
        let head: Vec<_> = names.iter().map(|at| (known[*at], values[*at].as_str())).collect();
        for (way, secret) in [
            (Way::Basic, "user:a-long-password"),
            (Way::Bearer, NEW),
            (Way::github(), NEW),
            (Way::stripe(), NEW),
            (Way::standard(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            (Way::standard(), "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ] {
            prop_assert!(judge(&schemes(&way, &[secret]), &head, &body).is_err());
        }
    }
}
