#!/usr/bin/env python3
"""Holds exported OCSF events against the schema, as another implementation has it.

    run.py FILE.ocsf…      (`-` is standard input)

Every event must be what its class asks: required members, types, enumerations, and no member that
the schema does not know. Events of the pinned version are also read as of each later one, since
receivers move on before we do.
"""

import argparse
import json
import sys
from functools import cache

import ocsf_json_schema as ocsf
from jsonschema import Draft202012Validator

PINNED = "1.6.0"
LATER = ["1.7.0", "1.8.0"]


def schema(version):
    return ocsf.OcsfJsonSchemaEmbedded(loaded(version))


@cache
def loaded(version):
    return ocsf.get_ocsf_schema(version=version)


@cache
def validator(version, class_uid, profiles):
    of_version = schema(version)
    name = of_version.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(of_version.get_class_schema(class_name=name, profiles=list(profiles)))


@cache
def class_of(version, class_uid):
    return next(c for c in loaded(version)["classes"].values() if c["uid"] == class_uid)


def siblings(event, version):
    """What the schema says in words: a name beside its id is the id's caption, and `Other` has a
    name of its own."""
    attributes = class_of(version, event["class_uid"])["attributes"]
    pairs = [("activity_id", "activity_name"), ("severity_id", "severity"), ("status_id", "status"),
             ("action_id", "action"), ("disposition_id", "disposition"), ("type_uid", "type_name")]
    for number, name in pairs:
        if number not in event:
            continue
        known = attributes[number]["enum"]
        value = event[number]
        if str(value) not in known:
            yield f"{number} {value} is none of {sorted(known)}"
        elif value == 99 and not event.get(name):
            yield f"{number} 99 has no {name}"
        elif value != 99 and event.get(name) != known[str(value)]["caption"]:
            yield f"{name} is {event[name]!r}, not {known[str(value)]['caption']!r}"
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        yield "type_uid is not class_uid * 100 + activity_id"


def faults(event, version):
    profiles = tuple(event.get("metadata", {}).get("profiles", []))
    for error in validator(version, event["class_uid"], profiles).iter_errors(event):
        yield f"{error.json_path}: {error.message[:200]}"
    yield from siblings(event, version)


def broken(event):
    """Events that must be refused, or the check checks nothing."""
    def without(*path):
        copy = json.loads(json.dumps(event))
        at = copy
        for name in path[:-1]:
            at = at[name]
        del at[path[-1]]
        return copy

    for path in [("time",), ("metadata", "version"), ("severity_id",), ("activity_id",)]:
        yield f"without {'.'.join(path)}", without(*path)
    yield "with an unknown severity", {**event, "severity_id": 12}
    yield "with a time that is text", {**event, "time": "now"}
    yield "with an unknown member", {**event, "no_such_member": 1}
    if event["class_uid"] == 6003:
        for path in [("actor",), ("api", "operation"), ("src_endpoint",)]:
            yield f"without {'.'.join(path)}", without(*path)
        yield "with an endpoint of nothing", {**event, "src_endpoint": {}}
    else:
        yield "without finding_info.uid", without("finding_info", "uid")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--kinds", action="store_true", help="the files hold one of each kind")
    args = parser.parse_args()
    bad = 0
    events = []
    for name in args.files:
        with sys.stdin if name == "-" else open(name, encoding="utf-8") as file:
            events += [(f"{name}:{number}", json.loads(line)) for number, line in enumerate(file, 1)]
    for where, event in events:
        if event["metadata"]["version"] != PINNED:
            bad += 1
            print(f"{where}: version {event['metadata']['version']}, not {PINNED}")
        for version in [PINNED, *LATER]:
            as_of = {**event, "metadata": {**event["metadata"], "version": version}}
            for fault in faults(as_of, version):
                bad += 1
                print(f"{where}: as of {version}: {fault}")
    classes = {event["class_uid"]: event for _, event in events}
    undetected = 0
    for event in classes.values():
        for what, changed in broken(event):
            try:
                found = list(faults(changed, PINNED))
            except KeyError:
                found = ["a member is missing"]
            if not found:
                undetected += 1
                print(f"an event {what} was not refused")
    activities = {event["activity_id"] for _, event in events if event["class_uid"] == 6003}
    if args.kinds and (set(classes) != {6003, 2004} or not {1, 2, 3, 4, 99} <= activities):
        bad += 1
        print(f"classes {sorted(classes)} and activities {sorted(activities)} are not all there are")
    print(f"{len(events)} OCSF events, as of {', '.join([PINNED, *LATER])}: {bad} faults, "
          f"{undetected} broken ones not refused")
    return 1 if bad or undetected or not events else 0


if __name__ == "__main__":
    sys.exit(main())
