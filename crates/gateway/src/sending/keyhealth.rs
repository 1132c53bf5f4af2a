//! Which upstream keys the API took for dead a moment ago.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use doorward_catalog::wire::ErrorBody;
use http::StatusCode;

use crate::sending::upstream::UpstreamKey;

/// How long a suspect key comes after all others; then it is tried again.
const SUSPECT_FOR: Duration = Duration::from_secs(60);
/// A value that stays refused is told of once, and again after so long.
const TOLD_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of the health of keys. Kept from snapshot to snapshot.
#[derive(Debug, Default)]
pub(crate) struct KeyHealth {
    /// Whether there is any suspect: mostly there is none.
    any: AtomicBool,
    suspects: Mutex<HashMap<Arc<str>, Suspect>>,
}

#[derive(Debug)]
struct Suspect {
    /// Of which value of the key: another one put in its place is none.
    print: [u8; 8],
    until: Instant,
    /// Until when it is no news that it is refused.
    told_until: Instant,
}

impl KeyHealth {
    /// Whether a key was refused a moment ago.
    pub(crate) fn is_suspect(&self, key: &UpstreamKey, now: Instant) -> bool {
        if !self.any.load(Ordering::Relaxed) {
            return false;
        }
        self.lock()
            .get(&key.id)
            .is_some_and(|suspect| suspect.print == key.print && now < suspect.until)
    }

    /// Notes that the API refused a key. Whether that is news.
    pub(crate) fn refused(&self, key: &UpstreamKey, now: Instant) -> bool {
        let mut suspects = self.lock();
        suspects.retain(|_, suspect| now < suspect.told_until);
        let before = suspects.get(&key.id);
        let told = before.filter(|before| before.print == key.print);
        let told_until = told.map(|before| before.told_until);
        let suspect = Suspect {
            print: key.print,
            until: now + SUSPECT_FOR,
            told_until: told_until.unwrap_or(now + TOLD_FOR),
        };
        suspects.insert(Arc::clone(&key.id), suspect);
        self.any.store(true, Ordering::Relaxed);
        told_until.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Suspect>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer is the API's own word that the key is none: its envelope, and not the refusal
/// for a missing scope, which has the same status. What it says of was not done.
pub(crate) fn says_dead_key(status: StatusCode, body: &[u8]) -> bool {
    if status != StatusCode::UNAUTHORIZED {
        return false;
    }
    serde_json::from_slice::<ErrorBody>(body).is_ok_and(|body| {
        let scope = body.message.trim_start().get(..13);
        body.status_code == 401
            && body.error == "Unauthorized"
            && !scope.is_some_and(|text| text.eq_ignore_ascii_case("invalid scope"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_store::UpstreamKeyState;

    fn key(id: &str, value: &str) -> UpstreamKey {
        UpstreamKey::new(id, None, UpstreamKeyState::Active, value.into()).unwrap()
    }

    #[test]
    fn a_refused_key_is_suspect_for_a_while() {
        let health = KeyHealth::default();
        let (one, now) = (key("one", "value-of-sixteen-1"), Instant::now());
        assert!(!health.is_suspect(&one, now));
        assert!(health.refused(&one, now));
        assert!(!health.refused(&one, now), "no news");
        assert!(health.is_suspect(&one, now));
        assert!(!health.is_suspect(&key("two", "value-of-sixteen-1"), now));
        assert!(
            !health.is_suspect(&key("one", "value-of-sixteen-2"), now),
            "another value"
        );
        let later = now + SUSPECT_FOR;
        assert!(!health.is_suspect(&one, later));
        assert!(!health.refused(&one, later), "it was told");
        assert!(health.is_suspect(&one, later));
        let other = key("one", "value-of-sixteen-3");
        assert!(health.refused(&other, later), "another value is news");
        assert!(health.refused(&other, later + TOLD_FOR), "a day later");
    }

    #[test]
    fn only_the_apis_own_word_counts() {
        let says = |status, body: &str| {
            says_dead_key(StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        let dead = r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid API key"}"#;
        assert!(says(401, dead));
        assert!(!says(403, dead));
        for other in [
            r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid scope. Required: leads:create. Found: "}"#,
            r#"{"statusCode":401,"error":"Unauthorized","message":" invalid scope"}"#,
            r#"{"statusCode":403,"error":"Forbidden","message":"Invalid API key"}"#,
            r#"{"statusCode":401,"error":"Proxy Authentication","message":"log in"}"#,
            r#"{"error":"Unauthorized"}"#,
            "<html>401 Unauthorized</html>",
            "",
        ] {
            assert!(!says(401, other), "{other}");
        }
    }
}
