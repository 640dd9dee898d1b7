"""Let each client use all parts of a pygeoapi, and report the answers that it gets.

    python -m clients --url http://127.0.0.1:8080 --header x-api-key:KEY --output FILE

The file then has one JSON object: the result of each step of each client. A client that raises an error ends the run.
"""

import argparse
import json
import sys
from pathlib import Path

from . import gdal, ows, scripts, stac

SESSIONS = {"GDAL": gdal.session, "OWSLib": ows.session, "pystac-client": stac.session, "scripts": scripts.session}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--url", required=True, help="where clients find pygeoapi, without a slash at the end")
    arguments.add_argument("--header", default="", help="NAME:VALUE, the credential of every request")
    arguments.add_argument("--output", type=Path, required=True)
    given = arguments.parse_args()
    name, _, value = given.header.partition(":")
    headers = {name: value} if name else {}
    told = {client: dict(session(given.url, headers)) for client, session in SESSIONS.items()}
    # Links begin with the client's address, which differs with and without Envoy.
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str)
    given.output.write_text(text.replace(given.url, "URL"))
    return 0


sys.exit(main())
