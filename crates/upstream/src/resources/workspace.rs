//! The workspace itself.

use doorward_catalog::Op;
use doorward_catalog::wire::Workspace;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;

/// Calls on the key's own workspace, or the one of [`Client::as_workspace`].
#[derive(Debug, Clone, Copy)]
pub struct Workspaces<'a> {
    client: &'a Client,
}

impl Client {
    /// The key's workspace.
    pub fn workspace(&self) -> Workspaces<'_> {
        Workspaces { client: self }
    }
}

impl Workspaces<'_> {
    /// The workspace. Needs `workspaces:read`, so it is no test of a narrow key: that is
    /// [`Client::probe`].
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&self) -> Result<Workspace, Error> {
        self.client.fetch(Call::new(Op::GetWorkspace)).await
    }
}
