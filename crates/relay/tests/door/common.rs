//! A door on a socket of this machine, a store that does as it is told, and a bare HTTP client.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_policy::Timestamp;
use doorward_relay::events::{EventId, NewEvent, TakeError, Taken};
use doorward_relay::receive::{
    Door, DoorLimits, DoorListener, DoorParts, Minute, Observer, SourceParts, TakesEvents, Taking,
    Tls, serve_door,
};
use doorward_webhook::{EventKeys, Scheme, Schemes, Way};
use ring::hmac;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const WORKSPACE: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b00000001";
pub(crate) const SECRET: &str = "the-secret-of-these-days";
pub(crate) const OLD: &str = "the-secret-of-old-days";
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// Takes events in, or does as it is told.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) events: Mutex<Vec<NewEvent>>,
    ids: Mutex<HashSet<EventId>>,
    pub(crate) refuse: Mutex<Option<TakeError>>,
    /// Whether events wait; each waits until it is false.
    pub(crate) hold: watch::Sender<bool>,
}

impl Kept {
    pub(crate) fn events(&self) -> Vec<NewEvent> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> NewEvent {
        let events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.into_iter().next().unwrap()
    }
}

/// The test's handle to it and the door's.
pub(crate) struct Store(pub(crate) Arc<Kept>);

impl TakesEvents for Store {
    fn take(&self, event: NewEvent) -> Taking {
        let kept = Arc::clone(&self.0);
        Box::pin(async move {
            let mut held = kept.hold.subscribe();
            let _ = held.wait_for(|hold| !*hold).await;
            if let Some(error) = kept.refuse.lock().unwrap().clone() {
                return Err(error);
            }
            let id = event.key.id();
            if !kept.ids.lock().unwrap().insert(id) {
                return Ok(Taken::Known(id));
            }
            kept.events.lock().unwrap().push(event);
            Ok(Taken::Stored(id))
        })
    }
}

/// What the ledger would be told.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Minute>>);

impl Observer for Told {
    fn minute(&self, minute: Minute) {
        self.0.lock().unwrap().push(minute);
    }
}

/// How a door is set up.
pub(crate) struct Setup {
    pub(crate) limits: DoorLimits,
    pub(crate) trusted: Vec<&'static str>,
    pub(crate) sources: Vec<SourceParts>,
    pub(crate) tls: Option<Tls>,
    pub(crate) store: Option<(Arc<dyn TakesEvents>, EventKeys)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: DoorLimits::default(),
            trusted: vec![],
            sources: vec![header_source()],
            tls: None,
            store: None,
        }
    }
}

pub(crate) fn secrets(secrets: &[&str]) -> Vec<SecretString> {
    secrets.iter().map(|secret| (*secret).into()).collect()
}

pub(crate) fn source(name: &str, number: i64, ways: &[(Way, &[&str])]) -> SourceParts {
    let schemes = ways
        .iter()
        .map(|(way, known)| Scheme::new(way, &secrets(known)).unwrap());
    SourceParts {
        name: name.to_owned(),
        number,
        workspace: WORKSPACE.to_owned(),
        schemes: Schemes::new(schemes.collect()).unwrap(),
        allow: vec![],
    }
}

/// `/in/crm`, with a secret header, the current secret and another.
pub(crate) fn header_source() -> SourceParts {
    let name = "X-Webhook-Secret".to_owned();
    source("crm", 7, &[(Way::Header { name }, &[SECRET, OLD])])
}

/// `/in/git`, signed as GitHub signs.
pub(crate) fn signed_source() -> SourceParts {
    source("git", 8, &[(Way::github(), &[SECRET])])
}

/// A door that is open.
pub(crate) struct Open {
    pub(crate) door: Door,
    pub(crate) kept: Arc<Kept>,
    pub(crate) told: Arc<Told>,
    pub(crate) address: std::net::SocketAddr,
    shut: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

pub(crate) async fn open(setup: Setup) -> Open {
    let (kept, told) = (Arc::new(Kept::default()), Arc::new(Told::default()));
    let (store, keys) = setup.store.unwrap_or_else(|| {
        let store: Arc<dyn TakesEvents> = Arc::new(Store(Arc::clone(&kept)));
        (store, EventKeys::new(&[7; 32]))
    });
    let door = Door::new(DoorParts {
        store,
        keys,
        limits: setup.limits,
        trusted: setup
            .trusted
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        observer: Arc::<Told>::clone(&told),
        clock: Arc::new(|| Timestamp::from_seconds(NOW)),
        random: [9; 32],
    })
    .unwrap();
    door.set_sources(setup.sources);
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = DoorListener {
        tcp,
        tls: setup.tls,
    };
    let (shut, shutting) = oneshot::channel::<()>();
    let until = async {
        let _ = shutting.await;
    };
    let served = tokio::spawn(serve_door(vec![listener], door.clone(), until));
    Open {
        door,
        kept,
        told,
        address,
        shut,
        served,
    }
}

impl Open {
    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, request: &[u8]) -> Answer {
        self.connect().await.send(request).await
    }

    pub(crate) async fn close(self) -> (Arc<Kept>, Arc<Told>) {
        let _ = self.shut.send(());
        self.served.await.unwrap().unwrap();
        (self.kept, self.told)
    }

    /// How often something was refused, of the first source.
    pub(crate) fn refused(&self, why: &str) -> u64 {
        let figures = self.door.figures();
        figures.iter().map(|source| source.refused.get(why)).sum()
    }
}

/// An answer: its status, its head without the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
}

pub(crate) struct Client<S>(pub(crate) S);

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(stream)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The door may have said no and closed before all of it was written.
        let _ = self.0.write_all(bytes).await;
    }

    pub(crate) async fn read(&mut self) -> Answer {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.unwrap());
            }
        };
        tokio::time::timeout(LONG, reading)
            .await
            .expect("an answer");
        let head = String::from_utf8(head).unwrap();
        assert!(
            head.contains("content-length: 0\r\n"),
            "nothing is said: {head}"
        );
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let lines = head.lines().filter(|line| !line.starts_with("date: "));
        Answer {
            status,
            head: lines.collect::<Vec<_>>().join("\n"),
        }
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> Answer {
        self.write(request).await;
        self.read().await
    }

    /// Whether the door closes the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        tokio::time::timeout(LONG, self.0.read_to_end(&mut rest))
            .await
            .is_ok()
    }
}

/// A request with these header lines and this body, with its length.
pub(crate) fn post(path: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: hooks.example\r\n");
    for line in lines {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}

/// The same, proved by the secret header.
pub(crate) fn proved(body: &[u8]) -> Vec<u8> {
    post(
        "/in/crm",
        &[&secret(), "Content-Type: application/json"],
        body,
    )
}

pub(crate) fn secret() -> String {
    format!("X-Webhook-Secret: {SECRET}")
}

/// The header that GitHub would send.
pub(crate) fn signature(body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, body);
    let digits: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("X-Hub-Signature-256: sha256={digits}")
}

/// A payload that fits, one of many.
pub(crate) fn payload(n: u32) -> Vec<u8> {
    format!(
        r#"{{"event_type":"reply_received","workspace":"{WORKSPACE}","lead_email":"ann@example.com","n":{n}}}"#
    )
    .into_bytes()
}
