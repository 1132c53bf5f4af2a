//! OpenBao: ways to log in, what is refused, and trouble.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_secrets::{
    Clock, Error, Expect, SecretRef, Secrets, Settings, Trouble, VaultLogin, VaultSettings,
};

use crate::door::Door;
use crate::{holds, reference, runs, said, secrets, text, value};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn by_role(secret_id: &str) -> VaultSettings {
    VaultSettings {
        login: VaultLogin::AppRole {
            mount: "approle".into(),
            role_id: variable("DOORWARD_ROLE_ID"),
            secret_id: SecretRef::env(secret_id).unwrap(),
        },
        ..VaultSettings::from_environment()
    }
}

fn by_account(token: PathBuf) -> VaultSettings {
    VaultSettings {
        login: VaultLogin::Kubernetes {
            mount: "kubernetes".into(),
            role: "doorward".into(),
            token,
        },
        ..VaultSettings::from_environment()
    }
}

#[test]
fn by_token() {
    if runs("vault") {
        holds("vault://secret/doorward/held#main", true);
    }
}

#[test]
fn fields_are_written_without_touching_each_other() {
    if !runs("vault") {
        return;
    }
    let secrets = secrets();
    let one = reference("vault://secret/doorward/fields#one");
    let two = reference("vault://secret/doorward/fields#two");
    secrets.put(&one, &value("1"), &Expect::Absent).unwrap();
    secrets.put(&two, &value("2"), &Expect::Absent).unwrap();
    // Writers of different fields at once: none is lost.
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (secrets, one) = (&secrets, &one);
            let other = reference(&format!("vault://secret/doorward/fields#n{n}"));
            scope.spawn(move || {
                let kept = secrets.put(&other, &value("n"), &Expect::Any);
                kept.unwrap();
                assert_eq!(text(secrets, one), "1");
            });
        }
    });
    secrets.erase(&one).unwrap();
    assert!(matches!(said(secrets.find(&one)), Error::Missing { .. }));
    for field in ["two", "n0", "n1", "n2", "n3"] {
        text(
            &secrets,
            &reference(&format!("vault://secret/doorward/fields#{field}")),
        );
    }
}

#[test]
fn by_approle_with_tokens_that_end() {
    if !runs("vault") {
        return;
    }
    let secrets = Secrets::new().vault(by_role("DOORWARD_SECRET_ID")).unwrap();
    let mine = reference("vault://secret/doorward/mine#key");
    // The script's role gives tokens for two requests.
    for n in 0..4 {
        let n = n.to_string();
        secrets.put(&mine, &value(&n), &Expect::Any).unwrap();
        assert_eq!(text(&secrets, &mine), n);
    }
}

#[test]
fn by_a_service_account_of_kubernetes() {
    if !runs("vault") {
        return;
    }
    let token = PathBuf::from(variable("DOORWARD_JWT"));
    let jwt = std::fs::read_to_string(&token).unwrap();
    let secrets = Secrets::new().vault(by_account(token)).unwrap();
    let mine = reference("vault://secret/doorward/pod#key");
    secrets.put(&mine, &value("1"), &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &mine), "1");

    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("jwt");
    let missing = Secrets::new().vault(by_account(other.clone())).unwrap();
    let error = said(missing.find(&mine));
    assert!(
        error.is_trouble() && error.to_string().contains("service account"),
        "{error}"
    );
    // Of another account.
    let (start, _) = jwt.rsplit_once('.').unwrap();
    std::fs::write(&other, format!("{start}.b3RoZXI")).unwrap();
    let others = Secrets::new().vault(by_account(other)).unwrap();
    let error = said(others.find(&mine));
    assert!(
        error.is_trouble() && error.to_string().contains("not let Doorward in"),
        "{error}"
    );
    assert!(!error.to_string().contains(start), "{error}");
}

#[test]
fn what_may_not_be_read_is_not_taken_for_missing() {
    if !runs("vault") {
        return;
    }
    let secrets = Secrets::new().vault(by_role("DOORWARD_SECRET_ID")).unwrap();
    for others in ["vault://secret/others#key", "vault://nowhere/doorward/a#b"] {
        let error = said(secrets.find(&reference(others)));
        assert!(
            error.is_trouble() && error.to_string().contains("(403)"),
            "{error}"
        );
        let error = said(secrets.put(&reference(others), &value("x"), &Expect::Any));
        assert!(error.is_trouble(), "{error}");
    }
    let mine = reference("vault://secret/doorward/mine#key");
    // With the wrong secret id, which is the role's id here.
    let secrets = Secrets::new().vault(by_role("DOORWARD_ROLE_ID")).unwrap();
    let error = said(secrets.find(&mine));
    let shown = error.to_string();
    assert!(
        error.is_trouble() && shown.contains("not let Doorward in"),
        "{error}"
    );
    assert!(!shown.contains(&variable("DOORWARD_ROLE_ID")), "{shown}");
    // Without the method that was named.
    let unknown = VaultSettings {
        login: VaultLogin::AppRole {
            mount: "other-approle".into(),
            role_id: "r".into(),
            secret_id: SecretRef::env("DOORWARD_SECRET_ID").unwrap(),
        },
        ..VaultSettings::from_environment()
    };
    let error = said(Secrets::new().vault(unknown).unwrap().find(&mine));
    assert!(error.is_trouble(), "{error}");
}

#[test]
fn what_is_no_secret_is_refused() {
    if !runs("vault") {
        return;
    }
    // Put there by the script.
    for field in ["large", "number", "nothing"] {
        let odd = reference(&format!("vault://secret/doorward/odd#{field}"));
        let error = said(secrets().find(&odd));
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }
    let not_there = reference("vault://secret/doorward/odd#other");
    let error = said(secrets().find(&not_there));
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

/// A clock that is set by hand, in seconds.
#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn the_last_good_value_is_used_while_it_is_down() {
    if !runs("vault") {
        return;
    }
    let door = Door::to(&variable("VAULT_ADDR"));
    let through = VaultSettings {
        address: Some(format!("http://{}", door.address)),
        ..VaultSettings::from_environment()
    };
    let (clock, told) = (Arc::new(Hand::default()), Arc::new(Mutex::new(Vec::new())));
    let tell = Arc::clone(&told);
    let secrets = Secrets::timed(Settings {
        limit: Duration::from_secs(5),
        ..Settings::default()
    })
    .vault(through)
    .unwrap()
    .by(Arc::clone(&clock) as Arc<dyn Clock>)
    .troubled(move |trouble| {
        let told = match trouble {
            Trouble::Begun(_) => "begun",
            Trouble::Lost(_) => "lost",
            Trouble::Unread(_) => "unread",
            Trouble::Over(_) => "over",
        };
        tell.lock().unwrap().push(told);
    });
    let it = reference("vault://secret/doorward/down#it");
    secrets.put(&it, &value("good"), &Expect::Absent).unwrap();
    // Of what nobody holds no failure is told.
    let _held = secrets.hold(&it).unwrap();
    door.shut(true);
    let error = said(secrets.find(&it));
    assert!(
        error.is_trouble() && error.to_string().contains("can't be reached"),
        "{error}"
    );
    clock.0.store(10 * 60, Ordering::SeqCst);
    assert!(!secrets.refresh().is_empty());
    secrets.read(&it).unwrap();
    assert_eq!(*told.lock().unwrap(), ["begun"]);
    door.shut(false);
    clock.0.store(60 * 60, Ordering::SeqCst);
    assert!(secrets.refresh().is_empty());
    assert_eq!(*told.lock().unwrap(), ["begun", "over"]);
    door.shut(true);
    clock.0.store(26 * 60 * 60, Ordering::SeqCst);
    assert!(!secrets.refresh().is_empty());
    let error = said(secrets.read(&it));
    assert!(error.is_trouble(), "{error}");
}
