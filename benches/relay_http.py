"""Deliveries over HTTP: `scripts/bench relay`. Gives a dictionary.

Receivers take turns, each alone with the load (wrk): one that answers at once and stores nothing (the limit
of HTTP), Express 5 in Node storing nothing, with a sync an event, with one a group; and Doorward, whose 200
means durable and deduplicated. Between them the bare loop over the same tables. Medians of the rounds.
"""

import json
import os
import pathlib
import re
import secrets
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BYTES = 1_500
CONNECTIONS = 64
WORKSPACE = "0198f000-0000-7000-8000-000000000001"


class Receiver:
    """A process that takes deliveries in, and what one has to show it."""

    def __init__(self, command, folder, port_of, path="/in", secret=None, workspace=WORKSPACE, env=None):
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})})
        self.url = port_of(json.loads(self.process.stdout.readline()))
        self.path, self.secret, self.workspace = path, secret, workspace

    def processor(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, seconds, connections=CONNECTIONS, per_second=None):
        pause = 0 if per_second is None else 1000 * connections / per_second
        before = self.processor()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", HERE / "relay" / "events.lua",
             self.url, "--", self.path, self.secret, self.workspace, str(BYTES), str(int(pause)),
             secrets.token_hex(6)], capture_output=True, text=True, check=True).stdout
        used = self.processor() - before
        unit = {"us": 1e-3, "ms": 1, "s": 1e3}
        found = {"per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])}
        for mark in (50, 99):
            value, of = re.search(rf"{mark}%\s+([\d.]+)(us|ms|s)", done).groups()
            found[f"p{mark}_ms"] = float(value) * unit[of]
        calls = int(re.search(r"(\d+) requests in", done)[1])
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done)
        found["failed"] = (int(refused[1]) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0)
        found["processor_us"] = round(1e6 * used / max(calls, 1), 1)
        return found

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def doorward(program, folder):
    """A server with one source, made as its users make one, and the emulated Instantly behind it."""
    sandbox = Receiver([program, "sandbox", "--seed", "1", "--json"], folder, lambda said: said)
    said = sandbox.url
    workspace = said["workspaces"][0]
    keys = {key["name"]: key["key"] for key in workspace["keys"]}

    def run(*arguments, **more):
        done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, **more)
        if done.returncode != 0:
            raise SystemExit(f"doorward {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    run("init")
    config = folder / "doorward.toml"
    text = config.read_text()
    before = '#listen = "127.0.0.1:4181"\n'
    assert before in text
    config.write_text(text.replace(before, 'listen = "127.0.0.1:0"\n'))
    key = folder / "wide.key"
    key.touch(0o600)
    key.write_text(keys["full-automation"])
    run("workspace", "add", "acme", "--sandbox", "--base-url", said["url"], "--key-from", f"file://{key}")
    server = Receiver([program, "serve", "--listen", "127.0.0.1:0", "--json"], folder,
                      lambda said: said["relay_url"])
    run("webhook", "create", "bench", "--workspace", "acme", "--event", "all_events",
        "--public-url", server.url, "--json")
    asked = urllib.request.Request(said["url"] + "/api/v2/webhooks",
                                   headers={"authorization": f"Bearer {keys['full-automation']}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        made = next(one for one in json.loads(answer.read())["items"]
                    if one["target_hook_url"].startswith(server.url))
    server.path = made["target_hook_url"].removeprefix(server.url)
    server.secret = next(iter(made["headers"].values()))
    server.workspace = workspace["id"]
    return sandbox, server


def peers(bench, node, folder):
    """Each receiver by its name, as a function that starts it."""
    secret = secrets.token_urlsafe(24)
    url = lambda said: f"http://127.0.0.1:{said['port']}"
    # The program is beside what it requires.
    shutil.copy(HERE / "relay" / "express.js", node / "express.js")
    express = lambda way: lambda: Receiver(
        ["node", node / "express.js", folder / f"{way}.jsonl", way], folder, url, secret=secret,
        env={"RECEIVER_SECRET": secret, "NODE_ENV": "production"})
    return {"at_once": lambda: Receiver([bench, "at-once", secret], folder, url, secret=secret),
            "express_storing_nothing": express("nothing"), "express_fsync": express("fsync"),
            "express_group_fsync": express("group")}


def middle(rounds):
    return {name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}


def measure(program, bench, bare, node, target, rounds, seconds):
    with tempfile.TemporaryDirectory(prefix="bench-relay-", dir=target) as folder:
        folder = pathlib.Path(folder)
        (folder / "doorward").mkdir()
        sandbox, server = doorward(program, folder / "doorward")
        try:
            return turns(server, peers(bench, node, folder), bare, rounds, seconds)
        finally:
            server.end()
            sandbox.end()


def turns(server, starts, bare, rounds, seconds):
    found = {name: [] for name in [*starts, "doorward"]}
    alone = {"at_once": [], "doorward": []}
    limit = []
    server.load(2)
    for _ in range(rounds):
        limit.append(bare())
        for name, start in starts.items():
            receiver = start()
            try:
                receiver.load(1)
                found[name].append(receiver.load(seconds))
                if name in alone:
                    alone[name].append(receiver.load(seconds, connections=1))
            finally:
                receiver.end()
        found["doorward"].append(server.load(seconds))
        alone["doorward"].append(server.load(seconds, connections=1))
        time.sleep(1)
    result = {name: middle(each) for name, each in found.items()}
    ours = result["doorward"]["per_second"]
    half = [server.load(seconds, per_second=ours / 2) for _ in range(rounds)]
    ratio = lambda others: round(statistics.median(
        one["per_second"] / other for one, other in zip(found["doorward"], others)), 2)
    one = {name: middle(each) for name, each in alone.items()}
    return {
        "connections": CONNECTIONS, "bytes": BYTES, **result,
        "bare_loop_per_second": round(statistics.median(limit)),
        "of_the_bare_loop": ratio(limit), "target_of_the_bare_loop": 0.6,
        "of_express_group_fsync": ratio([one["per_second"] for one in found["express_group_fsync"]]),
        "target_of_express_group_fsync": 5,
        "at_half": middle(half), "targets_at_half": {"p50_ms": 3, "p99_ms": 10},
        "one_connection": {**one, "p50_over_http_ms": round(
            one["doorward"]["p50_ms"] - one["at_once"]["p50_ms"], 3), "target_ms": 0.5},
    }
