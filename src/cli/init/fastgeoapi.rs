//! As fastgeoapi's `.env` and policy say.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use geowarden_rego::{
    BuiltinErrors, Sources,
    migrate::{self, Kind},
    source::Version,
    test::{self, TestOutcome},
};
use serde_json::{Value, json};

use super::{super::CommandError, Bootstrap, Guarded, Init, Mine, Settings};
use crate::config::{
    Environment, Problems,
    fastgeoapi::{self, Native},
};

/// A test that each embedded policy passes, and a changed copy should.
const EMBEDDED_TESTS: &str = r#"package geowarden.authz_test

import data.geowarden.authz
import rego.v1

collections := COLLECTIONS

items(method, id) := {
	"identity": {"method": method, "claims": {}, "attributes": {}},
	"request": {"method": "GET"},
	"ogc": {"api": "collections", "operation": "items", "action": "read", "collection": id},
}

test_every_collection_needs_a_credential if {
	every id in collections {
		not authz.allow with input as items("anonymous", id)
	}
}

test_any_credential_opens_every_collection if {
	every method in {"api_key", "jwt", "opaque_token"} {
		every id in collections {
			authz.allow with input as items(method, id)
		}
	}
}
"#;

pub(super) fn mine(init: &Init, guarded: &Guarded) -> Result<Mine, CommandError> {
    let settings = fastgeoapi::Settings::load(
        init.env_file.as_deref().unwrap_or(Path::new(".env")),
        &Environment::of_process(),
    )
    .map_err(CommandError::Config)?;
    let asks_policy = settings.needs_policy();
    let mut notes = settings.notes.clone();
    let mut native = Native {
        is_shown: false,
        ..Native::default()
    };
    let policy = match (&init.policy, asks_policy) {
        (Some(file), true) => of_author(file, &settings, guarded, &mut native, &mut notes)?,
        (None, false) => embedded(guarded, &settings),
        (None, true) => {
            return Err(CommandError::Usage(
                "--policy: expected the policy that was loaded into OPA, since OPA_ENABLED is on; found none".to_owned(),
            ));
        }
        (Some(_), false) => {
            return Err(CommandError::Usage(
                "--policy: has an effect only where OPA_ENABLED is on, since fastgeoapi asks no policy otherwise: leave it out".to_owned(),
            ));
        }
    };
    let yaml = settings.yaml(&native);
    let section = |name: &str| section(&yaml, name);
    let has_keys = !settings.keys.is_empty();
    Ok(Mine {
        key: None,
        keys: settings.keys.clone(),
        policy,
        settings: Settings {
            server: "  # The bodies of fastgeoapi's 401.\n  refusals: fastgeoapi\n",
            script_name: settings.context().to_owned(),
            authn: section("authn"),
            policy: without(&section("policy"), "embedded"),
            more: match section("telemetry") {
                telemetry if telemetry.is_empty() => String::new(),
                telemetry => format!("telemetry:\n{telemetry}"),
            },
        },
        bootstrap: if has_keys {
            Bootstrap::for_keys()
        } else {
            Bootstrap::for_tokens()
        },
        notes,
    })
}

/// The lines of a section of the configuration that is made of the `.env`.
fn section(yaml: &str, name: &str) -> String {
    let head = format!("{name}:");
    let behind = yaml.lines().skip_while(|line| *line != head).skip(1);
    let inside = behind.take_while(|line| line.starts_with(' '));
    inside.fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

/// The lines without the one that sets a key.
fn without(lines: &str, key: &str) -> String {
    let sets = format!("  {key}:");
    lines
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(&sets))
        .collect()
}

fn set(ids: &[String]) -> String {
    match ids {
        [] => "set()".to_owned(),
        ids => {
            let ids: Vec<String> = ids.iter().map(|id| json!(id).to_string()).collect();
            format!("{{{}}}", ids.join(", "))
        }
    }
}

fn embedded(guarded: &Guarded, settings: &fastgeoapi::Settings) -> Vec<(&'static str, String)> {
    let policy = include_str!("../../../policies/authenticated/authz.rego");
    let data = format!(
        "# Whether OPTIONS is public, as with fastgeoapi's OAuth2.\noptions_are_public: {}\n# Who may see pygeoapi's administration: {{method: api_key, subject: ID}}.\nadmin: []\n",
        settings.keys.is_empty()
    );
    vec![
        ("authz.rego", policy.to_owned()),
        ("data.yaml", data),
        (
            "authz_test.rego",
            EMBEDDED_TESTS.replace("COLLECTIONS", &set(&guarded.collections)),
        ),
    ]
}

/// The author's policy, and tests that hold what it decides today for a caller without claims.
fn of_author(
    file: &Path,
    settings: &fastgeoapi::Settings,
    guarded: &Guarded,
    native: &mut Native<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    let name = file.display().to_string();
    let fault = |message: String| CommandError::Config(Problems::file(name.clone(), None, message));
    let text =
        fs::read_to_string(file).map_err(|error| fault(format!("cannot be read: {error}")))?;
    let context = settings.context().split('/').find(|part| !part.is_empty());
    let findings =
        migrate::findings(&name, &text, context).map_err(|error| fault(error.to_string()))?;
    let is = |kind| findings.iter().any(|finding| finding.kind == kind);
    native.is_old_rego = is(Kind::OldRego);
    native.strips_prefix = is(Kind::MissingContext);
    if is(Kind::AllowByDefault) {
        notes.push(format!(
            "{name} lets everybody in unless a rule says otherwise: write `default allow := false` in policies/authz.rego"
        ));
    }
    let version = if native.is_old_rego {
        notes.push(
            format!("{name} is Rego v0, and so is its copy policies/authz.rego: run the tests by `geowarden test --v0-compatible`"),
        );
        Version::V0
    } else {
        Version::V1
    };
    let prefix = context.filter(|_| !native.strips_prefix);
    let inputs = guarded.collections.iter().map(|id| {
        let path: Vec<&str> = prefix
            .into_iter()
            .chain(["collections", id.as_str(), "items"])
            .collect();
        (id, json!({"request_method": "GET", "request_path": path}))
    });
    let inputs: BTreeMap<&String, Value> = inputs.collect();
    let open = opened(&name, &text, version, &inputs).map_err(|error| fault(error.to_string()))?;
    let (open, closed): (Vec<String>, Vec<String>) = guarded
        .collections
        .iter()
        .cloned()
        .partition(|id| open.contains(id));
    if !open.is_empty() {
        notes.push(format!(
            "{name} opens to everybody: {}. The tests hold that; if it is not meant, change policies/authz.rego and authz_test.rego",
            open.join(", ")
        ));
    }
    let path = prefix
        .map(|prefix| format!("{}, ", json!(prefix)))
        .unwrap_or_default();
    let tests = format!(
        r#"# What the policy decides for a caller of whom nothing is known, as it was moved here.
package httpapi.authz_test

import rego.v1

closed := {}

open := {}

asks(id) := {{"request_method": "GET", "request_path": [{path}"collections", id, "items"]}}

test_these_collections_are_closed if {{
	every id in closed {{
		not data.httpapi.authz.allow with input as asks(id)
	}}
}}

test_these_collections_are_open if {{
	every id in open {{
		data.httpapi.authz.allow with input as asks(id)
	}}
}}
"#,
        set(&closed),
        set(&open)
    );
    Ok(vec![("authz.rego", text), ("authz_test.rego", tests)])
}

/// The collections that the policy allows. A test for each tries it.
fn opened(
    name: &str,
    policy: &str,
    version: Version,
    inputs: &BTreeMap<&String, Value>,
) -> Result<Vec<String>, geowarden_rego::LoadError> {
    let mut tests = String::from("package httpapi.authz_test\n\nimport rego.v1\n");
    for (number, input) in inputs.values().enumerate() {
        let _ = write!(
            tests,
            "\ntest_{number} if data.httpapi.authz.allow with input as {input}\n"
        );
    }
    let sources = Sources {
        modules: BTreeMap::from([
            (name.to_owned(), policy.to_owned()),
            ("(tests)".to_owned(), tests),
        ]),
        ..Sources::default()
    };
    let (results, _) = test::run(sources, version, BuiltinErrors::Undefined, false, |_| true)?;
    let passed = |number: usize| {
        let wanted = format!("test_{number}");
        results.iter().any(|result| {
            result.outcome == TestOutcome::Pass && result.name.ends_with(&format!(".{wanted}"))
        })
    };
    Ok(inputs
        .keys()
        .enumerate()
        .filter(|(number, _)| passed(*number))
        .map(|(_, id)| (*id).clone())
        .collect())
}
