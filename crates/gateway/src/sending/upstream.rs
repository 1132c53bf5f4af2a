//! Where a workspace's calls go: its base URL, its connections, its keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::reach::is_this_machine;
use doorward_catalog::{Op, Scope, ScopeSet};
use doorward_policy::WorkspaceKind;
use doorward_store::UpstreamKeyState;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;

use crate::error::Error;
use crate::pace::ids::PaceId;
use crate::pace::line::Line;
use crate::request::limits::Limits;
use crate::sending::key_use::{KeyUse, KeyUses};
use crate::sending::names::{Names, Reach, Resolver, SystemNames};
use crate::sending::pool::Pool;

/// What makes connections.
pub(crate) type Connector = HttpsConnector<HttpConnector<Resolver>>;
/// A connection as it is made.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

const BEARER: &[u8] = b"Bearer ";

/// A scheme and an authority, and which addresses the host may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    reach: Reach,
}

impl BaseUrl {
    /// Takes `https://host[:port]`, and `http://` for this machine alone unless `plain_http`.
    pub(crate) fn parse(
        text: &str,
        kind: WorkspaceKind,
        plain_http: bool,
    ) -> Result<Self, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "it is malformed")?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("write https://host");
        };
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err("it has a user name, or no host");
        }
        if parts
            .path_and_query
            .is_some_and(|path| path.as_str() != "/")
        {
            return Err("write scheme and host alone, with no path or query");
        }
        if scheme == Scheme::HTTP {
            if !plain_http && !is_this_machine(authority.host()) {
                return Err(
                    "without TLS the upstream key would cross the network in clear; use https://",
                );
            }
        } else if scheme != Scheme::HTTPS {
            return Err("the scheme must be https");
        }
        let reach = Reach::of(authority.host(), kind, plain_http)?;
        Ok(Self {
            scheme,
            authority,
            reach,
        })
    }

    /// Where connections are made to.
    fn uri(&self) -> Option<Uri> {
        let base = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone());
        base.path_and_query("/").build().ok()
    }

    /// What requests are addressed to: without a port that goes without saying.
    fn host(&self) -> Option<HeaderValue> {
        let usual = if self.scheme == Scheme::HTTPS {
            443
        } else {
            80
        };
        let host = match self.authority.port_u16() {
            Some(port) if port != usual => self.authority.as_str(),
            _ => self.authority.host(),
        };
        HeaderValue::try_from(host).ok()
    }
}

/// A real Instantly API key in memory.
pub(crate) struct UpstreamKey {
    /// Doorward's id of it.
    pub(crate) id: Arc<str>,
    /// Its scopes, where known.
    pub(crate) scopes: Option<ScopeSet>,
    /// Whether it is used.
    pub(crate) state: UpstreamKeyState,
    /// Tells one value from another: the head of its SHA-256.
    pub(crate) print: [u8; 8],
    /// What it carries.
    pub(crate) used: Arc<KeyUse>,
    secret: SecretString,
    /// The `Authorization` with it, made once, in a buffer that is wiped when the last request that
    /// shares it has gone. What is written to a connection is copied from it, and not wiped.
    line: HeaderValue,
}

impl UpstreamKey {
    /// Takes a key that can be sent: 16 to 4096 visible ASCII characters.
    pub(crate) fn new(
        id: &str,
        scopes: Option<ScopeSet>,
        state: UpstreamKeyState,
        secret: SecretString,
    ) -> Option<Self> {
        let text = secret.expose_secret();
        let fits = (16..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut print = [0; 8];
        for (to, from) in print.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        // At once as long as it will be: what is moved to grow leaves a copy behind.
        let mut line = Zeroizing::new(Vec::with_capacity(BEARER.len() + text.len()));
        line.extend_from_slice(BEARER);
        line.extend_from_slice(text.as_bytes());
        let mut line = HeaderValue::from_maybe_shared(Bytes::from_owner(line)).ok()?;
        line.set_sensitive(true);
        fits.then(|| Self {
            id: id.into(),
            scopes,
            state,
            print,
            used: Arc::default(),
            secret,
            line,
        })
    }

    /// The same, counted with those of the same id.
    pub(crate) fn counted_by(self, uses: &KeyUses) -> Self {
        Self {
            used: uses.of(&self.id),
            ..self
        }
    }

    /// Whether it is the same key, in the same state.
    pub(crate) fn is_still(&self, other: &Self) -> bool {
        self.id == other.id && self.print == other.print && self.state == other.state
    }

    /// Whether this is its value, with or without its padding.
    pub(crate) fn is(&self, value: &str) -> bool {
        let own = self.secret.expose_secret().trim_end_matches('=');
        let value = value.trim_end_matches('=');
        bool::from(own.as_bytes().ct_eq(value.as_bytes()))
    }

    /// The `Authorization` of an authorised request: the one place the key goes to.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.line.clone()
    }
}

impl fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "UpstreamKey({}, [{}])",
            self.id,
            self.scopes.unwrap_or_default()
        )
    }
}

/// One workspace as calls reach it.
pub(crate) struct Upstream {
    /// Doorward's id of the workspace.
    pub(crate) workspace: Arc<str>,
    pub(crate) base: BaseUrl,
    pub(crate) pool: Arc<Pool>,
    /// In the order of preference, see [`crate::keychoice`].
    pub(crate) keys: Vec<Arc<UpstreamKey>>,
    /// The keys that are held and that no call goes out under.
    pub(crate) aside: Vec<Arc<UpstreamKey>>,
    /// By which number it is paced.
    pub(crate) pace: PaceId,
    /// Whether it bears calls.
    pub(crate) line: Arc<Line>,
    /// What the API itself asked for, for operations whose scope is only assumed.
    pub(crate) observed: HashMap<Op, Vec<Scope>>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("workspace", &self.workspace)
            .field("base", &self.base)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// The pools of connections, one a workspace, kept from snapshot to snapshot.
pub(crate) struct Pools {
    pools: Mutex<HashMap<(String, BaseUrl), Arc<Pool>>>,
    lines: Mutex<HashMap<(String, BaseUrl), Arc<Line>>>,
    roots: OnceLock<rustls::ClientConfig>,
    names: Arc<dyn Names>,
    connect: Duration,
    headers: usize,
}

impl Pools {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            pools: Mutex::default(),
            lines: Mutex::default(),
            roots: OnceLock::new(),
            names: Arc::new(SystemNames),
            connect: limits.connect,
            headers: limits.headers,
        }
    }

    /// Looks hosts up by these names.
    pub(crate) fn names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// The connections of a workspace to a base URL.
    pub(crate) fn pool(&self, workspace: &str, base: &BaseUrl) -> Result<Arc<Pool>, Error> {
        let key = (workspace.to_owned(), base.clone());
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key) {
            return Ok(Arc::clone(pool));
        }
        let unusable = || Error::BaseUrl {
            workspace: workspace.to_owned(),
            why: "it can't be connected to",
        };
        let uri = base.uri().ok_or_else(unusable)?;
        let host = base.host().ok_or_else(unusable)?;
        let pool = Arc::new(Pool::new(
            self.connector(base)?,
            uri,
            host,
            self.headers,
            self.connect,
        ));
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }

    /// The line to a workspace at a base URL.
    pub(crate) fn line(&self, workspace: &str, base: &BaseUrl) -> Arc<Line> {
        let key = (workspace.to_owned(), base.clone());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lines.entry(key).or_insert_with(|| Arc::new(Line::new())))
    }

    /// Drops the pools that no workspace has any more.
    pub(crate) fn keep(&self, used: impl Fn(&str, &BaseUrl) -> bool) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|(workspace, base), _| used(workspace, base));
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|(workspace, base), _| used(workspace, base));
    }

    fn connector(&self, base: &BaseUrl) -> Result<Connector, Error> {
        let resolver = Resolver::new(Arc::clone(&self.names), base.reach);
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(self.connect));
        let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(self.tls(base)?);
        let connector = if base.scheme == Scheme::HTTPS {
            builder.https_only().enable_http1().wrap_connector(http)
        } else {
            builder.https_or_http().enable_http1().wrap_connector(http)
        };
        Ok(connector)
    }

    /// Trusts the system's authorities. They are read when a base URL first needs them.
    fn tls(&self, base: &BaseUrl) -> Result<rustls::ClientConfig, Error> {
        use hyper_rustls::ConfigBuilderExt;
        if let Some(config) = self.roots.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Roots(std::io::Error::other(error)))?;
        if base.scheme == Scheme::HTTP {
            let none = rustls::RootCertStore::empty();
            return Ok(builder.with_root_certificates(none).with_no_client_auth());
        }
        let config = builder
            .with_native_roots()
            .map_err(Error::Roots)?
            .with_no_client_auth();
        Ok(self.roots.get_or_init(|| config).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        let parse = |text| BaseUrl::parse(text, WorkspaceKind::Live, false);
        for ok in [
            "https://api.instantly.ai",
            "https://api.instantly.ai/",
            "http://127.0.0.1:4010",
            "http://localhost:1",
            "http://[::1]:4010",
        ] {
            assert!(parse(ok).is_ok(), "{ok}");
        }
        for no in [
            "http://api.instantly.ai",
            "http://127.0.0.1.evil.org",
            "http://localhost.evil.org",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://u:p@host",
            "https://host/path",
            "https://host/?q",
            "/path",
            "host",
            "https://",
            "",
        ] {
            assert!(parse(no).is_err(), "{no}");
        }
        assert!(BaseUrl::parse("http://sandbox:4010", WorkspaceKind::Live, true).is_ok());
    }

    #[test]
    fn a_port_that_goes_without_saying_is_not_said() {
        for (text, host) in [
            ("https://api.instantly.ai", "api.instantly.ai"),
            ("https://api.instantly.ai:443/", "api.instantly.ai"),
            ("http://localhost:80", "localhost"),
            ("http://127.0.0.1:4010", "127.0.0.1:4010"),
            ("http://[::1]:443", "[::1]:443"),
            ("http://[::1]", "[::1]"),
        ] {
            let base = BaseUrl::parse(text, WorkspaceKind::Sandbox, false).unwrap();
            assert_eq!(base.host().unwrap(), host, "{text}");
            assert!(base.uri().is_some());
        }
    }

    #[test]
    fn a_key_is_sent_and_never_shown() {
        let key =
            |text: &str| UpstreamKey::new("uk_1", None, UpstreamKeyState::Active, text.into());
        let good = key("canary-canary-canary").unwrap();
        assert_eq!(good.authorization(), "Bearer canary-canary-canary");
        assert!(!format!("{good:?}{:?}", good.authorization()).contains("canary"));
        for bad in [
            "short",
            "with a space in it",
            "with\nnewline-in-the-middle",
            "ünvisible-ascii-key",
        ] {
            assert!(key(bad).is_none(), "{bad:?}");
        }
    }
}
