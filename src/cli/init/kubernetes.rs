//! One pod, by kustomize: the files of `k8s/overlays/sidecar`, with this pygeoapi.

use std::{fmt::Write as _, net::SocketAddr};

use geowarden_rego::source::is_test;
use serde_json::json;

use super::{Folder, Guarded, Mine};

/// The objects, as they are shipped.
const OBJECTS: [(&str, &str); 7] = [
    (
        "namespace.yaml",
        include_str!("../../../k8s/base/namespace.yaml"),
    ),
    (
        "service-account.yaml",
        include_str!("../../../k8s/base/service-account.yaml"),
    ),
    (
        "deployment.yaml",
        include_str!("../../../k8s/overlays/sidecar/deployment.yaml"),
    ),
    (
        "service.yaml",
        include_str!("../../../k8s/overlays/sidecar/service.yaml"),
    ),
    (
        "network-policy.yaml",
        include_str!("../../../k8s/overlays/sidecar/network-policy.yaml"),
    ),
    (
        "disruption-budget.yaml",
        include_str!("../../../k8s/overlays/sidecar/disruption-budget.yaml"),
    ),
    (
        "autoscaler.yaml",
        include_str!("../../../k8s/overlays/sidecar/autoscaler.yaml"),
    ),
];
const LOGIN_DEPLOYMENT: &str = include_str!("../../../k8s/overlays/oidc/deployment-patch.yaml");
const LOGIN_NETWORK: &str = include_str!("../../../k8s/overlays/oidc/network-policy-patch.yaml");

/// The volume of pygeoapi's data, which a configuration cannot bring along.
const DATA: &str = "\
# What pygeoapi reads, at /data: put a claim, or another volume, in the place of the empty one.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: pygeoapi
spec:
  template:
    spec:
      volumes:
        - name: pygeoapi-data
          configMap: null
          emptyDir: {sizeLimit: 1Gi}
";

pub(super) fn add(guarded: &Guarded, mine: &Mine, folder: &mut Folder) {
    for (name, text) in OBJECTS {
        folder.add(&format!("objects/{name}"), text.to_owned());
    }
    folder.add("pygeoapi/config.yml", guarded.text.clone());
    folder.add("pygeoapi/data-patch.yaml", DATA.to_owned());
    let mut patches = vec!["pygeoapi/data-patch.yaml"];
    let base_path = mine.base_path(guarded);
    if !base_path.is_empty() {
        folder.add(
            "pygeoapi/path-patch.yaml",
            under(&mine.settings.script_name, &base_path),
        );
        patches.push("pygeoapi/path-patch.yaml");
    }
    if mine.bootstrap.has_login() {
        folder.add("oauth2/deployment-patch.yaml", LOGIN_DEPLOYMENT.to_owned());
        folder.add("oauth2/network-policy-patch.yaml", LOGIN_NETWORK.to_owned());
        patches.push("oauth2/deployment-patch.yaml");
    }
    folder.add("kustomization.yaml", kustomization(&patches, mine));
}

fn kustomization(patches: &[&str], mine: &Mine) -> String {
    let has_login = mine.bootstrap.has_login();
    let mut text = String::from(
        "# pygeoapi, Envoy and geowarden in one pod: `kubectl apply -k .`\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: geowarden\nresources:\n",
    );
    for (name, _) in OBJECTS {
        let _ = writeln!(text, "  - objects/{name}");
    }
    let _ = write!(
        text,
        "labels:
  - pairs:
      app.kubernetes.io/part-of: geowarden
    includeTemplates: true
images:
  - name: geowarden
    newName: ghcr.io/geowarden/geowarden
    newTag: {version}
# What is read at start only has a name that changes with its content: a change rolls the pods over.
configMapGenerator:
  - name: envoy
    files: [envoy.yaml]
  - name: geowarden
    files: [geowarden.yaml]
  - name: pygeoapi
    files: [pygeoapi/config.yml]
  # Policies are read anew when they change.
  - name: geowarden-policy
    files: [{policy}]
    options: {{disableNameSuffixHash: true}}
",
        version = env!("CARGO_PKG_VERSION"),
        policy = mine
            .policy
            .iter()
            .filter(|(name, _)| !is_test(name))
            .map(|(name, _)| format!("policies/{name}"))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let keys: Vec<String> = mine
        .keys
        .iter()
        .map(|key| format!("api-keys/{}.yaml", key.id))
        .collect();
    let mut secrets = Vec::new();
    if !keys.is_empty() {
        secrets.push(("geowarden-api-keys", keys.join(", ")));
    }
    if has_login {
        let files = "oauth2/token.yaml, oauth2/hmac.yaml".to_owned();
        secrets.push(("geowarden-oauth2", files));
    }
    if !secrets.is_empty() {
        text.push_str("secretGenerator:\n");
    }
    for (name, files) in secrets {
        let _ = write!(
            text,
            "  - name: {name}\n    files: [{files}]\n    options: {{disableNameSuffixHash: true}}\n"
        );
    }
    text.push_str("patches:\n");
    for patch in patches {
        let _ = writeln!(text, "  - path: {patch}");
    }
    if has_login {
        text.push_str("  - path: oauth2/network-policy-patch.yaml\n    target: {kind: NetworkPolicy, name: pygeoapi}\n");
    }
    text
}

/// pygeoapi under a path.
fn under(script_name: &str, base_path: &str) -> String {
    let check = format!(
        "import urllib.request as r; r.urlopen('http://127.0.0.1:5000{base_path}/conformance?f=json', timeout=5)"
    );
    let probe = json!({"exec": {"command": ["/venv/bin/python3", "-c", check]}});
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: pygeoapi\nspec:\n  template:\n    spec:\n      initContainers:\n        - name: pygeoapi\n          env:\n            - {{name: SCRIPT_NAME, value: {}}}\n          startupProbe: {probe}\n          livenessProbe: {probe}\n",
        json!(script_name)
    )
}

pub(super) fn commands(folder: &str, listen: SocketAddr) -> Vec<String> {
    vec![
        format!("kubectl apply -k {folder}"),
        "kubectl -n geowarden rollout status deployment/pygeoapi".to_owned(),
        format!(
            "kubectl -n geowarden port-forward --address {} service/pygeoapi {}:80",
            listen.ip(),
            listen.port()
        ),
    ]
}
