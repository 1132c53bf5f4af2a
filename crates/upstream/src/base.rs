//! Where calls go.

use std::fmt;
use std::net::IpAddr;

use doorward_catalog::reach::{is_this_machine, literal};
use http::Uri;
use http::uri::{Authority, Scheme};

use crate::error::Error;

/// The API's own address.
pub const INSTANTLY: &str = "https://api.instantly.ai";

/// Scheme, host and port of the API: `https` anywhere, `http` to this machine only unless allowed.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
}

impl BaseUrl {
    /// Reads an origin such as `https://api.instantly.ai` or `http://127.0.0.1:4010`.
    ///
    /// # Errors
    /// [`Error::Config`] when it is no URL, has a user, a path, a query or a fragment, or is plain
    /// `http` to another machine.
    pub fn parse(text: &str) -> Result<BaseUrl, Error> {
        Self::parse_allowing(text, false)
    }

    /// As [`parse`](Self::parse), and with `plain_http` also plain `http` to other machines: the key
    /// then crosses the network in clear. For an emulated API in a container's network.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_allowing(text: &str, plain_http: bool) -> Result<BaseUrl, Error> {
        let no = |why: &str| Error::Config {
            what: "base URL",
            why: why.to_owned(),
        };
        if text.contains(['@', '#', '?', '\\']) {
            return Err(no("it must be scheme, host and port alone"));
        }
        let uri: Uri = text.parse().map_err(|_| no("it is no URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(no("it needs a scheme and a host"));
        };
        if !matches!(uri.path(), "" | "/") {
            return Err(no("it must be scheme, host and port alone"));
        }
        if authority.host().is_empty() {
            return Err(no("it needs a host"));
        }
        match scheme.as_str() {
            "https" => {}
            "http" if plain_http || is_this_machine(authority.host()) => {}
            "http" => return Err(no("plain http is for this machine only; use https")),
            _ => return Err(no("its scheme must be https")),
        }
        Ok(BaseUrl {
            scheme: scheme.clone(),
            authority: authority.clone(),
        })
    }

    /// Whether calls go in plain text.
    pub fn is_plain(&self) -> bool {
        self.scheme == Scheme::HTTP
    }

    /// Whether calls go to this machine: `localhost` is resolved without asking anybody.
    pub(crate) fn is_here(&self) -> bool {
        is_this_machine(self.authority.host())
    }

    /// The address that its host is, if it is one and no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        literal(self.authority.host())
    }

    /// The URL of a path and query; none when they can't stand in a URL.
    pub(crate) fn join(&self, path_and_query: &str) -> Option<Uri> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .ok()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            INSTANTLY,
            "https://instantly.example:8443/",
            "http://127.0.0.1:4010",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://localhost:1",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.instantly.ai",
            "http://api.instantly.ai",
            "http://10.0.0.1",
            "http://0.0.0.0:80",
            "http://localhost.example",
            "http://127.0.0.1@example.com",
            "https://user:pass@api.instantly.ai",
            "https://api.instantly.ai/api/v2",
            "https://api.instantly.ai?x=1",
            "https://api.instantly.ai#x",
            "ftp://127.0.0.1",
            "/api/v2",
        ] {
            assert!(
                matches!(BaseUrl::parse(bad), Err(Error::Config { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn plain_http_to_others_is_allowed_by_name_alone() {
        let parse = |text| BaseUrl::parse_allowing(text, true);
        for good in ["http://sandbox:4010", "http://10.0.0.1", INSTANTLY] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://u@sandbox",
            "http://sandbox/api",
            "ftp://sandbox",
            "http://",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
