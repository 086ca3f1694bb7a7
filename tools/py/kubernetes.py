"""Checks Kubernetes manifests against the schema of the API, and that what they name in each other is there.

    target/py/bin/python tools/py/kubernetes.py FILE...
"""

import sys
from pathlib import Path

import kubernetes_validate
import yaml

VERSION = "1.31"
# KEDA's own schema: what a ScaledObject with Prometheus triggers has to have
# (https://keda.sh/docs/2.17/reference/scaledobject-spec/, .../scalers/prometheus/).
SCALED = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "advanced", "triggers"}
TRIGGER = {"serverAddress", "query", "threshold", "activationThreshold"}

documents = []
for name in sys.argv[1:]:
    for document in yaml.safe_load_all(Path(name).read_text(encoding="utf-8")):
        documents.append((f"{name}: {document['kind']} {document['metadata']['name']}", document))
there = {(document["kind"], document["metadata"]["name"]) for _, document in documents}
faults = []


def need(where, kind, name):
    if (kind, name) not in there:
        faults.append(f"{where} names {kind} {name}, which is not there")


def scaled(where, spec):
    target = spec["scaleTargetRef"]
    need(where, target.get("kind", "Deployment"), target["name"])
    faults.extend(f"{where}: {name} is unknown" for name in spec.keys() - SCALED)
    for trigger in spec["triggers"]:
        values = trigger["metadata"]
        faults.extend(f"{where}: the trigger's {name} is unknown" for name in values.keys() - TRIGGER)
        faults.extend(f"{where}: the trigger has no {name}" for name in TRIGGER - {"activationThreshold"} - values.keys())
        faults.extend(f"{where}: {name} is no text" for name, value in values.items() if not isinstance(value, str))


def pod(where, spec):
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for volume in spec.get("volumes", []):
        if "secret" in volume:
            need(where, "Secret", volume["secret"]["secretName"])
    for container in spec.get("initContainers", []) + spec["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                faults.append(f"{where} mounts {mount['name']}, which is no volume")
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                need(where, "ConfigMap", source["configMapRef"]["name"])
            if "secretRef" in source:
                need(where, "Secret", source["secretRef"]["name"])
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in ports:
                faults.append(f"{where}: {probe} asks {port}, which is no port")


def labelled(where, selector):
    pods = [document["spec"]["template"]["metadata"]["labels"] for _, document in documents if document["kind"] == "Deployment"]
    if not any(selector.items() <= labels.items() for labels in pods):
        faults.append(f"{where} selects no pods")


for where, document in documents:
    kind, spec = document["kind"], document.get("spec", {})
    if kind == "ScaledObject":
        scaled(where, spec)
        continue
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        faults.append(f"{where}: {'.'.join(map(str, error.path))}: {error.message}")
    if kind == "Deployment":
        pod(where, spec["template"]["spec"])
        labelled(where, spec["selector"]["matchLabels"])
    elif kind == "Service":
        labelled(where, spec["selector"])
    elif kind == "Ingress":
        for rule in spec["rules"]:
            for path in rule["http"]["paths"]:
                need(where, "Service", path["backend"]["service"]["name"])
if faults:
    sys.exit("\n".join(faults))
print(f"checked {len(documents)} Kubernetes objects")
