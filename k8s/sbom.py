"""Writes the bill of materials of geowarden, as CycloneDX 1.6: the crates that are linked into it, as Cargo reports them.

It has no time and no random number, so the same Cargo.lock and target give the same bytes.
"""

import argparse
import json
import subprocess
import sys
import uuid
from pathlib import Path

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]


def metadata(target):
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def checksums():
    """The checksum of each crate in Cargo.lock, by name and version."""
    found, entry = {}, {}
    for line in (ROOT / "Cargo.lock").read_text().splitlines():
        if line == "[[package]]":
            entry = {}
        elif " = " in line:
            key, _, value = line.partition(" = ")
            entry[key] = value.strip('"')
            if key == "checksum":
                found[entry["name"], entry["version"]] = entry["checksum"]
    return found


def linked(all_):
    """The packages that are linked into geowarden, each with the packages that it uses."""
    nodes = {node["id"]: node for node in all_["resolve"]["nodes"]}
    (root,) = (package["id"] for package in all_["packages"] if package["name"] == "geowarden")
    kinds = {package["id"]: {kind for target in package["targets"] for kind in target["kind"]} for package in all_["packages"]}
    macros = {identity for identity, kind in kinds.items() if "proc-macro" in kind}
    uses, left = {}, [root]
    while left:
        here = left.pop()
        if here in uses:
            continue
        # Skip dependencies of tests and of builds, such as procedural macros.
        deps = [dep for dep in nodes[here]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        uses[here] = [dep["pkg"] for dep in deps if dep["pkg"] not in macros]
        left += uses[here]
    return root, uses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    target = parser.parse_args().target
    all_ = metadata(target)
    packages = {package["id"]: package for package in all_["packages"]}
    sums = checksums()
    root, uses = linked(all_)
    licenses = LicenseFactory()
    components = {}
    for identity in sorted(uses, key=lambda i: (packages[i]["name"], packages[i]["version"])):
        package = packages[identity]
        name, version = package["name"], package["version"]
        url = PackageURL("cargo", name=name, version=version)
        checksum = sums.get((name, version))
        # Some crates separate licenses by a slash, which is the old form of Cargo.
        license_ = (package["license"] or "").replace("/", " OR ")
        components[identity] = Component(
            type=ComponentType.APPLICATION if identity == root else ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=url,
            bom_ref=str(url),
            licenses=[licenses.make_from_string(license_)] if license_ else [],
            hashes=[HashTypeFactory().from_hashlib_alg("sha256", checksum)] if checksum else [],
        )
    lock = f"{target}\n{(ROOT / 'Cargo.lock').read_text()}"
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, lock), components=[c for i, c in components.items() if i != root])
    bom.metadata.component = components[root]
    for identity, component in components.items():
        bom.register_dependency(component, [components[used] for used in uses[identity]])
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)
    text = json.dumps(document, indent=1, sort_keys=True)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        sys.exit(f"sbom: not valid CycloneDX: {fault}")
    print(text)


if __name__ == "__main__":
    main()
