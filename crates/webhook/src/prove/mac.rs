//! HMAC-SHA-256 over the body: as GitHub, Stripe and many others sign.

use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use doorward_policy::Timestamp;
use ring::hmac;
use subtle::{Choice, ConstantTimeEq};

use super::schemes::Why;
use super::secrets::Match;
use super::shared::one;
use super::way::Encoding;
use crate::head::Head;

/// Most signatures in one header.
pub(crate) const SIGNATURES: usize = 16;

/// Base64 with or without padding.
pub(crate) const fn lenient() -> GeneralPurpose {
    let config = GeneralPurposeConfig::new();
    GeneralPurpose::new(
        &STANDARD,
        config.with_decode_padding_mode(DecodePaddingMode::Indifferent),
    )
}

/// One or two keys.
#[derive(Clone)]
pub(crate) struct Macs {
    current: hmac::Key,
    other: Option<hmac::Key>,
}

impl Macs {
    pub(crate) fn new(current: &[u8], other: Option<&[u8]>) -> Self {
        let key = |bytes| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Self {
            current: key(current),
            other: other.map(key),
        }
    }

    /// Begins to hash what is signed.
    pub(crate) fn begin(&self, signatures: Vec<[u8; 32]>) -> Hashing {
        Hashing {
            current: hmac::Context::with_key(&self.current),
            other: self.other.as_ref().map(hmac::Context::with_key),
            signatures,
        }
    }
}

/// The hashing of what is signed, under way.
#[derive(Clone)]
pub(crate) struct Hashing {
    current: hmac::Context,
    /// Hashed with as well, whether or not the current one fits: there are two for the while.
    other: Option<hmac::Context>,
    signatures: Vec<[u8; 32]>,
}

impl Hashing {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.current.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
    }

    /// Whether one of the signatures is of one of the keys.
    pub(crate) fn finish(self) -> Match {
        let (current, other) = (self.current.sign(), self.other.map(hmac::Context::sign));
        let compare = |presented: &[u8; 32]| Match {
            current: current.as_ref().ct_eq(presented),
            other: other
                .as_ref()
                .map_or(Choice::from(0), |other| other.as_ref().ct_eq(presented)),
        };
        let all = self.signatures.iter().map(compare);
        all.fold(Match::none(), Match::or)
    }
}

/// A signature in a header of its own.
#[derive(Clone)]
pub(crate) struct Plain {
    pub(crate) header: String,
    pub(crate) encoding: Encoding,
    pub(crate) prefix: String,
    pub(crate) stamp: Option<Stamped>,
    pub(crate) keys: Macs,
}

/// A time that is signed with the body.
#[derive(Clone)]
pub(crate) struct Stamped {
    pub(crate) header: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) tolerance: Duration,
}

impl Plain {
    pub(crate) fn begin(&self, head: &dyn Head, now: Timestamp) -> Result<Hashing, Why> {
        let value = one(head, &self.header)?.trim_ascii();
        let prefixes = [self.prefix.as_bytes(), b"sha256="];
        let value = prefixes
            .into_iter()
            .filter(|prefix| !prefix.is_empty())
            .find_map(|prefix| value.strip_prefix(prefix))
            .unwrap_or(value);
        let signature = match self.encoding {
            Encoding::Hex => hex(value),
            Encoding::Base64 => base64(value),
        };
        let mut hashing = self.keys.begin(vec![signature.ok_or(Why::Malformed)?]);
        if let Some(stamp) = &self.stamp {
            let text = one(head, &stamp.header)?.trim_ascii();
            near(text, now, stamp.tolerance)?;
            hashing.update(stamp.before.as_bytes());
            hashing.update(text);
            hashing.update(stamp.after.as_bytes());
        }
        Ok(hashing)
    }
}

/// Times and signatures in one header, as Stripe sends them.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) header: String,
    pub(crate) tolerance: Duration,
    pub(crate) keys: Macs,
}

impl Listed {
    pub(crate) fn begin(&self, head: &dyn Head, now: Timestamp) -> Result<Hashing, Why> {
        let value = one(head, &self.header)?;
        let (mut time, mut signatures) = (None, Vec::new());
        for (at, part) in value.split(|byte| *byte == b',').enumerate() {
            let part = part.trim_ascii();
            if at > SIGNATURES {
                return Err(Why::TooLong);
            }
            if let Some(text) = part.strip_prefix(b"t=") {
                if time.replace(text).is_some() {
                    return Err(Why::Repeated);
                }
            } else if let Some(signature) = part.strip_prefix(b"v1=") {
                signatures.extend(hex(signature));
            }
        }
        let time = time.ok_or(Why::Malformed)?;
        if signatures.is_empty() {
            return Err(Why::Malformed);
        }
        near(time, now, self.tolerance)?;
        let mut hashing = self.keys.begin(signatures);
        hashing.update(time);
        hashing.update(b".");
        Ok(hashing)
    }
}

/// A time in seconds since 1970, as digits, that is not further from `now` than allowed.
pub(crate) fn near(text: &[u8], now: Timestamp, tolerance: Duration) -> Result<Timestamp, Why> {
    let digits = (1..=12).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let seconds = str::from_utf8(text).ok().filter(|_| digits);
    let seconds: i64 = seconds
        .and_then(|text| text.parse().ok())
        .ok_or(Why::Malformed)?;
    let at = Timestamp::from_seconds(seconds);
    let apart = now.millis_since(at).unsigned_abs();
    if u128::from(apart) > tolerance.as_millis() {
        return Err(Why::Stale);
    }
    Ok(at)
}

fn hex(digits: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from((digit(*high)? << 4) | digit(*low)?).ok()?;
    }
    Some(bytes)
}

pub(crate) fn base64<const LENGTH: usize>(text: &[u8]) -> Option<[u8; LENGTH]> {
    // Two characters more than these bytes can have.
    if text.len() > LENGTH.div_ceil(3) * 4 {
        return None;
    }
    lenient().decode(text).ok()?.try_into().ok()
}
