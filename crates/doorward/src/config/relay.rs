//! Settings of the relay.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::non_empty;
use super::reader::TableReader;

/// Most networks in a list.
const NETWORKS_MAX: usize = 64;

/// The relay's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayConfig {
    /// Address that webhooks come in at; the relay is off without.
    pub(crate) listen: Option<SocketAddr>,
    /// Certificates of that address; it speaks plain HTTP without.
    pub(crate) tls: Option<RelayTls>,
    /// Where it is reached from outside.
    pub(crate) public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Networks that destinations may be in, though they are private.
    pub(crate) allow_private: Vec<IpNet>,
    /// Largest body of a delivery, in bytes.
    pub(crate) body_bytes: usize,
    /// Days that events are kept.
    pub(crate) keep_days: usize,
    /// Most MiB of events that are kept.
    pub(crate) keep_mib: usize,
}

/// Certificates of the relay's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelayTls {
    /// File of the certificates, the server's first; relative to the configuration's folder.
    pub(crate) cert: PathBuf,
    /// File of its private key; the same.
    pub(crate) key: PathBuf,
    /// File of the authorities that a sender's own certificate must be from; none asks for none.
    pub(crate) client_ca: Option<PathBuf>,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            listen: None,
            tls: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            allow_private: Vec::new(),
            body_bytes: 5 * 1024 * 1024,
            keep_days: 30,
            keep_mib: 10_240,
        }
    }
}

impl RelayTls {
    /// Makes the files' paths those of a folder, where they are relative.
    pub(super) fn below(&mut self, folder: &Path) {
        let Self {
            cert,
            key,
            client_ca,
        } = self;
        for path in [Some(cert), Some(key), client_ca.as_mut()]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&*path);
        }
    }
}

impl RelayConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("listen", &mut self.listen, |text| {
            let parsed = text.parse().map(Some);
            parsed.map_err(|_| "write an address like 127.0.0.1:4181".to_owned())
        });
        table.text("public_url", &mut self.public_url, |text| {
            non_empty(text).map(|text| Some(text.to_owned()))
        });
        for (name, into) in [
            ("trusted_proxies", &mut self.trusted_proxies),
            ("allow_private", &mut self.allow_private),
        ] {
            table.texts(name, into, network);
            if into.len() > NETWORKS_MAX {
                table.missing(name, "a list has 64 networks at the most");
            }
        }
        table.number("body_bytes", &mut self.body_bytes, 65_536..=67_108_864);
        table.number("keep_days", &mut self.keep_days, 1..=3_650);
        table.number("keep_mib", &mut self.keep_mib, 16..=16_777_216);
        let (mut cert, mut key, mut client_ca) = (PathBuf::new(), PathBuf::new(), None);
        let path = |text: &str| non_empty(text).map(PathBuf::from);
        let there = table.table("tls", |table| {
            table.text("cert", &mut cert, path);
            table.text("key", &mut key, path);
            table.text("client_ca", &mut client_ca, |text| path(text).map(Some));
            for (name, path) in [("cert", &cert), ("key", &key)] {
                if path.as_os_str().is_empty() {
                    table.missing(name, "say in which file it is, in PEM form");
                }
            }
        });
        self.tls = there.then_some(RelayTls {
            cert,
            key,
            client_ca,
        });
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<std::net::IpAddr>().map(IpNet::from);
    one.or_else(|_| text.parse())
        .map_err(|_| "write a network like 10.0.0.0/8, or an address".to_owned())
}
