//! The block list.

use doorward_catalog::Op;
use doorward_catalog::limits::BLOCK_LIST_BULK_MAX;
use doorward_catalog::wire::BlockListEntry;
use serde::Deserialize;
use serde_json::json;

use super::count;
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::{Items, Pages};

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockListFilter {
    /// Only domains, or only addresses.
    pub domains_only: Option<bool>,
    /// Only what has this text.
    pub search: Option<String>,
}

impl BlockListFilter {
    fn call(&self) -> Call {
        Call::new(Op::ListBlockListEntry)
            .maybe_query("domains_only", self.domains_only)
            .maybe_query("search", self.search.as_ref())
    }
}

/// What came of blocking many values at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BulkBlocked {
    /// The entries made.
    pub items: Vec<BlockListEntry>,
    /// Values taken.
    #[serde(deserialize_with = "count")]
    pub valid_count: u64,
    /// Values that are neither an address nor a domain.
    #[serde(deserialize_with = "count")]
    pub invalid_count: u64,
}

/// Calls on the workspace's block list.
#[derive(Debug, Clone, Copy)]
pub struct BlockList<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's block list.
    pub fn block_list(&self) -> BlockList<'_> {
        BlockList { client: self }
    }
}

impl BlockList<'_> {
    /// Entries.
    pub fn list(&self, filter: &BlockListFilter) -> Items<BlockListEntry> {
        self.client.items(filter.call())
    }

    /// Pages of entries, from behind a cursor that another walk has told.
    pub fn pages(&self, filter: &BlockListFilter, after: Option<&str>) -> Pages<BlockListEntry> {
        let call = filter.call().maybe_query("starting_after", after);
        self.client.pages(call)
    }

    /// Blocks an address or a domain.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn create(&self, value: &str) -> Result<BlockListEntry, Error> {
        let call = Call::new(Op::CreateBlockListEntry).json(&json!({ "bl_value": value }))?;
        self.client.fetch(call).await
    }

    /// Blocks 1 to 1,000 addresses and domains.
    ///
    /// # Errors
    /// [`Error::BadCall`] for another number; else see [`Client::send`].
    pub async fn create_many(&self, values: &[String]) -> Result<BulkBlocked, Error> {
        let call = Call::new(Op::CreateblukBlockListEntry);
        in_bounds(&call, values)?;
        self.client
            .fetch(call.json(&json!({ "bl_values": values }))?)
            .await
    }

    /// Removes 1 to 1,000 entries by id; what was removed.
    ///
    /// # Errors
    /// [`Error::BadCall`] for another number; else see [`Client::send`].
    pub async fn delete_many(&self, ids: &[String]) -> Result<Vec<BlockListEntry>, Error> {
        let call = Call::new(Op::DeletebulkBlockListEntry);
        in_bounds(&call, ids)?;
        self.client.fetch(call.json(&json!({ "ids": ids }))?).await
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete(&self, id: &str) -> Result<BlockListEntry, Error> {
        let call = Call::new(Op::DeleteBlockListEntry).param(id);
        self.client.fetch(call).await
    }
}

fn in_bounds(call: &Call, values: &[String]) -> Result<(), Error> {
    if (1..=BLOCK_LIST_BULK_MAX).contains(&values.len()) {
        Ok(())
    } else {
        Err(call.bad("it takes 1 to 1,000 values"))
    }
}
