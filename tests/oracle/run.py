"""The sandbox held against the vendor's own OpenAPI document, by schemathesis.

Over all 173 operations: no 5xx of its own, no undocumented status, no response that breaks the vendor's
schema, data that fits is accepted and data that does not is refused. What differs on purpose is listed in
`exceptions.toml`, each entry with the quirk behind it. The list may only shrink: more entries than
MOST_EXCEPTIONS fail, and so does an entry that nothing needed.
"""

import argparse
import collections
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import tomllib
import urllib.request

HERE = pathlib.Path(__file__).parent
# Lowered whenever one goes.
MOST_EXCEPTIONS = 3
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
]


def start_sandbox(program, log):
    process = subprocess.Popen(
        [program, "sandbox", "--json", "--seed", "1"], stdout=subprocess.PIPE, stderr=log
    )
    line = process.stdout.readline()
    if not line:
        sys.exit("the sandbox did not start")
    return process, json.loads(line)


def settings(control, changes):
    """Limits are tested elsewhere; here they would hide every other answer."""
    request = urllib.request.Request(
        f"{control.rstrip('/')}/settings",
        data=json.dumps(changes).encode(),
        method="PATCH",
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).read()


def widest_key(summary):
    for workspace in summary["workspaces"]:
        for key in workspace["keys"]:
            if "all:all" in key["scopes"]:
                return key["key"]
    sys.exit("the sandbox has no all:all key")


def schemathesis(document, url, key, report, phases, seed):
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"),
        "run", str(document.resolve()), "--url", url, "--header", f"Authorization: Bearer {key}",
        "--phases", phases, "--checks", ",".join(CHECKS), "--continue-on-failure",
        "--report", "ndjson", "--report-ndjson-path", str(report), "--seed", str(seed),
        "--no-color", "--warnings", "off", "--no-shrink",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          cwd=report.parent)
    # 0: all passed. 1: checks failed, which is judged below. Anything else is a broken run.
    if done.returncode not in (0, 1):
        sys.exit(f"schemathesis ended with {done.returncode}:\n{done.stdout[-4000:]}")


def read(report):
    """The operations tested, how many checks were made, and the failures."""
    operations, checks, failures = set(), 0, []
    for line in report.open():
        event = json.loads(line)
        if "NonFatalError" in event or "FatalError" in event:
            failures.append(("(run)", "error", None, json.dumps(event)[:2000], None))
        if "ScenarioFinished" not in event:
            continue
        recorder = event["ScenarioFinished"]["recorder"]
        operations.add(recorder["label"])
        for case, results in recorder.get("checks", {}).items():
            answer = (recorder.get("interactions", {}).get(case) or {}).get("response") or {}
            for result in results:
                checks += 1
                if result["status"] == "failure":
                    failure = result["failure_info"]["failure"]
                    asked = recorder["cases"].get(case, {}).get("value")
                    failures.append((recorder["label"], result["name"], answer.get("status_code"),
                                     f"{failure['title']}: {failure['message']}", asked))
    return operations, checks, failures


def excuses(exception, failure):
    operation, check, status, message, _ = failure
    return (
        check in exception["checks"]
        and operation in exception.get("operations", [operation])
        and status in exception.get("statuses", [status])
        and all(part in message for part in exception.get("message", []))
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--doorward", required=True)
    parser.add_argument("--facts", required=True, type=pathlib.Path)
    parser.add_argument("--phases", default="examples,coverage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20, help="failures to print in full")
    options = parser.parse_args()

    listed = tomllib.loads((HERE / "exceptions.toml").read_text()).get("exception", [])
    if len(listed) > MOST_EXCEPTIONS:
        sys.exit(f"{len(listed)} exceptions; at most {MOST_EXCEPTIONS} are allowed")

    with tempfile.TemporaryDirectory(prefix="doorward-oracle-") as folder:
        folder = pathlib.Path(folder)
        with open(folder / "sandbox.log", "w") as log:
            process, summary = start_sandbox(options.doorward, log)
        try:
            settings(summary["control_url"], {"rate_limits": False, "webhook_retries": 0})
            report = folder / "report.ndjson"
            document = options.facts / "instantly-openapi.json"
            schemathesis(document, summary["url"], widest_key(summary), report,
                         options.phases, options.seed)
            operations, checks, failures = read(report)
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(timeout=20)
        if ended != 0:
            sys.exit(f"the sandbox ended with {ended}")

    used = collections.Counter()
    left = []
    for failure in failures:
        name = next((e["name"] for e in listed if excuses(e, failure)), None)
        if name is None:
            left.append(failure)
        used[name] += 1
    unneeded = [e["name"] for e in listed if not used[e["name"]]]

    by_kind = collections.Counter((operation, check, status) for operation, check, status, *_ in left)
    for (operation, check, status), count in sorted(by_kind.items(), key=str):
        print(f"  {count:4} × {operation}: {check} ({status})", file=sys.stderr)
    for operation, check, status, message, asked in left[: options.show]:
        print(f"\n{operation}: {check} ({status})\n  {message[:900]}\n  asked: {json.dumps(asked)[:900]}",
              file=sys.stderr)
    for name in unneeded:
        print(f"the exception '{name}' is needed no more: remove it", file=sys.stderr)
    print(f"{len(operations)} operations, {checks} checks, {len(listed)} exceptions "
          f"({sum(v for k, v in used.items() if k)} answers excused), {len(left)} failures")
    if len(operations) != 173:
        sys.exit("not all 173 operations were tested")
    sys.exit(1 if left or unneeded else 0)


if __name__ == "__main__":
    main()
