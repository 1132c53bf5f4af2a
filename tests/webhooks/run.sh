#!/usr/bin/env bash
# What we sign, the Standard Webhooks libraries of npm and PyPI verify; what they sign, and what Node
# and Python sign as GitHub, Stripe and Slack do, and with Ed25519, we verify. A change is found by
# every side.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
here=$ROOT/tests/webhooks
npm=$ROOT/target/npm-webhooks

venv "$ROOT/target/venv-webhooks" "$here/requirements.txt"
mkdir -p "$npm" && cp "$here/package.json" "$npm/"
npm install --prefix "$npm" --ignore-scripts --no-audit --no-fund --silent
cargo build -q --workspace --all-features --example webhook_oracle
oracle=${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples/webhook_oracle

"$ROOT/target/venv-webhooks/bin/python" "$here/verify.py" "$oracle"
NODE_PATH=$npm/node_modules node "$here/verify.cjs" "$oracle"
