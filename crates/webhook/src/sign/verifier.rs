//! The other side of signing, for those who receive what Doorward delivers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use doorward_policy::Timestamp;

use crate::head::Head;
use crate::prove::{Key, Refused, SchemeFault, StandardKeys, Why};

/// Verifies messages. Make it once, for every message.
#[derive(Clone)]
pub struct Verifier(StandardKeys);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// A message that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Message {
    /// The event's id: the same when it comes again.
    pub id: String,
    /// When this attempt was signed.
    pub sent: SystemTime,
}

/// Why a message was not verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// What was given to verify with is of no use.
    #[error(transparent)]
    Secret(#[from] SchemeFault),
    /// The message is not to be trusted.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Verifier {
    /// With one secret (`whsec_`, or the public key `whpk_`), or two while they are exchanged;
    /// signed times may be `tolerance` away from the clock.
    ///
    /// # Errors
    /// When there are none or more, or one is something else.
    pub fn new(secrets: &[&str], tolerance: Duration) -> Result<Self, SchemeFault> {
        let key = |text: &&str| Key::parse(text).ok_or(SchemeFault::Standard);
        match secrets {
            [current] => Ok(Self(StandardKeys::new(&key(current)?, None, tolerance))),
            [current, other] => {
                let (current, other) = (key(current)?, key(other)?);
                Ok(Self(StandardKeys::new(&current, Some(&other), tolerance)))
            }
            _ => Err(SchemeFault::Secrets),
        }
    }

    /// Verifies one message: its headers, and the very bytes of its body.
    ///
    /// # Errors
    /// When it is not signed with one of the secrets, or not now.
    pub fn verify<H: Head>(
        &self,
        head: &H,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Message, Refused> {
        let refused = |why| Refused { scheme: 0, why };
        let mut signed = self.0.begin(head, timestamp(now)).map_err(refused)?;
        let id = String::from_utf8_lossy(&signed.id).into_owned();
        let sent = Duration::from_millis(u64::try_from(signed.at.millis()).unwrap_or(0));
        signed.update(body);
        let which = signed.finish(Some(body)).which();
        which.ok_or(refused(Why::Wrong))?;
        Ok(Message {
            id,
            sent: UNIX_EPOCH + sent,
        })
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Verifies one message with one secret or two, as [`Verifier`] does, with five minutes' tolerance.
///
/// # Errors
/// When a secret is none, or the message is not signed with one of them, or not now.
pub fn verify<H: Head>(
    secrets: &[&str],
    head: &H,
    body: &[u8],
    now: SystemTime,
) -> Result<Message, VerifyError> {
    Ok(Verifier::new(secrets, Duration::from_secs(300))?.verify(head, body, now)?)
}
