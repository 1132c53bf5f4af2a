"""A thousand clients against a full window: how much of the budget is used, and never more."""

import asyncio
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PERCENT = 90
SECOND, MINUTE = 100 * PERCENT // 100, 6000 * PERCENT // 100


def start(doorward, folder, *arguments):
    process = subprocess.Popen([doorward, *arguments, "--json"], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    return process, json.loads(process.stdout.readline())


def run(doorward, folder, *arguments):
    return subprocess.run([doorward, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


async def client(host, port, key, until, statuses):
    """One call after the other, on one connection."""
    request = (f"GET /api/v2/campaigns?limit=1 HTTP/1.1\r\nhost: {host}\r\n"
               f"authorization: Bearer {key}\r\n\r\n").encode()
    reader, writer = await asyncio.open_connection(host, port)
    while time.monotonic() < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        length = re.search(r"content-length: (\d+)", head)
        if length:
            await reader.readexactly(int(length[1]))
        else:
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        statuses[status] = statuses.get(status, 0) + 1
    writer.close()


async def all_of_them(url, keys, seconds):
    host, port = url.removeprefix("http://").split(":")
    statuses = {}
    until = time.monotonic() + seconds
    calls = (client(host, int(port), key, until, statuses) for key in keys)
    await asyncio.wait_for(asyncio.gather(*calls), seconds + 60)
    return statuses


def measure(doorward, clients, seconds):
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder:
        sandbox, told = start(doorward, folder, "sandbox", "--listen", "127.0.0.1:0", "--seed", "3")
        key = next(k["key"] for k in told["workspaces"][0]["keys"] if k["name"] == "full-automation")
        path = pathlib.Path(folder, "upstream-key")
        path.touch(mode=0o600)
        path.write_text(key)
        run(doorward, folder, "init")
        config = pathlib.Path(folder, "doorward.toml")
        text = config.read_text()
        # Each waits for its turn among all the others, and then goes again.
        text = text.replace("max_wait_seconds = 10", "max_wait_seconds = 120")
        text = text.replace("connections = 1024", f"connections = {clients + 100}")
        config.write_text(text.replace("calls = 2048", f"calls = {2 * clients + 100}"))
        run(doorward, folder, "workspace", "add", "acme", "--sandbox", "--base-url", told["url"],
            "--key-from", f"file://{path}")
        server, ready = start(doorward, folder, "serve", "--listen", "127.0.0.1:0")

        def issue(n):
            run(doorward, folder, "client", "create", f"c{n}", "-u", "analytics-dashboard", "-e", "production")
            return run(doorward, folder, "key", "issue", f"c{n}").strip()

        with ThreadPoolExecutor(4) as pool:
            keys = list(pool.map(issue, range(clients)))
        stats = told["control_url"] + "/stats"
        urllib.request.urlopen(urllib.request.Request(stats, method="DELETE")).read()
        statuses = asyncio.run(all_of_them(ready["gateway_url"], keys, seconds))
        seen = json.loads(urllib.request.urlopen(stats).read())
        for process in (server, sandbox):
            process.terminate()
            process.wait(timeout=60)
    used = seen["peak_per_minute"] / MINUTE
    return {
        "clients": clients, "answers": statuses, "upstream_statuses": seen["statuses"],
        "peak_per_second": seen["peak_per_second"], "budget_per_second": SECOND,
        "peak_per_minute": seen["peak_per_minute"], "budget_per_minute": MINUTE,
        "used": round(used, 4), "target_used": 0.98,
    }
