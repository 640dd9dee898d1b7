//! Checks docs/policies/built-ins.md, which says for each built-in function of OPA whether geowarden has it.
//! `WRITE=1 cargo test --test it built_ins` writes the page.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

use geowarden_rego::{
    BUILTIN_DIFFERENCES, BUILTINS_DEPRECATED, BUILTINS_LEFT_OUT, builtin_arguments, builtin_names,
};
use serde_json::Value;

const PAGE: &str = "docs/policies/built-ins.md";

const BEFORE: &str = "# Built-in functions

Which of the built-in functions of OPA 1.20 a policy can call here. A call to one that is missing is an error when the policy is
loaded, with file, line and column. What an error of a function does is said in
[differences.md](differences.md#errors-refuse); `geowarden check`, start and reload warn where a policy uses one whose value can
differ.

| Function | Arguments | Here | Note |
|---|---|---|---|
";

const AFTER: &str = "
The functions of operators (`plus`, `eq`, ..) are written as operators only.

## With the tests of a policy

`with` replaces any of them by a value or by a function, as in OPA:

```rego
package example

allow if io.jwt.decode_verify(input.token, {\"cert\": data.keys, \"aud\": \"maps\"})[2].sub == \"ada\"

test_allow if allow with io.jwt.decode_verify as [true, {}, {\"sub\": \"ada\"}]
	with data.keys as \"\"
	with input as {\"token\": \"\"}
```
";

/// Notes about functions that geowarden has.
const NOTES: [(&str, &str); 19] = [
    ("bits.lsh", "by at most 4096 bits"),
    (
        "graph.reachable_paths",
        "all paths together within 16 MiB, as all that functions produce",
    ),
    (
        "io.jwt.decode_verify",
        "RSA keys of 2048 to 8192 bits; the salt of PS is as long as the hash (RFC 7518)",
    ),
    (
        "io.jwt.encode_sign",
        "RSA keys of 2048 to 8192 bits with all their parts (`p`, `q`, ..)",
    ),
    (
        "io.jwt.encode_sign_raw",
        "RSA keys of 2048 to 8192 bits with all their parts (`p`, `q`, ..)",
    ),
    (
        "io.jwt.verify_es256",
        "the key is on P-256; in OPA it can be on another curve",
    ),
    (
        "io.jwt.verify_es384",
        "the key is on P-384; in OPA it can be on another curve",
    ),
    (
        "io.jwt.verify_es512",
        "the key is on P-521; in OPA it can be on another curve",
    ),
    (
        "io.jwt.verify_ps256",
        "RSA keys of 2048 to 8192 bits; the salt is as long as the hash (RFC 7518), in OPA of any length",
    ),
    (
        "io.jwt.verify_ps384",
        "RSA keys of 2048 to 8192 bits; the salt is as long as the hash (RFC 7518), in OPA of any length",
    ),
    (
        "io.jwt.verify_ps512",
        "RSA keys of 2048 to 8192 bits; the salt is as long as the hash (RFC 7518), in OPA of any length",
    ),
    ("io.jwt.verify_rs256", "RSA keys of 2048 to 8192 bits"),
    ("io.jwt.verify_rs384", "RSA keys of 2048 to 8192 bits"),
    ("io.jwt.verify_rs512", "RSA keys of 2048 to 8192 bits"),
    (
        "opa.runtime",
        "always `{}`: neither the environment nor the configuration is shown to policies",
    ),
    (
        "sprintf",
        "widths up to 1000; not all of Go's verbs and flags",
    ),
    ("trace", "nobody reads the note"),
    ("uri.is_valid", "the decoded text has to be UTF-8"),
    ("uri.parse", "the decoded text has to be UTF-8"),
];

/// OPA's functions and the number of their arguments.
fn opa() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("tests/corpus/opa-builtins.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.iter()
        .map(|one| {
            let count = usize::try_from(one["arguments"].as_u64().unwrap()).unwrap();
            (one["name"].as_str().unwrap().to_owned(), count)
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn find(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table
        .iter()
        .find_map(|(of, text)| (*of == name).then_some(*text))
}

fn made() -> String {
    let here = builtin_names();
    let mut page = BEFORE.to_owned();
    for (name, count) in opa() {
        let is_here = here.contains(name.as_str());
        let note = if is_here {
            let old = BUILTINS_DEPRECATED.contains(&name.as_str());
            [
                find(&BUILTIN_DIFFERENCES, &name),
                find(&NOTES, &name),
                old.then_some("OPA has it in Rego v0 only"),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
        } else {
            find(&BUILTINS_LEFT_OUT, &name)
                .unwrap_or("not yet")
                .to_owned()
        };
        let told = if is_here { "yes" } else { "no" };
        writeln!(page, "| `{name}` | {count} | {told} | {note} |").unwrap();
    }
    page.push_str(AFTER);
    page
}

#[test]
fn the_page_of_built_ins_says_what_is_here() {
    let file = root().join(PAGE);
    let made = made();
    if env::var_os("WRITE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let page = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        page, made,
        "write {PAGE} anew by `WRITE=1 cargo test --test it built_ins`"
    );
}

#[test]
fn built_ins_take_as_many_arguments_as_in_opa() {
    let opa = opa();
    assert!(opa.len() > 180, "{}", opa.len());
    for (name, count) in &opa {
        if let Some(here) = builtin_arguments(name) {
            assert_eq!(here, *count, "{name}");
        }
    }
    // Notes are about existing functions, and reasons about missing ones.
    let here = builtin_names();
    for (name, _) in NOTES {
        assert!(opa.contains_key(name) && here.contains(name), "{name}");
    }
    for (name, _) in BUILTINS_LEFT_OUT {
        assert!(opa.contains_key(name) && !here.contains(name), "{name}");
    }
}
