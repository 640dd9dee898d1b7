"""pystac-client: a search of STAC's API page by page, by GET and by POST, and a catalogue of files."""

import warnings
from collections.abc import Iterator

import pystac_client


def session(url: str, headers: dict[str, str]) -> Iterator[tuple[str, object]]:
    # pystac-client warns of members that pygeoapi's documents lack. This test is not about them.
    warnings.simplefilter("ignore")
    api = pystac_client.Client.open(f"{url}/stac-api", headers=headers)
    yield "an API", api.title
    for method in ("GET", "POST"):
        search = lambda **options: [item.id for item in api.search(method=method, **options).items()]  # noqa: B023, E731
        yield f"search by {method}, page by page", search(limit=10)
        yield f"search by {method} and box", search(bbox=[9, 44, 10, 44.6])
        yield f"search by {method} and time", search(datetime="2025-03-01/2025-03-05", max_items=7)
    files = pystac_client.Client.open(f"{url}/stac", headers=headers)
    yield "a catalogue", sorted(catalogues(files, set()))
    item = f"{url}/stac/scenes/2025/march"
    yield "an item of it", files._stac_io.read_json(item)["assets"]["default"]["href"]


def catalogues(catalogue: pystac_client.Client, seen: set[str]) -> set[str]:
    for link in catalogue.get_links("child"):
        address = link.get_absolute_href()
        if address not in seen:
            seen.add(address)
            link.resolve_stac_object(root=catalogue.get_root())
            catalogues(link.target, seen)
    return seen
