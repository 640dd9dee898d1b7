"""The call that pygeoapi must make, computed from the resource that geowarden read."""

import json
from datetime import datetime, timezone

import shapely
from dateutil.parser import parse as dateparse
from pygeoapi.api import validate_bbox, validate_subset
from pygeoapi.util import get_typed_value

# pygeoapi's functions for the resources without variables.
PAGES = {
    "landing": "core.landing_page",
    "openapi": "core.openapi_",
    "asyncapi": "core.asyncapi_",
    "conformance": "core.conformance",
    "TileMatrixSets": "tiles.tilematrixsets",
    "stac-root": "stac.get_stac_root",
    "stac-api": "stac.landing_page",
    "stac-search": "stac.search",
}
ADMIN = {"read": "get", "create": "post", "replace": "put", "update": "patch", "delete": "delete"}
MANAGE = {"create": "create", "replace": "update", "delete": "delete", "options": "options"}


def call(read: dict) -> tuple[str, list]:
    """The function that pygeoapi must call, and its arguments."""
    api, operation, action = read["api"], read["operation"], read["action"]
    if api in PAGES:
        return PAGES[api], []
    match api:
        case "TileMatrixSet":
            return "tiles.tilematrixset", [read["tms"]]
        case "processes":
            return "processes.describe_processes", []
        case "process":
            return "processes.describe_processes", [read["process"]]
        case "execute":
            return "processes.execute_process", [read["process"]]
        case "jobs":
            return "processes.get_jobs", []
        case "job":
            function = "delete_job" if action == "delete" else "get_jobs"
            return f"processes.{function}", [read["job"]]
        case "job-results":
            return "processes.get_job_result", [read["job"]]
        case "stac":
            if read["dataset"] != read["resource_path"].split("/")[0]:
                return "the dataset is not the first segment", []
            return "stac.get_stac_path", [read["resource_path"]]
        case "static" | "schemas":
            return api, [read["resource_path"]]
        case "admin-config":
            return f"admin.{ADMIN[action]}_config" + ("_" if action == "read" else ""), []
        case "admin-resources":
            return ("admin.get_resources" if action == "read" else "admin.post_resource"), []
        case "admin-resource":
            return f"admin.{ADMIN[action]}_resource", [read["resource"]]
        case "collections":
            return collection_call(read, operation, action)
    return f"unknown api {api}", []


def collection_call(read: dict, operation: str, action: str) -> tuple[str, list]:
    if operation == "list":
        return "core.describe_collections", []
    collection = read["collection"]
    if operation in ("items", "search", "create", "item"):
        item = [read["item"]] if "item" in read else []
        if action in MANAGE:
            return "itemtypes.manage_collection_item", [MANAGE[action], collection, *item]
        return ("itemtypes.get_collection_item" if item else "itemtypes.get_collection_items"), [collection, *item]
    match operation:
        case "describe":
            return "core.describe_collections", [collection]
        case "schema":
            return "core.get_collection_schema", [collection]
        case "queryables":
            return "itemtypes.get_collection_queryables", [collection]
        case "coverage":
            return "coverages.get_collection_coverage", [collection]
        case "map":
            return "maps.get_collection_map", [collection, read.get("style")]
        case "tiles":
            return "tiles.get_collection_tiles", [collection]
        case "tileset":
            return "tiles.get_collection_tiles_metadata", [collection, read["tms"]]
        case "tile":
            return "tiles.get_collection_tiles_data", [collection, *(read[name] for name in ("tms", "z", "row", "col"))]
        case "edr-instances":
            return "edr.get_collection_edr_instances", [collection]
        case "edr-instance":
            return "edr.get_collection_edr_instances", [collection, read["instance"]]
        case "edr":
            return "edr.get_collection_edr_query", [collection, read.get("instance"), read["query"], read.get("location")]
    return f"unknown operation {operation}", []


def without_trailing_none(arguments: list) -> list:
    arguments = list(arguments)
    while arguments and arguments[-1] is None:
        arguments.pop()
    return arguments


def difference(read: dict, served: dict, request: dict, way: str) -> str | None:
    """Says how pygeoapi's call differs from what geowarden read, or None if they agree."""
    function, arguments = call(read)
    if way == "as it came":
        served = without_slash(served, request)
    # On Starlette, pygeoapi's POST to the resources calls the function of the PUT.
    aliases = {"admin.post_resource": "admin.put_resource"}
    if served["function"] not in (function, aliases.get(function)):
        return f"expected {function}, served {served['function']}"
    if without_trailing_none(served["arguments"]) != without_trailing_none(arguments):
        return f"expected {arguments}, served {served['arguments']}"
    if served["params"] is None:
        return None
    if served["body"] != request["body"]:
        return f"expected the body {request['body']!r}, served {served['body']!r}"
    params = read["params"]
    names = {name for name in [*params, *read["ignored"]] if name not in implied(request) or name in served["params"]}
    # pygeoapi ignores an empty `f`. If Accept asks for CSV, geowarden adds an `f`. So `f` is not compared here.
    if names - {"f"} != {name for name in served["params"]} - {"f"}:
        return f"expected the parameters {sorted(names)}, served {sorted(served['params'])}"
    for name, text in served["params"].items():
        # pygeoapi also ignores an `f` that has only spaces.
        is_none = name == "f" and not text.strip()
        if name in params and not is_none and not same(name, params[name], text):
            return f"parameter {name}: expected {params[name]!r}, served {text!r}"
    if way == "sent on" and function not in OWN_FORMAT and (served["format"] or "json") != read.get("format"):
        return f"expected the format {read.get('format')!r}, served {served['format']!r}"
    return None


def without_slash(served: dict, request: dict) -> dict:
    """The call that pygeoapi would make without the slash at the end of the path. On Starlette, that slash becomes the last
    character of an id, or an empty id follows it."""
    if not request["target"].partition("?")[0].endswith("/") or not served["arguments"]:
        return served
    *before, last = served["arguments"]
    last = last.removesuffix("/") if last else None
    if served["function"] == "stac.get_stac_path" and not last:
        return served | {"function": "stac.get_stac_root", "arguments": []}
    return served | {"arguments": [*before, last]}


# Handlers that do not use the request's format.
OWN_FORMAT = {"maps.get_collection_map", "tiles.get_collection_tiles_data", "stac.landing_page", "stac.search", "static", "schemas"}


def implied(request: dict) -> set[str]:
    """Parameters that are not in the query: geowarden adds them, or they are members of the body."""
    try:
        body = json.loads(request["body"])
    except ValueError:
        body = {}
    return {"bbox-crs", "filter-lang"} | (set(body) if isinstance(body, dict) else set())


def same_times(value: dict, text: str) -> bool:
    """Whether pygeoapi parses the text to the start of the interval, and to its end. The end is only compared if it has a time
    of day: geowarden widens a date at the end to the whole day, month or year."""
    halves = text.split("/")
    for half, moment in ((halves[0], value["start"]), (halves[-1], value["end"])):
        if half in ("", ".."):
            if moment is not None:
                return False
        elif moment is value["start"] or half.count(":") > 1:
            if moment_of(half) != moment_of(moment):
                return False
    return True


def moment_of(text: str) -> datetime:
    parsed = dateparse(text, default=datetime.min)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def same(name: str, value, text: str) -> bool:
    """Whether pygeoapi parses the text to this value."""
    if isinstance(value, str):
        return value == (text.strip() if name == "f" else text)
    match name:
        case "bbox":
            return validate_bbox(text) == value
        case "limit":
            return get_typed_value(text) == value
        case "offset" | "width" | "height":
            return int(text) == value
        case "properties" | "parameter-name":
            return text.split(",") == value or [part for part in text.split(",") if part] == value
        case "coords":
            # `geometry` is None if pygeoapi cannot parse the text.
            geometry = shapely.from_wkt(text, on_invalid="ignore")
            return geometry is not None and shapely.to_geojson(geometry) == shapely.to_geojson(shapely.geometry.shape(value))
        case "subset":
            return validate_subset(text) == value
        case "within" | "corridor-width" | "corridor-height":
            return float(text) == value
        case "datetime":
            return same_times(value, text)
        case "sortby" | "skipGeometry":
            # pygeoapi's handlers parse these texts, which do not run here: `--values` compares them.
            return True
    return False
