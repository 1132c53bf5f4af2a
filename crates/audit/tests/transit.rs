//! The remote signer against a transit engine that is played, well and badly. The real one signs in
//! `tests/remote_signer`.

#![cfg(test)]

mod doubles;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_audit::{TransitOptions, TransitSigner};
use doorward_ledger::{Checkpoint, Error, KeyName, Signer, TreeHead};
use doorward_secrets::{Overwrite, SecretRef, Secrets};
use doubles::{Asked, Told, serve};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const TOKEN: &str = "s.canary-token-of-the-signer";
const ORIGIN: &str = "ledger.example/remote";

/// What the engine does.
#[derive(Default)]
struct Engine {
    /// 0 signs; 1 signs something else; 2 with another version; 3 floods; 4 hangs; 5 is sealed.
    mood: AtomicU32,
    heads: Mutex<Vec<String>>,
}

impl Engine {
    fn answer(&self, asked: &Asked) -> Told {
        self.heads.lock().unwrap().push(asked.head.clone());
        if !asked.head.contains(&format!("x-vault-token: {TOKEN}")) {
            let body = json!({"errors": ["permission denied"]}).to_string();
            return (403, body.into_bytes());
        }
        let keys: Vec<_> = [1, 2]
            .map(|seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
            .into();
        if asked.method == "GET" {
            assert_eq!(asked.path, "/v1/secret/transit/keys/ledger");
            let public = |n: usize| json!({"public_key": STANDARD.encode(keys[n].public_key())});
            let keys = json!({"1": public(0), "2": public(1)});
            let data = json!({"type": "ed25519", "latest_version": 2, "keys": keys});
            return (200, json!({"data": data}).to_string().into_bytes());
        }
        assert_eq!(
            (&*asked.method, &*asked.path),
            ("POST", "/v1/secret/transit/sign/ledger")
        );
        let question: Value = serde_json::from_slice(&asked.body).unwrap();
        let mut message = STANDARD
            .decode(question["input"].as_str().unwrap())
            .unwrap();
        let mut version = question["key_version"].as_u64().unwrap();
        match self.mood.load(Ordering::SeqCst) {
            1 => message.push(b'x'),
            2 => version = 3 - version,
            3 => return (200, vec![b' '; 1 << 20]),
            4 => std::thread::sleep(Duration::from_secs(60)),
            5 => return (503, br#"{"errors":["Vault is sealed"]}"#.to_vec()),
            _ => {}
        }
        let signature = keys[version as usize - 1].sign(&message);
        let signature = format!("vault:v{version}:{}", STANDARD.encode(signature));
        (
            200,
            json!({"data": {"signature": signature}})
                .to_string()
                .into_bytes(),
        )
    }
}

struct Set {
    engine: Arc<Engine>,
    options: TransitOptions,
    token: SecretRef,
    secrets: Arc<Secrets>,
    _folder: tempfile::TempDir,
}

fn set() -> Set {
    let engine = Arc::new(Engine::default());
    let serving = Arc::clone(&engine);
    let address = serve(move |asked| serving.answer(&asked));
    let folder = tempfile::tempdir().unwrap();
    let token = SecretRef::file(&folder.path().join("token")).unwrap();
    let secrets = Arc::new(Secrets::new());
    secrets
        .write(&token, &TOKEN.to_owned().into(), Overwrite::Refuse)
        .unwrap();
    let mut options = TransitOptions::new(
        &format!("http://{address}"),
        "ledger",
        KeyName::new(ORIGIN).unwrap(),
        token.clone(),
        Arc::clone(&secrets),
    );
    options.mount = "secret/transit".to_owned();
    options.within = Duration::from_millis(500);
    Set {
        engine,
        options,
        token,
        secrets,
        _folder: folder,
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, TreeHead::EMPTY).unwrap()
}

#[test]
fn checkpoints_signed_far_away_open_with_the_key_that_was_told() {
    let mut set = set();
    set.options.namespace = Some("team-a".to_owned());
    let signer = TransitSigner::connect(set.options).unwrap();
    assert_eq!(signer.version(), 2);
    let note = checkpoint().sign(&[&signer]).unwrap();
    let opened = Checkpoint::open(&note.to_bytes(), &[signer.verifier_key().clone()]).unwrap();
    assert_eq!(opened.checkpoint, checkpoint());
    let heads = set.engine.heads.lock().unwrap();
    assert!(
        heads
            .iter()
            .all(|head| head.contains("x-vault-namespace: team-a"))
    );
    assert!(!format!("{signer:?}").contains("canary"));
}

#[test]
fn old_and_new_version_sign_beside_each_other() {
    let (mut one, two) = (set(), set());
    one.options.version = Some(1);
    let old = TransitSigner::connect(one.options).unwrap();
    let new = TransitSigner::connect(two.options).unwrap();
    assert_ne!(old.verifier_key().id(), new.verifier_key().id());
    let note = checkpoint().sign(&[&old, &new]).unwrap();
    for signer in [&old, &new] {
        assert!(Checkpoint::open(&note.to_bytes(), &[signer.verifier_key().clone()]).is_ok());
    }
}

#[test]
fn what_goes_wrong_is_told_in_time_and_without_the_token() {
    let set = set();
    let signer = TransitSigner::connect(set.options).unwrap();
    for (mood, part) in [
        (2, "another version"),
        (3, "larger than"),
        (4, "no answer within"),
        (5, "sealed"),
    ] {
        set.engine.mood.store(mood, Ordering::SeqCst);
        let began = Instant::now();
        let error = signer.sign(b"text").unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5));
        let told = error.to_string();
        assert!(told.contains(part), "{told}");
        assert!(!told.contains("canary"), "{told}");
        assert!(matches!(error, Error::Signer(_)));
    }
    // A signature of something else never gets into a note.
    set.engine.mood.store(1, Ordering::SeqCst);
    assert!(matches!(
        checkpoint().sign(&[&signer]),
        Err(Error::BadSignature(_))
    ));
    // All the same, it goes on when the service does.
    set.engine.mood.store(0, Ordering::SeqCst);
    assert!(checkpoint().sign(&[&signer]).is_ok());
}

#[test]
fn a_renewed_token_is_used_and_a_wrong_one_told() {
    let set = set();
    let signer = TransitSigner::connect(set.options).unwrap();
    let write = |token: &str| {
        let token = token.to_owned().into();
        set.secrets
            .write(&set.token, &token, Overwrite::Replace)
            .unwrap();
    };
    write("s.expired");
    let told = signer.sign(b"text").unwrap_err().to_string();
    assert!(
        told.contains("expired") && told.contains("permission denied"),
        "{told}"
    );
    assert!(!told.contains("s.expired"));
    write(TOKEN);
    assert!(signer.sign(b"text").is_ok());
}

#[test]
fn settings_are_checked_before_anything_is_sent() {
    for (url, mount, key) in [
        ("http://vault.example", "transit", "ledger"),
        ("https://vault.example", "transit/../sys", "ledger"),
        ("https://vault.example", "transit", "led/ger"),
        ("https://vault.example", "", "ledger"),
        ("https://vault.example", "transit", "l?x"),
    ] {
        let mut set = set();
        (set.options.url, set.options.mount, set.options.key) =
            (url.into(), mount.into(), key.into());
        let error = TransitSigner::connect(set.options).unwrap_err();
        assert!(
            error.to_string().starts_with("the transit signer"),
            "{error}"
        );
    }
}
