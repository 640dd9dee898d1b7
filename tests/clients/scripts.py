"""Scripts: Python's requests, which adds a password for the host by itself, and a client that closes its connections."""

import json
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests


def session(url: str, headers: dict[str, str]) -> Iterator[tuple[str, object]]:
    with tempfile.TemporaryDirectory(prefix="geowarden-clients-") as folder, requests.Session() as client:
        netrc = Path(folder, "netrc")
        netrc.write_text(f"machine {urlsplit(url).hostname} login somebody password anything\n")
        os.environ["NETRC"] = str(netrc)
        # The password would replace a token.
        client.trust_env = "authorization" not in headers
        client.headers.update(headers)
        yield "pages", list(pages(client, f"{url}/collections/obs/items?limit=2"))
        for name, target, accept in [
            ("a page for people", "/collections/obs?f=html", "text/html"),
            ("a format by header", "/collections/obs/items", "application/ld+json"),
            ("a list for a table", "/collections/obs/items?f=csv", "*/*"),
            ("a tile", "/collections/lakes/tiles/WebMercatorQuad/1/0/1?f=mvt", "*/*"),
            ("tile matrix sets", "/TileMatrixSets/", "application/json"),
        ]:
            yield name, told(client.get(f"{url}{target}", headers={"accept": accept}))
        filtered = {"op": "=", "args": [{"property": "station"}, "verona"]}
        found = client.post(f"{url}/collections/obs/items?f=json", json=filtered).json()
        yield "a filter in the body", [feature["id"] for feature in found["features"]]
        inputs = {"inputs": {"name": "Ada"}}
        asked = client.post(f"{url}/processes/hello-world/execution", json=inputs, headers={"prefer": "respond-async"})
        yield "an asynchronous execution", [asked.status_code, asked.headers.get("preference-applied")]
        # urllib sends `Connection: close`.
        closing = urllib.request.Request(f"{url}/collections/heights/coverage?f=json", headers=headers)
        with urllib.request.urlopen(closing) as answer:
            yield "a client that closes", json.load(answer)


def pages(client: requests.Session, address: str | None) -> Iterator[list]:
    while address:
        page = client.get(address).json()
        yield [feature["id"] for feature in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


def told(answer: requests.Response) -> list:
    return [answer.status_code, answer.headers["content-type"], answer.content.decode("latin-1")]
