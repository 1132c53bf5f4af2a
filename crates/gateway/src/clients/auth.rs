//! Who is calling.

use doorward_catalog::UpstreamKeyFormat;
use doorward_keys::{ClientKey, KeyId, KeyRefused};
use doorward_store::Known;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::request::headers::is_named_by_connection;
use crate::snapshot::Snapshot;

/// Most bytes of a credential that are looked at.
const CREDENTIAL_MAX: usize = 512;

/// What a stranger is recorded for that presents a real key.
pub(crate) const UPSTREAM_KEY: &str = "upstream_key_presented";

/// Nobody that is known. The caller is told the same whatever it was; the record tells more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// For the record.
    pub(crate) reason: &'static str,
    /// The key id that was presented, if the key was well formed. It is public.
    pub(crate) key_id: Option<KeyId>,
}

/// Finds the client whose key is presented. The same work is done whether there is such a key or
/// not, and also when none is presented.
pub(crate) fn authenticate<'s>(
    snapshot: &'s Snapshot,
    headers: &HeaderMap,
) -> Result<Known<'s>, Stranger> {
    let presented = bearer(headers);
    let text = presented.unwrap_or_default();
    snapshot.authenticate(text).map_err(|refused| Stranger {
        reason: match refused {
            _ if !headers.contains_key(AUTHORIZATION) => "key_missing",
            _ if UpstreamKeyFormat::matches(text) => UPSTREAM_KEY,
            KeyRefused::Unknown(_) => "key_unknown",
            KeyRefused::Mismatch(_) => "key_mismatch",
            _ => "key_malformed",
        },
        key_id: ClientKey::parse(text).ok().map(|key| key.id()),
    })
}

/// The token of the one `Authorization: Bearer` line.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().filter(|_| lines.next().is_none())?;
    // To some proxy before us the header would have been one to drop.
    if is_named_by_connection(headers, &AUTHORIZATION) || line.len() > CREDENTIAL_MAX {
        return None;
    }
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_line_is_read() {
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bearer  abc"]).as_deref(), Some("abc"));
        for lines in [
            &[][..],
            &["Bearer a", "Bearer a"],
            &["Basic abc"],
            &["abc"],
            &["Bearerabc"],
        ] {
            assert_eq!(token(lines), None, "{lines:?}");
        }
        assert_eq!(
            token(&[&format!("Bearer {}", "a".repeat(CREDENTIAL_MAX))]),
            None
        );
    }
}
