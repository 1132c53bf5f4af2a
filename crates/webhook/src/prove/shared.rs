//! Secrets that are sent as they are: a header, Basic, Bearer, a certificate's hash.

use base64::Engine;
use subtle::Choice;

use super::mac::lenient;
use super::schemes::Why;
use super::secrets::{Match, Pair, hash};
use crate::head::{Found, Head};

/// Most bytes of a header that is looked at.
pub(crate) const VALUE_MAX: usize = 4 * 1024;

/// The one value of a header, of a length that is looked at.
pub(crate) fn one<'h>(head: &'h dyn Head, name: &str) -> Result<&'h [u8], Why> {
    match head.find(name) {
        Found::Absent => Err(Why::Missing),
        Found::Many => Err(Why::Repeated),
        Found::One(value) if value.len() > VALUE_MAX => Err(Why::TooLong),
        Found::One(value) => Ok(value),
    }
}

/// How a secret is dressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dress {
    /// The value of this header.
    Header(String),
    /// `Authorization: Basic`.
    Basic,
    /// `Authorization: Bearer`.
    Bearer,
}

const AUTHORIZATION: &str = "authorization";

/// A secret in a header.
#[derive(Clone)]
pub(crate) struct Shared {
    dress: Dress,
    secrets: Pair<32>,
}

impl Shared {
    pub(crate) fn new(dress: Dress, current: &[u8], other: Option<&[u8]>) -> Self {
        Self {
            dress,
            secrets: Pair::new(hash(current), other.map(hash)),
        }
    }

    /// The same work is done when nothing fit was presented.
    pub(crate) fn check(&self, head: &dyn Head) -> Result<Match, Why> {
        let presented = self.presented(head);
        let (bytes, is_there) = match &presented {
            Ok(bytes) => (bytes.as_slice(), 1),
            Err(_) => (STAND_IN, 0),
        };
        let matched = self
            .secrets
            .compare(&hash(bytes))
            .and(Choice::from(is_there));
        presented.map(|_| matched)
    }

    fn presented(&self, head: &dyn Head) -> Result<Vec<u8>, Why> {
        let scheme = match &self.dress {
            Dress::Header(name) => return one(head, name).map(<[u8]>::to_vec),
            Dress::Basic => "basic",
            Dress::Bearer => "bearer",
        };
        let value = one(head, AUTHORIZATION)?;
        let (said, rest) = value.split_at_checked(scheme.len()).ok_or(Why::Malformed)?;
        if !said.eq_ignore_ascii_case(scheme.as_bytes()) {
            return Err(Why::Malformed);
        }
        let rest = rest.strip_prefix(b" ").ok_or(Why::Malformed)?.trim_ascii();
        match self.dress {
            Dress::Basic => lenient().decode(rest).map_err(|_| Why::Malformed),
            _ => Ok(rest.to_vec()),
        }
    }
}

/// Of the usual length.
const STAND_IN: &[u8] = &[b'-'; 48];

/// SHA-256 of certificates.
#[derive(Clone)]
pub(crate) struct Pins(pub(crate) Pair<32>);

impl Pins {
    pub(crate) fn check(&self, certificate: Option<&[u8; 32]>) -> Result<Match, Why> {
        let matched = self.0.compare(certificate.unwrap_or(&[0; 32]));
        match certificate {
            Some(_) => Ok(matched),
            None => Err(Why::Missing),
        }
    }
}
