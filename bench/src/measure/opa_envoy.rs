//! Compares with OPA-Envoy, with the same policies and requests. The variable `OPA_ENVOY` names its program.

use std::{fs, path::Path, process::Command};

use geowarden_stack::Plan;

use super::{Aim, Bars, Entry, Figure, Stand, cpu::IN_FLIGHT};
use crate::{
    Error, Result,
    authorizer::{Authorizer, Place},
    request::HttpAsk,
    rounds::{self, Arm, Traffic},
    setup::{self, Choice, Decider, TARGET},
    tokens::{AUDIENCE, ISSUER},
};

/// The variable with the path of the program.
const VARIABLE: &str = "OPA_ENVOY";

/// The same policy for both: geowarden's `input` has Envoy's attributes in the same form as OPA-Envoy's.
const HEADER_POLICY: &str = r#"package geowarden.authz

import rego.v1

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	startswith(input.attributes.request.http.path, "/collections/obs/")
	input.attributes.request.http.headers["x-company"] == "osgeo"
}
"#;

/// The policy for geowarden, which verifies the token before it asks the policy.
const TOKEN_POLICY: &str = r#"package geowarden.authz

import rego.v1

default allow := false

allow if {
	input.attributes.request.http.method == "GET"
	startswith(input.attributes.request.http.path, "/collections/obs/")
	"reader" in input.identity.claims.realm_access.roles
}
"#;

/// The policy for OPA-Envoy. It verifies the token itself.
fn token_policy_of_opa(jwks: &str) -> String {
    format!(
        r#"package geowarden.authz

import rego.v1

default allow := false

jwks := `{jwks}`

claims := payload if {{
	authorization := input.attributes.request.http.headers.authorization
	startswith(authorization, "Bearer ")
	token := substring(authorization, 7, -1)
	[true, _, payload] = io.jwt.decode_verify(token, {{"cert": jwks, "iss": "{ISSUER}", "aud": "{AUDIENCE}"}})
}}

allow if {{
	input.attributes.request.http.method == "GET"
	startswith(input.attributes.request.http.path, "/collections/obs/")
	"reader" in claims.realm_access.roles
}}
"#
    )
}

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let Some(program) = std::env::var_os(VARIABLE) else {
        return Ok(vec![Entry::NotMeasured {
            measure: "CPU a request against OPA-Envoy".to_owned(),
            why: format!("set {VARIABLE}=/path/to/opa_envoy_linux_amd64"),
        }]);
    };
    let program = Path::new(&program);
    let name_of_opa = format!("OPA-Envoy {}", version(program)?);
    let header = HttpAsk::of_a_browser(TARGET, &[("x-company", "osgeo")]);
    let token = setup::with_token(TARGET, &stand.issuer.token()?);
    let of_opa = token_policy_of_opa(&stand.issuer.jwks());
    let mut entries = Vec::new();
    let mut bars = Vec::new();
    let cases = [
        ("header policy", HEADER_POLICY, HEADER_POLICY, header, 6.0),
        ("JWT policy", TOKEN_POLICY, of_opa.as_str(), token, 18.0),
    ];
    for (name, measured, reference, ask, aim) in cases {
        let folder = tempfile::tempdir().map_err(Error::io("making a folder"))?;
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text)
                .map_err(Error::io(format!("writing {name}")))
                .map(|()| path)
        };
        let (measured, reference) = (
            file("measured.rego", measured)?,
            file("reference.rego", reference)?,
        );
        let choice = Choice {
            decider: Decider::File(&measured),
            issuer: Some(&stand.issuer),
            ..Choice::default()
        };
        let geowarden = stand.programs.geowarden(&choice, Place::Pinned).await?;
        let opa = opa_envoy(stand, program, &reference).await?;
        let traffic = Traffic {
            // OPA-Envoy reads headers as Envoy sends them without `encode_raw_headers`.
            requests: [ask.encoded_joined()].into(),
            streams: IN_FLIGHT,
        };
        let arms = [
            Arm {
                name: "geowarden",
                server: &geowarden,
                traffic: traffic.clone(),
            },
            Arm {
                name: "OPA-Envoy",
                server: &opa,
                traffic,
            },
        ];
        let samples = rounds::run(stand.effort, &arms).await?;
        let [measured, reference] = samples.as_slice() else {
            continue;
        };
        let [measured, reference] =
            [measured, reference].map(|arm| arm.each(|sample| sample.cpu_us));
        bars.push((format!("geowarden, {name}"), measured.clone()));
        bars.push((format!("OPA-Envoy, {name}"), reference.clone()));
        entries.push(Entry::Figure(Figure {
            measure: format!("CPU a request, {name}"),
            unit: "µs".to_owned(),
            measured,
            against: name_of_opa.clone(),
            reference,
            aim: Aim::TimesLess(aim),
        }));
    }
    entries.push(Entry::Bars(Bars {
        name: "opa-envoy".to_owned(),
        title: "CPU a request, the same policy".to_owned(),
        unit: "µs".to_owned(),
        bars,
    }));
    Ok(entries)
}

/// The version that the program prints.
fn version(program: &Path) -> Result<String> {
    let output = Command::new(program)
        .arg("version")
        .output()
        .map_err(Error::io(format!("running {}", program.display())))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
    version
        .map(|version| version.trim().to_owned())
        .ok_or_else(|| {
            Error::unexpected(
                program.display().to_string(),
                "expected `Version:` of `version`",
            )
        })
}

async fn opa_envoy(stand: &Stand<'_>, program: &Path, policy: &Path) -> Result<Authorizer> {
    let grpc = setup::free_address()?;
    let plan = Plan::new("OPA-Envoy", program)?
        .args(["run", "--server", "--log-level=error"])
        .args(["--addr=127.0.0.1:0", "--diagnostic-addr=127.0.0.1:0"])
        .arg(format!("--set=plugins.envoy_ext_authz_grpc.addr={grpc}"))
        .arg("--set=plugins.envoy_ext_authz_grpc.path=geowarden/authz/allow")
        .arg(policy);
    stand.programs.start(plan, grpc, None, Place::Pinned).await
}
