//! Secrets in real services and emulators of them, which `tests/secrets/run.sh` starts. Each test
//! is for the services that `DOORWARD_SERVICES` names; it fails when one of those can't be reached.

#![cfg(test)]
#![cfg(all(
    feature = "aws",
    feature = "gcp",
    feature = "keyring",
    feature = "vault"
))]

mod clouds;
mod door;
mod vault;

use doorward_secrets::{Error, Expect, MAX_SECRET_BYTES, SecretRef, Secrets, Version};
use secrecy::{ExposeSecret, SecretString};

/// Is in every value that is written, and may be in nothing that is said.
const CANARY: &str = "canary-9f31";

/// Whether the script started this service.
fn runs(service: &str) -> bool {
    let all = std::env::var("DOORWARD_SERVICES").unwrap_or_default();
    all.split(' ').any(|one| one == service)
}

fn secrets() -> Secrets {
    match std::env::var("DOORWARD_GCP") {
        Ok(endpoint) => Secrets::new().gcp_at(endpoint),
        Err(_) => Secrets::new(),
    }
}

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn value(text: &str) -> SecretString {
    format!("{text} {CANARY}").into()
}

/// The value at a reference, which must be there, without the canary.
#[track_caller]
fn text(secrets: &Secrets, reference: &SecretRef) -> String {
    let found = secrets.find(reference).unwrap();
    let text = found.secret.expose_secret();
    text.strip_suffix(&format!(" {CANARY}"))
        .unwrap_or(text)
        .to_owned()
}

/// What was said in the place of an outcome, which must not show what is secret.
#[track_caller]
fn said<T>(outcome: Result<T, Error>) -> Error {
    let error = outcome.err().unwrap();
    let mut shown = format!("{error} {error:?}");
    for secret in ["VAULT_TOKEN", "DOORWARD_SECRET_ID", "AWS_SECRET_ACCESS_KEY"] {
        let secret = std::env::var(secret).unwrap_or_default();
        // That of AWS is a plain word.
        if secret.len() > 8 {
            assert!(!shown.contains(&secret), "{secret} is shown");
        }
    }
    shown.push('\n');
    assert!(!shown.contains("canary"), "{shown}");
    error
}

/// What every place has to hold. `compares`: it can replace only what is expected.
fn holds(first: &str, compares: bool) {
    let secrets = secrets();
    let reference = reference(first);
    let put = |text: &str, expect: &Expect| secrets.put(&reference, &value(text), expect);
    let missing = said(secrets.find(&reference));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    let missing = said(secrets.inspect(&reference));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    let missing = said(secrets.erase(&reference));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    if compares {
        let none = said(put("x", &Expect::Is(Version::new("1"))));
        assert!(matches!(none, Error::Conflict { .. }), "{none}");
    }
    let large = "x".repeat(MAX_SECRET_BYTES);
    for unfit in [large.as_str(), ""] {
        let unfit: SecretString = match unfit {
            "" => "".into(),
            large => value(large),
        };
        let refused = said(secrets.put(&reference, &unfit, &Expect::Any));
        assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    }
    put("one", &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &reference), "one");
    let there = said(put("x", &Expect::Absent));
    assert!(matches!(there, Error::Exists { .. }), "{there}");
    put("two \"ü\"\nline", &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &reference), "two \"ü\"\nline");
    let read = secrets.read(&reference).unwrap();
    assert_eq!(
        read.expose_secret(),
        value("two \"ü\"\nline").expose_secret()
    );
    match compares {
        true => replaces_what_is_expected(&secrets, &reference),
        false => {
            let error = said(put("x", &Expect::Is(Version::new("1"))));
            assert!(matches!(error, Error::NoCompare { .. }), "{error}");
        }
    }
    let seen = secrets.inspect(&reference).unwrap();
    assert!(seen.writable && !seen.place.is_empty());
    assert_eq!(compares, seen.changed_at.is_some());

    // The second slot is a secret of its own.
    let before = text(&secrets, &reference);
    let other = reference.other_slot().unwrap();
    let kept = secrets.put(&other, &value("slot b"), &Expect::Absent);
    kept.unwrap();
    assert_eq!(text(&secrets, &other), "slot b");
    assert_eq!(text(&secrets, &reference), before);
    secrets.erase(&reference).unwrap();
    let gone = said(secrets.find(&reference));
    assert!(matches!(gone, Error::Missing { .. }), "{gone}");
    assert_eq!(text(&secrets, &other), "slot b");
    let gone = said(secrets.erase(&reference));
    assert!(matches!(gone, Error::Missing { .. }), "{gone}");
    // What was erased is free for another.
    put("again", &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &reference), "again");
}

fn replaces_what_is_expected(secrets: &Secrets, reference: &SecretRef) {
    let put = |text: &str, expect: &Expect| secrets.put(reference, &value(text), expect);
    let old = secrets.find(reference).unwrap().version.unwrap();
    let new = put("three", &Expect::Is(old.clone())).unwrap();
    assert_eq!(secrets.find(reference).unwrap().version, Some(new.clone()));
    let late = said(put("four", &Expect::Is(old)));
    assert!(matches!(late, Error::Conflict { .. }), "{late}");
    assert_eq!(text(secrets, reference), "three");
    // Of writers at once one wins, and what it wrote is there.
    let mut expected = new;
    for round in 0..5 {
        let won: Vec<_> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|n| {
                    let (expected, put) = (expected.clone(), &put);
                    scope.spawn(move || {
                        let mine = format!("{round} {n}");
                        let written = put(&mine, &Expect::Is(expected));
                        match written {
                            Ok(version) => Some((mine, version)),
                            Err(Error::Conflict { .. }) => None,
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            let ended = writers.into_iter().map(|one| one.join().unwrap());
            ended.flatten().collect()
        });
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(text(secrets, reference), won[0].0);
        expected = won[0].1.clone();
    }
}

#[test]
fn the_keyring() {
    if runs("keyring") {
        holds("keyring://doorward-test/upstream/main", false);
    }
}
