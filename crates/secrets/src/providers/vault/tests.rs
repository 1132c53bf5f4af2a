//! What is made of answers that a real service seldom gives.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{VaultLogin, VaultProvider, VaultSettings};
use crate::error::{Error, Result};
use crate::provider::{Found, Provider};
use crate::reference::SecretRef;

/// A service that answers as it is told: `METHOD /path` to a status, a header and a body.
struct Fake {
    address: SocketAddr,
    /// Method, path and whether there was a token, of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new(answer: impl Fn(&str) -> (u16, String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                thread::spawn(move || serve(&stream.unwrap(), &noted, &*answer));
            }
        });
        Self { address, asked }
    }

    fn provider(&self, login: VaultLogin) -> VaultProvider {
        let settings = VaultSettings {
            address: Some(format!("http://{}", self.address)),
            namespace: None,
            ca: None,
            login,
        };
        let credentials: Arc<dyn Provider> = Arc::new(Fixed);
        VaultProvider::new(settings, Some(credentials), Duration::from_secs(20))
    }

    fn asked(&self, start: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|one| one.starts_with(start)).count()
    }
}

fn serve(
    stream: &TcpStream,
    noted: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str) -> (u16, String, String),
) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut what: Vec<&str> = line.split(' ').take(2).collect();
        let (mut length, mut header) = (0, String::new());
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            let lower = header.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            let token = lower.strip_prefix("x-vault-token:");
            if token.is_some_and(|token| !token.trim().is_empty()) {
                what.push("token");
            }
            header.clear();
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let what = what.join(" ");
        noted.lock().unwrap().push(what.clone());
        let (status, more, body) = answer(&what);
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\n\r\n{body}");
        if (&mut &*stream).write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// What opens the service.
struct Fixed;

impl Provider for Fixed {
    fn describe(&self) -> &'static str {
        "a test"
    }

    fn read(&self, _: &SecretRef) -> Result<Found> {
        Ok(Found::only("the-token".into()))
    }

    fn inspect(&self, reference: &SecretRef) -> Result<crate::provider::Seen> {
        Err(Error::missing(reference))
    }
}

fn token() -> VaultLogin {
    VaultLogin::Token(Some(SecretRef::env("TOKEN").unwrap()))
}

fn approle() -> VaultLogin {
    VaultLogin::AppRole {
        mount: "approle".into(),
        role_id: "role".into(),
        secret_id: SecretRef::env("SECRET_ID").unwrap(),
    }
}

fn it() -> SecretRef {
    "vault://secret/doorward/it#key".parse().unwrap()
}

fn json(status: u16, body: &str) -> (u16, String, String) {
    let more = "content-type: application/json\r\n".to_owned();
    (status, more, body.to_owned())
}

#[test]
fn the_token_goes_nowhere_but_to_the_address() {
    let other = Fake::new(|_| json(200, "{}"));
    for status in [301, 302, 307, 308] {
        let elsewhere = format!("location: http://{}/v1/there\r\n", other.address);
        let vault = Fake::new(move |_| (status, elsewhere.clone(), String::new()));
        let error = vault.provider(token()).read(&it()).err().unwrap();
        assert!(error.is_trouble(), "{error}");
        assert!(
            error.to_string().contains("sends Doorward elsewhere"),
            "{error}"
        );
        assert_eq!(
            *vault.asked.lock().unwrap(),
            ["GET /v1/secret/data/doorward/it? token"]
        );
    }
    assert_eq!(other.asked(""), 0);
    // Within its own address it may point to another place.
    let near = Fake::new(|asked| match asked.contains("/moved") {
        true => json(404, r#"{"errors":[]}"#),
        false => (307, "location: /v1/moved\r\n".to_owned(), String::new()),
    });
    let error = near.provider(token()).read(&it()).err().unwrap();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

#[test]
fn only_vault_itself_says_that_a_secret_is_gone() {
    let deleted = r#"{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,
        "data":{"data":null,"metadata":{"version":3,"deletion_time":"2026-01-01T00:00:00Z"}}}"#;
    for (body, gone) in [
        (r#"{"errors":[]}"#, true),
        (deleted, true),
        ("<html>404 page not found</html>", false),
        ("404 page not found", false),
        ("", false),
        ("{}", false),
        ("null", false),
        (r#"{"message":"no such route"}"#, false),
        (r#"{"data":{"metadata":{"version":3}}}"#, false),
        (
            r#"{"errors":["no handler for route 'secret/data/doorward/it'"]}"#,
            false,
        ),
    ] {
        let vault = Fake::new(move |_| json(404, body));
        let error = vault.provider(token()).read(&it()).err().unwrap();
        assert_eq!(
            matches!(error, Error::Missing { .. }),
            gone,
            "{body}: {error}"
        );
        assert_eq!(error.is_trouble(), !gone, "{body}: {error}");
    }
}

#[test]
fn a_refusal_of_a_token_that_lives_is_no_reason_to_log_in() {
    const LOOKUP: &str = r#"{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,
        "data":{"accessor":"a","creation_time":1,"creation_ttl":1,"display_name":"d",
        "entity_id":"e","expire_time":null,"explicit_max_ttl":0,"id":"x","meta":null,
        "num_uses":0,"orphan":true,"path":"p","policies":[],"ttl":1}}"#;
    let login = |_: &str| {
        json(
            200,
            r#"{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":null,
            "auth":{"client_token":"t","accessor":"a","policies":[],"token_policies":[],
            "metadata":null,"lease_duration":1,"renewable":false,"entity_id":"e",
            "token_type":"service","orphan":true}}"#,
        )
    };
    const REFUSED: &str = r#"{"errors":["permission denied"]}"#;
    let answers = move |alive: bool| {
        move |asked: &str| {
            if asked.contains("/login") {
                // Long enough for others to come.
                thread::sleep(Duration::from_millis(50));
                return login(asked);
            }
            match asked.contains("/lookup-self") && alive {
                true => json(200, LOOKUP),
                false => json(403, REFUSED),
            }
        }
    };
    let vault = Fake::new(answers(true));
    let provider = vault.provider(approle());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| provider.read(&it()).err().unwrap());
        }
    });
    for _ in 0..5 {
        let error = provider.read(&it()).err().unwrap();
        assert!(error.to_string().contains("(403)"), "{error}");
    }
    assert_eq!(vault.asked("POST /v1/auth/approle/login"), 1);
    // One that has ended is replaced, once for each reading.
    let ended = Fake::new(answers(false));
    let provider = ended.provider(approle());
    for _ in 0..2 {
        provider.read(&it()).err().unwrap();
    }
    assert_eq!(ended.asked("POST /v1/auth/approle/login"), 2);
}
