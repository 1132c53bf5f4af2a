"""Measurements that `scripts/bench` runs. Standard library only; prints one JSON object."""

import argparse
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import pace
import relay_http
import rotation as rotations

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# With `--debug`, what the tests are built of: to see that a script works, not to measure.
DEBUG = "--debug" in sys.argv
BUILT = ["--all-features"] if DEBUG else ["--release"]
DOORWARD = TARGET / ("debug" if DEBUG else "release") / "doorward"


def machine():
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def memory(pid):
    """Resident megabytes, now and at the most."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    find = lambda name: int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024
    return round(find("VmRSS"), 1), round(find("VmHWM"), 1)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def call(method, url, body=None, key=None):
    headers = {"content-type": "application/json"} if body is not None else {}
    if key:
        headers["authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def criterion(package, bench, results):
    """Runs a benchmark of a crate; the means, in nanoseconds."""
    subprocess.run(
        ["cargo", "bench", "--quiet", "-p", package, "--bench", bench],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    return {
        path.parent.parent.name: round(json.loads(path.read_text())["mean"]["point_estimate"], 1)
        for path in sorted((TARGET / "criterion").glob(results))
    }


def catalog():
    """Path matching and scope decision, nanoseconds each (criterion's mean)."""
    found = criterion("doorward-catalog", "decide", "*/new/estimates.json")
    return {"ns": {name.replace("_", "/", 1): mean for name, mean in found.items()}, "target_ns": 200}


def secrets():
    """A secret that is kept, read by one who holds it and by one who asks, nanoseconds each."""
    found = criterion("doorward-secrets", "cached", "secret/*/new/estimates.json")
    return {"ns": found, "target_ns": 100}


def wrk(url, key, seconds, connections=32):
    done = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
         "-H", f"Authorization: Bearer {key}", url],
        check=True, capture_output=True, text=True,
    ).stdout
    if "Non-2xx" in done:
        raise SystemExit(f"wrk saw refusals:\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])


def sandbox(rounds, seconds):
    """GETs a second on one core, and memory with 100,000 leads."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", DOORWARD, "sandbox", "--json", "--seed", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        summary = json.loads(process.stdout.readline())
        url, control = summary["url"], summary["control_url"].rstrip("/")
        key = next(k["key"] for w in summary["workspaces"] for k in w["keys"]
                   if "all:all" in k["scopes"])
        call("PATCH", f"{control}/settings", {"rate_limits": False})
        campaign = call("GET", f"{url}/api/v2/campaigns?limit=1", key=key)["items"][0]["id"]
        lead = call("POST", f"{url}/api/v2/leads/list", {"limit": 1}, key)["items"][0]["id"]
        paths = {"get a campaign": f"/api/v2/campaigns/{campaign}", "get a lead": f"/api/v2/leads/{lead}",
                 "list ten campaigns": "/api/v2/campaigns"}
        rates = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                rates[name].append(wrk(url + path, key, seconds))
        before, _ = memory(process.pid)
        target = call("POST", f"{url}/api/v2/lead-lists", {"name": "bench"}, key)["id"]
        started = time.monotonic()
        for batch in range(100):
            leads = [{"email": f"lead{batch}.{n}@example.org", "first_name": "Ada", "last_name": f"Nr {n}",
                      "company_name": "Example Works", "website": "https://example.org",
                      "phone": "+4900000000", "custom_variables": {"city": "Ulm", "tier": "b"}}
                     for n in range(1000)]
            call("POST", f"{url}/api/v2/leads/add", {"list_id": target, "leads": leads}, key)
        filled = time.monotonic() - started
        after, most = memory(process.pid)
        rates["get a lead of 100,000"] = [wrk(url + f"/api/v2/leads/{lead}", key, seconds)
                                         for _ in range(rounds)]
    finally:
        stop(process)
    return {
        "gets_per_second_on_one_core": {k: round(statistics.median(v)) for k, v in rates.items()},
        "target_gets_per_second": 5000,
        "rss_mb_seeded": before, "rss_mb_with_100000_leads": after, "most_rss_mb": most,
        "target_rss_mb": 150, "seconds_to_add_100000_leads": round(filled, 1),
    }


def up(rounds):
    """From the start of `up --json` to its first line, and memory then; first run and later runs."""
    first, later, sizes = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder:
            for times in (first, later):
                started = time.monotonic()
                process = subprocess.Popen([DOORWARD, "up", "--json"], cwd=folder,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                json.loads(process.stdout.readline())
                times.append((time.monotonic() - started) * 1000)
                sizes.append(memory(process.pid)[0])
                stop(process)
    return {
        "ready_ms_first": round(statistics.median(first)), "ready_ms_later": round(statistics.median(later)),
        "target_ready_ms": 1000, "rss_mb": statistics.median(sizes), "target_rss_mb": 60,
    }


def ledger(rounds, seconds):
    """Durable appends beside a bare append and sync loop, in turn on this disk; append to signed
    checkpoint; memory of a long log; the verifier; proofs out of ten million leaves."""
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "-p", "doorward-ledger", "--example", "ledger_bench"],
        cwd=ROOT, check=True,
    )

    def measure(name, *arguments):
        # On the disk the project is on: the one for temporary files may be memory.
        with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=TARGET) as folder:
            done = subprocess.run(
                [TARGET / "release" / "examples" / "ledger_bench", name, folder, *map(str, arguments)],
                check=True, capture_output=True, text=True,
            )
        return json.loads(done.stdout)

    return {
        "appends": measure("appends", seconds, rounds),
        "targets": {"64 callers": {"ratio": 0.6, "p99_ratio": 2}, "1 callers": {"ratio": 0.8}},
        "append_to_signed": measure("latency", 4 * seconds), "target_most_seconds": 2,
        "long_log": measure("memory", 1_000_000), "target_rss_mb": 100,
        "verify": measure("verify", 1_000_000, 650), "target_verified_per_second_of_processor": 500_000,
        "proofs": measure("verify", 10_000_000, 100), "target_proof_ms": 10,
    }


def crash(runs, cases):
    """Kills the log's writer, the relay's, the receiver of webhooks, then rotations of upstream keys: every
    step, every fault, both ways."""
    return {**({} if cases["case"] else {"ledger": crashed_ledger(runs), "relay": crashed_relay(runs),
                                         "receiver": crashed_receiver(runs)}),
            "rotation": crashed_rotations(**cases)}


def crashed_rotations(sample, seed, case, only, at_once):
    """Of all cases, those that are asked for. What does not hold is told, and how to run it again."""
    said = {"SAMPLE": sample, "SEED": seed, "CASE": case, "ONLY": only, "AT_ONCE": at_once}
    test = subprocess.Popen(
        ["cargo", "test", *BUILT, "--quiet", "-p", "doorward", "--test", "rotation_crash",
         "a_rotation", "--", "--nocapture"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **{f"DOORWARD_CRASH_{name}": str(value) for name, value in said.items() if value}},
    )
    result = None
    for line in test.stdout:
        if line.startswith("RESULT "):
            result = json.loads(line.removeprefix("RESULT "))
        else:
            print(line, end="", file=sys.stderr)
    if test.wait() != 0 or result is None:
        raise SystemExit(f"something does not hold: {json.dumps(result)}")
    return result


def crashed_ledger(runs):
    """Kills the log's writer so often; every acknowledged leaf must be there, each time."""
    done = subprocess.run(
        ["cargo", "test", *BUILT, "--quiet", "-p", "doorward-ledger", "--test", "crash",
         "--", "--nocapture"],
        cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "LEDGER_CRASH_RUNS": str(runs)},
    )
    kills, acknowledged, leaves = map(int, re.search(
        r"(\d+) kills, (\d+) leaves acknowledged, (\d+) in the log", done.stdout).groups())
    return {"kills": kills, "leaves_acknowledged": acknowledged, "leaves_in_the_log": leaves,
            "leaves_lost": 0}


def crashed_relay(runs, release=True):
    """Kills what takes events in so often, and what delivers them: every acknowledged event must be
    there, each time, and arrive at least once under one id."""
    done = subprocess.run(
        ["cargo", "test", *(["--release"] if release else []), "--quiet", "-p", "doorward-relay",
         "--all-features", "--test", "store", "--test", "deliver", "crash::", "--", "--nocapture"],
        cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "RELAY_CRASH_RUNS": str(runs)},
    )
    kills, acknowledged, stored = map(int, re.search(
        r"(\d+) kills, (\d+) events acknowledged, (\d+) in the store", done.stdout).groups())
    delivering, events, accepted = map(int, re.search(
        r"(\d+) kills, (\d+) events, accepted (\d+) times", done.stdout).groups())
    return {"kills": kills, "events_acknowledged": acknowledged, "events_in_the_store": stored,
            "events_lost": 0, "kills_in_delivery": delivering, "events_delivered": events,
            "accepted_by_the_destination": accepted}


def relay(rounds, seconds, events, release):
    """Durable takes beside a bare loop over the same tables, in turn on this disk; a store full of
    events that nobody was sent; from receipt to a destination's answer."""
    subprocess.run(
        ["cargo", "build", *(["--release"] if release else []), "--quiet", "-p", "doorward-relay",
         "--all-features", "--example", "relay_bench"],
        cwd=ROOT, check=True,
    )

    def measure(name, *arguments):
        # On the disk the project is on: the one for temporary files may be memory.
        with tempfile.TemporaryDirectory(prefix="bench-relay-", dir=TARGET) as folder:
            program = TARGET / ("release" if release else "debug") / "examples" / "relay_bench"
            done = subprocess.run([program, name, folder, *map(str, arguments)],
                                  check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    return {
        "http": receivers(rounds, seconds),
        "takes": measure("takes", seconds, rounds), "target_ratio": 0.6,
        "backlog": measure("backlog", events, seconds),
        "targets_of_the_backlog": {"opened_seconds": 2, "rss_mb": 100, "retention_p99_ms": 20},
        "delivery": measure("deliver", min(events, 50_000)),
        "targets_of_delivery": {"per_second": 5_000, "receipt_to_answer_p50_ms": 5},
    }


def receivers(rounds, seconds):
    """What takes deliveries in over HTTP, one after the other."""
    node = TARGET / "bench-receivers"
    node.mkdir(exist_ok=True)
    (node / "package.json").write_text((ROOT / "benches" / "relay" / "package.json").read_text())
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
                   cwd=node, check=True)
    program = TARGET / ("debug" if DEBUG else "release") / "examples" / "relay_bench"

    def bare():
        with tempfile.TemporaryDirectory(prefix="bench-relay-", dir=TARGET) as folder:
            done = subprocess.run([program, "bare", f"{folder}/bare.db", str(relay_http.CONNECTIONS), str(seconds)],
                                  check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["per_second"]

    return relay_http.measure(DOORWARD, program, bare, node, TARGET, rounds, seconds)


def crashed_receiver(runs):
    """Kills the receiver of webhooks so often, under load; every acknowledged event must be there, once."""
    done = subprocess.run(
        ["cargo", "test", "--release", "--quiet", "-p", "doorward-relay", "--test", "receiver_crash",
         "--", "--nocapture"],
        cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "RELAY_CRASH_RUNS": str(runs)},
    )
    kills, acknowledged, events = map(int, re.search(
        r"(\d+) kills, (\d+) deliveries acknowledged, (\d+) events stored", done.stdout).groups())
    return {"kills": kills, "deliveries_acknowledged": acknowledged, "events_stored": events,
            "events_lost": 0, "events_twice": 0}


def reconcile(acts):
    """Mixed traffic on the sandbox, some through Doorward and some around it; who is told."""
    done = subprocess.run(
        ["cargo", "test", "--release", "--quiet", "-p", "doorward-audit", "--test", "instantly",
         "mixed", "--", "--nocapture", "--test-threads=1"],
        cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "DOORWARD_RECONCILE_ACTS": str(acts)},
    )
    named = re.search(
        r"(\d+) acts .*?, (\d+) records: (\d+) around told, (\d+) of (\d+) right; precision (\S+), "
        r"recall (\S+); (\d+) of (\d+) missing told; read and judged in (\S+) s", done.stdout).groups()
    unnamed = re.search(
        r"(\d+) records without names: (\d+) around told, (\d+) were; judged in (\S+) s",
        done.stdout).groups()
    return {
        "acts": int(named[0]), "records": int(named[1]), "around": int(named[4]),
        "precision": float(named[5]), "recall": float(named[6]), "target": 1.0,
        "missing": int(named[8]), "missing_told": int(named[7]), "seconds": float(named[9]),
        "without_names": {"records": int(unnamed[0]), "around_told": int(unnamed[1]),
                          "around": int(unnamed[2]), "seconds": float(unnamed[3])},
    }


def veil():
    """Redaction and scrubbing of a 1 MB answer with 2,000 secrets known, MB/s on one core; best of 60."""
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "-p", "doorward-veil", "--example", "veil_bench"],
        cwd=ROOT, check=True,
    )
    done = subprocess.run(
        ["taskset", "-c", "0", TARGET / "release" / "examples" / "veil_bench"],
        check=True, capture_output=True, text=True,
    )
    rows = re.findall(r"^(\w+)\s+(.*?)\s+(\d+) MB/s$", done.stdout, re.MULTILINE)
    found = {}
    for text, what, speed in rows:
        found.setdefault(text, {})[what] = int(speed)
    return {"mb_per_second": found, "target": 500}


def gateway(rounds, seconds, clients):
    """The gateway beside nginx, nginx with lua, and hyper's bare parts."""
    sys.path.insert(0, str(ROOT / "benches" / "gateway"))
    import measure
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "doorward-gateway",
                    "--example", "bare_proxy"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="bench-gateway-", dir=TARGET) as folder:
        return measure.measure(folder, TARGET, rounds, seconds, clients)


def rotation(rounds, seconds):
    """Client calls while upstream keys are rotated, and while none is, in turn."""
    with tempfile.TemporaryDirectory(prefix="bench-rotation-", dir=TARGET) as folder:
        return rotations.measure(DOORWARD, folder, rounds, seconds)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("name", choices=[
        "catalog", "sandbox", "up", "ledger", "crash", "reconcile", "pace", "veil", "gateway", "secrets",
        "rotation", "relay", "all"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1000, help="of crash")
    parser.add_argument("--sample", default="all", help="of crash, how many cases of rotations")
    parser.add_argument("--seed", help="of crash: which cases, and the moments of kills")
    parser.add_argument("--case", help="of crash: one case by its name, once more")
    parser.add_argument("--only", help="of crash: cases whose names hold one of these texts (a,b)")
    parser.add_argument("--debug", action="store_true",
                        help="of crash, rotation and relay: of the tests' build, that is there already")
    parser.add_argument("--at-once", type=int, default=8, help="of crash: cases at the same time")
    parser.add_argument("--acts", type=int, default=10_000, help="of reconcile")
    parser.add_argument("--events", type=int, default=1_000_000, help="of relay: of the backlog")
    parser.add_argument("--clients", type=int, help="of pace, 1000; more of them, of gateway")
    options = parser.parse_args()
    if options.debug and options.name not in ("crash", "rotation", "relay"):
        parser.error("--debug is of crash, rotation and relay alone")
    run = {
        "catalog": catalog,
        "secrets": secrets,
        "sandbox": lambda: sandbox(options.rounds, options.seconds),
        "up": lambda: up(options.rounds),
        "ledger": lambda: ledger(options.rounds, options.seconds),
        "crash": lambda: crash(options.runs, {
            "sample": options.sample, "seed": options.seed, "case": options.case,
            "only": options.only, "at_once": options.at_once}),
        "gateway": lambda: gateway(max(options.rounds, 8) if options.rounds == 5 else options.rounds,
                                   options.seconds, options.clients or 0),
        "reconcile": lambda: reconcile(options.acts),
        "veil": veil,
        "relay": lambda: relay(options.rounds, options.seconds, options.events, not options.debug),
        "rotation": lambda: rotation(3 if options.rounds == 5 else options.rounds,
                                     20 if options.seconds == 3 else options.seconds),
        "pace": lambda: pace.measure(DOORWARD, options.clients or 1000, 75),
    }
    names = list(run) if options.name == "all" else [options.name]
    built = {"build": "debug"} if options.debug else {}
    print(json.dumps({"machine": machine(), **built, **{name: run[name]() for name in names}}, indent=2))


if __name__ == "__main__":
    main()
