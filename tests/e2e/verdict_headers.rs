//! The effect of a policy's verdict on the headers of a request, through a real Envoy.

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Pygeoapi, Tools};

use crate::stage::{Files, Outcome, Stage, binary};

const POLICY: &str = r#"package geowarden.authz

allow := {
	"allowed": true,
	"headers": {"x-list": ["1", "2"], "x-one": "a"},
	"request_headers_to_remove": ["x-gone"],
	"response_headers_to_add": {"x-told": ["3", "4"]},
}
"#;

/// Answers with the request that Envoy would send to pygeoapi.
const ROUTE: &str = "- match: {prefix: /}
";
const ECHO: &str = r#"- match: {prefix: /}
                          response_headers_to_add:
                            - header: {key: x-seen, value: "list=%REQ(X-LIST)% one=%REQ(X-ONE)% gone=%REQ(X-GONE)%"}
"#;

#[tokio::test]
async fn headers_of_a_verdict_replace_the_clients_and_a_list_of_values_is_whole() -> Outcome {
    let files = Files::new().await?;
    files.write("policies/authz.rego", POLICY)?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let config =
        EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc()).replace(ROUTE, ECHO);
    let envoy = Envoy::start(&tools, &config).await?;
    let stage = Stage::of(envoy, geowarden, pygeoapi, files);
    let ask = Ask::get("/collections/obs")
        .header("x-list", "client")
        .header("x-one", "client")
        .header("x-gone", "client");
    let answer = stage.ask(ask).await?;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("x-seen"), Some("list=1,2 one=a gone="));
    let told: Vec<_> = answer.headers("x-told").collect();
    assert_eq!(told, ["3", "4"]);
    Ok(())
}
