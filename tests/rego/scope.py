"""The variables that a place in a policy can use."""

import re
from dataclasses import dataclass, field


def uses(text: str, name: str) -> bool:
    """Whether a text of literals uses the variable. Strings and fields of references do not count."""
    return re.search(rf"(?<![.\w]){name}\b(?!\()", re.sub(r'"(\\.|[^"])*"', '""', text)) is not None


@dataclass
class Scope:
    """The variables that a place in a policy can use, with their types."""

    variables: dict[str, str] = field(default_factory=dict)
    # Variables that are declared in this scope. They cannot be declared again; variables of outer scopes can be shadowed.
    own: set[str] = field(default_factory=set)

    def inner(self) -> "Scope":
        return Scope(dict(self.variables))
