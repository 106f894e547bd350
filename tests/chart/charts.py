"""Renders charts as Helm does, offline, and gives their objects by kind and name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import helm_python as helm
import yaml
from helm_python import HelmError as HelmError

from tests.pages import ROOT

CHART = ROOT / "charts" / "beckn-ocpi-bridge"
WAYS = sorted((CHART / "ci").glob("*-values.yaml"))
"""One values file for each supported way to run the bridge."""
EXAMPLES = sorted(path.parent for path in (ROOT / "charts" / "examples").glob("*/Chart.yaml"))

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object, as it is in JSON."""


def values_of(path: Path) -> Manifest:
    """Read a values file."""
    values: Manifest = yaml.safe_load(path.read_text("utf-8"))
    return values


def way(name: str, **changes: object) -> Manifest:
    """Return the values of a way, with some at the top replaced."""
    return values_of(CHART / "ci" / f"{name}-values.yaml") | changes


def render(values: Manifest, chart: Path = CHART) -> list[Manifest]:
    """Render a chart as release ``demo``. Raises HelmError."""
    with helm.Chart.load(chart) as loaded:
        texts = loaded.render(values, name="demo", namespace="charging")
    manifests = (text for path, text in sorted(texts.items()) if path.endswith(".yaml"))
    return [each for text in manifests for each in yaml.safe_load_all(text) if each]


def assembled(example: Path, place: Path) -> Path:
    """Copy an example beside our chart and fetch its dependency, as ``helm dependency update``."""
    target = place / "examples" / example.name
    if not target.exists():
        shutil.copytree(example, target, ignore=shutil.ignore_patterns("charts", "*.lock"))
        shutil.copytree(CHART, place / CHART.name, dirs_exist_ok=True)
        helm.dependency_update(target)
    return target


def one(manifests: list[Manifest], kind: str, ending: str = "") -> Manifest:
    """Return the one object of a kind whose name ends so."""
    (found,) = (each for each in manifests if each["kind"] == kind and name(each).endswith(ending))
    return found


def name(manifest: Manifest) -> str:
    """Return an object's name."""
    return str(manifest["metadata"]["name"])


def pod_specs(manifests: list[Manifest]) -> Iterator[Manifest]:
    """Yield the specification of each pod that the objects are or make."""
    for each in manifests:
        if each["kind"] == "Pod":
            yield each["spec"]
        elif each["kind"] in ("Deployment", "StatefulSet"):
            yield each["spec"]["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    """Return a pod's containers, native sidecars among them."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def bridge_of(pod: Manifest) -> Manifest:
    """Return the bridge's container in a pod."""
    (found,) = (each for each in containers(pod) if each["name"] == "bridge")
    return found


def mounted(pod: Manifest, manifests: list[Manifest]) -> Mapping[str, str | None]:
    """Return the files that the bridge's container sees, by path.

    None stands for the content of what is not in the chart: Secrets and ConfigMaps that exist. A
    whole Secret is one entry, its folder.
    """
    volumes = {each["name"]: each for each in pod["volumes"]}
    files: dict[str, str | None] = {}
    for mount in bridge_of(pod)["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "secret" in volume:
            files[mount["mountPath"]] = None
        for source in volume.get("projected", {}).get("sources", ()):
            configmap = source["configMap"]
            ours = [each for each in manifests if each["kind"] == "ConfigMap"]
            data = {key: each["data"] for each in ours if (key := name(each))}
            for item in configmap["items"]:
                content = (
                    data[configmap["name"]][item["key"]] if configmap["name"] in data else None
                )
                files[f"{mount['mountPath']}/{item['path']}"] = content
    return files
