//! What is told of a value that is not as expected: never the value, which may be a secret in the wrong place.

use serde_json::Value;

/// What is told of a fault, and whether the name of the key may be told with it.
///
/// What stands in the file may be a secret in the wrong place, so serde's words are told without it: kinds of values, and
/// words that are known here. The name of an unknown key is told only where it looks like a known one.
pub(super) fn explain(message: &str, found: Option<&Value>) -> (String, bool) {
    let is_quoted = ["invalid type: ", "invalid value: ", "invalid length "];
    if is_quoted.iter().any(|start| message.starts_with(start)) {
        // The value may hold `, expected ` itself; what is expected comes last.
        let expected = message.rsplit(", expected ").next().unwrap_or_default();
        let expected = in_words(expected);
        let found = found.map_or("something else", kind);
        return (format!("expected {expected}, found {found}"), true);
    }
    if let Some(unknown) = Unknown::of(message, "unknown field `") {
        let told = if let Some(word) = unknown.closest() {
            (format!("unknown key; did you mean `{word}`?"), true)
        } else {
            let known = unknown.known.join(", ");
            (format!("unknown key; expected one of: {known}"), false)
        };
        return told;
    }
    if let Some(unknown) = Unknown::of(message, "unknown variant `") {
        let words: Vec<String> = unknown.known.iter().map(|w| format!("`{w}`")).collect();
        let closest = unknown
            .closest()
            .map(|word| format!("; did you mean `{word}`?"));
        let told = format!(
            "expected {}, found another word{}",
            words.join(" or "),
            closest.unwrap_or_default()
        );
        return (told, true);
    }
    // What else there is are the texts of types of this program, which quote nothing that may be a secret.
    let is_own = ["expected ", "missing field `"];
    if is_own.iter().any(|start| message.starts_with(start)) {
        return (message.to_owned(), true);
    }
    ("not of the expected form".to_owned(), true)
}

/// A kind of value that serde names by a type, as people name it.
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

/// A word that serde does not know, and those that it does.
struct Unknown<'a> {
    found: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    fn of(message: &'a str, start: &str) -> Option<Self> {
        let rest = message.strip_prefix(start)?;
        // The found word may hold anything; the known ones come last.
        let (found, known) = rest.rsplit_once("`, expected").unwrap_or((rest, ""));
        let known = known.split('`').enumerate();
        Some(Self {
            found,
            known: known
                .filter_map(|(index, word)| (index % 2 == 1).then_some(word))
                .collect(),
        })
    }

    /// The known word that the found one was meant to be, if it looks like one.
    fn closest(&self) -> Option<&'a str> {
        let known = self.known.iter();
        known
            .map(|word| (strsim::damerau_levenshtein(self.found, word), *word))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, word)| *distance <= 1.max(word.len() / 3))
            .map(|(_, word)| word)
    }
}

/// The kind of a value, which is told instead of the value: it may be a secret in the wrong place.
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
