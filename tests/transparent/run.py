"""Programs with Instantly's host built in work through Doorward, unmodified, and go nowhere else.

Each is started by `doorward run` before the demo's gateway: curl by HTTP/1.1 and HTTP/2, Go's net/http,
Python's urllib, Node's fetch and https, axios, an npm command line (instantly-cli) and a PyPI library
(instantly-mcp). The certificates are held against openssl.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

HERE = pathlib.Path(__file__).resolve().parent
URL = "https://api.instantly.ai/api/v2/campaigns?limit=1"
PYTHON = """
import os, urllib.request
request = urllib.request.Request(URL, headers={"authorization": "Bearer " + os.environ["INSTANTLY_API_KEY"]})
with urllib.request.urlopen(request, timeout=20) as answer:
    print(answer.status, answer.read().decode())
"""
BARE = ["env", "-u", "INSTANTLY_BASE_URL", "-u", "INSTANTLY_API_URL", "-u", "DOORWARD_GATEWAY_URL"]


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Doorward:
    """`doorward up --json` in a folder of its own, with a door for the Instantly host."""

    def __init__(self, program, folder, npm):
        self.program, self.folder = str(pathlib.Path(program).resolve()), folder
        self.port = free_port()
        (folder / "doorward.toml").write_text(
            f'[gateway.instantly_host]\nlisten = "127.0.0.1:{self.port}"\n'
        )
        dropped = ("DOORWARD_", "INSTANTLY_", "HTTPS_PROXY", "https_proxy", "NODE_OPTIONS", "SSL_CERT")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.environment["NPM_FOLDER"] = str(npm)
        self.log = open(folder / "up.log", "wb")
        self.process = subprocess.Popen(
            [self.program, "up", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=self.log,
            env=self.environment,
        )
        line = self.process.stdout.readline()
        check(line, f"up did not start: {(folder / 'up.log').read_text()}")
        self.up = json.loads(line)

    def command(self, *arguments, **options):
        return subprocess.run(
            [self.program, *arguments], cwd=self.folder, env=self.environment, text=True,
            capture_output=True, timeout=120, **options,
        )

    def through(self, *command, allow=()):
        """Runs a command as a client, without what would lead it to the gateway by itself."""
        allowed = [part for host in allow for part in ("--allow", host)]
        return self.command("run", "--as", "analytics-dashboard", *allowed, "--", *BARE, *command)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()


def works(name, ran, *wanted):
    check(ran.returncode == 0, f"{name}: ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}")
    for text in wanted:
        check(text in ran.stdout, f"{name}: no {text!r} in\n{ran.stdout}\n{ran.stderr}")
    print(f"  {name}")


def programs(doorward, npm, work):
    auth = 'Authorization: Bearer $INSTANTLY_API_KEY'
    for version, told in (("--http1.1", "1.1"), ("--http2", "2")):
        script = f'curl -sS {version} -w " %{{http_version}} %{{http_code}}" -H "{auth}" "{URL}"'
        works(f"curl {version}", doorward.through("sh", "-c", script), '"items"', f" {told} 200")
    works("urllib", doorward.through(sys.executable, "-c", PYTHON.replace("URL,", f"{URL!r},")), "200 ", "items")
    go = work / "client"
    subprocess.run(["go", "build", "-o", go, HERE / "client.go"], check=True, env={**os.environ, "CGO_ENABLED": "0"})
    works("Go's net/http", doorward.through(str(go)), "200 HTTP/2.0", '"items"')
    ran = doorward.through("node", str(HERE / "client.cjs"), "fetch", "https", "agent", "axios", "elsewhere")
    wanted = [f"{way} 200 {{" for way in ("fetch", "https", "agent", "axios")]
    works("node: fetch, https, an agent, axios", ran, *wanted, "elsewhere 0")
    check("kept from elsewhere.example:443" in ran.stderr, ran.stderr)
    works("npm: instantly-cli", doorward.through(str(npm / "node_modules/.bin/instantly"), "campaigns", "list"), "id")
    text = asyncio.run(ask_mcp(doorward, pathlib.Path(sys.executable).parent / "instantly-mcp"))
    check('"id"' in text, f"PyPI: instantly-mcp: {text}")
    print("  PyPI: instantly-mcp")


async def ask_mcp(doorward, server):
    """Lists the campaigns by an MCP server of others."""
    parameters = StdioServerParameters(
        command=doorward.program,
        args=["run", "--as", "analytics-dashboard", "--", *BARE, str(server)],
        env=doorward.environment,
        cwd=str(doorward.folder),
    )
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        answer = await session.call_tool("list_campaigns", {})
        return "\n".join(getattr(part, "text", "") for part in answer.content)


def refusals(doorward):
    ran = doorward.through("curl", "-sS", "https://example.com/")
    check(ran.returncode != 0 and "kept from example.com:443" in ran.stderr, f"it came through: {ran}")
    script = 'curl -sS -x "http://${HTTPS_PROXY##*@}" https://api.instantly.ai/healthz; curl -sS -o /dev/null -w "%{http_connect}" -x "http://${HTTPS_PROXY##*@}" https://api.instantly.ai/'
    ran = doorward.through("sh", "-c", script)
    check("407" in ran.stdout and "ok" not in ran.stdout, f"without the credential: {ran}")
    real = next((doorward.folder / ".doorward/secrets").glob("upstream-*")).read_text().strip()
    (doorward.folder / "header").write_text(f"Authorization: Bearer {real}\n")
    ran = doorward.through("curl", "-sS", "-H", f"@{doorward.folder}/header", URL)
    check('"upstream_key_presented"' in ran.stdout, f"a real key: {ran}")
    check(real not in ran.stdout + ran.stderr, "the key was repeated")
    found = doorward.command("audit", "search", "--json").stdout
    check("run.tunnel_refused" in found, "a refused tunnel is not in the ledger")
    check("gateway.upstream_key_presented" in found, f"a presented key is not in the ledger: {found}")
    check(real not in found, "the key is in the ledger")
    print("  other hosts, other users and real keys are refused and told of")


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], text=True, capture_output=True, **options)


def certificates(doorward, work):
    folder = doorward.folder / ".doorward/ca"
    check((folder / "authority.json").stat().st_mode & 0o777 == 0o600, "others may read the authority's key")
    ca = doorward.command("ca", "path").stdout.strip()
    check(pathlib.Path(ca).read_text() == doorward.command("ca", "export").stdout, "export and path differ")
    text = openssl("x509", "-in", ca, "-noout", "-text").stdout
    check(re.search(r"Name Constraints: critical\s+Permitted:\s+DNS:api\.instantly\.ai", text), text)
    shown = openssl(
        "s_client", "-connect", f"127.0.0.1:{doorward.port}", "-servername", "api.instantly.ai",
        "-CAfile", ca, "-verify_return_error", "-verify_hostname", "api.instantly.ai", input="",
    )
    check("Verification: OK" in shown.stdout, shown.stdout + shown.stderr)
    # What the authority's own key signs for another host is of no use.
    key = json.loads((folder / "authority.json").read_text())["key"]
    (work / "ca.key").write_text(key)
    for host, good in (("api.instantly.ai", True), ("example.com", False), ("evil-api.instantly.ai.example", False)):
        (work / "ext").write_text(f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=x",
                "-keyout", work / "leaf.key", "-out", work / "leaf.csr")
        openssl("x509", "-req", "-in", work / "leaf.csr", "-CA", ca, "-CAkey", work / "ca.key", "-days", "1",
                "-extfile", work / "ext", "-out", work / "leaf.pem")
        verified = openssl("verify", "-purpose", "sslserver", "-CAfile", ca, work / "leaf.pem")
        check((verified.returncode == 0) == good, f"{host}: {verified.stdout}{verified.stderr}")
    print("  the authority speaks for its hosts alone")


def mapped(doorward):
    ca = doorward.command("ca", "path").stdout.strip()
    key = next(c for c in doorward.up["clients"] if c["name"] == "analytics-dashboard")["key"]
    ran = subprocess.run(
        ["curl", "-sS", "--cacert", ca, "--noproxy", "*", "--connect-to", f"api.instantly.ai:443:127.0.0.1:{doorward.port}",
         "-H", f"Authorization: Bearer {key}", "-w", " %{http_version} %{http_code}", URL],
        text=True, capture_output=True,
    )
    works("curl, with the host mapped", ran, '"items"', " 2 200")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--doorward", required=True)
    parser.add_argument("--npm", required=True, type=pathlib.Path, help="folder with node_modules")
    options = parser.parse_args()
    npm = options.npm.resolve()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        doorward = Doorward(options.doorward, pathlib.Path(folder), npm)
        try:
            programs(doorward, npm, pathlib.Path(work))
            refusals(doorward)
            certificates(doorward, pathlib.Path(work))
            mapped(doorward)
        finally:
            doorward.end()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"transparent: {failure}")
