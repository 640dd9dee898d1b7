"""OWSLib: features with a search and a change, a coverage, a process."""

import json
from collections.abc import Iterator

from owslib.ogcapi.coverages import Coverages
from owslib.ogcapi.features import Features
from owslib.ogcapi.processes import Processes

SITE = {
    "type": "Feature",
    "id": "9",
    "properties": {"name": "Su Nuraxi", "surveyed": "2025-05-03T10:00:00Z"},
    "geometry": {"type": "Point", "coordinates": [8.99, 39.71]},
}


def session(url: str, headers: dict[str, str]) -> Iterator[tuple[str, object]]:
    maps = Features(f"{url}/", headers=dict(headers))
    yield "conformance", maps.conformance()
    yield "OpenAPI document", sorted(maps.api()["paths"])
    yield "collections", maps.feature_collections()
    yield "a collection", maps.collection("obs")
    yield "queryables", maps.collection_queryables("obs")
    yield "schema", maps.collection_schema("obs")
    yield "first page", ids(maps.collection_items("obs", limit=2))
    yield "second page", ids(maps.collection_items("obs", limit=2, offset=2))
    yield "by box", ids(maps.collection_items("obs", bbox=[10.5, 45, 12, 47]))
    yield "by time", ids(maps.collection_items("sites", datetime="2025-03-01T00:00:00Z/2025-03-31T23:59:59Z"))
    yield "by attribute", ids(maps.collection_items("obs", station="verona"))
    yield "some properties", maps.collection_items("obs", properties=["station,value"])["features"]
    yield "an item", maps.collection_item("lakes", "1")["properties"]
    yield "changes", list(changes(url, headers))

    grids = Coverages(url, headers=dict(headers))
    yield "coverages", grids.coverages()
    yield "a coverage", json.loads(grids.coverage("heights", bbox=[10, 45, 12, 46]).getvalue())

    processes = Processes(url, headers=dict(headers))
    yield "processes", [process["id"] for process in processes.processes()]
    yield "a process", processes.process("hello-world")["inputs"]
    yield "an execution", processes.execute("hello-world", inputs={"name": "Ada"})
    job = processes.execute("hello-world", inputs={"name": "Ada"}, async_=True)
    yield "a job", job["status"]


def changes(url: str, headers: dict[str, str]) -> Iterator[object]:
    """Adds, replaces and deletes a feature. OWSLib takes the Content-Type from the headers of the client."""
    editor = Features(f"{url}/", headers=headers | {"Content-Type": "application/geo+json"})
    yield editor.collection_item_create("sites", json.dumps(SITE))
    # OWSLib sends its headers with every later request too, so remove the Content-Type.
    del editor.headers["Content-Type"]
    renamed = SITE | {"properties": SITE["properties"] | {"name": "Barumini"}}
    yield editor.collection_item_update("sites", "9", json.dumps(renamed))
    yield editor.collection_item("sites", "9")["properties"]
    yield editor.collection_item_delete("sites", "9")
    yield ids(editor.collection_items("sites"))


def ids(found: dict) -> list:
    return [feature["id"] for feature in found["features"]]
