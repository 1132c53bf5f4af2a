//! Certificates for the hosts that are spoken for, made when they are asked for.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, LEAF_LASTS};
use crate::admin::now;

/// The certificates of some hosts; each is made anew when half its time is over.
#[derive(Debug)]
pub(crate) struct Leaves {
    authority: Arc<Authority>,
    hosts: BTreeSet<String>,
    /// Whose certificate is shown to a caller that names no host.
    default: String,
    made: Mutex<HashMap<String, (i64, Arc<CertifiedKey>)>>,
}

impl Leaves {
    /// Of these hosts.
    pub(crate) fn new(authority: Arc<Authority>, hosts: BTreeSet<String>, default: &str) -> Self {
        Self {
            authority,
            hosts,
            default: default.to_owned(),
            made: Mutex::default(),
        }
    }

    fn of(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        if !self.hosts.contains(host) {
            return None;
        }
        let now = now().millis().div_euclid(1_000);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, leaf)) = made.get(host)
            && now - at < LEAF_LASTS / 2
        {
            return Some(Arc::clone(leaf));
        }
        let (chain, key) = self
            .authority
            .leaf(host, now)
            .inspect_err(|error| tracing::error!(%error, host, "no certificate was made"))
            .ok()?;
        let certified = CertifiedKey::from_der(vec![chain], key, &ring::default_provider());
        let certified = Arc::new(certified.ok()?);
        made.insert(host.to_owned(), (now, Arc::clone(&certified)));
        Some(certified)
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().map(str::to_ascii_lowercase);
        self.of(named.as_deref().unwrap_or(&self.default))
    }
}
