#!/usr/bin/env bash
# witness.sh PYTHON: lets a witness that is not ours (aics-witness, in PYTHON's environment) cosign a
# ledger as it grows, and refuse one that was turned back or shows another history.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
python=$1
witness=$(dirname "$python")/aics-witness
work=$(mktemp -d)
served=
trap '[ -z "$served" ] || kill "$served"; rm -rf "$work"' EXIT

cargo build -q -p doorward-audit --example witnessed_log
log=${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples/witnessed_log
key=$("$log" key)
origin=ledger.example/witnessed
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AICS_WITNESS_CONFIG=$work/witness.json
"$witness" init --name witness.example/w1 >"$work/vkey" 2>"$work/made"
vkey=$(grep -o 'witness.example/w1+[^ ]*' "$work/vkey" | head -1)
"$witness" add-log --origin "$origin" --vkey "$key" >/dev/null 2>&1
"$witness" serve --listen "127.0.0.1:$port" >"$work/served" 2>&1 &
served=$!
for _ in $(seq 100); do
    (echo >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
done

# expect WANTED FOLDER LEAVES TEXT: appends, asks, and holds what is told against WANTED.
expect() {
    local wanted=$1 told
    shift
    told=$("$log" "$@" "http://127.0.0.1:$port" "$vkey")
    [ "$told" = "$wanted" ] || { echo "witness: \"$told\", not \"$wanted\"" >&2; cat "$work/served" >&2; exit 1; }
}
holds() {
    "$python" "$ROOT/tests/ledger_oracle/verify.py" \
        --checkpoint "$work/now/witness/checkpoint" "$origin" "$1" "$key" "$vkey"
}
expect "cosigned: 5" "$work/now" 5 a
holds 5
cp -r "$work/now" "$work/old"
expect "cosigned: 300" "$work/now" 295 a
expect "cosigned: 301" "$work/now" 1 a
rm -r "$work/now/witness"
expect "cosigned: 1001" "$work/now" 700 a
holds 1001
rm -r "$work/old/witness"
expect "refused: turned_back" "$work/old" 1 b
expect "refused: split_view" "$work/old" 1100 b
[ ! -e "$work/old/witness/checkpoint" ] || { echo "a refused checkpoint was kept" >&2; exit 1; }
expect "cosigned: 1002" "$work/now" 1 a
"$witness" evidence --origin "$origin" >"$work/evidence"
grep -q "$origin" "$work/evidence" || { echo "the witness kept no evidence" >&2; exit 1; }
echo "the witness cosigns what grew and refuses what did not"
