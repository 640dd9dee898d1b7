use serde::Deserialize;

use super::*;

/// One text, and what python-dotenv 1.2.4 read of it.
#[derive(Deserialize)]
struct Row {
    text: String,
    values: BTreeMap<String, String>,
    skipped: Vec<usize>,
}

#[test]
fn every_text_is_read_as_python_dotenv_reads_it() {
    let process = BTreeMap::from([("HOME_OF".to_owned(), "h".to_owned())]);
    let rows = include_str!("../../../../tests/corpus/dotenv.jsonl");
    let (mut set, mut warned) = (0, 0);
    for row in rows.lines() {
        let row: Row = serde_json::from_str(row).unwrap();
        let (all, skipped) = parse(&row.text, &process);
        let values: BTreeMap<_, _> = all
            .into_iter()
            .map(|(name, variable)| (name, variable.value))
            .collect();
        assert_eq!(values, row.values, "{:?}", row.text);
        // python-dotenv does not tell of a name alone.
        let lines: Vec<_> = skipped
            .iter()
            .filter(|skipped| !skipped.message.ends_with("a name alone"))
            .map(|skipped| skipped.line)
            .collect();
        assert_eq!(lines, row.skipped, "{:?}", row.text);
        set += usize::from(!values.is_empty());
        warned += usize::from(!lines.is_empty());
    }
    assert!(set > 200 && warned > 200, "{set} set, {warned} warned of");
}

#[test]
fn values_are_read_as_people_write_them() {
    let text = r#"
# a comment
PLAIN=a b # and a comment
HASH=a#b
export EXPORTED = x
SINGLE='a "b" # c'
DOUBLE="a\tb \"c\""
EMPTY=
DOLLAR=pa$word
FROM=${PLAIN}-${HOME_OF}-${NONE:-none}
PLAIN=last
KEY='first
second'
AFTER=1
"#;
    let process = BTreeMap::from([("HOME_OF".to_owned(), "h".to_owned())]);
    let (all, skipped) = parse(text, &process);
    assert_eq!(skipped, []);
    for (name, value) in [
        ("PLAIN", "last"),
        ("HASH", "a#b"),
        ("EXPORTED", "x"),
        ("SINGLE", "a \"b\" # c"),
        ("DOUBLE", "a\tb \"c\""),
        ("EMPTY", ""),
        ("DOLLAR", "pa$word"),
        ("FROM", "a b-h-none"),
        ("KEY", "first\nsecond"),
    ] {
        assert_eq!(all[name].value, value, "{name}");
    }
    assert_eq!((all["HASH"].line, all["AFTER"].line), (4, 14));
}

#[test]
fn a_line_that_sets_nothing_is_told_without_its_text() {
    for (text, line) in [
        ("A=1\nsecret", 2),
        ("A=1\r\nsecret b", 2),
        ("=x", 1),
        ("A B=1", 1),
        ("A='x", 1),
        ("B=1\nA='x' y", 2),
        ("A=\"x\"y", 1),
    ] {
        let (_, skipped) = parse(text, &BTreeMap::new());
        let lines: Vec<_> = skipped.iter().map(|skipped| skipped.line).collect();
        assert_eq!(lines, [line], "{text}");
    }
    // The lines behind are read.
    let (all, _) = parse("A='x\nB=1", &BTreeMap::new());
    assert_eq!(all["B"].value, "1");
}
