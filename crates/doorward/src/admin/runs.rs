//! What `doorward run` tells of.

use doorward_ledger::Event;
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle};

/// A command that was run as a client wanted to go where it may not.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TunnelRefused {
    /// The client.
    pub(crate) client: String,
    /// Where to.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

impl Acts for TunnelRefused {
    fn deed(&self) -> Option<Deed> {
        Some(
            Deed::new("run.tunnel_refused", "host", Event::Admin)
                .id("client", &self.client)
                .id("host", &self.host)
                .with("port", &self.port),
        )
    }
}

/// To record it is all there is to do.
impl Handle<TunnelRefused> for Admin {
    fn handle(&self, _: TunnelRefused) -> Result<(), AdminError> {
        Ok(())
    }
}
