#!/usr/bin/env bash
# Lets verifiers that are not ours verify ledgers of several sizes, and find what was changed in one:
# Go's golang.org/x/mod/sumdb (Debian's golang-go and golang-golang-x-mod-dev) and aics-tlog (PyPI).
#
# Installs what is missing. Nothing is skipped: what can't be installed fails, and says what to do.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
here=$ROOT/tests/ledger_oracle
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v go >/dev/null || [ ! -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
    apt_install golang-go golang-golang-x-mod-dev || {
        echo "as root: apt-get install golang-go golang-golang-x-mod-dev" >&2
        exit 1
    }
fi
# GOPATH mode: Debian's packages are sources, and nothing is fetched.
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$ROOT/target/go-cache \
    go build -o "$work/verify" "$here/main.go"
venv "$ROOT/target/venv-tlog" "$here/requirements.txt" --ignore-requires-python
python=$ROOT/target/venv-tlog/bin/python
cargo build -q --workspace --all-features --example write_log --example append_log
examples=${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples

"$python" "$here/verify.py" --vectors "$ROOT/docs/formats/ledger.md"
for size in 1 2 255 256 257 1000 66000; do
    "$examples/write_log" "$work/$size" "$size"
done
for size in 1 300 20000; do
    "$examples/append_log" "$work/log-$size" "$size"
done
for log in "$work"/[0-9]* "$work"/log-*; do
    "$work/verify" "$log"
    "$python" "$here/verify.py" "$log"
done

# The oracles can fail: one bit, in each sort of file.
for file in checkpoint tile/0/001 tile/1/000.p/3 tile/entries/002 proofs/512.tlog-proof requests/511; do
    cp -r "$work/1000" "$work/changed"
    python3 - "$work/changed/$file" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[40] ^= 1
open(sys.argv[1], "wb").write(data)
PY
    for oracle in "$work/verify" "$python $here/verify.py"; do
        if $oracle "$work/changed" >/dev/null 2>&1; then
            echo "$oracle did not find a change in $file" >&2
            exit 1
        fi
    done
    rm -r "$work/changed"
done
echo "changes are found"

"$here/witness.sh" "$python"
