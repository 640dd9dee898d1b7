"""Run OPA's own conformance cases with geowarden: `python -m rego.conformance FOLDER --geowarden PATH`.

FOLDER has the cases as OPA publishes them, in JSON: each file `v1/*/*.json` is an object with a list `cases`. The cases are
not part of this project. A case that asks for more than the value of one rule is skipped and counted.
"""

import argparse
import collections
import json
import re
import sys
from pathlib import Path

from .comparison import exact, loose, reason
from .geowarden import Run

QUERY = re.compile(r"^data((?:\.\w+)+) = x$")


def cases(folder: Path) -> tuple[list[dict], collections.Counter]:
    """The cases that geowarden can evaluate, and for each reason how many cases are skipped."""
    asked, left = [], collections.Counter()
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text())
        if not isinstance(content, dict) or "cases" not in content:
            continue
        for case in content["cases"] or []:
            query = QUERY.match(case.get("query", ""))
            if not query:
                left["the query is not the value of one rule"] += 1
            elif "input_term" in case:
                left["the input is not JSON"] += 1
            elif "input" not in case and any("input" in text for text in case.get("modules") or []):
                left["there is no input, which geowarden always has"] += 1
            else:
                asked.append(made(case, query.group(1).strip(".").replace(".", "/"), file))
    return asked, left


def made(case: dict, entrypoint: str, file: Path) -> dict:
    modules = {f"m{number}.rego": text for number, text in enumerate(case.get("modules") or [])}
    version = {"rego": "v0"} if "v0" in file.parts else {}
    strict = case.get("strict_error", False)
    return version | {
        "name": case["note"],
        "modules": modules,
        "data": case.get("data") or {},
        "entrypoint": entrypoint,
        "inputs": [case.get("input")],
        "want": want(case),
        "builtin_errors": "refuse" if strict else "undefined",
    }


def want(case: dict) -> dict:
    if "want_error" in case or "want_error_code" in case:
        return {"error": case.get("want_error") or case.get("want_error_code")}
    results = case.get("want_result") or []
    return {"result": results[0]["x"]} if results and "x" in results[0] else {"undefined": True}


def judged(case: dict, outcome: dict) -> tuple[str, str]:
    """Compares an outcome with the one that the case expects."""
    wanted = case["want"]
    kind, other = next(iter(outcome)), next(iter(wanted))
    if kind == other == "result":
        same = exact(outcome["result"]) == exact(wanted["result"]) or loose(outcome["result"]) == loose(wanted["result"])
        return ("passes", "") if same else ("another value", case["name"])
    if kind == other or (other == "error" and kind in ("error", "refused")):
        return "passes", ""
    if kind in ("refused", "error", "killed"):
        return f"{kind} where OPA has {'a value' if other == 'result' else other}", reason(outcome[kind])
    if other == "error":
        return f"{kind} where OPA has an error", case["name"]
    return f"{kind} where OPA has {other}", case["name"]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--geowarden", type=Path, required=True)
    arguments.add_argument("--all", action="store_true", help="name every case that does not pass")
    given = arguments.parse_args()

    asked, left = cases(given.folder)
    if not asked:
        raise SystemExit(f"rego: no cases below {given.folder}: expected files with `cases`, as OPA publishes them in JSON")
    outcomes = Run(given.geowarden, asked).outcomes()
    classes, kinds = collections.Counter(), collections.defaultdict(collections.Counter)
    for case, (outcome, *_) in zip(asked, outcomes, strict=True):
        name, kind = judged(case, outcome)
        classes[name] += 1
        kinds[name][kind] += 1
    print(f"rego: {len(asked)} cases, {classes['passes']} pass; left out: {dict(left)}")
    for name, count in classes.most_common():
        if name != "passes":
            print(f"rego: {name}: {count}")
            for kind, number in kinds[name].most_common(None if given.all else 12):
                print(f"rego:     {number} {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
