//! Globs as in OPA: `*` and `?` stop at delimiters, `**` does not.

mod compile;
mod matcher;
mod syntax;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, thread::LocalKey};

use regorus::Value;

use self::{
    matcher::{Matcher, Search},
    syntax::Unreadable,
};
use super::{
    Builtin, budget,
    compiled::{self, Compiled, Kind, Pattern},
    errors, string, text,
};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "glob.match",
        arity: 3,
        call: matches,
    },
    Builtin {
        name: "glob.quote_meta",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len().saturating_mul(2))?;
            let mut quoted = String::new();
            for c in text.chars() {
                if "*?\\[]{}".contains(c) {
                    quoted.push('\\');
                }
                quoted.push(c);
            }
            Ok(string(&quoted))
        },
    },
];

/// The largest size of a glob, in bytes.
const MAX_GLOB: usize = 4096;

fn matches(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, subject) = (text(arguments, 0)?, text(arguments, 2)?);
    let delimiters = match arguments.get(1) {
        Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) if all.is_empty() => vec!['.'],
        Some(Value::Array(all)) => all
            .iter()
            .map(|delimiter| {
                let one = delimiter.as_string().ok()?;
                let mut characters = one.chars();
                characters.next().filter(|_| characters.next().is_none())
            })
            .collect::<Option<Vec<char>>>()
            .ok_or("operand 2 must be an array of single characters")?,
        _ => return Err("operand 2 must be null or an array".to_owned()),
    };
    if !delimiters.iter().all(char::is_ascii) {
        return Err(errors::refuse("delimiters are ASCII characters"));
    }
    if pattern.len() > MAX_GLOB {
        return Err(errors::refuse(format!(
            "globs have at most {MAX_GLOB} bytes"
        )));
    }
    // The number tells where the delimiters end, so two globs never have the same key.
    let of_delimiters: String = delimiters.iter().collect();
    let key = format!("{}:{of_delimiters}{pattern}", delimiters.len());
    let compile = || made(pattern, &delimiters);
    compiled::with((Kind::Glob, &key), compile, |matcher: &Matcher| {
        let found = matcher.matches(subject, &mut Search::default());
        found
            .map(Value::Bool)
            .map_err(|_| errors::refuse(format!("cannot search by the glob {pattern:?}")))
    })
}

fn made(pattern: &str, delimiters: &[char]) -> Result<Matcher, String> {
    let told = || format!("cannot use the glob {pattern:?}");
    let tree = syntax::parse(pattern).map_err(|why| match why {
        Unreadable::Malformed => told(),
        Unreadable::Unsupported(why) => errors::refuse(format!("{}: {why}", told())),
    })?;
    compile::compile(&tree, delimiters).map_err(|_| errors::refuse(told()))
}

thread_local! {
    static KEPT: RefCell<Compiled<Matcher>> = RefCell::default();
}

impl Pattern for Matcher {
    fn kept() -> &'static LocalKey<RefCell<Compiled<Self>>> {
        &KEPT
    }
}
