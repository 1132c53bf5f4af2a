//! Upstreams that write down what reaches them and answer as they are told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Well,
    /// The key that came is in the answer, in body and header, in several forms.
    Echo,
    /// The same in an error.
    EchoInError,
    /// The key is taken for dead.
    DeadKey,
    WrongScope,
    TooMany,
    Broken,
    NotThere,
    /// To another host.
    Redirect,
    /// Fewer bytes than were promised.
    Short,
    /// The connection ends without an answer.
    Drop,
    /// No answer.
    Silence,
}

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Which server: workspace and host; none for the one that a redirect leads to.
    pub(crate) at: Option<(usize, usize)>,
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) gave: Reply,
}

impl Arrival {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// What is said to the next that arrives, and what it waits for.
type Next = (Reply, Option<oneshot::Receiver<()>>);

/// Shared by all servers of a history.
#[derive(Default)]
pub(crate) struct Script {
    next: Mutex<VecDeque<Next>>,
    arrived: Mutex<Vec<Arrival>>,
    news: Notify,
    elsewhere: Mutex<Option<SocketAddr>>,
}

impl Script {
    /// The next that arrives is answered so; those after it well.
    pub(crate) fn say(&self, reply: Reply, once: Option<oneshot::Receiver<()>>) {
        let mut next = self.next.lock().unwrap();
        next.clear();
        next.push_back((reply, once));
    }

    /// What arrived since the last time.
    pub(crate) fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrived.lock().unwrap())
    }

    /// Waits until something arrives.
    pub(crate) async fn arrival(&self) -> Result<(), String> {
        let come = async {
            while self.arrived.lock().unwrap().is_empty() {
                self.news.notified().await;
            }
        };
        let come = tokio::time::timeout(Duration::from_secs(20), come).await;
        come.map_err(|_| "a call that may go did not arrive".to_owned())
    }
}

/// Starts a server; `at` is what it is known as.
pub(crate) async fn start(script: &Arc<Script>, at: Option<(usize, usize)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    if at.is_none() {
        *script.elsewhere.lock().unwrap() = Some(address);
    }
    let script = Arc::clone(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, at, Arc::clone(&script)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, at: Option<(usize, usize)>, script: Arc<Script>) {
    let mut held = Vec::new();
    while let Some((line, headers, body)) = read(&mut stream, &mut held).await {
        let next = script.next.lock().unwrap().pop_front();
        let (reply, gate) = next.unwrap_or((Reply::Well, None));
        let arrival = Arrival {
            at,
            line,
            headers,
            body,
            gave: reply,
        };
        let key = arrival.all("authorization").join(",");
        script.arrived.lock().unwrap().push(arrival);
        script.news.notify_one();
        if let Some(gate) = gate {
            let _ = gate.await;
        }
        let elsewhere = script.elsewhere.lock().unwrap().unwrap();
        let Some((bytes, last)) = answer(reply, &key, elsewhere) else {
            if reply == Reply::Silence {
                std::future::pending::<()>().await;
            }
            return;
        };
        if stream.write_all(bytes.as_bytes()).await.is_err() || last {
            return;
        }
    }
}

/// The bytes of an answer, and whether they are the connection's last.
fn answer(reply: Reply, key: &str, elsewhere: SocketAddr) -> Option<(String, bool)> {
    let json = |status: &str, lines: &str, body: &str| {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
        );
        Some((format!("{head}{lines}\r\n{body}"), false))
    };
    let error = |code: u16, name: &str, lines: &str, message: &str| {
        let body =
            format!("{{\"statusCode\":{code},\"error\":\"{name}\",\"message\":\"{message}\"}}");
        json(&format!("{code} {name}"), lines, &body)
    };
    let token = key.trim_start_matches("Bearer ");
    match reply {
        Reply::Well => json("200 OK", "", "{\"items\":[]}"),
        Reply::Echo => {
            let coded = base64::engine::general_purpose::STANDARD.encode(token);
            let in_url = token
                .replace('=', "%3D")
                .replace('+', "%2B")
                .replace('/', "%2F");
            let body = format!("{{\"a\":\"{key}\",\"b\":\"{coded}\",\"c\":\"{in_url}\"}}");
            json("200 OK", &format!("x-echo: {key}\r\n"), &body)
        }
        Reply::EchoInError => error(400, "Bad Request", "", &format!("no good: {token}")),
        Reply::DeadKey => error(401, "Unauthorized", "", "Invalid API key"),
        Reply::WrongScope => error(
            401,
            "Unauthorized",
            "",
            "Invalid scope. Required: leads:create. Found: leads:read",
        ),
        Reply::TooMany => error(429, "Too Many Requests", "retry-after: 0\r\n", "slower"),
        Reply::Broken => error(500, "Internal Server Error", "", "oh"),
        Reply::NotThere => error(404, "Not Found", "", "no such thing"),
        Reply::Redirect => {
            let to = format!("location: http://{elsewhere}/api/v2/campaigns\r\n");
            Some((
                format!("HTTP/1.1 307 Temporary Redirect\r\n{to}content-length: 0\r\n\r\n"),
                false,
            ))
        }
        Reply::Short => Some((
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{\"it"
                .to_owned(),
            true,
        )),
        Reply::Drop | Reply::Silence => None,
    }
}

type Read = (String, Vec<(String, String)>, String);

async fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<Read> {
    let end = loop {
        if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&held[..end]).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    while held.len() < end + length {
        if stream.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&held[end..end + length]).into_owned();
    held.drain(..end + length);
    Some((line, headers, body))
}
