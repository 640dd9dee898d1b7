"""Validates objects as a strict API server does: unknown fields are errors."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate

KUBERNETES = "1.34"
CRDS = Path(__file__).parent / "crds"


@cache
def _custom(group, kind, version):
    file = CRDS / f"{group}_{kind}_{version}.json"
    if not file.exists():
        return None
    return jsonschema.Draft202012Validator(json.loads(file.read_text()))


def faults(found):
    """Everything that is wrong with an object, as text."""
    group, _, version = found["apiVersion"].rpartition("/")
    validator = _custom(group, found["kind"], version)
    if validator:
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)]
    try:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return [str(getattr(error, "message", error))]
    return []
