"""pygeoapi for a real server. It answers each request with the call that it would make.

gunicorn runs `differential.telling:FLASK`, uvicorn `differential.telling:STARLETTE`. pygeoapi itself routes the request and
reads arguments and parameters. Only the functions that would fetch data are replaced: they return their call.
"""

import atexit
import base64
import importlib
import json
import os
from pathlib import Path

from . import pygeoapi_setup

# The test's policy writes its `input.ogc` and the target into this header of the request.
JUDGED = "x-judged"
# The call is in this header of the answer, since the answer to HEAD has no body.
SERVED = "X-Served"


def told(name: str, request, arguments: tuple, headers) -> dict[str, str]:
    params = dict(request.params.items()) if request is not None else None
    # pygeoapi keeps the headers in a plain dictionary. Flask and Starlette spell their names differently.
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
    """The application for the server that imports this name. Do not import both: they would share the replaced functions."""
    if name in ("FLASK", "STARLETTE"):
        return application(name.lower())
    raise AttributeError(name)
