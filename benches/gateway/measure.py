"""Doorward's gateway beside its peers: `scripts/bench gateway`. Prints nothing; gives a dictionary.

The program under test has core 0 to itself; the load (wrk) and the API behind (nginx, 1 KB of JSON at
once) share core 1. Each round runs every program once, in another order each time; what counts is the
median of the rounds' ratios, since the machine is not the same from one minute to the next. Where
others use the machine too, the processor's time for each call says more than the calls in a second.
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import socket
import sqlite3
import statistics
import string
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
READ = ("GET", "/api/v2/campaigns/0195a1b2-0000-7000-8000-000000000001", "")
WRITE = ("POST", "/api/v2/leads", json.dumps({"email": "ada@example.org", "first_name": "Ada",
                                              "campaign": "0195a1b2-0000-7000-8000-000000000001"}))
# A workspace's budget is counted exactly, call by call, so the load is spread over several.
WORKSPACES = 8
POLICY = """@id("own-campaigns")
forbid (principal, action == Action::"createLead", resource)
unless { ["0195a1b2-0000-7000-8000-000000000001"].containsAll(context.campaigns) };
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def template(name, folder, **values):
    text = (HERE / name).read_text()
    for key, value in {"DIR": folder, **values}.items():
        text = text.replace(f"@{key}@", str(value))
    path = folder / name
    path.write_text(text)
    return path


class Bench:
    def __init__(self, folder, target, clients):
        self.folder, self.target = folder, target
        self.doorward = target / "release" / "doorward"
        self.running = []
        self.ports = {}
        self.upstream = free_port()
        self.data = folder / "data"
        self.set_up_doorward(clients)
        self.start_upstream()

    def run(self, *arguments, **options):
        done = subprocess.run([self.doorward, "--data-dir", self.data, "--config", self.config, *arguments],
                              capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise SystemExit(f"doorward {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout.strip()

    def set_up_doorward(self, clients):
        """A store with its workspaces, made against the emulated API at the upstream's address."""
        self.config = self.folder / "doorward.toml"
        self.ports["doorward"] = free_port()
        subprocess.run([self.doorward, "--data-dir", self.data, "--config", self.config, "init"],
                       check=True, capture_output=True, cwd=self.folder)
        self.config.write_text(f"""
[gateway]
listen = "127.0.0.1:{self.ports['doorward']}"
connections = 4096
[metrics]
access = "open"
[instantly]
watch = false
[pace]
per_second = 1000000
per_minute = 1000000
budget_percent = 100
[log]
level = "warn"
""")
        sandbox = subprocess.Popen(
            [self.doorward, "sandbox", "--json", "--listen", f"127.0.0.1:{self.upstream}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        summary = json.loads(sandbox.stdout.readline())
        self.key = next(k["key"] for k in summary["workspaces"][0]["keys"] if "all:all" in k["scopes"])
        self.run("workspace", "add", "w0", "--key-from", "-", "--base-url", summary["url"],
                 "--scopes", "all:all", input=self.key)
        sandbox.terminate()
        sandbox.wait()
        with sqlite3.connect(self.data / "doorward.db") as store:
            for n in range(1, WORKSPACES):
                self.copy(store, "workspaces", "name = 'w0'", id=f"ws_{n:016x}", name=f"w{n}",
                          instantly_id=f"019b76da-a800-7e55-b2fb-{n:012x}")
                self.copy(store, "upstream_keys", "workspace_id = (SELECT id FROM workspaces "
                          "WHERE name = 'w0')", id=f"uk_{n:016x}", workspace_id=f"ws_{n:016x}")
        store.close()
        keys = []
        for n in range(WORKSPACES):
            self.run("client", "create", "load", "-w", f"w{n}", "-e", "production",
                     "--scope", "campaigns:read", "--scope", "leads:create")
            keys.append(self.run("key", "issue", "load", "-w", f"w{n}"))
        policy = self.folder / "own.cedar"
        policy.write_text(POLICY)
        self.run("policy", "add", "own-campaigns", policy)
        self.crowd(clients)
        self.keys = self.folder / "keys.txt"
        self.keys.write_text("".join(f"{key}\n" for key in keys))
        (self.folder / "clients.txt").write_text("".join(
            f"load{n} {key} campaigns:read leads:create\n" for n, key in enumerate(keys)))
        (self.folder / "operations.txt").write_text(
            "GET /api/v2/campaigns/{id} campaigns:read\nGET /api/v2/campaigns campaigns:read\n"
            "POST /api/v2/leads leads:create\nGET /api/v2/leads/{id} leads:read\n")

    def copy(self, store, table, where, **other):
        """A row once more, with other values."""
        cursor = store.execute(f"SELECT * FROM {table} WHERE {where}")
        names = [column[0] for column in cursor.description]
        row = {**dict(zip(names, cursor.fetchone())), **other}
        marks = ", ".join("?" * len(row))
        store.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def crowd(self, clients):
        """So many clients more, each with a key."""
        letters = string.ascii_letters + string.digits
        with sqlite3.connect(self.data / "doorward.db") as store:
            for n in range(clients):
                self.copy(store, "clients", "name = 'load' LIMIT 1", id=f"cl_{n + 2**40:016x}",
                          name=f"crowd{n}")
                store.execute(
                    "INSERT INTO client_keys (key_id, client_id, hash, created_at) VALUES (?, ?, ?, 1)",
                    ("".join(secrets.choice(letters) for _ in range(12)), f"cl_{n + 2**40:016x}",
                     secrets.token_bytes(32)))
        store.close()

    def spawn(self, core, *command):
        process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.running.append(process)
        return process

    def start_upstream(self):
        body = json.dumps({"id": "0195a1b2-0000-7000-8000-000000000001", "name": "A campaign",
                           "note": "x" * 930})
        self.nginx(1, "upstream.conf", UPSTREAM=self.upstream, BODY=body)
        wait_for(self.upstream)
        self.ports["direct"] = self.upstream

    def nginx(self, core, name, **values):
        path = template(name, self.folder, **values)
        return self.spawn(core, "nginx", "-p", self.folder, "-c", path)

    def start(self, name):
        """One program under test, alone on its core."""
        port = self.ports.setdefault(name, free_port())
        if name == "direct":
            return None
        if name == "doorward":
            process = self.spawn(0, self.doorward, "--data-dir", self.data, "--config", self.config, "serve")
        elif name == "bare_hyper":
            process = self.spawn(0, self.target / "release/examples/bare_proxy", port, self.upstream)
        else:
            process = self.nginx(0, {"nginx": "nginx.conf", "nginx_lua": "nginx-lua.conf"}[name],
                                 PORT=port, UPSTREAM=self.upstream, KEY=self.key)
        wait_for(port)
        return process

    def stop(self, process):
        if process:
            process.terminate()
            process.wait(timeout=60)
            self.running.remove(process)

    def close(self):
        for process in self.running[::-1]:
            process.terminate()
            process.wait(timeout=60)

    def wrk(self, name, call, connections, seconds, pause=0, process=None):
        """Requests a second, mean and median latency in microseconds, and how many microseconds of
        processor time each took the program."""
        method, path, body = call
        before = processor_seconds(process)
        done = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
             "-s", HERE / "load.lua", f"http://127.0.0.1:{self.ports[name]}", "--",
             self.keys, method, path, body, str(pause)],
            check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in done or "Socket errors" in done:
            raise SystemExit(f"{name}: wrk saw refusals:\n{done}")
        spent = processor_seconds(process) - before
        unit = {"us": 1, "ms": 1e3, "s": 1e6}
        micros = lambda pattern: (lambda m: float(m[1]) * unit[m[2]])(re.search(pattern, done))
        return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1]),
                "cpu_us": 1e6 * spent / max(1, int(re.search(r"(\d+) requests in", done)[1])),
                "mean_us": micros(r"Latency\s+([\d.]+)(us|ms|s)"),
                "p50_us": micros(r"50%\s+([\d.]+)(us|ms|s)")}


PROGRAMS = ["direct", "nginx", "nginx_lua", "bare_hyper", "doorward"]


def processor_seconds(process):
    """What a program and those it started have used of the processor."""
    if process is None:
        return 0.0
    task = pathlib.Path(f"/proc/{process.pid}")
    children = (task / "task" / str(process.pid) / "children").read_text().split()
    ticks = 0
    for pid in [process.pid, *children]:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024, 1)


def idle_connections(bench, process, count=1000):
    """Megabytes more for so many kept connections, each used once."""
    key = bench.keys.read_text().split()[0]
    before, open_ones = memory(process.pid), []
    request = (f"GET {READ[1]} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n").encode()
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", bench.ports["doorward"]))
        connection.sendall(request)
        connection.recv(65536)
        open_ones.append(connection)
    after = memory(process.pid)
    for connection in open_ones:
        connection.close()
    return round(after - before, 1)


def measure(folder, target, rounds, seconds, clients=0, programs=PROGRAMS):
    bench = Bench(pathlib.Path(folder), target, clients)
    seen = {name: [] for name in programs}
    extra = {}
    try:
        for turn in range(rounds):
            order = programs[turn % len(programs):] + programs[:turn % len(programs)]
            for name in order:
                process = bench.start(name)
                bench.wrk(name, READ, 64, 1)
                read = bench.wrk(name, READ, 64, seconds, process=process)
                write = bench.wrk(name, WRITE, 64, seconds, process=process)
                one = {"read": read["rate"], "read_cpu_us": read["cpu_us"],
                       "write": write["rate"], "write_cpu_us": write["cpu_us"]}
                one["one_mean_us"] = bench.wrk(name, READ, 1, seconds)["mean_us"]
                half = bench.wrk(name, READ, 64, seconds, pause=2)
                one["half_rate"], one["half_p50_us"] = half["rate"], half["p50_us"]
                if name == "doorward" and turn == rounds - 1:
                    extra["rss_mb"] = memory(process.pid)
                    extra["mb_for_1000_idle_connections"] = idle_connections(bench, process)
                seen[name].append(one)
                bench.stop(process)
    finally:
        bench.close()
    middle = lambda name, what: statistics.median(one[what] for one in seen[name])
    ratio = lambda peer, what: round(statistics.median(
        ours[what] / theirs[what] for ours, theirs in zip(seen["doorward"], seen[peer])), 2
        ) if peer in seen else None
    added = lambda name: [one["one_mean_us"] - base["one_mean_us"]
                          for one, base in zip(seen[name], seen["direct"])]
    return {
        "rounds": rounds, "seconds": seconds, "clients": clients + WORKSPACES, **extra,
        "reads_a_second": {name: round(middle(name, "read")) for name in programs},
        "writes_a_second": {name: round(middle(name, "write")) for name in programs},
        "processor_us_a_read": {name: round(middle(name, "read_cpu_us"), 1)
                                for name in programs if name != "direct"},
        "processor_us_a_write": {name: round(middle(name, "write_cpu_us"), 1)
                                 for name in programs if name != "direct"},
        "added_mean_us": {name: round(statistics.median(added(name)), 1)
                          for name in programs if name != "direct"},
        "half_load_p50_us": {name: round(middle(name, "half_p50_us")) for name in programs},
        "half_load_rate": {name: round(middle(name, "half_rate")) for name in programs},
        "ratios": {
            "reads / nginx+lua": {"is": ratio("nginx_lua", "read"), "at_least": 1.4},
            "reads / bare hyper": {"is": ratio("bare_hyper", "read"), "at_least": 0.9},
            "writes / nginx+lua": {"is": ratio("nginx_lua", "write"), "at_least": 1.0},
            "added mean / nginx+lua": {"is": round(statistics.median(
                ours / theirs for ours, theirs in zip(added("doorward"), added("nginx_lua"))), 2),
                "at_most": 0.9},
            "processor time of a read / nginx+lua": {"is": ratio("nginx_lua", "read_cpu_us")},
            "processor time of a read / bare hyper": {"is": ratio("bare_hyper", "read_cpu_us")},
            "processor time of a write / nginx+lua": {"is": ratio("nginx_lua", "write_cpu_us")},
            "half-load p50 / bare hyper": {"is": ratio("bare_hyper", "half_p50_us"), "at_most": 1.15},
        },
    }
