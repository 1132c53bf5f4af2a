//! What a tile is called, and what is in one.

use std::fmt;
use std::str::FromStr;

use super::{TILE_HEIGHT, TILE_WIDTH};
use crate::hash::node_hashes;
use crate::{Error, HASH_LEN, Hash, MAX_TREE_SIZE, Result};

/// What a file under `tile/` holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TileKind {
    /// Hashes of complete subtrees of 256^level leaves.
    Hashes {
        /// 0 to 7; level 0 holds leaf hashes.
        level: u8,
    },
    /// The leaves themselves.
    Entries,
}

/// A tile or an entry bundle. As text it is its path: `tile/0/x001/234`, `tile/entries/000.p/17`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The highest level that a tree can have: 256^8 is more than the most leaves.
    pub const MAX_LEVEL: u8 = 7;

    /// The tile of `kind` at `index`, with `width` hashes or leaves.
    ///
    /// # Errors
    ///
    /// When the level is above 7, the width is not 1 to 256, or no tree reaches so far.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self> {
        let fault = |why| Err(Error::malformed("the tile", why));
        let level = match kind {
            TileKind::Hashes { level } => level,
            TileKind::Entries => 0,
        };
        if level > Self::MAX_LEVEL {
            return fault("its level is above 7");
        }
        if width == 0 || u64::from(width) > TILE_WIDTH {
            return fault("its width is not 1 to 256");
        }
        if index > MAX_TREE_SIZE >> (TILE_HEIGHT * (u32::from(level) + 1)).min(63) {
            return fault("no tree reaches so far");
        }
        Ok(Self { kind, index, width })
    }

    /// The tile of `kind` at `index` in a tree of `size` leaves, as wide as it is there; `None` when
    /// it is empty there.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let level = match kind {
            TileKind::Hashes { level } => u32::from(level),
            TileKind::Entries => 0,
        };
        let hashes = size.checked_shr(TILE_HEIGHT * level)?;
        let width = hashes
            .checked_sub(index.checked_mul(TILE_WIDTH)?)?
            .min(TILE_WIDTH);
        Self::new(kind, index, u16::try_from(width).ok()?).ok()
    }

    /// What it holds.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Its place among the tiles of its level.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or leaves it holds: 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds 256.
    pub const fn is_full(&self) -> bool {
        self.width as u64 == TILE_WIDTH
    }

    /// The same tile once it is full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self {
            width: TILE_WIDTH as u16,
            ..self
        }
    }

    /// Index of the first leaf below it.
    pub const fn first_leaf(&self) -> u64 {
        let level = match self.kind {
            TileKind::Hashes { level } => level as u32,
            TileKind::Entries => 0,
        };
        // The one tile of the highest level begins with the log.
        match self.index.checked_shl(TILE_HEIGHT * (level + 1)) {
            Some(first) => first,
            None => 0,
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut divisor = 1;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = Error;

    /// From a path, in its only spelling.
    fn from_str(path: &str) -> Result<Self> {
        let fault = Error::malformed("the tile", "its path is not `tile/<level>/<index>`");
        let read = || {
            let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let kind = match kind {
                "entries" => TileKind::Entries,
                level => TileKind::Hashes {
                    level: level.parse().ok()?,
                },
            };
            let (digits, width) = match rest.split_once(".p/") {
                Some((digits, width)) => (digits, width.parse().ok()?),
                None => (rest, 256),
            };
            let mut index = 0_u64;
            for part in digits.split('/') {
                let part: u64 = part.strip_prefix('x').unwrap_or(part).parse().ok()?;
                index = index.checked_mul(1000)?.checked_add(part)?;
            }
            Self::new(kind, index, width).ok()
        };
        // Writing what was read decides about zeroes, signs and the place of each `x`.
        read().filter(|tile| tile.to_string() == path).ok_or(fault)
    }
}

/// The hashes in a tile's bytes; `None` when they are not `width` hashes.
pub(crate) fn hashes_of(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (chunks, rest) = bytes.as_chunks::<HASH_LEN>();
    (rest.is_empty() && chunks.len() == usize::from(width))
        .then(|| chunks.iter().copied().map(Hash::from_bytes).collect())
}

/// The root of a complete subtree whose leaves are `hashes`: a power of two of them.
pub(crate) fn tile_root(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = node_hashes(&level);
    }
    level.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hashes(level: u8, index: u64, width: u16) -> Tile {
        Tile::new(TileKind::Hashes { level }, index, width).unwrap()
    }

    #[test]
    fn paths_are_as_published() {
        for (tile, path) in [
            (hashes(0, 1, 256), "tile/0/001"),
            (hashes(0, 1, 5), "tile/0/001.p/5"),
            (hashes(3, 1_234_067, 256), "tile/3/x001/x234/067"),
            (hashes(1, 1_234_067, 255), "tile/1/x001/x234/067.p/255"),
            (hashes(0, 0, 1), "tile/0/000.p/1"),
            (hashes(0, 1000, 256), "tile/0/x001/000"),
            (
                Tile::new(TileKind::Entries, 3_057_500, 2).unwrap(),
                "tile/entries/x003/x057/500.p/2",
            ),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse::<Tile>().unwrap(), tile);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for path in [
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/123/456/078",
            "tile/-1/001",
            "tile/8/001",
            "tile/00/001",
            "tile/+1/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/05",
            "tile/0/001.p/300",
            "tile/0/../001",
            "tile/data/001",
            "/tile/0/001",
            "tile/0/001/",
            "tile/7/001",
            "",
        ] {
            assert!(path.parse::<Tile>().is_err(), "{path}");
        }
    }

    #[test]
    fn the_highest_tile_begins_with_the_log() {
        let highest: Tile = "tile/7/000.p/1".parse().unwrap();
        assert_eq!(highest.first_leaf(), 0);
        assert_eq!(hashes(1, 3, 256).first_leaf(), 3 << 16);
    }

    /// The example of tlog-tiles: a tree of 70,000 leaves.
    #[test]
    fn widths_follow_the_tree_size() {
        let kind = |level| TileKind::Hashes { level };
        let width = |level, index| Tile::in_tree(kind(level), index, 70_000).map(|t| t.width());
        assert_eq!(width(0, 272), Some(256));
        assert_eq!(width(0, 273), Some(112));
        assert_eq!(width(0, 274), None);
        assert_eq!(width(1, 0), Some(256));
        assert_eq!(width(1, 1), Some(17));
        assert_eq!(width(2, 0), Some(1));
        assert_eq!(width(3, 0), None);
        assert_eq!(Tile::in_tree(kind(1), 0, 256).unwrap().width(), 1);
    }

    proptest! {
        #[test]
        fn paths_round_trip(level in 0..=7_u8, index in any::<u64>(), width in 0..300_u16) {
            if let Ok(tile) = Tile::new(TileKind::Hashes { level }, index, width) {
                prop_assert_eq!(tile.to_string().parse::<Tile>().unwrap(), tile);
            }
        }

        #[test]
        fn any_path_is_read_without_panic(path in "tile/([0-9]|entries)/(x?[0-9]{1,4}/?){1,8}(.p/[0-9]{1,5})?") {
            if let Ok(tile) = path.parse::<Tile>() {
                prop_assert_eq!(tile.to_string(), path);
            }
        }
    }
}
