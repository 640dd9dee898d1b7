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

/// Each with places that are easily changed by mistake.
const DOCUMENTS: [&str; 29] = [
    "openapi: 3.0.2\n# kept\ncomponents:\n    parameters:\n        bbox: {name: bbox}\ninfo:\n    version: 1.0\npaths:\n    /: {get: {x: 2000-10-30T18:24:39Z}}\n",
    "openapi: 3.0.2\npaths: {}\n",
    "openapi: 3.0.2\npaths: {}",
    "openapi: '3.0.2'\r\ncomponents:\r\n  securitySchemes:\r\n    other: {type: http, scheme: basic}\r\npaths: {}\r\n",
    "components:\nopenapi: 3.0.2\n",
    "openapi: 3.0.2\ncomponents:",
    "openapi: 3.0.2\r\npaths: {}\r\ncomponents: # none",
    "openapi: 3.0.2\ncomponents: # those of pygeoapi\n  # kept\n  schemas: {}\n",
    "openapi: 3.0.2\ncomponents: {}\n",
    "openapi: 3.0.2\ncomponents: { } # kept\npaths: {}\n",
    "openapi: 3.0.2\ncomponents: {parameters: {}, schemas: {}}\n",
    "openapi: 3.0.2\n\"components\":\n  'securitySchemes': &none {}\n",
    "openapi: 3.0.2\ncomponents: &c\n  &k schemas: {}\n",
    "openapi: 3.0.2\ncomponents:\n  securitySchemes: # none\ninfo: {}\n",
    "# licence\n---\n# first\nopenapi: 3.0.2\npaths: {}\n...\n",
    "  openapi: 3.0.2\n  components:\n    schemas: {}\n  paths: {}\n",
    "\u{feff}openapi: 3.0.2\npaths: {é: \"\u{1f600}\"}\n",
    "? openapi\n: 3.0.2\n? components\n:\n  schemas: {}\n",
    "openapi: 3.0.2\ncomponents: &c # {\n  a: {}\n",
    // The last text has no line break, and would get one.
    "openapi: 3.0.2\ninfo:\n  description: |\n    text",
    "openapi: 3.0.2\ninfo:\n  description: |+\n    text\n\n\n",
    // Our comments as somebody's text.
    "openapi: 3.0.2\ninfo:\n  description: |\n    # geowarden openapi: begin\n    text\n    # geowarden openapi: end\n    more\ncomponents:\n  schemas:\n    a: {}\n",
    "{openapi: 3.0.2, components: {a: [1, 2], },\n paths: {}} # flow\n",
    r#"{"openapi": "3.0.2", "paths": {"/{a}": {"x": "}\"{,"}}}"#,
    "{\n  \"components\": {\n    \"schemas\": {\"a\": 1.50}\n  },\n  \"openapi\": \"3.0.2\"\n}\n",
    r#"{"openapi": "3.0.2", "components": {"securitySchemes": {"other": {"type": "http"}}, "b": [1, {"c": 2}]}}"#,
    r#"{"openapi": "3.0.2", "components": {}}"#,
    "{\"openapi\": \"3.0.2\", \"components\": {\"securitySchemes\": {\n}}, \"x\": \"\\ud83d\\ude00 \\\\ud83d\"}",
    "\u{feff}{\"openapi\":\"3.0.2\"}",
];

fn value(text: &str) -> Value {
    Document::read(text).unwrap().value
}

#[test]
fn schemes_are_added_once_and_nothing_else_changes() {
    let security = security();
    assert_eq!(security.schemes.len(), 3);
    for text in DOCUMENTS {
        let once = changed(text, &security).unwrap_or_else(|e| panic!("{e}: {text}"));
        let told = value(&once);
        let schemes = &told["components"]["securitySchemes"];
        assert_eq!(schemes["ApiKey"]["name"], "x-key", "{once}");
        assert_eq!(schemes["ApiKey"]["in"], "header");
        assert_eq!(schemes["Bearer"]["bearerFormat"], "JWT");
        let url = "https://a.example/r/.well-known/openid-configuration";
        assert_eq!(schemes["OpenIDConnect"]["openIdConnectUrl"], url);
        let expected = json!([{"ApiKey": []}, {"Bearer": []}, {"OpenIDConnect": []}]);
        assert_eq!(told["security"], expected, "{once}");
        assert_eq!(changed(&once, &security).unwrap(), once);
        let mut inserted = once.chars();
        assert!(text.chars().all(|c| inserted.any(|d| d == c)), "{once}");
        // Schemes that are no longer configured are removed, and the text is as before, byte for byte.
        assert_eq!(changed(&once, &Security::default()).unwrap(), text);
        let mut fewer = security.clone();
        fewer.schemes.remove("Bearer");
        let changed_back = changed(&changed(&once, &fewer).unwrap(), &security);
        assert_eq!(changed_back.unwrap(), once);
    }
}

#[test]
fn a_document_that_was_formatted_since_loses_only_what_was_added() {
    let security = security();
    for text in DOCUMENTS.into_iter().filter(|text| text.starts_with('{')) {
        let before = value(text);
        let once = value(&changed(text, &security).unwrap());
        let formatted = serde_json::to_string_pretty(&once).unwrap();
        let none = changed(&formatted, &Security::default()).unwrap();
        assert_eq!(value(&none), before, "{none}");
        // What somebody added to our objects stays.
        let mut more = once.clone();
        more["components"]["securitySchemes"]["Mine"] = json!({"type": "http"});
        let none = changed(&more.to_string(), &Security::default()).unwrap();
        let schemes = &value(&none)["components"]["securitySchemes"];
        assert_eq!(schemes["Mine"], json!({"type": "http"}));
        assert!(schemes.get("ApiKey").is_none());
    }
}

#[test]
fn what_is_no_document_or_somebody_elses_is_told() {
    let security = security();
    let told = |text: &str| match changed(text, &security) {
        Ok(text) => panic!("{text}"),
        Err(error) => (error.line(), error.to_string()),
    };
    let no_document = "expected an OpenAPI document, a mapping with `openapi`, found ";
    for (text, line, found) in [
        ("", None, "nothing"),
        ("a: 1\n", None, "none"),
        ("[]", None, "none"),
        ("openapi:\n  - [\n", Some(2), "another text: "),
        ("{\"openapi\": 3}", None, "one whose value is no text"),
        ("openapi: a\n---\nopenapi: b\n", Some(3), "another text: "),
    ] {
        let (at, error) = told(text);
        assert_eq!(at, line, "{text}: {error}");
        assert!(
            error.starts_with(&format!("{no_document}{found}")),
            "{error}"
        );
    }
    for (text, line, name) in [
        ("openapi: 3.0.2\nsecurity: []\n", 2, "security"),
        (
            "openapi: 3.0.2\ncomponents:\n  securitySchemes:\n    ApiKey: {type: http}\n",
            4,
            "components.securitySchemes.ApiKey",
        ),
        (
            "{\"openapi\": \"3.0.2\", \"security\": [{\"a\": []}]}",
            1,
            "security",
        ),
        (
            "{\"openapi\": \"3.0.2\",\n \"components\": {\"securitySchemes\": {\"Bearer\": {}}}}",
            2,
            "components.securitySchemes.Bearer",
        ),
    ] {
        let name = name.to_owned();
        let expected = Err(DocumentError::Taken { name, line });
        assert_eq!(changed(text, &security), expected, "{text}");
        assert_eq!(changed(text, &Security::default()).unwrap(), text);
    }
    for (text, line, place, found) in [
        (
            "openapi: a\ncomponents: []\n",
            2,
            "`components`",
            "a sequence",
        ),
        ("openapi: a\ncomponents: ~\n", 2, "`components`", "`null`"),
        (
            "openapi: a\nx: &x {}\ncomponents: *x\n",
            3,
            "`components`",
            "an alias of another mapping",
        ),
        (
            "openapi: a\ncomponents:\n  securitySchemes: a\n",
            3,
            "`components.securitySchemes`",
            "a scalar",
        ),
        (
            "? openapi\n: a\n? components\n: schemas: {}\n",
            4,
            "`components`",
            "a key that does not begin its line",
        ),
        (
            "{openapi: a, components: }\n",
            1,
            "`components`",
            "nothing, in braces",
        ),
    ] {
        let (at, error) = told(text);
        assert_eq!(at, Some(line), "{text}: {error}");
        let expected = format!("expected {place} as a mapping, found {found}: begin ");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_document_in_which_more_would_change_is_refused() {
    let security = security();
    let with_alias = "openapi: a\ncomponents: &c\n  schemas: {}\nx: *c\n";
    assert_eq!(
        changed(with_alias, &security),
        Err(DocumentError::DoesNotReadBack)
    );
    let text = "openapi: a\ncomponents:\n  schemas: {}\n";
    let once = changed(text, &security).unwrap();
    let extra = once.replace(
        "# geowarden openapi: end\nopenapi",
        "x: 1\n# geowarden openapi: end\nopenapi",
    );
    assert_ne!(extra, once);
    assert_eq!(changed(&extra, &security), Err(DocumentError::Edited));
    let bare = once.replacen("# geowarden openapi: begin\n", "", 1);
    let (name, line) = ("security".to_owned(), 1);
    assert_eq!(
        changed(&bare, &security),
        Err(DocumentError::Unmarked { name, line })
    );
}

#[test]
fn each_place_of_a_credential_has_a_scheme() {
    let mut config = crate::config::Config::default();
    let keys = json!({"file": "k.yaml", "authorization": ["basic", "apikey"], "query": "api_key", "cookie": "key"});
    config.authn.api_keys = serde_json::from_value(keys).ok();
    let issuers = json!([{"issuer": "https://a.example", "audiences": ["a"], "jwks_file": "k"}]);
    config.authn.jwt = serde_json::from_value(issuers).unwrap();
    config.authn.tokens = serde_json::from_value(json!({"query": "t", "cookie": "c"})).unwrap();
    let schemes = schemes::of(&config).unwrap().schemes;
    let shown: Vec<_> = schemes
        .iter()
        .map(|(name, scheme)| {
            let place = scheme["in"]
                .as_str()
                .or(scheme["scheme"].as_str())
                .unwrap_or_default();
            format!(
                "{name} {place} {}",
                scheme["name"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let expected = [
        "ApiKey header x-api-key",
        "ApiKeyInCookie cookie key",
        "ApiKeyInQuery query api_key",
        "Basic basic ",
        "Bearer bearer ",
        "TokenInCookie cookie c",
        "TokenInQuery query t",
    ];
    assert_eq!(shown, expected);
}
