//! `server.api_rules.url_prefix` of pygeoapi's own configuration: pygeoapi adds it to its routes by itself.

use serde_json::Value;

/// The path that pygeoapi's routes begin with, such as `/v1`; empty for none. `None` if it depends on a variable of the environment
/// or on the version that pygeoapi has. `server` is that section of pygeoapi's configuration.
pub fn url_prefix(server: &Value) -> Option<String> {
    let rule = |name: &str| {
        let rules = server.get("api_rules")?;
        rules.get(name)?.as_str()
    };
    let mut prefix = rule("url_prefix").unwrap_or_default().to_owned();
    if let Some(version) = rule("api_version") {
        let mut numbers = version.split('.');
        for name in ["{api_major}", "{api_minor}", "{api_build}"] {
            prefix = prefix.replace(name, numbers.next().unwrap_or_default());
        }
        prefix = prefix.replace("{api_version}", version);
    }
    // Nothing replaced this: `${VARIABLE}`, or a part of the version.
    if prefix.contains('{') {
        return None;
    }
    let prefix = prefix.trim_matches('/');
    Some(if prefix.is_empty() {
        String::new()
    } else {
        format!("/{prefix}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prefix_is_written_as_pygeoapi_writes_it() {
        let rules = |rules: Value| url_prefix(&json!({"api_rules": rules}));
        for (rule, version, expected) in [
            ("v1", "0.1.0", Some("/v1")),
            ("/geo/v1/", "0.1.0", Some("/geo/v1")),
            (
                "v{api_major}.{api_minor}.{api_build}",
                "2.3.4",
                Some("/v2.3.4"),
            ),
            ("{api_version}", "2.3.4", Some("/2.3.4")),
            ("/", "2.3.4", Some("")),
            ("${PREFIX}", "2.3.4", None),
            ("{api_version}", "${VERSION}", None),
        ] {
            let found = rules(json!({"url_prefix": rule, "api_version": version}));
            assert_eq!(found.as_deref(), expected, "{rule} {version}");
        }
        assert_eq!(rules(json!({"url_prefix": "v1"})).as_deref(), Some("/v1"));
        assert_eq!(rules(json!({"url_prefix": "v{api_major}"})), None);
        for none in [json!({}), Value::Null] {
            assert_eq!(rules(none).as_deref(), Some(""));
        }
        assert_eq!(url_prefix(&Value::Null).as_deref(), Some(""));
    }
}
