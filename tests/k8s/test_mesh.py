"""The manifests for Istio and Envoy Gateway are valid, match the overlay `standalone`, and refuse requests after a failure."""

import unittest

import jsonschema
import yaml

from . import policy, schemas
from .rendering import K8S, kustomize, named, overlay

# Istio publishes no schema of MeshConfig. These are the fields of its documentation.
PROVIDER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["service", "port", "timeout", "failOpen", "statusOnError", "includeRequestBodyInCheck"],
    "properties": {
        "service": {"type": "string", "pattern": r"^[a-z-]+/[a-z.-]+$"},
        "port": {"type": "integer"},
        "timeout": {"type": "string", "pattern": r"^[0-9.]+s$"},
        "failOpen": {"const": False},
        "statusOnError": {"type": "string", "pattern": "^[0-9]{3}$"},
        "clearRouteCache": {"const": False},
        "includeRequestBodyInCheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["maxRequestBytes", "packAsBytes"],
            "properties": {
                "maxRequestBytes": {"type": "integer"},
                "allowPartialMessage": {"const": False},
                "packAsBytes": {"const": True},
            },
        },
    },
}


class Mesh(unittest.TestCase):
    def test_every_object_is_valid(self):
        for name in ("istio", "envoy-gateway"):
            objects = kustomize(K8S / name)
            self.assertGreaterEqual(len(objects), 4)
            for found in objects:
                with self.subTest(folder=name, kind=found["kind"]):
                    self.assertEqual(schemas.faults(found) + policy.faults(found), [])

    def test_istio_asks_the_standalone_service_about_everything(self):
        values = yaml.safe_load((K8S / "istio/mesh-config.yaml").read_text())
        (provider,) = values["meshConfig"]["extensionProviders"]
        grpc = provider["envoyExtAuthzGrpc"]
        jsonschema.validate(grpc, PROVIDER)
        service = named(overlay("standalone"))["Service", "geowarden"]
        namespace, host = grpc["service"].split("/")
        self.assertEqual(namespace, service["metadata"]["namespace"])
        self.assertEqual(host, "geowarden.geowarden.svc.cluster.local")
        self.assertIn(grpc["port"], [port["port"] for port in service["spec"]["ports"]])

        objects = named(kustomize(K8S / "istio"))
        authorization = objects["AuthorizationPolicy", "geowarden"]["spec"]
        self.assertEqual(authorization["action"], "CUSTOM")
        self.assertEqual(authorization["provider"]["name"], provider["name"])
        self.assertEqual(authorization["rules"], [{}])
        self.assertEqual(objects["DestinationRule", "geowarden"]["spec"]["host"], host)
        gateway = authorization["selector"]["matchLabels"]
        self.assertEqual(objects["EnvoyFilter", "geowarden"]["spec"]["workloadSelector"]["labels"], gateway)
        self.assertEqual(objects["Gateway", "maps"]["spec"]["selector"], gateway)
        for name in ("geowarden", "pygeoapi"):
            rule = objects["DestinationRule", name]["spec"]
            self.assertEqual(rule["workloadSelector"]["matchLabels"], gateway)

    def test_envoy_gateway_asks_the_standalone_service_about_everything(self):
        objects = {found["kind"]: found for found in kustomize(K8S / "envoy-gateway")}
        gateway = objects["Gateway"]["metadata"]["name"]
        for kind in ("SecurityPolicy", "ClientTrafficPolicy"):
            (target,) = objects[kind]["spec"]["targetRefs"]
            self.assertEqual((target["kind"], target["name"]), ("Gateway", gateway))
        authorization = objects["SecurityPolicy"]["spec"]["extAuth"]
        self.assertIs(authorization["failOpen"], False)
        (backend,) = authorization["grpc"]["backendRefs"]
        service = named(overlay("standalone"))["Service", backend["name"]]
        self.assertIn(backend["port"], [port["port"] for port in service["spec"]["ports"]])
        self.assertEqual(len(objects["HTTPRoute"]["spec"]["rules"]), 1)
        (target,) = objects["BackendTLSPolicy"]["spec"]["targetRefs"]
        self.assertEqual(target["name"], backend["name"])
