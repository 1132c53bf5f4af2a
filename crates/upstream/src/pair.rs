//! The reader/writer pair of the service-account pattern: one client, two keys.

use doorward_catalog::ScopeSet;
use secrecy::SecretString;

use crate::client::Client;
use crate::error::Error;
use crate::probe::Liveness;

/// A key and the scopes it is known to have.
#[derive(Debug, Clone)]
pub struct ScopedKey {
    /// The upstream key.
    pub key: SecretString,
    /// Its scopes, as given on creation or found by [`Client::probe`].
    pub scopes: ScopeSet,
}

/// Two keys for one client: a narrow one to read with, and one that writes. Each call goes out
/// under the narrowest key that covers it; a call that neither covers is refused before it is sent,
/// with both named.
///
/// Give it to [`ClientBuilder::reader_writer`](crate::ClientBuilder::reader_writer):
///
/// ```
/// use doorward_upstream::{Client, ReaderWriter, ScopedKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pair = ReaderWriter {
///     reader: ScopedKey { key: "reader-key".into(), scopes: "campaigns:read".parse()? },
///     writer: ScopedKey { key: "writer-key".into(), scopes: "leads:create".parse()? },
/// };
/// let client = Client::builder()
///     .base_url("http://127.0.0.1:4010")
///     .reader_writer(pair)
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ReaderWriter {
    /// The key that reads.
    pub reader: ScopedKey,
    /// The key that writes.
    pub writer: ScopedKey,
}

impl ReaderWriter {
    /// Finds both keys' scopes by [`Client::probe`], over the connections of a client at hand. Where
    /// a probe only finds scopes that the key has at least, those are counted on.
    ///
    /// # Errors
    /// [`Error::Config`] when a key can't be sent, is dead, or its scopes can't be found.
    pub async fn discover(
        client: &Client,
        reader: SecretString,
        writer: SecretString,
    ) -> Result<ReaderWriter, Error> {
        Ok(ReaderWriter {
            reader: scoped(client, "reader key", reader).await?,
            writer: scoped(client, "writer key", writer).await?,
        })
    }
}

async fn scoped(
    client: &Client,
    what: &'static str,
    key: SecretString,
) -> Result<ScopedKey, Error> {
    let probe = client.with_key(key.clone())?.probe().await;
    let why = match (probe.alive, probe.scopes) {
        (_, Some(scopes)) => return Ok(ScopedKey { key, scopes }),
        (Liveness::Dead, None) => "it is dead".to_owned(),
        (Liveness::Alive, None) => "its scopes can't be found".to_owned(),
        (Liveness::Unknown { why }, None) => why,
    };
    Err(Error::Config { what, why })
}
