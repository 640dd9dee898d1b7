#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;

#[test]
fn values_keep_their_lines() {
    let document = Document::parse("a: 1\nb:\n  - x\n  - c: true\n").unwrap();
    assert_eq!(document.value, json!({"a": 1, "b": ["x", {"c": true}]}));
    let path = [Step::Key("b".into()), Step::Index(1), Step::Key("c".into())];
    assert_eq!(document.line(&path), Some(4));
    assert_eq!(document.mark(&path), Some(Mark { line: 4, column: 5 }));
    assert_eq!(document.mark(&path[..2]), Some(Mark { line: 4, column: 5 }));
    assert_eq!(document.mark(&path[..1]), Some(Mark { line: 2, column: 1 }));
    assert_eq!(display_path(&path), "b[1].c");
    // A missing value has the line of the value around it.
    assert_eq!(
        document.line(&[Step::Key("b".into()), Step::Index(9)]),
        Some(2)
    );
}

#[test]
fn what_is_not_one_document_is_refused_with_its_line() {
    for (text, line) in [
        ("a: 1\na: 2\n", 2),
        ("a: [1\n", 1),
        ("a: 1\n---\nb: 2\n", 3),
        ("a: .nan\n", 1),
        ("? [x]\n: 1\n", 1),
    ] {
        let error = Document::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

/// Each has a megabyte. Reading it to the end would take minutes, or end the process.
#[test]
fn what_is_nested_too_deep_is_refused_with_its_line() {
    let levels = 1 << 19;
    let mut steps = String::new();
    for level in 0..1400 {
        steps.push_str(&" ".repeat(level));
        steps.push_str("a:\n");
    }
    for (text, line) in [
        ("- ".repeat(levels) + "a", 1),
        ("? ".repeat(levels) + "a", 1),
        ("[".repeat(levels * 2), 1),
        ("{a: ".repeat(levels / 2), 1),
        (format!("a: 1\nb: {}", "[".repeat(levels)), 2),
        (steps, 129),
    ] {
        let error = Document::parse(&text).unwrap_err();
        let told = "this is nested deeper than 128 levels";
        assert_eq!((error.line, error.message.as_str()), (line, told));
    }
    let deepest = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
    assert!(Document::parse(&deepest).is_ok());
    assert!(Document::parse(&format!("[{deepest}]")).is_err());
}

#[test]
fn anchors_are_not_nested_without_end() {
    let nested = |count: usize| -> String {
        let open: String = (0..count)
            .map(|n| format!("&a{n} [\n"))
            .collect::<Vec<_>>()
            .concat();
        open + &"]".repeat(count)
    };
    let error = Document::parse(&nested(9)).unwrap_err();
    assert_eq!(
        (error.line, error.message.as_str()),
        (9, "more than 8 anchors within each other")
    );
    assert!(Document::parse(&nested(8)).is_ok());
    let document = Document::parse("a: &a [1]\nb: &b {c: *a}\nd: [*a, *b]\n").unwrap();
    assert_eq!(
        document.value,
        json!({"a": [1], "b": {"c": [1]}, "d": [[1], {"c": [1]}]})
    );
}

#[test]
fn json_is_read_too() {
    let document = Document::parse(r#"{"a": {"b": [1.5, null, "1"]}}"#).unwrap();
    assert_eq!(document.value, json!({"a": {"b": [1.5, null, "1"]}}));
    assert_eq!(Document::parse("").unwrap().value, Value::Null);
}

/// Each mistake with its own line, what was expected, and what to do.
#[test]
fn usual_mistakes_are_told_with_their_cure() {
    for (text, line, expected, cure) in [
        (
            "a:\n\tb: 1\n",
            2,
            "spaces as indentation",
            "replace each tab",
        ),
        (
            "a:\n  b: 1\n\tc: 2\n",
            3,
            "spaces as indentation",
            "replace each tab",
        ),
        (
            "a:\n  b:1\n  c: 2\n",
            2,
            "a space behind `:`",
            "write `key: value`",
        ),
        (
            "- id:x\n  b: 2\n",
            1,
            "a space behind `:`",
            "write `key: value`",
        ),
        (
            "a: 1\n# b\nb:2\n\nc: 3\n",
            3,
            "a space behind `:`",
            "write `key: value`",
        ),
        ("a:\n  b: [1, 2\nc: 3\n", 2, "`,` or `]`", "close it"),
        ("a: {b: 1\nc: 3\n", 1, "`,` or `}`", "close it"),
        ("a: [1]]\n", 1, "an opening bracket", "remove it"),
        ("a: 1\nb: \"x\nc: 3\n", 2, "the closing quote", "add it"),
        ("a: 'x\n", 1, "the closing quote", "add it"),
        (
            "a: 'it's'\n",
            1,
            "the end of the value",
            "inside '..' twice",
        ),
        ("a: \"\\d\"\n", 1, "an escape", "single quotes"),
        (
            "a:\n  b: 1\n c: 2\n",
            3,
            "the indentation of a line above, found 1 space:",
            "align",
        ),
        (
            "a:\n  b: 1\n   c: 2\n",
            3,
            "the indentation of a line above, found 3 spaces:",
            "align",
        ),
        ("a: b: c\n", 1, "one `: ` in a line", "quotes"),
        (
            "a: 1\n- b\n",
            2,
            "`key: value` as in the line above, found an entry of a list:",
            "write a key",
        ),
        (
            "a:\n  b: 1\n  - c\n",
            3,
            "`key: value` as in the line above, found an entry of a list:",
            "write a key",
        ),
        (
            "- a\nb: 1\n",
            2,
            "an entry of the list, `- value`, as in the line above, found a key:",
            "begin it with `- `",
        ),
        ("a: 1\nsome\nb: 2\n", 2, "`key: value`", "add it"),
        (
            "a: - b\n",
            1,
            "`-` at the begin of a line",
            "a line of its own",
        ),
        ("a: *b\n", 1, "a value", "quotes"),
        ("a: 1\na: 2\n", 2, "unique keys", "remove one of the two"),
        (
            "a: {b: 1, b: 2}\n",
            1,
            "unique keys",
            "remove one of the two",
        ),
    ] {
        let error = Document::parse(text).unwrap_err();
        let told = &error.message;
        assert_eq!(error.line, line, "{text:?}: {told}");
        assert!(
            told.starts_with(&format!("expected {expected}")),
            "{text:?}: {told}"
        );
        assert!(told.contains(cure), "{text:?}: {told}");
    }
}
