//! The block list as Instantly has it.

use doorward_catalog::Op;
use doorward_catalog::wire::BlockListEntry;
use doorward_posture::block::BlockValue;
use doorward_upstream::resources::BlockListFilter;
use tokio::runtime::Handle as Runtime;

use super::types::{BlockFind, BlockPage, BlockStretch, BlockView};
use crate::admin::error::AdminError;
use crate::admin::reaching::told;
use crate::admin::service::{Admin, Handle};

/// Most pages of Instantly's in one stretch.
const PAGES_MAX: usize = 50;
/// Most values that are looked for one by one.
const FOUND_MAX: usize = 50;
/// Most entries that are looked through for one value.
const LIKE_MAX: usize = 10_000;

impl Handle<BlockPage> for Admin {
    fn handle(&self, call: BlockPage) -> Result<BlockStretch, AdminError> {
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client =
            self.client_for(&workspace, &[Op::ListBlockListEntry], "read the block list")?;
        let filter = BlockListFilter {
            domains_only: call.domains_only.then_some(true),
            search: call.search,
        };
        let mut pages = client.block_list().pages(&filter, call.after.as_deref());
        let mut stretch = BlockStretch {
            workspace: workspace.name.clone(),
            entries: Vec::new(),
            next: None,
        };
        Runtime::current().block_on(async {
            for _ in 0..PAGES_MAX {
                let Some(page) = pages.next().await else {
                    stretch.next = None;
                    return Ok(stretch);
                };
                let page = page.map_err(unread)?;
                stretch.entries.extend(page.items.iter().map(BlockView::of));
                stretch.next = page.next_starting_after;
                if stretch.next.is_none() {
                    break;
                }
            }
            Ok(stretch)
        })
    }
}

impl Handle<BlockFind> for Admin {
    fn handle(&self, call: BlockFind) -> Result<Vec<BlockView>, AdminError> {
        if call.values.len() > FOUND_MAX {
            return Err(AdminError::usage(format_args!(
                "at most {FOUND_MAX} values are looked for one by one"
            )));
        }
        let workspace = self.workspace(call.workspace.as_deref())?;
        let client =
            self.client_for(&workspace, &[Op::ListBlockListEntry], "read the block list")?;
        let mut found: Vec<BlockView> = Vec::new();
        for value in &call.values {
            let value = BlockValue::parse(value).map_err(AdminError::usage)?;
            let filter = BlockListFilter {
                domains_only: None,
                search: Some(value.as_str().to_owned()),
            };
            let listed = client.block_list().list(&filter).all(LIKE_MAX);
            let like = Runtime::current().block_on(listed).map_err(unread)?;
            let is_it = |entry: &&BlockListEntry| {
                BlockValue::parse(&entry.bl_value).is_ok_and(|there| there == value)
            };
            for entry in like.iter().filter(is_it) {
                if !found.iter().any(|known| known.id == entry.id) {
                    found.push(BlockView::of(entry));
                }
            }
        }
        Ok(found)
    }
}

fn unread(error: doorward_upstream::Error) -> AdminError {
    AdminError::failed(format_args!("the block list can't be read: {error}"))
}

impl BlockView {
    fn of(entry: &BlockListEntry) -> Self {
        Self {
            id: told(&entry.id),
            value: told(&entry.bl_value),
            added_at: told(&entry.timestamp_created),
        }
    }
}
