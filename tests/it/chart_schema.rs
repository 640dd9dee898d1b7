//! In the Helm chart's values, `config` has the schema of geowarden's configuration.

use std::{fs, path::Path};

use serde_json::{Map, Value};

const FILE: &str = "k8s/chart/values.schema.json";

/// The schema without its descriptions, which are in docs/configuration.md.
fn plain(schema: Value) -> Value {
    match schema {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, value)| name != "description" || !value.is_string())
            .map(|(name, value)| (name, plain(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        other => other,
    }
}

/// The schema of the values with the configuration's schema as `config`. The definitions are at the root, since references look
/// for them there.
fn expected(schema: &Value) -> Value {
    let mut config = plain(geowarden::config::schema());
    let members = config.as_object_mut().unwrap();
    let definitions = members.remove("$defs").unwrap();
    members.remove("$schema");
    members.remove("title");
    let mut whole = Map::new();
    for (name, value) in schema.as_object().unwrap() {
        let value = match name.as_str() {
            "$schema" => Value::from("https://json-schema.org/draft/2020-12/schema"),
            "$defs" => continue,
            "properties" => {
                let mut properties = value.clone();
                properties["config"] = config.clone();
                properties
            }
            _ => value.clone(),
        };
        whole.insert(name.clone(), value);
    }
    whole.insert("$defs".to_owned(), definitions);
    Value::Object(whole)
}

#[test]
fn the_charts_values_know_the_configuration() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let schema: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let expected = expected(&schema);
    if std::env::var_os("WRITE").is_some() {
        let text = serde_json::to_string_pretty(&expected).unwrap();
        fs::write(&file, format!("{text}\n")).unwrap();
        return;
    }
    assert!(
        schema == expected,
        "{FILE} has another schema of `config`: WRITE=1 cargo test --test it chart_schema"
    );
}
