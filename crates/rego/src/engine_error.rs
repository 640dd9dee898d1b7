//! Rewrites an error of the engine for the policy's author: it names file and line. The engine also quotes the text that it
//! was given, which the author does not know.

use crate::lower::made::FILE;

/// The error with its place, without the text that the engine was given.
pub(crate) fn for_author(error: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut place: Option<&str> = None;
    let mut message: Option<String> = None;
    for line in error.lines().chain(["--> "]) {
        if let Some(next) = line.trim_start().strip_prefix("--> ") {
            if let (Some(place), Some(message)) = (place, message.take()) {
                all.push(at(Some(place), &of_built_in(message.trim_end())));
            }
            place = line_of(next.trim());
        } else if let Some(text) = line.strip_prefix("error: ") {
            message = Some(text.to_owned());
        } else if let Some(message) = &mut message {
            message.push('\n');
            message.push_str(line);
        }
    }
    if all.is_empty() {
        error.trim().to_owned()
    } else {
        all.join("\n")
    }
}

/// A message with its place, unless the place is in a rule that no author wrote.
pub(crate) fn at(place: Option<&str>, message: &str) -> String {
    match place {
        Some(place) if !place.starts_with(FILE) => format!("{place}: {message}"),
        _ => message.to_owned(),
    }
}

/// A conflict in OPA's words. The engine's own quote values in the notation of its source.
fn of_conflict(message: &str) -> Option<&'static str> {
    let is_of_function = message.starts_with("function produced multiple outputs")
        || message.starts_with("functions must not produce multiple outputs");
    let is_of_rule = [
        "complete rules should not produce multiple outputs",
        "rules must not produce multiple outputs",
        "rules should not produce multiple outputs",
    ]
    .iter()
    .any(|start| message.starts_with(start));
    if is_of_function {
        Some("functions must not produce multiple outputs for same inputs")
    } else {
        is_of_rule.then_some("complete rules must not produce multiple outputs")
    }
}

/// The message of a built-in under a name that the author knows. Operators have the names that OPA gives them.
pub(crate) fn of_built_in(message: &str) -> String {
    if let Some(conflict) = of_conflict(message) {
        return conflict.to_owned();
    }
    let built_in = message.strip_prefix("internal.");
    let Some((name, text)) = built_in.and_then(|rest| rest.split_once(": ")) else {
        return message.to_owned();
    };
    match name {
        "plus" | "minus" | "mul" | "div" | "rem" | "and" | "or" | "walk" => {
            format!("{name}: {text}")
        }
        "template_string" => format!("template string: {text}"),
        _ => text.to_owned(),
    }
}

/// `file:line` of `file:line:column`.
fn line_of(place: &str) -> Option<&str> {
    let (line, column) = place.rsplit_once(':')?;
    column.parse::<u32>().ok().map(|_| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_line_without_the_text() {
        for (error, expected) in [
            (
                "\n--> a/p.rego:3:36\n  |\n3 | allow := ___1 if { ___0 := to_number(input.x) }\n  |     ^\nerror: `to_number` expects a number",
                "a/p.rego:3: `to_number` expects a number",
            ),
            (
                "--> p.rego:4:8\n  |\n4 | x\n  | ^\nerror: rule conflicts\nwith another\n--> p.rego:5:1\n  |\n5 | y\n  | ^\nerror: second\n",
                "p.rego:4: rule conflicts\nwith another\np.rego:5: second",
            ),
            (
                "--> p.rego:3:2\n  |\n3 | x\n  | ^\nerror: internal.div: divide by zero",
                "p.rego:3: div: divide by zero",
            ),
            (
                "--> p.rego:3:2\n  |\n3 | x\n  | ^\nerror: internal.object_by_paths: two values",
                "p.rego:3: two values",
            ),
            (
                "--> p.rego:3:2\n  |\n3 | x\n  | ^\nerror: function produced multiple outputs Set({Number(1), Number(2)})",
                "p.rego:3: functions must not produce multiple outputs for same inputs",
            ),
            // No line of the author's.
            (
                "--> (rules made for others):1:8\n  |\n1 | x\n  | ^\nerror: lower: operand 1 must be a string",
                "lower: operand 1 must be a string",
            ),
            (
                "execution exceeded time limit",
                "execution exceeded time limit",
            ),
            ("  --> nowhere\nno error here", "--> nowhere\nno error here"),
        ] {
            assert_eq!(for_author(error), expected);
        }
    }
}
