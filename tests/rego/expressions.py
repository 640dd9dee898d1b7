"""Random Rego expressions and literals, of a wanted type so that most policies compile.

Types: s string, n number, b boolean, as and an arrays of them, ss and sn sets, o object, os object of strings,
ao array of objects, ns time, few small numbers, x any, k any of which nothing more is known.
"""

import json
import re
from dataclasses import dataclass, field
from random import Random

from . import world
from .calls import CALLS, WORDS

TYPES = ["s", "n", "b", "as", "an", "ss", "o", "x"]
ELEMENT = {"as": "s", "an": "n", "ss": "s", "sn": "n", "ao": "x", "o": "x"}
NAMES = ["x", "y", "z", "u", "v", "r", "k", "i", "n", "g", "item", "role", "name"]
CALLABLE = {kind: [call for call, _, weight in calls for _ in range(weight)] for kind, calls in CALLS.items()}
ARGUMENTS = {call: kinds for calls in CALLS.values() for call, kinds, _ in calls}


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


class Expressions:
    """Draws expressions from `pick`; rules and functions that exist so far are in `values` and `functions`."""

    def __init__(self, pick: Random):
        self.pick = pick
        # Rules by type, as they are referred to: complete ones of every type, and partial ones as ss and o.
        self.values: dict[str, list[str]] = {}
        # Name, argument types and result type.
        self.functions: list[tuple[str, list[str], str]] = []
        self.shadowable: list[str] = []
        # What geowarden refuses at load: only in some policies, or most of them would be refused.
        self.patterns = pick.random() < 0.1
        self.shadows = pick.random() < 0.15
        # Whole packages that may be referred to.
        self.packages: list[str] = []

    def chance(self, share: float) -> bool:
        return self.pick.random() < share

    def fresh(self, scope: Scope, kind: str) -> str:
        """A variable not declared in this scope, now and then one that shadows another, or a rule."""
        taken = scope.own if self.shadows and self.chance(0.15) else scope.own | set(scope.variables)
        pool = [name for name in NAMES if name not in taken]
        if self.shadows and self.chance(0.06):
            pool = [name for name in self.shadowable if name not in scope.own] or pool
        name = self.pick.choice(pool) if pool else f"w{len(scope.variables)}"
        scope.variables[name] = kind
        scope.own.add(name)
        return name

    def constant(self, kind: str) -> str:
        pick = self.pick
        if kind in WORDS:
            return f'"{pick.choice(WORDS[kind])}"'
        if kind == "s":
            return json.dumps(world.string(pick), ensure_ascii=False)
        if kind == "n":
            return json.dumps(world.number(pick))
        if kind == "b":
            return pick.choice(["true", "false"])
        if kind == "ns":
            return pick.choice(["1767322800000000000", "0", "[1767322800000000000, \"UTC\"]", "-1"]) if self.chance(0.8) else "1e30"
        if kind == "few":
            # Either engine would make as many elements as it is told to.
            return pick.choice(["-1", "0", "1", "3", "5", "0.5", "count(input.roles)", "count(input.user)", "input.missing"])
        if kind == "os":
            return pick.choice(['{"a": "b"}', '{"alice": "bob", "evil": ""}', "{}"])
        return pick.choice(["null", "true", "[]", "{}", self.constant("s"), self.constant("n")])

    def expression(self, kind: str, scope: Scope, depth: int = 2) -> str:
        """An expression of this type, or now and then one that only might be."""
        pick = self.pick
        if kind.startswith('"'):
            return kind
        if kind in WORDS:
            return self.constant(kind) if kind == "TEMPLATE" or self.chance(0.75) else self.expression("s", scope, depth - 1)
        if kind in ("ns", "os", "few"):
            return self.constant(kind)
        if self.chance(0.05):
            return pick.choice(world.MISSING)
        if self.chance(0.05):
            kind = pick.choice(list(world.INPUT))
            return pick.choice(world.INPUT[kind])
        draw = pick.random()
        known = [name for name, of in scope.variables.items() if of == kind]
        loose = [name for name, of in scope.variables.items() if of == "x"]
        if known and draw < 0.3:
            return pick.choice(known)
        if loose and draw < 0.35:
            return pick.choice(loose) + pick.choice(["", "", ".id", ".owner", "[0]"])
        if draw < 0.55 and kind in world.INPUT:
            return pick.choice(world.INPUT[kind])
        if draw < 0.62 and kind in world.DATA:
            return self.data(kind, scope)
        if draw < 0.72 and self.values.get(kind):
            return pick.choice(self.values[kind])
        if depth > 0 and draw < 0.80:
            called = self.user_call(kind, scope, depth - 1)
            if called:
                return called
        if depth > 0 and draw < 0.82:
            return self.into_call(kind, scope, depth - 1)
        if depth > 0 and draw < 0.92:
            return self.call(kind, scope, depth - 1)
        if depth > 0:
            return self.composite(kind, scope, depth - 1)
        return self.simple(kind)

    def data(self, kind: str, scope: Scope) -> str:
        pick = self.pick
        strings = [name for name, of in scope.variables.items() if of == "s"]
        if strings and self.chance(0.4):
            key = pick.choice(strings)
            return {"s": f"data.users[{key}].role", "n": f"data.limits[{key}]", "b": f"data.blocked[{key}]"}.get(
                kind, f"data.users[{key}]"
            )
        return pick.choice(world.DATA[kind])

    def simple(self, kind: str) -> str:
        """Without anything that could be missing."""
        item = ELEMENT.get(kind)
        if kind in ("as", "an"):
            return "[" + ", ".join(self.constant(item) for _ in range(self.pick.randrange(4))) + "]"
        if kind in ("ss", "sn"):
            return "{" + ", ".join(self.constant(item) for _ in range(self.pick.randrange(1, 4))) + "}"
        if kind == "o":
            return "{" + ", ".join(f"{key}: {self.constant('s')}" for key in dict.fromkeys(self.constant("s") for _ in range(self.pick.randrange(3)))) + "}"
        if kind == "ao":
            return '[{"id": "a", "owner": "alice"}]'
        return self.constant(kind)

    def call(self, kind: str, scope: Scope, depth: int) -> str:
        if kind not in CALLABLE:
            return self.composite(kind, scope, depth)
        form = self.pick.choice(CALLABLE[kind])
        given = [self.expression(of, scope, depth) for of in ARGUMENTS[form].split(" ")] if form.count("{}") else []
        if form[0] == "{" and "} " in form[:3]:
            # Operands of an operator, mostly in parentheses: sometimes which binds tighter decides.
            loose = self.chance(0.25)
            given = [f"({text})" if " " in text and text[0] not in '"{[(' and not loose else text for text in given]
        return form.format(*given)

    def into_call(self, kind: str, scope: Scope, depth: int) -> str:
        """A reference into what a call returns, or by what one returns."""
        text = self.expression("s", scope, depth)
        return {
            "s": f'split({text}, "/")[{self.pick.choice(["0", "1", "count(input.roles)"])}]',
            "n": f"data.limits[lower({text})]",
            "b": f"data.blocked[lower({text})]",
            "as": f"data.users[{text}].groups",
            "o": f"data.users[trim_space({text})]",
            "x": f'json.unmarshal({self.constant("JSON")}).user',
        }.get(kind, self.simple(kind))

    def user_call(self, kind: str, scope: Scope, depth: int) -> str | None:
        fitting = [(name, takes) for name, takes, gives in self.functions if gives == kind]
        if not fitting:
            return None
        name, takes = self.pick.choice(fitting)
        return f"{name}({', '.join(self.expression(of, scope, depth) for of in takes)})"

    def composite(self, kind: str, scope: Scope, depth: int) -> str:
        """A literal with expressions in it, or a comprehension."""
        pick = self.pick
        item = ELEMENT.get(kind)
        if kind in ("as", "an", "ss", "sn"):
            left, right = "[]" if kind[0] == "a" else "{}"
            if self.chance(0.55):
                return self.comprehension(left, right, item, scope, depth)
            many = [self.expression(item, scope, depth - 1) for _ in range(pick.choice([1, 1, 2, 3]))]
            return left + ", ".join(many) + right
        if kind == "o":
            if self.chance(0.45):
                return self.comprehension("{", "}", "s", scope, depth, with_key=True)
            pairs = [f"{json.dumps(key)}: {self.expression(pick.choice(['s', 'n', 'x', 'b']), scope, depth - 1)}"
                     for key in pick.sample(["a", "role", "user", "level", "id"], pick.choice([1, 2]))]  # fmt: skip
            if self.chance(0.2):
                pairs.append(f"{self.expression('s', scope, 0)}: 1")
            return "{" + ", ".join(pairs) + "}"
        if kind == "ao":
            return "[" + self.composite("o", scope, depth - 1) + "]"
        if kind == "x":
            return self.expression(pick.choice(["s", "n", "b", "as", "o"]), scope, depth)
        if kind == "n" and self.chance(0.6):
            return f"count({self.composite(pick.choice(['as', 'ss', 'an']), scope, depth)})"
        if kind == "b":
            return self.comparison(scope, depth) if self.chance(0.1) else self.call(kind, scope, depth)
        return self.call(kind, scope, depth)

    def comprehension(self, left: str, right: str, item: str, scope: Scope, depth: int, with_key: bool = False) -> str:
        inner = scope.inner()
        body = [self.generator(inner, item, depth)]
        for _ in range(self.pick.choice([0, 0, 1, 1, 2])):
            body.append(self.literal(inner, depth - 1, inline=True))
        head = self.of_each(inner) if self.chance(0.2) else self.expression(item, inner, min(depth, 1))
        if with_key:
            head = f"{self.expression('s', inner, 0)}: {head}"
        body = self.settled(body, head)
        if self.chance(0.06):
            self.pick.shuffle(body)
        return f"{left}{head} | {'; '.join(body)}{right}"

    def of_each(self, scope: Scope) -> str:
        """Something that what is iterated over may have, one of them more than another."""
        pick = self.pick
        forms = ["input.items[_].id", "data.users[input.roles[_]].role"] if self.chance(0.2) else []
        for name, kind in scope.variables.items():
            if kind == "x":
                forms += [f"{name}.id", f"{name}.owner", f"{name}.tags[0]", f"{name}.flag", f"[{name}.id, 1]", f"{name}.size"]
            if kind == "s":
                forms += [f"data.users[{name}].role", f"data.blocked[{name}]", f"data.limits[{name}]", f"lower({name})", f"{{{name}: data.limits[{name}]}}"]
            if kind == "k":
                forms += [f"input.items[{name}].id", f"input.roles[{name}]", f"{name}.id"]
        return pick.choice(forms) if forms else self.expression("x", scope, 1)

    def collection(self, item: str, scope: Scope, depth: int) -> str:
        kinds = {"s": ["as", "as", "ss"], "n": ["an", "sn"]}.get(item, ["ao", "ao", "o"])
        return self.expression(self.pick.choice(kinds), scope, depth)

    def opaque(self, kind: str, source: str) -> str:
        """The type of a variable: what is in it can be referred to only where OPA's compiler knows nothing of it."""
        return "k" if kind == "x" and not source.startswith("input.") else kind

    def settled(self, body: list[str], head: str) -> list[str]:
        """The body with all that `some` declares in use, as OPA's compiler demands."""
        body = list(body)
        for at in range(len(body)):
            declared = re.match(r"some ([a-z_0-9, ]+?)(?: in |;)", body[at])
            for name in declared.group(1).split(", ") if declared else []:
                rest = [body[at][declared.end() :], *body[at + 1 :], head]
                if name == "_" or uses("\n".join(rest), name):
                    continue
                if self.chance(0.4):
                    body[at] = re.sub(rf"\b{name}\b", "_", body[at], count=1)
                else:
                    body.append(self.about(name))
        return body

    def about(self, name: str) -> str:
        forms = ["not {} == 3", "{}", '{} != "evil"', "not is_null({})", 'not {} == "evil"', "{} == input.user", "is_string({})", "not data.blocked[{}]"]
        return self.pick.choice(forms).format(name)

    def generator(self, scope: Scope, item: str, depth: int) -> str:
        """A literal that binds a variable to each element of something."""
        pick = self.pick
        over = self.collection(item, scope, min(depth, 1))
        form = pick.randrange(8)
        if form <= 2:
            return f"some {self.fresh(scope, self.opaque(item, over))} in {over}"
        if form == 3:
            key = self.fresh(scope, "k")
            return f"some {key}, {self.fresh(scope, self.opaque(item, over))} in {over}"
        # What is iterated by its index must be a reference.
        whole = pick.choice(world.INPUT.get({"s": "as", "n": "an"}.get(item, "ao")))
        if form == 4:
            return f"{self.fresh(scope, item)} := {whole}[_]"
        if form == 5:
            index = self.fresh(scope, "k")
            return f"some {index}; {self.fresh(scope, item)} := {whole}[{index}]"
        if form == 6:
            index = self.fresh(scope, "k")
            return f"some {index}, {self.fresh(scope, item)} in {whole}"
        fields = pick.choice(["input.items[_].owner", "input.items[_].tags[_]", "data.grants[_].user", "data.users[_].role"])
        return f"{self.fresh(scope, 's')} := {fields}"

    def comparison(self, scope: Scope, depth: int) -> str:
        kind = self.pick.choice(["s", "s", "s", "n", "n", "b", "as", "ss", "o", "x"])
        left = self.expression(kind, scope, depth)
        right = self.simple(kind) if self.chance(0.65) else self.expression(kind, scope, depth)
        if kind in ("as", "o", "x") and self.chance(0.9):
            # OPA's compiler knows that literals of different shapes are never equal, and refuses the policy.
            right = self.pick.choice(world.INPUT[kind] + world.DATA[kind])
        operator = self.pick.choice(["==", "==", "==", "!=", "<", ">", ">=", "<="] if kind in ("s", "n") else ["==", "==", "!="])
        known = [name for name, of in scope.variables.items() if of in (kind, "x", "k")]
        if known and self.chance(0.2):
            # What is bound is compared by a unification too.
            left, operator = self.pick.choice(known), self.pick.choice(["=", "=", "==", "!="])
        if self.chance(0.15):
            left, right = right, left
        return f"{left} {operator} {right}"

    def membership(self, scope: Scope, depth: int) -> str:
        pick = self.pick
        item = pick.choice(["s", "s", "n"])
        element = self.expression(item, scope, depth)
        over = self.collection(item, scope, depth) if self.chance(0.6) else self.simple({"s": "ss", "n": "an"}[item])
        if self.chance(0.1):
            return f"{pick.choice(['0', '1', self.constant('s')])}, {element} in {over}"
        return f"{element} in {over}"

    def unification(self, scope: Scope, depth: int) -> str:
        """An assignment or a unification, with or without destructuring."""
        pick = self.pick
        form = pick.randrange(14)
        kind = pick.choice(TYPES)
        if form >= 9:
            return self.binding(scope, depth)
        value = self.expression(kind, scope, depth)
        if form <= 3:
            return f"{self.fresh(scope, self.opaque(kind, value))} := {value}"
        if form == 4:
            return f"{self.fresh(scope, self.opaque(kind, value))} = {value}"
        pair = pick.choice(world.INPUT["as"] + world.DATA["as"]) if self.chance(0.8) else f"[{self.expression('s', scope, 0)}, {self.expression('s', scope, 1)}]"
        if form == 5:
            return f"[{self.fresh(scope, 'k')}, {self.fresh(scope, 'k')}] {pick.choice([':=', '='])} {pair}"
        if form == 6 and self.patterns:
            pairs = f'{{"id": {self.fresh(scope, "x")}, "owner": {self.fresh(scope, "s")}, "size": _, "tags": _}}'
            return f"{pairs} {pick.choice([':=', '='])} input.items[0]"
        if form == 7:
            return f"[{self.constant('s')}, {self.fresh(scope, 'k')}] = {pair}"
        return f"{pick.choice(world.INPUT.get(kind, world.INPUT['x']))} = {value}"

    def binding(self, scope: Scope, depth: int) -> str:
        """A literal that binds in rarer ways: by a key, a pattern, or the truth of a condition."""
        pick = self.pick
        form = pick.randrange(14)
        if form == 9:
            over = self.call(pick.choice(["as", "ss"]), scope, 1)
            if over[-1] == ")":
                return f"{over}[{self.fresh(scope, 'k')}]" if self.chance(0.5) else f"{over}[_] == {self.expression('s', scope, 0)}"
        if form == 10:
            over = pick.choice(['["alice", input.user]', '{"alice": 1, "bob": input.level}', '{"alice", input.user}', '[[1, input.user], [2, "bob"]]'])
            return f"{self.fresh(scope, 'k')} := {over}[{self.fresh(scope, 'k')}]"
        if form == 11:
            left, right = self.fresh(scope, "k"), self.fresh(scope, "k")
            return f"{left} = {right}; {right} = {self.expression('s', scope, 1)}"
        if form == 12:
            left, right = self.fresh(scope, "k"), self.fresh(scope, "k")
            return f"some {left}, {right}; input.items[{left}].tags[{right}] == {self.expression('s', scope, 0)}"
        if form == 13 and self.packages:
            package = pick.choice(self.packages)
            return pick.choice([f"some {self.fresh(scope, 'k')}, {self.fresh(scope, 'k')} in {package}", f"{self.fresh(scope, 'k')} := {package}[_]",
                                f"{package}[{self.fresh(scope, 'k')}] == {self.expression('s', scope, 0)}", f"count({package}) {pick.choice(['>', '=='])} {pick.randrange(4)}"])  # fmt: skip
        if form == 0:
            return f"data.users[{self.fresh(scope, 's')}].role == {self.expression('s', scope, 0)}"
        if form == 1:
            return f"input.items[{self.fresh(scope, 'k')}].owner == {self.expression('s', scope, 0)}"
        if form == 2:
            partial = self.values.get("ss", []) + self.values.get("o", []) or ["data.blocked", "input.tags", "input.roles"]
            return f"{pick.choice(partial)}[{self.fresh(scope, 'k')}]"
        if form == 3:
            condition = self.comparison(scope, 1) if self.chance(0.4) else self.call("b", scope, 1) if self.chance(0.5) else self.membership(scope, 1)
            return f"{self.fresh(scope, 'b')} := {condition}"
        if form == 4 and self.patterns:
            return f'some {{"user": {self.fresh(scope, "s")}, "on": {self.fresh(scope, "k")}}} in data.grants'
        if form == 5 and self.patterns:
            return f'{{"role": {self.fresh(scope, "s")}, "level": {self.fresh(scope, "n")}}} = data.users[{self.expression("s", scope, 0)}]'
        if form == 6:
            key = self.fresh(scope, "k")
            return f"input.roles[{key}] = input.groups[{key}]"
        if form == 7:
            known = list(scope.variables)
            if known and self.chance(0.5):
                return f"[{pick.choice(known)}, {self.fresh(scope, 'k')}] = {pick.choice(world.INPUT['as'] + ['input.items[_].tags', '[input.user, 1]'])}"
            return f"[{self.fresh(scope, 'k')}, {self.expression('s', scope, 0)}] = [{self.expression('s', scope, 0)}, input.user]"
        return f"walk({pick.choice(['input.claims', 'input.tags', 'data.users'])}, [{self.fresh(scope, 'k')}, {self.fresh(scope, 'k')}])"

    def existing(self, scope: Scope) -> str:
        """A use of a rule or a function of this policy as a condition."""
        pick = self.pick
        forms = [name for name in self.values.get("b", [])] * 2
        for name in self.values.get("ss", []):
            forms += [f"{self.expression('s', scope, 1)} in {name}", f"{name}[{self.expression('s', scope, 0)}]",
                      f"count({name}) {pick.choice(['==', '>', '>='])} {pick.randrange(3)}", name, f"{name} == set()"]  # fmt: skip
        for name in self.values.get("o", []):
            forms += [f"{name}[{self.expression('s', scope, 0)}]", f"{name}.alice", f"{name}.alice == {self.constant('s')}", f"count({name}) > 0"]
        called = self.user_call("b", scope, 1)
        if called:
            forms += [called] * 3
        for kind in ("s", "n"):
            forms += [f"{name} {pick.choice(['==', '!='])} {self.constant(kind)}" for name in self.values.get(kind, [])]
        return pick.choice(forms) if forms else self.common(scope)

    def common(self, scope: Scope) -> str:
        """What authors of policies for geowarden write."""
        strings = [name for name, of in scope.variables.items() if of == "s"]
        who = self.pick.choice(strings) if strings and self.chance(0.4) else "input.user"
        return self.pick.choice([
            f'{who} == "alice"', f'{who} != "evil"', f'"admin" in input.roles', 'input.method in {"GET", "HEAD"}',
            'input.method == "GET"', "data.collections[input.collection].public", f"data.blocked[{who}]",
            f'data.users[{who}].role == "admin"', f"{who} in data.admins", f'startswith({who}, "evil")',
            f"{who} == data.collections[input.collection].owner", 'input.path[0] == "collections"', "input.admin",
            "input.claims.verified", "input.claims.level >= 2", 'input.claims.company == "osgeo"', f'lower({who}) == "evil"',
            "count(input.roles) > 0", 'net.cidr_contains("10.0.0.0/8", input.ip)', f'regex.match("^[a-z]+$", {who})',
            'input.path == ["collections", "obs"]', "input.level > 1", f'{who} == input.claims.company', "input.flags.beta",
            f'object.get(input, "user", "nobody") == {self.constant("s")}', "input.user", "input.roles", f"data.users[{who}]",
            f"{who}, {self.constant('s')} in input.tags", f'0, {who} in input.roles', f"count({{1 | not {who} in data.admins}}) == 1",
            f"{who} in {{name | data.users[name].level > 1}}", f"input.tags[{who}]", "data.p.allowed", "input.x.y == input.x.z",
            f'{{"id": {who}}} in input.items', "input.claims == input.tags", f"[{who}] == input.roles", "input.nums[0] < input.nums[1]", "null == input.extra",
            "input.nums[input.level] > 0", 'split(input.user, "-")[_] == "bob"', "{1: true, 2: false}[input.level]", '{"alice", "bob"}[input.user]', '["a", "b"][input.level]',
            f'{who} in input.roles == false', "count(input.roles) - 1 >= 0", "input.level + 1 * 2 > 3", "input.level - 1 - 1 == 0", 'not_there(input.user)' if self.chance(0.02) else "input.level > -1",
            'input.roles[_] == "admin"', 'input.items[_].owner == input.user', f'{{"user": {who}, "on": input.collection}} == data.grants[0]',
            f'[{who}, input.collection] == ["alice", "obs"]', f"{who} in {{\"alice\", \"bob\"}}", "input", "input == {}",
            f'glob.match("evil*", [], {who})', 'upper(input.method) == "GET"', 'concat("/", input.path) == "collections/obs"',
            f'sprintf("%s:%s", [{who}, input.collection]) == "alice:obs"', "data.limits[input.user] > input.level",
        ])  # fmt: skip

    def condition(self, scope: Scope, depth: int) -> str:
        """A literal that binds nothing."""
        draw = self.pick.random()
        if draw < 0.38:
            return self.common(scope)
        if draw < 0.58:
            return self.existing(scope)
        if draw < 0.72:
            return self.comparison(scope, depth)
        if draw < 0.80:
            return self.membership(scope, depth)
        if draw < 0.92:
            return self.call("b", scope, depth)
        kind = self.pick.choice(TYPES)
        return self.expression(kind, scope, depth)

    def negation(self, scope: Scope, depth: int) -> str:
        pick = self.pick
        draw = pick.random()
        if draw < 0.82:
            text = self.condition(scope, depth)
            # A wildcard in a negation is unsafe to OPA.
            return f"not {text}" if "[_]" not in text or self.chance(0.1) else "not input.roles"
        if draw < 0.88:
            kind = pick.choice(TYPES)
            return f"not {self.simple(kind)} = {self.expression(kind, scope, depth)}"
        if draw < 0.92:
            return f'not {{"a": {self.expression("s", scope, 1)}}} == {{"a": {self.expression("s", scope, 1)}}}'
        if draw < 0.97:
            return f"not count({self.composite(pick.choice(['as', 'ss']), scope, 1)}) {pick.choice(['>', '==', '!='])} {pick.randrange(2)}"
        # An unbound wildcard: OPA finds it unsafe.
        return 'not input.roles[_] == "admin"' if self.chance(0.3) else f"not {self.expression('n', scope, 1)} + 1 == 2"

    def modifier(self, scope: Scope) -> str:
        pick = self.pick
        draw = pick.random()
        if draw < 0.35:
            kind = pick.choice(["s", "as", "n", "o"])
            return f"with {pick.choice([ref for ref in world.INPUT[kind] if '[' not in ref])} as {self.expression(kind, scope, 1)}"
        if draw < 0.6:
            return "with input as " + pick.choice(["{}", '{"user": "alice"}', '{"user": input.owner, "roles": ["admin"]}', "input.claims", json.dumps({"user": "evil"})])
        if draw < 0.8:
            return f"with data.blocked as {pick.choice(['{}', '{\"alice\": true}', '{input.user: true}'])}"
        if draw < 0.92:
            return f"with data.users.alice.role as {self.expression('s', scope, 1)}"
        if draw < 0.95 and self.values.get("b"):
            # Of this package by its path from the root, or of another one.
            rule = pick.choice(self.values["b"])
            return f"with {rule if rule.startswith('data.') else 'data.p.' + rule} as {self.constant('b')}"
        return f"with input.user as {self.constant('s')} with data.admins as {self.expression('as', scope, 1)}"

    def literal(self, scope: Scope, depth: int = 2, inline: bool = False) -> str:
        """One literal of a body; what it binds is added to the scope."""
        draw = self.pick.random()
        if draw < 0.44:
            text = self.condition(scope, depth)
        elif draw < 0.68:
            text = self.negation(scope, depth)
        elif draw < 0.80:
            return self.unification(scope, depth)
        elif draw < 0.92 or inline:
            return self.generator(scope, self.pick.choice(["s", "s", "n", "x"]), depth)
        else:
            return self.every(scope, depth)
        return f"{text} {self.modifier(scope)}" if self.chance(0.07) else text

    def every(self, scope: Scope, depth: int) -> str:
        item = self.pick.choice(["s", "s", "n", "x"])
        over = self.collection(item, scope, min(depth, 1))
        inner = scope.inner()
        key = self.fresh(inner, "k") if self.chance(0.3) else ""
        value = self.fresh(inner, self.opaque(item, over))
        body = [self.literal(inner, depth - 1) for _ in range(self.pick.choice([1, 1, 2]))]
        if self.chance(0.5):
            body.insert(0, f"{value} != {self.constant('s')}" if item == "s" else f"not {value} == 3")
        body = self.settled(body, "")
        if not uses("\n".join(body), value):
            body.append(self.about(value))
        if key:
            key = f"{key}, " if uses("\n".join(body), key) else "_, "
        lines = "\n".join("\t" + line for text in body for line in text.split("\n"))
        return f"every {key}{value} in {over} {{\n{lines}\n}}"

    def body(self, scope: Scope, most: int = 4) -> list[str]:
        made = [self.literal(scope) for _ in range(self.pick.choice([1, 1, 2, 2, 3, most][: most + 2]))]
        if self.chance(0.06):
            # Only what is safe counts, not the order.
            self.pick.shuffle(made)
        return made
