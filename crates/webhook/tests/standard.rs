//! Standard Webhooks: what is signed is verified, with every change found.

#![cfg(test)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorward_policy::Timestamp;
use doorward_webhook::{
    Delivery, Scheme, Schemes, Signer, Verifier, VerifyError, Way, WebhookSecret, Which, Why,
    verify,
};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

const NOW: i64 = 1_800_000_000;
const BODY: &[u8] = b"{\"type\":\"reply_received\"}";

/// Something that signs, and what verifies it.
struct Pair {
    signs: WebhookSecret,
    verifies: String,
}

fn symmetric(seed: u8) -> Pair {
    let secret = WebhookSecret::symmetric(&[seed; 32]);
    Pair {
        signs: WebhookSecret::parse(&secret).unwrap(),
        verifies: secret.expose_secret().to_owned(),
    }
}

fn asymmetric(seed: u8) -> Pair {
    let secret = WebhookSecret::asymmetric(&[seed; 32]).unwrap();
    let signs = WebhookSecret::parse(&secret).unwrap();
    Pair {
        verifies: signs.public().unwrap(),
        signs,
    }
}

fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
}

fn why<T: std::fmt::Debug>(verdict: Result<T, VerifyError>) -> Why {
    match verdict {
        Err(VerifyError::Refused(refused)) => refused.why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_of_the_specification() {
    let head = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"test": 2432232314}"#;
    let message = verify(&[secret], &head, body, at(1_614_265_400)).unwrap();
    assert_eq!(message.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(message.sent, at(1_614_265_330));
    assert_eq!(
        why(verify(&[secret], &head, body, at(1_614_265_631))),
        Why::Stale
    );
    assert!(verify(&["secret"], &head, body, at(1_614_265_400)).is_err());
}

#[test]
fn who_knows_one_of_two_secrets_verifies() {
    for (new, old) in [
        (symmetric(1), symmetric(2)),
        (asymmetric(1), asymmetric(2)),
        (symmetric(1), asymmetric(2)),
        (asymmetric(1), symmetric(2)),
    ] {
        let signer = Signer::new(vec![new.signs.clone(), old.signs]).unwrap();
        let head = signer.headers("evt_1", NOW, BODY);
        for secret in [&new.verifies, &old.verifies] {
            assert!(verify(&[secret], &head, BODY, at(NOW)).is_ok());
        }
        let other = symmetric(3).verifies;
        assert_eq!(why(verify(&[&other], &head, BODY, at(NOW))), Why::Wrong);
        assert!(verify(&[&other, &new.verifies], &head, BODY, at(NOW)).is_ok());
        // And the receiver's side of an exchange: which of its two it was.
        let secrets: [SecretString; 2] = [old.verifies.into(), new.verifies.into()];
        let scheme = Scheme::new(&Way::standard(), &secrets).unwrap();
        let schemes = Schemes::new(vec![scheme]).unwrap();
        let head = Signer::new(vec![new.signs])
            .unwrap()
            .headers("evt_1", NOW, BODY);
        let delivery = Delivery {
            head: &head,
            certificate: None,
        };
        let verified = schemes
            .verify(&delivery, BODY, Timestamp::from_seconds(NOW))
            .unwrap();
        assert_eq!(verified.secrets().collect::<Vec<_>>(), [Which::Other]);
    }
}

#[test]
fn ed25519_wants_the_whole_body_and_hmac_does_not() {
    let none: [(&str, &str); 0] = [];
    for (pair, streams) in [(symmetric(1), true), (asymmetric(1), false)] {
        let signer = Signer::new(vec![pair.signs]).unwrap();
        let secrets: [SecretString; 1] = [pair.verifies.into()];
        let scheme = Scheme::new(&Way::standard(), &secrets).unwrap();
        let schemes = Schemes::new(vec![scheme]).unwrap();
        let now = Timestamp::from_seconds(NOW);
        let head = signer.headers("evt_1", NOW, BODY);
        let delivery = Delivery {
            head: &head,
            certificate: None,
        };
        let stream = schemes.head(&delivery, now).unwrap().stream();
        assert_eq!(stream.is_some(), streams);
        let delivery = Delivery {
            head: &none,
            certificate: None,
        };
        assert!(schemes.head(&delivery, now).is_err());
    }
}

#[test]
fn ids_with_points_and_lists_without_end_are_refused() {
    let pair = symmetric(1);
    let verifier = Verifier::new(&[&pair.verifies], Duration::from_secs(300)).unwrap();
    let judge = |id: &str, time: &str, signature: &str| {
        let head = [
            ("webhook-id", id),
            ("webhook-timestamp", time),
            ("webhook-signature", signature),
        ];
        verifier
            .verify(&head, BODY, at(NOW))
            .map_err(|refused| refused.why)
    };
    let time = NOW.to_string();
    let good = |id: &str| pair.signs.sign(id, NOW, BODY);
    assert!(judge("evt_1", &time, &good("evt_1")).is_ok());
    assert!(judge("evt_1", &time, &format!("v1,AAAA v2,x {}", good("evt_1"))).is_ok());
    // Read as another message, with a time from within the id, this would be a replay.
    let within = format!("evt.{NOW}");
    assert_eq!(judge(&within, &time, &good(&within)), Err(Why::Malformed));
    assert_eq!(judge("", &time, &good("")), Err(Why::Malformed));
    assert_eq!(judge("a b", &time, &good("a b")), Err(Why::Malformed));
    let long = "x".repeat(257);
    assert_eq!(judge(&long, &time, &good(&long)), Err(Why::TooLong));
    let list = format!("{}{}", "v1,AAAA ".repeat(16), good("evt_1"));
    assert_eq!(judge("evt_1", &time, &list), Err(Why::TooLong));
    for signature in ["", "v1", "v1,", "v1,!", "v1a,AAAA", "v2,AAAA"] {
        assert_eq!(
            judge("evt_1", &time, signature),
            Err(Why::Malformed),
            "{signature}"
        );
    }
    // A signature of one sort passes for none of the other.
    let asymmetric = asymmetric(1).signs.sign("evt_1", NOW, BODY);
    assert_eq!(judge("evt_1", &time, &asymmetric), Err(Why::Wrong));
    assert_eq!(
        judge("evt_1", &time, &asymmetric.replace("v1a", "v1")),
        Err(Why::Malformed)
    );
}

proptest! {
    #[test]
    fn any_change_is_found(
        body in proptest::collection::vec(any::<u8>(), 1..80),
        place: prop::sample::Index,
        bit in 0_u8..8,
        seconds in 1_i64..4_000_000_000,
        of_ed25519: bool,
    ) {
        let pair = if of_ed25519 { asymmetric(7) } else { symmetric(7) };
        let signer = Signer::new(vec![pair.signs]).unwrap();
        let head = signer.headers("evt_1", seconds, &body);
        let judge = |head: &[(&'static str, String); 3], body: &[u8]| {
            verify(&[&pair.verifies], head, body, at(seconds)).is_ok()
        };
        prop_assert!(judge(&head, &body));
        let mut changed = body.clone();
        changed[place.index(body.len())] ^= 1 << bit;
        prop_assert!(!judge(&head, &changed));
        let mut other = head.clone();
        other[0].1 = "evt_2".to_owned();
        prop_assert!(!judge(&other, &body));
        let mut other = head.clone();
        other[1].1 = (seconds + 1).to_string();
        prop_assert!(!judge(&other, &body));
        for header in 0..3 {
            let mut twice = head.to_vec();
            twice.push(head[header].clone());
            prop_assert!(verify(&[&pair.verifies], &twice, &body, at(seconds)).is_err());
        }
    }
}
