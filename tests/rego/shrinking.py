"""The smallest case that still shows a difference: lines, then words, then what input and data hold are dropped."""

import re
from pathlib import Path

from . import reference
from .comparison import compare
from .geowarden import Run

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|[\w.]+|\s+|:=|==|!=|>=|<=|.', re.S)
ROUNDS = 400


def shrink(program: Path, case: dict, position: int, wanted: tuple) -> dict:
    """The case with the one input at `position`, as small as it gets while it compares as `wanted`."""
    small = {key: case[key] for key in ("modules", "data", "entrypoint", "rego", "reference") if key in case}
    small["inputs"] = [case["inputs"][position]]
    if "reference" in small:
        # Two texts at once would have to shrink alike; most differences are there in Rego v1 too.
        plain = {key: value for key, value in small.items() if key not in ("rego", "reference")} | {"modules": case["reference"]}
        if not holds(program, [plain], wanted)[0]:
            return small
        small = plain
    for _ in range(ROUNDS):
        found = None
        for candidates in proposals(small):
            for at in range(0, len(candidates), 64):
                some = candidates[at : at + 64]
                found = next((one for one, held in zip(some, holds(program, some, wanted)) if held), None)
                if found:
                    break
            if found:
                break
        if not found:
            return small
        small = found
    return small


def holds(program: Path, cases: list[dict], wanted: tuple) -> list[bool]:
    run = Run(program, cases)
    theirs = [reference.outcomes(case)[0] for case in cases]
    return [compare(ours[0], other)[: len(wanted)] == wanted for ours, other in zip(run.outcomes(), theirs)]


def proposals(case: dict):
    """Lists of smaller cases, those that drop most first."""
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
    """The value with one of its parts dropped, at any depth."""
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
    """The text with a run of tokens dropped, a bracketed part put in place of what holds it, or replaced by 1."""
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
