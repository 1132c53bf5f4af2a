//! Where a workspace's API may be.

use std::net::Ipv6Addr;

use doorward_catalog::reach::is_this_machine;
use doorward_policy::WorkspaceKind;

use crate::check::{REFERENCE_MAX, holds_key};
use crate::error::{Result, StoreError};

/// The vendor's domain.
const INSTANTLY: &str = "instantly.ai";

/// Checks the base URL of a workspace: http or https, a plain host, no user, query or fragment.
///
/// Clients of a sandbox are granted without a ceiling, so a sandbox is never at the vendor's
/// domain; and the upstream key goes with each call, so a live workspace is called in plain text on
/// this machine alone.
pub(crate) fn check_base_url(kind: WorkspaceKind, url: &str) -> Result<()> {
    let fault = match fault(kind, url) {
        Some(fault) => fault,
        None => return Ok(()),
    };
    Err(StoreError::Field {
        field: "the base URL".to_owned(),
        fault,
    })
}

fn fault(kind: WorkspaceKind, url: &str) -> Option<&'static str> {
    if url.len() > REFERENCE_MAX {
        return Some("is longer than 1024 characters");
    }
    if holds_key(url) {
        return Some("holds a key; give the place alone");
    }
    let (plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Some("must start with https:// (or http:// for a sandbox)"),
    };
    let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '"');
    let authority = rest.split('/').next().unwrap_or_default();
    let Some(host) = host_of(authority).filter(|_| rest.chars().all(clean)) else {
        return Some("has no host, or a user, a query, a fragment or spaces");
    };
    match kind {
        WorkspaceKind::Sandbox if is_instantlys(host) => {
            Some("is Instantly's own, which is no sandbox; give the sandbox's, or add it as live")
        }
        WorkspaceKind::Live if plain && !is_this_machine(host) => {
            Some("must start with https:// (http:// is for this machine only)")
        }
        _ => None,
    }
}

/// The host of `host`, `host:port`, `[v6]` and `[v6]:port`, in brackets where it has them.
fn host_of(authority: &str) -> Option<&str> {
    let port_fits = |port: &str| {
        port.is_empty()
            || port
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    };
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        return port_fits(port).then_some(authority.strip_suffix(port)?);
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let (host, port) = authority.split_at_checked(end)?;
    // Nothing that another program would decode to another host.
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(allowed) && port_fits(port)).then_some(host)
}

fn is_instantlys(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(INSTANTLY)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_plain() {
        let check = |url: &str| check_base_url(WorkspaceKind::Live, url);
        for good in [
            "https://api.instantly.ai",
            "http://127.0.0.1:4010",
            "http://[::1]:80/x",
        ] {
            check(good).unwrap();
        }
        for bad in [
            "",
            "api.instantly.ai",
            "ftp://x",
            "https://",
            "https:///x",
            "https://u@x",
            "https://x?y",
            "https://x#y",
            "https://x y",
            "https://x\\y",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
