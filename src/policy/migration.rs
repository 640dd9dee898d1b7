//! What in a policy written for fastgeoapi means something else than its author may think.

/// A place in a policy, and what to do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// What is there.
    pub kind: Kind,
    /// What it means, and what to do.
    pub message: String,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rego v0, which needs `policy.rego: v0`.
    OldRego,
    /// A comparison with the path that does not reckon with the context.
    MissingContext,
    /// A default that lets everybody in.
    AllowByDefault,
}

/// Looks through the text of a policy; `context` is the path under which fastgeoapi stood, such as `/geoapi`.
pub fn findings(text: &str, context: &str) -> Vec<Finding> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let mut note = |kind, message| {
            all.push(Finding {
                line: index + 1,
                kind,
                message,
            });
        };
        if is_old(code) {
            note(
                Kind::OldRego,
                "Rego v0: it runs with `policy.rego: v0`; in v1 a rule's body stands after `if`, and `input` needs no import".to_owned(),
            );
        }
        if is_allowed_by_default(code) {
            note(
                Kind::AllowByDefault,
                "everybody is let in unless a rule says otherwise: write `default allow := false`"
                    .to_owned(),
            );
        }
        let first = context.split('/').find(|segment| !segment.is_empty());
        if let (Some(compared), Some(first)) = (compared_first_segment(code), first)
            && compared != first
        {
            note(
                Kind::MissingContext,
                format!(
                    "never true: `request_path` begins with \"{first}\"; set `policy.path_prefix: strip`, or compare with \"{first}\" first"
                ),
            );
        }
    }
    all
}

/// `import input`, or a rule's head with its body right behind.
fn is_old(code: &str) -> bool {
    let code_end = code.trim_end();
    let is_import = code_end.trim_start() == "import input";
    let begins_rule = code.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let has_body = code_end.ends_with('{') || code_end.ends_with('}') && code_end.contains('{');
    let is_v1 = code.contains(" if ") || code.contains(":=");
    is_import || (begins_rule && has_body && !is_v1 && !code.contains("= {"))
}

fn is_allowed_by_default(code: &str) -> bool {
    let words: Vec<&str> = code.split_whitespace().collect();
    matches!(words.as_slice(), ["default", _, "=" | ":=", "true"])
}

/// `x` of `request_path[0] == "x"`, or of `request_path = ["x", ..]`.
fn compared_first_segment(code: &str) -> Option<&str> {
    let (_, after) = code.split_once("request_path")?;
    let after = after.trim_start();
    let value = match after.strip_prefix("[0]") {
        Some(rest) => rest
            .trim_start()
            .trim_start_matches(['=', ':'])
            .trim_start(),
        None => after
            .trim_start_matches(['=', ':'])
            .trim_start()
            .strip_prefix('[')?
            .trim_start(),
    };
    value.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_else_is_found_with_its_line() {
        let text = r#"package httpapi.authz

import input

default allow = true

# request_path[0] == "collections" in a comment
allow {
    input.request_path[0] == "collections"
}

allow { input.request_path = ["geoapi", "obs"] }

allow {
    input.request_path = ["collections", "obs"]
}

roles = {"a", "b"}
"#;
        let found: Vec<_> = findings(text, "/geoapi")
            .into_iter()
            .map(|finding| (finding.line, finding.kind))
            .collect();
        assert_eq!(
            found,
            [
                (3, Kind::OldRego),
                (5, Kind::AllowByDefault),
                (8, Kind::OldRego),
                (9, Kind::MissingContext),
                (12, Kind::OldRego),
                (14, Kind::OldRego),
                (15, Kind::MissingContext),
            ]
        );
        let without_context = findings(text, "");
        assert!(
            without_context
                .iter()
                .all(|finding| finding.kind != Kind::MissingContext)
        );
    }

    #[test]
    fn a_policy_of_today_has_nothing_to_find() {
        let text = "package a\nimport rego.v1\ndefault allow := false\nallow if {\n\tinput.request_path[0] == \"geoapi\"\n}\nx contains y if { some y in {1} }\nz := {\"a\": 1}\n";
        assert_eq!(findings(text, "/geoapi"), []);
    }
}
