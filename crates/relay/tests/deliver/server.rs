//! A destination that does what a test tells it to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// On which connection.
    pub(crate) connection: usize,
}

impl Arrived {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Status(u16),
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, ever.
    Hang,
    /// The connection is reset.
    Reset,
    /// 200, and a body without an end.
    Endless,
    /// 200, a byte now and then.
    Drip,
    /// A head without an end.
    EndlessHead,
    /// Something that is no HTTP.
    Garbage,
    /// After a while.
    Later(Duration, u16),
}

type Answer = dyn Fn(usize, &Arrived) -> Reply + Send + Sync;

/// The server; it ends with the runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    count: watch::Sender<usize>,
    /// Requests that are being answered, and the most at once.
    pub(crate) under_way: Arc<AtomicUsize>,
    pub(crate) most: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    answer: Arc<Answer>,
}

impl Server {
    /// Answers by the number of the request, from 0 on, and what it is.
    pub(crate) async fn new(
        answer: impl Fn(usize, &Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (server, listener) = Self::bound(answer).await;
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        server
    }

    pub(crate) async fn bound(
        answer: impl Fn(usize, &Arrived) -> Reply + Send + Sync + 'static,
    ) -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            arrived: Arc::default(),
            count: watch::Sender::new(0),
            under_way: Arc::default(),
            most: Arc::default(),
            connections: Arc::default(),
            answer: Arc::new(answer),
        };
        (server, listener)
    }

    pub(crate) fn url(&self) -> http::Uri {
        format!("http://127.0.0.1:{}/in?x=1", self.port)
            .parse()
            .unwrap()
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until so many requests have arrived; gives them.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Arrived> {
        let mut arrived = self.count.subscribe();
        let all = arrived.wait_for(|found| *found >= count);
        let waited = tokio::time::timeout(Duration::from_secs(30), all).await;
        let found = self.arrived();
        assert!(waited.is_ok(), "{} of {count} arrived", found.len());
        found
    }

    pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        while let Some(mut request) = read(&mut stream).await {
            request.connection = connection;
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let number = {
                let mut arrived = self.arrived.lock().unwrap();
                arrived.push(request.clone());
                arrived.len() - 1
            };
            self.count.send_modify(|count| *count += 1);
            let goes_on = write(&mut stream, (self.answer)(number, &request)).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            if !goes_on {
                return;
            }
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&part[..read]),
            _ => return None,
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let before = headers.insert(name.to_ascii_lowercase(), value.to_owned());
        assert_eq!(before, None, "{name} twice");
    }
    let length: usize = headers["content-length"].parse().unwrap();
    let mut body = bytes.split_off(head + 4);
    let begun = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[begun..]).await.ok()?;
    Some(Arrived {
        path,
        headers,
        body,
        connection: 0,
    })
}

/// Whether the connection goes on.
async fn write<S: AsyncWrite + Unpin>(stream: &mut S, reply: Reply) -> bool {
    let (status, headers, body) = match reply {
        Reply::Status(status) => (status, Vec::new(), b"ok".to_vec()),
        Reply::With(status, headers, body) => (status, headers, body),
        Reply::Later(wait, status) => {
            tokio::time::sleep(wait).await;
            (status, Vec::new(), Vec::new())
        }
        Reply::Hang => return std::future::pending().await,
        Reply::Reset => return false,
        Reply::Garbage => {
            let _ = stream.write_all(b"220 smtp ready\r\n\r\n").await;
            return false;
        }
        Reply::EndlessHead => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            while stream
                .write_all(b"x-more: and more and more\r\n")
                .await
                .is_ok()
            {}
            return false;
        }
        Reply::Endless => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
            let _ = stream.write_all(head).await;
            while stream.write_all(&[b'e'; 65_536]).await.is_ok() {}
            return false;
        }
        Reply::Drip => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n";
            let _ = stream.write_all(head).await;
            while stream.write_all(b"d").await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return false;
        }
    };
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.is_ok()
        && stream.write_all(&body).await.is_ok()
        && stream.flush().await.is_ok()
}

/// A port where nobody listens.
pub(crate) async fn nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    port
}
