//! OPA's answers, case by case: `tests/corpus/rego.jsonl`. `tests/rego/corpus.py` took the expectations from the real
//! engine.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// The members of a case that `geowarden eval --batch` reads.
const TOLD: [&str; 7] = [
    "name",
    "modules",
    "data",
    "entrypoint",
    "rego",
    "input",
    "builtin_errors",
];

fn cases() -> Vec<Value> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/rego.jsonl");
    let text = fs::read_to_string(corpus).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn answers(cases: &[Value]) -> Vec<Value> {
    let mut lines = String::new();
    for case in cases {
        let mut told = case.as_object().unwrap().clone();
        told.retain(|key, _| TOLD.contains(&key.as_str()));
        lines.push_str(&Value::Object(told).to_string());
        lines.push('\n');
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether both outcomes are of the same kind, and results have the same value. 1 and 1.0 are the same number. The texts of
/// errors are not compared.
fn same(one: &Value, other: &Value) -> bool {
    match (one.get("result"), other.get("result")) {
        (Some(one), Some(other)) => same_value(one, other),
        (None, None) => ["undefined", "refused", "error"]
            .iter()
            .all(|kind| one.get(kind).is_some() == other.get(kind).is_some()),
        _ => false,
    }
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, a)| other.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => one == other,
    }
}

fn allows(outcome: &Value) -> bool {
    let result = &outcome["result"];
    *result == json!(true) || result["allowed"] == json!(true)
}

#[test]
fn policies_mean_what_they_mean_in_opa() {
    let cases = cases();
    let answers = answers(&cases);
    assert_eq!(answers.len(), cases.len());
    let mut faults = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let opa = &case["expect"];
        if !same(answer, case.get("geowarden").unwrap_or(opa)) {
            faults.push(format!("unlike what is written: {case}: {answer}"));
        }
        // Skip policies that OPA does not load: no user of OPA has them.
        if allows(answer) && !allows(opa) && opa.get("refused").is_none() {
            faults.push(format!("allowed, unlike in OPA: {case}: {answer}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
