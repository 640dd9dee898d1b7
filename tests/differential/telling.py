"""pygeoapi behind a real server, answering each request with what it was asked to serve.

gunicorn runs `differential.telling:FLASK`, uvicorn `differential.telling:STARLETTE`. Routing, and how arguments and
parameters are read, are pygeoapi's own; only the functions that would fetch data tell of their call instead.
"""

import atexit
import base64
import importlib
import json
import os
from pathlib import Path

from . import pygeoapi_setup

# The policy of the test puts what it judged into this header of the request.
JUDGED = "x-judged"
# What was served goes into this header of the answer, which a HEAD has too.
SERVED = "X-Served"


def told(name: str, request, arguments: tuple, headers) -> dict[str, str]:
    params = dict(request.params.items()) if request is not None else None
    # pygeoapi keeps them in a plain dictionary, spelt as its framework spells them.
    judged = {header.lower(): value for header, value in headers.items()}.get(JUDGED)
    format_ = request.format if request is not None else None
    body = request.data.decode() if hasattr(request, "data") else None
    call = {"function": name, "arguments": list(arguments), "params": params, "format": format_, "body": body, "judged": judged}
    return {"Content-Type": "application/json", SERVED: base64.b64encode(json.dumps(call).encode()).decode()}


def teller(name: str):
    def tell(_api, request, *arguments):
        return told(name, request, arguments, request.headers), 200, "{}"

    return tell


def application(framework: str):
    environment = pygeoapi_setup.environment(Path(__file__).parents[2], os.environ.get("SCRIPT_NAME", ""))
    environment.__enter__()
    atexit.register(environment.__exit__, None, None, None)
    pygeoapi_setup.replace_functions(teller)
    app = importlib.import_module(f"pygeoapi.{framework}_app").APP
    if framework == "flask":
        flask_static(app)
    else:
        starlette_static()
    return app


def flask_static(app) -> None:
    import flask

    def static(filename: str):
        return flask.Response("{}", headers=told("static", None, (filename,), flask.request.headers))

    for endpoint in list(app.view_functions):
        if endpoint.endswith("static"):
            app.view_functions[endpoint] = static


def starlette_static() -> None:
    from starlette.datastructures import Headers
    from starlette.responses import Response
    from starlette.staticfiles import StaticFiles

    async def static(_self, path: str, scope):
        return Response("{}", headers=told("static", None, (path,), Headers(scope=scope)))

    StaticFiles.get_response = static


def __getattr__(name: str):
    """The application of the server that asks: importing both would let them share what is replaced."""
    if name in ("FLASK", "STARLETTE"):
        return application(name.lower())
    raise AttributeError(name)
