//! Whose certificates are trusted, and the one that is shown.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};

/// Whose certificates are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that this machine trusts.
    #[default]
    System,
    /// Those in this PEM alone.
    Only(Vec<u8>),
}

/// A certificate that Doorward shows, with its key.
#[derive(Clone)]
pub struct ClientIdentity {
    /// The certificate and those above it, PEM.
    pub chain: Vec<u8>,
    /// Its key, PEM.
    pub key: SecretString,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(…)")
    }
}

/// What is wrong with certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its TLS can't be set up: {0}")]
pub struct TlsFault(&'static str);

/// TLS for one destination; one that is spoken to without any trusts nobody.
pub(super) fn config(
    used: bool,
    trust: &Trust,
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, TlsFault> {
    let mut roots = RootCertStore::empty();
    match trust {
        _ if !used => {}
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        Trust::Only(pem) => {
            for one in CertificateDer::pem_slice_iter(pem) {
                let one = one.map_err(|_| TlsFault("the trusted certificates are not PEM"))?;
                roots
                    .add(one)
                    .map_err(|_| TlsFault("a trusted certificate can't be read"))?;
            }
        }
    }
    if used && roots.is_empty() {
        return Err(TlsFault("there are no trusted certificates"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsFault("no version of TLS can be used"))?
        .with_root_certificates(roots);
    let Some(identity) = identity else {
        return Ok(config.with_no_client_auth());
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&identity.chain).collect();
    let chain = chain.map_err(|_| TlsFault("its own certificate is not PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose_secret().as_bytes())
        .map_err(|_| TlsFault("the key of its own certificate is not PEM"))?;
    config
        .with_client_auth_cert(chain, key)
        .map_err(|_| TlsFault("its own certificate and key don't belong together"))
}
