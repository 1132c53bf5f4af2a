//! What is recorded of requests about the block list: how many, never who.

use doorward_ledger::Event;

use super::types::{BlockAdd, BlockAdded, BlockFind, BlockPage, BlockRemove, BlockRemoved};
use crate::admin::deeds::{Acts, Deed};

impl Acts for BlockPage {}
impl Acts for BlockFind {}

fn on_list(action: &str, workspace: Option<&String>, values: usize) -> Deed {
    Deed::new(action, "block_list", Event::Admin)
        .with("workspace", &workspace)
        .with("values", &values)
}

impl Acts for BlockAdd {
    fn deed(&self) -> Option<Deed> {
        let workspace = self.workspace.as_ref();
        Some(on_list("block_list.add", workspace, self.values.len()))
    }

    fn complete(deed: &mut Deed, answer: &BlockAdded) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("added".to_owned(), answer.added.into());
        metadata.insert("refused".to_owned(), answer.refused.into());
    }
}

impl Acts for BlockRemove {
    fn deed(&self) -> Option<Deed> {
        let workspace = self.workspace.as_ref();
        Some(on_list("block_list.remove", workspace, self.ids.len()))
    }

    fn complete(deed: &mut Deed, answer: &BlockRemoved) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("removed".to_owned(), answer.removed.into());
    }
}
