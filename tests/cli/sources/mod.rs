//! Sources as they are set: by which proofs deliveries are taken, and when they can't be.

mod certificates;
mod closed;
mod proofs;

use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends one request over a connection, and gives the answer's head.
fn exchange(
    stream: &mut (impl Read + Write),
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let mut text = format!(
        "POST {path} HTTP/1.1\r\nhost: hooks\r\ncontent-type: application/json\r\nconnection: \
         close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Whoever closes without a word has answered by then.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The address of a URL, and its path.
fn parts(url: &str) -> (String, String) {
    let (_, rest) = url.split_once("://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    (address.to_owned(), format!("/{path}"))
}

fn status(head: &str) -> u16 {
    let status = head.split(' ').nth(1).unwrap_or_else(|| panic!("{head:?}"));
    status.parse().unwrap()
}

/// Posts to a source; the status.
fn post(url: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let (address, path) = parts(url);
    let mut stream = TcpStream::connect(address).unwrap();
    status(&exchange(&mut stream, &path, headers, body))
}
