"""The built-ins that random policies call: the type of the result, the call, the types of its arguments, and a weight.

A type in capitals is a key of WORDS: strings that the built-in understands, and some that it nearly understands. No string
may be both a TEMPLATE and an RE. OPA 1.20 caches compiled patterns and templates by their text, so after
`regex.template_match("a", ..)` its `regex.match("a", "xa")` is false."""

WORDS = {
    "RE": ["^a", "^evil", "[0-9]+", r"^\\d+$", r"\\w+", r"\\s", "(a|b)", "^(GET|HEAD)$", "(?i)ADMIN", ".*", "", "^[^/]+$", "(", "a{2,1}", r"\\bbob\\b", "[[:alpha:]]", r"\\p{L}", "x*"],
    "TEMPLATE": ["<[a-z]+>", "<.*>:x", "e<vil|bob>", "<[a-z", "a<b>c", "<(>"],
    "GLOB": ["*", "a*", "**", "evil*", "*.b", "{alice,bob}", "[a-c]*", "?b", "*/items", "[!a]*", "{a,{b", "a\\\\*"],
    "CIDR": ["10.0.0.0/8", "10.0.0.0/30", "192.168.0.0/16", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0", "10.0.0.7", "10.0.0.0/33", "evil"],
    "IP": ["10.0.0.7", "192.168.1.1", "::ffff:10.0.0.7", "2001:db8::1", "10.0.0.0/24", "010.0.0.7", "10.0.0.300"],
    "SEMVER": ["1.2.3", "1.10.0", "1.2.3-beta", "1.2.3+x", "v1.2.3", "1.2", "1.2.3-beta.2", "01.2.3"],
    "TS": ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123+02:00", "2026-02-30T00:00:00Z", "2026-01-02", "1970-01-01T00:00:00Z"],
    "DUR": ["1h", "1.5h", "-2m", "1h30m", "3d", "", "0"],
    "B64": ["YQ==", "YWxpY2U=", "YWxpY2U", "_-8", "%%", "w6k="],
    "HEX": ["6162", "zz", "616", "", "FF"],
    "JSON": ['{\\"a\\": 1}', "[1, 2]", "{", "1", '\\"a\\"', "null", '{\\"user\\": \\"alice\\"}', "1e3", "nul", '[1,]'],
    "UNIT": ["10", "1K", "1Ki", "5m", "1.5G", "1 K", "K", "10KB", "1e3"],
    "URLQ": ["a=1&b=2", "a%20b", "%zz", "a+b", "a=1;b=2", "a&b=", "%C3%A9", "a=b=c"],
    "NUM": ["1", " 1", "1.5", "-2", "1e3", "0x10", "1_000", "abc", "", "+1", "01", ".5", "1.", "Infinity", "NaN"],
    "FMT": ["%s", "%v", "%d", "%5d", "%-5s|", "%05d", "%x", "%q", "%.2f", "%t", "%%", "%s %s", "%T", "%e", "%g", "%c", "%U", "%+d", "%08.3f", "%y", "%[1]s", "no"],
    "LAYOUT": ["2006-01-02", "15:04", "2006-01-02T15:04:05Z07:00", "Jan 2, 2006", "x"],
    "PTR": ["a", "/a", "user", "claims/level", "items/0/id", "", "a/b"],
}  # fmt: skip

CALLS = {
    "b": [
        ("startswith({}, {})", "s s", 6), ("endswith({}, {})", "s s", 4), ("contains({}, {})", "s s", 4),
        ("regex.match({}, {})", "RE s", 4), ("glob.match({}, [], {})", "GLOB s", 2), ('glob.match({}, ["/"], {})', "GLOB s", 1),
        ("glob.match({}, null, {})", "GLOB s", 1), ("strings.any_prefix_match({}, {})", "s as", 2),
        ("strings.any_suffix_match({}, {})", "s as", 1), ("net.cidr_contains({}, {})", "CIDR IP", 2),
        ("net.cidr_is_valid({})", "CIDR", 1), ("semver.is_valid({})", "SEMVER", 1), ("json.is_valid({})", "JSON", 1),
        ("regex.is_valid({})", "RE", 1), ("base64.is_valid({})", "B64", 1), ("object.subset({}, {})", "o o", 1),
        ("object.subset({}, {})", "as as", 1), ("object.subset({}, {})", "ss ss", 1), ("is_string({})", "x", 2),
        ("is_number({})", "x", 2), ("is_array({})", "x", 1), ("is_object({})", "x", 1), ("is_null({})", "x", 1),
        ("is_boolean({})", "x", 1), ("is_set({})", "x", 1), ('regex.template_match({}, {}, "<", ">")', "TEMPLATE s", 1),
    ],
    "s": [
        ("lower({})", "s", 4), ("upper({})", "s", 4), ("trim({}, {})", "s s", 2), ("trim_space({})", "s", 2),
        ("trim_prefix({}, {})", "s s", 2), ("trim_suffix({}, {})", "s s", 1), ("trim_left({}, {})", "s s", 1),
        ("trim_right({}, {})", "s s", 1), ("replace({}, {}, {})", "s s s", 2), ("concat({}, {})", "s as", 3),
        ("concat({}, {})", "s ss", 1), ("substring({}, {}, {})", "s n n", 2), ("format_int({}, 10)", "n", 1),
        ("format_int({}, 16)", "n", 1), ("base64.encode({})", "s", 1), ("base64.decode({})", "B64", 1),
        ("base64url.encode({})", "s", 1), ("base64url.encode_no_pad({})", "s", 1), ("base64url.decode({})", "B64", 1),
        ("urlquery.encode({})", "s", 1), ("urlquery.decode({})", "URLQ", 1), ("hex.encode({})", "s", 1),
        ("hex.decode({})", "HEX", 1), ("json.marshal({})", "x", 2), ("strings.reverse({})", "s", 1),
        ("strings.replace_n({}, {})", "os s", 1), ("type_name({})", "x", 2), ("regex.replace({}, {}, {})", "s RE s", 1),
        ("sprintf({}, [{}])", "FMT x", 2), ("sprintf({}, [{}])", "FMT n", 2), ("sprintf({}, [{}, {}])", "FMT s s", 1),
        ("time.weekday({})", "ns", 1), ("time.format({})", "ns", 1), ("glob.quote_meta({})", "s", 1),
        ("urlquery.encode_object({})", "os", 1), ("concat({}, [{}, {}])", "s s s", 2),
    ],
    "n": [
        ("count({})", "as", 4), ("count({})", "s", 2), ("count({})", "ss", 3), ("count({})", "o", 2), ("sum({})", "an", 2),
        ("max({})", "an", 2), ("min({})", "an", 2), ("product({})", "an", 1), ("abs({})", "n", 1), ("round({})", "n", 1),
        ("ceil({})", "n", 1), ("floor({})", "n", 1), ("to_number({})", "NUM", 2), ("to_number({})", "x", 1),
        ("indexof({}, {})", "s s", 2), ("strings.count({}, {})", "s s", 2), ("time.parse_rfc3339_ns({})", "TS", 1),
        ("time.parse_ns({}, {})", "LAYOUT TS", 1), ("time.parse_duration_ns({})", "DUR", 1),
        ("time.add_date({}, 0, 1, 0)", "ns", 1), ("bits.and({}, {})", "n n", 1), ("bits.or({}, {})", "n n", 1),
        ("bits.xor({}, {})", "n n", 1), ("bits.lsh({}, 2)", "n", 1), ("bits.rsh({}, 1)", "n", 1), ("bits.negate({})", "n", 1),
        ("semver.compare({}, {})", "SEMVER SEMVER", 1), ("units.parse({})", "UNIT", 1), ("units.parse_bytes({})", "UNIT", 1),
        ("{} + {}", "n n", 3), ("{} - {}", "n n", 3), ("{} * {}", "n n", 2), ("{} / {}", "n n", 2), ("{} % {}", "n n", 2),
        ("sum({})", "sn", 1), ("max({})", "sn", 1),
    ],
    "as": [
        ("split({}, {})", "s s", 4), ("array.concat({}, {})", "as as", 2), ("array.slice({}, {}, {})", "as n n", 2),
        ("array.reverse({})", "as", 2), ("sort({})", "as", 2), ("sort({})", "ss", 1), ("regex.split({}, {})", "RE s", 1),
        ("regex.find_n({}, {}, {})", "RE s n", 1),
    ],
    "an": [
        ("numbers.range({}, {})", "few few", 2), ("numbers.range_step({}, {}, {})", "few few few", 1), ("indexof_n({}, {})", "s s", 1),
        ("array.concat({}, {})", "an an", 1), ("sort({})", "an", 1), ("array.slice({}, {}, {})", "an n n", 1),
        ("time.clock({})", "ns", 1), ("time.date({})", "ns", 1), ("time.diff({}, {})", "ns ns", 1),
    ],
    "ss": [
        ("net.cidr_expand({})", '"10.0.0.0/30"', 1),
        ("object.keys({})", "o", 3), ("{} | {}", "ss ss", 3), ("{} & {}", "ss ss", 3), ("{} - {}", "ss ss", 3),
        ("union({{{}, {}}})", "ss ss", 1), ("intersection({{{}, {}}})", "ss ss", 1),
    ],
    "o": [
        ("object.union({}, {})", "o o", 2), ("object.remove({}, {})", "o as", 2), ("object.filter({}, {})", "o as", 2),
        ("json.filter({}, [{}])", "o PTR", 1), ("json.remove({}, [{}])", "o PTR", 1), ("object.union_n([{}, {}])", "o o", 1),
        ('json.patch({}, [{{"op": "add", "path": {}, "value": {}}}])', "o PTR x", 1),
        ('json.patch({}, [{{"op": "remove", "path": {}}}])', "o PTR", 1), ("urlquery.decode_object({})", "URLQ", 1),
    ],
    "x": [
        ("object.get({}, {}, {})", "o s s", 4), ("object.get({}, {}, {})", "o s n", 1), ('object.get({}, ["claims", {}], {})', "o s b", 1),
        ("json.unmarshal({})", "JSON", 2), ("json.unmarshal(json.marshal({}))", "x", 1),
    ],
}  # fmt: skip
