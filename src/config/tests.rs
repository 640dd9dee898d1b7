#![allow(clippy::unwrap_used)]
use std::ffi::OsString;

use super::*;

mod tenants;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::from_variables(
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    Config::from_text(
        "geowarden.yaml",
        text,
        Path::new("/etc/geowarden"),
        &environment(variables),
    )
    .map_err(|p| p.0.iter().map(ToString::to_string).collect())
}

#[test]
fn nothing_is_the_default() {
    let config = read("", &[]).unwrap();
    assert_eq!(config.server.grpc.to_string(), "127.0.0.1:9191");
    assert_eq!(config.policy.entrypoint, "geowarden/authz/allow");
    assert!(config.has_no_credentials());
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let problems = read(
        "server:\n  grpc: nowhere\n  admin: 127.0.0.1:9192\nauthn:\n  jwt:\n    - issuer: https://idp.example\n      audience: [x]\n      audiences: [x]\n      leeway: 5\npolicy:\n  rego: v2\n  time_out: 5s\n",
        &[],
    )
    .unwrap_err();
    let expected = [
        "geowarden.yaml:2: server.grpc: expected ADDRESS:PORT (such as `127.0.0.1:9191`) or `unix:/PATH`, found `nowhere`",
        "geowarden.yaml:7: authn.jwt[0].audience: unknown key; did you mean `audiences`?",
        "geowarden.yaml:9: authn.jwt[0].leeway: invalid type: integer `5`, expected a string",
        "geowarden.yaml:11: policy.rego: unknown variant `v2`, expected `v0` or `v1`",
        "geowarden.yaml:12: policy.time_out: unknown key; did you mean `timeout`?",
    ];
    for line in expected {
        assert!(
            problems.iter().any(|p| p == line),
            "{line}\nnot in {problems:#?}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn the_environment_wins_and_reaches_every_key() {
    let config = read(
        "server:\n  grpc: 127.0.0.1:1\n",
        &[
            ("GEOWARDEN_SERVER__GRPC", "unix:/run/g.sock"),
            ("GEOWARDEN_AUTHN__JWT__0__ISSUER", "https://idp.example"),
            ("GEOWARDEN_AUTHN__JWT__0__AUDIENCES", "[pygeoapi, 7]"),
            ("GEOWARDEN_PYGEOAPI__BASE_PATH", "/geoapi"),
            ("GEOWARDEN_PORT", "tcp://10.0.0.1:9191"),
            ("GEOWARDEN_SERVICE_HOST", "10.0.0.1"),
        ],
    );
    // A list with a number in it is a fault of that variable, and named so.
    assert_eq!(
        config.unwrap_err(),
        [
            "environment variable GEOWARDEN_AUTHN__JWT__0__AUDIENCES: authn.jwt[0].audiences: expected a list of audiences, or the word `any`"
        ]
    );
    let config = read(
        "server:\n  grpc: 127.0.0.1:1\n",
        &[
            ("GEOWARDEN_SERVER__GRPC", "unix:/run/g.sock"),
            ("GEOWARDEN_AUTHN__JWT__0__ISSUER", "https://idp.example"),
            ("GEOWARDEN_AUTHN__JWT__0__AUDIENCES", "[pygeoapi]"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.grpc.to_string(), "unix:/run/g.sock");
    assert_eq!(
        config.authn.jwt[0].audiences,
        Audiences::OneOf(vec!["pygeoapi".into()])
    );
}

#[test]
fn the_elements_of_a_list_keep_their_numbers() {
    let problems = read(
        "authn:\n  jwt:\n    - issuer: https://a.example\n    - issuer: https://b.example\n    - issuer: https://c.example\n      audiences: 1\n",
        &[],
    );
    assert_eq!(
        problems.unwrap_err(),
        [
            "geowarden.yaml:3: authn.jwt[0]: missing field `audiences`",
            "geowarden.yaml:4: authn.jwt[1]: missing field `audiences`",
            "geowarden.yaml:6: authn.jwt[2].audiences: expected a list of audiences, or the word `any`",
        ]
    );
}

#[test]
fn a_number_from_the_environment_serves_a_key_that_wants_text() {
    let problems = read(
        "",
        &[
            ("GEOWARDEN_AUTHN__API_KEYS__HEADER", "123"),
            ("GEOWARDEN_AUTHN__API_KEYS__DIR", "/"),
        ],
    );
    assert_eq!(problems.unwrap().authn.api_keys.unwrap().header, "123");
}

#[test]
fn what_is_unsafe_is_refused() {
    for (text, expected) in [
        (
            "authn: {jwt: [{issuer: 'https://i.example', audiences: []}]}",
            "authn.jwt[0].audiences",
        ),
        (
            "authn: {jwt: [{issuer: 'https://i.example'}]}",
            "missing field `audiences`",
        ),
        (
            "authn: {jwt: [{issuer: 'http://i.example', audiences: any}]}",
            "expected https",
        ),
        (
            "authn: {jwt: [{issuer: 'https://i.example', audiences: any, algorithms: [HS256]}]}",
            "unknown variant `HS256`",
        ),
        (
            "authn: {jwt: [{issuer: 'https://i.example', audiences: any, algorithms: [none]}]}",
            "unknown variant `none`",
        ),
        (
            "authn: {jwt: [{issuer: a, audiences: any}]}",
            "expected an https address",
        ),
        (
            "authn: {api_keys: {header: authorization, dir: /}}",
            "has a meaning of its own",
        ),
        (
            "authn: {api_keys: {header: X-API-KEY, dir: /}}",
            "lower case",
        ),
        ("authn: {api_keys: {}}", "expected `file`, `dir` or both"),
        ("policy: {entrypoint: allow}", "policy.entrypoint"),
        (
            "policy: {path: nowhere}",
            "no such file or folder: /etc/geowarden/nowhere",
        ),
        ("pygeoapi: {base_path: geoapi}", "pygeoapi.base_path"),
        ("server: {deadline: 0s}", "server.deadline"),
        (
            "server: {grpc: 'unix:/g.sock', admin_grpc: {address: 'unix:/g.sock'}}",
            "server.admin_grpc.address: expected another address than that of `server.grpc`, found `unix:/g.sock` for both",
        ),
        ("[1]", "expected a mapping of sections"),
        ("a: [", "geowarden.yaml:"),
    ] {
        let problems = read(text, &[]).unwrap_err();
        assert!(
            problems.join("\n").contains(expected),
            "{text}: {problems:#?}"
        );
    }
}

#[test]
fn ports_that_the_system_chooses_are_not_the_same() {
    let text = "server: {grpc: '127.0.0.1:0', admin_grpc: {address: '127.0.0.1:0'}}";
    assert!(read(text, &[]).is_ok());
}

#[test]
fn the_schema_describes_every_section() {
    let schema = schema();
    for section in [
        "server",
        "pygeoapi",
        "authn",
        "policy",
        "telemetry",
        "tenants",
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

fn traces(text: &str, variables: &[(&str, &str)]) -> Option<Traces> {
    read(text, variables).unwrap().telemetry.traces
}

#[test]
fn opentelemetry_s_variables_fill_what_nothing_of_ours_sets() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20s3cret",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_SERVICE_NAME", "authz"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "k8s.pod.name=a,service.name=b,k8s.node.name=c%20d",
        ),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ];
    let all = traces("", &variables).unwrap();
    assert_eq!(all.endpoint, "http://127.0.0.1:4318/v1/traces");
    assert_eq!(all.service_name, "authz");
    assert_eq!(all.timeout, Span::millis(2500));
    assert!((all.sample_ratio - 0.25).abs() < f64::EPSILON);
    assert_eq!(all.resource["k8s.node.name"], "c d");
    let headers = all.request_headers().unwrap();
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert!(!format!("{headers:?}").contains("s3cret"));
    assert!(!format!("{all:?}").contains("s3cret"));

    let file = "telemetry: {traces: {endpoint: 'http://127.0.0.1:1/x', service_name: file, resource: {k8s.pod.name: z}}}";
    let mut both = variables.to_vec();
    both.push(("GEOWARDEN_TELEMETRY__TRACES__SAMPLE_RATIO", "1"));
    let ours = traces(file, &both).unwrap();
    assert_eq!(ours.endpoint, "http://127.0.0.1:1/x");
    assert_eq!(ours.service_name, "file");
    assert_eq!(ours.resource["k8s.pod.name"], "z");
    assert!((ours.sample_ratio - 1.0).abs() < f64::EPSILON);
}

#[test]
fn nothing_but_an_endpoint_turns_traces_on() {
    let endpoint = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/x");
    assert_eq!(traces("", &[endpoint]).unwrap().endpoint, endpoint.1);
    for variables in [
        &[("OTEL_SERVICE_NAME", "authz")][..],
        &[("OTEL_EXPORTER_OTLP_HEADERS", "a=b")],
        &[endpoint, ("OTEL_SDK_DISABLED", "true")],
        &[endpoint, ("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
    ] {
        assert!(traces("", variables).is_none(), "{variables:?}");
    }
}

#[test]
fn faults_of_traces_are_told_where_they_are() {
    let of_variables = read(
        "",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ],
    );
    assert_eq!(
        of_variables.unwrap_err(),
        [
            "environment variable OTEL_EXPORTER_OTLP_PROTOCOL: telemetry.traces.protocol: unknown variant `grpc`, expected `http/protobuf`"
        ]
    );
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization s3cret");
    for (traces, variables, expected) in [
        (
            "endpoint: 'http://127.0.0.1:4318'",
            &[][..],
            "endpoint: expected the whole address that spans are posted to",
        ),
        (
            "endpoint: 'https://me:s3cret@otel.example/v1/traces'",
            &[],
            "endpoint: expected an address without a user name",
        ),
        (
            "endpoint: 'http://otel.example/x'",
            &[("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cret")],
            "endpoint: expected https, since headers",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', sample_ratio: 2}",
            &[],
            "sample_ratio: expected a number from 0 to 1, found 2",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', timeout: 0s}",
            &[],
            "timeout: expected more than 0",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', headers_file: none}",
            &[],
            "headers_file: /etc/geowarden/none cannot be read",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', ca_file: none}",
            &[],
            "ca_file: no such file: /etc/geowarden/none",
        ),
        (
            "endpoint: 'http://127.0.0.1:1/x'",
            &[headers],
            "headers_file: OTEL_EXPORTER_OTLP_HEADERS (or .._TRACES_HEADERS): expected `name=value,name=value`",
        ),
        (
            "endpoint: 'http://127.0.0.1:1/x'",
            &[(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "Authorization: Bearer s3cret==",
            )],
            "headers_file: OTEL_EXPORTER_OTLP_HEADERS (or .._TRACES_HEADERS): expected headers as `name=value,name=value`",
        ),
        (
            "endpoint: 'https://me:s3cret@otel.example:99999/v1'",
            &[],
            "endpoint: expected the whole address",
        ),
        (
            "endpoint: 'https://otel.example/?api_key=s3cret'",
            &[],
            "endpoint: expected the whole address that spans are posted to, such as `http://127.0.0.1:4318/v1/traces`, found another of `https://otel.example`",
        ),
        (
            "endpoint: 'me:s3cret@otel.example'",
            &[],
            "endpoint: expected the whole address",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', ca_file: /dev/null}",
            &[],
            "ca_file: no such file: /dev/null",
        ),
    ] {
        let traces = traces.trim_matches(['{', '}']);
        let problems =
            read(&format!("telemetry: {{traces: {{{traces}}}}}"), variables).unwrap_err();
        let fits = problems
            .iter()
            .any(|p| p.contains(&format!("telemetry.traces.{expected}")));
        assert!(fits, "{expected} not in {problems:#?}");
        assert!(!problems.concat().contains("s3cret"), "{problems:#?}");
    }
}

#[test]
fn files_of_a_collector_that_cannot_be_used_are_told_without_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "Authorization: Bearer s3cret==").unwrap();
    for key in ["headers_file", "ca_file"] {
        let text = format!(
            "telemetry: {{traces: {{endpoint: 'http://127.0.0.1:1/x', {key}: '{}'}}}}",
            file.display()
        );
        let problems = read(&text, &[]).unwrap_err().concat();
        assert!(
            problems.contains(&format!(
                "geowarden.yaml:1: telemetry.traces.{key}: expected "
            )),
            "{problems}"
        );
        assert!(!problems.contains("s3cret"), "{problems}");
    }
    let endpoint = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "https://me:s3cret@h:99999/v1",
    );
    let problems = read("", &[endpoint]).unwrap_err().concat();
    assert!(!problems.contains("s3cret"), "{problems}");
}
