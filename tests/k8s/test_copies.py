"""A copy of k8s/ outside of the repository renders the same objects."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from .rendering import K8S, kustomize, overlay, pod_of


class Copies(unittest.TestCase):
    def test_copies_are_equal_to_their_sources(self):
        root = K8S.parent
        for copy, source in {
            "base/authz.rego": "policies/default/authz.rego",
            "base/data.yaml": "policies/default/data.yaml",
            "overlays/sidecar/envoy.yaml": "envoy/sidecar.yaml",
        }.items():
            self.assertEqual(
                (K8S / copy).read_text(), (root / source).read_text(), f"copy it: cp {source} k8s/{copy}"
            )

    def test_the_overlay_of_the_documentation_takes_the_image_that_it_names(self):
        page = (K8S.parent / "docs" / "kubernetes.md").read_text()
        (block,) = (part for part in page.split("```") if part.startswith("yaml\n# my-maps/kustomization.yaml"))
        with tempfile.TemporaryDirectory() as work:
            maps = Path(work) / "my-maps"
            maps.mkdir()
            (Path(work) / "geowarden").mkdir()
            subprocess.run(["cp", "--recursive", K8S, Path(work) / "geowarden"], check=True)
            (maps / "kustomization.yaml").write_text(block.removeprefix("yaml\n"))
            for name in ("config.yml", "authz.rego", "data.yaml"):
                (maps / name).write_text("")
            (pod,) = (pod_of(found) for found in kustomize(maps) if found["kind"] == "Deployment")
        images = {container["name"]: container["image"] for container in pod["initContainers"]}
        self.assertEqual(images["geowarden"], "registry.example.org/geowarden:0.2.0")

    def test_a_copy_of_the_folder_renders_the_same(self):
        with tempfile.TemporaryDirectory() as work:
            subprocess.run(["cp", "--recursive", K8S, work], check=True)
            for name in ("sidecar", "oidc", "standalone"):
                self.assertEqual(kustomize(Path(work) / "k8s" / "overlays" / name), overlay(name))
            links = [path for path in (Path(work) / "k8s").rglob("*") if path.is_symlink()]
            self.assertTrue(links)
            self.assertEqual([path for path in links if not path.exists()], [])
