//! `.env` files as python-dotenv reads them, which is how fastgeoapi does.

use std::collections::BTreeMap;

/// Names and values, with the line of each.
pub(super) type Variables = BTreeMap<String, Variable>;

/// One variable of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) value: String,
    pub(super) line: usize,
}

/// A line that sets nothing. The text is not quoted: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DotenvError {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

/// Reads a file; `${NAME}` and `${NAME:-default}` stand for `process` variables or those above.
pub(super) fn parse(
    text: &str,
    process: &BTreeMap<String, String>,
) -> Result<Variables, DotenvError> {
    let mut all = Variables::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |message| DotenvError {
            line: line_number,
            message,
        };
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, rest) = line
            .split_once('=')
            .ok_or_else(|| fault("expected NAME=value"))?;
        let name = name.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(fault(
                "expected a name of letters, digits and `_` before `=`",
            ));
        }
        let value = value(rest.trim()).ok_or_else(|| fault("a quote is not closed"))?;
        let value = expand(&value, process, &all);
        let variable = Variable {
            value,
            line: line_number,
        };
        all.insert(name.to_owned(), variable);
    }
    Ok(all)
}

/// A quoted value, or one up to a comment.
fn value(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        return quoted(rest, '\'');
    }
    if let Some(rest) = text.strip_prefix('"') {
        return quoted(rest, '"');
    }
    let end = text.find(" #").unwrap_or(text.len());
    Some(text.get(..end)?.trim_end().to_owned())
}

fn quoted(text: &str, quote: char) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '\\' => match (rest.next()?, quote) {
                ('n', '"') => value.push('\n'),
                ('t', '"') => value.push('\t'),
                ('r', '"') => value.push('\r'),
                (c, _) if c == quote || c == '\\' => value.push(c),
                (c, _) => value.extend(['\\', c]),
            },
            c if c == quote => return Some(value),
            c => value.push(c),
        }
    }
}

fn expand(text: &str, process: &BTreeMap<String, String>, above: &Variables) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else {
            break;
        };
        expanded.push_str(before);
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        let known = process
            .get(name)
            .or_else(|| above.get(name).map(|variable| &variable.value));
        expanded.push_str(known.map_or(default, String::as_str));
        rest = behind;
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_python_dotenv_reads_them() {
        let text = r#"
# a comment
PLAIN=a b # and a comment
HASH=a#b
export EXPORTED = x
SINGLE='a "b" # c'
DOUBLE="a\tb \"c\""
EMPTY=
DOLLAR=pa$word
FROM=${PLAIN}-${HOME_OF}-${NONE:-none}
PLAIN=last
"#;
        let process = BTreeMap::from([("HOME_OF".to_owned(), "h".to_owned())]);
        let all = parse(text, &process).unwrap();
        for (name, value) in [
            ("PLAIN", "last"),
            ("HASH", "a#b"),
            ("EXPORTED", "x"),
            ("SINGLE", "a \"b\" # c"),
            ("DOUBLE", "a\tb \"c\""),
            ("EMPTY", ""),
            ("DOLLAR", "pa$word"),
            ("FROM", "a b-h-none"),
        ] {
            assert_eq!(all[name].value, value, "{name}");
        }
        assert_eq!(all["HASH"].line, 4);
    }

    #[test]
    fn a_line_that_sets_nothing_is_told_without_its_text() {
        for (text, line) in [("A=1\nsecret", 2), ("=x", 1), ("A B=1", 1), ("A='x", 1)] {
            assert_eq!(
                parse(text, &BTreeMap::new()).unwrap_err().line,
                line,
                "{text}"
            );
        }
    }
}
