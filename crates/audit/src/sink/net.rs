//! Connections to receivers: TLS, or plain to this machine; and what they run on.

use std::sync::Arc;
use std::time::Duration;

use doorward_catalog::reach::is_this_machine;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use super::stop::Stop;

/// A runtime of a sink's own: it runs on the sink's thread, while something is delivered.
pub(super) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    pub(super) fn new() -> Result<Self, &'static str> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|_| "no runtime could be started")
    }

    /// Runs it to its end; `None` when the time was over before.
    pub(super) fn run<T>(&self, stop: &Stop, future: impl Future<Output = T>) -> Option<T> {
        self.0.as_ref()?.block_on(async {
            tokio::select! {
                output = future => Some(output),
                () = stop.over() => None,
            }
        })
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A name that is being looked up is not waited for; and this may be another runtime's
            // thread, which must not wait for anything.
            runtime.shutdown_background();
        }
    }
}

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Where a receiver is, and how it proves itself.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Endpoint {
    /// Over TLS, trusting the authorities of `ca` (PEM), or those of this machine.
    pub(super) fn tls(
        host: &str,
        port: u16,
        ca: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, &'static str> {
        let host = bare(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "its host is neither a name nor an address")?;
        let roots = match ca {
            Some(pem) => given(pem)?,
            None => native()?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| "no version of TLS can be used")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            host: host.to_owned(),
            port,
            tls: Some((TlsConnector::from(Arc::new(config)), name)),
            timeout,
        })
    }

    /// Without TLS, to this machine alone.
    pub(super) fn plain(host: &str, port: u16, timeout: Duration) -> Result<Self, &'static str> {
        let host = bare(host);
        if !is_this_machine(host) {
            return Err("without TLS it must be on this machine: 127.0.0.1, ::1 or localhost");
        }
        // No resolver is asked for the one name that is known.
        let host = if host == "localhost" {
            "127.0.0.1"
        } else {
            host
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            tls: None,
            timeout,
        })
    }

    /// A connection: name, TCP and TLS together are bounded in time.
    pub(super) async fn connect(&self) -> Result<Box<dyn Duplex>, String> {
        tokio::time::timeout(self.timeout, self.open())
            .await
            .unwrap_or_else(|_| {
                Err(format!(
                    "no connection within {} s",
                    self.timeout.as_secs_f32()
                ))
            })
    }

    async fn open(&self) -> Result<Box<dyn Duplex>, String> {
        let failed = |error: std::io::Error| format!("no connection: {error}");
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((tls, name)) => {
                let connected = tls.connect(name.clone(), stream).await;
                Box::new(connected.map_err(|error| format!("no TLS: {error}"))?)
            }
        })
    }
}

/// An address of IPv6 may stand in brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn given(pem: &[u8]) -> Result<rustls::RootCertStore, &'static str> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "its certificate authorities are not PEM")?;
        roots
            .add(certificate)
            .map_err(|_| "one of its certificate authorities can't be read")?;
    }
    if roots.is_empty() {
        return Err("its file of certificate authorities holds none");
    }
    Ok(roots)
}

fn native() -> Result<rustls::RootCertStore, &'static str> {
    let mut roots = rustls::RootCertStore::empty();
    // Some that can't be read do no harm; none at all does.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this machine has no trusted root certificates");
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_goes_to_this_machine_alone() {
        let plain = |host| Endpoint::plain(host, 601, Duration::from_secs(1));
        for here in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
            assert!(plain(here).is_ok(), "{here}");
        }
        for elsewhere in [
            "192.0.2.1",
            "siem.example",
            "localhost.example",
            "0.0.0.0",
            "",
        ] {
            assert!(plain(elsewhere).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn a_file_without_authorities_is_told() {
        let tls = |pem| Endpoint::tls("siem.example", 6514, Some(pem), Duration::from_secs(1));
        assert!(tls(b"").is_err());
        assert!(tls(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
