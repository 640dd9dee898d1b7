"""GDAL: its drivers OAPIF and OGCAPI for features and tiles, and its file system over HTTP for a coverage."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyogrio
import rasterio

# The box contains Verona and Trento, but not Bologna.
BOX = (10.5, 45, 12, 47)


def session(url: str, headers: dict[str, str]) -> Iterator[tuple[str, object]]:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    with tempfile.TemporaryDirectory(prefix="geowarden-clients-") as folder:
        # The drivers for OGC's APIs set their own headers, and then GDAL ignores GDAL_HTTP_HEADERS. So use a file.
        file = Path(folder, "headers")
        file.write_text("".join(f"{line}\n" for line in lines))
        pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADER_FILE": str(file)})
        yield "collections", pyogrio.list_layers(f"OAPIF:{url}/").tolist()
        yield "fields", pyogrio.read_info(f"OAPIF:{url}", layer="obs")["fields"].tolist()
        yield "features", features(f"OAPIF:{url}", layer="obs")
        yield "features by box", features(f"OAPIF:{url}", layer="obs", bbox=BOX)
        yield "features by attribute", features(f"OAPIF:{url}", layer="lakes", where="country = 'IT'")
        yield "features page by page", features(f"OAPIF:{url}", layer="obs", PAGE_SIZE="2")
        yield "one collection", features(f"OAPIF:{url}/collections/lakes")
        yield "features by OGCAPI", features(f"OGCAPI:{url}/collections/lakes", API="ITEMS")
        yield "tiles by OGCAPI", features(f"OGCAPI:{url}/collections/lakes", API="TILES", layer="Zoom level 1")
        yield "a document", features(f"/vsicurl/{url}/collections/obs/items?f=json&limit=100")
    with (
        rasterio.Env(GDAL_HTTP_HEADERS=",".join(lines), GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        rasterio.open(f"/vsicurl/{url}/collections/heights/coverage?f=GTiff&bbox=10,45,12,46") as grid,
    ):
        yield "a coverage", [list(grid.bounds), grid.read(1).tolist()]


def features(source: str, **options) -> list:
    meta, _, geometries, columns = pyogrio.raw.read(source, **options)
    shapes = [shape and shape.hex() for shape in geometries]
    return [meta["fields"].tolist(), shapes, [[str(value) for value in column] for column in columns]]
