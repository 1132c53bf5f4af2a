//! A way to prove a delivery with its secrets.

use std::time::Duration;

use http::HeaderName;
use secrecy::{ExposeSecret, SecretString};

use super::mac::{Listed, Macs, Plain, Stamped};
use super::secrets::Pair;
use super::shared::{Dress, Pins, Shared, VALUE_MAX};
use super::standard::{Key, StandardKeys};
use super::way::Way;

/// Fewest bytes of a secret, and of the password of Basic.
const SECRET_MIN: usize = 16;
const PASSWORD_MIN: usize = 8;
/// Bounds of a tolerance, in seconds: what is signed may be sent again for as long.
const TOLERANCES: std::ops::RangeInclusive<u32> = 1..=3_600;

/// Headers that say something else already.
const TAKEN: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "forwarded",
];

/// Why a way and its secrets make no scheme. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeFault {
    /// Nothing is configured: whatever comes would be let in.
    #[error("a source must say how a delivery proves itself: give it a secret header at least")]
    None,
    /// More than eight.
    #[error("a source has more than eight ways of proof")]
    TooMany,
    /// Not one or two secrets.
    #[error("a way of proof has one secret, or two while they are exchanged")]
    Secrets,
    /// Two secrets that are the same.
    #[error("the two secrets are the same: leave one out, or make a new one")]
    SameSecret,
    /// This is no name of a header, or of one that means something else.
    #[error("{0:?} can't be the name of a header with a secret or signature")]
    Header(String),
    /// A secret that can be guessed, or is too long for a header.
    #[error("the secret must have {min} to 4,096 characters that a header can hold", min = SECRET_MIN)]
    Secret,
    /// Not of the form `user:password`.
    #[error("the secret of Basic is user:password, the password of {min} characters or more", min = PASSWORD_MIN)]
    Basic,
    /// Neither `whsec_` nor `whpk_`.
    #[error(
        "the secret is neither whsec_ and base64 of 24 to 64 bytes, nor a public key whpk_ and base64 of 32"
    )]
    Standard,
    /// No hash of a certificate.
    #[error("the certificate is told by its SHA-256, in 64 hexadecimal digits")]
    Certificate,
    /// A tolerance of no time, or of more than an hour.
    #[error("the tolerance must be 1 to 3,600 seconds")]
    Tolerance,
    /// A prefix or a text around the time is too long.
    #[error("a text that belongs to a signature is longer than 64 bytes")]
    Text,
}

/// One way to prove a delivery, with one or two secrets.
#[derive(Clone)]
pub struct Scheme(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Shared(Shared),
    Plain(Plain),
    Listed(Listed),
    Standard(StandardKeys),
    Pins(Pins),
}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scheme(…)")
    }
}

impl Scheme {
    /// Of one secret, or two while they are exchanged, the one in force first.
    ///
    /// # Errors
    /// When the way or a secret is of no use; what to do is in the error's text.
    pub fn new(way: &Way, secrets: &[SecretString]) -> Result<Self, SchemeFault> {
        let (current, other) = match secrets {
            [current] => (current.expose_secret(), None),
            [current, other] => (current.expose_secret(), Some(other.expose_secret())),
            _ => return Err(SchemeFault::Secrets),
        };
        if other == Some(current) {
            return Err(SchemeFault::SameSecret);
        }
        let shared = |dress, check: fn(&str) -> Result<(), SchemeFault>| {
            check(current)?;
            other.map_or(Ok(()), check)?;
            let (current, other) = (current.as_bytes(), other.map(str::as_bytes));
            Ok::<_, SchemeFault>(Kind::Shared(Shared::new(dress, current, other)))
        };
        let macs = || {
            secret(current)?;
            other.map_or(Ok(()), secret)?;
            Ok::<_, SchemeFault>(Macs::new(current.as_bytes(), other.map(str::as_bytes)))
        };
        Ok(Self(match way {
            Way::Header { name } => shared(Dress::Header(header(name)?), secret)?,
            Way::Basic => shared(Dress::Basic, basic)?,
            Way::Bearer => shared(Dress::Bearer, secret)?,
            Way::Hmac {
                header: name,
                encoding,
                prefix,
                stamp,
            } => Kind::Plain(Plain {
                header: header(name)?,
                encoding: *encoding,
                prefix: short(prefix)?,
                stamp: match stamp {
                    None => None,
                    Some(stamp) => Some(Stamped {
                        header: header(&stamp.header)?,
                        before: short(&stamp.before)?,
                        after: short(&stamp.after)?,
                        tolerance: tolerance(stamp.tolerance)?,
                    }),
                },
                keys: macs()?,
            }),
            Way::Stripe {
                header: name,
                tolerance: seconds,
            } => Kind::Listed(Listed {
                header: header(name)?,
                tolerance: tolerance(*seconds)?,
                keys: macs()?,
            }),
            Way::Standard { tolerance: seconds } => {
                let key = |text| Key::parse(text).ok_or(SchemeFault::Standard);
                let other = other.map(key).transpose()?;
                let tolerance = tolerance(*seconds)?;
                Kind::Standard(StandardKeys::new(&key(current)?, other.as_ref(), tolerance))
            }
            Way::Certificate => {
                let pin = |text: &str| pin(text).ok_or(SchemeFault::Certificate);
                let other = other.map(pin).transpose()?;
                Kind::Pins(Pins(Pair::new(pin(current)?, other)))
            }
        }))
    }
}

fn header(name: &str) -> Result<String, SchemeFault> {
    let fault = || SchemeFault::Header(name.chars().take(64).collect());
    let name: HeaderName = name.parse().map_err(|_| fault())?;
    if TAKEN.contains(&name.as_str()) {
        Err(fault())
    } else {
        Ok(name.as_str().to_owned())
    }
}

/// What a header can hold with nothing at its ends that is cut off on the way.
fn secret(text: &str) -> Result<(), SchemeFault> {
    let whole = (SECRET_MIN..=VALUE_MAX).contains(&text.len()) && text.trim() == text;
    let sendable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if whole && sendable {
        Ok(())
    } else {
        Err(SchemeFault::Secret)
    }
}

fn basic(text: &str) -> Result<(), SchemeFault> {
    let (_, password) = text.split_once(':').ok_or(SchemeFault::Basic)?;
    let fits = text.len() <= VALUE_MAX / 2 && password.len() >= PASSWORD_MIN;
    if fits {
        Ok(())
    } else {
        Err(SchemeFault::Basic)
    }
}

fn tolerance(seconds: u32) -> Result<Duration, SchemeFault> {
    if TOLERANCES.contains(&seconds) {
        Ok(Duration::from_secs(seconds.into()))
    } else {
        Err(SchemeFault::Tolerance)
    }
}

fn short(text: &str) -> Result<String, SchemeFault> {
    if text.len() <= 64 {
        Ok(text.to_owned())
    } else {
        Err(SchemeFault::Text)
    }
}

fn pin(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|char| *char != ':').collect();
    let digits = Some(digits).filter(|digits| digits.len() == 64)?;
    let mut pin = [0; 32];
    for (byte, pair) in pin.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(pin)
}
