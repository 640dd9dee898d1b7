"""Random literals of rule bodies: conditions, negations, literals that bind variables, `every` and `with`."""

import json
import re

from . import world
from .expressions import TYPES, Expressions
from .scope import Scope, uses


class Literals(Expressions):
    """Draws literals. A variable that a literal binds is added to the scope."""

    def opaque(self, kind: str, source: str) -> str:
        """The type of a loop variable. OPA's compiler rejects references into an element whose type it knows. So elements of
        type x count as unknown (k), unless they come from `input`."""
        return "k" if kind == "x" and not source.startswith("input.") else kind

    def settled(self, body: list[str], head: str) -> list[str]:
        """The body, in which every variable that `some` declares is used. OPA's compiler demands this."""
        body = list(body)
        for at in range(len(body)):
            declared = re.match(r"some ([A-Za-z_0-9, ]+?)(?: in |;)", body[at])
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
        """A literal that binds a variable to each element of a collection."""
        pick = self.pick
        over = self.collection(item, scope, min(depth, 1))
        form = pick.randrange(8)
        if form <= 2:
            replaced = f" {self.modifier(scope)}" if self.chance(0.04) else ""
            return f"some {self.fresh(scope, self.opaque(item, over))} in {over}{replaced}"
        if form == 3:
            key = self.fresh(scope, "k")
            return f"some {key}, {self.fresh(scope, self.opaque(item, over))} in {over}"
        # A collection that is indexed by a variable must be a reference.
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
            # OPA's compiler rejects a comparison of two literals of different shapes, since they are never equal.
            right = self.pick.choice(world.INPUT[kind] + world.DATA[kind])
        if self.chance(0.12):
            # Values of different types: OPA has an order for all values.
            return f"{self.of_any_kind(scope)} {self.pick.choice(['<', '>', '<=', '>='])} {self.of_any_kind(scope)}"
        operator = self.pick.choice(["==", "==", "==", "!=", "<", ">", ">=", "<="] if kind in ("s", "n") else ["==", "==", "!="])
        known = [name for name, of in scope.variables.items() if of in (kind, "x", "k")]
        if known and self.chance(0.2):
            # A unification with a variable that has a value already is a comparison.
            left, operator = self.pick.choice(known), self.pick.choice(["=", "=", "==", "!="])
        if self.chance(0.15):
            left, right = right, left
        return f"{left} {operator} {right}"

    def of_any_kind(self, scope: Scope) -> str:
        """A value whose type OPA's compiler does not know. It can be a set, to test the order of sets and objects."""
        pick = self.pick
        of_any = ["input.claims", "input.tags", "input.roles", "input.extra", "input.level", "input.user", "input.items[0]", "data.users", "data.grants"]
        made = ["{one | some one in input.roles}", "{input.user}", "{input.claims, {1}}", "[{input.level}, input.tags]", "{x | x := set()}"]
        sorted_ones = [f"min([{pick.choice(of_any)}, {pick.choice(made)}])", f"max([{pick.choice(of_any)}, {pick.choice(made)}])", f"sort([{pick.choice(made)}, {pick.choice(of_any)}])[0]"]
        known = [name for name, of in scope.variables.items() if of in ("x", "k")]
        return pick.choice(of_any * 2 + made + sorted_ones + known)

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
        """A literal that binds a variable in a rarer way: by a key, a pattern, or the result of a condition."""
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
            if self.chance(0.2):
                # An assignment never gives its right side a value: without the last part, OPA does not load it.
                ends = ["", f"; {right} = {self.constant('s')}", f"; input.tags[_] = {right}"]
                return f"{left} := {right}; {left} = {self.expression('s', scope, 1)}{pick.choice(ends)}"
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
            if known and self.chance(0.3):
                # A second name for a variable, which a negation may use.
                other, known = pick.choice(known), self.fresh(scope, "k")
                named = pick.choice([f"{known} = {other}", f"{known} := {other}", f"[{known}] = [{other}]", f"[_, {known}] = {other}"])
                if self.chance(0.3):
                    # An array or object with the variable in it, used as a key.
                    named = pick.choice([f"{known} := [{other}]", f'{known} := {{"k": {other}}}', f"{known} = [{other}, 1]"])
                    over = pick.choice(['{["alice"], ["bob", 1], {"k": "alice"}}', *self.values.get("ss", ["data.blocked"])])
                    return f"{named}; s_{known} := {over}; not s_{known}[{known}]"
                return f"{named}; not data.blocked[{known}]" if self.chance(0.6) else named
            if known and self.chance(0.5):
                return f"[{pick.choice(known)}, {self.fresh(scope, 'k')}] = {pick.choice(world.INPUT['as'] + ['input.items[_].tags', '[input.user, 1]'])}"
            return f"[{self.fresh(scope, 'k')}, {self.expression('s', scope, 0)}] = [{self.expression('s', scope, 0)}, input.user]"
        walked = f"walk({pick.choice(['input.claims', 'input.tags', 'data.users'])}"
        if self.chance(0.1):
            return pick.choice([f"{self.fresh(scope, 'k')} := {walked})", f"[_, {self.fresh(scope, 'k')}] := {walked})", f"count([1 | {walked})]) > 0", f"not {walked})"])
        if self.chance(0.2):
            return f"{walked}, {self.fresh(scope, 'k')})"
        return f"{walked}, [{self.fresh(scope, 'k')}, {self.fresh(scope, 'k')}])"

    def existing(self, scope: Scope) -> str:
        """A condition that uses a rule or a function of this policy."""
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
        """A condition as authors write it in policies for geowarden."""
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
        """A literal that binds no variable."""
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
        if scope.variables and self.chance(0.15):
            # A negation with a variable that may get its value after the negation.
            key = pick.choice(list(scope.variables))
            over = pick.choice(["data.blocked", "data.users", "input.claims", "input.tags", *self.values.get("ss", []), *self.values.get("o", [])])
            return pick.choice([f"not {over}[{key}]", f"not {over}[{key}]", f"not {over}[{key}] == true", f"not {over}[lower({key})]", f"not [{over}[{key}], {key}] == [true, {self.constant('s')}]",
                                f"not {{{key}: 1 | {over}[{key}]}}[{key}]", f"count([1 | {over}[{key}]]) == {pick.randrange(2)}"])
        if draw < 0.82:
            text = self.condition(scope, depth)
            # OPA rejects a wildcard in a negation as unsafe.
            return f"not {text}" if "[_]" not in text or self.chance(0.1) else "not input.roles"
        if draw < 0.88:
            kind = pick.choice(TYPES)
            return f"not {self.simple(kind)} = {self.expression(kind, scope, depth)}"
        if draw < 0.92:
            return f'not {{"a": {self.expression("s", scope, 1)}}} == {{"a": {self.expression("s", scope, 1)}}}'
        if draw < 0.97:
            return f"not count({self.composite(pick.choice(['as', 'ss']), scope, 1)}) {pick.choice(['>', '==', '!='])} {pick.randrange(2)}"
        # OPA rejects an unbound wildcard as unsafe.
        return 'not input.roles[_] == "admin"' if self.chance(0.3) else f"not {self.expression('n', scope, 1)} + 1 == 2"

    def modifier(self, scope: Scope) -> str:
        pick = self.pick
        draw = pick.random()
        one = [name for name, takes, _ in self.functions if len(takes) == 1]
        if one and self.chance(0.1):
            return f"with {pick.choice(['count', 'lower', 'is_string', 'startswith', 'plus', 'walk'])} as {pick.choice(one)}"
        if one and self.chance(0.05):
            return f"with {pick.choice(one)} as {pick.choice(['count', 'lower', 'trace', 'walk', 'is_null'])}"
        if one and self.chance(0.15):
            # `with` must find the function by its path, its name or an import.
            name = pick.choice(one)
            way = name if name.startswith(("data.", "lib.")) else pick.choice([name, f"data.p.{name}"])
            return f"with {way} as {pick.choice([*one, self.constant('s'), 'true'])}"
        if draw < 0.35:
            kind = pick.choice(["s", "as", "n", "o"])
            return f"with {pick.choice([ref for ref in world.INPUT[kind] if '[' not in ref])} as {self.expression(kind, scope, 1)}"
        if draw < 0.6:
            # A value with a loop in it: the statement is evaluated for each element, and a variable in it gets a value.
            if self.chance(0.25):
                return f"with input as data.users[{self.fresh(scope, 'k')}]"
            return "with input as " + pick.choice(["{}", "data.users[_]", '{"user": data.admins[_]}', '{"user": "alice"}', '{"user": input.owner, "roles": ["admin"]}', "input.claims", json.dumps({"user": "evil"})])
        if draw < 0.8:
            return f"with data.blocked as {pick.choice(['{}', '{\"alice\": true}', '{input.user: true}'])}"
        if draw < 0.92:
            return f"with data.users.alice.role as {self.expression('s', scope, 1)}"
        if draw < 0.95 and self.values.get("b"):
            # A rule of this package, by its path from `data`, or a rule of another package.
            rule = pick.choice(self.values["b"])
            return f"with {rule if rule.startswith('data.') else 'data.p.' + rule} as {self.constant('b')}"
        return f"with input.user as {self.constant('s')} with data.admins as {self.expression('as', scope, 1)}"

    def literal(self, scope: Scope, depth: int = 2, inline: bool = False) -> str:
        """One literal of a body. A variable that it binds is added to the scope."""
        if not inline and self.chance(0.015):
            return self.of_queries_inside(scope)
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

    def of_queries_inside(self, scope: Scope) -> str:
        """A variable that the body declares, and only queries inside of it use."""
        pick = self.pick
        name = self.fresh(scope.inner(), "s")
        over = pick.choice(["input.roles", "input.items", "data.users"])
        use = pick.choice([f"count([1 | {over}[{name}]]) > {pick.randrange(3)}", f"not [1 | {over}[{name}]][1]", f"{{{name} | {over}[{name}]}} != set()",
                           f"every el in [1] {{ {over}[{name}]; el == 1 }}", f"count([[1 | {over}[{name}]] | input.tags[{name}]]) < 2"])  # fmt: skip
        return f"some {name}; {use}"

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
        if self.chance(0.03):
            # A variable that is declared in this query, and perhaps used only in another query.
            made.insert(0, f"some {self.pick.choice(list(scope.variables) or ['x'])}")
        if self.chance(0.2):
            # The order of literals must not matter: OPA sorts them so that every variable is safe.
            self.pick.shuffle(made)
        return made
