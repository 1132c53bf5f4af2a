"""Upstream keys rotated under load: `scripts/bench rotation`. Gives a dictionary.

The gateway has core 0 to itself; the load (wrk, its calls spread evenly over the time) and the emulated
API, its rate limits off, share core 1. Windows with rotations and windows without take turns, since the
machine is not the same from one minute to the next; what counts is the median of the rounds' ratios.
"""

import json
import pathlib
import re
import statistics
import subprocess
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
# Two keys are rotated at the same time, each again when it is done.
KEYS = {"reader": ["campaigns:read"], "writer": ["lead_lists:create", "lead_lists:read"]}
# Calls a second of each kind, over so many connections.
LOADS = {"reads": (400, 40), "writes": (100, 10)}


class Bench:
    def __init__(self, doorward, folder):
        self.doorward, self.folder = doorward, pathlib.Path(folder)
        self.running, self.seen = [], []
        self.stop_rotating = threading.Event()
        sandbox = self.start(1, "sandbox", "--seed", "1")
        self.url = sandbox["url"]
        keys = {key["name"]: key["key"] for key in sandbox["workspaces"][0]["keys"]}
        self.wide = keys["full-automation"]
        self.ask("PATCH", "/_sandbox/settings", {"rate_limits": False})
        self.set_up(keys["key-rotation"])
        self.gateway = self.start(0, "serve", "--listen", "127.0.0.1:0")["gateway_url"]
        campaigns = self.ask("GET", "/api/v2/campaigns?limit=1", key=self.wide)
        self.calls = {
            "reads": ("GET", f"/api/v2/campaigns/{campaigns['items'][0]['id']}", ""),
            "writes": ("POST", "/api/v2/lead-lists", json.dumps({"name": "bench"})),
        }

    def ask(self, method, path, body=None, key=None):
        headers = {"content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def start(self, core, *arguments):
        process = subprocess.Popen(["taskset", "-c", str(core), self.doorward, *arguments, "--json"],
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return json.loads(process.stdout.readline())

    def run(self, *arguments):
        done = subprocess.run([self.doorward, *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"doorward {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def keep(self, name, value):
        path = self.folder / f"{name}.key"
        path.touch(0o600)
        path.write_text(value)
        return f"file://{path}"

    def set_up(self, manager):
        self.run("init")
        config = self.folder / "doorward.toml"
        text = config.read_text()
        for before, after in (("per_second = 100\n", "per_second = 100000\n"),
                              ("per_minute = 6000\n", "per_minute = 1000000\n")):
            assert before in text, before
            text = text.replace(before, after)
        config.write_text(text)
        add = ["workspace", "add", "acme", "--sandbox", "--base-url", self.url, "--key-from"]
        self.ids = {}
        for name, scopes in KEYS.items():
            made = self.ask("POST", "/api/v2/api-keys", {"name": name, "scopes": scopes}, self.wide)
            self.ids[name] = made["id"]
            self.run(*add, self.keep(name, made["key"]))
        self.run(*add, self.keep("manager", manager), "--manages")
        self.run("client", "create", "load", "-e", "production", "--scope", "campaigns:read",
                 "--operation", "createLeadList")
        (self.folder / "client.keys").write_text(self.run("key", "issue", "load"))

    def load(self, seconds):
        """Both kinds of calls at once: what was called, what failed, and how long it took."""
        running = {}
        for kind, (rate, connections) in LOADS.items():
            method, path, body = self.calls[kind]
            pause = 1000 * connections / rate
            running[kind] = subprocess.Popen(
                ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                 "-s", HERE / "gateway" / "load.lua", self.gateway, "--",
                 self.folder / "client.keys", method, path, body, str(int(pause))],
                stdout=subprocess.PIPE, text=True)
        return {kind: read(process.communicate()[0]) for kind, process in running.items()}

    def rotate(self, name):
        """Rotates a key again and again until it is told to stop; the last one is ended."""
        while not self.stop_rotating.is_set():
            lines = self.run("upstream", "rotate", name, "--now", "--json", "--id", self.ids[name])
            done = json.loads(lines.splitlines()[-1])
            self.ids[name] = done["new_api_key_id"]
            self.seen.append({"step": done["step"], "millis_to_401": done["millis_to_death"],
                              "refusals": done["refusals"]})

    def close(self):
        for process in self.running[::-1]:
            process.terminate()
            process.wait(timeout=60)


def read(text):
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    millis = lambda mark: (lambda m: float(m[1]) * unit[m[2]])(
        re.search(rf"{mark}%\s+([\d.]+)(us|ms|s)", text))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {"calls": int(re.search(r"(\d+) requests in", text)[1]),
            "failed": (int(refused[1]) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0),
            "p50_ms": millis(50), "p99_ms": millis(99)}


def measure(doorward, folder, rounds, seconds):
    bench = Bench(doorward, folder)
    try:
        bench.load(3)
        without, during = [], []
        for turn in range(rounds):
            for rotating in ((False, True) if turn % 2 == 0 else (True, False)):
                if not rotating:
                    without.append(bench.load(seconds))
                    continue
                bench.stop_rotating.clear()
                threads = [threading.Thread(target=bench.rotate, args=(name,)) for name in KEYS]
                for thread in threads:
                    thread.start()
                time.sleep(0.2)
                during.append(bench.load(seconds))
                bench.stop_rotating.set()
                for thread in threads:
                    thread.join()
    finally:
        bench.close()
    middle = lambda rows, kind, what: round(statistics.median(row[kind][what] for row in rows), 2)
    table = lambda rows: {kind: {what: middle(rows, kind, what) for what in ("p50_ms", "p99_ms")}
                          | {what: sum(row[kind][what] for row in rows) for what in ("calls", "failed")}
                          for kind in LOADS}
    ratio = lambda what: {kind: round(statistics.median(
        a[kind][what] / b[kind][what] for a, b in zip(during, without)), 2) for kind in LOADS}
    return {
        "rounds": rounds, "seconds": seconds,
        "calls_a_second": {"meant": sum(rate for rate, _ in LOADS.values()),
                           "made": round(sum(row[kind]["calls"] for row in without + during for kind in LOADS)
                                         / (2 * rounds * seconds))},
        "without": table(without), "with": table(during),
        "p99_with / without": ratio("p99_ms"), "p50_with / without": ratio("p50_ms"), "target": 1.2,
        "rotations": len(bench.seen), "done": sum(one["step"] == "done" for one in bench.seen),
        "millis_to_401": [one["millis_to_401"] for one in bench.seen],
    }
