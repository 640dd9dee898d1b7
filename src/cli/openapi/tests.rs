use geowarden_yaml::Document;
use serde_json::json;

use super::*;

fn security() -> Security {
    let config = crate::config::Config::default();
    let mut with = config.clone();
    with.authn.api_keys = serde_json::from_value(json!({"file": "k.yaml", "header": "x-key"})).ok();
    let issuers = json!([
        {"issuer": "https://a.example/r", "audiences": ["a"]},
        {"issuer": "https://b.example", "audiences": ["a"], "jwks_uri": "https://b.example/keys"},
    ]);
    with.authn.jwt = serde_json::from_value(issuers).unwrap();
    assert_eq!(schemes::of(&config).ok(), Some(Security::default()));
    schemes::of(&with).unwrap()
}

fn value(text: &str) -> Value {
    Document::parse(text).unwrap().value
}

/// The document without what we add.
fn rest(text: &str) -> Value {
    let mut value = value(text);
    let all = value.as_object_mut().unwrap();
    all.remove("security");
    if let Some(components) = all.get_mut("components").and_then(Value::as_object_mut) {
        if let Some(schemes) = components
            .get_mut("securitySchemes")
            .and_then(Value::as_object_mut)
        {
            schemes.retain(|_, scheme| scheme.get(schemes::MARK).is_none());
            if schemes.is_empty() {
                components.remove("securitySchemes");
            }
        }
        if components.is_empty() {
            all.remove("components");
        }
    }
    // A key without a value has become a mapping.
    if value["components"].is_null() {
        value.as_object_mut().unwrap().remove("components");
    }
    value
}

const DOCUMENTS: [&str; 8] = [
    "openapi: 3.0.2\n# kept\ncomponents:\n    parameters:\n        bbox: {name: bbox}\ninfo:\n    version: 1.0\npaths:\n    /: {get: {x: 2000-10-30T18:24:39Z}}\n",
    "openapi: 3.0.2\npaths: {}\n",
    "openapi: '3.0.2'\r\ncomponents:\r\n  securitySchemes:\r\n    other: {type: http, scheme: basic}\r\npaths: {}\r\n",
    "components:\nopenapi: 3.0.2\n",
    r#"{"openapi": "3.0.2", "paths": {"/{a}": {"x": "}\"{,"}}}"#,
    "{\n  \"components\": {\n    \"schemas\": {\"a\": 1.50}\n  },\n  \"openapi\": \"3.0.2\"\n}\n",
    r#"{"openapi": "3.0.2", "components": {"securitySchemes": {"other": {"type": "http"}}, "b": [1, {"c": 2}]}}"#,
    r#"{"openapi": "3.0.2", "components": {}}"#,
];

#[test]
fn schemes_are_added_once_and_nothing_else_changes() {
    let security = security();
    assert_eq!(security.schemes.len(), 3);
    for text in DOCUMENTS {
        let once = changed(text, &security).unwrap();
        let told = value(&once);
        let schemes = &told["components"]["securitySchemes"];
        assert_eq!(schemes["ApiKey"]["name"], "x-key", "{once}");
        assert_eq!(schemes["ApiKey"]["in"], "header");
        assert_eq!(schemes["Bearer"]["bearerFormat"], "JWT");
        let url = "https://a.example/r/.well-known/openid-configuration";
        assert_eq!(schemes["OpenIDConnect"]["openIdConnectUrl"], url);
        let expected = json!([{"ApiKey": []}, {"Bearer": []}, {"OpenIDConnect": []}]);
        assert_eq!(told["security"], expected, "{once}");
        assert_eq!(rest(&once), rest(text), "{once}");
        assert_eq!(changed(&once, &security).unwrap(), once);
        // What is configured no more goes, and every byte of the rest was kept.
        let none = changed(&once, &Security::default()).unwrap();
        assert_eq!(rest(&none), rest(text), "{none}");
        assert!(
            !none.contains("ApiKey") && !none.contains("Bearer"),
            "{none}"
        );
        let mut inserted = once.chars();
        assert!(text.chars().all(|c| inserted.any(|d| d == c)), "{once}");
    }
}

#[test]
fn what_is_no_document_or_somebody_elses_is_told() {
    let security = security();
    for text in ["", "a: 1\n", "[]", "openapi: [\n", "{\"openapi\": 3}", "{"] {
        let told = changed(text, &security);
        assert!(
            matches!(told, Err(DocumentError::NoDocument(_))),
            "{text}: {told:?}"
        );
    }
    for text in [
        "openapi: 3.0.2\nsecurity: []\n",
        "openapi: 3.0.2\ncomponents:\n  securitySchemes:\n    ApiKey: {type: http}\n",
        "{\"openapi\": \"3.0.2\", \"security\": [{\"a\": []}]}",
        "{\"openapi\": \"3.0.2\", \"components\": {\"securitySchemes\": {\"Bearer\": {}}}}",
    ] {
        let told = changed(text, &security);
        assert!(
            matches!(told, Err(DocumentError::Taken(_))),
            "{text}: {told:?}"
        );
    }
    let flow = "openapi: 3.0.2\ncomponents: {parameters: {}}\n";
    assert!(matches!(
        changed(flow, &security),
        Err(DocumentError::Style(_))
    ));
}

#[test]
fn a_document_that_would_not_read_back_is_refused() {
    for text in [
        "openapi: 3.0.2\npaths: {}\n...\n",
        "  openapi: 3.0.2\n  components:\n    schemas: {}\n  paths: {}\n",
        "\u{feff}{\"openapi\":\"3.0.2\"}",
    ] {
        assert_eq!(
            changed(text, &security()),
            Err(DocumentError::DoesNotReadBack),
            "{text}"
        );
    }
}
