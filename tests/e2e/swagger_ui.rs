//! "Authorize" on pygeoapi's OpenAPI page: Swagger UI in Chromium, with the document that `geowarden openapi` has written.

use geowarden_stack::{Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Seen, Tools, Visit};

use crate::stage::{Files, Outcome, binary, issuer, reserved_port};

/// `GET /collections/obs/items`.
const OPERATION: &str = "#operations-obs-getObsFeatures";
const KEY: &str = "#api_key_value";
const TOKEN: &str = "#auth-bearer-value";

/// Enters a credential into a field of "Authorize".
fn authorize(visit: Visit, field: &str, credential: &str) -> Visit {
    visit
        .press(".scheme-container button.authorize")
        .fill(field, credential)
        .press(&format!(
            ".auth-container:has({field}) button:has-text('Authorize')"
        ))
        .press(".modal-ux .btn-done >> nth=0")
}

/// Removes the credential again.
fn log_out(visit: Visit, scheme: &str) -> Visit {
    visit
        .press(".scheme-container button.authorize")
        .press(&format!(
            ".auth-container:has-text('{scheme}') button:has-text('Logout')"
        ))
        .press(".modal-ux .btn-done >> nth=0")
}

/// Tries the operation out.
fn execute(visit: Visit, name: &str) -> Visit {
    visit
        .press(&format!("{OPERATION} .execute"))
        .find(&format!(
            "{OPERATION} .live-responses-table .response-col_status"
        ))
        .look(name)
        .press(&format!("{OPERATION} .btn-clear"))
}

#[tokio::test]
async fn a_key_and_a_token_are_sent_by_swagger_ui() -> Outcome {
    let tools = Tools::find()?;
    let provider = Provider::start(&tools).await?;
    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", &issuer(&provider.issuer()), "")?;
    let document = files.path("openapi.yml");
    Pygeoapi::document_with_security(&tools, binary(), &config, &document).await?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let (_reserved, port) = reserved_port()?;
    let url = format!("http://localhost:{port}");
    let pygeoapi = Pygeoapi::start_with(&tools, &url, &document).await?;
    let template = tools.repository().join("envoy/jwt.yaml");
    let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc()).listen_on(port);
    let _envoy = Envoy::start(&tools, &config).await?;

    let token = provider.client_credentials("osgeo").await?;
    let visit = Visit::default()
        .open(format!("{url}/openapi?f=html"))
        .press(&format!("{OPERATION} .opblock-summary-control"))
        .press(&format!("{OPERATION} .try-out__btn"));
    let visit = execute(visit, "nothing");
    let visit = execute(authorize(visit, KEY, &files.osgeo_key), "a key");
    let visit = log_out(visit, "x-api-key");
    let visit = execute(authorize(visit, TOKEN, &token), "a token");
    let visit = log_out(visit, "Bearer");
    let visit = execute(authorize(visit, KEY, &files.geobeyond_key), "another's key");
    let seen = visit.make(&tools).await?;

    let saw = |name: &str| seen.get(name).ok_or_else(|| format!("no look at {name}"));
    // The page shows the answer after the request: first its status, then its body.
    let answer = |look: &Seen| {
        let (_, answer) = look.text.split_once("Server response")?;
        let (answer, _) = answer.split_once("Response headers")?;
        Some(answer.to_owned())
    };
    for (name, status, says) in [
        ("nothing", "401", "credential-required"),
        ("a key", "200", "bologna"),
        ("a token", "200", "bologna"),
        ("another's key", "403", "policy-denied"),
    ] {
        let look = saw(name)?;
        let answer = answer(look).ok_or_else(|| format!("{name}: no answer in {}", look.text))?;
        assert!(answer.contains(status), "{name}: {answer}");
        assert!(answer.contains(says), "{name}: {answer}");
    }
    Ok(())
}
