//! API keys.

use doorward_catalog::wire::ApiKey;
use doorward_catalog::{Op, ScopeSet};
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::Items;

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewApiKey {
    /// Name; it can't be changed.
    pub name: String,
    /// Scopes; they can't be changed. Only those of [`doorward_catalog::Scope::is_assignable`].
    pub scopes: ScopeSet,
}

/// Calls on the workspace's API keys.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's API keys.
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys { client: self }
    }
}

impl ApiKeys<'_> {
    /// Makes a key. Its value is in this answer and never again.
    ///
    /// # Errors
    /// See [`Client::send`]. After [`Error::OutcomeUnknown`] there may be a key whose value nobody
    /// has: find it by name in [`ApiKeys::list`] and delete it.
    pub async fn create(&self, new: &NewApiKey) -> Result<ApiKey, Error> {
        let call = Call::new(Op::CreateAPIKey).json(new)?;
        self.client.fetch(call).await
    }

    /// Every key; values may be masked or not.
    pub fn list(&self) -> Items<ApiKey> {
        self.client.items(Call::new(Op::ListAPIKey))
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete(&self, id: &str) -> Result<ApiKey, Error> {
        self.client
            .fetch(Call::new(Op::DeleteAPIKey).param(id))
            .await
    }
}
