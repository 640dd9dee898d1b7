use super::*;
use crate::config::Environment;

fn configuration(text: &str) -> Config {
    let folder = std::path::Path::new("");
    Config::from_text("test", text, folder, &Environment::default()).unwrap()
}

fn found(text: &str) -> VersionFindings {
    VersionFindings::of_configuration(&configuration(text))
}

#[test]
fn another_version_than_the_measured_one_is_told() {
    for text in [
        "",
        "pygeoapi: {version: '0.24'}",
        "pygeoapi: {version: 0.24.1, version_mismatch: refuse}",
    ] {
        let found = found(text);
        assert!(
            found.warnings.is_empty() && found.problems.0.is_empty(),
            "{text}"
        );
    }
    let warned = found("pygeoapi: {version: '0.25'}");
    assert!(warned.problems.0.is_empty());
    assert!(
        warned.warnings[0].contains("measured with 0.24"),
        "{warned:?}"
    );
    let refused = found("pygeoapi: {version: '0.25', version_mismatch: refuse}");
    assert_eq!(refused.problems.0[0].path, "pygeoapi.version");
}

#[test]
fn a_mismatch_that_is_found_later_is_refused_where_it_is_to_be() {
    for (on_mismatch, is_refused) in [("warn", false), ("refuse", true)] {
        let text = format!("pygeoapi: {{version_mismatch: {on_mismatch}}}");
        let config = configuration(&text);
        let refused = Arc::default();
        let later = VersionChecks::new(Vec::new(), Arc::clone(&refused));
        let running = "0.25".parse().unwrap();
        let guarded = config.pygeoapi.version;
        later.report(&config, &Mismatch::Running { running, guarded });
        assert_eq!(refused.load(Ordering::Relaxed), is_refused, "{on_mismatch}");
    }
}
