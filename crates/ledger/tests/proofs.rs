//! Inclusion and consistency: every proof of small trees, every proof with something changed, and
//! proofs made from the tiles of larger ones.

#![cfg(test)]

use doorward_ledger::{
    Frontier, Hash, NodeSource, Result, Tile, TileBuilder, TileKind, TileNodes, TileSource,
    TreeHead, consistency_path, inclusion_path, leaf_hash, node_hash, root_at, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;
use std::collections::HashMap;

/// All leaves in memory; nodes by the definition.
struct Leaves(Vec<Hash>);

impl NodeSource for Leaves {
    fn node(&mut self, level: u32, index: u64) -> Result<Hash> {
        let start = usize::try_from(index << level).unwrap();
        let mut nodes = self.0[start..start + (1 << level)].to_vec();
        while nodes.len() > 1 {
            nodes = nodes
                .chunks(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
        }
        Ok(nodes[0])
    }
}

fn leaves(count: u32) -> Leaves {
    Leaves((0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect())
}

fn heads(leaves: &Leaves) -> Vec<TreeHead> {
    let mut tree = Frontier::new();
    let mut heads = vec![tree.head()];
    for leaf in &leaves.0 {
        tree.push(*leaf);
        heads.push(tree.head());
    }
    heads
}

fn flipped(hash: &Hash) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[0] ^= 1;
    Hash::from_bytes(bytes)
}

#[test]
fn every_inclusion_proof_of_small_trees() {
    let mut leaves = leaves(40);
    let heads = heads(&leaves);
    for size in 1..=40 {
        let head = &heads[usize::try_from(size).unwrap()];
        assert_eq!(root_at(&mut leaves, size).unwrap(), head.root);
        for index in 0..size {
            let leaf = leaves.0[usize::try_from(index).unwrap()];
            let path = inclusion_path(&mut leaves, index, size).unwrap();
            verify_inclusion(&leaf, index, head, &path).unwrap();

            // Anything else does not pass.
            assert!(verify_inclusion(&flipped(&leaf), index, head, &path).is_err());
            for other in 0..=size {
                if other != index {
                    assert!(verify_inclusion(&leaf, other, head, &path).is_err());
                }
            }
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at] = flipped(&changed[at]);
                assert!(verify_inclusion(&leaf, index, head, &changed).is_err());
                changed.remove(at);
                assert!(verify_inclusion(&leaf, index, head, &changed).is_err());
            }
            for extra in [leaf, head.root, Hash::EMPTY_TREE] {
                let longer = [path.clone(), vec![extra]].concat();
                assert!(verify_inclusion(&leaf, index, head, &longer).is_err());
                let longer = [vec![extra], path.clone()].concat();
                assert!(verify_inclusion(&leaf, index, head, &longer).is_err());
            }
        }
        assert!(inclusion_path(&mut leaves, size, size).is_err());
    }
}

#[test]
fn every_consistency_proof_of_small_trees() {
    let mut leaves = leaves(40);
    let heads = heads(&leaves);
    for new in 0..=40_u64 {
        for old in 0..=new {
            let (before, after) = (
                heads[usize::try_from(old).unwrap()],
                heads[usize::try_from(new).unwrap()],
            );
            let path = consistency_path(&mut leaves, old, new).unwrap();
            verify_consistency(&before, &after, &path).unwrap();

            let wrong = |head: TreeHead| TreeHead {
                root: flipped(&head.root),
                ..head
            };
            assert!(verify_consistency(&wrong(before), &after, &path).is_err());
            if old > 0 {
                assert!(verify_consistency(&before, &wrong(after), &path).is_err());
            }
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at] = flipped(&changed[at]);
                assert!(verify_consistency(&before, &after, &changed).is_err());
                changed.remove(at);
                assert!(verify_consistency(&before, &after, &changed).is_err());
            }
            for extra in [before.root, after.root] {
                let longer = [path.clone(), vec![extra]].concat();
                assert!(verify_consistency(&before, &after, &longer).is_err());
            }
        }
    }
    assert!(consistency_path(&mut leaves, 5, 4).is_err());
}

/// Tiles in memory, counting reads.
#[derive(Default)]
struct Tiles {
    files: HashMap<Tile, Vec<u8>>,
    reads: std::cell::Cell<usize>,
}

impl TileSource for Tiles {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>> {
        self.reads.set(self.reads.get() + 1);
        // Narrower tiles of smaller trees are cut out of what the largest tree has.
        let width = usize::from(tile.width());
        let found = self.files.iter().find(|(have, _)| {
            (have.kind(), have.index()) == (tile.kind(), tile.index())
                && have.width() >= tile.width()
        });
        Ok(found.map(|(_, bytes)| bytes[..32 * width].to_vec()))
    }
}

fn tiles(leaves: &Leaves) -> Tiles {
    let mut builder = TileBuilder::new();
    let mut tiles = Tiles::default();
    for leaf in &leaves.0 {
        builder
            .push(*leaf, |tile, hashes| {
                tiles.files.insert(tile, TileBuilder::tile_bytes(hashes));
                Ok(())
            })
            .unwrap();
    }
    for (tile, hashes) in builder.partial_tiles() {
        tiles.files.insert(tile, TileBuilder::tile_bytes(hashes));
    }
    tiles
}

#[test]
fn proofs_come_out_of_tiles_in_few_reads() {
    let leaves = leaves(70_000);
    let heads = heads(&leaves);
    let tiles = tiles(&leaves);
    for size in [
        1, 255, 256, 257, 512, 65_535, 65_536, 65_537, 69_999, 70_000_u64,
    ] {
        let head = heads[usize::try_from(size).unwrap()];
        for index in [0, 1, 254, 255, 256, size / 2, size - 1] {
            if index >= size {
                continue;
            }
            tiles.reads.set(0);
            let mut nodes = TileNodes::new(&tiles, size);
            let path = inclusion_path(&mut nodes, index, size).unwrap();
            assert!(tiles.reads.get() <= 12, "{}", tiles.reads.get());
            verify_inclusion(
                &leaves.0[usize::try_from(index).unwrap()],
                index,
                &head,
                &path,
            )
            .unwrap();
        }
        for old in [1, 2, 200, 256, 300, size - 1] {
            if (1..=size).contains(&old) {
                let mut nodes = TileNodes::new(&tiles, size);
                let path = consistency_path(&mut nodes, old, size).unwrap();
                verify_consistency(&heads[usize::try_from(old).unwrap()], &head, &path).unwrap();
            }
        }
        let resumed = TileBuilder::resume(&tiles, size).unwrap();
        assert_eq!(resumed.head(), head);
    }
}

#[test]
fn a_missing_tile_is_named() {
    let leaves = leaves(1000);
    let mut tiles = tiles(&leaves);
    let gone = Tile::new(TileKind::Hashes { level: 0 }, 1, 256).unwrap();
    tiles.files.remove(&gone);
    let fault = inclusion_path(&mut TileNodes::new(&tiles, 1000), 300, 1000).unwrap_err();
    assert_eq!(fault.to_string(), "tile/0/001 is missing");
}

proptest! {
    #[test]
    fn hostile_proofs_are_refused_without_panic(
        index in any::<u64>(), size in any::<u64>(), old in any::<u64>(), count in 0..80_usize,
    ) {
        let hash = leaf_hash(b"x");
        let head = TreeHead { size, root: hash };
        let path = vec![hash; count];
        if size != 1 {
            prop_assert!(verify_inclusion(&hash, index, &head, &path).is_err());
        }
        if size != old {
            let before = TreeHead { size: old, root: hash };
            prop_assert!(verify_consistency(&before, &head, &path).is_err());
        }
    }
}
