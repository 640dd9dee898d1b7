//! `server.api_rules.url_prefix` of pygeoapi's own configuration: pygeoapi adds it to its routes by itself.

use serde_json::Value;

use super::PygeoapiVersion;

/// The path that pygeoapi's routes begin with, such as `/v1`; empty for none. `server` is that section of pygeoapi's
/// configuration.
pub fn url_prefix(server: &Value) -> String {
    let rule = |name: &str| {
        let rules = server.get("api_rules")?;
        rules.get(name)?.as_str()
    };
    // pygeoapi takes its own version where none is configured.
    let version = rule("api_version").map_or_else(
        || format!("{}.0", PygeoapiVersion::MEASURED),
        ToOwned::to_owned,
    );
    let mut numbers = version.split('.');
    let mut prefix = rule("url_prefix").unwrap_or_default().to_owned();
    for name in ["{api_major}", "{api_minor}", "{api_build}"] {
        prefix = prefix.replace(name, numbers.next().unwrap_or_default());
    }
    let prefix = prefix.replace("{api_version}", &version);
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        String::new()
    } else {
        format!("/{prefix}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prefix_is_written_as_pygeoapi_writes_it() {
        let rules = |rules: Value| url_prefix(&json!({"api_rules": rules}));
        assert_eq!(rules(json!({"url_prefix": "v1"})), "/v1");
        assert_eq!(rules(json!({"url_prefix": "/geo/v1/"})), "/geo/v1");
        assert_eq!(
            rules(
                json!({"api_version": "2.3.4", "url_prefix": "v{api_major}.{api_minor}.{api_build}"})
            ),
            "/v2.3.4"
        );
        assert_eq!(
            rules(json!({"api_version": "2.3.4", "url_prefix": "{api_version}"})),
            "/2.3.4"
        );
        assert_eq!(rules(json!({"url_prefix": "v{api_major}"})), "/v0");
        for none in [json!({"url_prefix": "/"}), json!({}), Value::Null] {
            assert_eq!(rules(none), "");
        }
        assert_eq!(url_prefix(&Value::Null), "");
    }
}
