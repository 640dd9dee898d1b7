"""Random policies: like those that authors write, with random changes that use every part of the language."""

from random import Random

from . import world
from .dressing import as_v0, dressed
from .expressions import ELEMENT
from .literals import Literals
from .scope import Scope

NAMES = ["is_admin", "is_member", "owner_ok", "level", "quota", "granted", "visible", "denied", "reasons", "limits", "labels", "scope_of", "trusted", "stale"]
FUNCTIONS = ["may", "rank", "normal", "owns", "matches", "of_kind"]


def case(seed: int, number: int) -> dict:
    """Case `number` of the seed. It is always the same, and does not depend on earlier cases."""
    pick = Random(f"{seed}:{number}")
    in_v0 = pick.random() < 0.05
    policy = Policy(pick, unbraced=not in_v0 and pick.random() < 0.5)
    modules, entrypoint = policy.modules(), "p/allow"
    if not in_v0:
        modules, entrypoint = dressed(pick, modules, entrypoint)
    made = {"modules": modules, "data": world.data(pick), "entrypoint": entrypoint, "inputs": world.inputs(pick)}
    if in_v0:
        made |= {"rego": "v0", "modules": {name: as_v0(text) for name, text in modules.items()}, "reference": modules}
    return made


class Policy:
    def __init__(self, pick: Random, unbraced: bool):
        self.pick = pick
        # Whether a body of one literal may have no braces.
        self.unbraced = unbraced
        self.say = Literals(pick)
        self.names = pick.sample(NAMES, len(NAMES))
        self.function_names = pick.sample(FUNCTIONS, len(FUNCTIONS))

    def modules(self) -> dict[str, str]:
        pick = self.pick
        library = []
        self.own = False
        if pick.random() < 0.2:
            library = self.rules(pick.choice([1, 2, 3]))
            self.qualify()
            self.say.packages.append("data.lib")
        self.own = True
        own = self.rules(pick.choice([0, 1, 1, 2, 2, 3, 4, 5]))
        own += self.allow()
        if pick.random() < 0.12:
            pick.shuffle(own)
        head = "package p\n\n"
        if library:
            head += "import data.lib\n\n"
        if pick.random() < 0.08:
            head = "package p\n\nimport rego.v1\n\n" + head.partition("\n\n")[2]
        modules = {"p.rego": head + "\n\n".join(own) + "\n"}
        if len(own) > 2 and pick.random() < 0.1:
            modules = {"p.rego": head + "\n\n".join(own[:2]) + "\n", "more.rego": head + "\n\n".join(own[2:]) + "\n"}
        if library:
            modules["lib.rego"] = "package lib\n\n" + "\n\n".join(library) + "\n"
        return modules

    def qualify(self) -> None:
        """Puts the rules that were made so far into another package."""
        say, pick = self.say, self.pick
        way = pick.choice(["lib", "data.lib"])
        say.values = {kind: [name if name.startswith("data.") else f"{way}.{name}" for name in names] for kind, names in say.values.items()}
        say.functions = [(f"{way}.{name}", takes, gives) for name, takes, gives in say.functions]
        say.shadowable = []

    def rules(self, count: int) -> list[str]:
        made = []
        makers = [self.complete] * 4 + [self.function] * 4 + [self.partial_set] * 3 + [self.partial_object] * 2 + [self.nested, self.constant_refs] * (self.pick.random() < 0.25)
        for _ in range(count):
            made += self.pick.choice(makers)()
        return made

    def known(self, name: str, kind: str) -> None:
        self.say.values.setdefault(kind, []).append(name)
        if self.pick.random() < 0.1:
            self.say.values[kind].append(f"data.{'p' if self.own else 'lib'}.{name}")
        self.say.shadowable.append(name)

    def rule(self, head: str, body: list[str]) -> str:
        if not body:
            return head
        body = self.say.settled(body, head)
        if len(body) == 1 and self.unbraced and body[0][0] != "{" and ";" not in body[0] and self.pick.random() < 0.6:
            return f"{head} if {body[0]}"
        lines = "\n".join("\t" + line for text in body for line in text.split("\n"))
        if self.pick.random() < 0.05 and not any("\n" in text for text in body):
            lines = "\t" + "; ".join(body)
        if self.pick.random() < 0.05:
            head = head.replace(" := ", " = ", 1)
        return f"{head} if {{\n{lines}\n}}"

    def valued(self, name: str, kind: str, scope: Scope | None = None) -> str:
        """A definition of a rule with a value."""
        scope = scope or Scope()
        if self.pick.random() < 0.2:
            # The value comes from one of many elements, and may be missing.
            body = [self.say.generator(scope, self.pick.choice(["s", "x", "x"]), 1)] + self.say.body(scope, 1)[: self.pick.randrange(2)]
            return self.rule(f"{name} := {self.say.of_each(scope)}", body)
        body = self.say.body(scope)
        if kind == "b" and self.pick.random() < 0.8:
            return self.rule(name, body)
        return self.rule(f"{name} := {self.say.expression(kind, scope, 1)}", body)

    def complete(self) -> list[str]:
        pick = self.pick
        name = self.names.pop()
        kind = pick.choice(["b", "b", "b", "s", "n", "as", "ss", "o"])
        made = []
        if pick.random() < 0.4:
            made.append(f"default {name} := {'false' if kind == 'b' and pick.random() < 0.8 else self.say.simple(kind)}")
        for _ in range(pick.choice([1, 1, 1, 2, 3])):
            made.append(self.valued(name, kind))
            made[-1] += self.otherwise(kind)
        self.known(name, kind)
        return made

    def otherwise(self, kind: str, scope: Scope | None = None) -> str:
        text = ""
        while self.pick.random() < 0.2 and len(text) < 300:
            inner = scope.inner() if scope else Scope()
            body = self.say.body(inner, 2)
            value = self.say.expression(kind, inner, 1)
            head = "else" if kind == "b" and self.pick.random() < 0.3 else f"else := {value}"
            text += " " + (f"else := {value}" if self.pick.random() < 0.25 else self.rule(head, body))
            if not text.endswith("}"):
                break
        return text

    def function(self) -> list[str]:
        pick = self.pick
        if not self.function_names:
            return self.complete()
        name = self.function_names.pop()
        takes = pick.choice([["s"], ["s"], ["s"], ["n"], ["as"], ["o"], ["s", "s"], ["s", "n"], ["x"], ["ao"]])
        gives = pick.choice(["b", "b", "b", "s", "n", "as"])
        made = []
        if pick.random() < 0.15:
            made.append(f"default {name}({', '.join('_' for _ in takes)}) := {self.say.simple(gives)}")
        for _ in range(pick.choice([1, 1, 2, 3])):
            scope = Scope()
            arguments = [self.argument(kind, scope) for kind in takes]
            head = f"{name}({', '.join(arguments)})"
            outer = scope.inner()
            if pick.random() < 0.12:
                value = "true" if gives == "b" else self.say.expression(gives, scope, 1)
                made.append(f"{head} := {value}")
            else:
                made.append(self.valued(head, gives, scope) + self.otherwise(gives, outer))
        self.say.functions.append((name, takes, gives))
        self.say.shadowable.append(name)
        return made

    def argument(self, kind: str, scope: Scope) -> str:
        pick = self.pick
        draw = pick.random()
        if scope.own and draw < 0.03:
            # An argument that is used twice: the two values must be equal.
            return pick.choice(sorted(scope.own))
        if draw < 0.65:
            return self.say.fresh(scope, kind)
        if draw < 0.85 and kind in ("s", "n", "as"):
            return self.say.simple(kind)
        if draw < 0.93 and kind in ("as", "x"):
            return f"[{self.say.fresh(scope, 's')}, {self.say.fresh(scope, 's')}]"
        if draw < 0.95 and kind == "x":
            return f"{{{pick.choice([self.say.simple('s'), 'input.user', *sorted(scope.own)])}}}"
        if kind in ("o", "x") and self.say.patterns:
            return f'{{"id": {self.say.fresh(scope, "s")}, "role": {self.say.fresh(scope, "s")}}}'
        return "_"

    def partial_set(self) -> list[str]:
        name = self.names.pop()
        made = []
        for _ in range(self.pick.choice([1, 1, 2, 3])):
            scope = Scope()
            if self.pick.random() < 0.1:
                made.append(f"{name} contains {self.say.expression('s', scope, 1)}")
                continue
            if self.pick.random() < 0.4:
                body = [self.say.generator(scope, self.pick.choice(["s", "x", "x"]), 1)] + self.say.body(scope, 1)[: self.pick.randrange(2)]
                made.append(self.rule(f"{name} contains {self.say.of_each(scope)}", body))
                continue
            if self.pick.random() < 0.05:
                value, about = self.say.of_search()
                made.append(self.rule(f"{name} contains {value}", [about, *self.say.body(scope, 1)]))
                continue
            body = [self.say.generator(scope, "s", 1)] if self.pick.random() < 0.5 else []
            body += self.say.body(scope, 2)
            made.append(self.rule(f"{name} contains {self.say.expression('s', scope, 1)}", body))
        self.known(name, "ss")
        return made

    def partial_object(self) -> list[str]:
        name = self.names.pop()
        made = []
        for _ in range(self.pick.choice([1, 1, 2])):
            scope = Scope()
            if self.pick.random() < 0.4:
                body = [self.say.generator(scope, self.pick.choice(["s", "x"]), 1)] + self.say.body(scope, 1)[: self.pick.randrange(2)]
                made.append(self.rule(f"{name}[{self.say.of_each(scope)}] := {self.say.of_each(scope)}", body))
                continue
            body = [self.say.generator(scope, "s", 1)] if self.pick.random() < 0.6 else []
            body += self.say.body(scope, 2)
            key = self.say.expression("s", scope, 0)
            made.append(self.rule(f"{name}[{key}] := {self.say.expression(self.pick.choice(['s', 'n', 'b']), scope, 1)}", body))
        self.known(name, "o")
        return made

    def nested(self) -> list[str]:
        """Rules with references in their heads, which make objects of objects and of sets."""
        name = self.names.pop()
        form = self.pick.randrange(5)
        made = []
        for _ in range(self.pick.choice([1, 1, 2])):
            scope = Scope()
            body = [self.say.generator(scope, "s", 1)] + self.say.body(scope, 2)
            key = self.say.expression("s", scope, 0)
            inner = self.say.expression("s", scope, 0)
            value = self.say.expression("s", scope, 1)
            heads = [f"{name}[{key}][{inner}] := {value}", f"{name}.by[{key}] := {value}", f"{name}[{key}] contains {value}",
                     f"{name}[{key}].by := {value}", f"{name}.by contains {value}"]  # fmt: skip
            made.append(self.rule(heads[form], body))
        self.known(f"{name}.by" if form in (1, 4) else name, "ss" if form == 4 else "o")
        return made

    def constant_refs(self) -> list[str]:
        name = self.names.pop()
        kinds = {key: self.pick.choice(["s", "n", "b"]) for key in self.pick.sample(["alice", "bob", "low", "high"], 2)}
        made = []
        for key, kind in kinds.items():
            made.append(self.valued(f"{name}.{key}", kind))
            self.say.values.setdefault(kind, []).append(f"{name}.{key}")
        self.known(name, "o")
        return made

    def allow(self) -> list[str]:
        pick = self.pick
        form = pick.random()
        made = ["default allow := false"] if pick.random() < 0.55 else []
        if form < 0.5:
            for _ in range(pick.choice([1, 1, 2, 2, 3])):
                made.append(self.valued("allow", "b"))
                made[-1] += self.otherwise("b")
        elif form < 0.7:
            deny = []
            for _ in range(pick.choice([1, 2, 2, 3])):
                scope = Scope()
                if form < 0.6:
                    deny.append(self.rule(f"deny contains {self.say.constant('s') if pick.random() < 0.6 else self.say.expression('s', scope, 1)}", self.say.body(scope, 2)))
                else:
                    deny.append(self.valued("deny", "b"))
            if form < 0.6:
                lines = [pick.choice(["count(deny) == 0", "deny == set()", "not deny[_]" if pick.random() < 0.1 else "not \"evil\" in deny"])]
            else:
                lines = ["not deny"]
            lines += self.say.body(Scope(), 1) if pick.random() < 0.3 else []
            made += deny + [self.rule("allow", lines)]
        elif form < 0.8:
            scope = Scope()
            body = self.say.body(scope, 2)
            more = pick.choice(["", f', "headers": {{"x-user": {self.say.expression("s", scope, 1)}}}', f', "reason": {self.say.expression("s", scope, 1)}'])
            made = ['default allow := {"allowed": false}'] if pick.random() < 0.5 else []
            made.append(self.rule(f'allow := {{"allowed": {pick.choice(["true", "true", self.say.expression("b", scope, 1)])}{more}}}', body))
        elif form < 0.92:
            made = []
            kind = pick.choice(list(ELEMENT)[:4] + ["s", "n", "o", "x"])
            made.append(self.valued("allow", kind) + self.otherwise(kind))
        else:
            made.append(self.valued("allow", "b") + f" else := {self.say.expression('b', Scope(), 1)}" )
        return made
