//! Ways to prove a delivery, as they are configured. No secret is in them.

use serde::{Deserialize, Serialize};

/// How far a signed time may be from ours, where nothing else is said: five minutes, in seconds.
pub(crate) const TOLERANCE: u32 = 300;

const fn tolerance() -> u32 {
    TOLERANCE
}

fn stripe_header() -> String {
    "stripe-signature".to_owned()
}

/// One way to prove a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Way {
    /// A header of this name whose value is the secret.
    Header {
        /// Its name.
        name: String,
    },
    /// `Authorization: Basic`; the secret is `user:password`.
    Basic,
    /// `Authorization: Bearer`; the secret is the token.
    Bearer,
    /// A header with the HMAC-SHA-256 of the body, under the bytes of the secret.
    Hmac {
        /// Its name.
        header: String,
        /// How the signature is written.
        #[serde(default)]
        encoding: Encoding,
        /// What may stand before the signature, besides `sha256=`.
        #[serde(default)]
        prefix: String,
        /// A time that is signed with the body.
        #[serde(default)]
        stamp: Option<Stamp>,
    },
    /// A header with `t=` and signatures `v1=`, as Stripe sends it.
    Stripe {
        /// Its name.
        #[serde(default = "stripe_header")]
        header: String,
        /// Most seconds between the signed time and ours.
        #[serde(default = "tolerance")]
        tolerance: u32,
    },
    /// Standard Webhooks 1.0.0. The secret says which: `whsec_` for v1, the public key `whpk_` for
    /// v1a. Where both must hold, configure two.
    Standard {
        /// Most seconds between the signed time and ours.
        #[serde(default = "tolerance")]
        tolerance: u32,
    },
    /// The caller's TLS certificate; the secret is its SHA-256 in hexadecimal digits.
    Certificate,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits, small or capital.
    #[default]
    Hex,
    /// Base64, with or without padding.
    Base64,
}

/// A header with a time, in seconds since 1970, that is signed with the body: the signature is of
/// `before`, the time, `after`, and the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Its name.
    pub header: String,
    /// What is signed before the time.
    #[serde(default)]
    pub before: String,
    /// What is signed between the time and the body.
    #[serde(default = "point")]
    pub after: String,
    /// Most seconds between the signed time and ours.
    #[serde(default = "tolerance")]
    pub tolerance: u32,
}

fn point() -> String {
    ".".to_owned()
}

impl Way {
    /// As GitHub signs.
    pub fn github() -> Self {
        Self::Hmac {
            header: "x-hub-signature-256".to_owned(),
            encoding: Encoding::Hex,
            prefix: "sha256=".to_owned(),
            stamp: None,
        }
    }

    /// As Stripe signs.
    pub fn stripe() -> Self {
        Self::Stripe {
            header: stripe_header(),
            tolerance: TOLERANCE,
        }
    }

    /// As Standard Webhooks say.
    pub fn standard() -> Self {
        Self::Standard {
            tolerance: TOLERANCE,
        }
    }

    /// Whether it looks at the body.
    pub const fn of_body(&self) -> bool {
        matches!(
            self,
            Self::Hmac { .. } | Self::Stripe { .. } | Self::Standard { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_configured() {
        for (text, way) in [
            (r#"{"by":"basic"}"#, Way::Basic),
            (r#"{"by":"stripe"}"#, Way::stripe()),
            (r#"{"by":"standard"}"#, Way::standard()),
            (
                r#"{"by":"hmac","header":"x-hub-signature-256","prefix":"sha256="}"#,
                Way::github(),
            ),
            (
                r#"{"by":"hmac","header":"x-s","encoding":"base64","stamp":{"header":"x-t"}}"#,
                Way::Hmac {
                    header: "x-s".to_owned(),
                    encoding: Encoding::Base64,
                    prefix: String::new(),
                    stamp: Some(Stamp {
                        header: "x-t".to_owned(),
                        before: String::new(),
                        after: ".".to_owned(),
                        tolerance: 300,
                    }),
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Way>(text).unwrap(), way);
            let again = serde_json::to_string(&way).unwrap();
            assert_eq!(serde_json::from_str::<Way>(&again).unwrap(), way);
        }
        for bad in [
            r#"{"by":"none"}"#,
            r#"{"by":"hmac","header":"x","sha1":true}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Way>(bad).is_err(), "{bad}");
        }
    }
}
