//! Requests from which a policy and pygeoapi would read different values, and policies that set parameters which pygeoapi would
//! ignore.

use envoy_types::ext_authz::v3::pb::CheckRequest;

use crate::service::{Answer, OSGEO_KEY, Service, config, folder, request};

/// Allows requests within a small box, in any format but CSV.
const BOXED: &str = r#"package geowarden.authz

allow if {
	[west, south, east, north] := input.ogc.params.bbox
	west >= 0
	south >= 0
	east <= 1
	north <= 1
	input.ogc.format != "csv"
}

allow if input.ogc.params.coords.coordinates == [0.5, 0.5]
"#;

fn search(query: &str, body: &str) -> CheckRequest {
    let length = body.len().to_string();
    let headers = [
        ("x-api-key", OSGEO_KEY),
        ("content-type", "application/json"),
        ("content-length", length.as_str()),
    ];
    let mut check = request("POST", &format!("/stac-api/search{query}"), &headers);
    let http = check.attributes.as_mut().unwrap().request.as_mut().unwrap();
    http.http.as_mut().unwrap().raw_body = body.as_bytes().to_vec();
    check
}

async fn ask(service: &Service, check: CheckRequest) -> (i32, String) {
    let answer = Answer(service.check(check).await);
    match answer.status() {
        200 => (200, answer.header(":path").unwrap()),
        status => (
            status,
            answer.problem()["code"].as_str().unwrap().to_owned(),
        ),
    }
}

fn refused(status: i32, code: &str) -> (i32, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_policy_sees_the_values_that_pygeoapi_uses() {
    let service = Service::with_policy(BOXED).await;
    let get = |target: &str| request("GET", target, &[("x-api-key", OSGEO_KEY)]);
    for (target, status) in [
        ("/collections/e/cube?bbox=0,0,1,1", 200),
        ("/collections/e/cube?bbox=-180,-90,180,90", 403),
        // pygeoapi reads one of these two parameters, on each route another one.
        (
            "/collections/e/position?coords=POINT(100%2050)&bbox=0,0,1,1",
            403,
        ),
        (
            "/collections/e/area?coords=POINT(100%2050)&bbox=0,0,1,1",
            403,
        ),
        (
            "/collections/e/cube?bbox=-180,-90,180,90&coords=POINT(0.5%200.5)",
            403,
        ),
        (
            "/collections/e/locations?bbox=-180,-90,180,90&coords=POINT(0.5%200.5)",
            403,
        ),
        ("/collections/e/locations/a?bbox=0,0,1,1", 403),
        ("/collections/e/position?coords=POINT(0.5%200.5)", 200),
        ("/collections/e/items?bbox=0,0,1,1", 200),
        ("/collections/e/items/1?bbox=0,0,1,1", 403),
        ("/collections/e/items?bbox=0,0,1,1&f=%20csv", 403),
        ("/collections/e/items?bbox=0,0,1,1&f=csv%20", 403),
        ("/collections/e/items?bbox=0,0,1,1&f=html", 200),
    ] {
        let (answered, told) = ask(&service, get(target)).await;
        assert_eq!(answered, status, "{target}: {told}");
    }
    for accept in [
        "text/csv",
        "text/csv;q=0.5",
        "application/x-other, text/csv",
    ] {
        let headers = [("x-api-key", OSGEO_KEY), ("accept", accept)];
        let items = request("GET", "/collections/e/items?bbox=0,0,1,1", &headers);
        assert_eq!(ask(&service, items).await.0, 403, "{accept}");
    }
}

#[tokio::test]
async fn a_body_cannot_undo_what_the_query_shows() {
    let service = Service::with_policy(BOXED).await;
    let inside = "?bbox=0,0,1,1";
    for body in [
        r#"{"bbox": null}"#,
        r#"{"bbox": [-180, -90, 180, 90]}"#,
        r#"{"bbox": ""}"#,
    ] {
        let told = ask(&service, search(inside, body)).await;
        assert_eq!(told, refused(400, "two-filters"), "{body}");
    }
    for body in ["", "null", "[\"bbox\"]"] {
        let (status, told) = ask(&service, search(inside, body)).await;
        assert_eq!(status, 400, "{body}: {told}");
    }
    let (status, _) = ask(&service, search(inside, r#"{"ids": ["a"]}"#)).await;
    assert_eq!(status, 200);
    let (status, _) = ask(&service, search("", r#"{"bbox": [0, 0, 1, 1]}"#)).await;
    assert_eq!(status, 200);
    // The body is longer than its Content-Length: pygeoapi would read another body.
    let mut longer = search(inside, "{}");
    let http = longer
        .attributes
        .as_mut()
        .unwrap()
        .request
        .as_mut()
        .unwrap();
    http.http.as_mut().unwrap().raw_body = b"{\"bbox\": null}".to_vec();
    assert_eq!(ask(&service, longer).await, refused(400, "incomplete-body"));
}

#[tokio::test]
async fn pygeoapi_answers_in_the_format_that_was_judged() {
    let service = Service::with_policy("package geowarden.authz\n\nallow := true\n").await;
    let sent = async |target: &str, accept: &str| {
        let headers = [("x-api-key", OSGEO_KEY), ("accept", accept)];
        let answer = service.ask("GET", target, &headers).await;
        (answer.header(":path").unwrap(), answer.header("accept"))
    };
    let items = "/collections/e/items";
    let with = |path: &str, accept: Option<&str>| (path.to_owned(), accept.map(str::to_owned));
    assert_eq!(sent(items, "*/*").await, with(items, None));
    assert_eq!(
        sent(items, "text/html, */*").await,
        with(items, Some("text/html"))
    );
    // A plugin of pygeoapi could support it.
    assert_eq!(
        sent(items, "application/x-other").await,
        with(items, Some("*/*"))
    );
    assert_eq!(
        sent(items, "text/csv").await,
        with("/collections/e/items?f=csv", None)
    );
    // With CSV, pygeoapi's search breaks for everybody.
    let search = "/stac-api/search";
    assert_eq!(
        sent(search, "text/csv").await,
        with(search, Some("application/json"))
    );
}

#[tokio::test]
async fn what_pygeoapi_would_not_obey_is_no_allowance() {
    let policy =
        |set: &str| format!("package geowarden.authz\n\nallow := {{\"allowed\": true, {set}}}\n");
    let service = Service::with_policy(&policy(
        r#""query_parameters_to_set": {"bbox": "0,0,1,1", "limit": "5"}"#,
    ))
    .await;
    let told = ask(
        &service,
        search("", r#"{"bbox": [1, 2, 3, 4], "limit": 9}"#),
    )
    .await;
    assert_eq!(told, refused(503, "policy-not-honoured"));
    let told = ask(&service, search("", r#"{"ids": ["a"]}"#)).await;
    assert_eq!(
        told,
        (200, "/stac-api/search?bbox=0,0,1,1&limit=5".to_owned())
    );
    let get = |target: &str| request("GET", target, &[("x-api-key", OSGEO_KEY)]);
    let told = ask(&service, get("/collections/e/position?coords=POINT(0%200)")).await;
    assert_eq!(told, refused(503, "policy-not-honoured"));

    let service = Service::with_policy(&policy(r#""query_parameters_to_remove": ["limit"]"#)).await;
    let told = ask(&service, search("", r#"{"limit": 9}"#)).await;
    assert_eq!(told, refused(503, "policy-not-honoured"));
    let (status, path) = ask(&service, get("/collections/e/items?limit=9")).await;
    assert_eq!((status, path.as_str()), (200, "/collections/e/items"));

    // Of two values, pygeoapi on Flask and on Starlette use different ones.
    let service = Service::with_policy(&policy(
        r#""query_parameters_to_set": {"limit": ["1", "2"]}"#,
    ))
    .await;
    let told = ask(&service, get("/collections/e/items")).await;
    assert_eq!(told, refused(503, "policy-verdict"));
}

#[tokio::test]
async fn pseudo_headers_are_there_for_policies_of_opa_envoy() {
    let service = Service::with_policy(
        "package geowarden.authz\n\nallow if input.attributes.request.http.headers[\":method\"] == \"GET\"\n",
    )
    .await;
    let get = request("GET", "/", &[("x-api-key", OSGEO_KEY)]);
    assert_eq!(ask(&service, get).await.0, 200);
    let head = request("HEAD", "/", &[("x-api-key", OSGEO_KEY)]);
    assert_eq!(ask(&service, head).await.0, 403);
}

/// Sets or removes all cookies of a request, as `x-cookies` says.
const COOKIES: &str = r#"package geowarden.authz

allow := {"allowed": true, "headers": {"cookie": "own=1"}} if input.request.headers["x-cookies"] == "set"

else := {"allowed": true, "request_headers_to_remove": ["Cookie"]} if input.request.headers["x-cookies"] == "remove"

else := true
"#;

#[tokio::test]
async fn a_policy_sets_and_removes_cookies_beside_that_of_the_credential() {
    let folder = folder(COOKIES, "");
    let file = folder.path().join("geowarden.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("{file: api-keys", "{cookie: gk, file: api-keys"),
    )
    .unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    let key = format!("gk={OSGEO_KEY}");
    let with_another = format!("{key}; session=abc");
    for (cookies, wish, sent_on) in [
        (&key, "", None),
        (&with_another, "", Some("session=abc")),
        (&key, "set", Some("own=1")),
        (&with_another, "set", Some("own=1")),
        (&key, "remove", None),
        (&with_another, "remove", None),
    ] {
        let headers = [("cookie", cookies.as_str()), ("x-cookies", wish)];
        let answer = service.ask("GET", "/collections", &headers).await;
        assert_eq!(answer.status(), 200, "{cookies} {wish}");
        assert_eq!(
            answer.header("cookie").as_deref(),
            sent_on,
            "{cookies} {wish}"
        );
        // Envoy removes after it has set.
        let is_removed = answer
            .removed()
            .iter()
            .any(|name| name.eq_ignore_ascii_case("cookie"));
        assert_eq!(is_removed, sent_on.is_none(), "{cookies} {wish}");
    }
}
