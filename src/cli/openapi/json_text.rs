//! Changes a JSON document by inserting members. The rest of the text stays the same, byte for byte.

use std::ops::Range;

use serde_json::Value;

use super::{DocumentError, Security, schemes::MARK};

pub(super) fn changed(text: &str, security: &Security) -> Result<String, DocumentError> {
    let mut text = without_added(text)?;
    let value: Value = parse(&text)?;
    if value.get("security").is_some() {
        return Err(DocumentError::Taken("security".to_owned()));
    }
    for name in security.schemes.keys() {
        if value
            .pointer(&format!("/components/securitySchemes/{name}"))
            .is_some()
        {
            return Err(DocumentError::Taken(format!(
                "components.securitySchemes.{name}"
            )));
        }
    }
    if security.schemes.is_empty() {
        return Ok(text);
    }
    let schemes: Vec<String> = security
        .schemes
        .iter()
        .map(|(name, scheme)| format!("{}: {scheme}", Value::from(name.as_str())))
        .collect();
    let schemes = schemes.join(",");
    let (place, member) = match (
        value.get("components"),
        value.pointer("/components/securitySchemes"),
    ) {
        (_, Some(_)) => (&["components", "securitySchemes"][..], schemes),
        (Some(_), None) => (
            &["components"][..],
            format!("\"securitySchemes\": {{{schemes}}}"),
        ),
        (None, None) => (
            &[][..],
            format!("\"components\": {{\"securitySchemes\": {{{schemes}}}}}"),
        ),
    };
    insert(&mut text, place, &member)?;
    insert(
        &mut text,
        &[],
        &format!("\"security\": {}", security.requirements()),
    )?;
    Ok(text)
}

/// The text without the schemes of an earlier run, and without the requirements that name them.
fn without_added(text: &str) -> Result<String, DocumentError> {
    let mut text = text.to_owned();
    let value = parse(&text)?;
    let schemes = value
        .pointer("/components/securitySchemes")
        .and_then(Value::as_object);
    let added_names: Vec<String> = schemes
        .into_iter()
        .flatten()
        .filter(|(_, scheme)| scheme.get(MARK) == Some(&Value::Bool(true)))
        .map(|(name, _)| name.clone())
        .collect();
    let is_ours = |one: &Value| {
        one.as_object()
            .is_some_and(|one| one.keys().all(|name| added_names.contains(name)) && !one.is_empty())
    };
    let requirements = value.get("security").and_then(Value::as_array);
    if !added_names.is_empty() && requirements.is_some_and(|all| all.iter().all(is_ours)) {
        remove(&mut text, &[], "security")?;
    }
    for name in &added_names {
        remove(&mut text, &["components", "securitySchemes"], name)?;
    }
    Ok(text)
}

fn parse(text: &str) -> Result<Value, DocumentError> {
    serde_json::from_str(text).map_err(|e| {
        DocumentError::NoDocument(format!(
            "no JSON (line {}, column {})",
            e.line(),
            e.column()
        ))
    })
}

/// Inserts a member at the beginning of the object at this place.
fn insert(text: &mut String, place: &[&str], member: &str) -> Result<(), DocumentError> {
    let object = object_at(text, place)?;
    let is_empty = text
        .get(object.clone())
        .is_some_and(|inner| inner.trim().is_empty());
    let separator = if is_empty { "" } else { "," };
    text.insert_str(object.start, &format!("{member}{separator}"));
    Ok(())
}

/// Removes a member of the object at this place, and the comma after it.
fn remove(text: &mut String, place: &[&str], name: &str) -> Result<(), DocumentError> {
    let object = object_at(text, place)?;
    let members = members(text, object.clone());
    let at = members.iter().position(|member| member.name == name);
    if let Some(member) = at.and_then(|at| members.get(at)) {
        let next = at.and_then(|at| members.get(at + 1));
        let before = at
            .and_then(|at| at.checked_sub(1))
            .and_then(|at| members.get(at));
        let range = match (next, before) {
            (Some(next), _) => {
                let between = text.get(member.whole.end..next.whole.start);
                let comma = between.and_then(|between| between.find(','));
                member.whole.start..member.whole.end + comma.unwrap_or_default() + 1
            }
            (None, Some(before)) => before.whole.end..member.whole.end,
            (None, None) => member.whole.clone(),
        };
        text.replace_range(range, "");
    }
    Ok(())
}

/// The text between the braces of the object at this place.
fn object_at(text: &str, place: &[&str]) -> Result<Range<usize>, DocumentError> {
    let style = || DocumentError::Style(place.join("."));
    let mut value = 0..text.len();
    for key in place {
        let inner = inner(text, &value).ok_or_else(style)?;
        let member = members(text, inner)
            .into_iter()
            .find(|member| member.name == *key);
        value = member.ok_or_else(style)?.value;
    }
    inner(text, &value).ok_or_else(style)
}

fn inner(text: &str, value: &Range<usize>) -> Option<Range<usize>> {
    let shown = text.get(value.clone())?;
    let start = value.start
        + shown
            .find('{')
            .filter(|at| shown.get(..*at).is_some_and(|s| s.trim().is_empty()))?
        + 1;
    let end = value.start + shown.trim_end().strip_suffix('}')?.len();
    Some(start..end)
}

/// A member of an object: its name, its text and the text of its value.
struct Member {
    name: String,
    whole: Range<usize>,
    value: Range<usize>,
}

/// The members of an object whose text is valid JSON.
fn members(text: &str, inner: Range<usize>) -> Vec<Member> {
    let mut all = Vec::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut begin = None;
    let mut colon = None;
    let mut end = inner.start;
    let shown = text.get(inner.clone()).unwrap_or_default();
    let mut close = |begin: &mut Option<usize>, colon: &mut Option<usize>, end: usize| {
        if let (Some(from), Some(at)) = (begin.take(), colon.take()) {
            let name = text
                .get(from..at)
                .and_then(|name| serde_json::from_str(name.trim()).ok());
            all.push(Member {
                name: name.unwrap_or_default(),
                whole: from..end,
                value: at + 1..end,
            });
        }
    };
    for (at, c) in shown.char_indices().map(|(at, c)| (inner.start + at, c)) {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
        } else {
            match c {
                ',' if depth == 0 => {
                    close(&mut begin, &mut colon, end);
                    continue;
                }
                ':' if depth == 0 && colon.is_none() => colon = Some(at),
                '"' => in_string = true,
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if !c.is_whitespace() || in_string {
            begin.get_or_insert(at);
            end = at + c.len_utf8();
        }
    }
    close(&mut begin, &mut colon, end);
    all
}
