//! The vectors of `docs/formats/ledger.md`, read out of the document and computed anew.

#![cfg(test)]

use std::collections::BTreeMap;

use base64::Engine;
use doorward_ledger::segment::{Disk, LogId, SegmentReader, Step};
use doorward_ledger::{
    Checkpoint, CommitmentKey, Frontier, Hash, KeyName, LeafBytes, LeafId, LocalSigner, LogProof,
    NodeSource, ReadLeaf, Result, Sealed, Signer, SubjectId, SubjectKey, Tile, TreeHead,
    VerifierKey, append_to_bundle, bundle_leaves, consistency_path, inclusion_path, leaf_hash,
    node_hash, verify_consistency, verify_inclusion,
};
use secrecy::ExposeSecret;

const DOCUMENT: &str = include_str!("../../../docs/formats/ledger.md");

/// The fenced blocks of some language, in order.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    DOCUMENT
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```\n").next().unwrap().to_owned())
        .collect()
}

/// `name: value` lines of the blocks `vectors`.
fn vectors() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in blocks("vectors").concat().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let before = found.insert(name.trim().to_owned(), value.trim().to_owned());
        assert!(before.is_none(), "{name} is there twice");
    }
    found
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

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

fn leaves() -> Vec<String> {
    let found: Vec<String> = blocks("leaves")
        .concat()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(found.len(), 5);
    found
}

fn tree(leaves: &[String]) -> (Leaves, Vec<TreeHead>) {
    let hashes: Vec<Hash> = leaves
        .iter()
        .map(|leaf| leaf_hash(leaf.as_bytes()))
        .collect();
    let mut frontier = Frontier::new();
    let mut heads = vec![frontier.head()];
    for hash in &hashes {
        frontier.push(*hash);
        heads.push(frontier.head());
    }
    (Leaves(hashes), heads)
}

fn signer(vectors: &BTreeMap<String, String>, which: &str) -> LocalSigner {
    let name = KeyName::new(&vectors[&format!("{which}-name")]).unwrap();
    LocalSigner::from_seed(name, &array(&vectors[&format!("{which}-seed")])).unwrap()
}

#[test]
fn leaves_hash_and_read() {
    let vectors = vectors();
    for (n, leaf) in leaves().iter().enumerate() {
        let bytes = LeafBytes::from_canonical(leaf.clone().into_bytes()).unwrap();
        assert_eq!(bytes.hash().to_string(), vectors[&format!("leaf-hash-{n}")]);
        let read = ReadLeaf::from_bytes(leaf.as_bytes()).unwrap();
        let newer = n == 4;
        assert_eq!(matches!(read, ReadLeaf::Other(_)), newer, "{leaf}");
        if let ReadLeaf::Known(read) = read {
            assert_eq!(read.to_bytes().unwrap(), bytes);
        }
    }
}

#[test]
fn roots_and_paths() {
    let vectors = vectors();
    let (mut leaves, heads) = tree(&leaves());
    for (size, head) in heads.iter().enumerate() {
        assert_eq!(head.root.to_string(), vectors[&format!("root-{size}")]);
    }
    let text = |path: &[Hash]| {
        path.iter()
            .map(Hash::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let path = inclusion_path(&mut leaves, 2, 5).unwrap();
    assert_eq!(text(&path), vectors["inclusion-2-of-5"]);
    verify_inclusion(&leaves.0[2], 2, &heads[5], &path).unwrap();
    let path = consistency_path(&mut leaves, 3, 5).unwrap();
    assert_eq!(text(&path), vectors["consistency-3-to-5"]);
    verify_consistency(&heads[3], &heads[5], &path).unwrap();
}

#[test]
fn bundles_and_paths_of_tiles() {
    let vectors = vectors();
    let mut bundle = Vec::new();
    for leaf in ["", "a", "bc"] {
        append_to_bundle(&mut bundle, leaf.as_bytes()).unwrap();
    }
    assert_eq!(hex(&bundle), vectors["bundle"]);
    assert_eq!(bundle_leaves(&bundle).count(), 3);
    for (name, path) in vectors.iter().filter(|(name, _)| name.starts_with("tile ")) {
        let parts: Vec<u64> = name
            .split(' ')
            .skip(1)
            .map(|n| n.parse().unwrap())
            .collect();
        let tile: Tile = path.parse().unwrap();
        let kind = doorward_ledger::TileKind::Hashes {
            level: u8::try_from(parts[0]).unwrap(),
        };
        let width = u16::try_from(parts[2]).unwrap();
        assert_eq!(tile, Tile::new(kind, parts[1], width).unwrap());
    }
}

#[test]
fn keys_checkpoint_and_proof() {
    let vectors = vectors();
    let (old, new) = (signer(&vectors, "key"), signer(&vectors, "next-key"));
    assert_eq!(old.verifier_key().to_string(), vectors["key-verifier"]);
    assert_eq!(new.verifier_key().to_string(), vectors["next-key-verifier"]);
    let seed = array(&vectors["key-seed"]);
    let secret = LocalSigner::secret_text(old.verifier_key().name(), &seed).unwrap();
    assert_eq!(secret.expose_secret(), vectors["key-secret"]);

    let leaves = leaves();
    let (_, heads) = tree(&leaves);
    let checkpoint = Checkpoint::new(&vectors["key-name"], heads[5]).unwrap();
    let published = blocks("checkpoint");
    assert_eq!(checkpoint.sign(&[&old]).unwrap().to_string(), published[0]);
    assert_eq!(
        checkpoint.sign(&[&old, &new]).unwrap().to_string(),
        published[1]
    );
    let keys = [new.verifier_key().clone()];
    assert!(Checkpoint::open(published[1].as_bytes(), &keys).is_ok());

    let proof = LogProof::parse(blocks("tlog-proof")[0].as_bytes()).unwrap();
    let proved = proof.verify(None, &[old.verifier_key().clone()]).unwrap();
    assert_eq!(
        (proved.index, proved.leaf),
        (2, leaves[2].clone().into_bytes())
    );
    assert_eq!(proof.to_string(), blocks("tlog-proof")[0]);

    let cosigned = blocks("cosigned")[0].clone();
    let witness: VerifierKey = vectors["witness-verifier"].parse().unwrap();
    let keys = [old.verifier_key().clone(), witness];
    let opened = Checkpoint::open(cosigned.as_bytes(), &keys).unwrap();
    assert_eq!(
        opened.cosigned_by[0].time.to_string(),
        vectors["witness-time"]
    );
}

#[test]
fn sealed_values_and_commitments() {
    let vectors = vectors();
    let leaf = LeafId::from_random(array(&vectors["leaf-id"]));
    let subject = SubjectId::from_random(array(&vectors["subject-id"]));
    let key = SubjectKey::new(subject, &array(&vectors["subject-key"]));
    let value = vectors["value"].as_bytes();
    let sealed = key
        .seal(leaf, &vectors["field"], value, array(&vectors["nonce"]))
        .unwrap();
    assert_eq!(serde_json::to_string(&sealed).unwrap(), vectors["sealed"]);
    let read: Sealed = serde_json::from_str(&vectors["sealed"]).unwrap();
    assert_eq!(&**key.open(leaf, &vectors["field"], &read).unwrap(), value);

    let key = CommitmentKey::new(
        &vectors["commitment-key-name"],
        &array(&vectors["commitment-key"]),
    );
    let made = key.commit(leaf, "body", &unhex(&vectors["committed"]));
    assert_eq!(serde_json::to_string(&made).unwrap(), vectors["commitment"]);
}

/// As a stranger reads it, by the document alone; and as the crate does.
#[test]
fn segment() {
    let text: String = blocks("segment").concat().lines().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    let mut rest = bytes.as_slice();
    let mut take = |len: usize| {
        let (head, after) = rest.split_at(len);
        rest = after;
        head.to_vec()
    };
    let check = |parts: &[&[u8]]| {
        ring::digest::digest(&ring::digest::SHA256, &parts.concat()).as_ref()[..8].to_vec()
    };
    let origin = ring::digest::digest(&ring::digest::SHA256, b"ledger.example/main");
    let header = take(56);
    let expected = [
        b"DWLEDGER".as_slice(),
        &[0, 0, 0, 1, 0, 0, 0, 64],
        &3_u64.to_be_bytes(),
    ];
    assert_eq!(header, [&expected.concat(), origin.as_ref()].concat());
    let key = take(8);
    assert_eq!(key, check(&[&header]));
    let leaves = leaves();
    for sequence in [3, 4_u64] {
        let leaf = leaves[usize::try_from(sequence).unwrap()].as_bytes();
        let head = take(24);
        let len = u32::try_from(16 + leaf.len()).unwrap().to_be_bytes();
        let parts = [
            b"DWBT\0\0\0\x01".as_slice(),
            &sequence.to_be_bytes(),
            &len,
            &[0; 4],
        ];
        assert_eq!(head, parts.concat());
        assert_eq!(take(8), check(&[&key, &head]));
        assert_eq!(take(4), u32::try_from(leaf.len()).unwrap().to_be_bytes());
        assert_eq!(take(12), leaf_hash(leaf).as_bytes()[..12]);
        assert_eq!(take(leaf.len()), leaf);
    }
    assert!(rest.is_empty());

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s"), &bytes).unwrap();
    let disk = Disk::existing(folder.path()).unwrap();
    let mut reader = SegmentReader::open(&disk, "s").unwrap().unwrap();
    assert_eq!(reader.header().log, LogId::of("ledger.example/main"));
    let mut read = Vec::new();
    while let Step::Batch(batch) = reader.step().unwrap() {
        read.extend(batch.leaves().map(|(at, leaf, _)| (at, leaf.to_vec())));
    }
    let expected: Vec<_> = (3..5)
        .map(|at| {
            (
                at,
                leaves[usize::try_from(at).unwrap()].clone().into_bytes(),
            )
        })
        .collect();
    assert_eq!(read, expected);
    assert_eq!(reader.step().unwrap(), Step::End);
}
