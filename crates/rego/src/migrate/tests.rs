#![allow(clippy::unwrap_used)]

use super::*;

fn found(text: &str, context: Option<&str>) -> Vec<(usize, Kind)> {
    findings("auth.rego", text, context)
        .unwrap()
        .into_iter()
        .map(|finding| (finding.line, finding.kind))
        .collect()
}

#[test]
fn what_means_something_else_is_found_with_its_line() {
    let text = r#"package httpapi.authz

import input

default allow = true

# request_path[0] == "collections" in a comment
allow {
    input.request_path[0] == "collections"
}

allow { input.request_path = ["geoapi", "obs"] }

allow {
    input.request_path = ["collections", "obs"]
}

roles = {"a", "b"}

readers[name] {
    name := "request_path[0] == \"collections\""
}
"#;
    assert_eq!(
        found(text, Some("geoapi")),
        [
            (3, Kind::OldRego),
            (5, Kind::AllowByDefault),
            (8, Kind::OldRego),
            (9, Kind::MissingContext),
            (12, Kind::OldRego),
            (14, Kind::OldRego),
            (15, Kind::MissingContext),
            (20, Kind::OldRego),
        ]
    );
    assert!(
        found(text, None)
            .iter()
            .all(|(_, kind)| *kind != Kind::MissingContext)
    );
}

#[test]
fn a_policy_of_today_has_nothing_to_find() {
    let text = "package a\nimport rego.v1\ndefault allow := false\nallow if {\n\tinput.request_path[0] == \"geoapi\"\n}\nx contains y if { some y in {1} }\nz := {\"a\": 1}\n";
    assert_eq!(found(text, Some("geoapi")), []);
    assert_eq!(found("package a\nallow if true", Some("geoapi")), []);
}

#[test]
fn a_comparison_is_found_however_it_is_written() {
    for (comparison, is_found) in [
        ("\"collections\" == input.request_path[0]", true),
        ("input.request_path[0] ==\n\"collections\"", true),
        ("input[\"request_path\"][0] == \"collections\"", true),
        ("[\"collections\", _] = input.request_path", true),
        ("[\"collections\", id] := input.request_path; id == 1", true),
        (
            "path := input.request_path; path[0] == \"collections\"",
            true,
        ),
        (
            "input.request_path[0] in {\"collections\", \"processes\"}",
            true,
        ),
        ("not input.request_path[0] == `collections`", true),
        (
            "count([1 | input.request_path[0] == \"collections\"]) > 0",
            true,
        ),
        (
            "every x in [1] { input.request_path[0] == \"collections\" }",
            true,
        ),
        (
            "input.request_path[0] in {\"geoapi\", \"collections\"}",
            false,
        ),
        ("input.request_path[1] == \"collections\"", false),
        ("input.request_path[0] != \"collections\"", false),
        ("[first, \"collections\"] = input.request_path", false),
        ("input.path[0] == \"collections\"", false),
        (
            "x := \"input.request_path[0] == \\\"collections\\\"\"; x == 1",
            false,
        ),
    ] {
        let text = format!("package a\nimport rego.v1\n\nallow if {{\n{comparison}\n}}\n");
        let expected: &[_] = if is_found {
            &[(5, Kind::MissingContext)]
        } else {
            &[]
        };
        let found: Vec<_> = found(&text, Some("geoapi"));
        assert_eq!(found, expected, "{comparison}");
    }
    let imported = "package a\nimport rego.v1\nimport input.request_path as p\nallow if p[0] == \"collections\"\n";
    assert_eq!(found(imported, Some("geoapi")), [(4, Kind::MissingContext)]);
}

#[test]
fn what_is_no_rego_is_an_error_with_its_line() {
    let told = findings("auth.rego", "package a\n\nallow {", Some("geoapi")).unwrap_err();
    assert!(told.to_string().contains("auth.rego:3"), "{told}");
}
