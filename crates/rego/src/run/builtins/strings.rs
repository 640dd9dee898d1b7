//! Functions for strings, within limits. Counting and case mapping follow Go.

use regorus::Value;

use super::{Builtin, budget, by_regorus, string, text, whole};

pub(super) const ALL: [Builtin; 11] = [
    Builtin {
        name: "strings.count",
        arity: 2,
        call: count,
    },
    Builtin {
        name: "count",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => Ok(Value::from(text.chars().count())),
            _ => by_regorus("count", arguments),
        },
    },
    Builtin {
        name: "indexof",
        arity: 2,
        call: |arguments| searched("indexof", arguments),
    },
    Builtin {
        name: "indexof_n",
        arity: 2,
        call: |arguments| searched("indexof_n", arguments),
    },
    Builtin {
        name: "substring",
        arity: 3,
        call: |arguments| {
            whole(arguments, 1)?;
            whole(arguments, 2)?;
            by_regorus("substring", arguments)
        },
    },
    Builtin {
        name: "lower",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len())?;
            Ok(string(&text.chars().map(lower).collect::<String>()))
        },
    },
    Builtin {
        name: "upper",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len())?;
            Ok(string(&text.chars().map(upper).collect::<String>()))
        },
    },
    Builtin {
        name: "concat",
        arity: 2,
        call: concat,
    },
    Builtin {
        name: "replace",
        arity: 3,
        call: replace,
    },
    Builtin {
        name: "strings.split_n",
        arity: 3,
        call: split_n,
    },
    Builtin {
        name: "strings.replace_n",
        arity: 2,
        call: replace_n,
    },
];

/// For an empty text to search for, Go returns one more than the number of characters.
fn count(arguments: &[Value]) -> Result<Value, String> {
    let (text, part) = (text(arguments, 0)?, text(arguments, 1)?);
    Ok(Value::from(if part.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(part).count()
    }))
}

/// The first parts of a split text. For a negative number, the last parts.
fn split_n(arguments: &[Value]) -> Result<Value, String> {
    let (text, delimiter) = (text(arguments, 0)?, text(arguments, 1)?);
    let count = whole(arguments, 2)?;
    budget::text(text.len())?;
    let parts: Vec<Value> = if delimiter.is_empty() {
        budget::elements(text.len())?;
        text.chars().map(|c| string(&c.to_string())).collect()
    } else {
        budget::elements(text.matches(delimiter).count() + 1)?;
        text.split(delimiter).map(string).collect()
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let left_out = parts.len().saturating_sub(wanted);
    let parts: Vec<Value> = if count < 0 {
        parts.into_iter().skip(left_out).collect()
    } else {
        parts.into_iter().take(wanted).collect()
    };
    Ok(Value::from(parts))
}

fn searched(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    if text(arguments, 1)?.is_empty() {
        return Err("empty search character".to_owned());
    }
    by_regorus(name, arguments)
}

/// The lower case of one character as one character (Unicode's simple case mapping). Its neighbours do not matter.
pub(super) fn lower(c: char) -> char {
    let mut all = c.to_lowercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        // This is the only character that has both a simple mapping and a longer one.
        _ if c == '\u{130}' => 'i',
        _ => c,
    }
}

fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => match c {
            // Greek letters with an iota below. Their capitals have the iota beside them.
            '\u{1f80}'..='\u{1faf}' if u32::from(c) & 8 == 0 => {
                char::from_u32(u32::from(c) + 8).unwrap_or(c)
            }
            '\u{1fb3}' => '\u{1fbc}',
            '\u{1fc3}' => '\u{1fcc}',
            '\u{1ff3}' => '\u{1ffc}',
            _ => c,
        },
    }
}

fn concat(arguments: &[Value]) -> Result<Value, String> {
    let delimiter = text(arguments, 0)?.len();
    let length = |value: &Value| match value {
        Value::String(text) => text.len() + delimiter,
        _ => 0,
    };
    budget::text(match arguments.get(1) {
        Some(Value::Array(items)) => items.iter().map(length).sum(),
        Some(Value::Set(members)) => members.iter().map(length).sum(),
        _ => 0,
    })?;
    by_regorus("concat", arguments)
}

fn replace(arguments: &[Value]) -> Result<Value, String> {
    let (text, old, new) = (
        text(arguments, 0)?,
        text(arguments, 1)?,
        text(arguments, 2)?,
    );
    replaced(text, old, new).map(|text| string(&text))
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String, String> {
    let count = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    budget::text(text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(text.replace(old, new))
}

/// Replaces all patterns in one pass, as Go's `strings.Replacer` does. At each place, the first pattern that matches is
/// used, in the order of the keys.
fn replace_n(arguments: &[Value]) -> Result<Value, String> {
    let text = text(arguments, 1)?;
    let Some(Value::Object(patterns)) = arguments.first() else {
        return Err("operand 1 must be an object of strings".to_owned());
    };
    let longest = patterns
        .values()
        .map(|new| new.as_string().map_or(0, |new| new.len()))
        .max()
        .unwrap_or_default();
    let places = text.chars().count() + 1;
    budget::text(text.len().saturating_add(places.saturating_mul(longest)))?;
    by_regorus("strings.replace_n", arguments)
}
