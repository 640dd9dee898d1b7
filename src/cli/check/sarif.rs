//! SARIF 2.1.0 (OASIS), as far as code hosts and editors read it.

use std::{collections::BTreeSet, fmt::Write as _};

use geowarden_rego::lint::CODES;
use serde_json::{Map, Value, json};

use super::finding::{Finding, Level};

/// The findings as a log with one run.
pub(super) fn log(findings: &[Finding]) -> Value {
    let codes: BTreeSet<&str> = findings.iter().map(|one| one.code).collect();
    let rules: Vec<Value> = codes.into_iter().map(rule).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "geowarden",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let known = CODES.iter().find(|(known, ..)| known.as_str() == code);
    match known {
        Some((_, what, cure)) => json!({
            "id": code,
            "shortDescription": {"text": what},
            "help": {"text": format!("To do: {cure}.")},
        }),
        None => json!({"id": code}),
    }
}

fn result(finding: &Finding) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(finding.code));
    result.insert("level".to_owned(), json!(level));
    result.insert("message".to_owned(), json!({"text": finding.told()}));
    if let Some(file) = &finding.file {
        let place = json!({"physicalLocation": location(file, finding)});
        result.insert("locations".to_owned(), json!([place]));
    }
    Value::Object(result)
}

fn location(file: &str, finding: &Finding) -> Value {
    let mut location = Map::new();
    location.insert("artifactLocation".to_owned(), json!({"uri": uri(file)}));
    if let Some(line) = finding.line {
        let columns = [
            ("startLine", Some(line)),
            ("startColumn", finding.column),
            ("endLine", finding.end_line),
            ("endColumn", finding.end_column),
        ];
        let region = columns
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
        location.insert("region".to_owned(), Value::Object(region.collect()));
    }
    Value::Object(location)
}

/// A file's name as a reference (RFC 3986), relative to where the check ran.
fn uri(file: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    let mut uri = String::new();
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
