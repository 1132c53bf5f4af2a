//! The head of an HTTP/2 request, brought into the form that HTTP/1.1 has.

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Uri, request::Parts};

use crate::request::limits::Limits;
use crate::wire::raw_head::HeadFault;

/// What a header line costs beside its name and value, as HTTP/1.1 has it.
const LINE: usize = 4;

/// Headers that belong to one connection (RFC 9113, 8.2.2).
const OF_A_CONNECTION: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Checks a head, and puts it into origin-form with one `host`. After this nothing tells the
/// request from one that came by HTTP/1.1.
///
/// The library has seen to the pseudo-headers' order and that there is one of each.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn level(parts: &mut Parts, limits: &Limits) -> Result<(), HeadFault> {
    let headers = &parts.headers;
    if headers.len() > limits.headers || size(parts) > limits.head_bytes {
        return Err(HeadFault::TooLong);
    }
    if OF_A_CONNECTION
        .iter()
        .any(|name| headers.contains_key(*name))
        || headers
            .get_all(header::TE)
            .iter()
            .any(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers"))
    {
        return Err(HeadFault::Hop);
    }
    check_length(headers)?;
    let host = host(parts)?;
    let scheme = matches!(parts.uri.scheme_str(), Some("http" | "https"));
    let target = parts.uri.path_and_query();
    let target = target.filter(|target| target.as_str().starts_with('/'));
    let Some(target) = target.filter(|_| scheme && parts.method != Method::CONNECT) else {
        return Err(HeadFault::Pseudo);
    };
    parts.uri = Uri::from(target.clone());
    parts.headers.insert(header::HOST, host);
    Ok(())
}

/// Bytes that the head would have in HTTP/1.1.
fn size(parts: &Parts) -> usize {
    let authority = parts.uri.authority().map_or(0, |host| host.as_str().len());
    let target = parts.uri.path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    let lines = parts.headers.iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + LINE);
    parts.method.as_str().len() + authority + target + lines.sum::<usize>()
}

fn check_length(headers: &HeaderMap) -> Result<(), HeadFault> {
    let mut lines = headers.get_all(header::CONTENT_LENGTH).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        (Some(line), None)
            if (1..=18).contains(&line.len()) && line.as_bytes().iter().all(u8::is_ascii_digit) =>
        {
            Ok(())
        }
        _ => Err(HeadFault::Framing),
    }
}

/// The host that is addressed: of `:authority`, or of `host`, or of both if they say the same.
fn host(parts: &Parts) -> Result<HeaderValue, HeadFault> {
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let (line, more) = (lines.next(), lines.next());
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let agree = match (authority, line) {
        (Some(authority), Some(line)) => line.as_bytes().eq_ignore_ascii_case(authority.as_bytes()),
        (None, None) => false,
        _ => true,
    };
    let host = match authority {
        Some(authority) => HeaderValue::from_str(authority).ok(),
        None => line.cloned(),
    };
    host.filter(|host| agree && more.is_none() && !host.as_bytes().contains(&b'@'))
        .ok_or(HeadFault::Host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn leveled(method: &str, uri: &str, lines: &[(&str, &str)]) -> Result<Parts, HeadFault> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let limits = Limits {
            head_bytes: 300,
            headers: 5,
            ..Limits::default()
        };
        level(&mut parts, &limits).map(|()| parts)
    }

    #[test]
    fn a_head_comes_into_origin_form() {
        let parts = leveled("GET", "https://api.instantly.ai/api/v2/leads?a=b", &[]).unwrap();
        assert_eq!(parts.uri, "/api/v2/leads?a=b");
        assert_eq!(parts.headers["host"], "api.instantly.ai");
        let same = [
            ("host", "DOOR:1"),
            ("te", "trailers"),
            ("content-length", "5"),
        ];
        let parts = leveled("POST", "http://door:1/x", &same).unwrap();
        assert_eq!(parts.headers.get_all("host").iter().count(), 1);
    }

    #[test]
    fn unsound_heads_are_told() {
        use HeadFault::{Framing, Hop, Host, Pseudo, TooLong};
        let long = "y".repeat(300);
        for (method, uri, lines, fault) in [
            ("GET", "https://door/", &[("host", "else")][..], Host),
            (
                "GET",
                "https://door/",
                &[("host", "door"), ("host", "door")],
                Host,
            ),
            ("GET", "https://u@door/", &[], Host),
            ("GET", "/x", &[], Host),
            ("GET", "/x", &[("host", "door")], Pseudo),
            ("GET", "ftp://door/x", &[], Pseudo),
            ("CONNECT", "door:443", &[], Pseudo),
            (
                "GET",
                "https://door/",
                &[("transfer-encoding", "chunked")],
                Hop,
            ),
            ("GET", "https://door/", &[("connection", "close")], Hop),
            ("GET", "https://door/", &[("upgrade", "h2c")], Hop),
            ("GET", "https://door/", &[("te", "gzip")], Hop),
            (
                "POST",
                "https://door/",
                &[("content-length", "5"), ("content-length", "5")],
                Framing,
            ),
            (
                "POST",
                "https://door/",
                &[("content-length", "+5")],
                Framing,
            ),
            ("GET", "https://door/", &[("x", &long)], TooLong),
            ("GET", "https://door/", &[("x", ""); 6], TooLong),
        ] {
            let found = leveled(method, uri, lines).err();
            assert_eq!(found, Some(fault), "{method} {uri} {lines:?}");
        }
    }
}
