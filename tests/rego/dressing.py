"""Writes a policy in another form with the same meaning: imports, brackets, comments, other package names, Rego v0."""

import re
from random import Random

V0_IMPORTS = "import future.keywords.in\nimport future.keywords.every\n"
# A string literal. Replacements must only change the text outside of strings.
QUOTED = re.compile(r'("(?:\\.|[^"\\])*")')
# The name of a rule at the start of a line.
RULE = re.compile(r"^(?:default )?([a-z_]+)\b", re.MULTILINE)
# Documents that can have the name of a rule.
RENAMED = ["input.user", "input.roles", "input.claims", "input.level", "data.users", "data.grants", "data.blocked", "data.lib"]
IMPORTABLE = {"claims": "claims", "user": "user", "roles": "had", "headers": "headers"}


def outside_strings(pattern: str, by: str, text: str) -> str:
    return "".join(part if at % 2 else re.sub(pattern, by, part) for at, part in enumerate(QUOTED.split(text)))


def with_import(pick: Random, text: str) -> str:
    """Imports a field of `input` and uses the imported name, except in lines where `with` replaces the field."""
    field = pick.choice(sorted(IMPORTABLE))
    name = pick.choice([IMPORTABLE[field], f"the_{field}"])
    lines = [line if f"with input.{field}" in line else outside_strings(rf"\binput\.{field}\b", name, line) for line in text.split("\n")]
    as_name = "" if name == field else f" as {name}"
    package, _, rest = "\n".join(lines).partition("\n")
    return f"{package}\n\nimport input.{field}{as_name}\n{rest}"


def bracketed(pick: Random, text: str) -> str:
    """Writes `input.user` as `input["user"]`, which is the same reference."""
    which = pick.choice(["user", "roles", "claims", "collection", r"\w+"])
    lines = [line if line.startswith("import") else outside_strings(rf"\binput\.({which})\b", r'input["\1"]', line) for line in text.split("\n")]
    return "\n".join(lines)


def of_itself(pick: Random, text: str) -> str:
    """Imports the policy's own package or `data`. Such an import must not be evaluated as a value."""
    path, name = pick.choice([("data", "d"), ("data.p", "p"), ("data.p", "own")])
    package, _, rest = text.partition("\n")
    rest = outside_strings(r"\bdata\.p\." if path == "data.p" else r"\bdata\.", f"{name}.", rest)
    return f"{package}\n\nimport {path} as {name}\n{rest}"


def with_the_name_of_a_rule(pick: Random, modules: dict[str, str]) -> dict[str, str]:
    """Imports a document under the name of a rule. In that file, the name then means the document."""
    file = pick.choice(sorted(modules))
    package, _, rest = modules[file].partition("\n")
    rules = sorted(set(RULE.findall(rest)) - {"import"})
    if not rules:
        return modules
    own = "data." + package.removeprefix("package ")
    path = pick.choice([*RENAMED, *(f"{own}.{rule}" for rule in rules)])
    return modules | {file: f"{package}\n\nimport {path} as {pick.choice(rules)}\n{rest}"}


def with_other_negation(pick: Random, text: str) -> str:
    """Imports `not`, alone or with all keywords. In that file, a negation of what is undefined then holds."""
    path = pick.choice(["future.keywords.not", "future.keywords"])

    def as_query(found: re.Match[str]) -> str:
        if pick.random() < 0.5:
            return found.group(0)
        more = pick.choice(["", "", "; true", '; some of_it in input.roles; of_it != "reader"', "; of_it := input.level; of_it > 1"])
        return f"\tnot {{ {found.group(1)}{more} }}"

    text = re.sub(r"^\tnot ([^{}\n]+)$", as_query, text, flags=re.MULTILINE)
    return re.sub(r"^(package .*)$", rf"\1\n\nimport {path}", text, count=1, flags=re.MULTILINE)


def commented(pick: Random, text: str) -> str:
    out = []
    for line in text.split("\n"):
        if pick.random() < 0.1:
            out.append(pick.choice(["# not input.user", '\t# { "open', "#", "# METADATA-like"]))
        out.append(line + (" # } not" if pick.random() < 0.05 else ""))
    # The package is still the first statement: only comments are before it.
    return "\n".join(out)


def dressed(pick: Random, modules: dict[str, str], entrypoint: str) -> tuple[dict[str, str], str]:
    if pick.random() < 0.08:
        modules = {name: with_import(pick, text) for name, text in modules.items()}
    if pick.random() < 0.05:
        modules = with_the_name_of_a_rule(pick, modules)
    if pick.random() < 0.06:
        modules = {name: bracketed(pick, text) for name, text in modules.items()}
    if pick.random() < 0.15:
        modules = {name: with_other_negation(pick, text) if pick.random() < 0.8 else text for name, text in modules.items()}
    if pick.random() < 0.06:
        modules = {name: commented(pick, text) for name, text in modules.items()}
    if pick.random() < 0.02:
        modules = {name: of_itself(pick, text) if text.startswith("package p\n") else text for name, text in modules.items()}
    if pick.random() < 0.08:
        package = pick.choice(["geowarden.authz", "p.q"])
        modules = {
            name: outside_strings(r"\bdata\.p\.", f"data.{package}.", re.sub(r"^package p$", f"package {package}", text, flags=re.M))
            for name, text in modules.items()
        }
        entrypoint = package.replace(".", "/") + "/allow"
    if pick.random() < 0.03:
        modules = {name: text.replace("\n", "\r\n") for name, text in modules.items()}
    return modules, entrypoint


def as_v0(text: str) -> str:
    """The same policy in Rego v0: without `if` and `contains`, or with imports of these keywords."""
    if "import rego.v1" in text:
        return text
    # `{x | y}` after `if` is a comprehension, but without `if` it is a body in v0. So keep `if` in such a policy.
    if re.search(r"\{\s*[^\n{]*\|", text):
        package, _, rest = text.partition("\n")
        # Do not import all of `future.keywords`: `not` would change the meaning of negations.
        imports = "".join(f"import future.keywords.{word}\n" for word in ("contains", "every", "if", "in"))
        return f"{package}\n\n{imports}{rest}"
    lines = []
    for line in text.split("\n"):
        if line[:1] not in ("\t", "}", "", "#") or line.startswith("} else"):
            line = re.sub(r"^(\S+) contains (.*?)( if)?( \{)?$", r"\1[\2]\4", line)
            # In v0, a head like `roles.admin` without a value and `if` would define a set.
            line = re.sub(r"^(\w+\.[\w.]+) if \{$", r"\1 := true if {", line)
            line = re.sub(r" if \{$", " {", line)
        lines.append(line)
    package, _, rest = "\n".join(lines).partition("\n")
    return f"{package}\n\n{V0_IMPORTS}{rest}"
