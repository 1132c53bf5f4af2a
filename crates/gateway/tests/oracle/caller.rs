//! A caller that speaks HTTP/1.1 from one address or another, and keeps every byte of the answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// 0 when the connection ended before a head.
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Every byte.
    pub(crate) raw: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> String {
        let json = self.json();
        let reason = json["doorward"]["reason"].as_str();
        reason.unwrap_or_default().to_owned()
    }
}

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    open: bool,
}

impl Line {
    pub(crate) async fn open(door: SocketAddr, last: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        let from = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0);
        socket.bind(from.into()).unwrap();
        let stream = socket.connect(door).await.unwrap();
        Self { stream, open: true }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) async fn write(&mut self, text: &str) {
        // Whoever refuses a head may not take the body any more.
        if self.stream.write_all(text.as_bytes()).await.is_err() {
            self.open = false;
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&mut self, head: &str, body: &str) -> Answer {
        self.write(&format!("{head}\r\n{body}")).await;
        self.read().await
    }

    /// Reads one answer, which may be a 100. It has to come before long.
    pub(crate) async fn read(&mut self) -> Answer {
        let read = tokio::time::timeout(Duration::from_secs(10), self.whole());
        read.await.unwrap_or_default()
    }

    async fn whole(&mut self) -> Answer {
        let mut answer = Answer::default();
        let mut held = Vec::new();
        let Some(end) = self.until(&mut held, 0, b"\r\n\r\n").await else {
            answer.raw = held;
            return answer;
        };
        let head = String::from_utf8_lossy(&held[..end]).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        answer.status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        answer.headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = answer.headers.get("content-length");
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        let chunked = answer.headers.contains_key("transfer-encoding");
        if answer
            .headers
            .get("connection")
            .is_some_and(|line| line == "close")
        {
            self.open = false;
        }
        if answer.status != 100 {
            match length {
                Some(length) => self.exactly(&mut held, end + length).await,
                None if chunked => {
                    // Only the API's own answers come so: what matters are the bytes.
                    let _ = self.until(&mut held, end, b"0\r\n\r\n").await;
                }
                None => {}
            }
        }
        answer.body = held.get(end..).unwrap_or_default().to_vec();
        answer.raw = held;
        answer
    }

    async fn until(&mut self, held: &mut Vec<u8>, from: usize, mark: &[u8]) -> Option<usize> {
        loop {
            let found = held[from..]
                .windows(mark.len())
                .position(|part| part == mark);
            if let Some(at) = found {
                return Some(from + at + mark.len());
            }
            if !self.more(held).await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, held: &mut Vec<u8>, length: usize) {
        while held.len() < length && self.more(held).await {}
    }

    async fn more(&mut self, held: &mut Vec<u8>) -> bool {
        let read = self.stream.read_buf(held).await.unwrap_or(0);
        self.open &= read > 0;
        read > 0
    }
}
