//! What an event is known by.

use std::fmt;
use std::str::FromStr;

/// The prefix of an event's public id.
const PREFIX: &str = "evt_";

/// What makes two events the same: HMAC-SHA-256, under a key of the store, over the workspace and
/// the payload in its canonical form. Made by the [`EventKeys`](doorward_webhook::EventKeys) that
/// the store gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey([u8; 32]);

impl EventKey {
    /// From what [`EventKeys`](doorward_webhook::EventKeys) made.
    pub fn new(mac: [u8; 32]) -> Self {
        Self(mac)
    }

    /// The public id of the event.
    pub fn id(&self) -> EventId {
        let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        EventId(half)
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({})", self.id())
    }
}

/// An event's public id: `evt_` and 32 hexadecimal digits, the first half of its [`EventKey`]. The
/// `webhook-id` of every attempt to every destination, the same if the event is taken in again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

/// A text that is no event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is `evt_` and 32 hexadecimal digits; `doorward events list` shows them")]
pub struct NotAnEventId;

impl EventId {
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAnEventId)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAnEventId);
        }
        let value = u128::from_str_radix(digits, 16).map_err(|_| NotAnEventId)?;
        Ok(Self(value.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written() {
        let key = EventKey::new(std::array::from_fn(|n| n as u8));
        let text = key.id().to_string();
        assert_eq!(text, "evt_000102030405060708090a0b0c0d0e0f");
        assert_eq!(text.parse(), Ok(key.id()));
        for bad in [
            "",
            "evt_",
            "000102030405060708090a0b0c0d0e0f",
            "evt_000102030405060708090a0b0c0d0e0",
            "evt_000102030405060708090a0b0c0d0e0f0",
            "evt_+00102030405060708090a0b0c0d0e0f",
            "evt_000102030405060708090a0b0c0d0e0g",
        ] {
            assert_eq!(bad.parse::<EventId>(), Err(NotAnEventId), "{bad}");
        }
    }
}
