#!/bin/sh
# Lets Go's sumdb packages verify ledgers of several sizes, and find what was changed in one.
#
# Installs golang-go and golang-golang-x-mod-dev (Debian) when they are missing and it may.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gocode=/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog
if ! command -v go >/dev/null || [ ! -d "$gocode" ]; then
    apt-get install -y -q golang-go golang-golang-x-mod-dev >/dev/null || {
        echo "install golang-go and golang-golang-x-mod-dev first" >&2
        exit 2
    }
fi

# GOPATH mode: Debian's packages are sources, and nothing is fetched.
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/cache \
    go build -o "$work/verify" "$here/main.go"
(cd "$root" && cargo build -q -p doorward-ledger --example write_log)
target=${CARGO_TARGET_DIR:-$root/target}

for size in 1 2 255 256 257 1000 66000; do
    "$target/debug/examples/write_log" "$work/$size" "$size"
    "$work/verify" "$work/$size"
done

# The oracle can fail: one bit, in each sort of file.
for file in checkpoint tile/0/001 tile/1/000.p/3 tile/entries/002 \
    proofs/512.tlog-proof requests/511; do
    cp -r "$work/1000" "$work/changed"
    python3 - "$work/changed/$file" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[40] ^= 1
open(sys.argv[1], "wb").write(data)
PY
    if "$work/verify" "$work/changed" >/dev/null 2>&1; then
        echo "a change in $file was not found" >&2
        exit 1
    fi
    rm -r "$work/changed"
done
echo "changes are found"
