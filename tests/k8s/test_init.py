"""The files of `geowarden init --for kubernetes` are valid, follow the rules, and equal the overlays except for pygeoapi."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from . import policy, schemas
from .rendering import K8S, kustomize, named, overlay, pod_of

CONFIG = K8S / "overlays" / "sidecar" / "pygeoapi" / "config.yml"


def written(folder, *arguments, config=CONFIG):
    command = [os.environ["GEOWARDEN"], "init", folder, "--for", "kubernetes", "--pygeoapi", config, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return kustomize(folder)


class Init(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.folder = Path(work.name) / "maps"

    def test_it_is_valid_and_equal_to_the_overlay(self):
        objects = written(self.folder)
        for found in objects:
            with self.subTest(kind=found["kind"], name=found["metadata"]["name"]):
                self.assertEqual(schemas.faults(found) + policy.faults(found), [])
        mine, shipped = named(objects), named(overlay("sidecar"))
        for kind in ("Namespace", "Service", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"):
            these = {key: value for key, value in mine.items() if key[0] == kind}
            self.assertEqual(these, {key: value for key, value in shipped.items() if key[0] == kind})
        (pod,) = (pod_of(found) for found in objects if found["kind"] == "Deployment")
        (own,) = (pod_of(found) for found in overlay("sidecar") if found["kind"] == "Deployment")
        self.assertEqual(pod["initContainers"], own["initContainers"])
        self.assertEqual(pod["containers"], own["containers"])
        # Every name refers to an object of the folder.
        for volume in pod["volumes"]:
            if "configMap" in volume:
                self.assertIn(("ConfigMap", volume["configMap"]["name"]), mine)
            if "secret" in volume:
                self.assertIn(("Secret", volume["secret"]["secretName"]), mine)
        self.assertIn({"name": "pygeoapi-data", "emptyDir": {"sizeLimit": "1Gi"}}, pod["volumes"])

    def test_a_path_is_taken_over(self):
        config = yaml.safe_load(CONFIG.read_text())
        config["server"]["url"] = "https://maps.example.org/geo"
        self.folder.parent.joinpath("config.yml").write_text(yaml.safe_dump(config))
        objects = written(self.folder, config=self.folder.parent / "config.yml")
        for found in objects:
            self.assertEqual(schemas.faults(found) + policy.faults(found), [])
        (pod,) = (pod_of(found) for found in objects if found["kind"] == "Deployment")
        (pygeoapi,) = (found for found in pod["initContainers"] if found["name"] == "pygeoapi")
        self.assertIn({"name": "SCRIPT_NAME", "value": "/geo"}, pygeoapi["env"])
        for probe in ("startupProbe", "livenessProbe"):
            self.assertIn("/geo/conformance", pygeoapi[probe]["exec"]["command"][-1])
        (configuration,) = (
            found["data"]["geowarden.yaml"]
            for found in objects
            if found["kind"] == "ConfigMap" and "geowarden.yaml" in found["data"]
        )
        self.assertEqual(yaml.safe_load(configuration)["pygeoapi"]["base_path"], "/geo")
