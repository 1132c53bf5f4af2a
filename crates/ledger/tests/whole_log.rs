//! A small log on disk: verified whole, proved leaf by leaf, and with each of its bytes flipped.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use doorward_ledger::{
    AddCheckpoint, Break, Checkpoint, Directory, Error, Frontier, KeyName, LocalSigner, LogProof,
    NoteSignature, SignatureKind, Signer, Tile, TileBuilder, TileKind, VerifierKey,
    append_to_bundle, bundle_leaves, cosignatures, leaf_hash, tiles_between, verify_consistency,
    verify_log, witness_size,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn signer() -> LocalSigner {
    LocalSigner::from_seed(KeyName::new("ledger.example/test").unwrap(), &[9; 32]).unwrap()
}

fn keys() -> Vec<VerifierKey> {
    vec![signer().verifier_key().clone()]
}

fn leaf(n: u64) -> Vec<u8> {
    format!("{{\"at\":\"2026-01-01T00:00:00Z\",\"kind\":\"x\",\"n\":{n},\"v\":1}}").into_bytes()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Writes a whole log of leaves, as the format says.
fn write_log(folder: &Path, leaves: &[Vec<u8>]) {
    let mut builder = TileBuilder::new();
    for leaf in leaves {
        builder
            .push(leaf_hash(leaf), |tile, hashes| {
                write(folder, &tile.to_string(), &TileBuilder::tile_bytes(hashes));
                Ok(())
            })
            .unwrap();
    }
    for (tile, hashes) in builder.partial_tiles() {
        write(folder, &tile.to_string(), &TileBuilder::tile_bytes(hashes));
    }
    for tile in tiles_between(0, leaves.len() as u64) {
        if tile.kind() == TileKind::Entries {
            let mut bundle = Vec::new();
            let first = usize::try_from(tile.first_leaf()).unwrap();
            for leaf in &leaves[first..first + usize::from(tile.width())] {
                append_to_bundle(&mut bundle, leaf).unwrap();
            }
            write(folder, &tile.to_string(), &bundle);
        }
    }
    let note = Checkpoint::new("ledger.example/test", builder.head())
        .unwrap()
        .sign(&[&signer()])
        .unwrap();
    write(folder, "checkpoint", &note.to_bytes());
}

fn log(size: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &(0..size).map(leaf).collect::<Vec<_>>());
    folder
}

fn verify(folder: &Path) -> Result<u64, Break> {
    let source = Directory::new(folder);
    verify_log(&source, &keys(), 0, &mut |_| ())
        .unwrap()
        .map(|verified| verified.signed.checkpoint.size())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn logs_of_all_sorts_of_sizes_verify() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 700] {
        let folder = log(size);
        let mut calls = 0;
        let verified = verify_log(
            &Directory::new(folder.path()),
            &keys(),
            0,
            &mut |progress| {
                calls += 1;
                assert_eq!(progress.of, size);
            },
        )
        .unwrap()
        .unwrap();
        assert_eq!(verified.signed.checkpoint.size(), size);
        assert_eq!(calls, size.div_ceil(256));
    }
}

/// Flips a bit in each `step`th byte of each file of a log, one at a time.
fn flip(size: u64, step: usize) -> usize {
    let folder = log(size);
    let mut flips = 0;
    for path in files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        let name = path
            .strip_prefix(folder.path())
            .unwrap()
            .display()
            .to_string();
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            let found = verify(folder.path()).expect_err(&format!("{name} at {at}"));
            if name == "checkpoint" {
                assert!(matches!(found, Break::Checkpoint(_)), "{found}");
                continue;
            }
            let tile: Tile = name.parse().unwrap();
            if tile.kind() == TileKind::Entries {
                // A length that was made larger can make the bundle end too early.
                let named = match found {
                    Break::Leaf(n) | Break::Truncated { leaf: n, .. } => n,
                    other => panic!("{other}"),
                };
                let ends: Vec<usize> = bundle_leaves(&bytes)
                    .scan(0, |end, leaf| {
                        *end += leaf.unwrap().len() + 2;
                        Some(*end)
                    })
                    .collect();
                let hit = ends.iter().position(|end| at < *end).unwrap();
                assert_eq!(named, tile.first_leaf() + hit as u64, "at {at}");
            } else {
                assert_eq!(found, Break::Tile(tile));
            }
            flips += 1;
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(verify(folder.path()), Ok(size));
    flips
}

#[test]
fn every_flipped_byte_is_found() {
    assert!(flip(20, 1) > 1_500);
    assert!(flip(258, 113) > 150);
}

#[test]
fn the_very_leaf_is_named() {
    let folder = log(700);
    for n in [0, 99, 255, 256, 699_u64] {
        let bundle = Tile::in_tree(TileKind::Entries, n / 256, 700).unwrap();
        let path = folder.path().join(bundle.to_string());
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let at = text.find(&format!("\"n\":{n},")).unwrap();
        // Lengths hold no bytes above 127 here, so places in the text are places in the file.
        let mut changed = bytes.clone();
        changed[at] = b'\'';
        fs::write(&path, &changed).unwrap();
        assert_eq!(verify(folder.path()), Err(Break::Leaf(n)));
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_leaf_changed_with_the_tiles_above_it_is_found() {
    let size = 600;
    let folder = log(size);
    let checkpoint = fs::read(folder.path().join("checkpoint")).unwrap();
    let mut leaves: Vec<_> = (0..size).map(leaf).collect();
    leaves[300][3] = b'X';
    let forged = tempfile::tempdir().unwrap();
    write_log(forged.path(), &leaves);

    // Bundle and leaf tile are exchanged: the tile above them tells.
    for name in ["tile/entries/001", "tile/0/001"] {
        fs::copy(forged.path().join(name), folder.path().join(name)).unwrap();
    }
    let found = verify(folder.path()).unwrap_err();
    let tile = "tile/0/001".parse().unwrap();
    assert_eq!(
        found,
        Break::Leaves {
            first: 256,
            last: 511,
            tile
        }
    );

    // Everything is exchanged but the checkpoint.
    fs::write(forged.path().join("checkpoint"), checkpoint).unwrap();
    assert_eq!(verify(forged.path()), Err(Break::Root));
}

#[test]
fn what_is_missing_or_cut_or_longer_is_told() {
    let folder = log(600);
    let change = |name: &str, bytes: Option<&[u8]>, expected: Break| {
        let path = folder.path().join(name);
        let before = fs::read(&path).unwrap();
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert_eq!(verify(folder.path()), Err(expected), "{name}");
        fs::write(&path, before).unwrap();
    };
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let tile = |name: &str| name.parse::<Tile>().unwrap();
    let last = "tile/entries/002.p/88";
    change("checkpoint", None, Break::NoCheckpoint);
    change("tile/0/001", None, Break::Tile(tile("tile/0/001")));
    change(
        "tile/1/000.p/2",
        Some(b""),
        Break::Tile(tile("tile/1/000.p/2")),
    );
    let bundle = tile(last);
    change(last, None, Break::Truncated { bundle, leaf: 512 });
    let bytes = read(last);
    let cut = &bytes[..bytes.len() - 1];
    change(last, Some(cut), Break::Truncated { bundle, leaf: 599 });
    let longer = [bytes.as_slice(), b"\x00\x01x"].concat();
    change(last, Some(&longer), Break::Surplus(bundle));
    let huge = vec![0; 20_000_000];
    change(last, Some(&huge), Break::Truncated { bundle, leaf: 512 });
    assert_eq!(verify(folder.path()), Ok(600));
}

#[test]
fn a_log_verifies_from_where_it_was_pruned() {
    let folder = log(700);
    for name in ["tile/entries/000", "tile/entries/001"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let source = Directory::new(folder.path());
    let pruned = verify_log(&source, &keys(), 600, &mut |_| ())
        .unwrap()
        .unwrap();
    assert_eq!(pruned.first, 512);
    assert!(
        verify_log(&source, &keys(), 0, &mut |_| ())
            .unwrap()
            .is_err()
    );

    // The tiles that stand for what was pruned are proved too.
    let path = folder.path().join("tile/1/000.p/2");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(
        verify_log(&source, &keys(), 600, &mut |_| ())
            .unwrap()
            .is_err()
    );
}

#[test]
fn a_proof_verifies_with_the_key_alone() {
    let folder = log(300);
    let source = Directory::new(folder.path());
    let checkpoint = fs::read(folder.path().join("checkpoint")).unwrap();
    for n in [0, 255, 256, 299] {
        let proof = LogProof::make(&source, n, leaf(n), checkpoint.clone(), &keys()).unwrap();
        let text = proof.to_string();
        let read = LogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read, proof);
        let proved = read.verify(None, &keys()).unwrap();
        assert_eq!((proved.index, proved.leaf), (n, leaf(n)));
        assert!(read.verify(Some(&leaf(n)), &keys()).is_ok());
        assert!(read.verify(Some(&leaf(n + 1)), &keys()).is_err());
        let stranger = LocalSigner::from_seed(KeyName::new("x").unwrap(), &[1; 32]).unwrap();
        let other = [stranger.verifier_key().clone()];
        assert!(matches!(read.verify(None, &other), Err(Error::Unsigned)));

        // Each byte of it matters.
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            let passed = LogProof::parse(&changed).and_then(|proof| proof.verify(None, &keys()));
            assert!(
                passed.is_err(),
                "{at}: {}",
                String::from_utf8_lossy(&changed)
            );
        }
    }
    assert!(LogProof::make(&source, 300, leaf(300), checkpoint.clone(), &keys()).is_err());
    assert!(LogProof::make(&source, 5, leaf(6), checkpoint, &keys()).is_err());
}

#[test]
fn a_witness_gets_what_it_needs_and_its_answer_is_checked() {
    let folder = log(600);
    let source = Directory::new(folder.path());
    let bytes = fs::read(folder.path().join("checkpoint")).unwrap();
    let opened = Checkpoint::open(&bytes, &keys()).unwrap();
    for old in [0, 1, 256, 513, 600_u64] {
        // Partial tiles of older sizes are not needed: what is whole in both is.
        let request = AddCheckpoint::make(&source, old, opened.note.clone()).unwrap();
        let read = AddCheckpoint::parse(&request.to_bytes()).unwrap();
        assert_eq!(read, request);
        let mut tree = Frontier::new();
        (0..old).for_each(|n| tree.push(leaf_hash(&leaf(n))));
        verify_consistency(&tree.head(), &opened.checkpoint.head(), read.path()).unwrap();
    }
    assert!(AddCheckpoint::make(&source, 601, opened.note.clone()).is_err());

    let witness = LocalSigner::from_seed(KeyName::new("w.example/1").unwrap(), &[6; 32]).unwrap();
    let key = VerifierKey::new(
        witness.verifier_key().name().clone(),
        SignatureKind::CosignatureV1,
        *witness.verifier_key().public_key(),
    );
    let cosign = |text: &str| {
        let message = format!("cosignature/v1\ntime 1679315147\n{text}");
        let mut signature = 1_679_315_147_u64.to_be_bytes().to_vec();
        signature.extend(witness.sign(message.as_bytes()).unwrap());
        NoteSignature {
            name: key.name().clone(),
            id: key.id(),
            signature,
        }
    };
    let stranger = "— other.example AAAAAAAAAAAA\n";
    let answer = format!("{stranger}{}", cosign(opened.note.text()));
    let found = cosignatures(answer.as_bytes(), &opened.note, &key).unwrap();
    assert_eq!(found, [cosign(opened.note.text())]);
    let wrong = cosign("another text\n").to_string();
    assert!(matches!(
        cosignatures(wrong.as_bytes(), &opened.note, &key),
        Err(Error::BadSignature(_))
    ));
    assert!(matches!(
        cosignatures(stranger.as_bytes(), &opened.note, &key),
        Err(Error::Unsigned)
    ));
    assert_eq!(witness_size(b"20852014\n"), Some(20_852_014));
    for bad in ["", "\n", "1", "01\n", "-1\n", "1\n\n"] {
        assert_eq!(witness_size(bad.as_bytes()), None);
    }
}

proptest! {
    #[test]
    fn any_file_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = LogProof::parse(&bytes);
        let _ = AddCheckpoint::parse(&bytes);
        let _ = witness_size(&bytes);
    }

    #[test]
    fn proofs_round_trip(
        text in "c2sp.org/tlog-proof@v1\n(extra ([A-Za-z0-9+/]{4}){0,5}\n)?index (0|[1-9][0-9]{0,20})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\n){0,3}\n[ -~]{0,30}",
    ) {
        if let Ok(proof) = LogProof::parse(text.as_bytes()) {
            prop_assert_eq!(proof.to_string(), text);
        }
    }

    #[test]
    fn requests_round_trip(
        text in "old (0|[1-9][0-9]{0,20})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\n){0,3}\n[a-z]{1,9}\n\n— [a-z]{1,9} ([A-Za-z0-9+/]{4}){2,5}\n",
    ) {
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(request.to_bytes(), text.into_bytes());
        }
    }
}
