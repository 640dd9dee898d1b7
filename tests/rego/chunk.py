"""Evaluates the cases of one worker process."""

import collections
import resource
from pathlib import Path

from . import comparison, generator, reference
from .comparison import EQUAL
from .geowarden import Run

# For each kind of difference, at most so many cases are kept.
EXAMPLES = 8
# The memory limit in bytes. It ends an engine that needs more before the machine runs out of memory.
MEMORY = 8 << 30


def evaluate(program: Path, seed: int, errors: str, start: int, count: int) -> tuple[collections.Counter, dict]:
    """How many of the cases `start` to `start + count` are in each class, and the first examples of each kind."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    cases = [generator.case(seed, number) | {"builtin_errors": errors} for number in range(start, start + count)]
    run = Run(program, cases)
    expected = [reference.outcomes(case) for case in cases]
    counts, examples = collections.Counter(), collections.defaultdict(list)
    for offset, (case, ours, theirs) in enumerate(zip(cases, run.outcomes(), expected, strict=True)):
        counts["policies"] += 1
        counts["loaded by both"] += "refused" not in ours[0] and "refused" not in theirs[0]
        for position, pair in enumerate(zip(ours, theirs, strict=True)):
            counts["questions"] += 1
            counts["allowed by both"] += all(map(comparison.allows, pair))
            kind = comparison.compare(*pair)
            counts[kind] += 1
            seen = examples[kind]
            if kind[0] != EQUAL and len(seen) < EXAMPLES and not (seen and seen[-1][0] == start + offset):
                seen.append((start + offset, position))
    return counts, dict(examples)
