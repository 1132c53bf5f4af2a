//! Which headers cross the gateway, each way.

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use crate::decision::refusal::Refusal;

/// Whether the gateway allowed the call: `allowed` or `denied`.
pub(crate) const DOORWARD_DECISION: HeaderName = HeaderName::from_static("doorward-decision");
/// The call's name in the record.
pub(crate) const DOORWARD_REQUEST_ID: HeaderName = HeaderName::from_static("doorward-request-id");
/// How an answer came about that is not fresh: `replayed` or `reconciled`.
pub(crate) const DOORWARD_IDEMPOTENCY: HeaderName = HeaderName::from_static("doorward-idempotency");
/// The API's header by which an admin workspace acts on a sub-workspace.
pub(crate) const X_AS_WORKSPACE: HeaderName = HeaderName::from_static("x-as-workspace");

/// The person that a client says it acts for. Kept for the record, never sent on.
pub(crate) const DOORWARD_ACTOR: HeaderName = HeaderName::from_static("doorward-actor");

/// Most bytes of a `Doorward-Actor`.
const ACTOR_MAX: usize = 256;
/// Most bytes of an `Accept` that is passed on.
const ACCEPT_MAX: usize = 256;

/// Headers of one connection, not of the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What upstream says of its own origin. The caller speaks with Doorward's: cookies would be a
/// credential beside the client key, the others would send browsers elsewhere or let foreign
/// pages in.
const OF_THE_ORIGIN: [&str; 9] = [
    "set-cookie",
    "alt-svc",
    "strict-transport-security",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Whether any `Connection` line of the message names the header.
pub(crate) fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let lines = headers.get_all(header::CONNECTION);
    lines.iter().any(|line| names(line, name.as_str()))
}

/// Leaves in an answer what belongs to the message and to the caller.
///
/// `content-length` goes too: the framing is made anew from the body's known size.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    // Some answers have nothing else that stays behind.
    if !headers.keys().any(stays_behind) {
        return;
    }
    let lines: Vec<HeaderValue> = headers
        .get_all(header::CONNECTION)
        .iter()
        .cloned()
        .collect();
    let behind = |name: &&HeaderName| {
        stays_behind(name) || lines.iter().any(|line| names(line, name.as_str()))
    };
    let behind: Vec<HeaderName> = headers.keys().filter(behind).cloned().collect();
    for name in behind {
        headers.remove(name);
    }
}

/// Whether a `Connection` line names a header.
fn names(line: &HeaderValue, name: &str) -> bool {
    line.as_bytes()
        .split(|byte| *byte == b',')
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a header of an answer stays behind, or says of others that they do.
fn stays_behind(name: &HeaderName) -> bool {
    let text = name.as_str();
    HOP_BY_HOP.contains(&text) || OF_THE_ORIGIN.contains(&text) || is_ours(name)
}

fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with("doorward-")
}

/// The caller's `Accept`, if it is one short line of visible ASCII.
pub(crate) fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    let line = lines.next().filter(|_| lines.next().is_none())?;
    let plain = line.len() <= ACCEPT_MAX && line.to_str().is_ok();
    (plain && !is_named_by_connection(headers, &header::ACCEPT)).then(|| line.clone())
}

/// The person that the client says it acts for.
///
/// # Errors
/// When it is named more than once, or its name is not 1 to 256 bytes of printable UTF-8.
pub(crate) fn actor(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut lines = headers.get_all(&DOORWARD_ACTOR).iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let name = std::str::from_utf8(line.as_bytes())
        .unwrap_or_default()
        .trim();
    let printable =
        !name.is_empty() && name.len() <= ACTOR_MAX && !name.chars().any(is_unprintable);
    if lines.next().is_some() || !printable || is_named_by_connection(headers, &DOORWARD_ACTOR) {
        return Err(Refusal::bad_request(
            "actor_malformed",
            "doorward-actor must be given once and hold 1 to 256 bytes of printable UTF-8",
        ));
    }
    Ok(Some(name))
}

/// Control characters, and those that turn the direction of text or can't be seen.
fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    #[test]
    fn every_connection_line_names_headers_to_drop() {
        let mut headers = map(&[
            ("connection", "close, X-One"),
            ("connection", " x-TWO ,,"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("set-cookie", "session=1"),
            ("access-control-allow-origin", "*"),
            ("doorward-decision", "denied"),
            ("doorward-anything", "1"),
            ("content-type", "application/json"),
        ]);
        strip_response(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "x-three"]);
    }

    #[test]
    fn an_actor_is_named_once_and_printably() {
        let named = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(DOORWARD_ACTOR, HeaderValue::from_bytes(line).unwrap());
            }
            actor(&headers)
                .map(|name| name.map(str::to_owned))
                .map_err(|refusal| refusal.reason())
        };
        assert_eq!(named(&[]), Ok(None));
        assert_eq!(
            named(&[b"ann@example.com"]),
            Ok(Some("ann@example.com".to_owned()))
        );
        assert_eq!(
            named(&["Änne Ö.".as_bytes()]),
            Ok(Some("Änne Ö.".to_owned()))
        );
        assert!(named(&[&[b'a'; ACTOR_MAX]]).is_ok());
        for bad in [
            &[&b"ann"[..], b"ann"][..],
            &[b""],
            &[b" \t"],
            &[b"a\tb"],
            &[b"\xff\xfe"],
            &["a\u{202e}b".as_bytes()],
            &[&[b'a'; ACTOR_MAX + 1]],
        ] {
            assert_eq!(named(bad), Err("actor_malformed"), "{bad:?}");
        }
        let dropped = map(&[("doorward-actor", "ann"), ("connection", "Doorward-Actor")]);
        assert!(actor(&dropped).is_err());
    }

    #[test]
    fn accept_is_one_plain_line() {
        assert!(accept(&map(&[("accept", "application/json")])).is_some());
        assert!(accept(&map(&[])).is_none());
        assert!(accept(&map(&[("accept", "a/b"), ("accept", "c/d")])).is_none());
        assert!(accept(&map(&[("accept", "a/b"), ("connection", "Accept")])).is_none());
        let mut odd = HeaderMap::new();
        odd.insert(header::ACCEPT, HeaderValue::from_bytes(b"a/\xfc").unwrap());
        assert!(accept(&odd).is_none());
    }
}
