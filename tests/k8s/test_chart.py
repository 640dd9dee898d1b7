"""The chart has the same effect as the overlays, is valid with many sets of values, and rejects wrong values."""

import json
import re
import unittest

import helm_python
import yaml

from . import policy, schemas
from .rendering import CHART, chart, named, overlay, pod_of

DIGEST = "sha256:" + "ab" * 32
KEY = {"sha256": "3d6a6a4202fed99dc5030b400619c14c04c1a84b272f8ee6d272a898b7788474", "attributes": {"roles": ["reader"]}}

VALUES = {
    "default": {},
    "standalone": {"mode": "standalone"},
    "login": {"oidc": {"enabled": True}},
    "login elsewhere": {
        "oidc": {
            "enabled": True,
            "issuer": "https://login.example.net/realms/maps",
            "audience": "maps",
            "algorithms": ["ES256"],
            "authorizationEndpoint": "https://login.example.net/realms/maps/protocol/openid-connect/auth",
            "tokenEndpoint": "https://login.example.net/realms/maps/protocol/openid-connect/token",
            "endSessionEndpoint": "https://login.example.net/realms/maps/protocol/openid-connect/logout",
            "host": "login.example.net",
            "clientId": "maps-browser",
            "scopes": ["openid", "profile"],
        }
    },
    "keys and policies": {
        "apiKeys": {"entries": {"osgeo": KEY, "me": {**KEY, "expires": "2127-01-01"}}},
        "policy": {"files": {"authz.rego": "package geowarden.authz\n\nallow if input.ogc.api == \"landing\"\n"}},
    },
    "images by digest": {
        "image": {"repository": "registry.example.org/geowarden", "digest": DIGEST},
        "envoy": {"image": {"digest": DIGEST}},
        "pygeoapi": {"image": {"digest": DIGEST}},
        "imagePullSecrets": [{"name": "registry"}],
    },
    "a fixed size": {
        "replicas": 3,
        "autoscaling": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "data of one's own": {
        "pygeoapi": {
            "config": "resources: {}\n",
            "data": {"a.csv": "id\n1\n"},
            "volumes": [{"name": "tiles", "persistentVolumeClaim": {"claimName": "tiles", "readOnly": True}}],
            "volumeMounts": [{"name": "tiles", "mountPath": "/tiles", "readOnly": True}],
            "envFrom": [{"secretRef": {"name": "database"}}],
        },
        "networkPolicy": {"egress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}]},
        "service": {"type": "LoadBalancer", "port": 443, "annotations": {"a": "b"}},
    },
    "monitored": {"monitoring": {"enabled": True}},
    "by an ingress": {
        "hostname": "maps.example.org",
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "maps-tls", "annotations": {"a": "b"}},
    },
    "by a gateway": {
        "hostname": "maps.example.org",
        "gateway": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
    },
    "production": yaml.safe_load((CHART / "values-production.yaml").read_text()),
    "standalone, placed, with tokens": {
        "mode": "standalone",
        "monitoring": {"enabled": True},
        "config": {
            "authn": {"jwt": [{"issuer": "https://idp.example", "audiences": ["maps"]}]},
            "telemetry": {"decisions": "denied"},
        },
        "nodeSelector": {"pool": "edge"},
        "tolerations": [{"key": "edge", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podAnnotations": {"a": "b"},
        "networkPolicy": {"clientNamespaceLabels": {"kubernetes.io/metadata.name": "gateways"}},
        "tls": {"secret": "tls"},
    },
}

# Names in the overlays, each with the chart's name, which comes from the release.
NAMES = {
    "sidecar": {
        ("ConfigMap", "envoy"): "geowarden-envoy",
        ("ConfigMap", "pygeoapi"): "geowarden-pygeoapi",
        ("ConfigMap", "pygeoapi-data"): "geowarden-pygeoapi-data",
        ("Service", "pygeoapi-metrics"): "geowarden-metrics",
        **{(kind, "pygeoapi"): "geowarden" for kind in ("Deployment", "Service", "NetworkPolicy")},
        **{(kind, "pygeoapi"): "geowarden" for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler")},
    },
    "standalone": {},
}
NAMES["oidc"] = NAMES["sidecar"]
TOOLS_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart")


def without_tools_labels(node):
    """Removes the labels that only name the tool that rendered the object."""
    if isinstance(node, dict):
        return {key: without_tools_labels(value) for key, value in node.items() if key not in TOOLS_LABELS}
    if isinstance(node, list):
        return [without_tools_labels(item) for item in node]
    return node


def normalised(objects, names):
    """The objects in a comparable form: with the chart's names, with defaults, and with the YAML in ConfigMaps parsed."""
    whole = {}
    for found in without_tools_labels(objects):
        if found["kind"] == "Namespace":
            continue
        metadata = found["metadata"]
        kind, name = found["kind"], metadata["name"]
        unhashed = re.sub(r"-[bcdfghkmt2456789]{10}$", "", name)
        if unhashed != name:
            # The overlay's name has a hash of the content. The chart has a checksum in an annotation instead.
            objects_text = json.dumps(found)
            assert name in objects_text
        metadata["name"] = names.get((kind, unhashed), unhashed)
        # The overlays have more labels than needed.
        metadata["labels"] = {"app.kubernetes.io/component": metadata.get("labels", {}).get("app.kubernetes.io/component")}
        metadata["annotations"] = {k: v for k, v in metadata.get("annotations", {}).items()}
        if kind == "ConfigMap":
            found["data"] = {
                name: yaml.safe_load(text) if name.endswith((".yaml", ".yml")) else text
                for name, text in found["data"].items()
            }
        if kind == "Service":
            found["spec"].setdefault("type", "ClusterIP")
        if kind == "HorizontalPodAutoscaler":
            target = found["spec"]["scaleTargetRef"]
            target["name"] = names.get((target["kind"], target["name"]), target["name"])
        if kind == "Deployment":
            template = found["spec"]["template"]
            template["metadata"].get("annotations", {}).pop("checksum/config", None)
            if not template["metadata"].get("annotations"):
                template["metadata"].pop("annotations", None)
            pod = template["spec"]
            for container in pod.get("initContainers", []) + pod["containers"]:
                # Kubernetes' default for an image with a tag.
                container.setdefault("imagePullPolicy", "IfNotPresent")
                container["volumeMounts"] = sorted(container["volumeMounts"], key=lambda mount: mount["mountPath"])
            for volume in pod["volumes"]:
                if "configMap" in volume:
                    name = re.sub(r"-[bcdfghkmt2456789]{10}$", "", volume["configMap"]["name"])
                    volume["configMap"]["name"] = names.get(("ConfigMap", name), name)
            pod["volumes"] = sorted(pod["volumes"], key=lambda volume: volume["name"])
        whole[kind, metadata["name"]] = found
    return whole


class Chart(unittest.TestCase):
    maxDiff = None

    def test_it_is_equal_in_effect_to_the_overlays(self):
        for name, values in {
            "sidecar": {},
            "oidc": {"oidc": {"enabled": True}},
            "standalone": {"mode": "standalone"},
        }.items():
            objects, _ = chart(values)
            expected = normalised(overlay(name), NAMES[name])
            found = normalised(objects, {})
            self.assertEqual(sorted(found), sorted(expected))
            for key, value in expected.items():
                with self.subTest(overlay=name, object=key):
                    self.assertEqual(found[key], value)

        other, _ = chart({"pygeoapi": {"workers": 3}})
        self.assertNotEqual(normalised(other, {}), normalised(overlay("sidecar"), NAMES["sidecar"]))

    def test_every_set_of_values_renders_what_is_valid(self):
        self.assertEqual(len(VALUES), 13)
        for name, values in VALUES.items():
            objects, notes = chart(values)
            named(objects)
            for found in objects:
                with self.subTest(values=name, kind=found["kind"], name=found["metadata"]["name"]):
                    self.assertEqual(schemas.faults(found) + policy.faults(found), [])
                    self.assertEqual(found["metadata"]["namespace"], "geowarden")
            self.assertIn("curl", notes, name)

    def test_values_are_taken(self):
        objects, _ = chart(VALUES["login elsewhere"])
        objects = named(objects)
        envoy = objects["ConfigMap", "geowarden-envoy"]["data"]["envoy.yaml"]
        self.assertNotIn("idp.example", envoy)
        self.assertNotIn("@", envoy.replace('"@type"', ""))
        for text in (
            "authorization_endpoint: https://login.example.net/realms/maps/protocol/openid-connect/auth",
            "uri: https://login.example.net/realms/maps/protocol/openid-connect/token",
            "{address: login.example.net, port_value: 443}",
            "client_id: maps-browser",
            'auth_scopes: ["openid","profile"]',
            'resources: ["maps"]',
        ):
            self.assertIn(text, envoy)
        config = yaml.safe_load(objects["ConfigMap", "geowarden"]["data"]["geowarden.yaml"])
        issuer = {"issuer": "https://login.example.net/realms/maps", "audiences": ["maps"], "algorithms": ["ES256"]}
        self.assertEqual(config["authn"]["jwt"], [issuer])

        objects, _ = chart(VALUES["keys and policies"])
        secret = named(objects)["Secret", "geowarden-api-keys"]
        entry = json.loads(secret["stringData"]["osgeo.yaml"])
        self.assertEqual(entry, {"id": "osgeo", **KEY})

        objects, _ = chart(VALUES["images by digest"])
        (deployment,) = (found for found in objects if found["kind"] == "Deployment")
        for container in pod_of(deployment)["initContainers"] + pod_of(deployment)["containers"]:
            self.assertTrue(container["image"].endswith(DIGEST), container["image"])

        kinds = lambda values: {found["kind"] for found in chart(VALUES[values])[0]}  # noqa: E731
        for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"):
            self.assertNotIn(kind, kinds("a fixed size"))
        self.assertLessEqual({"ServiceMonitor", "PrometheusRule"}, kinds("monitored"))

        (ingress,) = (found for found in chart(VALUES["by an ingress"])[0] if found["kind"] == "Ingress")
        self.assertEqual(ingress["spec"]["tls"], [{"hosts": ["maps.example.org"], "secretName": "maps-tls"}])
        (rule,) = ingress["spec"]["rules"]
        self.assertEqual(rule["host"], "maps.example.org")
        self.assertEqual(rule["http"]["paths"][0]["backend"]["service"], {"name": "geowarden", "port": {"name": "http"}})
        objects, _ = chart(VALUES["by a gateway"])
        route = named(objects)["HTTPRoute", "geowarden"]
        self.assertEqual(route["spec"]["hostnames"], ["maps.example.org"])
        (rule,) = route["spec"]["rules"]
        self.assertEqual(rule["backendRefs"], [{"name": "geowarden", "port": 80}])
        # The default of a gateway would cut long downloads.
        self.assertEqual(rule["timeouts"], {"request": "0s"})

        objects, _ = chart(VALUES["standalone, placed, with tokens"])
        config = yaml.safe_load(named(objects)["ConfigMap", "geowarden"]["data"]["geowarden.yaml"])
        self.assertEqual(config["telemetry"], {"decisions": "denied"})
        self.assertEqual(config["authn"]["api_keys"], {"dir": "/etc/geowarden/keys"})

    def test_the_notes_name_the_collections_that_there_are(self):
        _, notes = chart()
        self.assertIn("Its collections: lakes, obs.", notes)
        config = "resources: {wells: {type: collection}, run: {type: process}}\n"
        _, notes = chart({"pygeoapi": {"config": config}, "hostname": "maps.example.org"})
        self.assertIn("Its collections: wells.", notes)
        self.assertIn("curl https://maps.example.org/collections/wells/items   # 401", notes)
        self.assertNotIn("obs", notes)

    def test_production_is_available_closed_and_restricted(self):
        objects = named(chart(VALUES["production"])[0])
        kinds = {kind for kind, _ in objects}
        self.assertLessEqual(
            {"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "PrometheusRule"}, kinds
        )
        pod = pod_of(objects["Deployment", "geowarden"])
        self.assertEqual(pod["topologySpreadConstraints"][0]["whenUnsatisfiable"], "DoNotSchedule")
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for container in pod["initContainers"] + pod["containers"]:
            self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"], container["name"])

    def test_a_change_of_what_is_read_at_start_rolls_over_and_one_of_a_policy_does_not(self):
        def checksum(values):
            (deployment,) = (found for found in chart(values)[0] if found["kind"] == "Deployment")
            return deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

        before = checksum({})
        self.assertEqual(before, checksum({"policy": VALUES["keys and policies"]["policy"]}))
        for values in (
            {"config": {"telemetry": {"level": "debug"}}},
            {"envoy": {"config": "{}"}},
            {"pygeoapi": {"config": "{}"}},
            {"pygeoapi": {"data": {"a": "b"}}},
        ):
            self.assertNotEqual(before, checksum(values), values)

    def test_wrong_values_are_refused(self):
        loaded = helm_python.Chart.load(CHART)
        loaded.validate_schema({})
        for values in (
            {"mode": "daemon"},
            {"modes": "sidecar"},
            {"image": {"tag": "latest"}},
            {"envoy": {"image": {"tag": "latest"}}},
            {"image": {"digest": "sha256:12"}},
            {"apiKeys": {"entries": {"me": {"key": "gw_secret"}}}},
            {"apiKeys": {"entries": {"me": {"sha256": "nonsense"}}}},
            {"oidc": {"issuer": "http://idp.example"}},
            {"oidc": {"clientId": "x'}\n"}},
            {"oidc": {"scopes": ["profile"]}},
            {"mode": "standalone", "oidc": {"enabled": True}},
            {"policy": {"files": {"../x.rego": ""}}},
            {"resources": {"limits": {"cpu": "lots"}}},
            {"replicas": 0},
            {"ingress": {"enabled": True}},
            {"hostname": "maps"},
            {"hostname": "maps.example.org", "gateway": {"enabled": True}},
            {"mode": "standalone", "hostname": "maps.example.org", "ingress": {"enabled": True}},
            {"config": {"policies": {}}},
            {"config": {"authn": {"jwt": [{"issuer": "https://idp.example"}]}}},
            {"config": {"server": {"grpc": 9191}}},
        ):
            with self.subTest(values), self.assertRaises(helm_python.HelmError):
                loaded.validate_schema(loaded.merge_values(values))

    def test_lint_has_nothing_to_say(self):
        report = helm_python.lint(CHART, strict=True)
        told = [message for message in report["messages"] if message["severity"] > 1]
        self.assertEqual((told, report["errors"]), ([], []))
