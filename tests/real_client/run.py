"""A real Instantly client, written by strangers, works through Doorward.

`instantly-mcp` (PyPI) is an MCP server for Instantly. Every tool it has is called once under a client
that may and once under one that may not. Around each call the sandbox's state is compared: a read
or a refused call leaves it as it was, a write that is allowed changes it. Refusals must carry
Doorward's reason. The upstream keys must be what the sandbox saw and must never have been in the
client process's environment, requests or output.
"""

import argparse
import asyncio
import base64
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

KEY_SHAPE = re.compile(rb"[0-9a-f-]{36}:[A-Za-z0-9]{12}")
# What the sandbox changes by itself: time, deliveries of webhooks and what they leave behind.
RESTLESS = {"clock", "ids", "outbox", "webhook_events", "deliveries", "received"}


# What the client itself gets wrong: the API refuses it, with or without Doorward.
CLIENT_FAULTS = {"remove_from_blocklist": "body must have required property 'ids'"}


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def http(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} if data else {}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


class Doorward:
    """`doorward up --json` in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = str(pathlib.Path(program).resolve()), folder
        self.log = open(folder / "up.log", "wb")
        self.process = subprocess.Popen(
            [self.program, "up", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=self.log
        )
        line = self.process.stdout.readline()
        check(line, f"up did not start: {(folder / 'up.log').read_text()}")
        self.up = json.loads(line)
        self.control = self.up["sandbox_control_url"].rstrip("/")
        # Nothing is asked of the sandbox but by the clients: no subscription is watched.
        subprocess.run([self.program, "webhook", "delete", "demo", "--yes"], cwd=folder, check=True)

    def client(self, name):
        return next(client for client in self.up["clients"] if client["name"] == name)

    def state(self):
        """The sandbox's state, less what moves by itself, as a text to compare."""
        return json.dumps(still(http("GET", f"{self.control}/state")), sort_keys=True)

    def seen(self, after=0):
        """The requests the sandbox has seen after a number, and the number of the last."""
        log = http("GET", f"{self.control}/received?after={after}")
        return log["items"], log["last"]

    def upstream_keys(self):
        """The upstream keys as they lie in the demo's 0600 files."""
        keys = set()
        for path in pathlib.Path(self.up["data_dir"]).rglob("*"):
            if path.is_file() and path.stat().st_size < 4096:
                text = path.read_bytes().strip()
                with contextlib.suppress(ValueError):
                    if KEY_SHAPE.fullmatch(base64.b64decode(text, validate=True)):
                        keys.add(text.decode())
        return keys

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(timeout=20) == 0, "up did not end with 0 on SIGTERM")
        self.log.close()


def still(value):
    if isinstance(value, dict):
        return {k: still(v) for k, v in value.items() if k not in RESTLESS}
    if isinstance(value, list):
        return [still(item) for item in value]
    return value


class Session:
    """The MCP server as a child of `doorward run --as CLIENT`."""

    def __init__(self, doorward, client, folder, planted):
        self.doorward, self.client, self.folder, self.planted = doorward, client, folder, planted
        self.output = []

    async def __aenter__(self):
        server = pathlib.Path(sys.executable).parent / "instantly-mcp"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "INSTANTLY_AUDIT_LOG": str(self.folder / "client-audit.log"),
            # An upstream key that lies about in the shell must not reach the child.
            "INSTANTLY_API_KEY": self.planted,
            "OLD_KEY": self.planted,
        }
        data_dir = self.doorward.up["data_dir"]
        parameters = StdioServerParameters(
            command=self.doorward.program,
            args=["run", "--data-dir", data_dir, "--as", self.client, "--", str(server)],
            env=environment,
            cwd=str(self.folder),
        )
        self.errors = open(self.folder / f"{self.client}.err", "w")
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.finish)
            read, write = await stack.enter_async_context(stdio_client(parameters, errlog=self.errors))
            self.session = await stack.enter_async_context(ClientSession(read, write))
            await asyncio.wait_for(self.session.initialize(), 30)
            self.stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc):
        await self.stack.__aexit__(*exc)

    def finish(self):
        self.errors.close()
        self.output.append(pathlib.Path(self.errors.name).read_text())

    async def tools(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call(self, tool, arguments):
        result = await self.session.call_tool(tool, arguments)
        text = "\n".join(getattr(part, "text", "") for part in result.content)
        self.output.append(text)
        return text, bool(result.isError)


def environments_of_clients():
    """The environment of every running instantly-mcp process of ours."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            # Not `doorward run` itself, which was given the planted key to take away.
            if b"python" in command[0] and any(b"instantly-mcp" in part for part in command):
                found.append((process / "environ").read_bytes())
        except OSError:
            continue
    return found


def arguments(base):
    """For each tool: what to call it with, and whether it writes. `base` names things that exist."""
    write = {"confirm": True}
    return [
        ("get_campaign_analytics", {"campaign_id": base["campaign"]}, False),
        ("get_account_analytics", {"start_date": base["from"], "end_date": base["to"]}, False),
        ("get_campaign_steps_analytics", {"campaign_id": base["campaign"]}, False),
        ("list_campaigns", {}, False),
        ("get_campaign", {"campaign_id": base["campaign"]}, False),
        ("list_leads", {"campaign_id": base["campaign"]}, False),
        ("get_lead", {"lead_id": base["lead"]}, False),
        ("search_leads_by_email", {"email": base["lead_email"]}, False),
        ("list_lead_lists", {}, False),
        ("list_emails", {"limit": 5}, False),
        ("get_email", {"email_id": base["email"]}, False),
        ("count_unread", {}, False),
        ("list_accounts", {}, False),
        ("get_account", {"email": base["account"]}, False),
        ("list_blocklist", {}, False),
        ("get_workspace", {}, False),
        ("list_webhooks", {}, False),
        ("list_webhook_event_types", {}, False),
        ("preview_campaign_build", {"name": "n", "subject": "s", "body": "b"}, None),
        ("add_leads", {"leads": [{"email": "new.lead@example.org", "first_name": "New",
                                  "custom_variables": {"city": "Ulm"}}],
                       "campaign_id": base["campaign"], **write}, True),
        ("update_lead", {"lead_id": base["lead"], "fields": {"first_name": "Changed"}, **write}, True),
        ("set_lead_interest_status", {"lead_email": base["lead_email"], "status": "interested",
                                      "campaign_id": base["campaign"], **write}, True),
        ("move_lead", {"lead_id": base["lead"], "from_campaign_id": base["campaign"],
                       "to_list_id": base["list"], "copy": True, **write}, True),
        ("create_lead_list", {"name": "From a real client", **write}, True),
        ("create_campaign", {"name": "From a real client", "subject": "Hello", "body": "There",
                             "timezone": "America/Chicago", **write}, True),
        ("update_campaign", {"campaign_id": base["campaign"], "fields": {"name": "Renamed"},
                             **write}, True),
        ("launch_campaign", {"campaign_id": base["paused_campaign"], **write}, True),
        ("pause_campaign", {"campaign_id": base["active_campaign"], **write}, True),
        ("reply_to_email", {"email_id": base["email"], "body": "Thank you", **write}, True),
        ("forward_email", {"email_id": base["email"], "to": "someone@example.org", **write}, True),
        ("mark_thread_read", {"thread_id": base["unread_thread"], **write}, True),
        ("pause_account", {"email": base["account"], **write}, True),
        ("resume_account", {"email": base["account"], **write}, True),
        ("update_account", {"email": base["account"], "fields": {"daily_limit": 41}, **write}, True),
        ("add_to_blocklist", {"entries": ["blocked.example"], **write}, True),
        ("remove_from_blocklist", {"entries": ["blocked.example"], **write}, True),
        ("verify_email", {"email": "verify.me@example.org"}, True),
        ("create_webhook", {"url": "https://hooks.example.com/new",
                            "event_types": ["reply_received"], **write}, True),
        ("delete_webhook", {"webhook_id": base["webhook"], **write}, True),
        ("delete_lead", {"lead_id": base["lead"], **write}, True),
    ]


def things(doorward, key):
    """Names of things the seed has, read through the gateway with the client that may."""

    def api(method, path, body=None):
        url = doorward.up["gateway_url"].rstrip("/") + path
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {key}", "user-agent": "real-client-test"}
        if data:
            headers["content-type"] = "application/json"
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())["items"]

    campaigns = api("GET", "/api/v2/campaigns?limit=100")
    status = lambda wanted: next(c["id"] for c in campaigns if c["status"] == wanted)
    active = [c["id"] for c in campaigns if c["status"] == 1]
    for campaign in [*active, *(c["id"] for c in campaigns)]:
        leads = api("POST", "/api/v2/leads/list", {"campaign": campaign, "limit": 1})
        if leads:
            break
    emails = api("GET", "/api/v2/emails?limit=100")
    unread = next(e for e in emails if e.get("is_unread"))
    today = datetime.date.today()
    return {
        "from": str(today - datetime.timedelta(days=20)),
        "to": str(today),
        "campaign": campaign,
        "active_campaign": active[0],
        "paused_campaign": status(2),
        "lead": leads[0]["id"],
        "lead_email": leads[0]["email"],
        "list": api("GET", "/api/v2/lead-lists")[0]["id"],
        "email": unread["id"],
        "unread_thread": unread["thread_id"],
        "account": api("GET", "/api/v2/accounts?status=1")[0]["email"],
        "webhook": api("GET", "/api/v2/webhooks")[0]["id"],
    }


async def run(doorward, folder, keys):
    planted = sorted(keys)[0]
    base = things(doorward, doorward.client("full-automation")["key"])
    passed = 0
    async with (
        Session(doorward, "full-automation", folder, planted) as may,
        Session(doorward, "webhook-handler", folder, planted) as handler,
        Session(doorward, "analytics-dashboard", folder, planted) as dashboard,
    ):
        calls = arguments(base)
        tools = set(await may.tools())
        called = {tool for tool, _, _ in calls}
        check(tools == called, f"tools not called: {tools - called}; unknown: {called - tools}")

        environments = environments_of_clients()
        check(len(environments) >= 3, "the client processes were not found")
        for environment in environments:
            for key in keys:
                check(key.encode() not in environment, "an upstream key is in a client's environment")

        for tool, call, writes in calls:
            # The handler may look up leads; the dashboard may not.
            denied = dashboard if tool in ("get_lead", "list_leads", "search_leads_by_email") else handler
            before, (_, last) = doorward.state(), doorward.seen()
            text, failed = await denied.call(tool, call)
            if writes is None:
                check(not failed, f"{tool} makes no call and failed: {text}")
            else:
                check(failed, f"{tool} was not refused: {text}")
                ours = f"client '{denied.client}' " in text and "; ask for " in text
                check(ours and "403" in text, f"{tool}: no reason of ours: {text}")
            check(doorward.state() == before, f"{tool} was refused and yet changed something")
            check(not doorward.seen(last)[0], f"{tool} was refused and yet forwarded")

            text, failed = await may.call(tool, call)
            if fault := CLIENT_FAULTS.get(tool):
                check(failed and fault in text, f"{tool}: the API's own refusal is missing: {text}")
                writes = False
            else:
                check(not failed, f"{tool} failed under a client that may: {text}")
            changed = doorward.state() != before
            check(changed == bool(writes), f"{tool}: changed={changed}, writes={writes}: {text}")
            if writes is not None:
                new, _ = doorward.seen(last)
                check(new, f"{tool} never reached the sandbox")
                for request in new:
                    check(request["key_id"], f"{tool}: the sandbox saw no upstream key: {request}")
            passed += 1
        outputs = "\n".join(may.output + handler.output + dashboard.output)
    outputs += "\n".join(p.read_text(errors="replace") for p in folder.glob("*.err"))
    outputs += "\n".join(p.read_text(errors="replace") for p in folder.glob("*.log"))
    for key in keys:
        check(key not in outputs, "an upstream key is in a client's output")
    return passed


def leaves(group):
    """The failures inside the groups that the client library's tasks wrap them in."""
    for error in group.exceptions:
        yield from leaves(error) if isinstance(error, BaseExceptionGroup) else [error]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--doorward", required=True, help="the program")
    program = parser.parse_args().doorward
    with tempfile.TemporaryDirectory(prefix="doorward-real-client-") as folder:
        folder = pathlib.Path(folder)
        doorward = Doorward(program, folder)
        try:
            keys = doorward.upstream_keys()
            check(keys, "the demo has no upstream keys to look for")
            passed = asyncio.run(run(doorward, folder, keys))
        finally:
            doorward.stop()
    print(f"{passed} tools called under a client that may and one that may not")
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except* Failure as failures:
        for failure in leaves(failures):
            print(f"FAILED: {str(failure)[:2000]}", file=sys.stderr)
        sys.exit(1)
