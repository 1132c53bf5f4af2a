//! What a destination's host resolves to: looked up, judged, and connected to, without asking twice.
//!
//! Whoever may name a destination, or change its name's addresses later, must not turn the relay to
//! a service of the network it runs in. So a host has to be of the public internet with every address
//! it has, or in a network that was allowed; what was judged is what is connected to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use doorward_catalog::reach::is_public;
use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use tower_service::Service;

/// Most addresses of a host that are looked at; one with more is refused.
const ADDRESSES_MAX: usize = 64;

/// Addresses of a host, or why there are none.
pub type Looked<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks hosts up by name; asked once for each connection.
pub trait Names: Send + Sync {
    /// Every address of a host.
    fn look_up<'a>(&'a self, host: &'a str) -> Looked<'a>;
}

/// The system's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up<'a>(&'a self, host: &'a str) -> Looked<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Which addresses a destination may have.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    allow: Vec<IpNet>,
    /// Whether the public internet is reached too: not without TLS.
    public: bool,
}

/// What the guard says of an address that is not reached.
pub(super) const KEPT_OUT: &str = "its address is of a network that is not allowed";

impl Reach {
    pub(super) fn new(allow: Vec<IpNet>, tls: bool) -> Self {
        Self { allow, public: tls }
    }

    /// Whether an address is reached. An IPv4 address in the form of an IPv6 one is judged as both:
    /// it is public in neither, and allowed by the network of either.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        (self.public && is_public(address))
            || self
                .allow
                .iter()
                .any(|network| network.contains(&address) || network.contains(&plain))
    }
}

/// Resolves the host of one destination.
#[derive(Clone)]
pub(super) struct Resolver {
    names: Arc<dyn Names>,
    reach: Arc<Reach>,
}

impl Resolver {
    pub(super) fn new(names: Arc<dyn Names>, reach: Reach) -> Self {
        Self {
            names,
            reach: Arc::new(reach),
        }
    }

    /// The addresses to connect to, with port 0.
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let found = self.names.look_up(host).await?;
        if found.is_empty() || found.len() > ADDRESSES_MAX {
            return Err(io::Error::other("the host has no address, or too many"));
        }
        if !found.iter().all(|address| self.reach.admits(*address)) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, KEPT_OUT));
        }
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({:?})", self.reach)
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.resolve(name.as_str()).await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(allow: &[&str], tls: bool) -> Reach {
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        Reach::new(allow, tls)
    }

    fn admits(reach: &Reach, address: &str) -> bool {
        reach.admits(address.parse().unwrap())
    }

    #[test]
    fn private_addresses_are_reached_where_their_network_is_allowed() {
        let none = reach(&[], true);
        let own = reach(&["10.1.0.0/16", "127.0.0.0/8", "fd00:1::/32"], true);
        for (address, usual, allowed) in [
            ("104.18.0.1", true, true),
            ("2606:4700::6812:1", true, true),
            ("10.1.2.3", false, true),
            ("::ffff:10.1.2.3", false, true),
            ("10.2.0.1", false, false),
            ("127.0.0.1", false, true),
            ("::1", false, false),
            ("fd00:1::5", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fd00:ec2::254", false, false),
            ("100.100.100.200", false, false),
            ("0.0.0.0", false, false),
            ("224.0.0.1", false, false),
            ("ff02::1", false, false),
            ("::ffff:104.18.0.1", false, false),
        ] {
            assert_eq!(admits(&none, address), usual, "{address}");
            assert_eq!(admits(&own, address), allowed, "{address}");
        }
        // Without TLS nothing goes to the internet.
        let plain = reach(&["10.1.0.0/16"], false);
        assert!(admits(&plain, "10.1.2.3") && !admits(&plain, "104.18.0.1"));
    }

    struct Fixed(Vec<&'static str>);

    impl Names for Fixed {
        fn look_up<'a>(&'a self, _: &'a str) -> Looked<'a> {
            let found = self.0.iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    #[tokio::test]
    async fn one_address_that_is_not_reached_keeps_the_host_out() {
        for (addresses, reached) in [
            (vec!["104.18.0.1", "2606:4700::6812:1"], true),
            (vec!["104.18.0.1", "10.0.0.1"], false),
            (vec!["::ffff:127.0.0.1"], false),
            (vec![], false),
            (vec!["104.18.0.1"; ADDRESSES_MAX + 1], false),
        ] {
            let names = Arc::new(Fixed(addresses.clone()));
            let resolver = Resolver::new(names, reach(&[], true));
            let found = resolver.resolve("crm.example").await;
            assert_eq!(found.is_ok(), reached, "{addresses:?}");
        }
    }
}
