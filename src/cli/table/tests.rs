#![allow(clippy::unwrap_used)]

use std::{fs, thread};

use serde_json::json;

use super::*;

fn problems(text: &str) -> String {
    match Table::parse(Path::new("x_table.yaml"), text) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

const ROW: &str = "- name: a\n  who: anonymous\n  request:\n    target: /\n  decision: allow\n";

#[test]
fn a_wrong_row_is_told_with_line_key_and_what_was_expected() {
    for (from, to, told) in [
        (
            "decision: allow",
            "decision: yes",
            ":5: [0].decision: expected `allow` or `deny`, found another word",
        ),
        (
            "decision: allow",
            "decisions: allow",
            ":5: [0].decisions: unknown key; did you mean `decision`?",
        ),
        (
            "  decision: allow\n",
            "",
            ":1: [0]: missing field `decision`",
        ),
        (
            "who: anonymous",
            "who: nobody",
            ":2: [0].who: expected `anonymous`, or a mapping",
        ),
        (
            "who: anonymous",
            "who: {roles: [a]}",
            ":2: [0].who.roles: unknown key",
        ),
        (
            "who: anonymous",
            "who: {}",
            ":2: [0].who: expected `attributes` of a key or `claims` of a token, found neither",
        ),
        (
            "who: anonymous",
            "who: {id: a, claims: {}}",
            ":2: [0].who: expected either `claims`",
        ),
        (
            "who: anonymous",
            "who: {attributes: [a]}",
            ":2: [0].who.attributes: expected a mapping, found a list",
        ),
        (
            "target: /",
            "target: /\n    headers: {x: 1}",
            ":5: [0].request.headers.x: expected a string in quotes, or a list of them, found a number",
        ),
        ("target: /", "path: /", ":4: [0].request.path: unknown key"),
        (
            "target: /",
            "target: /\n    source_address: here",
            ":5: [0].request.source_address: expected an IP address",
        ),
        (
            "decision: allow",
            "decision: allow\n  at: soon",
            ":6: [0].at: expected an RFC 3339 time",
        ),
        (
            "decision: allow",
            "decision: allow\n  changes: {header: {}}",
            ":6: [0].changes.header: unknown key; did you mean `headers`?",
        ),
        ("- name: a", "name: a", ":1: expected a list of rows"),
        (
            "- name: a",
            "- name: 1",
            ":1: [0].name: expected a string, found a number",
        ),
    ] {
        assert!(ROW.contains(from), "{from}");
        let found = problems(&ROW.replace(from, to));
        let text = if to == "name: a" { "name: a\n" } else { "" };
        let found = if text.is_empty() {
            found
        } else {
            problems(text)
        };
        assert!(
            found.contains(&format!("x_table.yaml{told}")),
            "{to}: {found}"
        );
    }
    assert_eq!(problems(ROW), "");
    let twice = problems(&format!("{ROW}{ROW}"));
    assert!(
        twice.contains(":6: [1].name: expected a name that no other row has, found that of line 1"),
        "{twice}"
    );
    let broken = problems(&format!("{ROW}- name: b\n- nome: c\n"));
    assert_eq!(broken.lines().count(), 2, "all rows are told of: {broken}");
}

fn row(name: &str) -> Row {
    let value = json!({
        "name": name,
        "who": {"id": "ops", "attributes": {"roles": ["a: b", "true", "#c"]}},
        "request": {"method": "POST", "target": "/collections/lakes/items?f=json", "headers": {"x": ["1", "2"]}, "body": "{\"a\": 1}\n"},
        "at": "2027-01-31T00:00:00Z",
        "decision": "deny",
        "status": 404,
        "reason": "not \"here\"",
        "changes": {"headers": {}, "query_parameters_to_set": {"limit": "10"}},
    });
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_row_is_appended_and_all_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_table.yaml");
    assert_eq!(append(&file, row("first"), false).unwrap(), "first");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        text,
        r##"- name: first
  who:
    id: ops
    attributes: {roles: ["a: b", "true", "#c"]}
  request:
    method: POST
    target: "/collections/lakes/items?f=json"
    headers: {x: ["1", "2"]}
    body: "{\"a\": 1}\n"
  at: "2027-01-31T00:00:00Z"
  decision: deny
  status: 404
  reason: "not \"here\""
  changes:
    headers: {}
    query_parameters_to_set: {limit: "10"}
"##
    );
    fs::write(&file, format!("# Mine.\n{ROW}# The end.")).unwrap();
    append(&file, row("b"), false).unwrap();
    assert_eq!(append(&file, row("b"), true).unwrap(), "b (2)");
    assert!(append(&file, row("b"), false).is_err(), "the name is taken");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with(&format!("# Mine.\n{ROW}# The end.\n- name: b\n")),
        "{text}"
    );
    let table = Table::parse(&file, &text).unwrap();
    assert_eq!(table.rows[1], row("b"));
    assert_eq!((table.rows.len(), table.line(1, &["decision"])), (3, 18));
    for broken in ["- nome: a\n", "a: 1\n", "- [\n"] {
        fs::write(&file, broken).unwrap();
        assert!(append(&file, row("b"), true).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);
    }
    assert!(append(&folder.path().join("data.yaml"), row("b"), true).is_err());
}

#[test]
fn rows_that_are_recorded_at_once_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x_table.yaml");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| append(&file, row("same"), true).unwrap());
        }
    });
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(Table::parse(&file, &text).unwrap().rows.len(), 8);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_in_every_row_is_told_once() {
    let other = ROW.replace("name: a", "name: b");
    let both = format!("{ROW}{other}");
    let told = problems(&both.replace("who:", "whom:"));
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains(":2: [0].whom: in each of the 2 rows: unknown key; did you mean `who`?"),
        "{told}"
    );
    // Only one of them has it.
    let told = problems(&format!("{ROW}{}", other.replace("who:", "whom:")));
    assert!(told.contains("[1].whom: unknown key"), "{told}");
}
