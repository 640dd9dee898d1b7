#![allow(clippy::unwrap_used)]
use std::ffi::OsString;

use super::*;
use crate::authn::Audiences;

mod forms;
mod secrets;
mod tenants;
mod traces;

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
        "geowarden.yaml:2: server.grpc: expected ADDRESS:PORT (such as `127.0.0.1:9191`) or `unix:/PATH`, found another value",
        "geowarden.yaml:7: authn.jwt[0].audience: unknown key; did you mean `audiences`?",
        "geowarden.yaml:9: authn.jwt[0].leeway: expected a length of time with its unit, such as `250ms` or `10s`, found a number without a unit; add one, such as `5s`",
        "geowarden.yaml:11: policy.rego: expected `v0` or `v1`, found another word; did you mean `v0`?",
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
            "found another word; did you mean `",
        ),
        (
            "authn: {jwt: [{issuer: 'https://i.example', audiences: any, algorithms: [none]}]}",
            "or `EdDSA`, found another word",
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
            "authn: {api_keys: {header: referer, dir: /}}",
            "has a meaning of its own",
        ),
        (
            "authn: {api_keys: {header: X-Forwarded-For, dir: /}}",
            "has a meaning of its own",
        ),
        (
            "authn: {api_keys: {header: X API KEY, dir: /}}",
            "the name of a header",
        ),
        (
            "authn: {api_keys: {header: x_api_key, dir: /}}",
            "no name with `_` reaches geowarden",
        ),
        (
            "authn: {api_keys: {query: 'a b', dir: /}}",
            "the name of a query parameter",
        ),
        (
            "authn: {api_keys: {cookie: 'a;b', dir: /}}",
            "the name of a cookie",
        ),
        (
            "authn: {api_keys: {cookie: a, dir: /}, tokens: {cookie: a}}",
            "another name than that of `authn.api_keys`",
        ),
        (
            "authn: {tokens: {query: access_token}}",
            "expected `authn.jwt` beside it",
        ),
        ("authn: {api_keys: {}}", "expected `file`, `dir` or both"),
        ("policy: {entrypoint: allow}", "policy.entrypoint"),
        (
            "policy: {path: nowhere.rego}",
            "no such file or folder: /etc/geowarden/nowhere.rego",
        ),
        ("pygeoapi: {base_path: geoapi}", "pygeoapi.base_path"),
        ("server: {deadline: 0s}", "server.deadline"),
        (
            "server: {max_connections: 0}",
            "server.max_connections: expected 8 to 1000000, found 0",
        ),
        (
            "server: {receive_timeout: 0s}",
            "server.receive_timeout: expected 100ms to 5m",
        ),
        (
            "server: {receive_timeout: 6m}",
            "server.receive_timeout: expected 100ms to 5m",
        ),
        (
            "server: {max_request_bytes: 8388608}",
            "server.receive_memory_bytes: expected at least 8 times `server.max_request_bytes`, 67108864, found 25165824",
        ),
        (
            "server: {grpc: 'unix:/g.sock', admin_grpc: {address: 'unix:/g.sock'}}",
            "server.admin_grpc.address: expected another address than that of `server.grpc`, found the same",
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
        "decision_log",
        "telemetry",
        "tenants",
    ] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn the_older_name_of_the_logged_decisions_is_an_alias() {
    let logged = |text: &str| read(text, &[]).unwrap().decision_log.decisions;
    for text in [
        "telemetry: {decisions: denied}",
        "decision_log: {decisions: denied}",
    ] {
        assert_eq!(logged(text), LoggedDecisions::Denied, "{text}");
    }
    assert_eq!(logged(""), LoggedDecisions::All);
    let both = "telemetry: {decisions: none}\ndecision_log: {decisions: all}";
    let problems = read(both, &[]).unwrap_err().join("\n");
    assert!(
        problems.contains("telemetry.decisions: `decision_log.decisions` is set too"),
        "{problems}"
    );
}

#[test]
fn durations_have_bounds_that_are_told() {
    let issuer = |more: &str| {
        format!("authn: {{jwt: [{{issuer: 'https://idp.example', audiences: [a], {more}}}]}}")
    };
    let jwt = |key: &str, value: &str| issuer(&format!("{key}: {value}"));
    let opaque = |value: &str| {
        issuer(&format!(
            "opaque_tokens: {{inquiry: userinfo, remember: {value}}}"
        ))
    };
    for (text, told) in [
        (
            "server: {deadline: 0s}".to_owned(),
            "server.deadline: expected 1ms to 1m, found 0s",
        ),
        (
            "server: {deadline: 2m}".to_owned(),
            "server.deadline: expected 1ms to 1m, found 2m",
        ),
        (
            "server: {drain: 2h}".to_owned(),
            "server.drain: expected 0s to 1h, found 2h",
        ),
        (
            "policy: {timeout: 0s}".to_owned(),
            "policy.timeout: expected 1ms to 1m, found 0s",
        ),
        (
            "policy: {load_timeout: 999ms}".to_owned(),
            "policy.load_timeout: expected 1s to 10m, found 999ms",
        ),
        (
            jwt("refresh", "0s"),
            "authn.jwt[0].refresh: expected 10s to 1day, found 0s",
        ),
        (
            jwt("refresh", "9s"),
            "authn.jwt[0].refresh: expected 10s to 1day, found 9s",
        ),
        (
            jwt("refresh", "25h"),
            "authn.jwt[0].refresh: expected 10s to 1day, found 1day 1h",
        ),
        (
            jwt("refresh_floor", "0s"),
            "authn.jwt[0].refresh_floor: expected 100ms to 1h, found 0s",
        ),
        (
            jwt("leeway", "2h"),
            "authn.jwt[0].leeway: expected 0s to 1h, found 2h",
        ),
        (
            opaque("2h"),
            "authn.jwt[0].opaque_tokens.remember: expected 0s to 1h, found 2h",
        ),
    ] {
        let faults = read(&text, &[]).unwrap_err();
        let found = faults.iter().any(|fault| fault.contains(told));
        assert!(found, "{text}: {faults:?}");
    }
    for text in [
        jwt("refresh", "10s"),
        jwt("refresh", "24h"),
        jwt("refresh_floor", "100ms"),
        opaque("0s"),
        "server: {drain: 0s}".to_owned(),
    ] {
        read(&text, &[]).unwrap();
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt as _;

    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    for (name, value, told) in [
        (
            &b"GEOWARDEN_POLICY__PATH"[..],
            &b"/x/p\xff.rego"[..],
            "environment variable GEOWARDEN_POLICY__PATH: expected UTF-8",
        ),
        (
            b"OTEL_EXPORTER_OTLP_ENDPOINT",
            b"http://a/\xff",
            "environment variable OTEL_EXPORTER_OTLP_ENDPOINT: expected UTF-8",
        ),
        (
            b"GEOWARDEN_ENV_FILE",
            b"\xff.env",
            "environment variable GEOWARDEN_ENV_FILE: expected UTF-8",
        ),
        (
            b"GEOWARDEN_POLICY__\xff",
            b"x",
            "environment variable GEOWARDEN_POLICY__\u{fffd}: expected UTF-8",
        ),
    ] {
        let environment = Environment::from_variables([(bytes(name), bytes(value))]);
        for loaded in [
            Config::load_either(None, None, &environment),
            Config::load(None, &environment),
        ] {
            let problems = loaded.unwrap_err().to_string();
            assert!(problems.starts_with(told), "{problems}");
        }
    }
    let others = [(bytes(b"LS_COLORS"), bytes(b"\xff"))];
    assert!(Config::load(None, &Environment::from_variables(others)).is_ok());
    // A key of fastgeoapi's that could not be read would be as none.
    let key = [(bytes(b"DEV_API_KEY_ENABLED"), bytes(b"\xff"))];
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".env");
    std::fs::write(&file, "ENV_STATE=dev\n").unwrap();
    let environment = Environment::from_variables(key);
    let problems = Config::load_either(None, Some(&file), &environment).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("environment variable DEV_API_KEY_ENABLED: expected UTF-8"),
        "{problems}"
    );
}
