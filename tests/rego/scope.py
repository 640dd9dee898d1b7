"""What may be named at a place of a policy."""

import re
from dataclasses import dataclass, field


def uses(text: str, name: str) -> bool:
    """Whether the variable stands in the text of literals, outside of strings and references' fields."""
    return re.search(rf"(?<![.\w]){name}\b(?!\()", re.sub(r'"(\\.|[^"])*"', '""', text)) is not None


@dataclass
class Scope:
    """What may be named at a place of the policy."""

    variables: dict[str, str] = field(default_factory=dict)
    # Declared here, so that they cannot be declared again, where outer ones can be shadowed.
    own: set[str] = field(default_factory=set)

    def inner(self) -> "Scope":
        return Scope(dict(self.variables))
