//! The policy's `input`, as a record keeps it: without credentials, so that it can be logged.

use std::{collections::BTreeSet, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::often_credentials;

/// A longer input is left out, in bytes of JSON. It holds a body up to four times, and the log has 4 MiB for lines that wait.
const MAX_INPUT: u64 = 64 << 10;

/// The members of `input` that hold headers.
const WITH_HEADERS: [&str; 2] = ["request", "attributes"];

/// The members of `input` that show the query of the request.
const WITH_QUERY: [&str; 4] = ["request", "attributes", "parsed_query", "ogc"];

/// How much of `input` is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputScope {
    /// What the policy reads.
    Reads,
    /// All.
    Full,
}

impl InputScope {
    /// The word of `decision_log.input`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Full => "full",
        }
    }
}

/// The `input` that a policy was given, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedInput {
    /// How much of it is kept.
    pub scope: InputScope,
    /// It, or its length in bytes if it is too long.
    pub input: Result<Value, u64>,
    /// JSON pointers to what was erased, as in OPA's decision logs; `None` if that is nothing.
    pub erased: Option<Value>,
}

impl RecordedInput {
    /// Erases the values of these headers (lower case), wherever `input` shows headers, and query parameters that often hold a
    /// credential.
    pub fn new(scope: InputScope, mut input: Value, credentials: &BTreeSet<&str>) -> Self {
        let mut erased = Vec::new();
        for name in WITH_HEADERS {
            if let Some(value) = input.get_mut(name) {
                erase(value, &format!("/input/{name}"), credentials, &mut erased);
            }
        }
        for name in WITH_QUERY {
            if let Some(value) = input.get_mut(name) {
                often_credentials::erase(value, &format!("/input/{name}"), &mut erased);
            }
        }
        let length = length(&input);
        Self {
            scope,
            input: if length > MAX_INPUT {
                Err(length)
            } else {
                Ok(input)
            },
            erased: (!erased.is_empty()).then(|| erased.into()),
        }
    }
}

/// Removes members with the name of a credential's header, and the values of entries of `headerMap`, whose `key` is that name.
fn erase(value: &mut Value, at: &str, credentials: &BTreeSet<&str>, erased: &mut Vec<String>) {
    let is_credential = |name: &str| credentials.contains(&*name.to_ascii_lowercase());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                erase(item, &format!("{at}/{index}"), credentials, erased);
            }
        }
        Value::Object(members) => {
            let key = members.get("key").and_then(Value::as_str);
            let is_entry = key.is_some_and(is_credential);
            members.retain(|name, value| {
                let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                let is_kept = !is_credential(name) && (name == "key" || !is_entry);
                if is_kept {
                    erase(value, &place, credentials, erased);
                } else {
                    erased.push(place);
                }
                is_kept
            });
        }
        _ => {}
    }
}

fn length(value: &Value) -> u64 {
    struct Counter(u64);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Writing to a counter cannot fail, nor can a `Value`.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn no_header_with_a_credential_is_kept() {
        let input = json!({
            "identity": {"claims": {"cookie": "a claim of this name"}},
            "request": {"headers": {"accept": "*/*", "cookie": "M"}},
            "attributes": {"request": {"http": {
                "headers": {"X-Api-Key": "M", "accept": "*/*"},
                "headerMap": {"headers": [
                    {"key": "accept", "rawValue": "Ki8q"},
                    {"key": "Cookie", "rawValue": "TQ==", "value": "M"},
                ]},
            }}},
        });
        let names = BTreeSet::from(["cookie", "x-api-key"]);
        let recorded = RecordedInput::new(InputScope::Full, input, &names);
        let kept = recorded.input.unwrap();
        assert!(!kept.to_string().contains("\"M\"") && !kept.to_string().contains("TQ=="));
        assert_eq!(kept["identity"]["claims"]["cookie"], "a claim of this name");
        let http = &kept["attributes"]["request"]["http"];
        assert_eq!(http["headers"], json!({"accept": "*/*"}));
        assert_eq!(http["headerMap"]["headers"][0]["rawValue"], "Ki8q");
        assert_eq!(http["headerMap"]["headers"][1], json!({"key": "Cookie"}));
        let erased = [
            "/input/request/headers/cookie",
            "/input/attributes/request/http/headerMap/headers/1/rawValue",
            "/input/attributes/request/http/headerMap/headers/1/value",
            "/input/attributes/request/http/headers/X-Api-Key",
        ];
        assert_eq!(recorded.erased, Some(json!(erased)));
    }

    #[test]
    fn parameters_that_often_hold_a_credential_are_not_kept() {
        let target = "/collections?f=json&%61pi_key=MARKER";
        let encoded = data_encoding::BASE64.encode(target.as_bytes());
        let input = json!({
            "request": {"query": "f=json&token=MARKER", "raw_target": target, "method": "GET", "headers": {
                "referer": "https://maps.example/?access_token=MARKER",
                "accept": "a;q=0.5",
            }},
            "attributes": {"request": {"http": {"path": target, "headerMap": {"headers": [
                {"key": ":path", "rawValue": encoded},
            ]}}}},
            "parsed_query": {"f": ["json"], "apikey": ["MARKER"]},
            "ogc": {"params": {"token": "MARKER", "f": "json"}},
        });
        let recorded = RecordedInput::new(InputScope::Full, input, &BTreeSet::new());
        let kept = recorded.input.unwrap();
        assert!(
            !kept.to_string().contains("MARKER") && !kept.to_string().contains(&encoded),
            "{kept}"
        );
        assert_eq!(
            kept["request"],
            json!({"method": "GET", "headers": {"accept": "a;q=0.5"}})
        );
        assert_eq!(kept["parsed_query"], json!({"f": ["json"]}));
        assert_eq!(kept["ogc"]["params"], json!({"f": "json"}));
        assert_eq!(recorded.erased.unwrap().as_array().unwrap().len(), 7);
    }

    #[test]
    fn a_long_input_is_left_out() {
        let long = "x".repeat(64 << 10);
        let recorded = RecordedInput::new(InputScope::Reads, json!(long), &BTreeSet::new());
        assert_eq!(recorded.input, Err((64 << 10) + 2));
        let short = RecordedInput::new(InputScope::Reads, json!("x"), &BTreeSet::new());
        assert_eq!((short.input, short.erased), (Ok(json!("x")), None));
    }
}
