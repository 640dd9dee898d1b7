//! Explains a value of the wrong form without quoting it: a secret may have been put in the wrong place.

use serde_json::Value;

/// Explains a fault, and says whether the explanation may be shown with the name of the key.
///
/// serde's message may quote the file, so only two parts of it are used: the kind of a value, and words that geowarden
/// knows. The name of an unknown key is shown only if it resembles a known one.
pub(super) fn explain(message: &str, found: Option<&Value>) -> (String, bool) {
    let is_quoted = ["invalid type: ", "invalid value: ", "invalid length "];
    if is_quoted.iter().any(|start| message.starts_with(start)) {
        // The value itself may contain `, expected `, so search from the end.
        let expected = message.rsplit(", expected ").next().unwrap_or_default();
        let expected = in_words(expected);
        let found = found.map_or("something else", kind);
        return (format!("expected {expected}, found {found}"), true);
    }
    if let Some(unknown) = Unknown::of(message, "unknown field `") {
        let explained = if let Some(word) = unknown.closest() {
            (format!("unknown key; did you mean `{word}`?"), true)
        } else {
            let known = unknown.known.join(", ");
            (format!("unknown key; expected one of: {known}"), false)
        };
        return explained;
    }
    if let Some(unknown) = Unknown::of(message, "unknown variant `") {
        let words: Vec<String> = unknown.known.iter().map(|w| format!("`{w}`")).collect();
        let closest = unknown
            .closest()
            .map(|word| format!("; did you mean `{word}`?"));
        let explained = format!(
            "expected {}, found another word{}",
            words.join(" or "),
            closest.unwrap_or_default()
        );
        return (explained, true);
    }
    // The remaining messages come from types of this program. They quote nothing that may be a secret.
    let is_own = ["expected ", "missing field `"];
    if is_own.iter().any(|start| message.starts_with(start)) {
        return (message.to_owned(), true);
    }
    ("not of the expected form".to_owned(), true)
}

/// The kind of a value in plain words, instead of serde's type name.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "path string" => "a path",
        "a map" => "a mapping",
        "a sequence" => "a list",
        "string" => "a string",
        "string or map" => "a word",
        "a boolean" | "bool" => "`true` or `false`",
        _ if expected.starts_with("struct ") => "a mapping",
        _ => expected,
    }
}

/// A word that serde does not know, with the words that it expected.
struct Unknown<'a> {
    found: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    fn of(message: &'a str, start: &str) -> Option<Self> {
        let rest = message.strip_prefix(start)?;
        // The unknown word may contain anything. The known words come last.
        let (found, known) = rest.rsplit_once("`, expected").unwrap_or((rest, ""));
        let known = known.split('`').enumerate();
        Some(Self {
            found,
            known: known
                .filter_map(|(index, word)| (index % 2 == 1).then_some(word))
                .collect(),
        })
    }

    /// The known word that the unknown one resembles, if there is one.
    fn closest(&self) -> Option<&'a str> {
        let known = self.known.iter();
        known
            .map(|word| (strsim::damerau_levenshtein(self.found, word), *word))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, word)| *distance <= 1.max(word.len() / 3))
            .map(|(_, word)| word)
    }
}

/// The kind of a value. Errors show it instead of the value, which may be a secret in the wrong place.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
