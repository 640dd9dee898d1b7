"""Compare the cases of tests/corpus/rego.jsonl with the answers of the real OPA engine.

    python -m rego.corpus --check [--geowarden PATH]
    python -m rego.corpus --write --geowarden PATH

`expect` is OPA's outcome. If geowarden's outcome differs, the case has it as `geowarden`: geowarden does not load the policy,
ends with an error where OPA goes on with undefined, or has another value. geowarden may only allow less than OPA. It may
allow more only if OPA does not load the policy at all, since then no user of OPA has this policy. The texts of errors are
kept for readers, but not compared.
"""

import argparse
import json
import sys
from pathlib import Path

from . import reference
from .comparison import EQUAL, KILLED, OPEN, compare
from .geowarden import Run

FILE = Path(__file__).parents[1] / "corpus/rego.jsonl"


def same(one: dict, other: dict) -> bool:
    return compare(one, other)[0] == EQUAL


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="fail where an expectation is not what is answered")
    arguments.add_argument("--write", action="store_true", help="write what is answered")
    arguments.add_argument("--geowarden", type=Path)
    given = arguments.parse_args()

    cases = [json.loads(line) for line in FILE.read_bytes().split(b"\n") if line]
    ours = [outcomes[0] for outcomes in Run(given.geowarden, cases).outcomes()] if given.geowarden else [None] * len(cases)
    faults = []
    for case, answer in zip(cases, ours, strict=True):
        theirs = reference.outcomes(case)[0]
        if given.write:
            if not same(theirs, case.get("expect", {"none": ""})):
                case["expect"] = theirs
            if answer and same(answer, theirs):
                case.pop("geowarden", None)
            elif answer and not same(answer, case.get("geowarden", {"none": ""})):
                case["geowarden"] = answer
        if not same(theirs, case["expect"]):
            faults.append(("OPA", case, theirs))
        if answer and not same(answer, case.get("geowarden", case["expect"])):
            faults.append(("geowarden's expectation", case, answer))
        if answer and compare(answer, theirs)[0] in (OPEN, KILLED):
            faults.append(("OPA's refusal", case, answer))
    if given.write:
        FILE.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    for what, case, answer in faults:
        print(f"rego: differs from {what}: {json.dumps(case, ensure_ascii=False)}: {json.dumps(answer, ensure_ascii=False)}")
    print(f"rego: {len(cases)} cases, {len([fault for fault in faults if fault[0] == 'OPA'])} differ from OPA, {len(faults)} faults")
    return 1 if given.check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
