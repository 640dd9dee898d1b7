"""Makes the schemas of this folder from CustomResourceDefinitions: python trim.py FILE.yaml...

It writes only the kinds below, and only what validation needs, without descriptions. The schemas reject unknown fields, like
a strict API server.
"""

import json
import sys
from pathlib import Path

import yaml

KINDS = {
    ("security.istio.io", "AuthorizationPolicy", "v1"),
    ("networking.istio.io", "DestinationRule", "v1"),
    ("networking.istio.io", "EnvoyFilter", "v1alpha3"),
    ("networking.istio.io", "Gateway", "v1"),
    ("networking.istio.io", "VirtualService", "v1"),
    ("gateway.networking.k8s.io", "BackendTLSPolicy", "v1"),
    ("gateway.networking.k8s.io", "Gateway", "v1"),
    ("gateway.networking.k8s.io", "HTTPRoute", "v1"),
    ("gateway.networking.k8s.io", "ReferenceGrant", "v1beta1"),
    ("gateway.networking.k8s.io", "GatewayClass", "v1"),
    ("gateway.envoyproxy.io", "EnvoyProxy", "v1alpha1"),
    ("gateway.envoyproxy.io", "SecurityPolicy", "v1alpha1"),
    ("gateway.envoyproxy.io", "ClientTrafficPolicy", "v1alpha1"),
    ("gateway.envoyproxy.io", "BackendTrafficPolicy", "v1alpha1"),
    ("gateway.envoyproxy.io", "EnvoyPatchPolicy", "v1alpha1"),
    ("monitoring.coreos.com", "ServiceMonitor", "v1"),
    ("monitoring.coreos.com", "PrometheusRule", "v1"),
}
# For a very large kind: the only fields that are used.
ONLY = {"EnvoyProxy": ("backendTLS",), "BackendTrafficPolicy": ("targetRefs", "timeout")}
# Keywords that only Kubernetes knows, and descriptions.
DROPPED = {
    "description",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
}


def trimmed(node, is_properties=False):
    if isinstance(node, list):
        return [trimmed(item) for item in node]
    if not isinstance(node, dict):
        return node
    if is_properties:
        return {name: trimmed(schema) for name, schema in node.items()}
    kept = {
        key: trimmed(value, key in ("properties", "patternProperties"))
        for key, value in node.items()
        if key not in DROPPED and key not in ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
    }
    if node.get("x-kubernetes-int-or-string"):
        kept.pop("anyOf", None)
        kept["type"] = ["integer", "string"]
    is_open = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
    if "properties" in kept and kept.get("type") == "object" and not is_open:
        kept["additionalProperties"] = False
    if kept.pop("nullable", False) and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    return kept


def main():
    left = set(KINDS)
    for file in sys.argv[1:]:
        for crd in yaml.safe_load_all(Path(file).read_text()):
            if not crd or crd["kind"] != "CustomResourceDefinition":
                continue
            group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
            for version in crd["spec"]["versions"]:
                if (group, kind, version["name"]) not in left:
                    continue
                left.remove((group, kind, version["name"]))
                schema = trimmed(version["schema"]["openAPIV3Schema"])
                if kind in ONLY:
                    spec = schema["properties"]["spec"]["properties"]
                    schema["properties"]["spec"]["properties"] = {field: spec[field] for field in ONLY[kind]}
                text_only = {"type": "string"}
                schema["properties"] |= {"apiVersion": text_only, "kind": text_only, "metadata": {"type": "object"}}
                name = f"{group}_{kind}_{version['name']}.json"
                text = json.dumps(schema, separators=(",", ":"), sort_keys=True)
                (Path(__file__).parent / name).write_text(text + "\n")
    if left:
        sys.exit(f"not found: {sorted(left)}")


if __name__ == "__main__":
    main()
