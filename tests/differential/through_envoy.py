"""Send every measured request through Envoy, geowarden and pygeoapi, and compare geowarden's reading with pygeoapi's call.

    python -m differential.through_envoy --address 127.0.0.1:8080 --backend flask

pygeoapi is `differential.telling`. geowarden's policy allows everything, and adds a header with the request as it read it.
"""

import argparse
import base64
import collections
import json
import re
import sys
from pathlib import Path

from . import expected, wire

# If pygeoapi serves fewer requests, the run proves nothing and fails.
MIN_SERVED = 150
# Before Envoy asks geowarden, it resolves dot segments and encodes some characters. A changed target may be served, though
# the corpus refuses the original. In these rows another part of the request arrives changed.
NOT_AS_MEASURED = {
    "body-008": "the space after the media type is gone over HTTP/1.1",
    "h2-024": "the authority with a slash in it was not kept",
}


def target_of(row: dict) -> bytes:
    if "raw_target_b64" in row:
        return base64.b64decode(row["raw_target_b64"])
    target = row["raw_target"]
    # The corpus shortens long targets, and notes the original length.
    if cut := re.search(r"\.\.\.\((\d+) bytes\)$", target):
        target = target[: cut.start()]
        return target.encode().ljust(int(cut[1]), target[-1:].encode())
    return target.encode()


def fault_of(row: dict, served: dict | None, must: str) -> str | None:
    if served is None:
        return None
    if not served["judged"]:
        return "served without having been judged"
    judged = json.loads(base64.b64decode(served["judged"]))
    if must == "refuse" and judged["target"].encode() == target_of(row) and row["id"] not in NOT_AS_MEASURED:
        return "served though to be refused"
    resource = judged["ogc"]
    if "path" in resource:
        resource["resource_path"] = resource.pop("path")
    return expected.difference(resource, served, {"body": row.get("body") or ""}, "sent on")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--address", required=True)
    arguments.add_argument("--backend", choices=["flask", "starlette"], required=True)
    given = arguments.parse_args()
    host, port = given.address.rsplit(":", 1)
    corpus = Path(__file__).parents[1] / "corpus/paths.jsonl"
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    counts = collections.Counter()
    faults = 0
    for row in rows:
        if "raw_target" not in row:
            # Malformed messages, which Envoy's parser refuses. The corpus has only their outcome.
            counts["without a target"] += 1
            continue
        must = row.get(f"must_{given.backend}_backend", row["must"])
        for protocol in (wire.http1, wire.http2):
            status, told = protocol((host, int(port)), row, target_of(row))
            served = json.loads(base64.b64decode(told)) if told else None
            name = protocol.__name__
            if fault := fault_of(row, served, must):
                faults += 1
                print(json.dumps({"fault": fault, "protocol": name, "row": row, "status": status, "served": served}))
            outcome = "served" if served else "refused"
            if must.startswith("allow-as") and not served:
                outcome += " though to be allowed"
                print(f"corpus: {name}: {row['id']}: not served: {status}")
            counts[f"{name} {outcome}"] += 1
    print(f"corpus: {given.backend}: {dict(counts)}, {faults} faults")
    if counts["http1 served"] < MIN_SERVED or counts["http2 served"] < MIN_SERVED:
        print("corpus: too few requests were served to prove anything")
        return 1
    return 1 if faults else 0


sys.exit(main())
