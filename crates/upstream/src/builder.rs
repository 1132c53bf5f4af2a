//! Making a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doorward_catalog::reach::is_public;
use http::HeaderValue;
use secrecy::SecretString;

use crate::base::{BaseUrl, INSTANTLY};
use crate::client::{Client, Shared};
use crate::error::Error;
use crate::keys::{Key, Keys};
use crate::pace::Pace;
use crate::pair::ReaderWriter;
use crate::retry::RetryPolicy;
use crate::transport::{Transport, for_base};

/// What the client calls itself. The edge in front of the API refuses the default user agents of
/// some HTTP libraries.
pub const USER_AGENT: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// Settings of a [`Client`].
pub struct ClientBuilder {
    base_url: String,
    plain_http: bool,
    public_only: bool,
    key: Option<SecretString>,
    pair: Option<ReaderWriter>,
    user_agent: String,
    connect_timeout: Duration,
    timeout: Duration,
    max_body: usize,
    retries: RetryPolicy,
    random: Box<dyn Fn() -> f64 + Send + Sync>,
    transport: Option<Arc<dyn Transport>>,
    pace: Option<Arc<dyn Pace>>,
}

impl Default for ClientBuilder {
    fn default() -> ClientBuilder {
        ClientBuilder {
            base_url: INSTANTLY.to_owned(),
            plain_http: false,
            public_only: false,
            key: None,
            pair: None,
            user_agent: USER_AGENT.to_owned(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            max_body: 32 * 1_024 * 1_024,
            retries: RetryPolicy::default(),
            random: Box::new(fastrand::f64),
            transport: None,
            pace: None,
        }
    }
}

impl ClientBuilder {
    /// Scheme, host and port to call; `https://api.instantly.ai` unless set. Plain http goes to this
    /// machine only, unless [`allow_plain_http`](Self::allow_plain_http) says otherwise.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Lets the base URL be plain http to another machine, where the key crosses the network in
    /// clear: for an emulated API in a container's network.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.plain_http = allow;
        self
    }

    /// Refuses a host of the base URL that has an address outside the public internet, unless the URL
    /// names this machine itself: so that a name that was made to lead into a private network gets no
    /// key. Off unless set.
    pub fn public_only(mut self, only: bool) -> Self {
        self.public_only = only;
        self
    }

    /// The upstream key, or a client key when the base URL is a gateway's.
    pub fn key(mut self, key: SecretString) -> Self {
        self.key = Some(key);
        self
    }

    /// Two keys in place of one.
    pub fn reader_writer(mut self, pair: ReaderWriter) -> Self {
        self.pair = Some(pair);
        self
    }

    /// The user agent; [`USER_AGENT`] unless set.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How long a connection may take, TLS and name look-up within; 10 s unless set.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a call may take, all attempts and pauses within; 60 s unless set.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Most bytes of an answer's body; 32 MiB unless set.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// When and how often calls are made again.
    pub fn retries(mut self, policy: RetryPolicy) -> Self {
        self.retries = policy;
        self
    }

    /// The chance in pauses: numbers from 0 to 1. Time is tokio's, which tests can pause.
    pub fn randomness(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// What sends requests, in place of HTTP over TCP and TLS.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Has every attempt of every call take its turn.
    pub fn pace(mut self, pace: impl Pace + 'static) -> Self {
        self.pace = Some(Arc::new(pace));
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Config`] when the base URL is an address that is not to be reached, when there is not exactly one key or pair, when the base URL, a key or the
    /// user agent is unfit, or when no trusted root certificates can be read.
    pub fn build(self) -> Result<Client, Error> {
        let base = BaseUrl::parse_allowing(&self.base_url, self.plain_http)?;
        if self.public_only && !base.is_here() && base.address().is_some_and(|at| !is_public(at)) {
            return Err(Error::Config {
                what: "base URL",
                why: "its address is of a private network, where Instantly is not".to_owned(),
            });
        }
        let keys = match (self.key, self.pair) {
            (Some(key), None) => Keys::One(Key::new(key)?),
            (None, Some(pair)) => Keys::pair(pair)?,
            _ => {
                return Err(Error::Config {
                    what: "key",
                    why: "one key, or one pair of keys, is needed".to_owned(),
                });
            }
        };
        let user_agent = HeaderValue::try_from(self.user_agent.as_str()).ok();
        let user_agent = user_agent.filter(|value| !value.is_empty());
        let user_agent = user_agent.ok_or_else(|| Error::Config {
            what: "user agent",
            why: "it can't stand in a header".to_owned(),
        })?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => for_base(&base, self.connect_timeout, self.public_only)?.into(),
        };
        Ok(Client {
            shared: Arc::new(Shared {
                transport,
                base,
                user_agent,
                timeout: self.timeout,
                max_body: self.max_body,
                retries: self.retries,
                random: self.random,
                pace: self.pace,
            }),
            keys: Arc::new(keys),
            workspace: None,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
