//! Which protocol a connection speaks, told by its first bytes.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a connection that speaks HTTP/2 begins with (RFC 9113, 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A version of HTTP, as it is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 and 1.1.
    Http1,
    /// HTTP/2, by prior knowledge or by ALPN.
    Http2,
}

/// Reads until it is clear which protocol is spoken; what was read is in `held`. `None` when the
/// connection ended before a byte.
///
/// # Errors
/// When the connection fails.
pub async fn tell<S: AsyncRead + Unpin>(
    stream: &mut S,
    held: &mut BytesMut,
) -> io::Result<Option<Protocol>> {
    loop {
        let begins = PREFACE.get(..held.len().min(PREFACE.len()));
        if !begins.is_some_and(|begins| held.starts_with(begins)) {
            return Ok(Some(Protocol::Http1));
        }
        if held.len() >= PREFACE.len() {
            return Ok(Some(Protocol::Http2));
        }
        if stream.read_buf(held).await? == 0 {
            return Ok((!held.is_empty()).then_some(Protocol::Http1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(pieces: &[&[u8]]) -> (Option<Protocol>, Vec<u8>) {
        let mut builder = tokio_test_reader(pieces);
        let mut held = BytesMut::new();
        let told = tell(&mut builder, &mut held).await.unwrap();
        (told, held.to_vec())
    }

    fn tokio_test_reader(pieces: &[&[u8]]) -> Box<dyn AsyncRead + Unpin> {
        let empty: Box<dyn AsyncRead + Unpin> = Box::new(tokio::io::empty());
        pieces.iter().rev().fold(empty, |rest, piece| {
            Box::new(std::io::Cursor::new(piece.to_vec()).chain(rest))
        })
    }

    #[tokio::test]
    async fn the_first_bytes_tell() {
        use Protocol::{Http1, Http2};
        for (pieces, protocol) in [
            (&[&b"GET / HTTP/1.1\r\n"[..]][..], Some(Http1)),
            (&[b"P", b"OST / HTTP/1.1"], Some(Http1)),
            (&[PREFACE], Some(Http2)),
            (&[b"PRI * HT", b"TP/2.0\r\n\r\nSM\r\n\r\n\0\0"], Some(Http2)),
            (&[b"PRI * HTTP/2.0\r\n\r\nXX"], Some(Http1)),
            (&[b"PRI"], Some(Http1)),
            (&[], None),
        ] {
            let (found, held) = told(pieces).await;
            assert_eq!(found, protocol, "{pieces:?}");
            assert!(pieces.concat().starts_with(&held), "nothing is lost");
        }
    }
}
