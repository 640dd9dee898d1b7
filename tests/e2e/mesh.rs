//! With `k8s/istio` and `k8s/envoy-gateway`, Envoy gets every setting of the security model, and accepts the configuration.
//!
//! Istio and Envoy Gateway cannot run here. So this file imitates what they generate from their resources: it sets the
//! important fields in a bootstrap without any of these settings. The patches are applied as they are.

use std::{fs, path::Path};

use geowarden_stack::{Envoy, Tools};
use geowarden_yaml::Document;
use serde_json::{Value, json};

use crate::{
    envoy_settings::{EXT_AUTHZ, Place, ROUTER, faults, settings},
    stage::Outcome,
};

const FILTER_NAME: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/name";
const ROUTE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0";

/// A file of this repository.
pub(crate) fn read(name: &str) -> Outcome<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    Ok(Document::parse(&fs::read_to_string(path)?)?.value)
}

/// The shipped bootstrap, without any of the settings of the security model.
fn bare() -> Outcome<Value> {
    let mut bootstrap = read("envoy/api-key.yaml")?;
    for (place, pointer, _, _) in settings() {
        let (parent, name) = pointer.rsplit_once('/').ok_or("no parent")?;
        let parent = bootstrap.pointer_mut(&format!("{}{parent}", place.pointer()));
        if let Some(Value::Object(members)) = parent {
            members.remove(name);
        }
    }
    assert_eq!(
        faults(&bootstrap).len(),
        settings().len(),
        "a setting is left"
    );
    Ok(bootstrap)
}

fn at<'a>(value: &'a mut Value, pointer: &str) -> Outcome<&'a mut Value> {
    value
        .pointer_mut(pointer)
        .ok_or_else(|| format!("nothing at {pointer}").into())
}

/// A resource of a file in `k8s/` with several.
fn resource(file: &str, kind: &str, name: &str) -> Outcome<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(path)?;
    let all = text.split("\n---\n").map(Document::parse);
    let mut all = all.collect::<Result<Vec<_>, _>>()?.into_iter();
    let found = all.find(|document| {
        document.value["kind"] == kind && document.value["metadata"]["name"] == name
    });
    let found = found.ok_or_else(|| format!("{file}: no {kind} {name}"))?;
    Ok(found.value)
}

/// Merges like protobuf: objects member by member; every other value is replaced.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// Asserts that no setting is missing, and that Envoy accepts the bootstrap.
async fn assert_hardened(bootstrap: &Value) -> Outcome {
    assert_eq!(faults(bootstrap), Vec::<String>::new());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("envoy.yaml");
    fs::write(&file, bootstrap.to_string())?;
    Ok(Envoy::validate(&Tools::find()?, &file).await?)
}

/// The bootstrap with what Istio generates from the provider, `pathNormalization`, the VirtualService and the DestinationRule.
fn generated_by_istio() -> Outcome<Value> {
    let mesh = read("k8s/istio/mesh-config.yaml")?;
    let provider = &mesh["meshConfig"]["extensionProviders"][0]["envoyExtAuthzGrpc"];
    assert_eq!(
        mesh["meshConfig"]["pathNormalization"]["normalization"],
        "BASE"
    );
    let body = &provider["includeRequestBodyInCheck"];
    let mut bootstrap = bare()?;
    let manager = json!({
        "normalize_path": true,
        "merge_slashes": false,
        "use_remote_address": true,
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
    });
    merge(at(&mut bootstrap, &Place::Connection.pointer())?, &manager);
    let filter = json!({
        "transport_api_version": "V3",
        "failure_mode_allow": provider["failOpen"],
        "clear_route_cache": provider["clearRouteCache"],
        "grpc_service": {"timeout": provider["timeout"]},
        "with_request_body": {
            "max_request_bytes": body["maxRequestBytes"],
            "allow_partial_message": body["allowPartialMessage"],
            "pack_as_bytes": body["packAsBytes"],
        },
    });
    merge(
        at(&mut bootstrap, &Place::Authorization.pointer())?,
        &filter,
    );

    let service = resource("k8s/istio/gateway.yaml", "VirtualService", "maps")?;
    let routes = service["spec"]["http"].as_array().ok_or("no routes")?;
    let [route] = routes.as_slice() else {
        return Err("more than one route".into());
    };
    // Without a `timeout`, Istio generates no limit. Without `retries`, it generates some for every method.
    let mut action = json!({"timeout": route.get("timeout").cloned().unwrap_or("0s".into())});
    if route["retries"]["attempts"] != 0 {
        action["retry_policy"] = json!({"retry_on": "connect-failure,refused-stream,unavailable"});
    }
    let generated = json!({"name": route["name"], "route": action});
    merge(at(&mut bootstrap, ROUTE)?, &generated);
    let file = "k8s/istio/destination-rule.yaml";
    let rule = resource(file, "DestinationRule", "pygeoapi")?;
    assert_eq!(
        rule["spec"]["host"],
        route["route"][0]["destination"]["host"]
    );
    let pool = &rule["spec"]["trafficPolicy"]["connectionPool"]["http"];
    let options = json!({"common_http_protocol_options": {"idle_timeout": pool["idleTimeout"]}});
    merge(at(&mut bootstrap, &Place::Upstream.pointer())?, &options);
    Ok(bootstrap)
}

/// The Envoy configuration that follows from `k8s/istio`.
pub(crate) fn istio() -> Outcome<Value> {
    let mut bootstrap = generated_by_istio()?;
    let filter = read("k8s/istio/envoy-filter.yaml")?;
    let patches = filter["spec"]["configPatches"].as_array().ok_or("none")?;
    for patch in patches {
        assert_eq!(patch["patch"]["operation"], "MERGE");
        let value = &patch["patch"]["value"];
        if patch["applyTo"] == "HTTP_ROUTE" {
            let wanted = &patch["match"]["routeConfiguration"]["vhost"]["route"]["name"];
            let route = at(&mut bootstrap, ROUTE)?;
            assert_eq!(&route["name"], wanted);
            merge(route, value);
            continue;
        }
        let matched = &patch["match"]["listener"]["filterChain"]["filter"];
        let place = match matched["subFilter"]["name"].as_str() {
            None => Place::Connection,
            Some(EXT_AUTHZ) => Place::Authorization,
            Some(ROUTER) => Place::Router,
            Some(other) => return Err(format!("no filter {other}").into()),
        };
        let value = &value["typed_config"];
        let target = at(&mut bootstrap, &place.pointer())?;
        // Istio would refuse a patch of another type.
        assert_eq!(target["@type"], value["@type"]);
        merge(target, value);
    }
    Ok(bootstrap)
}

#[tokio::test]
async fn istio_has_every_setting() -> Outcome {
    assert!(
        !faults(&generated_by_istio()?).is_empty(),
        "the filter would do nothing"
    );
    assert_hardened(&istio()?).await
}

/// The bootstrap with what Envoy Gateway generates from the SecurityPolicy, both traffic policies and the HTTPRoute.
fn generated_by_envoy_gateway() -> Outcome<Value> {
    let security = read("k8s/envoy-gateway/security-policy.yaml")?;
    let security = &security["spec"]["extAuth"];
    let traffic = read("k8s/envoy-gateway/client-traffic-policy.yaml")?;
    let traffic = &traffic["spec"];
    let action = |value: &Value| match value.as_str() {
        Some("RejectRequest") => "REJECT_REQUEST",
        _ => "",
    };
    let mut bootstrap = bare()?;
    let limits = &traffic["timeout"]["http"];
    let manager = json!({
        "normalize_path": true,
        "use_remote_address": true,
        "merge_slashes": traffic["path"]["disableMergeSlashes"] != true,
        "path_with_escaped_slashes_action": action(&traffic["path"]["escapedSlashesAction"]),
        "common_http_protocol_options": {
            "headers_with_underscores_action": action(&traffic["headers"]["withUnderscoresAction"]),
        },
        "request_headers_timeout": limits["requestHeadersReceivedTimeout"],
        "request_timeout": limits["requestReceivedTimeout"],
        "stream_idle_timeout": limits["streamIdleTimeout"],
    });
    merge(at(&mut bootstrap, &Place::Connection.pointer())?, &manager);
    *at(&mut bootstrap, FILTER_NAME)? =
        "envoy.filters.http.ext_authz/securitypolicy/geowarden/geowarden".into();
    let filter = json!({
        "transport_api_version": "V3",
        "failure_mode_allow": security["failOpen"],
        "clear_route_cache": security["recomputeRoute"],
        "grpc_service": {"timeout": security["timeout"]},
        "with_request_body": {
            "max_request_bytes": security["bodyToExtAuth"]["maxRequestBytes"],
            "allow_partial_message": false,
        },
    });
    merge(
        at(&mut bootstrap, &Place::Authorization.pointer())?,
        &filter,
    );
    merge(
        at(&mut bootstrap, &Place::Router.pointer())?,
        &json!({"suppress_envoy_headers": true}),
    );

    let route = resource("k8s/envoy-gateway/gateway.yaml", "HTTPRoute", "maps")?;
    let rules = route["spec"]["rules"].as_array().ok_or("no rules")?;
    let [rule] = rules.as_slice() else {
        return Err("more than one rule".into());
    };
    let policy = read("k8s/envoy-gateway/backend-traffic-policy.yaml")?;
    let target = &policy["spec"]["targetRefs"][0];
    assert_eq!(target["kind"], route["kind"]);
    assert_eq!(target["name"], route["metadata"]["name"]);
    // A retry of this policy would be for every method.
    assert_eq!(policy["spec"]["retry"], Value::Null);
    merge(
        at(&mut bootstrap, &Place::Route.pointer())?,
        &json!({
            "timeout": rule["timeouts"]["request"],
            "upgrade_configs": [{"upgrade_type": "websocket"}],
        }),
    );
    let idle = &policy["spec"]["timeout"]["http"]["connectionIdleTimeout"];
    merge(
        at(&mut bootstrap, &Place::Upstream.pointer())?,
        &json!({"common_http_protocol_options": {"idle_timeout": idle}}),
    );
    Ok(bootstrap)
}

/// The JSON pointer for a JSONPath of names, indices and `[?(@.name=='..')]`.
fn pointer(listener: &Value, path: &str) -> Outcome<String> {
    let mut pointer = String::new();
    let mut rest = path.strip_prefix('$').ok_or("a path from the root")?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[?(@.name=='") {
            let (name, after) = after.split_once("')]").ok_or("an open filter")?;
            let list = listener.pointer(&pointer).and_then(Value::as_array);
            let index = list
                .and_then(|list| list.iter().position(|element| element["name"] == name))
                .ok_or_else(|| format!("no {name} at {pointer}"))?;
            pointer.extend(["/", &index.to_string()]);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']').ok_or("an open index")?;
            pointer.extend(["/", index]);
            rest = after;
        } else {
            let name = rest.strip_prefix('.').ok_or("a name")?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            pointer.extend(["/", &name[..end]]);
            rest = &name[end..];
        }
    }
    Ok(pointer)
}

/// The Envoy configuration that follows from `k8s/envoy-gateway`.
pub(crate) fn envoy_gateway() -> Outcome<Value> {
    let mut bootstrap = generated_by_envoy_gateway()?;
    let policy = read("k8s/envoy-gateway/envoy-patch-policy.yaml")?;
    let patches = policy["spec"]["jsonPatches"].as_array().ok_or("none")?;
    for patch in patches {
        // Envoy Gateway gives a listener and its routes the same name.
        assert_eq!(patch["name"], "geowarden/maps/https");
        let root = match patch["type"]
            .as_str()
            .and_then(|kind| kind.rsplit('.').next())
        {
            Some("Listener") => "/static_resources/listeners/0".to_owned(),
            Some("RouteConfiguration") => format!("{}/route_config", Place::Connection.pointer()),
            other => return Err(format!("no resource {other:?}").into()),
        };
        let root = at(&mut bootstrap, &root)?;
        let operation = &patch["operation"];
        assert_eq!(operation["op"], "add");
        let found = pointer(root, operation["jsonPath"].as_str().ok_or("no path")?)?;
        let path = operation["path"].as_str().ok_or("no path")?;
        let (parent, name) = path.rsplit_once('/').ok_or("no parent")?;
        let parent = at(root, &format!("{found}{parent}"))?;
        parent[name] = operation["value"].clone();
    }
    // The checks look for the filter by its usual name.
    *at(&mut bootstrap, FILTER_NAME)? = EXT_AUTHZ.into();
    Ok(bootstrap)
}

#[tokio::test]
async fn envoy_gateway_has_every_setting() -> Outcome {
    assert!(
        !faults(&generated_by_envoy_gateway()?).is_empty(),
        "the patch would do nothing"
    );
    assert_hardened(&envoy_gateway()?).await
}
