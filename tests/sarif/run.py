"""What `doorward scan` writes as SARIF, held against the schema: nothing found, a tree, a history, what is
allowed, what can't be looked at."""

import argparse
import base64
import os
import pathlib
import random
import string
import subprocess
import sys
import tempfile
import uuid

HERE = pathlib.Path(__file__).resolve().parent


def key():
    """Looks like a key, and opens nothing."""
    tail = "".join(random.choices(string.ascii_letters + string.digits, k=12))
    return base64.b64encode(f"{uuid.uuid4()}:{tail}".encode()).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doorward", type=pathlib.Path, required=True)
    parser.add_argument("--npm", type=pathlib.Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-sarif-") as folder:
        folder = pathlib.Path(folder)
        repo, out = folder / "repo", folder / "out"
        repo.mkdir()
        out.mkdir()
        env = {**os.environ, "XDG_CACHE_HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull}
        git = lambda *words: subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words],
            cwd=repo, env=env, check=True, stdout=subprocess.DEVNULL)

        def scan(name, code, *words):
            done = subprocess.run(
                [options.doorward.resolve(), "scan", "--format", "sarif", "-o", out / name, *words],
                cwd=repo, env=env, capture_output=True, text=True)
            if done.returncode != code:
                raise SystemExit(f"{words}: ended with {done.returncode}: {done.stderr}")

        git("init", "-q", "-b", "main")
        scan("nothing.sarif", 0)
        (repo / "sync \u00e4 'x'.js").write_text(f"fetch(u, '{key()}')\n")
        (repo / "fine.py").write_text(
            f"K = '{key()}'  # doorward:allow made up until 2999-01-01\n")
        (repo / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
        git("add", ".")
        git("commit", "-q", "-m", f"Add sync\n\nwith {key()}")
        scan("tree.sarif", 1)
        (repo / "sync \u00e4 'x'.js").write_text("nothing\n")
        git("commit", "-q", "-am", "Hide it")
        scan("history.sarif", 1, "--git")
        logs = sorted(map(str, out.iterdir()))
        return subprocess.run(
            [sys.executable, HERE / "validate.py", "--npm", options.npm, *logs]).returncode


if __name__ == "__main__":
    sys.exit(main())
