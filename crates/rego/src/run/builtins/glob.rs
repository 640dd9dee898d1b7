//! Globs as in OPA: `*` and `?` stop at delimiters, `**` does not.

use regorus::Value;

use super::{
    Builtin, budget,
    regex::{Kind, compiled_as},
    string, text,
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

fn matches(arguments: &[Value]) -> Result<Value, String> {
    let (pattern, subject) = (text(arguments, 0)?, text(arguments, 2)?);
    let delimiters = match arguments.get(1) {
        Some(Value::Null) => String::new(),
        Some(Value::Array(all)) if all.is_empty() => ".".to_owned(),
        Some(Value::Array(all)) => all
            .iter()
            .map(|delimiter| {
                let one = delimiter.as_string().ok()?;
                let mut characters = one.chars();
                characters.next().filter(|_| characters.next().is_none())
            })
            .collect::<Option<String>>()
            .ok_or("operand 2 must be an array of single characters")?,
        _ => return Err("operand 2 must be null or an array".to_owned()),
    };
    // The length comes first, so that two different globs never have the same key.
    let delimited = format!("{}:{delimiters}{pattern}", delimiters.len());
    compiled_as(
        (Kind::Glob, &delimited),
        pattern,
        || expression(pattern, &delimiters),
        |regex| Ok(Value::Bool(regex.is_match(subject))),
    )
}

/// The regular expression of a glob, or `None` if the glob is malformed.
fn expression(pattern: &str, delimiters: &str) -> Option<String> {
    let one = if delimiters.is_empty() {
        ".".to_owned()
    } else {
        let escaped: String = delimiters.chars().map(in_class).collect();
        format!("[^{escaped}]")
    };
    let mut made = String::from("(?s)\\A");
    let mut groups: Vec<Alternatives> = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '*'
            && let Some(group) = groups.last_mut()
        {
            group.is_open = true;
        }
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => made.push_str(".*"),
            '*' => {
                made.push_str(&one);
                made.push('*');
            }
            '?' => made.push_str(&one),
            '\\' => made.push_str(&regex::escape(&rest.next()?.to_string())),
            '[' => class(&mut rest, &mut made)?,
            '{' => {
                groups.push(Alternatives::default());
                made.push_str("(?:");
            }
            '}' if let Some(mut group) = groups.pop() => {
                group.end()?;
                if let Some(outer) = groups.last_mut() {
                    outer.is_nested = true;
                }
                made.push(')');
            }
            ',' if let Some(group) = groups.last_mut() => {
                group.end()?;
                made.push('|');
            }
            other => made.push_str(&regex::escape(&other.to_string())),
        }
    }
    made.push_str("\\z");
    groups.is_empty().then_some(made)
}

/// The alternatives of a group `{a,b}` so far. If one that fits texts of any length comes before one of a fixed length,
/// OPA takes the fixed length for that of the whole group, and some texts no longer fit. Such a group is refused.
#[derive(Debug, Default)]
struct Alternatives {
    was_open: bool,
    is_open: bool,
    is_nested: bool,
}

impl Alternatives {
    /// Ends an alternative.
    fn end(&mut self) -> Option<()> {
        if self.was_open && (self.is_nested || !self.is_open) {
            return None;
        }
        self.was_open |= self.is_open || self.is_nested;
        (self.is_open, self.is_nested) = (false, false);
        Some(())
    }
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, made: &mut String) -> Option<()> {
    made.push('[');
    if rest.next_if_eq(&'!').is_some() {
        made.push('^');
    }
    let mut inside = Vec::new();
    let mut is_escaped = false;
    loop {
        match rest.next()? {
            ']' => break,
            '\\' => {
                is_escaped = true;
                inside.push(rest.next()?);
            }
            other => inside.push(other),
        }
    }
    // With an escape before it, OPA reads this `-` as plain or as a mistake.
    if is_escaped && inside.contains(&'-') {
        return None;
    }
    match inside.as_slice() {
        [from, '-', to] => {
            made.push_str(&format_range(*from, *to)?);
        }
        // After a range, OPA expects the end of the class.
        [] | [_, '-', ..] => return None,
        list => made.extend(list.iter().map(|c| in_class(*c))),
    }
    made.push(']');
    Some(())
}

fn format_range(from: char, to: char) -> Option<String> {
    (from <= to).then(|| format!("{}-{}", in_class(from), in_class(to)))
}

fn in_class(c: char) -> String {
    format!("\\x{{{:x}}}", u32::from(c))
}
