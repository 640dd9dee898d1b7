//! Finds variables that were meant to set a key, but have one underscore where two belong.
//!
//! Kubernetes sets variables of this prefix for a Service named geowarden, such as `GEOWARDEN_PORT_9191_TCP`. So a name is reported only if it would be a
//! key with `__`.

use serde_json::Value;

use super::{Origin, Problem, Problems, environment::PREFIX, schema};

/// A part of a key's path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A key, in capitals.
    Key(String),
    /// A place in a list.
    Index,
}

/// The path of a key.
type Key = Vec<Part>;

/// A problem for each of these names (without `__`) that would be a key of the configuration.
pub(super) fn problems(names: &[String]) -> Problems {
    if names.is_empty() {
        return Problems::default();
    }
    let keys = keys();
    let misspelt = names.iter().filter_map(|name| {
        let meant = keys.iter().find_map(|key| spelled(name, key))?;
        Some(Problem {
            origin: Origin::Environment(name.clone()),
            path: String::new(),
            message: format!(
                "expected `{meant}`, found a name with one underscore between two keys, which sets nothing: rename it, or unset it"
            ),
        })
    });
    Problems(misspelt.collect())
}

/// The name by which a variable sets `key`, if `name` is it but for the underscores between the parts.
fn spelled(name: &str, key: &Key) -> Option<String> {
    let mut rest = name.strip_prefix(PREFIX)?;
    let mut parts = Vec::new();
    for (index, part) in key.iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('_')?;
        }
        let length = match part {
            Part::Key(key) => rest.starts_with(key.as_str()).then_some(key.len())?,
            Part::Index => rest.bytes().take_while(u8::is_ascii_digit).count(),
        };
        let (part, behind) = rest.split_at_checked(length)?;
        parts.push(part);
        rest = behind;
    }
    let is_whole = rest.is_empty() && parts.iter().all(|part| !part.is_empty());
    is_whole.then(|| format!("{PREFIX}{}", parts.join("__")))
}

/// Every key below a section; those in tenants have names that nobody can know.
fn keys() -> Vec<Key> {
    let schema = schema();
    let mut all = Vec::new();
    collect(&schema, &schema, &Key::new(), &mut all);
    all.retain(|key| key.len() > 1);
    all
}

fn collect(at: &Value, schema: &Value, path: &Key, all: &mut Vec<Key>) {
    let reference = at.get("$ref").and_then(Value::as_str);
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    let named = name.and_then(|name| schema.get("$defs")?.get(name));
    if let Some(named) = named {
        collect(named, schema, path, all);
    }
    for choice in at
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        collect(choice, schema, path, all);
    }
    if let Some(items) = at.get("items") {
        let mut inner = path.clone();
        inner.push(Part::Index);
        collect(items, schema, &inner, all);
    }
    let properties = at.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let mut inner = path.clone();
        inner.push(Part::Key(name.to_ascii_uppercase()));
        all.push(inner.clone());
        collect(property, schema, &inner, all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_keys_are_told_with_the_right_ones() {
        for (name, meant) in [
            ("GEOWARDEN_SERVER_GRPC", "GEOWARDEN_SERVER__GRPC"),
            ("GEOWARDEN_POLICY_PATH", "GEOWARDEN_POLICY__PATH"),
            (
                "GEOWARDEN_AUTHN_API_KEYS_FILE",
                "GEOWARDEN_AUTHN__API_KEYS__FILE",
            ),
            (
                "GEOWARDEN_AUTHN_JWT_0_ISSUER",
                "GEOWARDEN_AUTHN__JWT__0__ISSUER",
            ),
            (
                "GEOWARDEN_SERVER_MAX_CONNECTIONS",
                "GEOWARDEN_SERVER__MAX_CONNECTIONS",
            ),
        ] {
            let told = problems(&[name.to_owned()]).to_string();
            assert!(told.contains(&format!("`{meant}`")), "{name}: {told}");
        }
        for name in [
            "GEOWARDEN_PORT",
            "GEOWARDEN_SERVICE_HOST",
            "GEOWARDEN_SERVICE_PORT_GRPC",
            "GEOWARDEN_PORT_9191_TCP_ADDR",
            "GEOWARDEN_SERVER",
            "GEOWARDEN_SERVER_PORT",
            "GEOWARDEN_AUTHN_JWT__ISSUER",
            "GEOWARDEN_SERVER_GRPCS",
            "GEOWARDEN_IMAGE",
        ] {
            assert_eq!(problems(&[name.to_owned()]), Problems::default(), "{name}");
        }
    }
}
