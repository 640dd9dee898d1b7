"""The alerts fire when they should, each has a section in the runbook, and the objects of the Prometheus operator are valid."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from . import schemas
from .rendering import K8S, ROOT, chart, kustomize, overlay

COMPONENT = K8S / "components/monitoring"
RULE = yaml.safe_load((COMPONENT / "prometheus-rule.yaml").read_text())
ALERTS = [rule for group in RULE["spec"]["groups"] for rule in group["rules"]]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()


def promtool(*arguments, folder):
    assert shutil.which("promtool"), "promtool is not installed: run `make tools`"
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)


class Alerts(unittest.TestCase):
    def test_each_fires_when_it_should(self):
        tests = (ROOT / "tests/k8s/alerts_test.yaml").read_text()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "rules.yaml").write_text(yaml.safe_dump(RULE["spec"]))
            Path(folder, "test.yaml").write_text(tests)
            done = promtool("check", "rules", "--lint-fatal", "rules.yaml", folder=folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"{len(ALERTS)} rules found", done.stdout)
            done = promtool("test", "rules", "test.yaml", folder=folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            # A wrong rule must fail the test.
            broken = yaml.safe_dump(RULE["spec"]).replace("geowarden_reload_failed == 1", "geowarden_reload_failed == 2")
            Path(folder, "rules.yaml").write_text(broken)
            self.assertNotEqual(promtool("test", "rules", "test.yaml", folder=folder).returncode, 0)
        fired = {
            case["alertname"]
            for test in yaml.safe_load(tests)["tests"]
            for case in test["alert_rule_test"]
            if case["exp_alerts"]
        }
        self.assertEqual(fired, {alert["alert"] for alert in ALERTS})

    def test_each_has_a_section_of_the_runbook(self):
        sections = re.findall(r"^## (\S+)$", RUNBOOK, re.MULTILINE)
        self.assertEqual(sections, [alert["alert"] for alert in ALERTS])
        for alert in ALERTS:
            url = alert["annotations"]["runbook_url"]
            self.assertTrue(url.endswith(f"/docs/runbook.md#{alert['alert'].lower()}"), url)
            self.assertIn(alert["labels"]["severity"], ("critical", "warning"))


    def test_the_reasons_that_the_runbook_names_exist(self):
        reasons = set(re.findall(r"^\| `([a-z0-9-]+)`", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE))
        named = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", RUNBOOK)}
        self.assertGreater(len(named), 8)
        self.assertLessEqual(named, reasons)


class Operator(unittest.TestCase):
    def test_the_component_is_valid_and_fits_the_services(self):
        # The folder must be below k8s: kustomize reads components by relative paths only.
        with tempfile.TemporaryDirectory(dir=K8S / "overlays") as folder:
            text = "resources: [../sidecar]\nnamespace: geowarden\ncomponents: [../../components/monitoring]\n"
            Path(folder, "kustomization.yaml").write_text(text)
            objects = kustomize(folder)
        added = [found for found in objects if found not in overlay("sidecar")]
        self.assertEqual(sorted(found["kind"] for found in added), ["ConfigMap", "PrometheusRule", "ServiceMonitor"])
        charted, _ = chart({"monitoring": {"enabled": True}})
        for all_ in (objects, charted):
            for found in all_:
                self.assertEqual(schemas.faults(found), [])
            (monitor,) = (found for found in all_ if found["kind"] == "ServiceMonitor")
            wanted = monitor["spec"]["selector"]["matchLabels"].items()
            services = [f for f in all_ if f["kind"] == "Service" and wanted <= f["metadata"]["labels"].items()]
            self.assertEqual(len(services), 1)
            ports = {port["name"] for port in services[0]["spec"]["ports"]}
            self.assertEqual({endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}, ports)
            # The alert rules use the label job="geowarden".
            self.assertEqual(services[0]["metadata"]["labels"][monitor["spec"]["jobLabel"]], "geowarden")
        rules = [found["spec"] for all_ in (objects, charted) for found in all_ if found["kind"] == "PrometheusRule"]
        self.assertEqual(rules[0], rules[1])

    def test_the_dashboard_is_whole(self):
        dashboard = json.loads((COMPONENT / "dashboard.json").read_text())
        panels = dashboard["panels"]
        self.assertGreater(len(panels), 8)
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
            self.assertTrue(panel["targets"], panel["title"])
        # The dashboard must not name a fixed data source: each Grafana has its own.
        uids = set(re.findall(r'"uid": "([^"]*)"', json.dumps(panels)))
        self.assertEqual(uids, {"${datasource}"})
