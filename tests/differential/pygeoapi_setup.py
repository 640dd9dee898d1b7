"""Sets up a pygeoapi whose API functions record their arguments instead of answering."""

import contextlib
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

MODULES = {
    "core": "pygeoapi.api",
    "coverages": "pygeoapi.api.coverages",
    "edr": "pygeoapi.api.environmental_data_retrieval",
    "itemtypes": "pygeoapi.api.itemtypes",
    "maps": "pygeoapi.api.maps",
    "processes": "pygeoapi.api.processes",
    "stac": "pygeoapi.api.stac",
    "tiles": "pygeoapi.api.tiles",
    "admin": "pygeoapi.api.admin",
}
FUNCTIONS = {
    "core": ["landing_page", "openapi_", "asyncapi_", "conformance", "describe_collections", "get_collection_schema"],
    "coverages": ["get_collection_coverage"],
    "edr": ["get_collection_edr_query", "get_collection_edr_instances"],
    "itemtypes": ["get_collection_items", "get_collection_item", "manage_collection_item", "get_collection_queryables"],
    "maps": ["get_collection_map"],
    "processes": ["describe_processes", "execute_process", "get_jobs", "delete_job", "get_job_result"],
    "stac": ["landing_page", "search", "get_stac_root", "get_stac_path"],
    "tiles": [
        "tilematrixset",
        "tilematrixsets",
        "get_collection_tiles",
        "get_collection_tiles_metadata",
        "get_collection_tiles_data",
    ],
    "admin": [
        "get_config_",
        "put_config",
        "patch_config",
        "get_resources",
        "post_resource",
        "get_resource",
        "put_resource",
        "patch_resource",
        "delete_resource",
    ],
}

# The last call of an API function; None if there was none.
last: dict | None = None


@contextlib.contextmanager
def environment(repository: Path, base_path: str, resources: dict | None = None) -> Iterator[None]:
    """Provides the files and environment variables that pygeoapi reads when it is imported."""
    with tempfile.TemporaryDirectory(prefix="geowarden-differential-") as folder:
        stack = repository / "tests/stack/pygeoapi"
        os.environ["GEOWARDEN_PYGEOAPI_WORK"] = folder
        os.environ["GEOWARDEN_PYGEOAPI_DATA"] = str(stack / "data")
        config = yaml.safe_load((stack / "config.yml").read_text())
        config["server"]["url"] = "http://localhost" + base_path
        config["server"]["admin"] = True
        Path(folder, "schemas").mkdir()
        config["server"]["ogc_schemas_location"] = f"{folder}/schemas"
        config["server"]["manager"]["connection"] = f"{folder}/jobs.db"
        config["server"]["manager"]["output_dir"] = folder
        if resources is not None:
            config["resources"] = resources
        Path(folder, "config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        document = {"openapi": "3.0.2", "info": {"title": "test", "version": "1"}, "paths": {}}
        Path(folder, "openapi.json").write_text(json.dumps(document))
        os.environ["PYGEOAPI_CONFIG"] = f"{folder}/config.yml"
        os.environ["PYGEOAPI_OPENAPI"] = f"{folder}/openapi.json"
        # gunicorn takes the application's root path from this variable.
        os.environ["SCRIPT_NAME"] = base_path
        yield


def record(name: str, request, arguments: tuple) -> None:
    global last
    last = {
        "function": name,
        "arguments": list(arguments),
        "params": dict(request.params.items()) if request is not None else None,
        "format": request.format if request is not None else None,
        "body": request.data.decode() if request is not None else None,
    }


def oracle(backend: str) -> Callable[[dict], dict | None]:
    """A function that returns the call that pygeoapi makes for a request, or None if it makes none."""
    replace_functions(recorder)
    serve = importlib.import_module(f"differential.{backend}_oracle").serve

    def ask(request: dict) -> dict | None:
        global last
        last = None
        serve(request)
        return last

    return ask


def replace_functions(maker: Callable) -> None:
    """Replaces each function of pygeoapi's API by `maker(name)`."""
    for short, path in MODULES.items():
        module = importlib.import_module(path)
        for function in FUNCTIONS[short]:
            # Fail if pygeoapi no longer has this function.
            getattr(module, function)
            setattr(module, function, maker(f"{short}.{function}"))


def recorder(name: str):
    def recorded(_api, request, *arguments):
        record(name, request, arguments)
        return {"Content-Type": "application/json"}, 200, ""

    return recorded
