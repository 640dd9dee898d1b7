"""Evaluate random policies with geowarden and with the real OPA engine, and report differences.

    python -m rego --count 2000 --seed 1 --geowarden target/debug/geowarden

Exits with 1 if geowarden allows a request that OPA refuses. Then it prints the smallest case that shows this, as a line of
JSON.
"""

import argparse
import collections
import concurrent.futures
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

from . import generator, reference
from .chunk import EXAMPLES, evaluate
from .comparison import CLOSED, DENIED, EQUAL, KILLED, ONLY_HERE, OPEN, VALUE
from .geowarden import Run
from .shrinking import shrink

CHUNK = 250
CLASSES = [EQUAL, CLOSED, DENIED, VALUE, ONLY_HERE, KILLED, OPEN]
FAULTS = (OPEN, KILLED)
SHOWN = 12
# If only few policies load, or only few requests are allowed, the run proves nothing and fails.
MIN_LOADED = 0.5
MIN_ALLOWED = 0.1


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--count", type=int, default=2_000, help="policies")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--start", type=int, default=0, help="the first policy of the seed")
    arguments.add_argument("--geowarden", type=Path, required=True)
    errors = ("refuse", "undefined")
    arguments.add_argument("--builtin-errors", choices=errors, default=errors[0], help="what an error of a built-in does in geowarden")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--all", action="store_true", help="show every kind of difference")
    arguments.add_argument("--save", type=Path, help="a folder for the smallest case of every kind of difference")
    given = arguments.parse_args()

    began = time.monotonic()
    counts, examples = collections.Counter(), collections.defaultdict(list)
    starts = range(given.start, given.start + given.count, CHUNK)
    # Do not fork: the OPA engine has its own threads, which a forked process does not have.
    workers = concurrent.futures.ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn"))
    with workers:
        sizes = [min(CHUNK, given.start + given.count - start) for start in starts]
        repeated = [[value] * len(sizes) for value in (given.geowarden, given.seed, given.builtin_errors)]
        for counted, shown in workers.map(evaluate, *repeated, starts, sizes):
            counts += counted
            for kind, found in shown.items():
                examples[kind] = (examples[kind] + found)[:EXAMPLES]
    report(given, counts, examples, time.monotonic() - began)
    return verdict(counts)


def report(given: argparse.Namespace, counts: collections.Counter, examples: dict, seconds: float) -> None:
    totals = collections.Counter()
    kinds = [kind for kind in counts if isinstance(kind, tuple)]
    for kind in kinds:
        totals[kind[0]] += counts[kind]
    print(
        f"rego: seed {given.seed}, {counts['policies']} policies from {given.start}, {counts['loaded by both']} loaded by both,"
        f" {counts['questions']} questions, {counts['allowed by both']} allowed by both, {seconds:.0f} s"
    )
    for name in CLASSES:
        print(f"rego: {name}: {totals[name]}")
        ranked = sorted((kind for kind in kinds if kind[0] == name), key=lambda kind: -counts[kind])
        for kind in ranked if given.all else ranked[:SHOWN]:
            where = ", ".join(f"{number}/{position}" for number, position in examples[kind][:3])
            print(f"rego:     {counts[kind]} {kind[1]}" + (f" ({where})" if where else ""))
        if len(ranked) > SHOWN and not given.all:
            print(f"rego:     and {len(ranked) - SHOWN} kinds more (--all)")
    shown = set()
    for kind in kinds:
        fault = kind[0] in FAULTS
        if kind[0] == EQUAL or not (fault or given.save):
            continue
        for number, position in examples[kind] if fault else examples[kind][:1]:
            case = generator.case(given.seed, number) | {"builtin_errors": given.builtin_errors}
            wanted = kind[:1] if kind[0] == OPEN else kind
            small = shrink(given.geowarden, case, position, wanted)
            if json.dumps(small) in shown:
                continue
            shown.add(json.dumps(small))
            told = {"class": kind[0], "kind": kind[1], "seed": given.seed, "number": number, **small}
            told |= {"opa": reference.outcomes(small)[0], "geowarden": Run(given.geowarden, [small]).outcomes()[0][0]}
            if fault:
                print(json.dumps(told))
            if given.save:
                given.save.mkdir(parents=True, exist_ok=True)
                with (given.save / f"{CLASSES.index(kind[0])}.jsonl").open("a") as file:
                    file.write(json.dumps(told) + "\n")


def verdict(counts: collections.Counter) -> int:
    if any(kind[0] in FAULTS for kind in counts if isinstance(kind, tuple)):
        return 1
    if counts["loaded by both"] < MIN_LOADED * counts["policies"] or counts["allowed by both"] < MIN_ALLOWED * counts["questions"]:
        print("rego: too few policies were loaded or allowed anything to prove anything")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
