use std::{fs, path::PathBuf};

use super::*;
use geowarden_rego::source::Version;

use crate::{
    authn::Audiences,
    config::{DenialBodies, Embedded, InputShape},
};

/// Loads a `.env` with process variables beside it.
fn load(text: &str, process: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    fs::write(&file, text).unwrap();
    let variables = process.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    let environment = Environment::from_variables(variables);
    Settings::load(&file, &environment)
        .and_then(|settings| settings.config(folder.path(), &environment))
        .map_err(|problems| problems.to_string())
}

const KEY: &str = "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n";
const JWKS: &str = "ENV_STATE=prod\nPROD_JWKS_ENABLED=True\nPROD_OAUTH2_JWKS_ENDPOINT=https://idp.example/jwks\nPROD_OAUTH2_EXPECTED_ISSUER=https://idp.example\n";
const OPA: &str = "ENV_STATE=dev\nDEV_OPA_ENABLED=1\nDEV_OPA_URL=http://localhost:8181\nDEV_OIDC_WELL_KNOWN_ENDPOINT=https://idp.example/realms/x/.well-known/openid-configuration\n";

#[test]
fn an_api_key_is_known_by_its_digest_only() {
    let config = load(&format!("{KEY}PYGEOAPI_KEY_TWO='second'\n"), &[]).unwrap();
    let keys = config.authn.api_keys.clone().unwrap();
    let ids: Vec<_> = keys.inline.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["global", "two"]);
    assert_eq!(config.pygeoapi.base_path, "/geoapi");
    assert_eq!(config.server.refusals, DenialBodies::Fastgeoapi);
    assert_eq!(config.policy.embedded, Embedded::Authenticated);
    assert!(!format!("{config:?}").contains("second"));
}

#[test]
fn the_process_wins_over_the_file() {
    let config = load(
        KEY,
        &[
            ("DEV_FASTGEOAPI_CONTEXT", "/api"),
            ("GEOWARDEN_SERVER__GRPC", "127.0.0.1:7000"),
        ],
    )
    .unwrap();
    assert_eq!(config.pygeoapi.base_path, "/api");
    assert_eq!(config.server.grpc.to_string(), "127.0.0.1:7000");
}

#[test]
fn oauth2_becomes_an_issuer() {
    let config = load(&format!("{JWKS}PROD_OAUTH2_EXPECTED_AUDIENCE=maps\n"), &[]).unwrap();
    let issuer = config.authn.jwt.first().unwrap();
    assert_eq!(issuer.issuer, "https://idp.example");
    assert_eq!(issuer.jwks_uri.as_deref(), Some("https://idp.example/jwks"));
    assert_eq!(issuer.audiences, Audiences::OneOf(vec!["maps".to_owned()]));
    assert!(issuer.accept_client_id_as_audience);
    assert_eq!(config.authn.realm, "maps");

    let config = load(JWKS, &[]).unwrap();
    assert!(matches!(config.authn.jwt[0].audiences, Audiences::Any));
    assert!(
        config.notes[0].contains("PROD_OAUTH2_EXPECTED_AUDIENCE"),
        "{:?}",
        config.notes
    );
}

#[test]
fn openid_connect_takes_the_policy_as_it_is() {
    let config = load(OPA, &[("GEOWARDEN_POLICY__PATH", "auth.rego")]);
    // The file is not there, which is told by its own name.
    let told = config.unwrap_err();
    assert!(told.contains("auth.rego"), "{told}");

    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("auth.rego");
    fs::write(&policy, "package httpapi.authz\ndefault allow = false\n").unwrap();
    let path = policy.display().to_string();
    let config = load(OPA, &[("GEOWARDEN_POLICY__PATH", &path)]).unwrap();
    assert_eq!(config.authn.jwt[0].issuer, "https://idp.example/realms/x");
    assert_eq!(config.policy.entrypoint, "httpapi/authz/allow");
    assert_eq!(config.policy.input, InputShape::Fastgeoapi);
    assert_eq!(config.policy.rego, Version::V0);
    assert_eq!(config.policy.path, Some(PathBuf::from(path)));
    assert!(
        config.notes.iter().any(|note| note.contains("DEV_OPA_URL")),
        "{:?}",
        config.notes
    );

    assert!(
        load(OPA, &[])
            .unwrap_err()
            .contains("GEOWARDEN_POLICY__PATH")
    );
}

#[test]
fn variables_without_a_meaning_are_named_once() {
    let text = format!(
        "{KEY}DEV_OPA_URL=x\nPROD_LOG_LEVEL=info\nHOST=0.0.0.0\nDEV_OAUTH2_EXPECTED_ISSUER=x\nDEV_LOG_LEVEL=SUCCESS\nPYGEOAPI_KEY_B=b\nPYGEOAPI_KEY_GLOBAL=old\n"
    );
    let process = [
        ("DEV_APP_URI", "x"),
        ("DEV_OPA_URL", "y"),
        ("PORT", "1"),
        ("HOME", "/"),
    ];
    let config = load(&text, &process).unwrap();
    let (ignored, weak) = config.notes.split_last().unwrap();
    assert_eq!(
        ignored,
        "these variables have no meaning here and are ignored: DEV_APP_URI, DEV_OAUTH2_EXPECTED_ISSUER, DEV_OPA_URL, HOST, PROD_LOG_LEVEL, PYGEOAPI_KEY_GLOBAL"
    );
    for (note, name) in weak
        .iter()
        .zip(["DEV_PYGEOAPI_KEY_GLOBAL", "PYGEOAPI_KEY_B"])
    {
        assert!(
            note.starts_with(&format!("{name}: expected a key of at least")),
            "{note}"
        );
    }
    assert_eq!(weak.len(), 2, "{weak:?}");
    let config = load(&format!("{JWKS}PYGEOAPI_KEY_B=b\n"), &[]).unwrap();
    assert!(
        config
            .notes
            .iter()
            .any(|note| note.contains("ignored: 1 that fastgeoapi does not know (line 5)")),
        "{:?}",
        config.notes
    );
}

#[test]
fn contradictions_are_told_in_fastgeoapis_words() {
    for (text, words) in [
        ("", "ENV_STATE: expected `dev` or `prod`"),
        ("ENV_STATE=test", "found something else"),
        ("ENV_STATE=dev", "so no caller could authenticate"),
        (
            "ENV_STATE=dev\nDEV_OPA_ENABLED=true\nDEV_JWKS_ENABLED=true",
            "OPA_ENABLED, JWKS_ENABLED and API_KEY_ENABLED are mutually exclusive",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_JWKS_ENABLED=true\nDEV_OPA_ENABLED=true",
            "OPA_ENABLED, JWKS_ENABLED and API_KEY_ENABLED are mutually exclusive",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true",
            "pygeoapi API KEY is missing",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=",
            ".env:3: DEV_PYGEOAPI_KEY_GLOBAL: pygeoapi API KEY is missing",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=a\nPYGEOAPI_KEY_B=",
            ".env:4: PYGEOAPI_KEY_B: pygeoapi API KEY is missing",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=maybe",
            "expected `true` or `false`",
        ),
        (
            "ENV_STATE=dev\nDEV_JWKS_ENABLED=on",
            "DEV_OAUTH2_JWKS_ENDPOINT: missing",
        ),
        (
            "ENV_STATE=dev\nDEV_JWKS_ENABLED=on",
            "DEV_OAUTH2_EXPECTED_ISSUER: missing",
        ),
        (
            "ENV_STATE=dev\nDEV_OPA_ENABLED=y",
            "DEV_OIDC_WELL_KNOWN_ENDPOINT: missing",
        ),
        (
            "ENV_STATE=dev\nDEV_OPA_ENABLED=y\nDEV_OIDC_WELL_KNOWN_ENDPOINT=https://idp.example/",
            "expected a URL that ends with",
        ),
        ("ENV_STATE", "expected NAME=value"),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=y\nDEV_PYGEOAPI_KEY_GLOBAL=a\nDEV_FASTGEOAPI_CONTEXT=geoapi",
            ".env:4: DEV_FASTGEOAPI_CONTEXT: expected a path such as `/geoapi`",
        ),
        (
            "ENV_STATE=dev\nDEV_JWKS_ENABLED=on\nDEV_OAUTH2_EXPECTED_ISSUER=https://a\nDEV_OAUTH2_JWKS_ENDPOINT=http://idp.example/jwks",
            ".env:4: DEV_OAUTH2_JWKS_ENDPOINT: expected https, found",
        ),
        (
            "ENV_STATE=dev\nDEV_OPA_ENABLED=on\nDEV_OIDC_WELL_KNOWN_ENDPOINT=http://idp.example/.well-known/openid-configuration",
            ".env:3: DEV_OIDC_WELL_KNOWN_ENDPOINT: expected https",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=y\nDEV_PYGEOAPI_KEY_GLOBAL=a\nPYGEOAPI_KEY_B=b\nPYGEOAPI_KEY_b=c",
            ".env:5: PYGEOAPI_KEY_b: another variable sets the key `b` too",
        ),
        (
            "ENV_STATE=dev\nDEV_API_KEY_ENABLED=y\nDEV_PYGEOAPI_KEY_GLOBAL=a\nDEV_LOG_LEVEL=loud",
            ".env:4: DEV_LOG_LEVEL: expected one of trace,",
        ),
    ] {
        let told = load(text, &[]).unwrap_err();
        assert!(told.contains(words), "{text}: {told}");
    }
    // The prefix of the other state means nothing.
    assert!(load(&KEY.replace("ENV_STATE=dev", "ENV_STATE=prod"), &[]).is_err());
}

/// The second line of a key in base64 looks like a variable.
#[test]
fn no_name_that_may_be_a_secret_is_told() {
    let text = format!("{KEY}MIIEvQIBADANBg=\nHOST=x\nSekret9=\n");
    let config = load(&text, &[]).unwrap();
    assert_eq!(
        config.notes.last().unwrap(),
        "these variables have no meaning here and are ignored: HOST, and 2 that fastgeoapi does not know (lines 5, 7)"
    );
    let told = config.notes.concat();
    assert!(
        !told.contains("Sekret9") && !told.contains("MIIE"),
        "{told}"
    );
}

/// fastgeoapi runs without such a line, and so does geowarden, which says so.
#[test]
fn a_line_that_python_dotenv_skips_is_told() {
    let text = format!("{KEY}DEV_LOG_LEVEL='debug' or so\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n");
    let config = load(&text, &[]).unwrap();
    let line = KEY.lines().count() + 1;
    let expected = format!(".env:{line}: skipped, as python-dotenv skips it: expected the end");
    assert!(config.notes[0].contains(&expected), "{:?}", config.notes);
    assert_eq!(config.pygeoapi.base_path, "/geoapi");
    // Where something is missing, that is the reason.
    let told = load("ENV_STATE='dev\n", &[]).unwrap_err();
    assert!(told.contains(".env:1: expected a closing quote"), "{told}");
}

#[test]
fn an_address_with_a_credential_is_refused_untold() {
    for (text, expected) in [
        (
            JWKS.replace("//idp.example/jwks", "//u:sekret@idp.example/jwks"),
            ".env:3: PROD_OAUTH2_JWKS_ENDPOINT: expected the URL",
        ),
        (
            JWKS.replace(
                "ISSUER=https://idp.example",
                "ISSUER=https://idp.example/?sekret",
            ),
            ".env:4: PROD_OAUTH2_EXPECTED_ISSUER: expected the exact",
        ),
        (
            OPA.replace("//idp.example", "//u:sekret@idp.example"),
            ".env:4: DEV_OIDC_WELL_KNOWN_ENDPOINT: expected the URL",
        ),
    ] {
        let told = load(&text, &[]).unwrap_err();
        assert!(
            told.contains(expected) && !told.contains("sekret"),
            "{told}"
        );
    }
}
