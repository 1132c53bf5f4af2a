//! Requests about the block list: addresses and domains that are never written to.
//!
//! It is read a stretch at a time and changed in bulks of a thousand. Instantly's call that empties
//! it is never made.

mod acts;
mod change;
mod look;
mod types;

pub(crate) use types::{
    BULK_MAX, BlockAdd, BlockAdded, BlockFind, BlockPage, BlockRemove, BlockView,
};
use types::{BlockRemoved, BlockStretch};

routed_calls! {
    BlockPage, "block-list/page" => BlockStretch;
    BlockFind, "block-list/find" => Vec<BlockView>;
    BlockAdd, "block-list/add" => BlockAdded;
    BlockRemove, "block-list/remove" => BlockRemoved;
}
