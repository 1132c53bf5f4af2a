#!/usr/bin/env python3
"""Holds SARIF logs against the schema of SARIF 2.1.0.

    validate.py --npm FOLDER FILE.sarif…

The schema is that of a package of Microsoft's (npm, @microsoft/jest-sarif), packed below FOLDER at the
first use; its content is pinned. Beside the schema: every result names a rule of the log by id and index.
"""

import argparse
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

from jsonschema import Draft4Validator, FormatChecker

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"
SHA256 = "2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8"


def schema(folder):
    kept = folder / "sarif-2.1.0.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True,
                                capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(folder / packed) as archive:
            kept.write_bytes(archive.extractfile(MEMBER).read())
    content = kept.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit(f"{kept} is not the schema that was looked at; remove it, or look at it again")
    return json.load(io.BytesIO(content))


def faults(log, validator):
    of_schema = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(log)]
    if of_schema:
        yield from of_schema
        return
    for run in log.get("runs", []):
        rules = run["tool"]["driver"].get("rules", [])
        for n, result in enumerate(run.get("results", [])):
            index = result.get("ruleIndex", -1)
            if not 0 <= index < len(rules) or rules[index]["id"] != result.get("ruleId"):
                yield f"results[{n}] names no rule of the log"


def broken(log):
    """Logs that must be refused, or the check checks nothing."""
    def changed(change):
        copy = json.loads(json.dumps(log))
        change(copy)
        return copy

    yield "without a version", changed(lambda log: log.pop("version"))
    yield "without a tool", changed(lambda log: log["runs"][0].pop("tool"))
    yield "with an unknown member", changed(lambda log: log["runs"][0].update(noSuchMember=1))
    if log["runs"][0].get("results"):
        yield "with a result without a message", changed(lambda log: log["runs"][0]["results"][0].pop("message"))
        yield "with an unknown level", changed(lambda log: log["runs"][0]["results"][0].update(level="bad"))
        yield "with another rule's index", changed(lambda log: log["runs"][0]["results"][0].update(ruleIndex=-1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--npm", type=pathlib.Path, required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    validator = Draft4Validator(schema(args.npm), format_checker=FormatChecker())
    bad = results = 0
    for name in args.files:
        with open(name, encoding="utf-8") as file:
            log = json.load(file)
        results += sum(len(run.get("results", [])) for run in log.get("runs", []))
        for fault in faults(log, validator):
            bad += 1
            print(f"{name}: {fault}")
        for what, changed in broken(log):
            if not list(faults(changed, validator)):
                bad += 1
                print(f"{name}: a log {what} was not refused")
    print(f"{len(args.files)} SARIF logs with {results} results: {bad} faults")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
