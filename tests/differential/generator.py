"""Random requests: pygeoapi's routes with unusual values, and changes of the kind that attackers try."""

import json
import random
from pathlib import Path

WORDS = [
    "schema", "queryables", "items", "coverage", "tiles", "map", "styles", "locations", "instances",
    "position", "area", "cube", "radius", "trajectory", "corridor", "metadata", "execution", "results",
    "collections", "processes", "jobs", "stac", "stac-api", "search", "static", "admin", "config",
    "resources", "conformance", "openapi", "asyncapi", "TileMatrixSets",
]  # fmt: skip
IDS = [
    "obs", "lakes", "secret", "public", "ns", "roads", "hello-world", "1", "a.b", "a-b_c", "café", "ſecret",
    "%", "a b", " a", "a ", "x+y", "a,b", "a;b", "a:b", "a@b", "(a)", "*", "~a", "$a", "a=b", "a&b", "a'b",
    "WebMercatorQuad", "i1", "L1", "xinstances", "myitems", "itemsx", "OBS", "日本", "👍", "\u200b",
]  # fmt: skip
QUERIES = ["position", "area", "cube", "radius", "trajectory", "corridor"]
METHODS = ["GET"] * 30 + ["POST"] * 4 + ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "get", "TRACE", "PROPFIND"]
TYPES = [
    "application/json", "application/geo+json", "application/query-cql-json", "application/query-cql2-json",
    "application/cql2+json", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
    "application/geo+json; charset=utf-8", "application/json; charset=utf-16", "application/json ", "APPLICATION/JSON",
    "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", ";", "json", "application/json;",
    "application/json; profile=x", "application/json; charset=utf8", "application/json; version=1; charset=us-ascii",
    "\tapplication/x-www-form-urlencoded ;", "Multipart/Form-Data", "application/x-www-form-urlencoded, application/json",
    "application/x-url-encoded", "application/geo+json;", "application/vnd.geo+json", ";charset=utf-8", "caf\u00e9",
]  # fmt: skip
# Values of the header Accept. Each is a list: one header line for each element.
ACCEPTS = [
    ["*/*"], ["text/html"], ["application/json"], ["text/csv"], ["application/ld+json, text/html;q=0.9"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], ["text/csv;q=0.5, application/json;q=0.4"],
    ["application/x-shapefile"], ["application/geo+json"], ["text/html; q=0.5, application/json"], ["image/png"], ["TEXT/HTML"],
    ["text/html", "application/json"], ["application/json;q=0.1,text/html;q=0.2,application/ld+json;q=0.3,text/csv;q=0.25"], [""],
]  # fmt: skip
# Texts that are inserted into a target.
INSERTIONS = [
    "/", "//", "/./", "/../", "%2f", "%2F", "%5c", "\\", "%00", "%0a", "%0d", "%09", "%20", "+", "%2b", ";", "%3b",
    "?", "%3f", "#", "%23", "%", "%25", "%2525", "%zz", "%c0%af", "%e2%80%a8", "%ef%bb%bf", "%ff", "%C3%A9", "é",
    "\x7f", " ", "\t", ".", "..", "%2e", "%2e%2e", ":", "@", "&", "=", "~", "*", "|", "^", "`", '"', "<", "{",
    "%c2%85", "%c2%a0", "%e3%80%80", "%f0%9f%91%8d", "%ed%a0%80", ".json", "metadata", "items", "/items", "/instances",
]  # fmt: skip
VALUES = {
    "f": ["json", "html", "", "xml", "json;f=html", "JSON", " csv", "csv ", "\u00a0json", " "],
    "bbox": ["1,2,3,4", "1,2,3,4,5,6", "1,2,3", "nan,0,1,1", "0,0,inf,1", "170,0,-170,10", "1_0,0,1e2,1", "", " 1,2 ,3,4",
             "0,9,1,1", "a,b,c,d", "1.5,-2.25,3e0,+4", "٥,0,6,1", "0x1,0,1,1", "1,2,3,4,", "-0,0,0,0"],
    "limit": ["10", "0", "-1", "010", "1_0", "٥", "true", "1.0", "abc", "", " 5", "5 ", "+5", "99999999999999999999",
              "１０", "1__0", "\u00a07"],
    "offset": ["0", "10", "-1", "010", "x", "", "٣", "1_000", "+1", "1.0"],
    "datetime": ["2020-01-01", "2020", "../2020", "2020/2021", "x", "", "2020-01-01T00:00:00Z", "../..", "1985-04-12t23:20:50z",
                 "2001-10-30 14:24:55", "2001-10-30 14:24:55.25+01:00/2002-01-01t00:00:00Z", "2001-10-30T14:24:55", "2001-10-30  14:24:55"],
    "properties": ["a,b", "a", "", "a,,b", ","],
    "sortby": ["a", "-a", "+a", "a,-b", ""],
    "skipGeometry": ["true", "false", "yes", "1", "x", ""],
    "resulttype": ["hits", "results", "x"],
    "filter": ["a=1", "", "a='b'"],
    "filter-lang": ["cql2-text", "sql"],
    "coords": ["POINT(0 0)", "POINT Z (0 0 1)", "POLYGON((0 0,1 0,1 1,0 0))", "LINESTRING(0 0,1 1)", "MULTIPOINT((0 0),(1 1))",
               "point(1e1 -2.5)", "POINT(0 0) x", "POINT EMPTY", "POINT(nan 0)", "POINT(0,0)", "SRID=1;POINT(0 0)",
               "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))", "POINT( 0   0 )", "", "POINTZ(1 2 3)", "POINTM(1 2 3)", "POINT M (1 2 3)", "POINTZM(1 2 3 4)", "POINT ZM(1 2 3 4)",
               "POINT(1 2 3 4)", "LINESTRINGZ(0 0 1,1 1 2)", "POLYGONZ((0 0 1,1 0 1,1 1 1,0 0 1))", "MULTIPOINTM(0 0 1,1 1 2)",
               "POINT MZ(1 2 3 4)", "POINTZ(1 2)", "LINEARRING(0 0,1 0,1 1,0 0)", "GEOMETRYCOLLECTION(POINT(0 0))",
               "MULTIPOLYGON(EMPTY,((0 0,1 0,1 1,0 0)))", "POLYGON EMPTY"],
    "parameter-name": ["SST", "SST,wind", ""],
    "within": ["10", "1.5", "-1", "x"],
    "subset": ["Lat(1:2)", "Lat(1:2),Long(3)", 'time("2020":"2021")', "Lat(1:2),Lat(3)", "x", "Lat(010)", "Lat(true)",
               "Lat(1.5:2.5)", "a(1:2:3)", "a()", ""],
    "width": ["100", "x", "-1", "1_0"],
    "z": ["1", "a"],
    "collections": ["a", "a,b"],
    "name": ["a b", "a+b", "é", "%", "a&b", "a=b", "\x00", "\u2028", "\ufeff", "x\ny", "x\ty\r\nz"],
    "q": ["roads", "", "a\tb", "a\nb\r\nc"],
    "": ["", "a"],
    "lang": ["en", "fr"],
}  # fmt: skip
BODIES = [
    "", "", "{}", '{"a": 1}', '{"a": 1, "a": 2}', '{"op": "=", "args": [{"property": "a"}, 1]}', "{", "[]", "null",
    '{"inputs": {"name": "x"}}', '{"limit": 5}', '{"bbox": [1, 2, 3, 4]}', '{"bbox": "1,2,3,4", "datetime": "2020"}',
    '{"limit": "x"}', '{"a": NaN}', "a=b",
]  # fmt: skip
UNRESERVED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


class Generator:
    """Draws requests. The same seed always gives the same requests."""

    def __init__(self, seed: int, base_path: str, corpus: Path):
        self.random = random.Random(seed)
        self.base_path = base_path
        self.measured = []
        for line in corpus.read_text().splitlines():
            row = json.loads(line)
            if "raw_target" in row and len(row["raw_target"]) < 2_000:
                self.measured.append(row)

    def request(self) -> dict:
        """One request, in the form that `geowarden read` expects."""
        pick = self.random
        if pick.random() < 0.1:
            row = pick.choice(self.measured)
            target, method = row["raw_target"], row["method"]
        else:
            segments = self.route()
            path = self.base_path + "/" + "/".join(self.encoded(segment) for segment in segments)
            target = self.loosened(path, self.query())
            method = pick.choice(METHODS)
            if segments[-1:] == ["execution"] and pick.random() < 0.7:
                method = "POST"
        for _ in range(pick.choice([0, 0, 0, 0, 1, 1, 2, 3])):
            target = self.bent(target)
        headers = []
        if method in ("POST", "PUT", "PATCH") or pick.random() < 0.03:
            # An empty Content-Type differs from a missing one.
            headers += [["content-type", self.content_type()]] * pick.choice([1] * 20 + [0])
        if pick.random() < 0.02:
            headers.append(pick.choice([["SCRIPT_NAME", "/static"], ["X_Y", "1"]]))
        if pick.random() < 0.2:
            headers += [["accept", value] for value in pick.choice(ACCEPTS)]
        has_body = method in ("POST", "PUT", "PATCH") or pick.random() < 0.03
        return {
            "method": method,
            # A client sends characters outside of ASCII as UTF-8. Here each of these bytes is one character.
            "target": target.encode("utf-8", "surrogateescape").decode("latin-1"),
            "headers": headers,
            "body": pick.choice(BODIES) if has_body else "",
        }

    def content_type(self) -> str:
        return self.random.choice(TYPES[:5] * 4 + TYPES[5:])

    def route(self) -> list[str]:
        pick = self.random
        some_id = self.some_id
        collection = [some_id() for _ in range(pick.choice([1, 1, 1, 2, 3]))]
        item = [some_id() for _ in range(pick.choice([1, 1, 2]))]
        instance = ["instances", some_id()]
        return pick.choice(
            [
                lambda: [],
                lambda: [pick.choice(["openapi", "asyncapi", "conformance", "stac", "stac-api", "processes", "jobs"])],
                lambda: ["TileMatrixSets", *item[: pick.randrange(2)]],
                lambda: ["collections"],
                lambda: ["collections", *collection],
                lambda: ["collections", *collection, "items"],
                lambda: ["collections", *collection, "items"],
                lambda: ["collections", *collection, "items", *item],
                lambda: ["collections", *collection, pick.choice(WORDS)],
                lambda: ["collections", *collection, "styles", some_id(), "map"],
                lambda: ["collections", *collection, "tiles", some_id(), *["metadata"][: pick.randrange(2)]],
                lambda: ["collections", *collection, "tiles", some_id(), self.index(), self.index(), self.index()],
                lambda: ["collections", *collection, pick.choice(QUERIES)],
                lambda: ["collections", *collection, "locations", some_id()],
                lambda: ["collections", *collection, *instance],
                lambda: ["collections", *collection, *instance, pick.choice(QUERIES)],
                lambda: ["collections", *collection, *instance, "locations", *item[: pick.randrange(2)]],
                lambda: ["processes", some_id(), *["execution"][: pick.randrange(2)]],
                lambda: ["jobs", some_id(), *["results"][: pick.randrange(2)]],
                lambda: ["stac", *item],
                lambda: ["stac-api", "search"],
                lambda: ["static", *item],
                lambda: ["schemas", *item],
                lambda: ["admin", "config", *["resources", some_id()][: pick.randrange(3)]],
                lambda: [pick.choice(WORDS + IDS) for _ in range(pick.randrange(1, 7))],
            ]
        )()

    def some_id(self) -> str:
        pick = self.random
        return pick.choice(WORDS) if pick.random() < 0.08 else pick.choice(IDS[:12] * 3 + IDS)

    def index(self) -> str:
        return self.random.choice(["0", "1", "12", "007", "-1", "a", "99999999999", "+0", "٥"])

    def encoded(self, text: str) -> str:
        """The percent-encoded text. Sometimes more characters are encoded than necessary."""
        more = self.random.random() < 0.15
        out = []
        for byte in text.encode():
            plain = chr(byte) in UNRESERVED and not (more and self.random.random() < 0.4)
            out.append(chr(byte) if plain else self.random.choice(["%%%02x", "%%%02X"]) % byte)
        return "".join(out)

    def query(self) -> str:
        pick = self.random
        if pick.random() < 0.35:
            return ""
        pairs = []
        for _ in range(pick.choice([1, 1, 2, 3, 4])):
            name = pick.choice(list(VALUES))
            value = pick.choice(VALUES[name])
            # Do not encode commas, parentheses and colons: most clients do not.
            shown = value if value.isascii() and not set(value) - UNRESERVED - set(",():=*'") else self.encoded(value)
            pairs.append(self.encoded(name) + pick.choice(["=", "=", "=", "=", "=", "", "=="]) + shown)
        return "?" + pick.choice(["&"] * 12 + ["&&", ";"]).join(pairs)

    def loosened(self, path: str, query: str) -> str:
        """Path and query. Sometimes there is a slash between them, or a parameter twice, perhaps in another spelling."""
        pick = self.random
        if pick.random() < 0.1:
            path += "/"
        if query and pick.random() < 0.1:
            again = pick.choice(query[1:].split("&"))
            if again[:1].isalpha() and pick.random() < 0.4:
                again = "%%%02x" % ord(again[0]) + again[1:]
            query += "&" + again
        if query and pick.random() < 0.05:
            # Without two digits, a percent sign stands for itself.
            query += pick.choice(["%", "%%", "%a", "%2", "%g1", "%2%30"])
        return path + query

    def bent(self, target: str) -> str:
        """The target with one change: a text inserted, a character removed or encoded, or a segment repeated."""
        pick = self.random
        at = pick.randrange(len(target) + 1)
        kind = pick.randrange(6)
        if kind <= 1:
            return target[:at] + pick.choice(INSERTIONS) + target[at:]
        if kind == 2:
            return target[:at] + target[at + 1 :]
        if kind == 3 and at < len(target) and ord(target[at]) < 128:
            return target[:at] + "%%%02x" % ord(target[at]) + target[at + 1 :]
        if kind == 4:
            parts = target.split("/")
            part = pick.randrange(len(parts))
            parts[part:part] = [parts[pick.randrange(len(parts))]]
            return "/".join(parts)
        return target + pick.choice(INSERTIONS)
