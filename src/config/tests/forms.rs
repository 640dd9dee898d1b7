//! The texts of configuration errors.

use super::*;

#[test]
fn a_fault_of_a_variable_names_the_variable() {
    for (name, value, told) in [
        (
            "GEOWARDEN_FOO__BAR",
            "1",
            "environment variable GEOWARDEN_FOO__BAR: unknown key; expected one of: server,",
        ),
        (
            "GEOWARDEN_AUTHN__JWT__0__ISSUER",
            "https://a.example",
            "environment variable GEOWARDEN_AUTHN__JWT__0__ISSUER: authn.jwt[0]: missing field `audiences`",
        ),
        (
            "GEOWARDEN_AUTHN__API_KEYS__HEADER",
            "x-a",
            "environment variable GEOWARDEN_AUTHN__API_KEYS__HEADER: authn.api_keys: expected `file`, `dir` or both",
        ),
    ] {
        let environment = environment(&[(name, value)]);
        let problems = Config::load(None, &environment).unwrap_err().to_string();
        assert!(problems.starts_with(told), "{problems}");
    }
}

#[test]
fn kinds_are_told_as_people_name_them() {
    for (text, told) in [
        (
            "server: {max_connections: a}",
            "expected a whole number, 0 or more, found a string",
        ),
        (
            "server: {max_connections: -1}",
            "expected a whole number, 0 or more, found a number",
        ),
        (
            "policy: {load_memory_bytes: a}",
            "expected a whole number, 0 or more, found a string",
        ),
        (
            "telemetry: {traces: {endpoint: 'http://127.0.0.1:1/x', sample_ratio: a}}",
            "expected a number, found a string",
        ),
        ("policy: {path: [a]}", "expected a path, found a list"),
        (
            "telemetry: {traces: {endpoint: 'http://127.0.0.1:1/x', resource: 1}}",
            "expected a mapping, found a number",
        ),
        ("authn: {jwt: 1}", "expected a list, found a number"),
        (
            "authn: {forward_token: 1}",
            "expected `true` or `false`, found a number",
        ),
        ("server: 1", "expected a mapping, found a number"),
        (
            "server: {admin: foo}",
            "expected ADDRESS:PORT such as `127.0.0.1:9192`, found another value",
        ),
        ("server: {grpc: 9191}", "expected ADDRESS:PORT (such as"),
        ("policy: {rego: 1}", "expected a word, found a number"),
        ("telemetry: {format: [a]}", "expected a word, found a list"),
        (
            "server: {drain: 0}",
            "found a number without a unit; add one, such as `5s`",
        ),
        (
            "server: {drain: '5'}",
            "found a number without a unit; add one, such as `5s`",
        ),
        (
            "server: {drain: [1]}",
            "such as `250ms` or `10s`, found a list",
        ),
    ] {
        let problems = read(text, &[]).unwrap_err().join("\n");
        assert!(problems.contains(told), "{text}: {problems}");
    }
}

#[test]
fn a_realm_that_cannot_be_seen_is_refused() {
    for realm in ["a\\u0007", "a\\u202E", "a\\n", "\\u3164"] {
        let told = read(&format!("authn: {{realm: \"{realm}\"}}"), &[]).unwrap_err();
        let expected = "geowarden.yaml:1: authn.realm: expected a text without control characters";
        assert!(told.concat().contains(expected), "{realm}: {told:?}");
    }
    assert!(read("authn: {realm: \u{e9}t\u{e9}}", &[]).is_ok());
}

#[test]
fn numbers_have_bounds_that_are_told() {
    for (text, told) in [
        (
            "server: {max_connections: 1000001}",
            "server.max_connections: expected 8 to 1000000, found 1000001",
        ),
        (
            "server: {max_request_bytes: 1023}",
            "server.max_request_bytes: expected 1024 to 67108864, found 1023",
        ),
        (
            "server: {max_request_bytes: 67108865}",
            "server.max_request_bytes: expected 1024 to 67108864, found 67108865",
        ),
        (
            "server: {receive_memory_bytes: 17179869185}",
            "server.receive_memory_bytes: expected 0 to 17179869184, found 17179869185",
        ),
        (
            "authn: {max_token_bytes: 0}",
            "authn.max_token_bytes: expected 64 to 1048576, found 0",
        ),
        (
            "authn: {remembered_tokens: 1000001}",
            "authn.remembered_tokens: expected 0 to 1000000, found 1000001",
        ),
        (
            "policy: {remembered_decisions: 18446744073709551615}",
            "policy.remembered_decisions: ",
        ),
        (
            "policy: {load_memory_bytes: 1}",
            "policy.load_memory_bytes: expected 268435456 to 68719476736, found 1",
        ),
        (
            "tenants: {a: {authn: {max_token_bytes: 0}, policy: {}}}",
            "tenants.a.authn.max_token_bytes: expected 64 to 1048576, found 0",
        ),
    ] {
        let problems = read(text, &[]).unwrap_err().join("\n");
        assert!(problems.contains(told), "{text}: {problems}");
    }
}

#[test]
fn an_evaluation_longer_than_its_check_is_a_warning() {
    let notes = |text: &str| read(text, &[]).unwrap().notes;
    let told = "`policy.timeout` (1s) is longer than `server.deadline` (500ms), which ends an evaluation first: set a shorter one";
    assert_eq!(notes("policy: {timeout: 1s}"), [told]);
    let of_tenant = notes("tenants: {a: {authn: {}, policy: {timeout: 1s}}}");
    assert_eq!(of_tenant, [format!("tenant `a`: {told}")]);
    assert!(notes("policy: {timeout: 1s}\nserver: {deadline: 1s}").is_empty());
}
