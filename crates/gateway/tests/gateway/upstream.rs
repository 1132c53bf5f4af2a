//! An upstream that keeps what it receives and answers with the very bytes it is told to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The values of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// What to do once a request has arrived.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Write these bytes and go on.
    Bytes(Vec<u8>),
    /// Write these bytes and close.
    Last(Vec<u8>),
    /// Write the bytes, wait, write the others, and go on.
    Slow(Vec<u8>, Duration, Vec<u8>),
    /// Never answer.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::with(status, "content-type: application/json\r\n", body)
    }

    /// `lines` are whole header lines.
    pub(crate) fn with(status: &str, lines: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{lines}content-length: {length}\r\n\r\n{body}");
        Self::Bytes(text.into_bytes())
    }
}

type Answer = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

/// The upstream. Its task ends with the test's runtime.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Answers each request, given it and how many came before.
    pub(crate) async fn start(
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (keep, answer) = (Arc::clone(&seen), Arc::new(answer) as Arc<Answer>);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&keep), Arc::clone(&answer)));
            }
        });
        Self {
            address,
            seen,
            connections,
        }
    }

    /// Answers `{}` to everything.
    pub(crate) async fn plain() -> Self {
        Self::start(|_, _| Reply::json("200 OK", "{}")).await
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request that arrived.
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, answer: Arc<Answer>) {
    let mut held = Vec::new();
    while let Some(request) = read(&mut stream, &mut held).await {
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        match answer(&request, before) {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
            Reply::Last(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Slow(first, pause, rest) => {
                let _ = stream.write_all(&first).await;
                tokio::time::sleep(pause).await;
                let _ = stream.write_all(&rest).await;
            }
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(held).await.ok()? == 0 || !held[0].is_ascii_uppercase() {
            return None;
        }
    };
    let head = String::from_utf8(held[..end].to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    while held.len() < end + length {
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    let body = held[end..end + length].to_vec();
    held.drain(..end + length);
    Some(Seen {
        line,
        headers,
        body,
    })
}
