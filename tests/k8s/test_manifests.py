"""The overlays are valid, follow the rules of `policy.py`, and are complete."""

import copy
import unittest

from . import policy, schemas
from .rendering import named, overlay, pod_of

OVERLAYS = ("sidecar", "oidc", "standalone")


class Overlays(unittest.TestCase):
    def test_every_object_is_valid_and_within_the_policy(self):
        for name in OVERLAYS:
            objects = overlay(name)
            self.assertGreaterEqual(len(objects), 10, name)
            for found in objects:
                with self.subTest(overlay=name, kind=found["kind"], name=found["metadata"]["name"]):
                    self.assertEqual(schemas.faults(found) + policy.faults(found), [])

    def test_everything_that_is_named_is_there(self):
        # The operator creates these: no manifest may contain a secret.
        secrets = {"geowarden-api-keys", "geowarden-oauth2", "geowarden-tls"}
        for name in OVERLAYS:
            objects = named(overlay(name))
            for found in overlay(name):
                if found["kind"] == "Deployment":
                    pod = pod_of(found)
                    self.assertIn(("ServiceAccount", pod["serviceAccountName"]), objects)
                    for volume in pod["volumes"]:
                        if "configMap" in volume:
                            self.assertIn(("ConfigMap", volume["configMap"]["name"]), objects)
                        if "secret" in volume:
                            self.assertIn(volume["secret"]["secretName"], secrets)
                if found["kind"] == "Service":
                    self._finds_ports(name, found)
                if found["kind"] == "HorizontalPodAutoscaler":
                    target = found["spec"]["scaleTargetRef"]
                    self.assertIn((target["kind"], target["name"]), objects)

    def _finds_ports(self, name, service):
        (deployment,) = (found for found in overlay(name) if found["kind"] == "Deployment")
        template = deployment["spec"]["template"]
        self.assertLessEqual(service["spec"]["selector"].items(), template["metadata"]["labels"].items())
        ports = {
            port["name"]
            for container in pod_of(deployment).get("initContainers", []) + pod_of(deployment)["containers"]
            for port in container.get("ports", [])
        }
        for port in service["spec"]["ports"]:
            self.assertIn(port["targetPort"], ports, service["metadata"]["name"])

    def test_names_change_with_what_is_read_at_start_only(self):
        maps = [found["metadata"]["name"] for found in overlay("sidecar") if found["kind"] == "ConfigMap"]
        for prefix in ("envoy-", "geowarden-", "pygeoapi-", "pygeoapi-data-"):
            self.assertTrue(any(len(name) == len(prefix) + 10 and name.startswith(prefix) for name in maps), maps)
        self.assertIn("geowarden-policy", maps)

    def test_only_the_metrics_of_a_pod_can_be_reached_around_envoy(self):
        for name in ("sidecar", "oidc"):
            (found,) = (found for found in overlay(name) if found["kind"] == "NetworkPolicy")
            self.assertEqual(found["spec"]["policyTypes"], ["Ingress", "Egress"])
            for rule in found["spec"]["ingress"]:
                ports = {port["port"] for port in rule["ports"]}
                if "from" not in rule:
                    self.assertEqual(ports, {"http"})
                else:
                    self.assertEqual(ports, {"metrics", "probes"})
            (deployment,) = (found for found in overlay(name) if found["kind"] == "Deployment")
            (pygeoapi,) = (c for c in pod_of(deployment)["initContainers"] if c["name"] == "pygeoapi")
            at = pygeoapi["command"].index("--bind")
            self.assertEqual(pygeoapi["command"][at + 1], "127.0.0.1:5000")
            at = pygeoapi["command"].index("--forwarder-headers")
            self.assertEqual(pygeoapi["command"][at + 1], "X-None")
            self.assertNotIn("ports", pygeoapi)
            self.assertNotIn("socket", [mount["name"] for mount in pygeoapi["volumeMounts"]])

    def test_the_pod_may_take_as_long_as_its_parts(self):
        (deployment,) = (found for found in overlay("sidecar") if found["kind"] == "Deployment")
        pod = pod_of(deployment)
        self.assertEqual([c["name"] for c in pod["containers"]], ["envoy"])
        sidecars = [c["name"] for c in pod["initContainers"] if c.get("restartPolicy") == "Always"]
        self.assertEqual(sidecars, ["geowarden", "pygeoapi"])
        # 5 s until the endpoints no longer contain the pod, 50 s for Envoy's drain, 10 s each for pygeoapi and geowarden.
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 5 + 50 + 10 + 10)


class TheChecksThemselves(unittest.TestCase):
    """Tests that the checks find faults: otherwise they would prove nothing."""

    def broken(self, change):
        (found,) = (found for found in overlay("sidecar") if found["kind"] == "Deployment")
        found = copy.deepcopy(found)
        change(pod_of(found))
        return policy.faults(found) + schemas.faults(found)

    def test_each_fault_is_found(self):
        envoy = lambda pod: pod["containers"][0]  # noqa: E731
        for expected, change in {
            "is not pinned": lambda pod: envoy(pod).update(image="envoyproxy/envoy:latest"),
            "envoy is not pinned": lambda pod: envoy(pod).update(image="envoyproxy/envoy"),
            "privileged": lambda pod: envoy(pod)["securityContext"].update(privileged=True),
            "may gain": lambda pod: envoy(pod)["securityContext"].pop("allowPrivilegeEscalation"),
            "capabilities": lambda pod: envoy(pod)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
            "write to its root": lambda pod: envoy(pod)["securityContext"].pop("readOnlyRootFilesystem"),
            "limits of memory": lambda pod: envoy(pod)["resources"]["limits"].pop("memory"),
            "requests of cpu": lambda pod: envoy(pod)["resources"]["requests"].pop("cpu"),
            "no livenessProbe": lambda pod: envoy(pod).pop("livenessProbe"),
            "no startupProbe": lambda pod: pod["initContainers"][2].pop("startupProbe"),
            "host's port": lambda pod: envoy(pod)["ports"][0].update(hostPort=80),
            "hostNetwork": lambda pod: pod.update(hostNetwork=True),
            "as root": lambda pod: pod["securityContext"].pop("runAsNonRoot"),
            "seccomp": lambda pod: pod["securityContext"].pop("seccompProfile"),
            "token": lambda pod: pod.pop("automountServiceAccountToken"),
            "hostPath": lambda pod: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
            "without a limit": lambda pod: pod["volumes"].append({"name": "x", "emptyDir": {}}),
            "no volume x": lambda pod: envoy(pod)["volumeMounts"].append({"name": "x", "mountPath": "/x"}),
            "imagepullpolicy": lambda pod: envoy(pod).update(imagepullpolicy="Always"),
        }.items():
            with self.subTest(expected):
                found = self.broken(change)
                self.assertEqual(len(found), 1, found)
                self.assertIn(expected, found[0])

    def test_unknown_fields_of_custom_resources_are_found(self):
        found = {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "x"},
            "spec": {"action": "CUSTOM", "providers": {"name": "x"}},
        }
        self.assertIn("providers", schemas.faults(found)[0])
        self.assertIn("schema", schemas.faults({**found, "kind": "Nothing"})[0])
