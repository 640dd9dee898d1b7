"""Hold the published schema of `input` against OPA's own JSON Schema built-ins.

    python -m rego.schema --geowarden PATH

OPA takes the schema of each shape. By it, real inputs match, and a misspelt or a missing member is found.
"""

import argparse
import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from . import reference

POLICY = """package p

verified := json.verify_schema(input.schema)

matched := json.match_schema(input.given, input.schema)
"""
# Each shape of `input`, and a member that every policy needs.
SHAPES = (("native", ("ogc", "collection"), "collections"), ("fastgeoapi", ("request_path",), "request_paths"))
TARGETS = (
    ("/collections/obs/items?bbox=1,2,3,4&limit=1", "--attribute", "company=osgeo"),
    ("/collections/obs/items/1", "--claims", '{"iss": "https://a.example", "sub": "a", "scope": "x y"}'),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--geowarden", type=Path, required=True)
    program = parser.parse_args().geowarden.resolve()
    faults: list[str] = []
    count = 0
    for shape, path, misspelt in SHAPES:
        schema = told(program, "schema", "--input", "--shape", shape)
        [valid, fault], _ = asked(schema, {})
        if not valid:
            faults.append(f"{shape}: OPA does not take the schema: {fault}")
            continue
        for given in inputs(program, shape):
            count += 1
            _, [matches, why] = asked(schema, given)
            if not matches:
                faults.append(f"{shape}: OPA finds in {json.dumps(given)}: {why}")
            wrong = copy.deepcopy(given)
            place = wrong
            for name in path[:-1]:
                place = place[name]
            place[misspelt] = place.pop(path[-1])
            _, [matches, why] = asked(schema, wrong)
            names = [path[-1], misspelt]
            if matches or not any(name in str(why) for name in names):
                faults.append(f"{shape}: OPA does not find `{misspelt}`: {why}")
    print("\n".join(faults + [f"{count} inputs, {len(faults)} differ from OPA"]))
    sys.exit(bool(faults))


def told(program: Path, *arguments: str) -> dict:
    return json.loads(subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE).stdout)


def inputs(program: Path, shape: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "geowarden.yaml")
        config.write_text(f"policy: {{input: {shape}}}\n")
        return [told(program, "eval", "--input", "--config", str(config), *asked_for) for asked_for in TARGETS]


def asked(schema: dict, given: dict) -> tuple:
    values = {"schema": schema, "given": given}
    outcomes = [reference.evaluate({"p.rego": POLICY}, {}, f"p/{name}", [values])[0] for name in ("verified", "matched")]
    return tuple(outcome.get("result") or [False, outcome] for outcome in outcomes)


if __name__ == "__main__":
    main()
