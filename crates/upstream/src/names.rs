//! What hosts resolve to, where that matters.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use doorward_catalog::reach::is_public;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Resolves `localhost`, the only name that plain http may go to, without asking anybody.
#[derive(Clone)]
pub(crate) struct Localhost;

impl Service<Name> for Localhost {
    type Response = std::array::IntoIter<SocketAddr, 2>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let here = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        std::future::ready(Ok(here.map(|ip| SocketAddr::new(ip, 0)).into_iter()))
    }
}

/// Resolves by the system, and may refuse a host that has an address outside the public internet:
/// what was judged is what is connected to.
#[derive(Clone)]
pub(crate) struct Public {
    only: bool,
}

impl Public {
    /// One that refuses such hosts, or none.
    pub(crate) fn when(only: bool) -> Self {
        Self { only }
    }
}

impl Service<Name> for Public {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let only = self.only;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if only && !found.iter().all(|address| is_public(address.ip())) {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the host has an address of a private network, where Instantly is not",
                ));
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_private_host_is_refused_where_only_public_ones_are_wanted() {
        // The system knows this name, as any machine's own.
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Public::when(false).call(name()).await.is_ok());
        let refused = Public::when(true).call(name()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
