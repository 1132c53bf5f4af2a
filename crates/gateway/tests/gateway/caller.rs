//! A caller that speaks raw HTTP.

use std::collections::HashMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request's text.
pub(crate) fn request(method: &str, target: &str, key: &str, lines: &[&str], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: door\r\n");
    if !key.is_empty() {
        text += &format!("Authorization: Bearer {key}\r\n");
    }
    for line in lines {
        text += &format!("{line}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

pub(crate) fn get(target: &str, key: &str) -> String {
    request("GET", target, key, &[], "")
}

pub(crate) fn post(target: &str, key: &str, body: &str) -> String {
    request(
        "POST",
        target,
        key,
        &["Content-Type: application/json"],
        body,
    )
}

/// An answer as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(key, _)| key == name);
        let found = named.next().map(|(_, value)| value.as_str());
        assert!(named.next().is_none(), "{name} twice");
        found
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["doorward"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Asserts that it is a refusal, whole and in the envelope.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) {
        let body = self.json();
        assert_eq!(
            (self.status, self.reason().as_str()),
            (status, reason),
            "{body:#}"
        );
        assert_eq!(body["statusCode"], status);
        assert!(body["error"].is_string() && body["message"].is_string());
        assert_eq!(self.header("doorward-decision"), Some("denied"));
        assert_eq!(
            body["doorward"]["request_id"].as_str(),
            self.header("doorward-request-id")
        );
    }
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    held: Vec<u8>,
}

impl Connection {
    pub(crate) async fn to(address: std::net::SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            held: Vec::new(),
        }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.write(bytes).await;
        self.read().await.unwrap()
    }

    /// Reads one answer; `None` when the connection is closed before its head.
    pub(crate) async fn read(&mut self) -> Option<Response> {
        loop {
            let end = self.until(b"\r\n\r\n").await?;
            let head = String::from_utf8(self.take(end)).unwrap();
            let mut lines = head.trim_end().split("\r\n");
            let status = lines
                .next()
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap()
                .parse()
                .unwrap();
            let headers: Vec<(String, String)> = lines
                .map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect();
            if status < 200 {
                continue;
            }
            let named: HashMap<_, _> = headers.iter().cloned().collect();
            let body = if let Some(length) = named.get("content-length") {
                self.exactly(length.parse().unwrap()).await?
            } else if named
                .get("transfer-encoding")
                .is_some_and(|value| value == "chunked")
            {
                self.chunks().await?
            } else {
                Vec::new()
            };
            return Some(Response {
                status,
                headers,
                body,
            });
        }
    }

    /// Whether nothing more comes and the connection is closed.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.held.is_empty() && self.stream.read_buf(&mut self.held).await.unwrap_or(0) == 0
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.until(b"\r\n").await?;
            let line = String::from_utf8(self.take(end)).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn until(&mut self, mark: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = self.held.windows(mark.len()).position(|part| part == mark) {
                return Some(at + mark.len());
            }
            if self.stream.read_buf(&mut self.held).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.held.len() < length {
            if self.stream.read_buf(&mut self.held).await.ok()? == 0 {
                return None;
            }
        }
        Some(self.take(length))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.held.drain(..length).collect()
    }
}
