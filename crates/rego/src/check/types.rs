//! Checks constants as arguments of built-in functions. OPA's compiler rejects a constant of the wrong type. Without
//! this check, only a request would reveal the error.

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Collection, Function, Scalar, Value},
        uses,
    },
};

/// The types that each argument of a function accepts: `s` for strings, `n` numbers, `b` booleans, `0` null, `a`
/// arrays, `t` sets, `o` objects, `*` for any. As OPA 1.20 declares them.
const ARGUMENTS: [(&str, &[&str]); 97] = [
    ("abs", &["n"]),
    ("array.concat", &["a", "a"]),
    ("array.reverse", &["a"]),
    ("array.slice", &["a", "n", "n"]),
    ("base64.decode", &["s"]),
    ("base64.encode", &["s"]),
    ("base64.is_valid", &["s"]),
    ("base64url.decode", &["s"]),
    ("base64url.encode", &["s"]),
    ("base64url.encode_no_pad", &["s"]),
    ("bits.and", &["n", "n"]),
    ("bits.lsh", &["n", "n"]),
    ("bits.negate", &["n"]),
    ("bits.or", &["n", "n"]),
    ("bits.rsh", &["n", "n"]),
    ("bits.xor", &["n", "n"]),
    ("ceil", &["n"]),
    ("concat", &["s", "at"]),
    ("contains", &["s", "s"]),
    ("count", &["sato"]),
    ("endswith", &["s", "s"]),
    ("floor", &["n"]),
    ("format_int", &["n", "n"]),
    ("glob.match", &["s", "0a", "s"]),
    ("glob.quote_meta", &["s"]),
    ("graph.reachable", &["o", "at"]),
    ("hex.decode", &["s"]),
    ("hex.encode", &["s"]),
    ("indexof", &["s", "s"]),
    ("indexof_n", &["s", "s"]),
    ("intersection", &["t"]),
    ("json.filter", &["o", "at"]),
    ("json.is_valid", &["s"]),
    ("json.remove", &["o", "at"]),
    ("json.unmarshal", &["s"]),
    ("lower", &["s"]),
    ("max", &["at"]),
    ("min", &["at"]),
    ("net.cidr_contains", &["s", "s"]),
    ("net.cidr_expand", &["s"]),
    ("net.cidr_intersects", &["s", "s"]),
    ("net.cidr_is_valid", &["s"]),
    ("numbers.range", &["n", "n"]),
    ("numbers.range_step", &["n", "n", "n"]),
    ("object.filter", &["o", "ato"]),
    ("object.get", &["o", "*", "*"]),
    ("object.keys", &["o"]),
    ("object.remove", &["o", "ato"]),
    ("object.subset", &["ato", "ato"]),
    ("object.union", &["o", "o"]),
    ("object.union_n", &["a"]),
    ("product", &["at"]),
    ("regex.find_all_string_submatch_n", &["s", "s", "n"]),
    ("regex.find_n", &["s", "s", "n"]),
    ("regex.globs_match", &["s", "s"]),
    ("regex.is_valid", &["s"]),
    ("regex.match", &["s", "s"]),
    ("regex.replace", &["s", "s", "s"]),
    ("regex.split", &["s", "s"]),
    ("regex.template_match", &["s", "s", "s", "s"]),
    ("replace", &["s", "s", "s"]),
    ("round", &["n"]),
    ("semver.compare", &["s", "s"]),
    ("sort", &["at"]),
    ("split", &["s", "s"]),
    ("sprintf", &["s", "a"]),
    ("startswith", &["s", "s"]),
    ("strings.any_prefix_match", &["sat", "sat"]),
    ("strings.any_suffix_match", &["sat", "sat"]),
    ("strings.count", &["s", "s"]),
    ("strings.replace_n", &["o", "s"]),
    ("strings.reverse", &["s"]),
    ("substring", &["s", "n", "n"]),
    ("sum", &["at"]),
    ("time.add_date", &["n", "n", "n", "n"]),
    ("time.clock", &["na"]),
    ("time.date", &["na"]),
    ("time.parse_duration_ns", &["s"]),
    ("time.parse_ns", &["s", "s"]),
    ("time.parse_rfc3339_ns", &["s"]),
    ("time.weekday", &["na"]),
    ("to_number", &["snb0"]),
    ("trim", &["s", "s"]),
    ("trim_left", &["s", "s"]),
    ("trim_prefix", &["s", "s"]),
    ("trim_right", &["s", "s"]),
    ("trim_space", &["s"]),
    ("trim_suffix", &["s", "s"]),
    ("union", &["t"]),
    ("units.parse", &["s"]),
    ("units.parse_bytes", &["s"]),
    ("upper", &["s"]),
    ("urlquery.decode", &["s"]),
    ("urlquery.decode_object", &["s"]),
    ("urlquery.encode", &["s"]),
    ("urlquery.encode_object", &["o"]),
    ("yaml.unmarshal", &["s"]),
];

/// Adds an error for each call with a constant of a type that the function does not accept.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    for file in files {
        for rule in &file.rules {
            uses::calls(rule, &mut |function, arguments, span| {
                let Function::Builtin { name, .. } = function else {
                    return;
                };
                let Ok(at) = ARGUMENTS.binary_search_by(|(other, _)| (*other).cmp(name)) else {
                    return;
                };
                let takes = ARGUMENTS.get(at).map_or(&[][..], |(_, takes)| takes);
                for (number, (argument, takes)) in arguments.iter().zip(takes).enumerate() {
                    if let Some(kind) = kind(argument)
                        && !takes.contains([kind, '*'])
                    {
                        diagnostics.push(Diagnostic {
                            code: Code::Function,
                            file: file.name.clone(),
                            span,
                            message: format!(
                                "`{name}` takes {} as argument {}, found {}",
                                takes.chars().map(called).collect::<Vec<_>>().join(" or "),
                                number + 1,
                                called(kind)
                            ),
                            cure: None,
                            ..Diagnostic::default()
                        });
                    }
                }
            });
        }
    }
}

/// The type of a value, if it is certain.
fn kind(value: &Value) -> Option<char> {
    Some(match value {
        Value::Scalar(Scalar::Null) => '0',
        Value::Scalar(Scalar::Bool(_)) => 'b',
        Value::Scalar(Scalar::Number(_)) => 'n',
        Value::Scalar(Scalar::String(_)) | Value::Template(_) => 's',
        Value::Array(_) | Value::Comprehension(Collection::Array, ..) => 'a',
        Value::Set(_) | Value::Comprehension(Collection::Set, ..) => 't',
        Value::Object(_) | Value::Comprehension(Collection::Object, ..) => 'o',
        _ => return None,
    })
}

fn called(kind: char) -> &'static str {
    match kind {
        's' => "a string",
        'n' => "a number",
        'b' => "a boolean",
        '0' => "null",
        'a' => "an array",
        't' => "a set",
        'o' => "an object",
        _ => "any value",
    }
}

#[cfg(test)]
mod tests {
    use super::ARGUMENTS;

    #[test]
    fn functions_stand_in_order() {
        assert!(ARGUMENTS.is_sorted_by_key(|(name, _)| name));
    }
}
