//! Tests of the parser: accepted texts, and the errors of others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::too_many_lines)]

use geowarden_rego::{
    parse::{parse, tree::HeadKind},
    source::Version,
};

fn faults(text: &str, version: Version) -> Vec<String> {
    match parse("a.rego", text, version) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "package a\n\nallow when x\n\ndeny if {\n  1 2\n}\n\nfine := 1\n\nimport foo\n";
    assert_eq!(
        faults(text, Version::V1),
        [
            "a.rego:3:7: expected `:=`, `if` or `contains` behind the name of a rule, found `when`: write `if`",
            "a.rego:6:5: expected a line break, `;` or `}` behind a condition, found the number `2`",
            "a.rego:11:1: there is no `foo` to import: did you mean `data.foo`?",
        ]
    );
    assert_eq!(
        faults("allow := 1\n", Version::V1),
        [
            "a.rego:1:1: expected `package` and its name, found `allow`: a file begins with `package name`"
        ]
    );
}

#[test]
fn what_only_some_parsers_read_is_read() {
    for text in [
        "as.foo := 1",
        "a.not := 1\nallow if a.not == 1",
        "allow if {}",
        "allow if q\nimport input.user as q",
        "allow if {\n\tinput.a\n\t(input.b == 1)\n}",
        "allow := $\"a{input.x}b{1 + {\"c\": 2}.c}\"",
        "allow := $`a\\{{input.x}`",
        "f(\"get\")",
        "allow if { input.a } { input.b }",
        "allow if {1 | input.a == 2; input.b}",
        "p[x] := 1 if some x in input.xs",
        "allow if input.if.every[input.contains]",
        "allow if 1, input.a in input.b",
        "allow := [x, y | some x, y in input.xs]",
        "allow := {[1, 2,], {3, 4,}, {\"a\": 1,}}",
    ] {
        let told = faults(&format!("package a\n{text}\n"), Version::V1);
        // A comprehension has one term.
        if text.contains("x, y |") {
            assert_eq!(told.len(), 1, "{text}");
        } else {
            assert_eq!(told, Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn keywords_are_those_of_the_version_and_the_imports() {
    let set = |text: &str| {
        let module = parse("a.rego", text, Version::V0).unwrap();
        matches!(module.rules[0].head.kind, HeadKind::Member(_))
    };
    assert!(set("package a\np[x] { x := input.a }\n"));
    assert!(set(
        "package a\nimport future.keywords.contains\np contains x { x := input.a }\n"
    ));
    assert!(!set("package a\np[x] = 1 { x := input.a }\n"));
    let every = "package a\nimport future.keywords.every\np { every x in input.xs { x } }\n";
    assert_eq!(faults(every, Version::V0), Vec::<String>::new());
    assert_eq!(
        faults("package a\np { some x in input.xs }\n", Version::V0),
        [
            "a.rego:2:12: expected a line break, found `in`: `in` is no keyword here: `import future.keywords.in`"
        ]
    );
    assert_eq!(
        faults("package a\np { x := input.if; x }\n", Version::V0),
        Vec::<String>::new()
    );
    assert_eq!(
        faults("package a\nimport rego.v1\np { input.a }\n", Version::V0),
        ["a.rego:3:3: a body stands behind `if`: write `if` before it"]
    );
}

#[test]
fn depth_and_ways_to_read_are_bounded() {
    // On as much stack as the documentation asks for.
    let bounded = std::thread::Builder::new()
        .stack_size(16 << 20)
        .spawn(bounded);
    bounded.unwrap().join().unwrap();
}

fn bounded() {
    let deep = format!(
        "package a\nx := {}1{}\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(faults(&deep, Version::V1)[0].contains("nested more than 500 deep"));
    let ambiguous = format!("package a\nx if {}\n", "{ a | ".repeat(400));
    assert_eq!(faults(&ambiguous, Version::V1).len(), 1);
}

#[test]
fn every_beginning_of_a_text_is_read_or_told() {
    let text = "package a.b[\"c\"]\n\nimport data.x as y\nimport rego.v1\n\ndefault allow := {\"a\": [1, -2.5e3]}\n\nallow := $\"a{input.x}\" if {\n\tsome k, v in input.xs # comment\n\tnot f(k, {1 | v})\n\tevery z in [1] { z > 0 with input.q as `raw` }\n} else := 2\n\nf(a, [b, _]) := a.b[b] | {x: 1 | x = \"\\u00e9\\ud83d\\ude00\"}\n";
    assert_eq!(faults(text, Version::V1), Vec::<String>::new());
    for (end, _) in text.char_indices() {
        for version in [Version::V0, Version::V1] {
            if let Err(faults) = parse("a.rego", &text[..end], version) {
                assert!(!faults.is_empty());
                assert!(
                    faults
                        .iter()
                        .all(|fault| fault.span.end <= end && fault.span.line > 0)
                );
            }
        }
    }
}
