"""Verifies ledgers with aics-tlog, which knows nothing of Doorward.

verify.py FOLDER        a log as `write_log` and `append_log` write it
verify.py --vectors DOC the checkpoints and proof in docs/formats/ledger.md
verify.py --checkpoint FILE ORIGIN SIZE KEY [WITNESS_KEY…]
                        a checkpoint of that size, signed by KEY and cosigned by each witness
"""

import base64
import re
import sys
from pathlib import Path

from aics_tlog import (
    VerifiedTileReader,
    audit_tiles,
    consistency_proof_from_tiles,
    inclusion_proof_from_tiles,
    parse_note,
    parse_vkey,
    tree_root_from_tiles,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)
from aics_tlog.tiles import FileSystemTileReader


def need(holds, what):
    if not holds:
        raise SystemExit(f"{what} does not hold")


def hashes(lines):
    return [base64.b64decode(line, validate=True) for line in lines]


def checkpoint(note, key, witnesses=()):
    opened = verify_checkpoint(
        parse_note(note), key, list(witnesses), quorum=len(witnesses), expected_origin=ORIGIN
    )
    need(opened.ok, f"checkpoint ({opened.error})")
    return opened


def inclusion(text, key):
    """A proof file: what it proves and its path."""
    head, note = text.split("\n\n", 1)
    first, extra, index, *path = head.split("\n")
    need(first == "c2sp.org/tlog-proof@v1", "the proof's first line")
    signed = checkpoint(note, key)
    leaf = base64.b64decode(extra.removeprefix("extra "), validate=True)
    index, path = int(index.removeprefix("index ")), hashes(path)
    need(verify_leaf_inclusion(leaf, index, signed.size, path, signed.root), "inclusion")
    return index, path


def folder(where):
    keys = [parse_vkey((where / name).read_text()) for name in ("key", "next-key")]
    note = (where / "checkpoint").read_bytes()
    signed = [checkpoint(note, key) for key in keys][0]
    audit_tiles(FileSystemTileReader(where), signed.size, signed.root)
    proved = VerifiedTileReader(FileSystemTileReader(where), signed.size, signed.root)

    proofs = list((where / "proofs").iterdir())
    for file in proofs:
        index, path = inclusion(file.read_text(), keys[0])
        need(path == inclusion_proof_from_tiles(proved, index, signed.size), file.name)
    requests = list((where / "requests").iterdir())
    for file in requests:
        head, sent = file.read_text().split("\n\n", 1)
        checkpoint(sent, keys[0])
        old, *path = head.split("\n")
        old, path = int(old.removeprefix("old ")), hashes(path)
        root = tree_root_from_tiles(proved, old, tile_size=signed.size)
        need(verify_consistency(old, signed.size, root, signed.root, path), file.name)
        need(path == consistency_proof_from_tiles(proved, old, signed.size), file.name)
    print(f"size {signed.size}: {len(proofs)} inclusion, {len(requests)} consistency proofs hold")


def vectors(document):
    text = document.read_text()

    def block(name):
        return re.findall(rf"^```{name}\n(.*?)^```$", text, re.M | re.S)

    def value(name):
        return re.search(rf"^{name}: (.*)$", text, re.M)[1]

    key = parse_vkey(value("key-verifier"))
    witness = parse_vkey(value("witness-verifier"))
    global ORIGIN
    ORIGIN = value("key-name")
    for note in block("checkpoint"):
        checkpoint(note, key)
    (cosigned,) = block("cosigned")
    opened = checkpoint(cosigned, key, [witness])
    need(opened.timestamps == {witness.name: int(value("witness-time"))}, "the witness's time")
    (proof,) = block("tlog-proof")
    inclusion(proof, key)
    print("vectors: checkpoints, cosignature and proof hold")


def single(file, origin, size, key, *witnesses):
    global ORIGIN
    ORIGIN = origin
    keys = [parse_vkey(text) for text in (key, *witnesses)]
    opened = checkpoint(Path(file).read_bytes(), keys[0], keys[1:])
    need(opened.size == int(size), f"size {size}, not {opened.size}:")
    print(f"{origin}: checkpoint of {size} leaves, {len(witnesses)} cosignatures hold")


ORIGIN = "ledger.example/oracle"
if sys.argv[1] == "--vectors":
    vectors(Path(sys.argv[2]))
elif sys.argv[1] == "--checkpoint":
    single(*sys.argv[2:])
else:
    folder(Path(sys.argv[1]))
