//! The HTTP client that the service is reached by.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use super::settings::VaultSettings;
use crate::providers::files::read_bounded;

/// Most bytes of a file with certificates.
const MAX_CA: usize = 1024 * 1024;
/// Most redirects that are followed.
const HOPS: usize = 3;

/// A client that sends the token to the service's own address and nowhere else.
///
/// # Errors
/// Why there can't be one.
pub(super) fn client(
    settings: &VaultSettings,
    address: &str,
    limit: Duration,
) -> Result<Client, &'static str> {
    let mut client = Client::builder()
        .tls_backend_rustls()
        .timeout(limit)
        .redirect(at_home());
    if address.starts_with("http://") {
        // It is this machine: no proxy stands between. Without TLS no certificate is read.
        client = client.no_proxy().tls_certs_only(Vec::new());
    } else {
        for certificate in certificates(settings)? {
            client = client.tls_certs_merge([certificate]);
        }
    }
    client
        .build()
        .map_err(|_| "no connection to Vault can be set up")
}

fn certificates(settings: &VaultSettings) -> Result<Vec<Certificate>, &'static str> {
    const WHY: &str = "the certificates that `ca` in [secrets.vault] names can't be read";
    let Some(path) = &settings.ca else {
        return Ok(Vec::new());
    };
    let file = std::fs::File::open(path).map_err(|_| WHY)?;
    let bytes = read_bounded(file, MAX_CA).map_err(|_| WHY)?;
    match Certificate::from_pem_bundle(&bytes) {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => Err(WHY),
    }
}

/// Follows within the service's own origin. The token is a header of Vault's own, which would go
/// along to wherever an answer points.
fn at_home() -> Policy {
    Policy::custom(|hop| {
        let origin = hop.url().origin();
        let home = hop.previous().iter().all(|from| from.origin() == origin);
        match home && hop.previous().len() <= HOPS {
            true => hop.follow(),
            false => hop.stop(),
        }
    })
}
