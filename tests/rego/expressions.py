"""Random Rego expressions. The caller chooses the type, so that most policies compile.

Types: `s` string, `n` number, `b` boolean, `as` and `an` arrays of strings and of numbers, `ss` and `sn` sets, `o` object,
`os` object of strings, `ao` array of objects, `ns` time, `few` small number, `x` any, `k` unknown.
"""

import json
from random import Random

from . import world
from .calls import CALLS, WORDS
from .scope import Scope

TYPES = ["s", "n", "b", "as", "an", "ss", "o", "x"]
ELEMENT = {"as": "s", "an": "n", "ss": "s", "sn": "n", "ao": "x", "o": "x"}
NAMES = ["A", "Zed", "_m", "x", "y", "z", "u", "v", "r", "k", "i", "n", "g", "item", "role", "name"]
CALLABLE = {kind: [call for call, _, weight in calls for _ in range(weight)] for kind, calls in CALLS.items()}
ARGUMENTS = {call: kinds for calls in CALLS.values() for call, kinds, _ in calls}


class Expressions:
    """Draws expressions from `pick`. `values` and `functions` have the rules and functions that the policy has so far.

    The body of a comprehension has literals: the subclass `Literals` draws them.
    """

    def __init__(self, pick: Random):
        self.pick = pick
        # References to rules, by type. A partial rule has the type ss or o.
        self.values: dict[str, list[str]] = {}
        # Name, argument types and result type.
        self.functions: list[tuple[str, list[str], str]] = []
        self.shadowable: list[str] = []
        # geowarden does not load policies with these features, so only some policies have them.
        self.patterns = pick.random() < 0.1
        self.shadows = pick.random() < 0.15
        # Packages to which an expression may refer as a whole.
        self.packages: list[str] = []

    def chance(self, share: float) -> bool:
        return self.pick.random() < share

    def fresh(self, scope: Scope, kind: str) -> str:
        """A variable that is not declared in this scope. Sometimes it shadows another variable or a rule."""
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
            # Small numbers only: an engine makes as many elements as such an argument says.
            return pick.choice(["-1", "0", "1", "3", "5", "0.5", "count(input.roles)", "count(input.user)", "input.missing"])
        if kind == "os":
            return pick.choice(['{"a": "b"}', '{"alice": "bob", "evil": ""}', "{}"])
        return pick.choice(["null", "true", "[]", "{}", self.constant("s"), self.constant("n")])

    def expression(self, kind: str, scope: Scope, depth: int = 2) -> str:
        """An expression of this type. Sometimes its type is only known at evaluation, or is another one."""
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
        """An expression of constants, which is never undefined."""
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
            # Most operands of an operator get parentheses. Without them, the precedence of operators is tested.
            loose = self.chance(0.25)
            given = [f"({text})" if " " in text and text[0] not in '"{[(' and not loose else text for text in given]
        return form.format(*given)

    def into_call(self, kind: str, scope: Scope, depth: int) -> str:
        """A reference into the result of a call, or with such a result as a key."""
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
        """An array, set or object of expressions, or a comprehension."""
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
        if self.chance(0.04):
            head, about = self.of_search()
            body.insert(self.pick.randrange(len(body) + 1), about)
        if with_key:
            head = f"{self.expression('s', inner, 0)}: {head}"
        body = self.settled(body, head)
        if self.chance(0.06):
            self.pick.shuffle(body)
        return f"{left}{head} | {'; '.join(body)}{right}"

    def of_each(self, scope: Scope) -> str:
        """An expression with the variable of a loop. It has a value for some elements only."""
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

    def of_search(self) -> tuple[str, str]:
        """An expression that searches, and a statement about the variable that only this expression gives its value."""
        pick = self.pick
        over, other = pick.choice([("input.roles", "1"), ("data.users", '"alice"'), ("data.blocked", '"bob"'), ("input.items", "0")])
        value = pick.choice([f"{over}[only]", f"{over}[only]", f"[only, {over}[only]]", f"lower({over}[only])"])
        return value, pick.choice([f"only != {other}", f"not only == {other}", "is_string(only)", f"only == {other}", f"count([1 | only != {other}]) == 1"])

    def collection(self, item: str, scope: Scope, depth: int) -> str:
        kinds = {"s": ["as", "as", "ss"], "n": ["an", "sn"]}.get(item, ["ao", "ao", "o"])
        return self.expression(self.pick.choice(kinds), scope, depth)
