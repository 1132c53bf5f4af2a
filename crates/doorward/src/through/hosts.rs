//! Where a program may go: the Instantly hosts by way of the gateway, others if they were allowed.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use crate::ca::INSTANTLY_HOST;

/// Longest name of a host (RFC 1035, 2.3.4).
const NAME_MAX: usize = 253;
/// The port of HTTPS.
const HTTPS: u16 = 443;

/// A host that is let pass: a name, `*.` and a name for all below it, or an address; with a port, or
/// with that of HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    host: String,
    below: bool,
    port: u16,
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write a host, host:port or *.host".to_owned();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (text, HTTPS),
        };
        let (below, host) = match host.strip_prefix("*.") {
            Some(host) => (true, host),
            None => (false, host),
        };
        let host = plain(host).ok_or_else(wrong)?;
        if below && host.parse::<IpAddr>().is_ok() {
            return Err(wrong());
        }
        Ok(Self { host, below, port })
    }
}

impl Allowed {
    /// One host and port.
    pub(crate) fn only(host: &str, port: u16) -> Option<Self> {
        Some(Self {
            host: plain(host)?,
            below: false,
            port,
        })
    }

    fn fits(&self, host: &str, port: u16) -> bool {
        let named = if self.below {
            host.strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        } else {
            host == self.host
        };
        named && port == self.port
    }
}

/// A host's name or address in one form: lower case, without brackets and the root's dot.
pub(super) fn plain(host: &str) -> Option<String> {
    let bare = host
        .strip_prefix('[')
        .map_or(Some(host), |rest| rest.strip_suffix(']'))?;
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    let letters = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    (name.len() <= NAME_MAX && name.split('.').all(letters)).then_some(name)
}

/// The hosts that are spoken for: Instantly's, and those by name that workspaces are at.
pub(crate) fn spoken_for<'a>(base_urls: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let named = base_urls.filter_map(|url| {
        let uri: http::Uri = url.parse().ok()?;
        let host = plain(uri.host()?)?;
        let is_name = host.contains('.') && host.parse::<IpAddr>().is_err();
        (is_name && uri.scheme_str() == Some("https")).then_some(host)
    });
    named.chain([INSTANTLY_HOST.to_owned()]).collect()
}

/// What becomes of a connection to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// To the gateway; the host's name in plain form.
    Gateway(String),
    /// To the host itself.
    Through(String),
    /// Nowhere.
    Refused(String),
    /// It is no host.
    Malformed,
}

/// Where a program may go.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    /// Those that the gateway answers for, by their plain names.
    pub(crate) ours: BTreeSet<String>,
    /// Those that are let pass.
    pub(crate) allowed: Vec<Allowed>,
    /// Whether all others are.
    pub(crate) all: bool,
}

impl Hosts {
    pub(super) fn way(&self, host: &str, port: u16) -> Way {
        let Some(host) = plain(host) else {
            return Way::Malformed;
        };
        // On no other port either: nothing of Instantly's is to be reached past the gateway.
        if self.ours.contains(&host) {
            return match port {
                HTTPS | 80 => Way::Gateway(host),
                _ => Way::Refused(host),
            };
        }
        if self.all || self.allowed.iter().any(|allowed| allowed.fits(&host, port)) {
            Way::Through(host)
        } else {
            Way::Refused(host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(allowed: &[&str], all: bool) -> Hosts {
        Hosts {
            ours: ["api.instantly.ai".to_owned()].into(),
            allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
            all,
        }
    }

    #[test]
    fn the_instantly_hosts_are_never_passed_by() {
        for all in [false, true] {
            let hosts = hosts(&["*.instantly.ai", "api.instantly.ai:8443"], all);
            let ours = || Way::Gateway("api.instantly.ai".into());
            assert_eq!(hosts.way("api.instantly.ai", 443), ours());
            assert_eq!(hosts.way("API.Instantly.AI.", 443), ours());
            let port = hosts.way("api.instantly.ai", 8443);
            assert_eq!(port, Way::Refused("api.instantly.ai".into()));
        }
    }

    #[test]
    fn others_pass_if_they_were_allowed() {
        let some = hosts(
            &["pypi.org", "*.Example.com", "[::1]:8080", "127.0.0.1:9"],
            false,
        );
        for (host, port, passes) in [
            ("pypi.org", 443, true),
            ("PYPI.org.", 443, true),
            ("pypi.org", 80, false),
            ("evilpypi.org", 443, false),
            ("pypi.org.evil.net", 443, false),
            ("a.example.com", 443, true),
            ("example.com", 443, false),
            ("badexample.com", 443, false),
            ("[0:0::1]", 8080, true),
            ("127.0.0.1", 9, true),
            ("127.0.0.1", 10, false),
        ] {
            let way = some.way(host, port);
            assert_eq!(matches!(way, Way::Through(_)), passes, "{host}:{port}");
        }
        assert!(matches!(hosts(&[], true).way("x.y", 1), Way::Through(_)));
    }

    #[test]
    fn workspaces_are_spoken_for_by_name() {
        let urls = [
            "https://api.instantly.ai",
            "https://API.example.org:8443/x",
            "http://plain.example.org",
            "https://127.0.0.1:9",
            "https://localhost",
        ];
        let hosts: Vec<_> = spoken_for(urls.into_iter()).into_iter().collect();
        assert_eq!(hosts, ["api.example.org", "api.instantly.ai"]);
    }

    #[test]
    fn what_is_no_host_is_told() {
        let all = hosts(&[], true);
        for host in [
            "",
            "a b",
            "a..b",
            "a\r\nb",
            "user@host",
            "[::1",
            "é.org",
            "a/b",
        ] {
            assert_eq!(all.way(host, 443), Way::Malformed, "{host:?}");
        }
        for text in ["", "*.", "a:b", "https://x", "*.1.2.3.4", "a:99999"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
