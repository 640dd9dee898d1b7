"""Run the Rego tests of the shipped policies in OPA's engine and by `geowarden test`: each has the same result.

    python -m rego.shipped --geowarden PATH

Each folder is run as it is, and once with a mistake in its policies, so that tests fail too.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from . import reference

POLICIES = Path(__file__).parents[2] / "policies"
TEST = re.compile(r"^((?:todo_)?test_\w+)", re.MULTILINE)
PACKAGE = re.compile(r"^package (\S+)", re.MULTILINE)
# A word of many policies, and one that no request has.
MISTAKES = (("", ""), ('"read"', '"reed"'))


def data_of(folder: Path) -> dict:
    """The data files, as OPA reads them. Each has its folder as its place in `data`."""
    data: dict = {}
    for file in sorted(folder.rglob("data.*")):
        read = "yaml" if file.suffix in (".yaml", ".yml") else "json"
        policy = {"read.rego": f"package read\n\nvalue := {read}.unmarshal(input)\n"}
        place = data
        for name in file.parent.relative_to(folder).parts:
            place = place.setdefault(name, {})
        place.update(reference.evaluate(policy, {}, "read/value", [file.read_text()])[0]["result"])
    return data


def by_opa(modules: dict, data: dict) -> dict[str, str]:
    """The result of each test, by OPA's rule: a test passes if its value is true."""
    results = {}
    for text in modules.values():
        package = PACKAGE.search(text)
        for name in dict.fromkeys(TEST.findall(text)):
            path = f"data.{package.group(1)}.{name}"
            if name.startswith("todo_"):
                results[path] = "skip"
                continue
            outcome = reference.evaluate(modules, data, f"{package.group(1)}/{name}", [{}])[0]
            if "refused" in outcome:
                raise SystemExit(f"rego: OPA does not load {path}: {outcome['refused']}")
            results[path] = "pass" if outcome.get("result") is True else "fail"
    return results


def by_geowarden(program: Path, folder: Path) -> dict[str, str]:
    command = [str(program), "test", "--builtin-errors", "undefined", "--format", "json", "--run", r"^data\.", str(folder)]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)
    return {test["name"]: test["outcome"] for test in told["tests"]}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--geowarden", type=Path, required=True)
    program = arguments.parse_args().geowarden

    reference.errors().set_strict(False)
    folders = sorted({file.parent for file in POLICIES.rglob("*_test.rego")})
    results, faults = [], []
    for folder in folders:
        modules = {file.name: file.read_text() for file in sorted(folder.rglob("*.rego"))}
        data = data_of(folder)
        for right, wrong in MISTAKES:
            changed = {
                name: text if name.endswith("_test.rego") or not right else text.replace(right, wrong)
                for name, text in modules.items()
            }
            with tempfile.TemporaryDirectory() as scratch:
                for name, text in changed.items():
                    (Path(scratch) / name).write_text(text)
                (Path(scratch) / "data.json").write_text(json.dumps(data))
                ours = by_geowarden(program, Path(scratch))
            theirs = by_opa(changed, data)
            results.extend(theirs.values())
            for name in sorted(ours.keys() | theirs.keys()):
                if ours.get(name) != theirs.get(name):
                    faults.append(f"{folder.relative_to(POLICIES)} {name}: OPA {theirs.get(name)}, geowarden {ours.get(name)}")
    for fault in faults:
        print(f"rego: {fault}")
    counts = ", ".join(f"{results.count(result)} {result}" for result in ("pass", "fail", "skip"))
    print(f"rego: {len(results)} results in {len(folders)} folders ({counts}), {len(faults)} differ from OPA")
    return 1 if faults or not results else 0


if __name__ == "__main__":
    sys.exit(main())
