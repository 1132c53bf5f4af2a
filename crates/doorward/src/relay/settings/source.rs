//! What a source is set to, as the store keeps it.

use doorward_policy::WorkspaceKind;
use doorward_webhook::{Encoding, Way};
use http::Uri;
use serde::{Deserialize, Serialize};

use super::KeptSecret;

/// Most characters of a public address.
const URL_MAX: usize = 512;
/// Most characters of a header's name or of a user's.
const NAME_MAX: usize = 64;
/// Most networks that an allow list names.
pub(crate) const ALLOW_MAX: usize = 64;

/// How a delivery proves itself when nothing is said.
pub(crate) const WEBHOOK_PROOF: &str = "header:X-Webhook-Secret";

/// What a source is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceSettings {
    /// Where Doorward is reached from outside, without `/in/…`.
    pub(crate) public_url: String,
    /// How a delivery proves itself, as it was typed: `header:X-Webhook-Secret`.
    pub(crate) proof: String,
    /// What it proves itself with: one, or two while they change. The newest first.
    pub(crate) secrets: Vec<KeptSecret>,
    /// The networks that deliveries may come from; any when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow: Vec<String>,
    /// The subscription at Instantly; none for a source that something else sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<Subscription>,
}

/// A subscription that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    /// Instantly's id of it.
    pub(crate) id: String,
    /// What is subscribed to; none for a custom label.
    pub(crate) event: Option<String>,
    /// Only this campaign's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) campaign: Option<String>,
}

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
}

impl ProofSettings {
    /// Reads how it is typed: `header[:NAME]`, `basic[:USER]`, `bearer`, `hmac-hex:HEADER`,
    /// `hmac-base64:HEADER`, `stripe[:HEADER]`, `standard`.
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
            _ => Err(
                "choose header[:NAME], basic[:USER], bearer, hmac-hex:HEADER, hmac-base64:HEADER, \
                 stripe[:HEADER] or standard"
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
        }
    }

    /// Whether a header that never changes is enough: all that Instantly can send.
    pub(crate) fn is_static(&self) -> bool {
        matches!(
            self,
            Self::Header { .. } | Self::Basic { .. } | Self::Bearer
        )
    }
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

/// The address that a source is reached at from outside, without an end.
///
/// # Errors
/// When it is none, or carries what belongs to nobody else: Instantly of a live workspace sends over
/// the open network.
pub(crate) fn check_public_url(text: &str, kind: WorkspaceKind) -> Result<String, String> {
    let none = || "it is no address; write one like https://hooks.example.com".to_owned();
    let url: Uri = text.parse().map_err(|_| none())?;
    let authority = url.authority().ok_or_else(none)?;
    if text.len() > URL_MAX {
        return Err("it is longer than 512 characters".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err(
            "it has a user in it: whoever reads the subscription would read that".to_owned(),
        );
    }
    if text.contains(['?', '#']) {
        return Err("it has a query or a fragment; the way ends with /in/SOURCE".to_owned());
    }
    match (url.scheme_str(), kind) {
        (Some("https"), _) | (Some("http"), WorkspaceKind::Sandbox) => {}
        (Some("http"), WorkspaceKind::Live) => {
            return Err(
                "over plain http everybody on the way reads the secret and the events; put TLS before \
                 it"
                .to_owned(),
            );
        }
        _ => return Err("it is not https".to_owned()),
    }
    Ok(text.trim_end_matches('/').to_owned())
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
    fn a_public_address_is_https_and_carries_nothing() {
        let live = |text: &str| check_public_url(text, WorkspaceKind::Live);
        assert_eq!(
            live("https://hooks.example.com/").unwrap(),
            "https://hooks.example.com"
        );
        assert_eq!(
            live("https://example.com/doorward/").unwrap(),
            "https://example.com/doorward"
        );
        for bad in [
            "http://hooks.example.com",
            "ftp://hooks.example.com",
            "hooks.example.com",
            "https://u:p@hooks.example.com",
            "https://hooks.example.com/?key=1",
            "https://hooks.example.com/#x",
            "",
        ] {
            assert!(live(bad).is_err(), "{bad}");
        }
        check_public_url("http://127.0.0.1:4182", WorkspaceKind::Sandbox).unwrap();
    }
}
