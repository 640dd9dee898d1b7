"""Compares the parameters that geowarden read with those that pygeoapi's handlers pass to their providers.

Each collection of the test has a provider that records its arguments. So the test shows two things: pygeoapi uses every value
that a policy sees, and a policy sees every value that pygeoapi uses.
"""

import importlib
import json
import os
import random
import urllib.parse
from pathlib import Path

import shapely
import tinydb
from pygeoapi.provider.base import BaseProvider, ProviderGenericError
from pygeoapi.util import get_typed_value

from . import generator

FIELDS = {name: {"type": "string"} for name in ("a", "b", "name", "z", "SST", "wind", "coords", "within", "ids", "collections")}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
WORLD = [-180, -90, 180, 90]
OF_STAC = {"collections", "ids"}
QUERIES = ["position", "area", "cube", "radius", "trajectory", "corridor", "locations"]

# The arguments of the last call of a provider; None if there was none.
asked: dict | None = None


def provider(kind: str) -> dict:
    return {
        "type": kind,
        "name": "differential.values.Recording",
        "data": "x",
        "id_field": "id",
        "crs": [CRS84, MERCATOR],
        "format": {"name": "png" if kind == "map" else "GRIB", "mimetype": "application/octet-stream"},
    }


def resource(kind: str, resource_type: str = "collection") -> dict:
    return {
        "type": resource_type,
        "title": kind,
        "description": kind,
        "keywords": [kind],
        "links": [],
        "extents": {"spatial": {"bbox": WORLD, "crs": CRS84}, "Lat": {"range": [0, 1]}, "a": {"range": [0, 1]}},
        "providers": [provider(kind)],
    }


def tiny(kind: str, name: str) -> dict:
    data = "${GEOWARDEN_PYGEOAPI_WORK}/stac.db"
    return {"type": kind, "name": name, "data": data, "id_field": "id", "title_field": "a", "time_field": "b"}


RESOURCES = {
    "features": resource("feature"),
    "records": resource("record"),
    "grid": resource("coverage"),
    "edr": resource("edr"),
    "drawn": resource("map"),
    # Real providers, since some STAC searches break them. A search asks them before the recording provider.
    "tiny": resource("feature", "stac-collection") | {"providers": [tiny("feature", "TinyDB")]},
    "records-of-tiny": resource("record", "stac-collection") | {"providers": [tiny("record", "TinyDBCatalogue")]},
    "catalog": resource("feature", "stac-collection"),
}


STAC = [name for name, one in RESOURCES.items() if one["type"] == "stac-collection"]


class Recording(BaseProvider):
    """A provider that records its arguments, and raises an error that pygeoapi handles."""

    def __init__(self, definition):
        super().__init__(definition)
        self._fields = FIELDS
        self.axes = ["Lat", "Long", "time", "a", "band"]

    def get_fields(self):
        return FIELDS

    def get_query_types(self):
        return QUERIES

    def instance(self, _instance):
        return True

    def query(self, **arguments):
        return self.note("query", arguments)

    def get(self, identifier, **arguments):
        return self.note("get", arguments | {"identifier": identifier})

    def get_domains(self, properties, _current=False):
        return self.note("get_domains", {"select_properties": properties})

    def note(self, function: str, arguments: dict):
        global asked
        is_filtered = {"is_filtered": True} if arguments.get("filterq") is not None else {"is_filtered": False}
        asked = {"type": self.type, "function": function} | is_filtered | arguments
        raise ProviderGenericError("recorded")


class Generator:
    """Draws requests for these collections. Every parameter can be on every route."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.values = generator.VALUES | {
            "crs": [CRS84, MERCATOR, "x", ""],
            "bbox-crs": [CRS84, MERCATOR, "x", ""],
            "filter-crs": [CRS84, ""],
            "profile": ["actual-domain", "actual-domain", "x", ""],
            "corridor-width": ["5", "x", ""],
            "corridor-height": ["5", "x", ""],
            "width-units": ["km", ""],
            "height-units": ["km", ""],
            "within-units": ["km", ""],
            "height": ["100", "x"],
            "transparent": ["false", ""],
            "ids": ["1"],
            "a": ["1", ""],
        }

    def request(self) -> dict:
        pick = self.random
        path, wanted = pick.choice(
            [
                ("/collections/features/items", ["bbox", "limit", "datetime", "sortby", "filter", "filter-lang"]),
                ("/collections/records/items", ["bbox", "q", "offset", "properties", "resulttype", "skipGeometry"]),
                ("/collections/features/items/1", ["crs", "bbox"]),
                ("/collections/features/queryables", ["profile", "properties"]),
                ("/collections/grid/coverage", ["bbox", "bbox-crs", "datetime", "properties", "subset"]),
                ("/collections/drawn/map", ["bbox", "bbox-crs", "crs", "width", "height", "subset", "transparent"]),
                ("/collections/drawn/styles/s/map", ["bbox", "datetime"]),
                (f"/collections/edr/{pick.choice(QUERIES)}", ["coords", "coords", "bbox", "bbox", "z", "parameter-name"]),
                (f"/collections/edr/instances/i/{pick.choice(QUERIES)}", ["coords", "bbox", "datetime", "limit"]),
                ("/collections/edr/radius", ["coords", "within", "within-units"]),
                ("/collections/edr/corridor", ["coords", "corridor-width", "width-units", "corridor-height"]),
                ("/collections/edr/locations/L1", ["bbox", "coords", "datetime"]),
                ("/stac-api/search", ["bbox", "datetime", "limit", "offset", "filter", "collections", "ids"]),
                ("/stac-api/search", ["bbox", "datetime", "limit", "offset", "properties", "a"]),
                ("/jobs", ["limit", "offset"]),
                ("/processes", ["limit", "offset"]),
            ]
        )
        names = {name for name in wanted if pick.random() < 0.6} | {
            pick.choice(list(self.values)) for _ in range(pick.choice([0, 0, 1, 2]))
        }
        pairs = [(name, pick.choice(self.values[name])) for name in names]
        query = urllib.parse.urlencode([(name, value) for name, value in pairs if pick.random() < 0.9])
        headers = []
        if pick.random() < 0.3:
            headers += [["accept", value] for value in pick.choice(generator.ACCEPTS) if value]
        body, method = "", "GET"
        if path.endswith(("/items", "/search")) and pick.random() < 0.4:
            method = "POST"
            headers.append(["content-type", "application/json"])
            body = self.stac_body() if path.endswith("/search") else '{"op": "=", "args": [{"property": "a"}, "1"]}'
        return {"method": method, "target": f"{path}?{query}", "headers": headers, "body": body}

    def stac_body(self) -> str:
        pick = self.random
        members = {
            "bbox": [[1, 2, 3, 4], [1.5, -2e-7, 3, 4], "1,2,3,4", None, 5, [], ["1", "2", "3", "4"], [1, 2, 3, 4, 5, 6], "", True],
            "datetime": ["2020/2021", "../2021", "2020", None, 5, "", []],
            "limit": [5, "7", None, 5.0, True, [], 0, 10**20],
            "offset": [3, "4", None, 1.5, "x"],
            "ids": [["a"]],
            "collections": [["b"], None],
            "sortby": [[{"field": "a"}]],
            "filter": [{"op": "=", "args": [{"property": "a"}, 1]}],
        }
        return json.dumps({name: pick.choice(members[name]) for name in members if pick.random() < 0.35})


def oracle(backend: str):
    """A function that returns the arguments of pygeoapi's provider for a request, or None if no provider was called."""
    prepare()
    write_records()
    serve = importlib.import_module(f"differential.{backend}_oracle").serve

    def ask(request: dict) -> dict | None:
        global asked
        asked = None
        serve(request)
        resources = application(backend).config["resources"]
        broken = [name for name in STAC if resources[name]["type"] != "stac-collection"]
        for name in broken:
            resources[name]["type"] = "stac-collection"
        return {"type": "broken", "which": broken} if broken else asked

    return ask


def write_records() -> None:
    """Writes three records. The last has one field less, as in real catalogs."""
    with tinydb.TinyDB(Path(os.environ["GEOWARDEN_PYGEOAPI_WORK"], "stac.db")) as database:
        for number in range(3):
            fields = {"name": f"n{number}", "b": f"2020-0{number + 1}-01T00:00:00Z"} | ({} if number == 2 else {"a": "1"})
            point = {"type": "Point", "coordinates": [number, number]}
            database.insert({"id": str(number), "type": "Feature", "geometry": point, "properties": fields})


def application(backend: str):
    return importlib.import_module(f"pygeoapi.{backend}_app").api_


def prepare() -> None:
    """Changes pygeoapi for the test: it sets no limits of its own, does not transform boxes, and records limits of lists."""
    for name in ("itemtypes", "maps"):
        module = importlib.import_module(f"pygeoapi.api.{name}")
        module.transform_bbox = lambda bbox, *_crs, **_options: bbox
    core = importlib.import_module("pygeoapi.api")
    evaluate = core.evaluate_limit

    def evaluate_limit(requested, _server, _collection):
        return evaluate(requested, {"max_items": 10**30, "default_items": 10}, {})

    for name in ("itemtypes", "environmental_data_retrieval", "stac"):
        module = importlib.import_module(f"pygeoapi.api.{name}")
        target = module.itemtypes_api if name == "stac" else module
        target.evaluate_limit = evaluate_limit
    processes = importlib.import_module("pygeoapi.api.processes")

    def noting_limit(requested, server, collection):
        global asked
        asked = {"type": "list", "limit": evaluate_limit(requested, server, collection)}
        return asked["limit"]

    processes.evaluate_limit = noting_limit
    manager = importlib.import_module("pygeoapi.process.manager.tinydb_").TinyDBManager

    def get_jobs(_self, status=None, limit=None, offset=None):
        global asked
        asked = {"type": "list", "limit": limit, "offset": offset}
        return {"jobs": [], "numberMatched": 0}

    manager.get_jobs = get_jobs


def difference(read: dict, given: dict, request: dict, _way: str) -> str | None:
    """Says how the arguments of a provider differ from what geowarden read, or None if they agree."""
    params = read["params"]
    # geowarden adds these two also if they are empty in the request. Then they are in both.
    if both := set(params) & set(read["ignored"]) - {"bbox-crs", "filter-lang"}:
        return f"{sorted(both)} both read and ignored"
    if given["type"] == "broken":
        return "pygeoapi is broken for everybody"
    if given["type"] == "list":
        names = ["limit", "offset"] if "offset" in given else ["limit"]
        return compared({"limit": params.get("limit", 10), "offset": params.get("offset", 0)}, given, names)
    if given["function"] == "get":
        return None if given["identifier"] == read["item"] and set(params) <= {"crs", "f", "lang"} else "another item"
    texts = dict(urllib.parse.parse_qsl(request_query(read["path"]), keep_blank_values=True))
    if request["body"] and read["api"] == "stac-search":
        texts |= {name: value for name, value in json.loads(request["body"]).items() if value is not None}
    raw = {name: texts.get(name) for name in params}
    expected = by_kind(given, read, params, raw)
    return compared(expected, given, list(expected))


def request_query(path: str) -> str:
    return path.partition("?")[2]


def compared(expected: dict, given: dict, names: list[str]) -> str | None:
    for name in names:
        if not equal(expected[name], given.get(name)):
            return f"{name}: expected {expected[name]!r}, the provider was given {given.get(name)!r}"
    return None


def equal(expected, given) -> bool:
    """Whether a provider uses both values alike. None, an empty text and an empty list are alike."""
    if expected in (None, "", []) and not isinstance(given, bool):
        return given in (None, "", [])
    return expected == given


def by_kind(given: dict, read: dict, params: dict, raw: dict) -> dict:
    """The arguments that the provider must get."""
    if given["function"] == "get_domains":
        return {"select_properties": params.get("properties")}
    datetime = raw.get("datetime")
    chosen = {"datetime_": datetime, "bbox": params.get("bbox")}
    match given["type"]:
        case "feature" | "record":
            # pygeoapi does not select by these names as STAC says. It compares fields of these names, if there are any.
            others = OF_STAC if read["api"] == "stac-search" else set()
            given["properties"] = sorted(pair for pair in given["properties"] if pair[0] not in others)
            return chosen | items(read, params)
        case "coverage":
            form = read["format"]
            return chosen | {
                "bbox_crs": given.get("bbox_crs") if "bbox" not in params else raw.get("bbox-crs"),
                "format_": "json" if form == "html" else form,
                "properties": params.get("properties"),
                "subsets": params.get("subset"),
            }
        case "map":
            return chosen | {
                "bbox": params.get("bbox", WORLD),
                "format_": read["format"],
                "style": read.get("style"),
                "width": params.get("width", 500),
                "height": params.get("height", 300),
                "transparent": given["transparent"] if given["transparent"] in (True, "") else params["transparent"],
                "subsets": params.get("subset"),
                "select_properties": params.get("properties"),
            }
        case "edr":
            return chosen | edr(given, read, params, raw)
    return {"type": f"not {given['type']}"}


def items(read: dict, params: dict) -> dict:
    orders = {"ascending": "+", "descending": "-"}
    is_filtered = "filter" in params or read["operation"] == "search"
    return {
        "offset": params.get("offset", 0),
        "limit": params.get("limit", 10),
        "resulttype": params.get("resulttype", "results"),
        "properties": sorted((name, value) for name, value in params.items() if name in FIELDS),
        "sortby": [key | {"order": orders[key["order"]]} for key in params.get("sortby", [])],
        "skip_geometry": params.get("skipGeometry", False),
        "select_properties": params.get("properties"),
        "q": params.get("q"),
        "is_filtered": is_filtered,
    }


def edr(given: dict, read: dict, params: dict, raw: dict) -> dict:
    numbers = {"within": "within", "corridor_width": "corridor-width", "corridor_height": "corridor-height"}
    texts = {"within_units": "within-units", "width_units": "width-units", "height_units": "height-units"}
    if isinstance(given["wkt"], shapely.Geometry) and shapely.has_m(given["wkt"]):
        # GeoJSON has no measures (M), and a measure does not change the place. So remove it.
        given["wkt"] = shapely.from_geojson(shapely.to_geojson(given["wkt"]))
    by_box = read["query"] in ("cube", "locations")
    wanted = {
        "query_type": read["query"],
        "instance": read.get("instance"),
        "location_id": read.get("location"),
        "format_": given["format_"] if given["format_"] is None and read["format"] == "json" else read["format"],
        "select_properties": params.get("parameter-name"),
        "z": None if raw.get("z") in (None, "") else get_typed_value(raw["z"]),
        "limit": params.get("limit", 10),
        # A query by box also gets a `wkt`, and a query by location also gets a `bbox`. pygeoapi's providers ignore them.
        "wkt": given["wkt"] if by_box else shapely.geometry.shape(params["coords"]),
        "bbox": given["bbox"] if read.get("location") else params.get("bbox"),
    }
    wanted |= {name: raw.get(parameter) for name, parameter in (numbers | texts).items()}
    return wanted
