use std::fs;

use super::*;
use crate::files::Fresh;

fn inspect(config: &Config) -> PygeoapiFindings {
    let files = Files::read(&config.roots(), Fresh::Read).unwrap();
    super::inspect(config, &files)
}

fn inspected(text: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pygeoapi.yml");
    fs::write(&path, text).unwrap();
    let mut config = Config::default();
    config.pygeoapi.config = Some(path);
    let findings = inspect(&config);
    (findings.warnings, findings.problems.to_string())
}

#[test]
fn ids_that_can_never_be_asked_for_are_told_with_their_line() {
    let (warnings, problems) = inspected(
        "resources:\n  ns/roads: {type: collection}\n  a/items: {type: collection}\n  p/q: {type: process}\n  café: {type: stac-collection}\n",
    );
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(
        problems.contains("pygeoapi.yml:3: resources.a/items"),
        "{problems}"
    );
    assert!(
        problems.contains("pygeoapi.yml:4: resources.p/q"),
        "{problems}"
    );
    assert_eq!(problems.lines().count(), 2, "{problems}");
}

#[test]
fn a_pygeoapi_that_clients_reach_around_envoy_is_warned_of() {
    for (host, is_told) in [
        ("0.0.0.0", true),
        ("'::'", true),
        ("192.0.2.1", true),
        ("127.0.0.1", false),
        ("'::1'", false),
        ("localhost", false),
        ("${HOST}", false),
    ] {
        let text = format!(
            "server: {{bind: {{host: \"{}\"}}}}\nresources: {{}}\n",
            host.trim_matches('\'')
        );
        let (warnings, _) = inspected(&text);
        let told = warnings.concat().contains("around Envoy");
        assert_eq!(told, is_told, "{host}: {warnings:?}");
    }
}

#[test]
fn risky_settings_are_warned_of() {
    // geowarden reads `/schemas` as pygeoapi serves it, so a folder of schemas is no risk.
    let (warnings, problems) = inspected(
        "server:\n  admin: true\n  api_rules: {url_prefix: v1}\n  ogc_schemas_location: /opt/schemas\nresources: {}\n",
    );
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for (warning, word) in warnings.iter().zip(["admin", "begin with /v1"]) {
        assert!(warning.contains(word), "{warning}");
    }
}

#[test]
fn what_is_no_configuration_of_pygeoapi_is_an_error() {
    for text in ["", "a: 1", "resources: []", "a: [", "\"x\""] {
        assert!(!inspected(text).1.is_empty(), "{text}");
    }
    let mut config = Config::default();
    config.pygeoapi.config = Some("/nowhere/pygeoapi.yml".into());
    assert!(
        inspect(&config)
            .problems
            .to_string()
            .contains("cannot be read")
    );
}
