"""Serves OPA's own engine by the part of OPA's REST API that fastgeoapi uses.

python opa_server.py POLICY.rego: prints `listening on http://127.0.0.1:PORT`. It answers POST /v1/data/PATH with the
document at this path, `{"result": ..}`, or with `{}` if the document is undefined.
"""

import json
import pathlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opa_bindings import OpaEngine, OpaUndefinedError

ENGINE = OpaEngine()
DATA = "/v1/data/"


class Handler(BaseHTTPRequestHandler):
    """Handles one request."""

    def do_POST(self):
        """Answers with a document."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.startswith(DATA):
            self.send_error(404)
            return
        try:
            asked = json.loads(body).get("input")
            path = self.path.removeprefix(DATA).replace("/", ".")
            answer = {"result": ENGINE.eval_document(path, asked)}
        except OpaUndefinedError:
            answer = {}
        sent = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_):
        """Logs nothing, since requests contain claims."""


ENGINE.add_policy("auth.rego", pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{SERVER.server_port}", flush=True)
SERVER.serve_forever()
