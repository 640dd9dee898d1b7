//! Checks the metrics and labels of geowarden, and that documents, dashboards and alerts name no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::Instant,
};

use geowarden::{
    authn::{KeyFetchError, KeySet},
    record::DecisionRecord,
    telemetry::metrics::{Dropped, Metrics, SpanEnd},
};
use geowarden_yaml::Document;
use serde_json::Value;

const DASHBOARD: &str = "k8s/components/monitoring/dashboard.json";
const ALERTS: &str = "k8s/components/monitoring/prometheus-rule.yaml";
/// Labels that Prometheus itself adds.
const OF_PROMETHEUS: [&str; 3] = ["job", "instance", "le"];
/// Envoy's metrics. tests/e2e/pod compares these names with a real Envoy.
const OF_ENVOY: [&str; 1] = ["envoy_http_ext_authz_error"];

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The text of all metrics, each with a sample: a metric without a sample is not shown.
fn text() -> String {
    let metrics = Arc::new(Metrics::default());
    metrics.decided(&DecisionRecord::new(Instant::now(), false));
    let tenant = "osgeo".into();
    let keys = Metrics::key_events(&metrics, Some(&tenant));
    keys.fetched("https://idp.example", 1, 0);
    let no_keys = KeySet::parse(b"no keys").unwrap_err();
    keys.failed("https://idp.example", &KeyFetchError::from(no_keys));
    metrics.reloaded(true, false);
    metrics.task_restarts("reloader", 1);
    metrics.tenant_reloaded(Some(&"osgeo".into()), true);
    metrics.certificates("server.tls", true);
    metrics.spans(SpanEnd::Exported, 1);
    metrics.dropped("grpc", Dropped::Silent);
    metrics.text().unwrap()
}

/// Each series by its name, with its labels.
fn series() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in text().lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let labels = all.entry(name.to_owned()).or_default();
        if let Some((_, inner)) = line.split_once('{') {
            let inner = inner.split('}').next().unwrap();
            labels.extend(
                inner
                    .split("\",")
                    .map(|pair| pair.split('=').next().unwrap().to_owned()),
            );
        }
    }
    all
}

/// The queries of the dashboard and the alerts.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let alerts = Document::parse(&read(ALERTS)).unwrap().value;
    let mut all = Vec::new();
    collect(&dashboard, &mut all);
    collect(&alerts, &mut all);
    assert!(all.len() > 20, "{all:?}");
    all
}

fn collect(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            all.extend(
                members
                    .get("expr")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            // A variable of the dashboard.
            let query = members.get("query").and_then(Value::as_str);
            all.extend(query.filter(|query| query.contains('(')).map(str::to_owned));
            members.values().for_each(|member| collect(member, all));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, all)),
        _ => {}
    }
}

/// The words of a query outside of its strings, each with the character after it.
fn words(query: &str) -> Vec<(String, char)> {
    let mut all = Vec::new();
    for (index, part) in query.split('"').enumerate() {
        if index % 2 == 1 {
            continue;
        }
        let mut word = String::new();
        for c in part.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
            } else if !word.is_empty() {
                all.push((std::mem::take(&mut word), c));
            }
        }
    }
    all
}

#[test]
fn every_metric_is_documented() {
    let page = read("docs/operations.md");
    let text = text();
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

#[test]
fn dashboards_and_alerts_name_only_metrics_that_exist() {
    let series = series();
    let mut used = BTreeSet::new();
    for query in queries() {
        for (word, _) in words(&query) {
            if word.starts_with("geowarden_") {
                assert!(series.contains_key(&word), "{word} in {query}");
                used.insert(word);
            } else if word.starts_with("envoy_") {
                assert!(OF_ENVOY.contains(&&*word), "{word} in {query}");
            }
        }
    }
    // Some query uses every metric.
    for name in series.keys() {
        let is_part = ["_sum", "_count"].iter().any(|end| name.ends_with(end));
        assert!(used.contains(name) || is_part, "{name} is in no query");
    }
}

/// The texts between each `open` and the next `close`.
fn between<'a>(query: &'a str, open: &str, close: char) -> Vec<&'a str> {
    let parts = query.split(open).skip(1);
    parts.filter_map(|rest| rest.split(close).next()).collect()
}

#[test]
fn dashboards_and_alerts_name_only_labels_that_exist() {
    let known: BTreeSet<_> = series().into_values().flatten().collect();
    let mut count = 0;
    for query in queries() {
        let matched = between(&query, "{", '}').into_iter().flat_map(|matchers| {
            let all = words(matchers).into_iter();
            all.filter(|(_, next)| matches!(next, '=' | '!'))
        });
        let grouped = ["by (", "on ("]
            .into_iter()
            .flat_map(|word| between(&query, word, ')'))
            .flat_map(words);
        for (label, _) in matched.chain(grouped) {
            let is_known = known.contains(&label) || OF_PROMETHEUS.contains(&&*label);
            assert!(is_known, "{label} in {query}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
