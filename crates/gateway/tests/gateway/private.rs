//! Hosts that lead into the network the gateway runs in.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_gateway::{Looked, Names};
use doorward_policy::Grant;

use crate::door::{Door, Setup, get};
use crate::upstream::Upstream;

/// Every host has these addresses.
struct Says(Vec<IpAddr>, AtomicUsize);

impl Names for Says {
    fn look_up<'a>(&'a self, _: &'a str) -> Looked<'a> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let addresses = self.0.clone();
        Box::pin(async move { Ok(addresses) })
    }
}

/// Calls a workspace at a name that leads to a service of this machine: what the caller is told, and
/// whether the service was connected to.
async fn call(live: bool, addresses: &[&str]) -> (u16, bool, usize) {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    service.set_nonblocking(true).unwrap();
    let port = service.local_addr().unwrap().port();
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let names = Arc::new(Says(addresses, AtomicUsize::new(0)));
    let unused = Upstream::plain().await;
    let setup = Setup {
        base_url: Some(format!("https://api.rebound.example:{port}")),
        live,
        names: Some(names.clone()),
        limits: doorward_gateway::Limits {
            response_head: std::time::Duration::from_secs(1),
            ..doorward_gateway::Limits::default()
        },
        ..Setup::default()
    };
    let mut door = Door::open_with(&unused, setup).await;
    let key = door.client("reader", Grant::for_use_case("analytics-dashboard"));
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    let connected = service.accept().is_ok();
    (answer.status, connected, names.1.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_live_workspace_at_a_private_address_is_not_connected_to() {
    for addresses in [&["127.0.0.1"][..], &["104.18.0.1", "127.0.0.1"]] {
        let (status, connected, asked) = call(true, addresses).await;
        assert_eq!((status, connected), (502, false), "{addresses:?}");
        assert!(asked > 0, "these names are asked");
    }
}

/// What shows that the above would have connected.
#[tokio::test]
async fn a_sandbox_may_be_anywhere() {
    let (_, connected, _) = call(false, &["127.0.0.1"]).await;
    assert!(connected);
}
