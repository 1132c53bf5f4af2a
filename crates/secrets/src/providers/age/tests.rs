use std::fs;

use super::*;
use crate::MAX_SECRET_BYTES;
use crate::providers::{EnvProvider, FileProvider};

fn rig() -> (tempfile::TempDir, AgeProvider) {
    (tempfile::tempdir().unwrap(), AgeProvider::new())
}

fn entry(dir: &tempfile::TempDir, name: &str) -> SecretRef {
    SecretRef::age(&dir.path().join("secrets.age"), name).unwrap()
}

fn read(provider: &AgeProvider, reference: &SecretRef) -> Result<String> {
    provider
        .read(reference)
        .map(|found| found.secret.expose_secret().to_owned())
}

fn keep(provider: &AgeProvider, reference: &SecretRef, value: &str) -> Version {
    provider
        .write(reference, &value.into(), &Expect::Any)
        .unwrap()
}

#[test]
fn the_identity_is_made_with_the_first_secret() {
    let (dir, age) = rig();
    let main = entry(&dir, "upstream/main");
    assert!(matches!(read(&age, &main), Err(Error::Missing { .. })));
    assert_eq!(age.siblings(&main).unwrap(), []);
    assert!(matches!(age.erase(&main), Err(Error::Missing { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

    let version = keep(&age, &main, "canary \"quoted\"\nsecond line\\");
    keep(&age, &entry(&dir, "a.b"), "other");
    assert_eq!(
        read(&age, &main).unwrap(),
        "canary \"quoted\"\nsecond line\\"
    );
    let names: Vec<String> = age
        .siblings(&main)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        names[0].ends_with("#a.b") && names[1].ends_with("#upstream/main"),
        "{names:?}"
    );

    let seen = age.inspect(&main).unwrap();
    assert_eq!(seen.version, Some(version));
    assert!(seen.writable && seen.changed_at.is_some());
    assert!(seen.place.contains("age.key"), "{seen:?}");
    for file in fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{}", path.display());
        }
    }
    age.erase(&main).unwrap();
    assert!(matches!(read(&age, &main), Err(Error::Missing { .. })));
    assert_eq!(read(&age, &entry(&dir, "a.b")).unwrap(), "other");
}

#[test]
fn only_the_expected_secret_is_replaced() {
    let (dir, age) = rig();
    let main = entry(&dir, "main");
    let write = |value: &str, expect: Expect| age.write(&main, &value.into(), &expect);
    assert!(matches!(
        write("x", Expect::Is(Version::new("0"))),
        Err(Error::Conflict { .. })
    ));
    let first = write("first", Expect::Absent).unwrap();
    assert!(matches!(
        write("x", Expect::Absent),
        Err(Error::Exists { .. })
    ));
    let second = write("second", Expect::Is(first.clone())).unwrap();
    // Another entry of the file is no change of this one.
    keep(&age, &entry(&dir, "other"), "x");
    assert_eq!(age.read(&main).unwrap().version, Some(second));
    assert!(matches!(
        write("x", Expect::Is(first)),
        Err(Error::Conflict { .. })
    ));
    assert_eq!(read(&age, &main).unwrap(), "second");
    for value in ["", &"x".repeat(MAX_SECRET_BYTES + 1)] {
        assert!(matches!(
            write(value, Expect::Any),
            Err(Error::Refused { .. })
        ));
    }
}

#[test]
fn writers_at_once_lose_nothing() {
    let (dir, age) = rig();
    let entries: Vec<SecretRef> = (0..8).map(|n| entry(&dir, &format!("n{n}"))).collect();
    std::thread::scope(|scope| {
        for entry in &entries {
            scope.spawn(|| keep(&age, entry, &entry.to_string()));
        }
    });
    for entry in &entries {
        assert_eq!(read(&age, entry).unwrap(), entry.to_string());
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn without_its_identity_a_file_is_neither_read_nor_replaced() {
    let (dir, age) = rig();
    let main = entry(&dir, "main");
    keep(&age, &main, "value");
    let (file, key) = (dir.path().join("secrets.age"), dir.path().join("age.key"));
    let kept = fs::read(&file).unwrap();
    let text = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let refused = |why: &str| {
        let reading = age.read(&main).err().unwrap().to_string();
        let writing = age
            .write(&main, &"x".into(), &Expect::Any)
            .unwrap_err()
            .to_string();
        assert!(
            reading.contains(why) && writing.contains(why),
            "{reading}; {writing}"
        );
        assert_eq!(fs::read(&file).unwrap(), kept);
    };
    refused("age.key, does not exist");
    assert!(!key.exists());
    let at = SecretRef::file(&key).unwrap();
    let put = |text: &str| FileProvider.write(&at, &text.into(), &Expect::Any).unwrap();
    put("canary");
    refused("is no identity of age");
    put("# nothing");
    refused("is no identity of age");
    let other = age::x25519::Identity::generate().to_string();
    put(other.expose_secret());
    refused("not encrypted to the age identity");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::write(&key, &text).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        refused("0644");
    }
}

#[test]
fn what_is_damaged_or_no_book_is_refused_unseen() {
    let (dir, age) = rig();
    let main = entry(&dir, "main");
    keep(&age, &main, "value");
    let file = dir.path().join("secrets.age");
    let good = fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = age.read(&main).err().unwrap();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    };
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        refused(&bytes);
    }
    refused(&good[..good.len() - 1]);
    refused(b"");
    refused(b"main = \"canary\"");
    let key = fs::read_to_string(dir.path().join("age.key")).unwrap();
    let identity: age::x25519::Identity = key.lines().last().unwrap().parse().unwrap();
    let sealed = |text: &[u8]| age::encrypt(&identity.to_public(), text).unwrap();
    for text in [
        &b"main = 1"[..],
        b"canary",
        b"main = [\"canary\"]",
        b"[main]\nx = \"canary\"",
        b"\xff",
        b"main = \"canary\"\nmain = \"canary\"",
    ] {
        refused(&sealed(text));
    }
    fs::write(
        &file,
        sealed(b"# a comment\nmain = 'by hand'\nempty = ''\n"),
    )
    .unwrap();
    assert_eq!(read(&age, &main).unwrap(), "by hand");
    assert!(read(&age, &entry(&dir, "empty")).is_err());
}

#[test]
fn the_identity_may_be_elsewhere_and_others_may_read() {
    let (dir, _) = rig();
    let main = entry(&dir, "main");
    let (own, other) = (
        age::x25519::Identity::generate(),
        age::x25519::Identity::generate(),
    );
    let opened_by = |identity: &age::x25519::Identity| {
        let text = identity.to_string().expose_secret().to_owned();
        let env = EnvProvider::with_lookup(move |_| Some(text.clone().into()));
        let at = SecretRef::env("AGE_IDENTITY").unwrap();
        AgeProvider::new().identity(at, Arc::new(env))
    };
    let recipient = other
        .to_public()
        .to_string()
        .parse::<AgeRecipient>()
        .unwrap();
    let writer = opened_by(&own).recipients(vec![recipient]);
    keep(&writer, &main, "value");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    for identity in [&own, &other] {
        assert_eq!(read(&opened_by(identity), &main).unwrap(), "value");
    }
    assert!("age1nonsense".parse::<AgeRecipient>().is_err());
    // An identity that can't be made is told.
    let nothing = EnvProvider::with_lookup(|_| None);
    let at = SecretRef::env("AGE_IDENTITY").unwrap();
    let without = AgeProvider::new().identity(at, Arc::new(nothing));
    let fresh = SecretRef::age(&dir.path().join("new.age"), "main").unwrap();
    let error = without
        .write(&fresh, &"x".into(), &Expect::Any)
        .unwrap_err();
    assert!(error.to_string().contains("can't be made"), "{error}");
}
