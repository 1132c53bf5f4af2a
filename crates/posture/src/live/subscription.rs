//! A webhook subscription.

use std::collections::BTreeMap;

use doorward_policy::Timestamp;

/// A webhook subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Instantly's id of it.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Where events are sent, whole: it may hold a secret, and is shown by [`Subscription::target`].
    pub url: String,
    /// What is subscribed to; none for a custom label.
    pub event_type: Option<String>,
    /// The custom label's value.
    pub custom_interest_value: Option<f64>,
    /// Only this campaign's events, uuid.
    pub campaign: Option<String>,
    /// The static headers sent with every event, each with a fingerprint of its value under a key that
    /// the collector was given, hex.
    pub headers: BTreeMap<String, String>,
    /// Whether Instantly has switched it off (status -1).
    pub disabled: bool,
    /// When it was switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Subscription {
    /// Where events are sent, as far as it can be shown: scheme and host.
    pub fn target(&self) -> String {
        match (self.url.split_once("://"), self.host()) {
            (Some((scheme, _)), Some(host)) => format!("{}://{host}", scheme.to_ascii_lowercase()),
            _ => "(no web address)".to_owned(),
        }
    }

    /// The host that events are sent to, in small letters, without port.
    pub fn host(&self) -> Option<String> {
        let (scheme, rest) = self.url.split_once("://")?;
        let plain = scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
        let host = match place.strip_prefix('[') {
            Some(six) => six.split_once(']').map(|(host, _)| format!("[{host}]"))?,
            None => place.split(':').next()?.to_owned(),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (plain && !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic())).then_some(host)
    }

    /// Whether it goes out in plain text.
    pub fn is_plain(&self) -> bool {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(url: &str) -> Subscription {
        Subscription {
            id: "s".into(),
            name: None,
            url: url.into(),
            event_type: None,
            custom_interest_value: None,
            campaign: None,
            headers: BTreeMap::new(),
            disabled: false,
            disabled_at: None,
            created_at: None,
        }
    }

    #[test]
    fn a_target_is_shown_without_what_may_be_secret() {
        for (url, target) in [
            (
                "https://user:pw@Hooks.Example:8443/catch/1?t=s",
                "https://hooks.example",
            ),
            ("http://a.example.", "http://a.example"),
            ("HTTPS://[2001:db8::1]:80/x", "https://[2001:db8::1]"),
            ("nonsense", "(no web address)"),
            ("https://", "(no web address)"),
        ] {
            assert_eq!(to(url).target(), target, "{url}");
        }
        assert!(to("http://a.example").is_plain() && to("ftp://a").is_plain());
        assert!(!to("HTTPS://a.example").is_plain());
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_told_without_its_path(url in "\\PC{0,60}") {
            let target = to(&url).target();
            prop_assert!(!target.contains('?') && !target.contains('@'));
        }
    }
}
