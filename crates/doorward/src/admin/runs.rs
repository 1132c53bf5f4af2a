//! What `doorward run` tells of: that it hands out a key, and where its command may not go.

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

/// A command is about to be run as a client, with a key of the client's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunStart {
    /// The client.
    pub(crate) client: String,
    /// Id of the key that was issued for it; none for a client of the demo, whose key is handed out
    /// again.
    pub(crate) key_id: Option<String>,
    /// Name of the program, without its folder.
    pub(crate) program: String,
}

impl Acts for RunStart {
    fn deed(&self) -> Option<Deed> {
        Some(
            Deed::new("run.start", "client", Event::Admin)
                .of_client_named(&self.client)
                .with("key_id", &self.key_id)
                .with("program", &self.program),
        )
    }
}

/// To record it is all there is to do.
impl Handle<RunStart> for Admin {
    fn handle(&self, _: RunStart) -> Result<(), AdminError> {
        Ok(())
    }
}
