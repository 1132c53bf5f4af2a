//! The listeners with TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::non_empty;
use super::reader::TableReader;

/// A listener with a certificate of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsConfig {
    /// Address to listen on.
    pub(crate) listen: SocketAddr,
    /// File of the certificates, the server's first; relative to the configuration's folder.
    pub(crate) cert: PathBuf,
    /// File of its private key; the same.
    pub(crate) key: PathBuf,
}

impl TlsConfig {
    /// Makes the files' paths those of a folder, where they are relative.
    pub(super) fn below(&mut self, folder: &Path) {
        for path in [&mut self.cert, &mut self.key] {
            *path = folder.join(&*path);
        }
    }
}

fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    let parsed = text.parse().map(Some);
    parsed.map_err(|_| "write an address like 0.0.0.0:4443".to_owned())
}

/// Reads `[gateway.tls]`.
pub(super) fn read(table: &mut TableReader<'_, '_>) -> Option<TlsConfig> {
    let (mut listen, mut cert, mut key) = (None, PathBuf::new(), PathBuf::new());
    let path = |text: &str| non_empty(text).map(PathBuf::from);
    let there = table.table("tls", |table| {
        table.text("listen", &mut listen, address);
        table.text("cert", &mut cert, path);
        table.text("key", &mut key, path);
        if listen.is_none() {
            table.missing("listen", "say at which address TLS is spoken");
        }
        for (name, path) in [("cert", &cert), ("key", &key)] {
            if path.as_os_str().is_empty() {
                table.missing(name, "say in which file it is, in PEM form");
            }
        }
    });
    let listen = listen.filter(|_| there)?;
    Some(TlsConfig { listen, cert, key })
}

/// Reads `[gateway.instantly_host]`.
pub(super) fn read_instantly_host(table: &mut TableReader<'_, '_>) -> Option<SocketAddr> {
    let mut listen = None;
    table.table("instantly_host", |table| {
        table.text("listen", &mut listen, address);
        if listen.is_none() {
            table.missing("listen", "say at which address the host is mapped");
        }
    });
    listen
}
