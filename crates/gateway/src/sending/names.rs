//! What a workspace's host resolves to: looked up, judged, and connected to, without asking twice.
//!
//! Whoever can change a name's addresses (a rebound name, a poisoned resolver) must not turn the
//! gateway, and an upstream key, to a service of the network it runs in. So a live workspace's host
//! has to be of the public internet with every address it has; what was judged is what is connected
//! to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use doorward_catalog::reach::{is_public, is_this_machine, literal};
use doorward_policy::WorkspaceKind;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower_service::Service;

/// Most addresses of a host that are looked at; one with more is refused.
const ADDRESSES_MAX: usize = 64;

/// Addresses of a host, or why there are none.
pub type Looked<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks hosts up by name. The gateway asks for each connection, and once for those that are made
/// side by side.
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

/// Which addresses a workspace's host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// This machine's, as the base URL says in so many words.
    Here,
    /// Those of the public internet.
    Public,
    /// Any: a sandbox, or the operator said so by `plain_http`.
    Anywhere,
}

impl Reach {
    /// Of the host of a base URL.
    ///
    /// # Errors
    /// When the host is an address that may not be reached, or none at all.
    pub(crate) fn of(
        host: &str,
        kind: WorkspaceKind,
        plain_http: bool,
    ) -> Result<Self, &'static str> {
        if is_this_machine(host) {
            return Ok(Self::Here);
        }
        let address = literal(host);
        if host.starts_with('[') && address.is_none() {
            return Err("what stands in brackets is no IPv6 address");
        }
        if plain_http || kind == WorkspaceKind::Sandbox {
            return Ok(Self::Anywhere);
        }
        match address {
            Some(address) if !is_public(address) => Err(
                "its address is of a private network, where Instantly is not; add a sandbox with \
                 --sandbox, or let it be with gateway.plain_http",
            ),
            _ => Ok(Self::Public),
        }
    }
}

/// Resolves the host of one workspace.
#[derive(Clone)]
pub(crate) struct Resolver {
    names: Arc<dyn Names>,
    reach: Reach,
    flight: Arc<Flight>,
}

/// One question at a time: whoever comes meanwhile waits for its answer, when that was given.
type Flight = Mutex<Option<(Instant, Result<Vec<IpAddr>, io::ErrorKind>)>>;

/// Who waited for an answer takes it that long.
const FRESH: Duration = Duration::from_secs(1);

impl Resolver {
    pub(crate) fn new(names: Arc<dyn Names>, reach: Reach) -> Self {
        Self {
            names,
            reach,
            flight: Arc::default(),
        }
    }

    async fn look_up(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut flight = match self.flight.try_lock() {
            Ok(free) => free,
            Err(_) => {
                let flight = self.flight.lock().await;
                if let Some((at, found)) = &*flight
                    && at.elapsed() < FRESH
                {
                    return found.clone().map_err(io::Error::from);
                }
                flight
            }
        };
        *flight = None;
        let found = self.names.look_up(host).await;
        let told = match &found {
            Ok(found) => Ok(found.clone()),
            Err(error) => Err(error.kind()),
        };
        *flight = Some((Instant::now(), told));
        found
    }

    /// The addresses to connect to, with port 0.
    ///
    /// # Errors
    /// When there are none, or one of them may not be reached. Nothing is connected to then.
    pub(crate) async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let found = match self.reach {
            // Nobody is asked for the one name that is known.
            Reach::Here => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Reach::Public | Reach::Anywhere => self.look_up(host).await?,
        };
        if found.is_empty() || found.len() > ADDRESSES_MAX {
            return Err(io::Error::other("the host has no address, or too many"));
        }
        let kept_out = match self.reach {
            Reach::Public => found.iter().find(|address| !is_public(**address)),
            Reach::Here | Reach::Anywhere => None,
        };
        if let Some(address) = kept_out {
            tracing::warn!(
                host,
                %address,
                "nothing is sent to the workspace's host: it has an address of a private network, \
                 where Instantly is not"
            );
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the host has an address of a private network",
            ));
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A host with one set of addresses at the first question and another at the next.
    struct Rebound {
        answers: Vec<Vec<&'static str>>,
        asked: AtomicUsize,
    }

    impl Names for Rebound {
        fn look_up<'a>(&'a self, _: &'a str) -> Looked<'a> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let answer = &self.answers[asked.min(self.answers.len() - 1)];
            let answer = answer.iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(answer) })
        }
    }

    fn names(answers: &[&[&'static str]]) -> Arc<Rebound> {
        Arc::new(Rebound {
            answers: answers.iter().map(|answer| answer.to_vec()).collect(),
            asked: AtomicUsize::new(0),
        })
    }

    #[tokio::test]
    async fn a_host_of_the_internet_is_so_with_every_address() {
        for (answer, public) in [
            (&["104.18.0.1", "2606:4700::6812:1"][..], true),
            (&["104.18.0.1", "10.0.0.1"], false),
            (&["104.18.0.1", "2606:4700::6812:1", "::1"], false),
            (&["169.254.169.254"], false),
            (&["::ffff:127.0.0.1"], false),
            (&[], false),
            (&["104.18.0.1"; ADDRESSES_MAX + 1], false),
        ] {
            let resolver = Resolver::new(names(&[answer]), Reach::Public);
            let found = resolver.resolve("api.example").await;
            assert_eq!(found.is_ok(), public, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_anew_each_time_it_is_asked_for_and_asked_for_once() {
        let asked = names(&[&["104.18.0.1"], &["127.0.0.1"]]);
        let mut resolver = Resolver::new(asked.clone(), Reach::Public);
        let name = || "api.example".parse::<Name>().unwrap();
        let first: Vec<_> = resolver.call(name()).await.unwrap().collect();
        assert_eq!(first, ["104.18.0.1:0".parse().unwrap()]);
        assert_eq!(asked.asked.load(Ordering::SeqCst), 1);
        let second = resolver.call(name()).await.unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::PermissionDenied);
    }

    /// Answers when it is let to.
    struct Slow(tokio::sync::Semaphore, AtomicUsize);

    impl Names for Slow {
        fn look_up<'a>(&'a self, _: &'a str) -> Looked<'a> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                self.0.acquire().await.unwrap().forget();
                Ok(vec!["104.18.0.1".parse().unwrap()])
            })
        }
    }

    #[tokio::test]
    async fn those_who_connect_side_by_side_ask_once() {
        let slow = Arc::new(Slow(tokio::sync::Semaphore::new(0), AtomicUsize::new(0)));
        let resolver = Resolver::new(slow.clone(), Reach::Public);
        let all: Vec<_> = (0..100)
            .map(|_| {
                let resolver = resolver.clone();
                tokio::spawn(async move { resolver.resolve("api.example").await.unwrap() })
            })
            .collect();
        tokio::task::yield_now().await;
        slow.0.add_permits(1);
        for one in all {
            assert_eq!(one.await.unwrap(), ["104.18.0.1:0".parse().unwrap()]);
        }
        assert_eq!(slow.1.load(Ordering::SeqCst), 1);
        // Who gives up in the middle holds nobody up.
        let given_up = tokio::spawn({
            let resolver = resolver.clone();
            async move { resolver.resolve("api.example").await.is_ok() }
        });
        tokio::task::yield_now().await;
        given_up.abort();
        let _ = given_up.await;
        slow.0.add_permits(1);
        assert!(resolver.resolve("api.example").await.is_ok());
        assert_eq!(slow.1.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn this_machine_is_known_without_asking() {
        let asked = names(&[&["104.18.0.1"]]);
        let here = Resolver::new(asked.clone(), Reach::Here);
        let found = here.resolve("localhost").await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(asked.asked.load(Ordering::SeqCst), 0);
        let anywhere = Resolver::new(names(&[&["10.0.0.1"]]), Reach::Anywhere);
        assert!(anywhere.resolve("sandbox").await.is_ok());
    }

    #[test]
    fn how_far_a_base_url_may_reach() {
        let of = |host, kind, plain_http| Reach::of(host, kind, plain_http).ok();
        for (host, live) in [
            ("api.instantly.ai", Some(Reach::Public)),
            ("104.18.0.1", Some(Reach::Public)),
            ("localhost", Some(Reach::Here)),
            ("[::1]", Some(Reach::Here)),
            ("localhost.", Some(Reach::Public)),
            ("0x7f.1", Some(Reach::Public)),
            ("10.0.0.1", None),
            ("169.254.169.254", None),
            ("[fd00:ec2::254]", None),
            ("[::ffff:10.0.0.1]", None),
            ("[127.0.0.1]", None),
        ] {
            assert_eq!(of(host, WorkspaceKind::Live, false), live, "{host}");
            let wide = match host {
                "localhost" | "[::1]" => Some(Reach::Here),
                "[127.0.0.1]" => None,
                _ => Some(Reach::Anywhere),
            };
            assert_eq!(of(host, WorkspaceKind::Live, true), wide, "{host}");
            assert_eq!(of(host, WorkspaceKind::Sandbox, false), wide, "{host}");
        }
    }
}
