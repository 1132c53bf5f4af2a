//! The proxy of one run: for the holder of its credential, on this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::hosts::{Hosts, Way};
use super::passing::{ProxyBody, Tunnel, forward, open, refusal, to_gateway, to_host, unreachable};
use super::strangers::{Guest, Strangers};
use super::target::{PATIENCE, Target};
use crate::exit::Failure;

/// The user's name in the proxy's URL.
const USER: &str = "run";
/// Connections of the command open at once; more wait.
const CONNECTIONS: usize = 512;
/// Refusals that wait to be told; more are dropped.
const QUEUE: usize = 64;
/// Most bytes of a head.
const HEAD_MAX: usize = 16 * 1024;

/// A connection that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Refused {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A proxy that runs until this is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    credential: Zeroizing<String>,
    running: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

struct Inner {
    /// The one value of `Proxy-Authorization` that is taken.
    authorization: Zeroizing<String>,
    hosts: Hosts,
    target: Target,
    tls: Arc<ServerConfig>,
    refused: mpsc::Sender<Refused>,
    strangers: Strangers,
    room: Arc<Semaphore>,
}

impl Proxy {
    /// Starts one on a port of this machine's own. What it refuses is told on the receiver.
    ///
    /// # Errors
    /// When there is no port, or no random bytes.
    pub(crate) async fn start(
        hosts: Hosts,
        target: Target,
        tls: Arc<ServerConfig>,
    ) -> Result<(Self, mpsc::Receiver<Refused>), Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|error| Failure::failed(format_args!("can't start the proxy: {error}")))?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let random = crate::secret::random::<32>()?;
        let credential: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let pair = Zeroizing::new(format!("{USER}:{credential}"));
        let (refused, told) = mpsc::channel(QUEUE);
        let inner = Arc::new(Inner {
            authorization: STANDARD.encode(pair.as_bytes()).into(),
            hosts,
            target,
            tls,
            refused,
            strangers: Strangers::default(),
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        });
        let running = tokio::spawn(inner.serve(listener)).abort_handle();
        let proxy = Self {
            address,
            credential: credential.into(),
            running,
        };
        Ok((proxy, told))
    }

    /// Its URL, with the credential in it.
    pub(crate) fn url(&self) -> Zeroizing<String> {
        format!("http://{USER}:{}@{}", *self.credential, self.address).into()
    }

    /// Its address.
    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        // Dropped with this future, so that all ends with the run.
        let mut connections = JoinSet::new();
        loop {
            // Only who has shown the credential takes a place.
            if self.room.acquire().await.is_err() {
                return;
            }
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let inner = Arc::clone(&self);
            connections.spawn(async move {
                let guest = inner.strangers.enter();
                inner.connection(stream, &guest).await;
                inner.strangers.leave(&guest);
            });
        }
    }

    /// One connection: requests in absolute form one after the other, or a tunnel to its end.
    async fn connection(self: &Arc<Self>, stream: TcpStream, guest: &Arc<Guest>) {
        let _ = stream.set_nodelay(true);
        let (tunnels, mut opened) = mpsc::channel(1);
        let service = service_fn(|request: Request<Incoming>| {
            let (inner, tunnels, guest) = (Arc::clone(self), tunnels.clone(), Arc::clone(guest));
            async move { Ok::<_, Infallible>(inner.answer(request, &tunnels, &guest).await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(HEAD_MAX);
        let serving = builder
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::select! {
            _ = serving => {}
            () = guest.must_go() => return,
        }
        if let Ok(tunnel) = opened.try_recv() {
            tunnel.await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        tunnels: &mpsc::Sender<Tunnel>,
        guest: &Arc<Guest>,
    ) -> Response<ProxyBody> {
        if !self.is_known(request.headers()) {
            let mut response = refusal(
                StatusCode::PROXY_AUTHENTICATION_REQUIRED,
                "this proxy is of one run of `doorward run`, and takes that run's own credential",
            );
            let challenge = HeaderValue::from_static("Basic realm=\"doorward run\"");
            response.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
            return response;
        }
        if !guest.is_known() {
            guest.know();
            self.strangers.leave(guest);
            if let Ok(place) = Arc::clone(&self.room).acquire_owned().await {
                guest.seat(place);
            }
        }
        let Some(authority) = request.uri().authority() else {
            return refusal(
                StatusCode::BAD_REQUEST,
                "this is a proxy: ask it for a whole URL, or to CONNECT",
            );
        };
        let connect = request.method() == Method::CONNECT;
        let https = connect || request.uri().scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        match self.hosts.way(authority.host(), port) {
            Way::Gateway(_) if connect => match self.target.reach().await {
                Ok(reached) => {
                    let tls = Arc::clone(&self.tls);
                    open(tunnels, Box::pin(to_gateway(request, reached, tls)))
                }
                Err(error) => unreachable("the gateway", error),
            },
            Way::Through(host) if connect => {
                let connecting = TcpStream::connect((host.as_str(), port));
                match timeout(PATIENCE, connecting)
                    .await
                    .map_err(Into::into)
                    .flatten()
                {
                    Ok(stream) => open(tunnels, Box::pin(to_host(request, stream))),
                    Err(error) => unreachable(&host, error),
                }
            }
            // Some libraries say to a proxy of this machine what they would say within a tunnel.
            Way::Gateway(_) => match self.target.reach_by_http1().await {
                Ok(reached) => forward(request, reached.wire).await,
                Err(error) => unreachable("the gateway", error),
            },
            Way::Through(_) if https => refusal(
                StatusCode::NOT_IMPLEMENTED,
                "this proxy does not speak TLS for a program: let it CONNECT",
            ),
            Way::Through(host) => {
                let connecting = TcpStream::connect((host.as_str(), port));
                match timeout(PATIENCE, connecting)
                    .await
                    .map_err(Into::into)
                    .flatten()
                {
                    Ok(stream) => forward(request, Box::pin(stream)).await,
                    Err(error) => unreachable(&host, error),
                }
            }
            Way::Refused(host) => {
                let told = format!(
                    "{host}:{port} is not among the hosts of this run; to let it pass, say --allow \
                     {host}{}",
                    if port == 443 {
                        String::new()
                    } else {
                        format!(":{port}")
                    }
                );
                let _ = self.refused.try_send(Refused { host, port });
                refusal(StatusCode::FORBIDDEN, told)
            }
            Way::Malformed => refusal(StatusCode::BAD_REQUEST, "that is no host"),
        }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(PROXY_AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return false;
        };
        let Some((scheme, given)) = line.to_str().ok().and_then(|line| line.split_once(' ')) else {
            return false;
        };
        let same = given.trim().as_bytes().ct_eq(self.authorization.as_bytes());
        scheme.eq_ignore_ascii_case("basic") && bool::from(same)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::caller::GatewayUrl;

    async fn proxy(allowed: &[&str]) -> (Proxy, mpsc::Receiver<Refused>) {
        let hosts = Hosts {
            ours: ["api.instantly.ai".to_owned()].into(),
            allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
            all: false,
        };
        let url = GatewayUrl::parse("http://127.0.0.1:1").unwrap();
        let key = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap();
        let pem = (key.cert.pem(), key.signing_key.serialize_pem());
        let tls = doorward_gateway::Tls::of_pem(pem.0.as_bytes(), pem.1.as_bytes()).unwrap();
        Proxy::start(hosts, Target::new(&url).unwrap(), tls)
            .await
            .unwrap()
    }

    async fn asked(proxy: &Proxy, text: &str) -> String {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = timeout(PATIENCE, stream.read(&mut answer))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(answer[..read].to_vec()).unwrap()
    }

    fn authorization(proxy: &Proxy) -> String {
        let pair = format!("{USER}:{}", *proxy.credential);
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
    }

    #[tokio::test]
    async fn who_lacks_the_credential_gets_nowhere() {
        let (proxy, mut refused) = proxy(&["127.0.0.1:9"]).await;
        let wrong = STANDARD.encode(format!("{USER}:{}", "0".repeat(64)));
        let ours = authorization(&proxy);
        for line in [
            String::new(),
            format!("Proxy-Authorization: Basic {wrong}\r\n"),
            format!("Proxy-Authorization: Bearer {}\r\n", *proxy.credential),
            ours.replace("Proxy-", ""),
            format!("{ours}{ours}"),
        ] {
            for target in ["api.instantly.ai:443", "127.0.0.1:9", "elsewhere:443"] {
                let text = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{line}\r\n");
                let answer = asked(&proxy, &text).await;
                assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
            }
        }
        assert!(refused.try_recv().is_err());
    }

    /// Whoever else is on the machine opens connections and says nothing.
    #[tokio::test]
    async fn connections_without_the_credential_take_no_place() {
        let (proxy, _refused) = proxy(&[]).await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS + 8 {
            silent.push(TcpStream::connect(proxy.address()).await.unwrap());
        }
        let line = authorization(&proxy);
        let text = format!("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n{line}\r\n");
        let answered = timeout(PATIENCE / 2, asked(&proxy, &text)).await;
        assert!(answered.unwrap().starts_with("HTTP/1.1 403 "));
        // The first were sent away for those that came after.
        let first = timeout(PATIENCE, silent.remove(0).read(&mut [0; 1])).await;
        assert!(matches!(first, Ok(Ok(0) | Err(_))));
    }

    #[tokio::test]
    async fn nothing_but_what_is_allowed_is_tunnelled() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (proxy, mut refused) = proxy(&[&format!("127.0.0.1:{port}")]).await;
        let line = authorization(&proxy);
        let connect =
            |target: &str| format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{line}\r\n");
        let answer = asked(&proxy, &connect("elsewhere.example:443")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("--allow elsewhere.example"), "{answer}");
        let told = refused.recv().await.unwrap();
        assert_eq!((told.host.as_str(), told.port), ("elsewhere.example", 443));
        for (text, status) in [
            (connect("api.instantly.ai:22"), "403"),
            (connect("api.instantly.ai:443"), "502"),
            (format!("GET / HTTP/1.1\r\nHost: x\r\n{line}\r\n"), "400"),
            (
                format!("GET http://elsewhere/ HTTP/1.1\r\nHost: elsewhere\r\n{line}\r\n"),
                "403",
            ),
        ] {
            let answer = asked(&proxy, &text).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{text} {answer}"
            );
        }
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let text = connect(&format!("127.0.0.1:{port}"));
        stream.write_all(text.as_bytes()).await.unwrap();
        let (mut there, _) = listener.accept().await.unwrap();
        there.write_all(b"hello").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        drop(proxy);
        let mut rest = Vec::new();
        let ended = timeout(PATIENCE, there.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the tunnel ends with the run");
    }
}
