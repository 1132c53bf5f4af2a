//! Tiles and entry bundles (C2SP tlog-tiles): the tree in files of up to 256 hashes, the leaves in
//! files of up to 256 leaves.

mod build;
mod bundle;
mod name;
mod nodes;
mod source;

pub use build::{TileBuilder, tiles_between};
pub use bundle::{MAX_BUNDLE_BYTES, append_to_bundle, bundle_leaves};
pub use name::{Tile, TileKind};
pub use nodes::TileNodes;
pub use source::{CHECKPOINT_PATH, Directory, TileSource};

pub(crate) use name::{hashes_of, tile_root};
pub(crate) use source::read_prefix;

/// Hashes in a full tile, leaves in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Levels of the tree in one tile.
const TILE_HEIGHT: u32 = 8;
