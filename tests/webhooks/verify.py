"""Holds our signatures and proofs against PyPI's standardwebhooks, cryptography and hmac.

verify.py ORACLE
"""

import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import time
from datetime import datetime, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from standardwebhooks import Webhook, WebhookVerificationError

ORACLE = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
NOW = int(time.time())
TEXT = "secret of the tests, long enough"
b64 = lambda data: base64.b64encode(data).decode()


def ask(**asked):
    asked["body"] = b64(asked["body"])
    ORACLE.stdin.write(json.dumps(asked) + "\n")
    ORACLE.stdin.flush()
    return json.loads(ORACLE.stdout.readline())


def sign(secrets, body, id="evt_1"):
    return ask(do="sign", secrets=secrets, id=id, seconds=NOW, body=body)


def verify(way, secrets, headers, body, seconds=NOW):
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    return ask(do="verify", way=way, secrets=secrets, headers=pairs, body=body, seconds=seconds)


def holds(way, secrets, headers, body):
    """It is verified, by either secret; and not with anything changed."""
    assert verify(way, secrets, headers, body) == {"ok": True, "other": False}, (way, headers)
    other = [secrets[0][:-8] + "AAAAAAA=" if secrets[0].startswith("wh") else secrets[0] + "x"]
    assert verify(way, other + secrets, headers, body) == {"ok": True, "other": True}
    assert verify(way, other, headers, body) == {"ok": False, "why": "wrong"}, (way, other)
    assert verify(way, secrets, headers, body + b" ") == {"ok": False, "why": "wrong"}
    for name in headers:
        less = {key: value for key, value in headers.items() if key != name}
        assert verify(way, secrets, less, body) == {"ok": False, "why": "missing"}
        twice = [*headers.items(), (name.upper(), headers[name])]
        assert verify(way, secrets, twice, body) == {"ok": False, "why": "repeated"}
    return True


def raises(kind, work):
    try:
        work()
    except kind:
        return True
    raise AssertionError(f"{kind.__name__} was to be raised")


def bodies():
    rng = random.Random(6)
    yield b"{}"
    yield '{"event_type":"Très chaud 😀","n":1.0}'.encode()
    yield json.dumps({"reply_html": "<p>x</p>\r\n" * 5000}).encode()
    for _ in range(40):
        yield json.dumps({str(n): rng.random() for n in range(rng.randrange(30))}).encode()


def standard(body):
    secret, old = ("whsec_" + b64(os.urandom(n)) for n in (32, 24))
    ours = sign([secret, old], body)
    for known in (secret, old):
        library = Webhook(known)
        assert library.verify(body, ours["headers"]) == json.loads(body)
        raises(WebhookVerificationError, lambda: library.verify(body + b" ", ours["headers"]))
    stranger = Webhook("whsec_" + b64(os.urandom(32)))
    raises(WebhookVerificationError, lambda: stranger.verify(body, ours["headers"]))
    at = datetime.fromtimestamp(NOW, tz=timezone.utc)
    theirs = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }
    assert holds({"by": "standard"}, [secret], theirs, body)
    late = verify({"by": "standard"}, [secret], theirs, body, seconds=NOW + 301)
    assert late == {"ok": False, "why": "stale"}


def ed25519(body):
    theirs = Ed25519PrivateKey.generate()
    raw = theirs.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    seed = theirs.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public, private = "whpk_" + b64(raw), "whsk_" + b64(seed + raw)
    signed = f"evt_1.{NOW}.".encode() + body
    ours = sign([private, "whsec_" + b64(seed)], body)
    assert ours["public"] == [public]
    asymmetric, symmetric = ours["headers"]["webhook-signature"].split(" ")
    assert asymmetric.startswith("v1a,") and symmetric.startswith("v1,")
    signature = base64.b64decode(asymmetric[4:])
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, signed)
    raises(InvalidSignature, lambda: theirs.public_key().verify(signature, signed + b" "))
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": "v1a," + b64(theirs.sign(signed)),
    }
    assert verify({"by": "standard"}, [public], headers, body)["ok"]
    assert verify({"by": "standard"}, [public], headers, body + b" ")["why"] == "wrong"


def macs(body):
    mac = lambda signed: hmac.new(TEXT.encode(), signed, hashlib.sha256)
    github = {"by": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="}
    assert holds(github, [TEXT], {"X-Hub-Signature-256": "sha256=" + mac(body).hexdigest()}, body)
    plain = {"by": "hmac", "header": "X-Signature", "encoding": "base64"}
    assert holds(plain, [TEXT], {"X-Signature": b64(mac(body).digest())}, body)
    stripe = f"t={NOW},v1={mac(f'{NOW}.'.encode() + body).hexdigest()},v0=00"
    assert holds({"by": "stripe"}, [TEXT], {"Stripe-Signature": stripe}, body)
    slack = {
        "by": "hmac",
        "header": "X-Slack-Signature",
        "prefix": "v0=",
        "stamp": {"header": "X-Slack-Request-Timestamp", "before": "v0:", "after": ":"},
    }
    headers = {
        "X-Slack-Signature": "v0=" + mac(f"v0:{NOW}:".encode() + body).hexdigest(),
        "X-Slack-Request-Timestamp": str(NOW),
    }
    assert holds(slack, [TEXT], headers, body)


count = 0
for body in bodies():
    standard(body)
    ed25519(body)
    macs(body)
    count += 1
print(f"Python: {count} bodies, signed and verified both ways by standardwebhooks, Ed25519 and hmac")
