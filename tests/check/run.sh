#!/usr/bin/env bash
# The checklist's reports, read by others: SARIF and OCSF against their schemas, JUnit by an XML parser,
# and the page by Chromium, which prints it.
#
# Chromium and pdftotext are Debian's packages chromium and poppler-utils; they are installed when missing.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
doorward=${DOORWARD:-$ROOT/target/debug/doorward}
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v pdftotext >/dev/null || missing+=(poppler-utils)
[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
venv

work=$(mktemp -d)
server=
end() {
    # It writes into the folder until it is gone.
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
    rm -rf "$work"
}
trap end EXIT
cd "$work"
"$doorward" up --json >ready.json 2>log &
server=$!
for _ in $(seq 300); do
    [ -s ready.json ] && break
    kill -0 "$server" || { cat log >&2; exit 1; }
    sleep 0.1
done

fail() { echo "$*" >&2; exit 1; }

# Twice, so that there is a trend; the seeded workspace has faults, and so the run ends with 1.
for n in 1 2; do
    code=0
    "$doorward" check --format html -o check.html 2>said || code=$?
    [ "$code" = 1 ] || { cat said >&2; fail "check ended with $code"; }
done
for format in json sarif ocsf junit markdown; do
    "$doorward" check --fail-on never --format "$format" -o "check.$format" 2>>said
done
"$VENV/bin/python" "$ROOT/tests/sarif/validate.py" --npm "$ROOT/target/npm-sarif" check.sarif
"$VENV/bin/python" "$ROOT/tests/ocsf/run.py" check.ocsf
"$VENV/bin/python" - <<'PY'
import json, xml.etree.ElementTree as xml
run = json.load(open("check.json"))
cases = xml.parse("check.junit").getroot().findall(".//testcase")
failed = [case for case in cases if case.find("failure") is not None]
missed = [case for case in cases if case.find("error") is not None]
ended = [rule["outcome"] for rule in run["rules"]]
assert len(cases) == len(ended), (len(cases), len(ended))
assert len(failed) == ended.count("failed") > 0, failed
assert len(missed) == sum("not_looked" in outcome for outcome in ended if isinstance(outcome, dict))
assert all(line.count("|") >= 6 for line in open("check.markdown") if line.startswith("| "))
print(f"{len(cases)} JUnit cases, {len(failed)} failed, {len(missed)} not looked at")
PY

# The page: what Chromium makes of it, on a screen and on paper. It has no network to load from.
chromium=(chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile"
    --host-resolver-rules="MAP * ~NOTFOUND" --enable-logging=stderr --v=0)
"${chromium[@]}" --dump-dom "file://$work/check.html" >dom.html 2>console
! grep -i "refused to\|violates the following content security policy" console || fail "the page breaks its own policy"
"${chromium[@]}" --screenshot="$work/check.png" --window-size=1100,1600 "file://$work/check.html" 2>>console
[ "$(head -c 4 check.png | tail -c 3)" = PNG ] || fail "there is no picture of the page"
"${chromium[@]}" --print-to-pdf="$work/check.pdf" --no-pdf-header-footer "file://$work/check.html" 2>>console
pages=$(pdfinfo check.pdf | sed -n 's/^Pages: *//p')
[ "$pages" -ge 2 ] || fail "the PDF has $pages pages"
pdftotext -raw check.pdf check.txt
"$VENV/bin/python" - "$pages" <<'PY'
import json, re, sys
run = json.load(open("check.json"))
squeezed = lambda text: re.sub(r"\s+", "", text)
paper, page = squeezed(open("check.txt").read()), open("dom.html").read()
wanted = ["Security check of", "Score by area", "Findings by severity", "Score over time",
          "How the score is made"]
wanted += ["Not looked at"] if run["score"]["not_looked"] else []
wanted += [finding["message"] for finding in run["findings"]]
wanted += [rule["title"] for rule in run["rules"]]
absent = [text for text in wanted if squeezed(text) not in paper]
assert not absent, absent[:5]
assert page.count("<svg") == 3 and "polyline" in page, page.count("<svg")
assert "<script" not in page
print(f"{sys.argv[1]} pages, with {len(run['findings'])} findings and {len(run['rules'])} checks in them")
PY
