//! Changes a YAML document in block style, line by line. Comments, order and spelling of the rest stay as they are.

use geowarden_yaml::{Document, Step};
use serde_json::Value;

use super::{DocumentError, Security};

/// The comments before and after the added lines.
const BEGIN: &str = "# geowarden openapi: begin";
const END: &str = "# geowarden openapi: end";

pub(super) fn changed(text: &str, security: &Security) -> Result<String, DocumentError> {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines = without_added(text);
    let plain = lines.join("\n");
    let document = Document::parse(&plain).map_err(|e| DocumentError::NoDocument(e.message))?;
    let value = &document.value;
    if value.get("security").is_some() {
        return Err(DocumentError::Taken("security".to_owned()));
    }
    let own = value.pointer("/components/securitySchemes");
    if let Some(name) = security
        .schemes
        .keys()
        .find(|name| own.is_some_and(|own| own.get(name).is_some()))
    {
        return Err(DocumentError::Taken(format!(
            "components.securitySchemes.{name}"
        )));
    }
    if !security.schemes.is_empty() {
        let place = ["components", "securitySchemes"];
        let depth = match (value.get("components"), own) {
            (_, Some(_)) => 2,
            (Some(_), None) => 1,
            (None, None) => 0,
        };
        let found = place.get(..depth).unwrap_or_default();
        let missing = place.get(depth..).unwrap_or_default();
        let (at, indent) = if found.is_empty() {
            (lines.len(), 0)
        } else {
            inside(&lines, &document, found)?
        };
        lines.splice(at..at, added(missing, indent, security));
        let mut requirements = vec![BEGIN.to_owned(), "security:".to_owned()];
        let all = security.requirements();
        let all = all.as_array().into_iter().flatten();
        requirements.extend(all.map(|one| format!("- {one}")));
        requirements.push(END.to_owned());
        lines.extend(requirements);
    }
    let mut text = lines.join(ending);
    text.push_str(ending);
    Ok(text)
}

/// The lines, without those of an earlier run.
fn without_added(text: &str) -> Vec<String> {
    let mut is_ours = false;
    text.lines()
        .filter(|line| {
            let begins = line.trim() == BEGIN;
            let ends = line.trim() == END;
            is_ours = (is_ours || begins) && !ends;
            !is_ours && !ends
        })
        .map(str::to_owned)
        .collect()
}

/// The line after the key at this place, and the indentation of its members.
fn inside(
    lines: &[String],
    document: &Document,
    place: &[&str],
) -> Result<(usize, usize), DocumentError> {
    let style = || DocumentError::Style(place.join("."));
    let steps: Vec<Step> = place
        .iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect();
    let line = document.line(&steps).ok_or_else(style)?;
    let key = lines.get(line - 1).ok_or_else(style)?;
    let last = place.last().copied().unwrap_or_default();
    if key.trim() != format!("{last}:") {
        return Err(style());
    }
    let indent = |line: &String| line.len() - line.trim_start().len();
    let value = document.value.pointer(&format!("/{}", place.join("/")));
    if value.is_some_and(Value::is_null) {
        return Ok((line, indent(key) + 2));
    }
    let mut members = lines.iter().skip(line);
    let member =
        members.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let member = member
        .filter(|_| value.is_some_and(Value::is_object))
        .ok_or_else(style)?;
    Ok((line, indent(member)))
}

/// The schemes, below those keys that are missing.
fn added(missing: &[&str], indent: usize, security: &Security) -> Vec<String> {
    let mut lines = vec![format!("{:indent$}{BEGIN}", "")];
    let mut indent = indent;
    for key in missing {
        lines.push(format!("{:indent$}{key}:", ""));
        indent += 2;
    }
    for (name, scheme) in &security.schemes {
        lines.push(format!("{:indent$}{name}: {scheme}", ""));
    }
    let outer = indent - 2 * missing.len();
    lines.push(format!("{:outer$}{END}", ""));
    lines
}
