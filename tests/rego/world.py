"""The documents that random policies read: inputs and data, with random changes."""

from random import Random

STRINGS = ["alice", "bob", "evil", "evil-bob", "admin", "viewer", "editor", "osgeo", "acme", "GET", "POST", "obs",
           "lakes", "secret", "public", "a", "items", "collections"]  # fmt: skip
ODD_STRINGS = ["", "É", "straße", "ÅNGSTRÖM", "日本", "İstanbul", "ſ", " 1", "1", "-0.5", "1e3", "0x10", "%zz", "a b",
               "a\tb", "null", "true", "A", "Evil", "10.0.0.7", "2026-01-02T03:04:05Z", "٣", "e\u0301", "👍🏽", "a/b", "a.b",
               "{\"a\": 1}", "YQ==", "+1", "01", "1_0", "NaN"]  # fmt: skip
NUMBERS = [0, 1, 2, 3, 5, 10, 100]
ODD_NUMBERS = [-1, 1.5, 0.1, 0.2, 0.3, 1000.0, 1e3, 2.0, -0.0, 9007199254740993, 1e21, 0.5, -3, 255]

# References by type. In a valid input, each of them has a value of this type.
INPUT = {
    "s": ["input.user", "input.method", "input.claims.company", "input.path[0]", "input.path[1]", "input.collection",
          "input.ip", "input.tags.env", "input.items[0].id", 'input.headers["x-key"]', "input.owner", "input.roles[0]"],
    "n": ["input.level", "input.claims.level", "input.limit", "input.items[0].size", "input.nums[1]"],
    "b": ["input.admin", "input.flags.beta", "input.claims.verified"],
    "as": ["input.roles", "input.path", "input.claims.scopes", "input.groups"],
    "an": ["input.nums", "input.limits"],
    "o": ["input.claims", "input.tags", "input.headers", "input.flags"],
    "ao": ["input.items"],
    "x": ["input.extra", "input.claims.extra", "input.items[0]"],
}  # fmt: skip
MISSING = ["input.missing", "input.claims.nope", "input.user.name", "input.items[7].id", "input.roles.admin", "input.a.b.c"]
DATA = {
    "s": ["data.users.alice.role", "data.users[input.user].role", "data.collections[input.collection].owner", "data.motd",
          "data.names[0]"],
    "n": ["data.users[input.user].level", "data.limits.small", "data.limits[input.owner]"],
    "b": ["data.blocked[input.user]", "data.collections[input.collection].public", "data.open"],
    "as": ["data.admins", "data.users[input.user].groups", "data.names"],
    "an": ["data.steps"],
    "o": ["data.users", "data.users[input.user]", "data.collections", "data.blocked", "data.limits"],
    "ao": ["data.grants"],
    "x": ["data.absent", "data.users[input.missing]", "data.absent[input.user]"],
}  # fmt: skip


def string(pick: Random) -> str:
    return pick.choice(ODD_STRINGS) if pick.random() < 0.06 else pick.choice(STRINGS)


def number(pick: Random):
    return pick.choice(ODD_NUMBERS) if pick.random() < 0.1 else pick.choice(NUMBERS)


def strings(pick: Random) -> list:
    return [string(pick) for _ in range(pick.choice([0, 1, 1, 2, 3]))]


def request(pick: Random) -> dict:
    """A valid input."""
    return {
        "user": pick.choice(["alice", "bob", "evil", "evil-bob", string(pick)]),
        "owner": string(pick),
        "method": pick.choice(["GET", "GET", "POST"]),
        "path": ["collections", pick.choice(["obs", "lakes", "secret"]), "items"][: pick.choice([1, 2, 3])],
        "collection": pick.choice(["obs", "lakes", "secret"]),
        "ip": pick.choice(["10.0.0.7", "192.168.1.1", "2001:db8::1", "::ffff:10.0.0.7", "evil"]),
        "roles": pick.choice([["admin"], ["viewer", "editor"], [], strings(pick)]),
        "groups": strings(pick),
        "level": number(pick),
        "limit": number(pick),
        "limits": [number(pick) for _ in range(pick.randrange(3))],
        "nums": [number(pick) for _ in range(pick.randrange(4))],
        "admin": pick.random() < 0.4,
        "flags": {"beta": pick.random() < 0.5},
        "tags": {"env": pick.choice(["prod", "dev", string(pick)]), "team": string(pick)},
        "headers": {"x-key": string(pick), "accept": "text/html"},
        "claims": {"company": pick.choice(["osgeo", "acme"]), "level": number(pick), "verified": pick.random() < 0.7,
                   "scopes": strings(pick), "extra": wild(pick)},
        "items": [item(pick) for _ in range(pick.choice([0, 1, 2, 2, 3]))],
        "extra": wild(pick),
    }  # fmt: skip


def item(pick: Random) -> dict:
    whole = {"id": string(pick), "size": number(pick), "tags": strings(pick), "owner": pick.choice(["alice", "bob"])}
    if pick.random() < 0.3:
        del whole[pick.choice(sorted(whole))]
    if pick.random() < 0.3:
        whole["flag"] = pick.random() < 0.7
    return whole


def wild(pick: Random, depth: int = 2):
    """Any value."""
    kind = pick.randrange(8 if depth else 5)
    if kind < 3:
        return [None, True, False, string(pick), number(pick)][pick.randrange(5)]
    if kind == 3:
        return string(pick)
    if kind == 4:
        return number(pick)
    if kind == 5:
        return [wild(pick, depth - 1) for _ in range(pick.randrange(3))]
    return {string(pick): wild(pick, depth - 1) for _ in range(pick.randrange(3))}


def inputs(pick: Random) -> list:
    """Several inputs: a valid one, an empty one, and inputs with missing members or members of another type."""
    made = [request(pick)]
    if pick.random() < 0.8:
        made.append({})
    for _ in range(pick.choice([1, 2, 3])):
        bent = request(pick)
        for _ in range(pick.choice([0, 1, 1, 2, 4])):
            bend(pick, bent)
        made.append(bent)
    for _ in range(pick.choice([0, 1])):
        sparse = request(pick)
        made.append({name: sparse[name] for name in pick.sample(sorted(sparse), 3)})
    if pick.random() < 0.03:
        made.append(pick.choice(["text", 7, [], ["user"], True]))
    return made


def bend(pick: Random, document: dict) -> None:
    name = pick.choice(sorted(document)) if document else "user"
    inner = document.get(name)
    if isinstance(inner, dict) and inner and pick.random() < 0.6:
        bend(pick, inner)
    elif isinstance(inner, list) and inner and pick.random() < 0.4:
        inner[pick.randrange(len(inner))] = wild(pick)
    elif pick.random() < 0.6:
        document.pop(name, None)
    else:
        document[name] = pick.choice([None, wild(pick), wild(pick), False, ""])


def data(pick: Random) -> dict:
    if pick.random() < 0.15:
        return {}
    whole = {
        "users": {"alice": {"role": "admin", "level": 5, "groups": ["osgeo"]},
                  "bob": {"role": "viewer", "level": 1, "groups": []},
                  "evil": {"role": "viewer", "level": number(pick)}},
        "blocked": {"evil": True, "mallory": True, "bob": False},
        "collections": {"obs": {"public": True, "owner": "alice"}, "lakes": {"public": False, "owner": "bob"}},
        "admins": ["alice", string(pick)],
        "names": ["alice", "bob"],
        "limits": {"small": 1, "alice": 10, "bob": number(pick)},
        "steps": [1, 2, 3],
        "grants": [{"user": "alice", "on": "obs", "level": 3}, {"user": "bob", "on": "lakes"}],
        "motd": string(pick),
        "open": pick.random() < 0.5,
    }  # fmt: skip
    for _ in range(pick.choice([0, 0, 1, 2])):
        bend(pick, whole)
    if pick.random() < 0.05:
        # Data at the path of a package, beside the rules of this package.
        whole["lib"] = {"extra": number(pick)}
    return whole
