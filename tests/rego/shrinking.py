"""Finds the smallest case that still shows a difference: it drops lines, then members of data and input, then words."""

import itertools
import re
from pathlib import Path

from . import reference
from .comparison import compare
from .dressing import as_v0
from .geowarden import Run

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|[\w.]+|\s+|:=|==|!=|>=|<=|.', re.S)
ROUNDS = 400


def shrink(program: Path, case: dict, position: int, wanted: tuple) -> dict:
    """The case with only the input at `position`, made as small as possible while the comparison is still `wanted`."""
    small = {key: case[key] for key in ("data", "entrypoint", "builtin_errors")} | {"modules": case.get("reference", case["modules"])}
    small["inputs"] = [case["inputs"][position]]
    # Most differences of a case in Rego v0 exist in v1 too.
    finish = in_v0 if "reference" in case and not holds(program, [small], wanted)[0] else unchanged
    for _ in range(ROUNDS):
        smaller = next((one for candidates in proposals(small) for one in first(program, candidates, wanted, finish)), None)
        if not smaller:
            break
        small = smaller
    return finish(small)


def unchanged(case: dict) -> dict:
    return case


def in_v0(case: dict) -> dict:
    return case | {"rego": "v0", "reference": case["modules"], "modules": {name: as_v0(text) for name, text in case["modules"].items()}}


def first(program: Path, candidates: list[dict], wanted: tuple, finish):
    """The first candidate whose comparison is still `wanted`, if there is one."""
    for at in range(0, len(candidates), 64):
        some = candidates[at : at + 64]
        yield from itertools.islice((one for one, held in zip(some, holds(program, [finish(one) for one in some], wanted)) if held), 1)


def holds(program: Path, cases: list[dict], wanted: tuple) -> list[bool]:
    run = Run(program, cases)
    theirs = [reference.outcomes(case)[0] for case in cases]
    return [compare(ours[0], other)[: len(wanted)] == wanted for ours, other in zip(run.outcomes(), theirs)]


def proposals(case: dict):
    """Lists of smaller cases. The lists that drop most come first."""
    yield [case | {"modules": {key: text for key, text in case["modules"].items() if key != name}} for name in case["modules"] if len(case["modules"]) > 1]
    yield [case | {"data": {}}] if case["data"] else []
    for name, text in case["modules"].items():
        blocks = text.split("\n\n")
        yield [with_text(case, name, "\n\n".join(blocks[:at] + blocks[at + 1 :])) for at in range(1, len(blocks))]
    for name, text in case["modules"].items():
        lines = text.split("\n")
        spans = [(at, size) for size in (6, 4, 3, 2, 1) for at in range(1, len(lines) - size + 1)]
        yield [with_text(case, name, "\n".join(lines[:at] + lines[at + size :])) for at, size in spans]
    yield [case | {"data": value} for value in without(case["data"])]
    yield [case | {"inputs": [value]} for value in without(case["inputs"][0])]
    for name, text in case["modules"].items():
        tokens = TOKEN.findall(text)
        yield [with_text(case, name, smaller) for smaller in shorter(tokens) if len(smaller) < len(text)]


def with_text(case: dict, name: str, text: str) -> dict:
    return case | {"modules": case["modules"] | {name: text}}


def without(value):
    """Copies of the value, each without one of its parts, at any depth."""
    if isinstance(value, dict):
        for key in value:
            yield {other: item for other, item in value.items() if other != key}
        for key, item in value.items():
            yield from (value | {key: smaller} for smaller in without(item))
    elif isinstance(value, list):
        for at in range(len(value)):
            yield value[:at] + value[at + 1 :]
        for at, item in enumerate(value):
            yield from (value[:at] + [smaller] + value[at + 1 :] for smaller in without(item))


def shorter(tokens: list[str]):
    """Shorter texts: without some neighbouring tokens, with a bracketed part replaced by 1, or with a part of the brackets in
    place of the whole."""
    pairs, open_ = {}, []
    for at, token in enumerate(tokens):
        if token in "([{":
            open_.append(at)
        elif token in ")]}" and open_:
            pairs[open_.pop()] = at
    for start, end in sorted(pairs.items(), key=lambda pair: pair[0] - pair[1]):
        yield "".join(tokens[:start] + tokens[end + 1 :])
        yield "".join(tokens[:start] + ["1"] + tokens[end + 1 :])
        begin = start - 1 if start and re.match(r"[\w.]+$", tokens[start - 1]) else start
        for at in range(start + 1, end):
            if tokens[at] in (",", "|", ";") or at == start + 1:
                stop = next((n for n in range(at + 1, end + 1) if n == end or tokens[n] in (",", "|", ";")), end)
                part = tokens[at if at == start + 1 else at + 1 : stop]
                yield "".join(tokens[:begin] + part + tokens[end + 1 :])
                yield "".join(tokens[:at] + tokens[stop if at > start + 1 else min(stop + 1, end) :])
    for size in (8, 6, 5, 4, 3, 2, 1):
        for at in range(len(tokens) - size + 1):
            yield "".join(tokens[:at] + tokens[at + size :])
