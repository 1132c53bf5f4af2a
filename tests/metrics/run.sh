#!/usr/bin/env bash
# Has Prometheus's own promtool (Debian's package prometheus) read the page of metrics of a server
# that carried calls out, refused some, and was called by strangers.
#
# Installs nothing: the package is unpacked below target/. What can't be had fails, and says what to do.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
doorward=${DOORWARD:-$ROOT/target/debug/doorward}
work=$(mktemp -d)
server=
end() {
    # It writes into the folder until it is gone.
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
    rm -rf "$work"
}
trap end EXIT

tool=$(command -v promtool || echo "$ROOT/target/promtool/usr/bin/promtool")
if [ ! -x "$tool" ]; then
    (cd "$work" && apt-get download -qq prometheus 2>/dev/null) || {
        echo "promtool is needed: apt-get install prometheus" >&2
        exit 1
    }
    mkdir -p "$ROOT/target/promtool"
    dpkg-deb -x "$work"/prometheus_*.deb "$ROOT/target/promtool"
fi

printf '[metrics]\naccess = "open"\n' >"$work/doorward.toml"
cd "$work"
"$doorward" up --json >ready.json 2>log &
server=$!
for _ in $(seq 300); do
    [ -s ready.json ] && break
    kill -0 "$server" || { cat log >&2; exit 1; }
    sleep 0.1
done
read -r url key < <(python3 -c '
import json
ready = json.load(open("ready.json"))
print(ready["gateway_url"], ready["clients"][0]["key"])')
for path in campaigns leads accounts nowhere; do
    curl -s -o /dev/null -H "Authorization: Bearer $key" "$url/api/v2/$path"
    curl -s -o /dev/null "$url/api/v2/$path"
done
curl -sf "$url/metrics" >page
grep -q '^doorward_calls_total{' page
"$tool" check metrics <page
echo "promtool has nothing against $(grep -vc '^#' page) values"
