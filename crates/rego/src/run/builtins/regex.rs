//! Regular expressions with the meaning that they have in RE2. Classes such as `\d` are ASCII only. Syntax that only
//! Rust knows is plain text or an error.

mod expand;
mod pattern;

use std::{cell::RefCell, thread::LocalKey};

use regex::Regex;
use regorus::Value;

use super::{
    Builtin, budget,
    compiled::{self, Compiled, Kind, Pattern},
    errors, string, text, whole,
};

pub(super) const ALL: [Builtin; 8] = [
    Builtin {
        name: "regex.match",
        arity: 2,
        call: matches,
    },
    Builtin {
        name: "re_match",
        arity: 2,
        call: matches,
    },
    Builtin {
        name: "regex.is_valid",
        arity: 1,
        call: |arguments| {
            let Some(Value::String(pattern)) = arguments.first() else {
                return Ok(Value::Bool(false));
            };
            let is_valid = compiled(pattern, |_| Ok(Value::Null)).is_ok();
            Ok(Value::Bool(is_valid))
        },
    },
    Builtin {
        name: "regex.template_match",
        arity: 4,
        call: template_match,
    },
    Builtin {
        name: "regex.split",
        arity: 2,
        call: split,
    },
    Builtin {
        name: "regex.find_n",
        arity: 3,
        call: find_n,
    },
    Builtin {
        name: "regex.find_all_string_submatch_n",
        arity: 3,
        call: find_groups,
    },
    Builtin {
        name: "regex.replace",
        arity: 3,
        call: replace,
    },
];

/// The largest size of a compiled pattern, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Errors of Rust's parser for patterns that Go rejects too.
const INVALID_IN_GO: [&str; 5] = [
    "unclosed group",
    "unopened group",
    "unclosed character class",
    "repetition operator missing expression",
    "look-around",
];

thread_local! {
    static KEPT: RefCell<Compiled<Regex>> = RefCell::default();
}

impl Pattern for Regex {
    fn kept() -> &'static LocalKey<RefCell<Compiled<Self>>> {
        &KEPT
    }
}

fn compiled<T>(pattern: &str, work: impl FnOnce(&Regex) -> Result<T, String>) -> Result<T, String> {
    let compile = || built(pattern, pattern);
    compiled::with((Kind::Regex, pattern), compile, work)
}

/// The regular expression of a pattern of RE2. Errors show `told`.
fn built(pattern: &str, told: &str) -> Result<Regex, String> {
    let fault = || format!("cannot use the pattern {told:?}");
    let made = pattern::from_re2(pattern).ok_or_else(fault)?;
    regex::RegexBuilder::new(&made)
        .size_limit(MAX_BYTES)
        .dfa_size_limit(MAX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::Syntax(cause)
                if INVALID_IN_GO.iter().any(|part| cause.contains(part)) =>
            {
                fault()
            }
            // OPA may give a value, because its parser and its limits differ.
            _ => errors::refuse(fault()),
        })
}

/// Refuses a pattern with a group that is repeated zero times: Rust does not count such a group.
fn check_groups(pattern: &str, regex: &Regex) -> Result<(), String> {
    if pattern.contains("{0")
        && pattern::group_count(pattern) != regex.captures_len().checked_sub(1)
    {
        return Err(errors::refuse(format!(
            "the pattern {pattern:?} has a group that never matches"
        )));
    }
    Ok(())
}

fn matches(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, text) = (text(arguments, 0)?, text(arguments, 1)?);
    compiled(pattern, |regex| Ok(Value::Bool(regex.is_match(text))))
}

/// The largest number of matches. A negative number means all.
fn limit(arguments: &[Value], index: usize) -> Result<usize, String> {
    Ok(usize::try_from(whole(arguments, index)?).unwrap_or(usize::MAX))
}

fn split(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, text) = (text(arguments, 0)?, text(arguments, 1)?);
    compiled(pattern, |regex| {
        if pattern.is_empty() && text.is_empty() {
            return Ok(Value::new_array());
        }
        let mut parts = Vec::new();
        let mut begin = 0;
        for found in regex.find_iter(text) {
            // Like Go, do not split at an empty match before the first character.
            if found.end() == 0 || found.is_empty() && found.end() == text.len() {
                continue;
            }
            push(
                &mut parts,
                text.get(begin..found.start()).unwrap_or_default(),
            )?;
            begin = found.end();
        }
        push(&mut parts, text.get(begin..).unwrap_or_default())?;
        Ok(Value::from(parts))
    })
}

/// Matches a template, which has regular expressions between two delimiters, such as `urn:<.*>`.
fn template_match(arguments: &[Value]) -> Result<Value, String> {
    let (template, subject) = (text(arguments, 0)?, text(arguments, 1)?);
    let (start, end) = (single(arguments, 2)?, single(arguments, 3)?);
    // Each delimiter is one character, so two different templates never have the same key.
    let delimited = format!("{start}{end}{template}");
    let compile = || {
        let fault = || format!("cannot use the pattern {template:?}");
        let whole = template_expression(template, start, end, |part| {
            built(&format!("^{part}$"), template).map(|_| ())
        })?;
        built(&whole.ok_or_else(fault)?, template)
    };
    compiled::with((Kind::Template, &delimited), compile, |regex| {
        Ok(Value::Bool(regex.is_match(subject)))
    })
}

/// A delimiter, which is one byte in OPA.
fn single(arguments: &[Value], index: usize) -> Result<char, String> {
    let mut characters = text(arguments, index)?.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if one.is_ascii() => Ok(one),
        _ => Err(format!("operand {} must be one ASCII character", index + 1)),
    }
}

/// The regular expression of a template, each part of which must be one by itself. `None` if a delimiter has no partner.
fn template_expression(
    template: &str,
    start: char,
    end: char,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Option<String>, String> {
    let mut made = String::from("^");
    let mut inner = String::new();
    let mut depth = 0_usize;
    for c in template.chars() {
        // If both delimiters are the same, OPA takes each for the start.
        if c == start {
            depth += 1;
            if depth == 1 {
                continue;
            }
        } else if c == end {
            let Some(less) = depth.checked_sub(1) else {
                return Ok(None);
            };
            depth = less;
            if depth == 0 {
                let part = std::mem::take(&mut inner);
                check(&part)?;
                made.push('(');
                made.push_str(&part);
                made.push(')');
                continue;
            }
        }
        if depth > 0 {
            inner.push(c);
        } else {
            made.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }
    made.push('$');
    Ok((depth == 0).then_some(made))
}

fn push(parts: &mut Vec<Value>, text: &str) -> Result<(), String> {
    budget::elements(1)?;
    budget::text(text.len())?;
    parts.push(string(text));
    Ok(())
}

fn find_n(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, text) = (text(arguments, 0)?, text(arguments, 1)?);
    let count = limit(arguments, 2)?;
    compiled(pattern, |regex| {
        let mut found = Vec::new();
        for part in regex.find_iter(text).take(count) {
            push(&mut found, part.as_str())?;
        }
        Ok(Value::from(found))
    })
}

fn find_groups(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, text) = (text(arguments, 0)?, text(arguments, 1)?);
    let count = limit(arguments, 2)?;
    compiled(pattern, |regex| {
        check_groups(pattern, regex)?;
        let mut all = Vec::new();
        for groups in regex.captures_iter(text).take(count) {
            let mut found = Vec::new();
            for group in groups.iter() {
                push(&mut found, group.map_or("", |group| group.as_str()))?;
            }
            budget::elements(1)?;
            all.push(Value::from(found));
        }
        Ok(Value::from(all))
    })
}

fn replace(arguments: &[Value]) -> Result<Value, String> {
    let (subject, pattern, new) = (
        text(arguments, 0)?,
        text(arguments, 1)?,
        text(arguments, 2)?,
    );
    compiled(pattern, |regex| {
        check_groups(pattern, regex)?;
        let mut made = String::new();
        let mut begin = 0;
        for groups in regex.captures_iter(subject) {
            let Some(found) = groups.get(0) else { continue };
            made.push_str(subject.get(begin..found.start()).unwrap_or_default());
            let before = made.len();
            expand::expand(new, regex, &groups, &mut made);
            budget::text(made.len() - before)?;
            begin = found.end();
        }
        made.push_str(subject.get(begin..).unwrap_or_default());
        budget::text(subject.len())?;
        Ok(string(&made))
    })
}
