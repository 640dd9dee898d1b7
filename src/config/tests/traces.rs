use super::*;

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
    assert_eq!(all.timeout, ConfigDuration::millis(2500));
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
fn opentelemetry_s_samplers_are_taken_or_told_to_be_ignored() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let argument = ("OTEL_TRACES_SAMPLER_ARG", "0.25");
    for (sampler, ratio) in [
        ("always_on", 1.0),
        ("always_off", 0.0),
        ("traceidratio", 0.25),
        ("parentbased_always_on", 1.0),
        ("parentbased_always_off", 0.0),
        ("parentbased_traceidratio", 0.25),
    ] {
        let config = read("", &[endpoint, argument, ("OTEL_TRACES_SAMPLER", sampler)]).unwrap();
        let found = config.telemetry.traces.unwrap().sample_ratio;
        assert!((found - ratio).abs() < f64::EPSILON, "{sampler}: {found}");
        assert!(config.notes.is_empty(), "{:?}", config.notes);
    }
    let attributes = "token s3cret";
    let config = read(
        "",
        &[
            endpoint,
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_RESOURCE_ATTRIBUTES", attributes),
        ],
    )
    .unwrap();
    let [sampler, resource] = config.notes.as_slice() else {
        panic!("{:?}", config.notes)
    };
    assert!(
        sampler.contains("OTEL_TRACES_SAMPLER is ignored") && !sampler.contains("jaeger_remote")
    );
    assert!(
        resource.contains("OTEL_RESOURCE_ATTRIBUTES is ignored") && resource.contains("number 1")
    );
    assert!(!resource.contains("s3cret"));
    let traces = config.telemetry.traces.unwrap();
    assert!(traces.resource.is_empty() && (traces.sample_ratio - 1.0).abs() < f64::EPSILON);
    // Where there are no traces there is nothing to say of them.
    assert!(
        read("", &[("OTEL_TRACES_SAMPLER", "xray")])
            .unwrap()
            .notes
            .is_empty()
    );
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
            "environment variable OTEL_EXPORTER_OTLP_PROTOCOL: telemetry.traces.protocol: expected `http/protobuf`, found another word"
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
            "timeout: expected 1ms to 5m, found 0s",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', headers_file: none.txt}",
            &[],
            "headers_file: no such file: /etc/geowarden/none.txt",
        ),
        (
            "{endpoint: 'http://127.0.0.1:1/x', ca_file: none.pem}",
            &[],
            "ca_file: no such file: /etc/geowarden/none.pem",
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
            "endpoint: expected the whole address that spans are posted to, such as `http://127.0.0.1:4318/v1/traces`, found one without a path",
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
