//! A witness: who it is, where it is, how it is doing.

use std::time::Duration;

use doorward_ledger::{SignatureKind, VerifierKey};

use super::Refusal;
use crate::error::{AuditError, Result};
use crate::web::Address;

const WHAT: &str = "the witness";

/// A witness as it is configured.
#[derive(Clone)]
pub struct Witness {
    pub(super) address: Address,
    pub(super) key: VerifierKey,
}

impl Witness {
    /// `url` is the submission prefix, which `/add-checkpoint` follows; `key` its verifier key as
    /// text, `<name>+<id>+<base64>`, of the kind that cosigns.
    ///
    /// # Errors
    /// When the URL is not one, or would send over the network in clear; when the key is malformed
    /// or a log's.
    pub fn new(url: &str, key: &str) -> Result<Self> {
        let key: VerifierKey = key.parse()?;
        if key.kind() != SignatureKind::CosignatureV1 {
            return Err(AuditError::Setting {
                what: WHAT,
                why: "its verifier key is of a kind that signs logs and does not cosign",
            });
        }
        Ok(Self {
            address: Address::parse(url, WHAT)?,
            key,
        })
    }

    /// Its verifier key.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.address.as_str()
    }
}

/// When witnesses are asked.
#[derive(Clone, Copy, Debug)]
pub struct WitnessOptions {
    /// The least time between two rounds.
    pub every: Duration,
    /// How old the cosignature of an unchanged ledger gets before it is asked for anew.
    pub refresh: Duration,
    /// The longest that one answer is waited for.
    pub within: Duration,
}

impl Default for WitnessOptions {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(10),
            refresh: Duration::from_secs(3600),
            within: Duration::from_secs(10),
        }
    }
}

/// How a witness is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessStatus {
    /// Name of its key.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Leaves under the newest checkpoint that it cosigned; `None` before the first.
    pub cosigned: Option<u64>,
    /// When it did, in seconds since 1970, by its clock.
    pub cosigned_at: Option<u64>,
    /// Leaves that are signed by the log and not cosigned by it.
    pub lag: u64,
    /// Checkpoints that it cosigned since the start.
    pub cosignatures: u64,
    /// Questions without a cosignature since the start.
    pub failures: u64,
    /// Why it refuses, if it does.
    pub refusal: Option<Refusal>,
    /// What went wrong last, until it cosigns again.
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logs_key_is_no_witness() {
        let log = "ledger.example/main+22044f0f+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
        let witness = "witness.example/w1+b72bab2e+BCVDuS/xCVURR2rcg2nbbdyTNmWhGXjdoUBO4QZsqVWd";
        assert!(Witness::new("https://w.example", witness).is_ok());
        assert!(Witness::new("https://w.example", log).is_err());
        assert!(Witness::new("http://w.example", witness).is_err());
        assert!(Witness::new("https://w.example", "x").is_err());
    }
}
