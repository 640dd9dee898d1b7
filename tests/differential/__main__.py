"""Read random requests with geowarden, let pygeoapi serve the same requests, and report differences.

    python -m differential --backend flask --count 50000 --seed 1 --geowarden target/debug/geowarden

With `--values`, pygeoapi's handlers run too. Then the arguments of pygeoapi's providers are compared with the parameters
that geowarden read. If there are mismatches, the program prints the first of them and exits with 1. Each is a line of JSON
with the request.
"""

import argparse
import collections
import json
import subprocess
import sys
import time
from pathlib import Path

from . import expected, generator, pygeoapi_setup, values

CHUNK = 10_000
MAX_SHOWN = 20
# If geowarden reads only few requests, or pygeoapi serves only few, the run proves nothing and fails.
MIN_READ = 0.15
MIN_SERVED = 0.10


def readings(program: Path, backend: str, base_path: str, requests: list[dict]) -> list[dict]:
    """How geowarden reads each request: a resource or a refusal."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [str(program), "read", "--backend", backend, "--base-path", base_path]
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if len(told) != len(requests):
        raise RuntimeError(f"{len(requests)} requests, {len(told)} answers")
    return told


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--backend", choices=["flask", "starlette"], required=True)
    arguments.add_argument("--base-path", default="", help="where pygeoapi stands (flask only)")
    arguments.add_argument("--count", type=int, default=50_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--values", action="store_true", help="compare what pygeoapi's providers are given")
    arguments.add_argument("--clients", action="store_true", help="send the requests of real clients on, and as they came")
    arguments.add_argument("--geowarden", type=Path, required=True)
    given = arguments.parse_args()

    repository = Path(__file__).parents[2]
    if given.values:
        with pygeoapi_setup.environment(repository, given.base_path, values.RESOURCES):
            return compare(given, values.Generator(given.seed), values.oracle(given.backend), values.difference)
    if given.clients:
        with pygeoapi_setup.environment(repository, given.base_path):
            return clients(given, repository / "tests/corpus/clients.jsonl")
    source = generator.Generator(given.seed, given.base_path, repository / "tests/corpus/paths.jsonl")
    with pygeoapi_setup.environment(repository, given.base_path):
        return compare(given, source, pygeoapi_setup.oracle(given.backend), expected.difference)


def sent_on(request: dict, read: dict) -> dict:
    """The request that pygeoapi receives, with canonical path and canonical headers."""
    headers = request["headers"]
    for name, member in (("accept", "accept"), ("content-type", "content_type")):
        if member in read:
            headers = [header for header in headers if header[0].lower() != name] + [[name, read[member]]]
    return request | {"target": read["path"], "headers": headers}


# geowarden refuses this query of a client: Flask and Starlette use different values of the two. See docs/security-model.md.
REFUSED = "properties=name&properties=id"


def clients(given: argparse.Namespace, corpus: Path) -> int:
    """Checks that pygeoapi serves the same for a client's request and for the request that geowarden sends on."""
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    requests = [{name: row[name] for name in ("method", "target", "headers", "body")} for row in rows]
    serve = pygeoapi_setup.oracle(given.backend)
    counts = collections.Counter()
    for request, answer in zip(requests, readings(given.geowarden, given.backend, given.base_path, requests), strict=True):
        if "refuse" in answer:
            counts["refused"] += 1
            if REFUSED not in request["target"]:
                counts["mismatches"] += 1
                print(json.dumps({"fault": "refused", "request": request, "answer": answer}))
            continue
        came, sent = serve(request), serve(sent_on(request, answer["read"]))
        counts["served"] += sent is not None
        if (came is None) != (sent is None) or (came is not None and same_call(came, request) != same_call(sent, request)):
            counts["mismatches"] += 1
            print(json.dumps({"fault": "another answer", "request": request, "came": came, "sent": sent}, default=str))
    print(
        f"differential: {given.backend} clients: {len(rows)} requests, {counts['served']} served, {counts['refused']} refused,"
        f" {counts['mismatches']} mismatches"
    )
    return 1 if counts["mismatches"] or counts["served"] < len(rows) // 2 else 0


def same_call(served: dict, request: dict) -> dict:
    """The call without the effect of a slash at the end of the path, and without None at the end of its arguments."""
    served = expected.without_slash(served, request)
    return served | {"arguments": expected.without_trailing_none(served["arguments"])}


def compare(given: argparse.Namespace, source, oracle, difference) -> int:
    start = time.monotonic()
    counts = collections.Counter()
    rules = collections.Counter()
    mismatches = 0
    left = given.count
    while left > 0 and mismatches < MAX_SHOWN:
        requests = [source.request() for _ in range(min(left, CHUNK))]
        left -= len(requests)
        told = readings(given.geowarden, given.backend, given.base_path, requests)
        for request, answer in zip(requests, told, strict=True):
            if "refuse" in answer:
                counts["refused"] += 1
                rules[answer["refuse"]] += 1
                continue
            counts["read"] += 1
            # pygeoapi only receives the canonical request. The client's own request must be served alike too, which is a
            # stronger check than needed.
            for way, asked in (("sent on", sent_on(request, answer["read"])), ("as it came", request)):
                if given.values and way != "sent on":
                    continue
                served = oracle(asked)
                if served is None:
                    counts["unserved"] += way == "sent on"
                    continue
                counts["served"] += way == "sent on"
                fault = difference(answer["read"], served, request, way)
                if fault:
                    mismatches += 1
                    print(json.dumps({"fault": fault, "way": way, "request": request, "read": answer["read"], "served": served}, default=str))
    total = counts["refused"] + counts["read"]
    rate = total / (time.monotonic() - start)
    print(
        f"differential: {given.backend}{given.base_path}{' values' if given.values else ''}: seed {given.seed}, {total} requests, {counts['read']} read,"
        f" {counts['served']} of them served, {counts['refused']} refused, {mismatches} mismatches, {rate:.0f}/s"
    )
    print("differential: refused by rule:", ", ".join(f"{rule} {n}" for rule, n in rules.most_common()))
    if counts["read"] < MIN_READ * total or counts["served"] < MIN_SERVED * total:
        print("differential: too few requests were read or served to prove anything")
        return 1
    return 1 if mismatches else 0


sys.exit(main())
