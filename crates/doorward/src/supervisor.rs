//! Telling whoever supervises the process, such as systemd, how far it is (sd_notify).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Names the socket that is told.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// Everything answers.
pub(crate) fn ready() {
    tell("READY=1");
}

/// The process is about to end.
pub(crate) fn ending() {
    tell("STOPPING=1");
}

fn tell(state: &str) {
    let Some(name) = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()) else {
        return;
    };
    if let Err(error) = send(&name, state) {
        tracing::warn!(%error, "whoever supervises this process could not be told: {state}");
    }
}

/// Sends a datagram to a path, or to an abstract name that begins with `@`.
fn send(name: &str, state: &str) -> io::Result<()> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?
        .send_to_addr(state.as_bytes(), &address)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_an_abstract_name_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let hidden = format!("doorward-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&hidden).unwrap();
        for (name, socket) in [
            (path.to_str().unwrap(), UnixDatagram::bind(&path).unwrap()),
            (
                &format!("@{hidden}"),
                UnixDatagram::bind_addr(&address).unwrap(),
            ),
        ] {
            send(name, "READY=1").unwrap();
            let mut told = [0; 16];
            let length = socket.recv(&mut told).unwrap();
            assert_eq!(&told[..length], b"READY=1");
        }
        assert!(send("/nowhere/at/all", "READY=1").is_err());
    }
}
