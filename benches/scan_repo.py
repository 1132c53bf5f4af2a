"""A large repository to scan, made of the sources in cargo's registry folder: many commits, real delta
chains. The same folder of sources gives the same repository."""

import os
import pathlib
import random
import subprocess
import sys

# Files that commits change, of those that there are; and what a commit changes of them.
FILES = 24_000
PER_COMMIT = 5
SMALLEST, LARGEST = 2_000, 60_000


def registry():
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    folders = sorted((home / "registry" / "src").glob("*"))
    if not folders:
        raise SystemExit("cargo's registry has no sources: run `cargo fetch`")
    return folders[0]


def sources(folder):
    """Paths and texts of source files, in a fixed order."""
    found = []
    for path in sorted(folder.rglob("*")):
        if len(found) >= FILES:
            break
        if path.is_symlink() or not path.is_file() or not 200 <= path.stat().st_size <= LARGEST:
            continue
        text = path.read_bytes()
        if b"\0" not in text[:512]:
            found.append([str(path.relative_to(folder)), text.splitlines(keepends=True)])
    return found


def make(target, commits, blob_bytes):
    """Makes a bare repository of at least so many commits and so many bytes of blobs."""
    if (target / "made").exists():
        return
    print(f"making a repository in {target}: this takes minutes", file=sys.stderr)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", target], check=True)
    feed = subprocess.Popen(
        ["git", "-C", target, "fast-import", "--quiet", "--force"], stdin=subprocess.PIPE
    )
    write = feed.stdin.write
    chance = random.Random(7)
    files = sources(registry())
    edited = [n for n, (_, lines) in enumerate(files)
              if sum(map(len, lines)) >= SMALLEST]
    done, total, stamp = 0, 0, 1_500_000_000

    def blob(lines):
        nonlocal total
        data = b"".join(lines)
        total += len(data)
        write(b"data %d\n" % len(data))
        write(data)
        write(b"\n")

    def commit(changed):
        nonlocal done, stamp
        stamp += 600
        says = f"Change {done}: {len(changed)} files\n".encode()
        who = f"Author {done % 97} <author{done % 97}@example.com> {stamp} +0000".encode()
        write(b"commit refs/heads/main\ncommitter " + who + b"\n")
        write(b"data %d\n" % len(says) + says)
        for number in changed:
            path, lines = files[number]
            write(b"M 100644 inline " + path.encode("utf-8", "surrogateescape") + b"\n")
            blob(lines)
        done += 1

    # The files come first, some at a time; then they change, as files do.
    step = max(1, len(files) // 500)
    for start in range(0, len(files), step):
        commit(range(start, min(start + step, len(files))))
    while done < commits or total < blob_bytes:
        changed = chance.sample(edited, PER_COMMIT)
        for number in changed:
            lines = files[number][1]
            other = files[chance.choice(edited)][1]
            at = chance.randrange(len(lines) + 1)
            took = chance.randrange(len(other))
            new = other[took:took + chance.randrange(1, 12)]
            lines[at:at + chance.randrange(0, 12)] = new
            if sum(map(len, lines)) > LARGEST:
                del lines[: len(lines) // 2]
        commit(changed)
    feed.stdin.close()
    if feed.wait() != 0:
        raise SystemExit("git fast-import failed")
    subprocess.run(
        ["git", "-C", target, "repack", "-qadf", "--depth=50", "--window=10", "--threads=2"], check=True
    )
    (target / "made").write_text(f"{done} commits, {total} bytes of blobs\n")


def check_out(repo, target):
    """A work tree of it, with one line staged."""
    if not target.exists():
        subprocess.run(["git", "clone", "-q", "--shared", repo, target], check=True)
    first = subprocess.run(
        ["git", "-C", target, "ls-files"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    path = target / first[len(first) // 2]
    path.write_bytes(path.read_bytes() + b"\n# one line more\n")
    subprocess.run(["git", "-C", target, "add", path], check=True)
    return len(first)
