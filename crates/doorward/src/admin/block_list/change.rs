//! Adding and removing, in bulks.

use std::collections::BTreeSet;

use doorward_catalog::Op;
use doorward_posture::block::BlockValue;
use tokio::runtime::Handle as Runtime;

use super::types::{BULK_MAX, BlockAdd, BlockAdded, BlockRemove, BlockRemoved};
use crate::admin::error::AdminError;
use crate::admin::reaching::not_done;
use crate::admin::service::{Admin, Handle};

/// Most characters of an id.
const ID_MAX: usize = 128;

impl Handle<BlockAdd> for Admin {
    fn handle(&self, call: BlockAdd) -> Result<BlockAdded, AdminError> {
        in_bounds(call.values.len())?;
        let values = call.values.iter().map(|text| BlockValue::parse(text));
        let values: BTreeSet<BlockValue> = values
            .collect::<Result<_, _>>()
            .map_err(AdminError::usage)?;
        let values: Vec<String> = values.into_iter().map(BlockValue::into_string).collect();
        let workspace = self.workspace(call.workspace.as_deref())?;
        let operations = [Op::CreateblukBlockListEntry];
        let client = self.client_for(&workspace, &operations, "add to the block list")?;
        let made = Runtime::current().block_on(client.block_list().create_many(&values));
        let made = made.map_err(|error| not_done("add to the block list", &error))?;
        Ok(BlockAdded {
            added: made.valid_count,
            refused: made.invalid_count,
        })
    }
}

impl Handle<BlockRemove> for Admin {
    fn handle(&self, call: BlockRemove) -> Result<BlockRemoved, AdminError> {
        in_bounds(call.ids.len())?;
        let fits = |id: &String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            !id.is_empty() && id.len() <= ID_MAX && id.chars().all(plain)
        };
        if !call.ids.iter().all(fits) {
            return Err(AdminError::usage(
                "entries are removed by their ids, as `doorward blocklist list --json` has them",
            ));
        }
        let workspace = self.workspace(call.workspace.as_deref())?;
        let operations = [Op::DeletebulkBlockListEntry];
        let client = self.client_for(&workspace, &operations, "remove from the block list")?;
        let gone = Runtime::current().block_on(client.block_list().delete_many(&call.ids));
        let gone = gone.map_err(|error| not_done("remove from the block list", &error))?;
        Ok(BlockRemoved {
            removed: gone.len() as u64,
        })
    }
}

fn in_bounds(count: usize) -> Result<(), AdminError> {
    if (1..=BULK_MAX).contains(&count) {
        return Ok(());
    }
    Err(AdminError::usage(format_args!(
        "1 to {BULK_MAX} values are changed at once"
    )))
}
