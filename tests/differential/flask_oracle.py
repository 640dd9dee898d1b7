"""Calls pygeoapi's Flask application as gunicorn does: gunicorn's own parser builds the WSGI environment."""

import io
import logging
import os

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from pygeoapi import flask_app

from . import pygeoapi_setup

logging.disable(logging.CRITICAL)

CONFIG = Config()
CONFIG.set("forwarder_headers", "X-None")
SERVER = ("127.0.0.1", 5000)
CLIENT = ("127.0.0.1", 40000)


def static(filename: str):
    pygeoapi_setup.record("static", None, (filename,))
    return ""


for endpoint in list(flask_app.APP.view_functions):
    if endpoint.endswith("static"):
        flask_app.APP.view_functions[endpoint] = static


def schema(folder: str, file: str, **_options):
    location = flask_app.OGC_SCHEMAS_LOCATION
    pygeoapi_setup.record("schemas", None, (os.path.relpath(os.path.join(folder, file), location),))
    return ""


flask_app.send_from_directory = schema


class NoSocket:
    """Discards answers: the test does not look at them."""

    def sendall(self, data: bytes) -> None:
        pass


def serve(request: dict) -> None:
    """Lets pygeoapi serve a request. `pygeoapi_setup.last` is then the call that it made."""
    body = request["body"].encode()
    head = [request["method"].encode("latin-1") + b" " + request["target"].encode("latin-1") + b" HTTP/1.1"]
    headers = [["host", "localhost"], *request["headers"]]
    if body:
        headers.append(["content-length", str(len(body))])
    head += [f"{name}: {value}".encode() for name, value in headers]
    try:
        parsed = next(RequestParser(CONFIG, iter([b"\r\n".join(head) + b"\r\n\r\n" + body]), CLIENT))
        _, environ = wsgi.create(parsed, NoSocket(), CLIENT, SERVER, CONFIG)
    except (ParseException, ValueError):
        # gunicorn answers such a request with 400 and does not call pygeoapi.
        return
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.errors"] = io.StringIO()
    for part in flask_app.APP.wsgi_app(environ, lambda status, headers, info=None: None):
        del part
