"""A workspace's upstream key is kept in OpenBao, Google Cloud, AWS or the keyring, and used from there.

For each place: one configuration, `doorward secret set|get|check|copy`, `workspace add`, `serve`, and a
call through the gateway to the sandbox, as somebody new would do it. Then the place hangs: what is
known goes on being used, and `secret check` says what is the matter. The key is in no file, no log, no
message.

Services are what the environment says: PLACE_PID is the process that is made to hang.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request


# A token of OpenBao.
TOKEN = re.compile(rb"\b(hvs|s)\.[A-Za-z0-9]{24}\b")


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Folder:
    """The binary in a folder of its own, with an environment of its own."""

    def __init__(self, program, path, environment):
        self.program, self.path = program, pathlib.Path(path)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(path), "NO_COLOR": "1", **environment}
        self.said = []

    def run(self, *arguments, given=None, ends=0):
        ran = subprocess.run(
            [self.program, *arguments],
            cwd=self.path,
            env=self.environment,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told = f"{' '.join(arguments)}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        check(ran.returncode == ends, told)
        if "--reveal" not in arguments and arguments[0] != "key":
            self.said.append(told)
        return ran

    def serve(self, *arguments):
        log = open(self.path / f"{arguments[0]}.log", "ab")
        process = subprocess.Popen(
            [self.program, *arguments, "--json"],
            cwd=self.path,
            env={**self.environment, "DOORWARD_LOG": "trace"},
            stdout=subprocess.PIPE,
            stderr=log,
        )
        line = process.stdout.readline()
        check(line, f"{arguments} did not start: {(self.path / f'{arguments[0]}.log').read_text()}")
        return process, json.loads(line)

    def holds(self, *texts):
        """The files that hold one of the texts, and what was said with one."""
        found = [one for one in self.said if any(text in one for text in texts)]
        for path in self.path.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                found += [str(path) for text in texts if text.encode() in content]
        return found


def call(url, key):
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def configure(folder, place):
    """The one configuration that the place needs."""
    file = folder.path / "doorward.toml"
    text = file.read_text().replace("limit_seconds = 10", "limit_seconds = 2")
    check("limit_seconds = 2" in text, "the default has no limit_seconds = 10")
    if place == "gcp":
        text = text.replace("\n[secrets]\n", f'\n[secrets]\ngcp_endpoint = "{os.environ["DOORWARD_GCP"]}"\n')
        check("\ngcp_endpoint" in text, "the default has no [secrets]")
    if place == "vault":
        text += f"""
[secrets.vault]
address = "{os.environ["VAULT_ADDR"]}"
role_id = "{os.environ["DOORWARD_ROLE_ID"]}"
secret_id = "file:secret-id"
"""
        given = os.environ["DOORWARD_SECRET_ID"]
        folder.run("secret", "set", "file:secret-id", given=given)
    file.write_text(text)


def checked(folder, reference, ends=0):
    rows = json.loads(folder.run("secret", "check", "--json", ends=ends).stdout)
    (row,) = [row for row in rows if row["reference"] == reference]
    return row


def through(program, place, reference, environment):
    with tempfile.TemporaryDirectory() as path:
        # The sandbox lives elsewhere: it keeps the keys that are looked for here.
        with tempfile.TemporaryDirectory() as other:
            sandbox, ready = Folder(program, other, {}).serve("sandbox", "--seed", "3")
            try:
                story(Folder(program, path, environment), place, reference, ready)
            finally:
                sandbox.kill()
                sandbox.wait()


def story(folder, place, reference, sandbox):
    keys = {key["name"]: key["key"] for key in sandbox["workspaces"][0]["keys"]}
    key, wide = keys["lead-import"], keys["full-automation"]
    folder.run("init")
    configure(folder, place)
    missing = folder.run("secret", "check", reference, ends=1)
    check("does not exist" in missing.stdout, missing.stdout)
    folder.run("secret", "set", reference, given=key + "\n")
    again = folder.run("secret", "set", reference, given="another", ends=2)
    check("--replace" in again.stderr, again.stderr)
    folder.run("secret", "get", reference, ends=2)
    shown = folder.run("secret", "get", reference, "--reveal").stdout
    check(shown == key + "\n", "another secret is shown than was kept")
    folder.run("secret", "set", reference, "--replace", given=wide)

    # It moves between places, and back.
    folder.run("secret", "copy", reference, "kept")
    copy = reference.replace("acme", "copy")
    folder.run("secret", "copy", "kept", copy)
    shown = folder.run("secret", "get", copy, "--reveal").stdout
    check(shown == wide + "\n", "the copy is another secret")

    add = ("workspace", "add", "acme", "--sandbox", "--base-url", sandbox["url"], "--key-from")
    folder.run(*add, reference)
    row = checked(folder, reference)
    check(row["ok"] and row["writable"] and row["used_by"], row)
    create = ("client", "create", "importer", "-u", "lead-import", "-e", "production")
    folder.run(*create)
    client = folder.run("key", "issue", "importer").stdout.strip()
    serve = ("serve", "--listen", "127.0.0.1:0")
    server, ready = folder.serve(*serve)
    hung = int(os.environ.get(f"{place.upper()}_PID", "0"))
    try:
        leads = f"{ready['gateway_url']}/api/v2/lead-lists?limit=1"

        def passes(when):
            status, headers, body = call(leads, client)
            allowed = headers.get("doorward-decision") == "allowed"
            check(status == 200 and allowed, f"{when}: {status} {body}")

        passes("a first call")
        if hung:
            os.kill(hung, signal.SIGSTOP)
            passes("while the place hangs")
            folder.run("reload")
            passes("after a reload while the place hangs")
            row = checked(folder, reference, ends=1)
            check(not row["ok"] and "no answer" in row["fault"], row)
            os.kill(hung, signal.SIGCONT)
            check(checked(folder, reference)["ok"], "it is not told as well again")
        passes("at the end")
    finally:
        if hung:
            os.kill(hung, signal.SIGCONT)
        server.send_signal(signal.SIGTERM)
        check(server.wait(timeout=30) == 0, "serve did not end with 0")
    plain = [base64.b64decode(one).decode() for one in (key, wide)]
    kept = folder.holds(key, wide, *plain)
    check(not kept, f"the upstream key is in {kept}")
    secret_id = os.environ["DOORWARD_SECRET_ID"]
    kept = [one for one in folder.holds(secret_id) if not one.endswith("/secret-id")]
    check(place != "vault" or not kept, f"the secret id is in {kept}")
    for path in folder.path.rglob("*"):
        found = TOKEN.search(path.read_bytes()) if path.is_file() else None
        check(not found, f"a token of OpenBao is in {path}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--doorward", required=True)
    program = str(pathlib.Path(parser.parse_args().doorward).resolve())
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    bus = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME")
    bus = {name: os.environ[name] for name in bus if name in os.environ}
    for place, reference, environment in [
        ("vault", "vault://secret/doorward/acme#upstream", {}),
        ("gcp", "gcp-sm://doorward-test/acme-upstream", {}),
        ("aws", "aws-sm://doorward/acme/upstream?region=eu-west-1", aws),
        ("keyring", "keyring://doorward-test/acme", bus),
    ]:
        through(program, place, reference, environment)
        print(f"{place}: kept, checked, copied and used")


if __name__ == "__main__":
    main()
