//! The answers to Envoy.

use envoy_types::{
    ext_authz::v3::pb::{HeaderAppendAction, HttpResponse},
    pb::google::protobuf::value::Kind,
};
use geowarden_stack::Ask;

use crate::service::{Answer, OSGEO_KEY, Service, config, folder, request};

#[tokio::test]
async fn an_allowance_names_the_caller_and_takes_its_credential() {
    let service = Service::example().await;
    let answer = service
        .ask(
            "GET",
            "/%63ollections/obs/items?limit=1",
            &[
                ("x-api-key", OSGEO_KEY),
                ("x-geowarden-subject", "admin"),
                ("X-Geowarden-Roles", "admin"),
            ],
        )
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header(":path").unwrap(),
        "/collections/obs/items?limit=1"
    );
    assert_eq!(answer.header("x-geowarden-subject").unwrap(), "osgeo");
    assert_eq!(answer.header("x-geowarden-method").unwrap(), "api_key");
    let removed = answer.removed();
    for name in [
        "x-api-key",
        "authorization",
        "x-geowarden-roles",
        "x-geowarden-issuer",
    ] {
        assert!(
            removed.iter().any(|r| r == name),
            "{name} not in {removed:?}"
        );
    }
    // Envoy removes headers after it has set others.
    for name in ["x-geowarden-subject", "x-geowarden-method", ":path"] {
        assert!(
            !removed.iter().any(|r| r == name),
            "{name} is set and removed"
        );
    }
    let metadata = answer.0.dynamic_metadata.unwrap().fields;
    let text = |name: &str| match metadata[name].kind.as_ref() {
        Some(Kind::StringValue(text)) => text.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(text("outcome"), "allow");
    assert_eq!(text("collection"), "obs");
    assert_eq!(text("subject"), "osgeo");
    assert_eq!(
        Some(text("decision_id")),
        answer_id(&service).await.map(|_| text("decision_id"))
    );
}

async fn answer_id(service: &Service) -> Option<String> {
    service
        .ask("GET", "/", &[])
        .await
        .header("x-geowarden-decision-id")
}

#[tokio::test]
async fn a_callers_identity_headers_never_pass_on_public_pages_either() {
    let service = Service::example().await;
    let answer = service
        .ask("GET", "/", &[("x-geowarden-subject", "admin")])
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("x-geowarden-subject"), None);
    assert!(answer.removed().contains(&"x-geowarden-subject".to_owned()));
}

const TALKATIVE: &str = r#"package geowarden.authz

allow := {"allowed": true, "headers": {"x-company": ["osgeo", "acme"], "x-geowarden-subject": "admin"}, "response_headers_to_add": {"x-a": ["1", "2"]}, "reason": "because"} if {
	input.ogc.collection == "obs"
}

allow := {"allowed": false, "http_status": 404, "reason": "no such collection"} if {
	input.ogc.collection == "hidden"
}

allow := {"allowed": true, "headers": {":path": "/collections/hidden"}} if {
	input.ogc.collection == "rewritten"
}

allow := {"allowed": true, "headers": {"x": "a\r\nb"}} if {
	input.ogc.collection == "split"
}

allow := "true" if input.ogc.collection == "text"

allow if {
	input.ogc.collection == "error"
	to_number("x") == 1
}
"#;

#[tokio::test]
async fn an_id_of_any_characters_makes_one_header_value() {
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let keys = std::fs::read_to_string(folder.path().join("api-keys.yaml")).unwrap();
    let keys = keys.replace("id: osgeo", r#"id: "/caf\u00e9\r\nx: 1%""#);
    std::fs::write(folder.path().join("api-keys.yaml"), keys).unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    let answer = service.ask("GET", "/", &[("x-api-key", OSGEO_KEY)]).await;
    assert_eq!(
        answer.header("x-geowarden-subject").unwrap(),
        "/caf%C3%A9%0D%0Ax: 1%25"
    );
}

#[tokio::test]
async fn a_verdict_says_more_than_yes_and_no() {
    let service = Service::with_policy(TALKATIVE).await;
    let ask = async |collection: &str| {
        let path = format!("/collections/{collection}");
        service.ask("GET", &path, &[("x-api-key", OSGEO_KEY)]).await
    };
    let allowed = ask("obs").await;
    let HttpResponse::OkResponse(ok) = allowed.0.http_response.as_ref().unwrap() else {
        panic!("not allowed")
    };
    let set = ok.headers.iter().map(|h| (h.header.as_ref().unwrap(), h));
    let companies: Vec<_> = set
        .filter(|(header, _)| header.key == "x-company")
        .map(|(header, option)| {
            #[allow(deprecated)] // Envoy looks at nothing else
            let appends = option.append.is_some_and(|append| append.value);
            (header.value.as_str(), appends, option.append_action())
        })
        .collect();
    let (replace, add) = (
        HeaderAppendAction::OverwriteIfExistsOrAdd,
        HeaderAppendAction::AppendIfExistsOrAdd,
    );
    assert_eq!(companies, [("osgeo", false, replace), ("acme", true, add)]);
    assert_eq!(
        allowed.header("x-geowarden-subject").unwrap(),
        "osgeo",
        "a policy cannot name the caller"
    );
    let hidden = ask("hidden").await;
    assert_eq!(hidden.status(), 404);
    assert_eq!(hidden.problem()["detail"], "no such collection");
    for (collection, code) in [
        ("rewritten", "policy-verdict"),
        ("split", "policy-verdict"),
        ("text", "policy-verdict"),
        ("error", "policy-error"),
    ] {
        let refused = ask(collection).await;
        assert_eq!(refused.status(), 503, "{collection}");
        assert_eq!(refused.problem()["code"], code, "{collection}");
    }
    // Undefined: the policy gives no value, so it denies.
    assert_eq!(ask("other").await.status(), 403);
}

#[tokio::test]
async fn opa_envoys_input_is_there_for_its_policies() {
    let service = Service::with_policy(
        "package geowarden.authz\n\nallow if {\n\tinput.attributes.request.http.method == \"GET\"\n\tinput.attributes.request.http.headers[\"x-a\"] == \"1\"\n\tinput.parsed_path == [\"collections\", \"obs\"]\n\tinput.parsed_query.f == [\"json\"]\n\tinput.version.ext_authz == \"v3\"\n}\n",
    )
    .await;
    let headers = [("x-api-key", OSGEO_KEY), ("x-a", "1")];
    assert_eq!(
        service
            .ask("GET", "/collections/obs?f=json", &headers)
            .await
            .status(),
        200
    );
    assert_eq!(
        service
            .ask("GET", "/collections/obs?f=html", &headers)
            .await
            .status(),
        403
    );
}

#[tokio::test]
async fn what_is_too_large_is_refused_alone() {
    let service = Service::example().await;
    let huge = "x".repeat(2 << 20);
    let mut client = service.client.clone();
    let refused = client.check(request("GET", "/", &[("x-a", &huge)])).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::OutOfRange);
    assert_eq!(service.ask("GET", "/", &[]).await.status(), 200);
}

#[tokio::test]
async fn probes_and_health_answer() {
    let service = Service::example().await;
    for page in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(
            Ask::get(page).send(&service.admin).await.unwrap().status(),
            200,
            "{page}"
        );
    }
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", service.grpc))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    for name in ["", "envoy.service.auth.v3.Authorization"] {
        let ask = tonic_health::pb::HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = health.check(ask).await.unwrap().into_inner();
        assert_eq!(
            answer.status(),
            tonic_health::ServingStatus::Serving.into(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn shutting_down_answers_what_is_in_flight() {
    // A key server that never answers. A token of its issuer waits for keys, so its check is in progress.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", silent.local_addr().unwrap());
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let text = std::fs::read_to_string(folder.path().join("geowarden.yaml")).unwrap();
    let jwt = format!("authn: {{jwt: [{{issuer: '{issuer}', audiences: any}}], ");
    std::fs::write(
        folder.path().join("geowarden.yaml"),
        text.replace("authn: {", &jwt),
    )
    .unwrap();
    let config = config(folder.path());
    let mut service = Service::start(folder, config).await;

    let payload =
        data_encoding::BASE64URL_NOPAD.encode(format!("{{\"iss\":\"{issuer}\"}}").as_bytes());
    let token = format!("Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.{payload}.AAAA");
    let mut client = service.client.clone();
    let asked = tokio::spawn(async move {
        client
            .check(request("GET", "/", &[("authorization", &token)]))
            .await
    });
    service.metric("geowarden_checks_in_flight 1").await;
    service.stop.take().unwrap().send(()).unwrap();
    let answer = Answer(asked.await.unwrap().unwrap().into_inner());
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.problem()["code"], "keys-unavailable");
    // The client's connection stays open and idle, like Envoy's. It must not delay the end.
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), service.running).await;
    assert_eq!(
        ended.expect("an idle connection held up the end").unwrap(),
        Ok(())
    );
}

/// A 401 asks for a credential. It is only for anonymous callers, if credentials are configured, unless the policy
/// decides otherwise.
#[tokio::test]
async fn strangers_are_told_to_try_where_they_can() {
    let policy = |status: &str| {
        format!("package geowarden.authz\n\nallow := {{\"allowed\": false{status}}}\n")
    };
    let with_keys = async |status: &str, headers: &[(&str, &str)]| {
        let service = Service::with_policy(&policy(status)).await;
        let answer = service.ask("GET", "/collections/obs", headers).await;
        let challenge = answer.header("www-authenticate").is_some();
        (
            answer.status(),
            answer.problem()["code"].clone(),
            challenge,
            answer.problem()["detail"].clone(),
        )
    };
    let words = "The policy does not allow this";
    let denied =
        |status: i32, challenge: bool| (status, "policy-denied".into(), challenge, words.into());
    assert_eq!(
        with_keys("", &[]).await,
        (
            401,
            "credential-required".into(),
            true,
            "This needs a credential".into()
        )
    );
    for status in [451, 404, 302, 403] {
        let chosen = format!(", \"http_status\": {status}");
        assert_eq!(with_keys(&chosen, &[]).await, denied(status, false));
    }
    assert_eq!(
        with_keys(", \"http_status\": 401", &[]).await,
        denied(401, true)
    );
    assert_eq!(
        with_keys("", &[("x-api-key", OSGEO_KEY)]).await,
        denied(403, false)
    );

    // No credentials are configured.
    let folder = folder(&policy(""), "");
    let file = folder.path().join("geowarden.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("authn: {api_keys: {file: api-keys.yaml}}", "authn: {}"),
    )
    .unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    for headers in [&[][..], &[("authorization", "Basic QQ==")]] {
        let answer = service.ask("GET", "/collections/obs", headers).await;
        assert_eq!(
            (answer.status(), answer.problem()["code"].clone()),
            (403, "policy-denied".into())
        );
    }
}

/// Python's requests adds this header for a host of `~/.netrc`.
#[tokio::test]
async fn a_scheme_that_is_not_configured_is_shown_to_the_policy_only() {
    let service = Service::with_policy(
        "package geowarden.authz\n\nallow if {\n\tstartswith(input.request.headers.authorization, \"Basic \")\n\tinput.identity.subject == \"osgeo\"\n}\n",
    )
    .await;
    let basic = ("authorization", "Basic dXNlcjpwdw==");
    let both = [("x-api-key", OSGEO_KEY), basic];
    let allowed = service.ask("GET", "/collections", &both).await;
    assert_eq!(allowed.status(), 200);
    for kept_back in ["x-api-key", "authorization"] {
        assert!(allowed.removed().iter().any(|name| name == kept_back));
    }
    // Alone, it authenticates nobody.
    let stranger = service.ask("GET", "/collections", &[basic]).await;
    assert_eq!(stranger.status(), 401);
    assert_eq!(stranger.problem()["code"], "credential-required");
}
