//! Typical mistakes of authors, each with all findings of `geowarden check`: tests/corpus/mistakes.jsonl.
//! `WRITE=1 cargo test --test it mistakes` writes the current findings.

use std::{env, fmt::Write as _, fs, path::Path, process::Command, thread};

use serde_json::{Value, json};

const CORPUS: &str = "tests/corpus/mistakes.jsonl";

/// `level code place: message` of each finding.
fn told(case: &Value) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies");
    fs::create_dir(&policies).unwrap();
    for (name, text) in case["modules"].as_object().unwrap() {
        fs::write(policies.join(name), text.as_str().unwrap()).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["check", "--policy", "policies", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{case}: {e}: {}", String::from_utf8_lossy(&output.stderr)));
    let is_valid = found["valid"].as_bool().unwrap();
    let code = if is_valid { 0 } else { 64 };
    assert_eq!(output.status.code(), Some(code), "{case}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = found["findings"].as_array().unwrap().iter();
    findings
        .map(|one| {
            let mut line = format!("{} {} ", text(&one["severity"]), text(&one["code"]));
            if one["column"].is_u64() {
                write!(
                    line,
                    "{}:{}:{}: ",
                    text(&one["file"]),
                    one["line"],
                    one["column"]
                )
                .unwrap();
            }
            line.push_str(&text(&one["message"]));
            match (&one["suggestion"], &one["cure"]) {
                (Value::String(name), _) => write!(line, ": did you mean `{name}`?").unwrap(),
                (_, Value::String(cure)) => write!(line, ": {cure}").unwrap(),
                _ => {}
            }
            line
        })
        .collect()
}

#[test]
fn each_mistake_is_told_with_its_cause_and_its_cure() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS);
    let text = fs::read_to_string(&file).unwrap();
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() > 90, "{}", cases.len());
    // Each case starts two processes, so two threads share the cases.
    let half = cases.len().div_ceil(2);
    let found: Vec<Vec<String>> = thread::scope(|scope| {
        let halves: Vec<_> = cases
            .chunks(half)
            .map(|some| scope.spawn(move || some.iter().map(told).collect::<Vec<_>>()))
            .collect();
        let halves = halves.into_iter().map(|half| half.join().unwrap());
        halves.flatten().collect()
    });
    let mut wrong = String::new();
    let mut written = String::new();
    for (case, found) in cases.iter().zip(&found) {
        if case["told"] != json!(found) {
            writeln!(
                wrong,
                "{}\n  expected {}\n  found    {}",
                case["mistake"],
                case["told"],
                json!(found)
            )
            .unwrap();
        }
        let (mistake, modules) = (&case["mistake"], &case["modules"]);
        writeln!(
            written,
            "{{\"mistake\": {mistake}, \"modules\": {modules}, \"told\": {}}}",
            json!(found)
        )
        .unwrap();
        assert!(!found.is_empty(), "{mistake} is not told at all");
    }
    if env::var_os("WRITE").is_some() {
        fs::write(&file, written).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
}
