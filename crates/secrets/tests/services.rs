//! Secrets in real services and emulators of them, which `tests/secrets/run.sh` starts. Each test
//! is for the services that the environment names; it fails when `DOORWARD_SERVICES` names one
//! that it then can't reach.

#![cfg(test)]
#![cfg(all(
    feature = "aws",
    feature = "gcp",
    feature = "keyring",
    feature = "vault"
))]

use std::time::Duration;

use doorward_secrets::{
    Error, Expect, GcpProvider, Scheme, SecretRef, Secrets, VaultLogin, VaultSettings, Version,
};
use secrecy::{ExposeSecret, SecretString};

/// Whether the script started this service.
fn runs(service: &str) -> bool {
    let all = std::env::var("DOORWARD_SERVICES").unwrap_or_default();
    all.split(' ').any(|one| one == service)
}

fn secrets() -> Secrets {
    let secrets = Secrets::new();
    match std::env::var("DOORWARD_GCP") {
        Ok(endpoint) => {
            let gcp = GcpProvider::new(Some(endpoint), Duration::from_secs(10));
            secrets.with(Scheme::GcpSm, gcp)
        }
        Err(_) => secrets,
    }
}

fn text(secrets: &Secrets, reference: &SecretRef) -> String {
    let found = secrets.find(reference).unwrap();
    found.secret.expose_secret().to_owned()
}

/// What every place has to hold. `compares`: it can replace only what is expected.
fn holds(first: &str, compares: bool) {
    let secrets = secrets();
    let reference: SecretRef = first.parse().unwrap();
    let put =
        |value: &str, expect: &Expect| secrets.put(&reference, &SecretString::from(value), expect);
    let missing = secrets.find(&reference).err().unwrap();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    assert!(matches!(
        secrets.inspect(&reference),
        Err(Error::Missing { .. })
    ));
    if compares {
        let none = put("x", &Expect::Is(Version::new("1"))).unwrap_err();
        assert!(matches!(none, Error::Conflict { .. }), "{none}");
    }
    put("one", &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &reference), "one");
    let there = put("x", &Expect::Absent).unwrap_err();
    assert!(matches!(there, Error::Exists { .. }), "{there}");
    put("two \"ü\"\nline", &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &reference), "two \"ü\"\nline");
    assert_eq!(
        secrets.read(&reference).unwrap().expose_secret(),
        "two \"ü\"\nline"
    );
    if compares {
        let old = secrets.find(&reference).unwrap().version.unwrap();
        let new = put("three", &Expect::Is(old.clone())).unwrap();
        assert_eq!(secrets.find(&reference).unwrap().version, Some(new.clone()));
        let late = put("four", &Expect::Is(old)).unwrap_err();
        assert!(matches!(late, Error::Conflict { .. }), "{late}");
        assert_eq!(text(&secrets, &reference), "three");
        // Of writers at once one wins.
        let won = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|n| {
                    let (new, put) = (new.clone(), &put);
                    scope.spawn(move || put(&n.to_string(), &Expect::Is(new)).is_ok())
                })
                .collect();
            writers
                .into_iter()
                .map(|one| one.join().unwrap())
                .filter(|won| *won)
                .count()
        });
        assert_eq!(won, 1);
    } else {
        let error = put("x", &Expect::Is(Version::new("1"))).unwrap_err();
        assert!(matches!(error, Error::NoCompare { .. }), "{error}");
    }
    let seen = secrets.inspect(&reference).unwrap();
    assert!(seen.writable && !seen.place.is_empty());

    // The second slot is a secret of its own.
    let before = text(&secrets, &reference);
    let other = reference.other_slot().unwrap();
    secrets
        .put(&other, &"slot b".into(), &Expect::Absent)
        .unwrap();
    assert_eq!(text(&secrets, &other), "slot b");
    assert_eq!(text(&secrets, &reference), before);
    secrets.erase(&reference).unwrap();
    assert!(matches!(
        secrets.find(&reference),
        Err(Error::Missing { .. })
    ));
    assert_eq!(text(&secrets, &other), "slot b");
    let gone = secrets.erase(&reference).err().unwrap();
    assert!(
        matches!(gone, Error::Missing { .. } | Error::Trouble { .. }),
        "{gone}"
    );
}

#[test]
fn the_keyring() {
    if runs("keyring") {
        holds("keyring://doorward-test/upstream/main", false);
    }
}

#[test]
fn vault_by_token() {
    if runs("vault") {
        holds("vault://secret/doorward/a#main", true);
    }
}

#[test]
fn vault_by_approle_and_without_rights() {
    if !runs("vault") {
        return;
    }
    let login = |secret_id: &str| VaultSettings {
        login: VaultLogin::AppRole {
            mount: "approle".into(),
            role_id: std::env::var("DOORWARD_ROLE_ID").unwrap(),
            secret_id: SecretRef::env(secret_id).unwrap(),
        },
        ..VaultSettings::from_environment()
    };
    let secrets = Secrets::new().vault(login("DOORWARD_SECRET_ID")).unwrap();
    let mine: SecretRef = "vault://secret/mine#key".parse().unwrap();
    secrets.put(&mine, &"value".into(), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &mine), "value");
    let others: SecretRef = "vault://secret/others#key".parse().unwrap();
    let error = secrets.find(&others).err().unwrap();
    assert!(
        error.is_trouble() && error.to_string().contains("403"),
        "{error}"
    );

    let secrets = Secrets::new().vault(login("DOORWARD_ROLE_ID")).unwrap();
    let error = secrets.find(&mine).err().unwrap().to_string();
    assert!(
        !error.contains(&std::env::var("DOORWARD_ROLE_ID").unwrap()),
        "{error}"
    );
    let nowhere = VaultSettings {
        address: Some("http://127.0.0.1:1".into()),
        ..VaultSettings::from_environment()
    };
    let secrets = Secrets::new().vault(nowhere).unwrap();
    let error = secrets.find(&mine).err().unwrap();
    assert!(
        error.is_trouble() && error.to_string().contains("can't be reached"),
        "{error}"
    );
}

#[test]
fn aws() {
    if !runs("aws") {
        return;
    }
    holds("aws-sm://doorward/main?region=eu-west-1", true);
    let secrets = secrets();
    let json: SecretRef = "aws-sm://doorward/json#password".parse().unwrap();
    let user: SecretRef = "aws-sm://doorward/json#user".parse().unwrap();
    let whole: SecretRef = "aws-sm://doorward/json".parse().unwrap();
    secrets
        .put(&whole, &r#"{"user":"ann"}"#.into(), &Expect::Absent)
        .unwrap();
    secrets.put(&json, &"one".into(), &Expect::Absent).unwrap();
    secrets.put(&json, &"two".into(), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &json), "two");
    assert_eq!(text(&secrets, &user), "ann");
    assert_eq!(text(&secrets, &whole), r#"{"user":"ann","password":"two"}"#);
}

#[test]
fn gcp() {
    if !runs("gcp") {
        return;
    }
    holds("gcp-sm://doorward-test/main", true);
    let secrets = secrets();
    let newest: SecretRef = "gcp-sm://doorward-test/pinned".parse().unwrap();
    let first: SecretRef = "gcp-sm://doorward-test/pinned/1".parse().unwrap();
    secrets
        .put(&newest, &"one".into(), &Expect::Absent)
        .unwrap();
    secrets.put(&newest, &"two".into(), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &newest), "two");
    assert_eq!(text(&secrets, &first), "one");
    let pinned = secrets.put(&first, &"x".into(), &Expect::Any).unwrap_err();
    assert!(matches!(pinned, Error::Refused { .. }), "{pinned}");
}
