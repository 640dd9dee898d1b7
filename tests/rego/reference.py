"""Evaluates a case with the real OPA engine. The outcomes have the form of `geowarden eval --batch`."""

import contextlib
import functools

from . import builtin_errors

try:
    from opa_bindings import OpaEngine, OpaError, OpaUndefinedError, _native
except (ImportError, OSError) as missing:
    raise SystemExit(f"rego: the reference engine cannot be loaded ({missing}): tests/tools/install.sh opa installs it")

UNDEFINED = {"undefined": True}


@functools.cache
def errors() -> builtin_errors.BuiltinErrors:
    with OpaEngine():  # loads the library
        switch = builtin_errors.BuiltinErrors(_native._LIB_PATH)
    for strict in (False, True):
        switch.set_strict(strict)
        outcome = evaluate({"p.rego": "package p\n\nallow if not startswith(input.user, `a`)\n"}, {}, "p/allow", [{"user": 1}])[0]
        if outcome.get("result") is not (None if strict else True):
            raise builtin_errors.UnknownLibrary(f"strict built-in errors {strict} are not obeyed: {outcome}")
    return switch


def outcomes(case: dict, strict: bool = False) -> list[dict]:
    """The outcome for each input of the case, with OPA's default or with strict built-in errors."""
    errors().set_strict(strict)
    # This engine cannot read Rego v0. A case in v0 has the same policy in v1 as `reference`.
    modules = case.get("reference") or case["modules"]
    inputs = case["inputs"] if "inputs" in case else [case["input"]]
    return evaluate(modules, case.get("data") or {}, case["entrypoint"], inputs)


def evaluate(modules: dict, data: dict, entrypoint: str, inputs: list) -> list[dict]:
    with contextlib.closing(OpaEngine()) as engine:
        engine.print_handler = lambda _message, _location: None
        try:
            for name, source in modules.items():
                engine.add_policy(name, source)
            engine.add_data(data)
        except OpaError as error:
            return [{"refused": error.message}] * len(inputs)
        return [one(engine, entrypoint.replace("/", "."), value) for value in inputs]


def one(engine: OpaEngine, path: str, value) -> dict:
    try:
        return {"result": engine.eval_document(path, value)}
    except OpaUndefinedError:
        return UNDEFINED
    except OpaError as error:
        # OPA compiles query and modules at the first evaluation, so a policy can be rejected here.
        kind = "error" if error.code == "eval_error" else "refused"
        return {kind: error.message}
