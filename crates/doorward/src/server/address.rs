//! Where the gateway is reached.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::commands::cannot_listen;
use crate::exit::Failure;

/// Takes the gateway's address.
///
/// # Errors
/// When it is not to be had.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen("the gateway", &address.to_string(), &error))
}

/// The address of a listener, for those on this machine.
///
/// # Errors
/// When the system does not tell it.
pub(super) fn url_of(listener: &TcpListener) -> Result<String, Failure> {
    let mut address = listener.local_addr().map_err(Failure::failed)?;
    // Who listens everywhere is reached here.
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(format!("http://{address}"))
}
