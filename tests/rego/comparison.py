"""Compares the outcomes of geowarden and of OPA for the same input."""

import re

EQUAL = "equal"
# This class must be empty: geowarden allows a request that OPA refuses.
OPEN = "we allow what OPA refuses"
# OPA does not load the policy, so no user can have it in OPA with another meaning.
ONLY_HERE = "we allow where OPA does not load the policy"
CLOSED = "we refuse what OPA allows"
DENIED = "neither allows, for different reasons"
VALUE = "another value"
KILLED = "the process ended or stalled"


def allows(outcome: dict) -> bool:
    result = outcome.get("result")
    return result is True or (isinstance(result, dict) and result.get("allowed") is True)


def compare(ours: dict, theirs: dict) -> tuple[str, str]:
    """The class of the two outcomes, and the kind within this class."""
    if "killed" in ours:
        return KILLED, ours["killed"][:60]
    kind, other = next(iter(ours)), next(iter(theirs))
    if allows(ours) and not allows(theirs):
        return (ONLY_HERE, reason(theirs["refused"])) if other == "refused" else (OPEN, other)
    if allows(theirs) and not allows(ours):
        return CLOSED, f"{kind}: {reason(ours[kind])}" if kind in ("refused", "error") else f"{kind} differs"
    if kind != other:
        if kind in ("refused", "error"):
            return DENIED, f"OPA {other}, we {kind}: {reason(ours[kind])}"
        return VALUE if other != "refused" else DENIED, f"OPA {other}, we {kind}"
    if kind == "result" and exact(ours["result"]) != exact(theirs["result"]):
        same = loose(ours["result"]) == loose(theirs["result"])
        return VALUE, "order of elements" if same else f"OPA {name(theirs['result'])}, we {name(ours['result'])}"
    return EQUAL, other


def exact(value):
    """A form of the value in which true is not equal to 1, but 1 is equal to 1.0."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return (type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else "number", value)


def loose(value):
    """A form of the value that ignores the order of arrays. A set is an array here too."""
    if isinstance(value, list):
        return sorted((loose(item) for item in value), key=repr)
    if isinstance(value, dict):
        return sorted(((key, loose(item)) for key, item in value.items()), key=repr)
    return exact(value)


def name(value) -> str:
    return {bool: str(value).lower(), type(None): "null"}.get(type(value), type(value).__name__)


def reason(message: str) -> str:
    """The message without the names, strings and numbers of the policy."""
    lines = [line for line in message.splitlines() if line.strip()]
    told = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
    told = told.partition("error:")[2] or told
    told = re.sub(r'"[^"]*"|`[^`]*`|\'[^\']*\'|\b[\w./-]+\.rego\b|\d+', "_", told)
    return re.sub(r"\b(var|function|rule|ref|variable) \S+", r"\1 _", told).strip()[:100]
