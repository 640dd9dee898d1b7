"""One worker's share of the cases."""

import collections
import resource
from pathlib import Path

from . import comparison, generator, reference
from .comparison import EQUAL
from .geowarden import Run

# Kept of each kind of difference: where it was seen.
EXAMPLES = 8
# A policy that makes either engine take more, ends it rather than the machine.
MEMORY = 8 << 30


def evaluate(program: Path, seed: int, errors: str, start: int, count: int) -> tuple[collections.Counter, dict]:
    """The classes of cases `start` to `start + count`, and the first examples of each kind."""
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
