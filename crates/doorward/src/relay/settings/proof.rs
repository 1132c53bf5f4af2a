//! How a delivery proves itself to a source.

use doorward_webhook::{Encoding, Way};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::KeptSecret;

/// Most characters of a header's name or of a user's.
const NAME_MAX: usize = 64;
/// Most proofs of a source.
const PROOFS_MAX: usize = 8;

/// How a delivery proves itself when nothing is said.
pub(crate) const WEBHOOK_PROOF: &str = "header:X-Webhook-Secret";

/// How a delivery proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProofSettings {
    /// The secret stands in a header.
    Header {
        /// The header's name, in lower case.
        name: String,
    },
    /// Basic authentication with this user; the secret is `user:password`.
    Basic {
        /// The user.
        user: String,
    },
    /// The secret as bearer token.
    Bearer,
    /// HMAC-SHA-256 over the raw body.
    Hmac {
        /// The header's name, in lower case.
        header: String,
        /// How the digest is written.
        encoding: Encoding,
    },
    /// Stripe's way: `t=…,v1=…` in this header, over `t.body`.
    Stripe {
        /// The header's name, in lower case.
        header: String,
    },
    /// Standard Webhooks, `v1`.
    Standard,
    /// The caller's TLS certificate is one of these.
    Certificate {
        /// SHA-256 of each, in hexadecimal digits: one, or two while they change.
        pins: Vec<String>,
    },
}

impl ProofSettings {
    /// Reads how it is typed: `header[:NAME]`, `basic[:USER]`, `bearer`, `hmac-hex:HEADER`,
    /// `hmac-base64:HEADER`, `stripe[:HEADER]`, `standard`,
    /// `certificate:SHA256`.
    ///
    /// # Errors
    /// What there is to choose from.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (text, None),
        };
        let header = |default: &str| header_name(name.unwrap_or(default));
        match (kind, name) {
            ("header", _) => Ok(Self::Header {
                name: header("x-webhook-secret")?,
            }),
            ("basic", _) => {
                let user = name.unwrap_or("instantly");
                let plain = |c: char| c.is_ascii_graphic() && c != ':';
                if user.is_empty() || user.len() > NAME_MAX || !user.chars().all(plain) {
                    return Err("the user is 1 to 64 visible characters but ':'".to_owned());
                }
                Ok(Self::Basic {
                    user: user.to_owned(),
                })
            }
            ("bearer", None) => Ok(Self::Bearer),
            ("hmac-hex", Some(_)) => Ok(Self::Hmac {
                header: header("")?,
                encoding: Encoding::Hex,
            }),
            ("hmac-base64", Some(_)) => Ok(Self::Hmac {
                header: header("")?,
                encoding: Encoding::Base64,
            }),
            ("stripe", _) => Ok(Self::Stripe {
                header: header("stripe-signature")?,
            }),
            ("standard", None) => Ok(Self::Standard),
            ("certificate", Some(pins)) => pinned(pins),
            _ => Err(
                "choose header[:NAME], basic[:USER], bearer, hmac-hex:HEADER, hmac-base64:HEADER, \
                 stripe[:HEADER], standard or certificate:SHA256"
                    .to_owned(),
            ),
        }
    }

    /// As the relay proves it.
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Header { name } => Way::Header { name: name.clone() },
            Self::Basic { .. } => Way::Basic,
            Self::Bearer => Way::Bearer,
            Self::Hmac { header, encoding } => Way::Hmac {
                header: header.clone(),
                encoding: *encoding,
                prefix: String::new(),
                stamp: None,
            },
            Self::Stripe { header } => match Way::stripe() {
                Way::Stripe { tolerance, .. } => Way::Stripe {
                    header: header.clone(),
                    tolerance,
                },
                other => other,
            },
            Self::Standard => Way::standard(),
            Self::Certificate { .. } => Way::Certificate,
        }
    }

    /// What it is held against, where it says so itself.
    pub(crate) fn said(&self) -> Option<Vec<SecretString>> {
        match self {
            Self::Certificate { pins } => {
                Some(pins.iter().map(|pin| pin.as_str().into()).collect())
            }
            _ => None,
        }
    }

    /// Where it stands in a request.
    fn place(&self) -> &str {
        match self {
            Self::Header { name: header } | Self::Hmac { header, .. } | Self::Stripe { header } => {
                header
            }
            Self::Basic { .. } | Self::Bearer => "authorization",
            Self::Standard => "webhook-signature",
            Self::Certificate { .. } => "the certificate",
        }
    }

    /// Whether it stands where another does.
    pub(crate) fn stands_where(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    /// Whether a header that never changes is enough: all that Instantly can send.
    pub(crate) fn is_static(&self) -> bool {
        matches!(
            self,
            Self::Header { .. } | Self::Basic { .. } | Self::Bearer
        )
    }
}

/// `certificate:` and one fingerprint, or two with a comma between.
fn pinned(text: &str) -> Result<ProofSettings, String> {
    let pins: Vec<String> = text
        .split(',')
        .map(|pin| pin.trim().replace(':', "").to_ascii_lowercase())
        .collect();
    let is_hash = |pin: &String| pin.len() == 64 && pin.bytes().all(|b| b.is_ascii_hexdigit());
    if pins.len() > 2 || !pins.iter().all(is_hash) || pins.first() == pins.get(1) {
        return Err(
            "a certificate is told by its SHA-256 in 64 hexadecimal digits, as `openssl x509 -noout \
             -fingerprint -sha256` shows it; write two with a comma between while they change"
                .to_owned(),
        );
    }
    Ok(ProofSettings::Certificate { pins })
}

/// Reads proofs that must all hold.
///
/// # Errors
/// When one is none, or two can't stand in one request.
pub(crate) fn parse_proofs(typed: &[String]) -> Result<Vec<ProofSettings>, String> {
    if typed.is_empty() || typed.len() > PROOFS_MAX {
        return Err(format!("a source has 1 to {PROOFS_MAX} proofs"));
    }
    let proofs = typed.iter().map(|text| ProofSettings::parse(text));
    let proofs: Vec<ProofSettings> = proofs.collect::<Result<_, _>>()?;
    for (n, one) in proofs.iter().enumerate() {
        if proofs
            .iter()
            .skip(n + 1)
            .any(|other| one.stands_where(other))
        {
            return Err(format!(
                "two proofs stand in one place ({}): give each a header of its own",
                one.place()
            ));
        }
    }
    Ok(proofs)
}

/// A proof with its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProofKept {
    /// As it was typed.
    pub(crate) proof: String,
    /// What it is held against: one, or two while they change, the newest first. None of one that
    /// says so itself.
    pub(crate) secrets: Vec<KeptSecret>,
}

fn header_name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let taken = [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
    ];
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(plain) {
        return Err("the header's name is 1 to 64 letters, digits, '-' and '_'".to_owned());
    }
    if taken.contains(&lower.as_str()) {
        return Err(format!(
            "'{lower}' means something else in HTTP; choose another header"
        ));
    }
    Ok(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_read_as_typed() {
        let header = |name: &str| ProofSettings::Header {
            name: name.to_owned(),
        };
        for (text, is) in [
            ("header", header("x-webhook-secret")),
            ("header:X-Mine", header("x-mine")),
            ("bearer", ProofSettings::Bearer),
            ("standard", ProofSettings::Standard),
            (
                "basic",
                ProofSettings::Basic {
                    user: "instantly".to_owned(),
                },
            ),
            (
                "hmac-hex:X-Hub-Signature-256",
                ProofSettings::Hmac {
                    header: "x-hub-signature-256".to_owned(),
                    encoding: Encoding::Hex,
                },
            ),
        ] {
            assert_eq!(ProofSettings::parse(text).unwrap(), is, "{text}");
        }
        for bad in [
            "",
            "none",
            "off",
            "header:",
            "header:Host",
            "header:a b",
            "bearer:x",
            "hmac-hex",
            "basic:a:b",
            "header:é",
            "stripe:",
        ] {
            assert!(ProofSettings::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pin_is_written_as_openssl_shows_it() {
        let (one, two) = ("ab".repeat(32), "cd".repeat(32));
        let shown = one.to_uppercase();
        let shown: Vec<&str> = (0..32).map(|n| &shown[2 * n..2 * n + 2]).collect();
        let typed = format!("certificate:{},{two}", shown.join(":"));
        let pins = vec![one.clone(), two.clone()];
        assert_eq!(
            ProofSettings::parse(&typed).unwrap(),
            ProofSettings::Certificate { pins }
        );
        for bad in [
            "certificate".to_owned(),
            "certificate:".to_owned(),
            "certificate:ab".to_owned(),
            format!("certificate:{one},{one}"),
            format!("certificate:{one},{two},{}", "ef".repeat(32)),
            format!("certificate:{}", "xy".repeat(32)),
        ] {
            assert!(ProofSettings::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn proofs_that_all_hold_stand_in_places_of_their_own() {
        let parse = |typed: &[&str]| {
            let typed: Vec<String> = typed.iter().map(|one| (*one).to_owned()).collect();
            parse_proofs(&typed)
        };
        assert_eq!(
            parse(&["header", "bearer", "hmac-hex:X-Sig"])
                .unwrap()
                .len(),
            3
        );
        for bad in [
            &[][..],
            &["bearer", "basic"],
            &["header:X-A", "hmac-hex:x-a"],
            &["header", "off"],
            &["header"; 2],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
