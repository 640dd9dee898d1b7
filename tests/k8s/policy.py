"""Rules for all manifests of this project, beside their schemas: the restricted profile of Kubernetes, and some more."""

import re

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
VOLUMES = {"configMap", "secret", "emptyDir", "projected", "downwardAPI", "persistentVolumeClaim", "csi", "ephemeral"}


def faults(found):
    """The rules that an object violates, as text."""
    if found["kind"] in WORKLOADS:
        return list(_pod(found["spec"]["template"]["spec"])) + list(_selects_its_pods(found))
    if found["kind"] == "Service" and found["spec"].get("type", "ClusterIP") == "NodePort":
        return ["a Service of type NodePort"]
    if found["kind"] == "Secret":
        text = str(found.get("stringData", {})) + str(found.get("data", {}))
        if "gw_" in text:
            return ["a Secret that holds a key instead of its digest"]
    if found["kind"] in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"):
        return ["nothing here needs the API server"]
    return []


def _selects_its_pods(found):
    labels = found["spec"]["template"]["metadata"]["labels"]
    if not found["spec"]["selector"]["matchLabels"].items() <= labels.items():
        yield "the selector does not fit the pods"


def _pod(pod):
    for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        if pod.get(key):
            yield key
    if pod.get("automountServiceAccountToken") is not False:
        yield "the token of the service account is mounted"
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield "may run as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if pod.get("terminationGracePeriodSeconds") is None:
        yield "the end of the pod is left to a default"
    for volume in pod.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            yield f"volume {volume['name']}: {kinds - VOLUMES}"
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {volume['name']}: without a limit"
    mounts = {volume["name"] for volume in pod.get("volumes", [])}
    for container in pod.get("initContainers", []) + pod["containers"]:
        for fault in _container(container):
            yield f"container {container['name']}: {fault}"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in mounts:
                yield f"container {container['name']}: no volume {mount['name']}"
    for container in pod["containers"] + [c for c in pod.get("initContainers", []) if c.get("restartPolicy")]:
        for probe in ("startupProbe", "livenessProbe"):
            if probe not in container:
                yield f"container {container['name']}: no {probe}"


def _container(container):
    image = container["image"]
    if not re.search(r"(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$", image) or image.endswith(":latest"):
        yield f"the image {image} is not pinned"
    security = container.get("securityContext", {})
    if security.get("privileged"):
        yield "privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root"
    for kind in ("requests", "limits"):
        for what in ("cpu", "memory"):
            if what not in container.get("resources", {}).get(kind, {}):
                yield f"no {kind} of {what}"
    for port in container.get("ports", []):
        if "hostPort" in port:
            yield f"the host's port {port['hostPort']}"
