"""Calls pygeoapi's Starlette application as uvicorn does."""

import asyncio
import contextlib
import logging
import urllib.parse

import httptools
from pygeoapi import starlette_app
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles

from . import pygeoapi_setup

logging.disable(logging.CRITICAL)
LOOP = asyncio.new_event_loop()


async def static(files, path: str, _scope):
    is_schema = files.directory == starlette_app.OGC_SCHEMAS_LOCATION
    pygeoapi_setup.record("schemas" if is_schema else "static", None, (path,))
    return PlainTextResponse("")


StaticFiles.get_response = static


class InPlace:
    """Runs functions at once that pygeoapi would run in a thread. A thread for each of a million requests costs minutes."""

    def __init__(self, loop):
        self.loop = loop

    def __getattr__(self, name):
        return getattr(self.loop, name)

    async def run_in_executor(self, _executor, function, *arguments):
        return function(*arguments)


starlette_app.asyncio = type(
    "InPlaceAsyncio",
    (),
    {"get_running_loop": staticmethod(lambda: InPlace(LOOP)), "set_event_loop": staticmethod(lambda loop: None)},
)


def serve(request: dict) -> None:
    """Lets pygeoapi serve a request. `pygeoapi_setup.last` is then the call that it made."""
    target = request["target"].encode("latin-1")
    try:
        # Parse the target as uvicorn's httptools protocol does.
        url = httptools.parse_url(target)
        raw_path = url.path
        path = raw_path.decode("ascii")
    except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):
        return
    if "%" in path:
        path = urllib.parse.unquote(path)
    body = request["body"].encode()
    headers = [["host", "localhost"], *request["headers"]]
    if body:
        headers.append(["content-length", str(len(body))])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 5000),
        "client": ("127.0.0.1", 40000),
        "scheme": "http",
        "method": request["method"],
        "root_path": "",
        "path": path,
        "raw_path": raw_path,
        "query_string": url.query or b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "state": {},
    }
    # uvicorn answers every exception with 500. A call that was recorded before it still counts.
    with contextlib.suppress(Exception):
        LOOP.run_until_complete(call(scope, body))


async def call(scope: dict, body: bytes) -> None:
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_message):
        pass

    await starlette_app.APP(scope, receive, send)
