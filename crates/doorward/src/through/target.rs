//! The gateway as the proxy reaches it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::caller::GatewayUrl;
use crate::exit::Failure;

/// Time to connect, and to shake hands.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of any kind.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Wire for S {}

/// A connection, whatever it is made of.
pub(super) type AnyWire = Pin<Box<dyn Wire>>;

/// Where the gateway is.
#[derive(Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection to the gateway, and what may be spoken on it.
pub(super) struct Reached {
    pub(super) wire: AnyWire,
    /// The one protocol, where the gateway chose.
    pub(super) agreed: Option<Vec<u8>>,
}

impl Target {
    /// The gateway of a URL.
    ///
    /// # Errors
    /// When it is to be reached by TLS, and the system's certificates can't be read.
    pub(crate) fn new(url: &GatewayUrl) -> Result<Self, Failure> {
        let tls = url.is_tls().then(client).transpose()?;
        Ok(Self {
            host: url.host().to_owned(),
            port: url.port().unwrap_or(if tls.is_some() { 443 } else { 80 }),
            tls: tls.map(Arc::new),
        })
    }

    /// Its host and port.
    pub(crate) fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Connects.
    pub(super) async fn reach(&self) -> io::Result<Reached> {
        timeout(PATIENCE, self.connect(self.tls.as_ref())).await?
    }

    /// The same, for HTTP/1.1 alone.
    pub(super) async fn reach_by_http1(&self) -> io::Result<Reached> {
        let tls = self.tls.as_ref().map(|tls| {
            let mut tls = ClientConfig::clone(tls);
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(tls)
        });
        timeout(PATIENCE, self.connect(tls.as_ref())).await?
    }

    async fn connect(&self, tls: Option<&Arc<ClientConfig>>) -> io::Result<Reached> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return Ok(Reached {
                wire: Box::pin(stream),
                agreed: None,
            });
        };
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        let agreed = agreed.unwrap_or(b"http/1.1").to_vec();
        Ok(Reached {
            wire: Box::pin(stream),
            agreed: Some(agreed),
        })
    }
}

fn client() -> Result<ClientConfig, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Failure::failed(
            "the system's certificate authorities can't be read; install ca-certificates",
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::failed)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
