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

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const FIRST_FILTER: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0";

fn read(name: &str) -> Outcome<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    Ok(Document::parse(&fs::read_to_string(path)?)?.value)
}

/// The shipped bootstrap, without any of the settings of the security model.
fn bare() -> Outcome<Value> {
    let mut bootstrap = read("envoy/api-key.yaml")?;
    for (place, pointer, _, _) in settings() {
        let holder = match place {
            Place::Connection => MANAGER.to_owned(),
            Place::Authorization => format!("{MANAGER}/http_filters/0/typed_config"),
            Place::Router => format!("{MANAGER}/http_filters/1/typed_config"),
        };
        let (parent, name) = pointer.rsplit_once('/').ok_or("no parent")?;
        let parent = bootstrap.pointer_mut(&format!("{holder}{parent}"));
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

/// The bootstrap with what Istio generates from the provider and from `pathNormalization`.
fn generated_by_istio() -> Outcome<Value> {
    let mesh = read("k8s/istio/mesh-config.yaml")?;
    let provider = &mesh["meshConfig"]["extensionProviders"][0]["envoyExtAuthzGrpc"];
    assert_eq!(
        mesh["meshConfig"]["pathNormalization"]["normalization"],
        "BASE"
    );
    let body = &provider["includeRequestBodyInCheck"];
    let mut bootstrap = bare()?;
    let manager =
        json!({"normalize_path": true, "merge_slashes": false, "use_remote_address": true});
    merge(at(&mut bootstrap, MANAGER)?, &manager);
    let filter = json!({"typed_config": {
        "transport_api_version": "V3",
        "failure_mode_allow": provider["failOpen"],
        "clear_route_cache": provider["clearRouteCache"],
        "grpc_service": {"timeout": provider["timeout"]},
        "with_request_body": {
            "max_request_bytes": body["maxRequestBytes"],
            "allow_partial_message": body["allowPartialMessage"],
            "pack_as_bytes": body["packAsBytes"],
        },
    }});
    merge(at(&mut bootstrap, FIRST_FILTER)?, &filter);
    Ok(bootstrap)
}

#[tokio::test]
async fn istio_has_every_setting() -> Outcome {
    let mut bootstrap = generated_by_istio()?;
    assert!(
        !faults(&bootstrap).is_empty(),
        "the filter would do nothing"
    );
    let filter = read("k8s/istio/envoy-filter.yaml")?;
    let patches = filter["spec"]["configPatches"].as_array().ok_or("none")?;
    for patch in patches {
        assert_eq!(patch["patch"]["operation"], "MERGE");
        let matched = &patch["match"]["listener"]["filterChain"]["filter"];
        let target = match matched["subFilter"]["name"].as_str() {
            None => MANAGER.to_owned(),
            Some(EXT_AUTHZ) => format!("{MANAGER}/http_filters/0/typed_config"),
            Some(ROUTER) => format!("{MANAGER}/http_filters/1/typed_config"),
            Some(other) => return Err(format!("no filter {other}").into()),
        };
        let value = &patch["patch"]["value"]["typed_config"];
        // Istio would refuse a patch of another type.
        assert_eq!(at(&mut bootstrap, &target)?["@type"], value["@type"]);
        merge(at(&mut bootstrap, &target)?, value);
    }
    assert_hardened(&bootstrap).await
}

/// The bootstrap with what Envoy Gateway generates from the SecurityPolicy and the ClientTrafficPolicy.
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
    let manager = json!({
        "normalize_path": true,
        "use_remote_address": true,
        "merge_slashes": traffic["path"]["disableMergeSlashes"] != true,
        "path_with_escaped_slashes_action": action(&traffic["path"]["escapedSlashesAction"]),
        "common_http_protocol_options": {
            "headers_with_underscores_action": action(&traffic["headers"]["withUnderscoresAction"]),
        },
    });
    merge(at(&mut bootstrap, MANAGER)?, &manager);
    let filter = json!({
        "name": "envoy.filters.http.ext_authz/securitypolicy/geowarden/geowarden",
        "typed_config": {
            "transport_api_version": "V3",
            "failure_mode_allow": security["failOpen"],
            "clear_route_cache": security["recomputeRoute"],
            "grpc_service": {"timeout": security["timeout"]},
            "with_request_body": {
                "max_request_bytes": security["bodyToExtAuth"]["maxRequestBytes"],
                "allow_partial_message": false,
            },
        },
    });
    merge(at(&mut bootstrap, FIRST_FILTER)?, &filter);
    let router = format!("{MANAGER}/http_filters/1/typed_config");
    merge(
        at(&mut bootstrap, &router)?,
        &json!({"suppress_envoy_headers": true}),
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

#[tokio::test]
async fn envoy_gateway_has_every_setting() -> Outcome {
    let mut bootstrap = generated_by_envoy_gateway()?;
    assert!(!faults(&bootstrap).is_empty(), "the patch would do nothing");
    let policy = read("k8s/envoy-gateway/envoy-patch-policy.yaml")?;
    let patches = policy["spec"]["jsonPatches"].as_array().ok_or("none")?;
    let listener = at(&mut bootstrap, "/static_resources/listeners/0")?;
    for patch in patches {
        assert_eq!(patch["name"], "geowarden/maps/https");
        let operation = &patch["operation"];
        assert_eq!(operation["op"], "add");
        let found = pointer(listener, operation["jsonPath"].as_str().ok_or("no path")?)?;
        let path = operation["path"].as_str().ok_or("no path")?;
        let (parent, name) = path.rsplit_once('/').ok_or("no parent")?;
        let parent = at(listener, &format!("{found}{parent}"))?;
        parent[name] = operation["value"].clone();
    }
    // The check looks for the filter by its usual name.
    at(&mut bootstrap, FIRST_FILTER)?["name"] = EXT_AUTHZ.into();
    assert_hardened(&bootstrap).await
}
