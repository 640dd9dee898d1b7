"""Renders the manifests in k8s/: the overlays with kubectl, the chart with Helm's own library."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import helm_python
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
CHART = K8S / "chart"
KUBECTL = Path(sys.executable).with_name("kubectl")


class StrictLoader(yaml.SafeLoader):
    """Reads YAML like Kubernetes: a repeated key is an error."""

    def construct_mapping(self, node, deep=False):
        self.flatten_mapping(node)
        keys = [key.value for key, _ in node.value]
        # A merged mapping (`<<`) may be overridden.
        if not getattr(node, "merged", False) and len(keys) != len(set(keys)):
            raise yaml.YAMLError(f"a key twice, {node.start_mark}")
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node):
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            node.merged = True
        super().flatten_mapping(node)


def parse(text):
    return [document for document in yaml.load_all(text, StrictLoader) if document]


@cache
def overlay(name):
    """The objects of an overlay."""
    return kustomize(K8S / "overlays" / name)


def kustomize(folder):
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return parse(done.stdout)


def chart(values=None, name="geowarden"):
    """The objects of the chart and its notes."""
    rendered = helm_python.Chart.load(CHART).render(values or {}, name=name, namespace="geowarden")
    notes = ""
    objects = []
    for file, text in rendered.items():
        if file.endswith("NOTES.txt"):
            notes = text
        else:
            objects += parse(text)
    return objects, notes


def named(objects):
    """Objects by kind and name."""
    all_ = {(found["kind"], found["metadata"]["name"]): found for found in objects}
    assert len(all_) == len(objects), "two objects of one kind and name"
    return all_


def pod_of(found):
    return found["spec"]["template"]["spec"]
