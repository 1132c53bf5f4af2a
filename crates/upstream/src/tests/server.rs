//! The scripted server.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;
use tower_service::Service;

use crate::transport::HttpTransport;

/// What the server does with a request once it has read it.
pub(super) enum Act {
    /// Answers with these bytes and waits for the next request.
    Answer(Vec<u8>),
    /// Answers and closes.
    AnswerAndClose(Vec<u8>),
    /// Never answers; what bytes there are are sent first.
    Hang(Vec<u8>),
}

impl Act {
    /// Closes without an answer.
    pub(super) fn lose() -> Act {
        Act::AnswerAndClose(Vec::new())
    }

    /// A whole answer with a JSON body.
    pub(super) fn json(status: u16, body: Value) -> Act {
        Act::Answer(reply(
            status,
            &[("content-type", "application/json")],
            &body.to_string(),
        ))
    }

    /// The API's envelope.
    pub(super) fn envelope(status: u16, message: &str) -> Act {
        let body = serde_json::json!({"statusCode": status, "error": "x", "message": message});
        Act::json(status, body)
    }

    /// A whole answer of any kind.
    pub(super) fn text(status: u16, kind: &str, body: &str) -> Act {
        Act::Answer(reply(status, &[("content-type", kind)], body))
    }
}

/// An answer's bytes.
pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// How many connections had been made.
    pub(super) connection: usize,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name)?;
        Some(&found.1)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

type Script = Box<dyn FnMut(&Seen) -> Act + Send>;

struct State {
    script: Script,
    seen: Vec<Seen>,
    connections: usize,
    refuse: usize,
    stall: bool,
}

/// A server, and the connector that leads to it.
#[derive(Clone)]
pub(super) struct Fake(Arc<Mutex<State>>);

impl Fake {
    /// Answers by a function of the request.
    pub(super) fn answering(script: impl FnMut(&Seen) -> Act + Send + 'static) -> Fake {
        Fake(Arc::new(Mutex::new(State {
            script: Box::new(script),
            seen: Vec::new(),
            connections: 0,
            refuse: 0,
            stall: false,
        })))
    }

    /// Does one act after another; a request beyond them is answered 418.
    pub(super) fn doing(acts: impl IntoIterator<Item = Act>) -> Fake {
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        Fake::answering(move |_| {
            let over = || Act::envelope(418, "the script is over");
            acts.pop_front().unwrap_or_else(over)
        })
    }

    /// Refuses the next connections.
    pub(super) fn refusing(self, connections: usize) -> Fake {
        self.0.lock().unwrap().refuse = connections;
        self
    }

    /// Never completes a connection.
    pub(super) fn stalling(self) -> Fake {
        self.0.lock().unwrap().stall = true;
        self
    }

    pub(super) fn transport(&self, connect_timeout: Duration) -> HttpTransport<Fake> {
        HttpTransport::new(self.clone(), connect_timeout)
    }

    /// What has arrived so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    async fn serve(self, mut pipe: DuplexStream, connection: usize) {
        while let Some(request) = read(&mut pipe, connection).await {
            let act = {
                let mut state = self.0.lock().unwrap();
                state.seen.push(request.clone());
                (state.script)(&request)
            };
            match act {
                Act::Answer(bytes) => drop(pipe.write_all(&bytes).await),
                Act::AnswerAndClose(bytes) => {
                    drop(pipe.write_all(&bytes).await);
                    return;
                }
                Act::Hang(bytes) => {
                    drop(pipe.write_all(&bytes).await);
                    std::future::pending::<Infallible>().await;
                }
            }
        }
    }
}

async fn read(pipe: &mut DuplexStream, connection: usize) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        bytes.push(pipe.read_u8().await.ok()?);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("an ASCII head");
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    pipe.read_exact(&mut body).await.ok()?;
    Some(Seen {
        at: Instant::now(),
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body,
        connection,
    })
}

impl Service<Uri> for Fake {
    type Response = Pipe;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Pipe, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let fake = self.clone();
        Box::pin(async move {
            let connection = {
                let mut state = fake.0.lock().unwrap();
                state.connections += 1;
                if state.refuse > 0 {
                    state.refuse -= 1;
                    return Err(std::io::ErrorKind::ConnectionRefused.into());
                }
                (!state.stall).then_some(state.connections)
            };
            let Some(connection) = connection else {
                return std::future::pending().await;
            };
            let (near, far) = duplex(64 * 1_024);
            tokio::spawn(fake.serve(far, connection));
            Ok(Pipe(TokioIo::new(near)))
        })
    }
}

/// The client's end.
pub(super) struct Pipe(TokioIo<DuplexStream>);

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
