//! TLS at the door: the certificate that callers see, and its replacement while calls go on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;

/// What is spoken within TLS, the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate and key that are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text holds no certificate.
    #[error("there is no certificate in PEM form in it")]
    NoCertificate,
    /// The text holds no private key.
    #[error("there is no private key in PEM form in it")]
    NoKey,
    /// The text holds no certificate of an authority, or one that is none.
    #[error("there is no certificate of an authority in PEM form in it")]
    NoAuthority,
    /// They can't be used, or don't belong together.
    #[error("{0}")]
    Unusable(rustls::Error),
}

/// The certificate in force. Cloning gives the same; connections made after a [`swap`](Self::swap)
/// see the new one.
#[derive(Debug, Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Serves with this.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(ArcSwap::new(config)))
    }

    /// Serves with this from now on.
    pub fn swap(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    /// What is served with now.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }

    /// What serves a chain of certificates, the server's first, and its private key, each in PEM
    /// form.
    ///
    /// # Errors
    /// When one of them is missing, malformed, or not of the other.
    pub fn of_pem(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(|_| TlsError::NoCertificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        let provider = ring::default_provider();
        let certified =
            CertifiedKey::from_der(chain, key, &provider).map_err(TlsError::Unusable)?;
        Self::of_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
    }

    /// The same for a door that speaks HTTP/1.1 alone. With `senders`, authorities in PEM form, whoever
    /// calls shows a certificate of theirs.
    ///
    /// # Errors
    /// As [`of_pem`](Self::of_pem), and when there is no authority in `senders`.
    pub fn of_pem_http1(
        chain: &[u8],
        key: &[u8],
        senders: Option<&[u8]>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(|_| TlsError::NoCertificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let builder = match senders {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for authority in CertificateDer::pem_slice_iter(pem) {
                    let authority = authority.map_err(|_| TlsError::NoAuthority)?;
                    roots.add(authority).map_err(|_| TlsError::NoAuthority)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|_| TlsError::NoAuthority)?)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// What serves the certificate that is chosen for each connection.
    ///
    /// # Errors
    /// When the protocols' versions can't be had.
    pub fn of_resolver(
        resolver: Arc<dyn ResolvesServerCert>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Arc::new(config))
    }
}
