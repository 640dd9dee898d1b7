mod errors;
mod tokens;

use serde_json::{Value as Json, json};

use crate::{
    BuiltinErrors, EngineChoice, Fault, Policy, Settings,
    source::{Sources, Version},
};

fn evaluate(expression: &str, given: Json) -> Result<Option<Json>, Fault> {
    evaluate_with(BuiltinErrors::Refuse, expression, given)
}

fn evaluate_with(
    errors: BuiltinErrors,
    expression: &str,
    given: Json,
) -> Result<Option<Json>, Fault> {
    let mut sources = Sources::default();
    sources.modules.insert(
        "a.rego".to_owned(),
        format!("package p\nvalue := {expression} if input.go\n"),
    );
    let settings = Settings {
        entrypoint: "p/value".to_owned(),
        version: Version::V1,
        timeout: std::time::Duration::from_millis(500),
        builtin_errors: errors,
        engine: EngineChoice::Auto,
    };
    let mut given = given;
    given["go"] = json!(true);
    // Loading already rejects constants of a wrong type.
    let policy = Policy::load(sources, &settings).map_err(|e| Fault::Evaluation(e.to_string()))?;
    policy.evaluate(&given)
}

#[test]
fn deprecated_functions_are_those_of_rego_v0() {
    for (expression, value) in [
        ("all([true, 1])", json!(false)),
        ("any({false, true})", json!(true)),
        ("cast_set([2, 1, 2])", json!([1, 2])),
        ("set_diff({1, 2}, {2})", json!([1])),
    ] {
        let load = |version: Version, text: String| {
            let mut sources = Sources::default();
            sources.modules.insert("a.rego".to_owned(), text);
            let settings = Settings {
                entrypoint: "p/value".to_owned(),
                version,
                timeout: std::time::Duration::from_millis(500),
                builtin_errors: BuiltinErrors::Refuse,
                engine: EngineChoice::Auto,
            };
            Policy::load(sources, &settings)
        };
        let old = load(Version::V0, format!("package p\nvalue = {expression}\n"));
        assert_eq!(old.unwrap().evaluate(&json!({})), Ok(Some(value)));
        let new = load(Version::V1, format!("package p\nvalue := {expression}\n"));
        let told = new.err().unwrap().to_string();
        assert!(told.contains("is deprecated"), "{told}");
    }
}

#[test]
fn values_are_those_of_opa() {
    for (expression, value) in [
        (r#"strings.count("x", "")"#, json!(2)),
        (r#"strings.count("cheese", "e")"#, json!(3)),
        (r#"lower("ÀΣİ")"#, json!("àσi")),
        (r#"upper("ßᾳé")"#, json!("ßᾼÉ")),
        (r#"regex.match(`^\d$`, "٣")"#, json!(false)),
        (r#"regex.match(`^\w+$`, "é")"#, json!(false)),
        (r#"regex.match(`[[a]`, "[")"#, json!(true)),
        (r#"regex.split(`,`, "a,,b")"#, json!(["a", "", "b"])),
        (r#"regex.find_n("a.", "abac", 1)"#, json!(["ab"])),
        (r#"regex.replace("abc", "(b)", "<$1>")"#, json!("a<b>c")),
        (r"regex.is_valid(`\p{L}`)", json!(true)),
        (r#"regex.is_valid("(?=x)")"#, json!(false)),
        (r#"to_number("-1.5e2")"#, json!(-150)),
        (
            r#"net.cidr_contains("10.0.0.0/8", "::ffff:10.1.1.1")"#,
            json!(true),
        ),
        (
            r#"net.cidr_contains("::ffff:10.0.0.0/104", "11.1.1.1")"#,
            json!(false),
        ),
        (
            r#"net.cidr_contains("10.0.0.0/8", "10.0.0.0/7")"#,
            json!(false),
        ),
        (r#"net.cidr_contains("::/0", "2001:db8::1")"#, json!(true)),
        (
            r#"sprintf("%s|%5d|%-3v|%05d|%q|%x|%5.2f", ["a", 7, true, -7, "b", 255, 1.234])"#,
            json!("a|    7|true|-0007|\"b\"|ff| 1.23"),
        ),
        (
            r#"sprintf("%d|%s|%s|%d|%", ["a", 1, 1.5])"#,
            json!("%!d(string=a)|%!s(int64=1)|%!s(float64=1.5)|%!d(MISSING)|%!(NOVERB)"),
        ),
        (
            r#"sprintf("%v %v", [1234567.5, 0.00001])"#,
            json!("1.2345675e+06 1e-05"),
        ),
        (
            r#"sprintf("%t", [true, 2, "c"])"#,
            json!("%!t(string=true)%!(EXTRA int64=2, string=c)"),
        ),
        (
            r#"sprintf("%s", [123456789123456789123])"#,
            json!("123456789123456789123"),
        ),
        ("numbers.range_step(0, 10, 9223372036854775808)", json!([0])),
        (
            r#"sprintf("%v %v", [{"b", "a"}, {"k": [1]}])"#,
            json!(r#"{"a", "b"} {"k": [1]}"#),
        ),
        (
            r#"json.marshal({"b": 1, "a": ["<&>"]})"#,
            json!(r#"{"a":["\u003c\u0026\u003e"],"b":1}"#),
        ),
        ("object.subset([1, 2], [])", json!(true)),
        (r#"[p | walk({"a": [1]}, [p, 1])]"#, json!([["a", 0]])),
        (r#"urlquery.decode("a+b%20c")"#, json!("a b c")),
        (r#"replace("aXbX", "X", "yy")"#, json!("ayybyy")),
        (
            r#"regex.template_match("urn:<.*>:x", "urn:a:x", "<", ">")"#,
            json!(true),
        ),
        (
            r#"regex.template_match("urn:foo:<.*>", "urn:bar", "<", ">")"#,
            json!(false),
        ),
        (r#"urlquery.decode("a&b=")"#, json!("a&b=")),
        (r#"count(net.cidr_expand("10.0.0.0/30"))"#, json!(4)),
        ("0.1 + 0.2 == 0.3", json!(true)),
        ("1.1 * 3", json!(3.3)),
        ("1 - 0.9", json!(0.1)),
        ("1 / 3 * 3 == 1", json!(true)),
        ("9007199254740993 + 0", json!(9_007_199_254_740_993_i64)),
        ("{1, 2} - {2}", json!([1])),
        ("sum([0.1, 0.2, 0.3]) == 0.6", json!(true)),
        ("product([1.1, 3])", json!(3.3)),
        (r#"concat(",", ["a", "b"])"#, json!("a,b")),
        (r#"count("👍🏽ab")"#, json!(4)),
        (r#"glob.match("*", [":"], "a:b")"#, json!(false)),
        (r#"glob.match("**", [":"], "a:b")"#, json!(true)),
        (r#"glob.match("*.org", [], "a.b.org")"#, json!(false)),
        (r#"glob.match("*.org", null, "a.b.org")"#, json!(true)),
        (r#"glob.match("{a,b?}[!x-z]", ["/"], "bcd")"#, json!(true)),
        (r#"glob.match("a/*/c", ["/"], "a/b/x/c")"#, json!(false)),
        (r#"semver.is_valid("v01.2.3")"#, json!(true)),
        (r#"semver.compare("v1.2.3", "1.2.4")"#, json!(-1)),
        (r#"semver.is_valid("1.0.0+")"#, json!(true)),
        (r#"semver.is_valid("1.0.0-")"#, json!(true)),
        (r#"semver.is_valid("1.0.0-01")"#, json!(true)),
        (r#"semver.is_valid("1.0.0-a..b")"#, json!(false)),
        (r#"semver.compare("1.0.0-2", "1.0.0-a.1")"#, json!(-1)),
        (r#"semver.compare("1.0.0", "1.0.0-a")"#, json!(1)),
        (
            r#"json.remove({"a": 1, "b": 1}, ["a/x"])"#,
            json!({"a": 1, "b": 1}),
        ),
        (
            r#"json.remove({"a": null, "b": 1}, [["a", "x"]])"#,
            json!({"a": null, "b": 1}),
        ),
        (
            r#"json.remove({"a": [1, 2]}, ["a/0/x"])"#,
            json!({"a": [1, 2]}),
        ),
        (r#"json.filter({"a": 1, "b": 1}, ["a/x"])"#, json!({"a": 1})),
        (
            r#"json.filter({"a": null, "b": 1}, [["a", "x"]])"#,
            json!({"a": null}),
        ),
        (r#"units.parse_bytes("0.5")"#, json!(0)),
        (
            r#"[units.parse_bytes(n) | some n in ["0.29KB", "1.1KB", "2.3KB", "0.07MB", "1.15GB", "4.35GB", "0.1KiB", "8.192KB", "0.001KB", "1.005KB", "0.58MB", "9.95KB"]]"#,
            json!([
                290,
                1100,
                2300,
                70_000,
                1_150_000_000,
                4_350_000_000_i64,
                102,
                8191,
                0,
                1005,
                580_000,
                9950
            ]),
        ),
        (r#"units.parse_bytes(".55MiB")"#, json!(576_716)),
        (r#"units.parse_bytes("-1.5")"#, json!(-1)),
        (r#"units.parse_bytes("1.9KB")"#, json!(1900)),
        (r#"units.parse_bytes("1.9999KB")"#, json!(1999)),
        (r#"base64url.decode("YW\nI=")"#, json!("ab")),
        (r#"base64url.decode("Y\r\nWI=")"#, json!("ab")),
        (r#"glob.match("{b,**}", ["/"], "a/b")"#, json!(true)),
        (r#"glob.match("{*.a,*.b}", ["/"], "x.b")"#, json!(true)),
        (r#"regex.match("\\p{^Lu}", "A")"#, json!(false)),
        (
            "time.add_date(1769817600000000000, 0, 1, 0)",
            json!(1_772_496_000_000_000_000_i64),
        ),
        (r#"urlquery.encode("a b~*é")"#, json!("a+b~%2A%C3%A9")),
        (r#"base64.decode("YWxp\nY2U=")"#, json!("alice")),
        (
            r#"crypto.md5("a")"#,
            json!("0cc175b9c0f1b6a831c399e269772661"),
        ),
        (
            r#"crypto.hmac.md5("foo", "bar")"#,
            json!("31b6db9e5eb4addb42f1a6ca07367adc"),
        ),
        (
            r#"yaml.unmarshal("a: &x [yes, 010, 'no']\nb: {<<: {c: *x}}")"#,
            json!({"a": [true, 8, "no"], "b": {"c": [true, 8, "no"]}}),
        ),
        (r#"yaml.is_valid("a: b: c")"#, json!(false)),
        (
            r#"yaml.marshal({"b": [1, {"c": "yes"}], "a": {}, "t": "x\ny", "q": "- a"})"#,
            json!("a: {}\nb:\n- 1\n- c: \"yes\"\nq: '- a'\nt: |-\n  x\n  y\n"),
        ),
        ("array.flatten([1, [2, [3]]])", json!([1, 2, [3]])),
        ("opa.runtime()", json!({})),
        (
            r#"net.cidr_merge(["10.0.0.0/25", "10.0.0.128/25"])"#,
            json!(["10.0.0.0/24"]),
        ),
        (
            r#"graph.reachable_paths({"a": ["b", "c"], "b": ["c"], "c": []}, ["a"])"#,
            json!([["a", "b", "c"], ["a", "c"]]),
        ),
    ] {
        assert_eq!(
            evaluate(expression, json!({})),
            Ok(Some(value)),
            "{expression}"
        );
    }
}

#[test]
fn what_opa_leaves_undefined_refuses() {
    for expression in [
        "to_number(\" 1\")",
        "to_number(\"0x10\")",
        "to_number(\"1e1000\")",
        "urlquery.decode(\"%zz\")",
        "urlquery.decode(\"%ff\")",
        "urlquery.decode_object(\"a=1;b=2\")",
        "net.cidr_contains(\"10.0.0.0/8\", \"010.0.0.1\")",
        "net.cidr_contains(\"10.0.0.0/33\", \"10.0.0.1\")",
        "net.cidr_contains(\"10.0.0.0/+8\", \"10.0.0.1\")",
        "sprintf(\"%5d\", [\"a\"])",
        "sprintf(\"%t\", true)",
        "regex.match(\"(?=a)\", \"a\")",
        "regex.match(\"a{1001}\", \"a\")",
        "object.subset(true, {})",
        "indexof(\"a\", \"\")",
        "substring(\"hello\", 1.5, 1)",
        "time.parse_rfc3339_ns(\"2026-01-02 03:04:05Z\")",
        "regex.match(\"a**\", \"a\")",
        "regex.template_match(\"a>b\", \"a>b\", \"<\", \">\")",
        "regex.template_match(\"<[a-z\", \"obs\", \"<\", \">\")",
        "to_number(\"100000000000000000001\")",
        "glob.match(\"[a-]\", [], \"-\")",
        "glob.match(\"[a-cx]\", [], \"x\")",
        "time.parse_rfc3339_ns(\"1999-06-30T23:59:60Z\")",
        "semver.compare(\"1.0.0-01\", \"1.0.0-1\")",
        "regex.match(\"^[[:abc:]]+$\", \"ab\")",
        "regex.match(\"\\\\p{Script=Greek}\", \"α\")",
        "regex.match(\"\\\\p{Alphabetic}\", \"a\")",
        "base64url.decode(\"YW\\nI\")",
        "base64url.decode(\"YWIx\\n\")",
        "base64.decode(\"YQ==YQ==\")",
        "sprintf(\"%[2]v\", [1, 2])",
        "sprintf(\"%*d\", [5, 2])",
    ] {
        let outcome = evaluate(expression, json!({}));
        assert!(
            matches!(outcome, Err(Fault::Evaluation(_))),
            "{expression}: {outcome:?}"
        );
    }
}

/// Each call would take gigabytes or minutes. The sizes come with the request, so trying the policy at load cannot find
/// them.
#[test]
fn no_call_takes_any_amount_of_memory_or_time() {
    let doubled = |call: &str, first: &str| {
        let steps = (0..40).map(|step| {
            let of = format!("x{step}");
            format!("; x{} := {}", step + 1, call.replace('X', &of))
        });
        format!("[1 | x0 := {first}{}]", steps.collect::<String>())
    };
    for (name, expression) in [
        ("range", "numbers.range(1, input.big)".to_owned()),
        (
            "range step",
            "numbers.range_step(1, input.big, 1)".to_owned(),
        ),
        ("width", "sprintf(input.wide, [1])".to_owned()),
        ("network", "net.cidr_expand(input.net)".to_owned()),
        ("shift", "bits.lsh(1, input.big)".to_owned()),
        (
            "replace",
            "replace(input.text, \"\", input.text)".to_owned(),
        ),
        (
            "doubled text",
            doubled("concat(\"\", [X, X])", "input.text"),
        ),
        (
            "doubled by format",
            doubled("sprintf(\"%s%s\", [X, X])", "input.text"),
        ),
        (
            "doubled array",
            doubled("array.concat(X, X)", "[input.text]"),
        ),
        (
            "shared array",
            format!(
                "json.marshal({})",
                doubled("[X, X]", "input.text").replace("[1 |", "[x40 |")
            ),
        ),
        (
            "shared value",
            doubled("[X, X]", "input.text").replace("[1 |", "[x40 |"),
        ),
        (
            "regex",
            "regex.replace(input.text, \"\", input.text)".to_owned(),
        ),
        (
            "paths",
            "graph.reachable_paths({x: numbers.range(1, 30) | some x in numbers.range(1, 30)}, [1])"
                .to_owned(),
        ),
        (
            "walk",
            format!(
                "[1 | walk({}, y)]",
                doubled("[X, X]", "input.text").replace("[1 |", "[x40 |")
            ),
        ),
    ] {
        let given = json!({
            "big": 1_000_000_000, "wide": "%1000000000d", "net": "10.0.0.0/1", "text": "ab".repeat(5_000),
        });
        let outcome = evaluate(&expression, given);
        assert!(outcome.is_err(), "{name}");
    }
}
