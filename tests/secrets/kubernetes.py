"""As much of Kubernetes as says whose a service account's token is: `kubernetes.py PORT FILE`.

The token that it knows is written into the file. OpenBao asks here by TokenReview.
"""

import base64
import http.server
import json
import pathlib
import sys

ACCOUNT = {"namespace": "default", "serviceaccount": {"name": "doorward", "uid": "an-id"}}
PARTS = ({"alg": "RS256", "typ": "JWT"}, {"sub": "system:serviceaccount:default:doorward", "kubernetes.io": ACCOUNT})
ENCODED = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in PARTS]
TOKEN = ".".join([*ENCODED, "c2lnbmF0dXJl"])


class Reviews(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = asked["spec"]["token"] == TOKEN
        user = {"username": PARTS[1]["sub"], "uid": "an-id", "groups": []}
        status = {"authenticated": known, "user": user if known else {}}
        self.answer({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(201 if value else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


file = pathlib.Path(sys.argv[2])
file.touch(mode=0o600)
file.write_text(TOKEN + "\n")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Reviews).serve_forever()
