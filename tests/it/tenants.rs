//! Several tenants in one geowarden: nothing of one tenant is valid for another.

use std::{collections::HashMap, fmt::Write as _, fs, path::Path};

use envoy_types::{ext_authz::v3::pb::CheckRequest, pb::google::protobuf::value::Kind};
use geowarden::config::Config;
use tempfile::TempDir;

use crate::service::{Answer, Service, config, request};

/// The same policy for both tenants, with different data.
const POLICY: &str = "package geowarden.authz\n\nallow if input.ogc.collection in data.open[input.identity.attributes.company]\n";
const TENANTS: [(&str, &str); 2] = [("osgeo", "obs"), ("geobeyond", "lakes")];

/// A folder of two tenants with the keys `KEY-OF-NAME`, and their configuration.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut tenants = String::new();
    for (name, collection) in TENANTS {
        let policies = folder.path().join(name);
        fs::create_dir(&policies).unwrap();
        fs::write(policies.join("authz.rego"), POLICY).unwrap();
        // Both keys have the same company: only the tenant of the key may make a difference.
        let data = format!("open: {{acme: [{collection}]}}\n");
        fs::write(policies.join("data.yaml"), data).unwrap();
        let digest = geowarden::authn::key_digest(format!("key-of-{name}").as_bytes());
        let entry = format!("- {{id: acme, sha256: {digest}, attributes: {{company: acme}}}}\n");
        fs::write(folder.path().join(format!("{name}-keys.yaml")), entry).unwrap();
        let _ = write!(
            tenants,
            "  {name}:\n    hosts: [{name}.example, '*.{name}.example']\n    authn: {{api_keys: {{file: {name}-keys.yaml}}}}\n    policy: {{path: {name}}}\n"
        );
    }
    let text =
        format!("server: {{grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}}\ntenants:\n{tenants}");
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    folder
}

async fn service() -> Service {
    let folder = folder();
    let config = config(folder.path());
    Service::start(folder, config).await
}

/// A request for a collection, with the key of `key`, to a host, on a route that names a tenant.
pub(crate) fn asked(collection: &str, key: &str, host: &str, route: Option<&str>) -> CheckRequest {
    let key = format!("key-of-{key}");
    let mut check = request(
        "GET",
        &format!("/collections/{collection}/items"),
        &[("x-api-key", &key)],
    );
    let attributes = check.attributes.as_mut().unwrap();
    host.clone_into(
        &mut attributes
            .request
            .as_mut()
            .unwrap()
            .http
            .as_mut()
            .unwrap()
            .host,
    );
    attributes.context_extensions = route
        .map(|name| ("policy".to_owned(), name.to_owned()))
        .into_iter()
        .collect::<HashMap<_, _>>();
    check
}

impl Service {
    async fn outcome(&self, check: CheckRequest) -> (i32, String) {
        let answer = Answer(self.check(check).await);
        let status = answer.status();
        let code = if status == 200 {
            String::new()
        } else {
            answer.problem()["code"].as_str().unwrap().to_owned()
        };
        (status, code)
    }
}

fn metadata(answer: &Answer, name: &str) -> Option<String> {
    let value = answer.0.dynamic_metadata.as_ref()?.fields.get(name)?;
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn keys_policies_and_data_are_a_tenants_own() {
    let service = service().await;
    for (name, own) in TENANTS {
        for (other, theirs) in TENANTS {
            for route in [Some(name), None] {
                let host = format!("{name}.example");
                let asked = |collection, key| asked(collection, key, &host, route);
                let told = format!("{name} {other} {route:?}");
                if name == other {
                    let ok = (200, String::new());
                    assert_eq!(service.outcome(asked(own, name)).await, ok, "{told}");
                    continue;
                }
                // Its own key does not allow what the other tenant's data allow.
                assert_eq!(
                    service.outcome(asked(theirs, name)).await,
                    (403, "policy-denied".to_owned()),
                    "{told}"
                );
                // The other tenant's key is unknown here, for any resource.
                for collection in [own, theirs] {
                    assert_eq!(
                        service.outcome(asked(collection, other)).await,
                        (401, "unknown-key".to_owned()),
                        "{told}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn the_route_counts_more_than_the_host_that_a_client_writes() {
    let service = service().await;
    // On osgeo's route, a host of geobeyond changes nothing: neither its keys nor its data are used.
    for host in ["geobeyond.example", "nobody.example", ""] {
        let on_route = |collection, key| asked(collection, key, host, Some("osgeo"));
        assert_eq!(service.outcome(on_route("obs", "osgeo")).await.0, 200);
        assert_eq!(service.outcome(on_route("lakes", "osgeo")).await.0, 403);
        assert_eq!(service.outcome(on_route("lakes", "geobeyond")).await.0, 401);
    }
}

#[tokio::test]
async fn hosts_choose_where_no_route_does() {
    let service = service().await;
    for host in [
        "OSGEO.example:8443",
        "maps.osgeo.example",
        "a.b.osgeo.example",
    ] {
        let check = asked("obs", "osgeo", host, None);
        assert_eq!(service.outcome(check).await.0, 200, "{host}");
    }
    for host in [
        "",
        "nobody.example",
        "osgeo.example.",
        "osgeo.example.evil.example",
        "osgeo.example:abc",
        "a..osgeo.example",
    ] {
        let refused = (421, "unknown-host".to_owned());
        let check = asked("obs", "osgeo", host, None);
        assert_eq!(service.outcome(check).await, refused, "{host}");
    }
}

#[tokio::test]
async fn a_route_that_names_nobody_is_refused() {
    let refused = (503, "unknown-tenant".to_owned());
    let service = service().await;
    for name in ["nobody", "", "OSGEO", "osgeo "] {
        let check = asked("obs", "osgeo", "osgeo.example", Some(name));
        assert_eq!(service.outcome(check).await, refused, "{name}");
    }
    // Even without tenants: a request for a missing tenant must not be judged by other rules.
    let alone = Service::with_policy("package geowarden.authz\n\nallow := true\n").await;
    let check = asked("obs", "osgeo", "osgeo.example", Some("osgeo"));
    assert_eq!(alone.outcome(check).await, refused);
}

#[tokio::test]
async fn a_tenant_of_all_hosts_takes_what_is_left() {
    let folder = folder();
    let file = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("'*.osgeo.example'", "'*'")).unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    for host in ["nobody.example", "maps.osgeo.example", "192.0.2.1:80"] {
        let check = asked("obs", "osgeo", host, None);
        assert_eq!(service.outcome(check).await.0, 200, "{host}");
    }
    let check = asked("obs", "osgeo", "geobeyond.example", None);
    assert_eq!(service.outcome(check).await.0, 401);
    // Another parser could read the other tenant's host in a text that is not a host name. So no tenant gets it.
    let long = format!("{}geobeyond.example", "a.".repeat(130));
    for host in [
        "",
        "geobeyond.example.",
        "geobeyond.example:abc",
        "a..geobeyond.example",
        "a,b.geobeyond.example",
        "x@geobeyond.example",
        &long,
    ] {
        let refused = (421, "unknown-host".to_owned());
        let check = asked("obs", "osgeo", host, None);
        assert_eq!(service.outcome(check).await, refused, "{host}");
    }
}

#[tokio::test]
async fn a_route_whose_key_is_misspelt_is_refused() {
    let refused = (503, "unknown-tenant".to_owned());
    let service = service().await;
    let by_key = |key: &str| {
        let mut check = asked("obs", "osgeo", "osgeo.example", None);
        let extensions = &mut check.attributes.as_mut().unwrap().context_extensions;
        extensions.insert(key.to_owned(), "geobeyond".to_owned());
        check
    };
    for key in ["tenant", "Tenant", "Policy", "POLICY"] {
        assert_eq!(service.outcome(by_key(key)).await, refused, "{key}");
    }
    // The other keys are for other uses, so the right one is unambiguous.
    assert_eq!(service.outcome(by_key("layer")).await.0, 200);
    let mut both = by_key("tenant");
    let extensions = &mut both.attributes.as_mut().unwrap().context_extensions;
    extensions.insert("policy".to_owned(), "osgeo".to_owned());
    assert_eq!(service.outcome(both).await.0, 200);
}

#[tokio::test]
async fn a_decision_says_whose_rules_made_it() {
    let service = service().await;
    let answer = Answer(
        service
            .check(asked("obs", "osgeo", "", Some("osgeo")))
            .await,
    );
    assert_eq!(metadata(&answer, "tenant").as_deref(), Some("osgeo"));
    let answer = Answer(
        service
            .check(asked("obs", "osgeo", "", Some("geobeyond")))
            .await,
    );
    assert_eq!(metadata(&answer, "tenant").as_deref(), Some("geobeyond"));
    let answer = Answer(
        service
            .check(asked("obs", "osgeo", "", Some("nobody")))
            .await,
    );
    assert_eq!(metadata(&answer, "tenant"), None);
    for labels in [
        r#"outcome="allow",status="200",reason="policy-allowed",principal="api_key",stop="policy",tenant="osgeo""#,
        r#"outcome="deny",status="401",reason="unknown-key",principal="unknown",stop="authenticate",tenant="geobeyond""#,
        r#"outcome="deny",status="503",reason="unknown-tenant",principal="unknown",stop="read""#,
    ] {
        let line = format!("geowarden_decisions_total{{{labels}}} 1");
        service.metric(&line).await;
    }
}

fn write(service: &Service, name: &str, text: &str) {
    // Replace the file as a whole, as an editor does.
    let aside = service.folder.path().join(".aside");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, service.folder.path().join(name)).unwrap();
}

#[tokio::test]
async fn a_fault_of_one_tenant_holds_up_no_other() {
    let service = service().await;
    let ok = async |collection, key, route| {
        let check = asked(collection, key, "", Some(route));
        service.outcome(check).await.0
    };
    let failed = |tenant: &str, is: u8| {
        format!("geowarden_tenant_reload_failed{{tenant=\"{tenant}\"}} {is}")
    };
    write(
        &service,
        "geobeyond/authz.rego",
        "package geowarden.authz\n\nallow if {\n",
    );
    service.metric("geowarden_reload_failed 1").await;
    service.metric(&failed("geobeyond", 1)).await;
    assert_eq!(ok("lakes", "geobeyond", "geobeyond").await, 200);
    // A valid change of the other tenant's files is not delayed.
    write(&service, "osgeo/data.yaml", "open: {acme: [lakes]}\n");
    service.metric(&failed("osgeo", 0)).await;
    assert_eq!(ok("obs", "osgeo", "osgeo").await, 403);
    assert_eq!(ok("lakes", "osgeo", "osgeo").await, 200);
    // From the broken tenant's files nothing is loaded, but the key is revoked.
    write(&service, "geobeyond/data.yaml", "open: {acme: [obs]}\n");
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 2")
        .await;
    assert_eq!(ok("obs", "geobeyond", "geobeyond").await, 403);
    assert_eq!(ok("lakes", "geobeyond", "geobeyond").await, 200);
    fs::remove_file(service.folder.path().join("geobeyond-keys.yaml")).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 3")
        .await;
    assert_eq!(ok("lakes", "geobeyond", "geobeyond").await, 401);
    service.metric("geowarden_reload_failed 1").await;
    let body = reqwest::get(format!("http://{}/readyz", service.admin))
        .await
        .unwrap();
    assert_eq!(body.status(), 200);
    let body = body.text().await.unwrap();
    assert!(
        body.starts_with("ok\n") && body.contains("tenant geobeyond"),
        "{body}"
    );
    write(&service, "geobeyond/authz.rego", POLICY);
    let digest = geowarden::authn::key_digest(b"key-of-geobeyond");
    let entry = format!("- {{id: acme, sha256: {digest}, attributes: {{company: acme}}}}\n");
    write(&service, "geobeyond-keys.yaml", &entry);
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(ok("obs", "geobeyond", "geobeyond").await, 200);
}

#[tokio::test]
async fn one_key_cannot_be_two_tenants() {
    let service = service().await;
    let ok = async |collection, key, route| {
        let check = asked(collection, key, "", Some(route));
        service.outcome(check).await.0
    };
    let keys = |owner: &str, id: &str| {
        let digest = geowarden::authn::key_digest(format!("key-of-{owner}").as_bytes());
        let digest = digest.to_uppercase();
        format!("- {{id: {id}, sha256: {digest}, attributes: {{company: acme}}}}\n")
    };
    // osgeo's key, in another file, with another name and in upper case.
    let both = keys("geobeyond", "own") + &keys("osgeo", "copied");
    write(&service, "geobeyond-keys.yaml", &both);
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(ok("lakes", "geobeyond", "geobeyond").await, 200);
    assert_eq!(ok("lakes", "osgeo", "geobeyond").await, 401);
    assert_eq!(ok("obs", "osgeo", "osgeo").await, 200);
    // Another process does not start with it either.
    let Err(error) = geowarden::app::App::bind(config(service.folder.path())).await else {
        panic!("it started");
    };
    let told = error.to_string();
    for part in [
        "geobeyond",
        "osgeo",
        "`copied`",
        "`acme`",
        "-keys.yaml:1: tenant `",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    // A key that one tenant has removed can be used by another.
    write(&service, "osgeo-keys.yaml", &keys("nobody", "acme"));
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(ok("obs", "osgeo", "osgeo").await, 401);
    assert_eq!(ok("lakes", "osgeo", "geobeyond").await, 200);
}

fn with_issuer(folder: &Path, name: &str) -> Config {
    let mut config = config(folder);
    let issuer = "{issuer: 'http://127.0.0.1:1', audiences: [x]}";
    let authn = format!("jwt: [{issuer}]");
    let parsed = geowarden_yaml::Document::parse(&authn).unwrap().value;
    config.tenants.get_mut(name).unwrap().authn = serde_json::from_value(parsed).unwrap();
    config
}

#[tokio::test]
async fn readiness_names_the_tenant_whose_keys_are_missing() {
    let folder = folder();
    let config = with_issuer(folder.path(), "geobeyond");
    let service = Service::start(folder, config).await;
    let url = format!("http://{}/readyz", service.admin);
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(
        answer.text().await.unwrap(),
        "not ready: no keys yet of issuer http://127.0.0.1:1 (tenant geobeyond)\n"
    );
    service
        .metric(r#"geowarden_jwks_fetch_failures_total{issuer="http://127.0.0.1:1",tenant="geobeyond"} 1"#)
        .await;
    // The other tenant is not delayed.
    let check = asked("obs", "osgeo", "", Some("osgeo"));
    assert_eq!(service.outcome(check).await.0, 200);
}

#[tokio::test]
async fn a_start_tells_the_faults_of_every_tenant_by_name() {
    let folder = folder();
    for name in ["osgeo", "geobeyond"] {
        fs::write(folder.path().join(name).join("authz.rego"), "package x").unwrap();
    }
    let config = config(folder.path());
    let Err(error) = geowarden::app::App::bind(config).await else {
        panic!("it started");
    };
    let told = error.to_string();
    assert!(
        told.contains("tenant `osgeo`: ") && told.contains("tenant `geobeyond`: "),
        "{told}"
    );
}
