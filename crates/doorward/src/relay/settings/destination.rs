//! What a destination is set to.

use std::collections::BTreeMap;

use doorward_webhook::RetryPlan;
use http::Uri;
use serde::{Deserialize, Serialize};

use super::KeptSecret;

/// Most characters of an address.
const URL_MAX: usize = 2_048;
/// Most headers that are added, and most characters of one's value.
const HEADERS_MAX: usize = 32;
const VALUE_MAX: usize = 1_024;

/// What a destination is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestinationSettings {
    /// Where events are sent.
    pub(crate) url: String,
    /// Only these event types; all when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<String>,
    /// Only these campaigns', by uuid; all when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) campaigns: Vec<String>,
    /// Only these workspaces', by Instantly's id; all when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) workspaces: Vec<String>,
    /// What else an event must be: Cedar, see `doorward destination schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<String>,
    /// What is sent.
    #[serde(default)]
    pub(crate) form: Form,
    /// Headers that are added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, HeaderValue>,
    /// What deliveries are signed with: one, or two while they change. The newest first.
    pub(crate) secrets: Vec<KeptSecret>,
    /// Whether the events of one lead are delivered one after the other.
    #[serde(default)]
    pub(crate) in_order: bool,
    /// Most deliveries under way at once.
    pub(crate) concurrency: u32,
    /// Most deliveries begun in a second; none for as many as go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<u32>,
    /// How long an answer may take, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Seconds before the second attempt, the third, and so on; as usual when they are not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits: Option<Vec<u64>>,
    /// The certificate that it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<ClientCertificate>,
    /// Reference to the certificates that its own is held against, PEM; those that this machine
    /// trusts when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trust: Option<String>,
}

/// A certificate that Doorward shows, by references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientCertificate {
    /// To the certificate and those above it, PEM.
    pub(crate) chain: String,
    /// To its key, PEM; it stands with the certificate when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    /// The payload as it was received.
    #[default]
    Received,
    /// `type`, `timestamp` and `data`.
    Normalised,
}

impl Form {
    /// `received` or `normalised`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Normalised => "normalised",
        }
    }
}

/// The value of a header that is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeaderValue {
    /// As it stands.
    Text(String),
    /// By reference.
    Reference(String),
}

impl DestinationSettings {
    /// When it is tried again.
    pub(crate) fn plan(&self) -> RetryPlan {
        let usual = RetryPlan::default();
        match &self.waits {
            Some(waits) => RetryPlan {
                waits: waits.clone(),
                ..usual
            },
            None => usual,
        }
    }

    /// Reads a header as it is typed: `Name: value`, or `Name: scheme://…` for a reference.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn header(typed: &str) -> Result<(String, HeaderValue), String> {
        let (name, value) = typed
            .split_once(':')
            .ok_or("write a header like 'X-Tenant: acme'")?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name.parse::<http::HeaderName>().is_err() || value.len() > VALUE_MAX {
            return Err(
                "write a header like 'X-Tenant: acme', its value of 1024 characters at most".into(),
            );
        }
        let own = name.starts_with("webhook-")
            || [
                "host",
                "content-length",
                "content-type",
                "transfer-encoding",
                "connection",
                "te",
                "upgrade",
                "user-agent",
                "expect",
                "trailer",
                "keep-alive",
                "proxy-authorization",
            ]
            .contains(&name.as_str());
        if own {
            return Err(format!("'{name}' is set by Doorward"));
        }
        if crate::secret::check_reference(value).is_ok() {
            return Ok((name, HeaderValue::Reference(value.to_owned())));
        }
        if name == "authorization" || name == "cookie" || crate::admin::may_be_secret(value) {
            return Err(format!(
                "the value of '{name}' looks like a secret: keep it (`doorward secret set`) and give a \
                 reference to it, such as '{name}: age://…'"
            ));
        }
        if value.parse::<http::HeaderValue>().is_err() {
            return Err("the value has characters that a header can't have".to_owned());
        }
        Ok((name, HeaderValue::Text(value.to_owned())))
    }

    /// Checks headers together.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn headers(typed: &[String]) -> Result<BTreeMap<String, HeaderValue>, String> {
        if typed.len() > HEADERS_MAX {
            return Err(format!("a destination has {HEADERS_MAX} headers at most"));
        }
        typed.iter().map(|one| Self::header(one)).collect()
    }
}

/// Checks an address that events are sent to.
///
/// # Errors
/// When it is none, or carries a user.
pub(crate) fn check_target(text: &str) -> Result<(), String> {
    let none = || "it is no address; write one like https://crm.example.com/hooks".to_owned();
    let url: Uri = text.parse().map_err(|_| none())?;
    let authority = url.authority().ok_or_else(none)?;
    if text.len() > URL_MAX {
        return Err("it is longer than 2048 characters".to_owned());
    }
    if authority.as_str().contains('@') {
        return Err("it has a user in it; send one as a header, by reference".to_owned());
    }
    if text.contains('#') {
        return Err("it has a fragment, which is never sent".to_owned());
    }
    match url.scheme_str() {
        Some("https" | "http") => Ok(()),
        _ => Err("it is neither https nor http".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_names_with_a_text_or_a_reference_and_no_secret() {
        let header = DestinationSettings::header;
        assert_eq!(
            header("X-Tenant: acme").unwrap(),
            ("x-tenant".to_owned(), HeaderValue::Text("acme".to_owned()))
        );
        assert_eq!(
            header("Authorization: file:///run/secrets/crm").unwrap(),
            (
                "authorization".to_owned(),
                HeaderValue::Reference("file:///run/secrets/crm".to_owned())
            )
        );
        for bad in [
            "X-Tenant",
            "a b: c",
            "Host: other",
            "webhook-id: 1",
            "Authorization: Bearer abc",
            "X-Key: 2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
            "X-Tenant: a\nb",
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_target_is_an_address_without_a_user() {
        check_target("https://crm.example.com/hooks?tenant=1").unwrap();
        check_target("http://127.0.0.1:3000/").unwrap();
        for bad in [
            "",
            "crm",
            "ftp://x",
            "https://u:p@x/",
            "https://x/#y",
            "/hooks",
        ] {
            assert!(check_target(bad).is_err(), "{bad}");
        }
    }
}
