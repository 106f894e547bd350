"""Whatever the chart and its examples render is what Kubernetes takes."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import helm_python as helm
import jsonschema_rs
import kubernetes_validate
import pytest
import yaml

from charts.values_schema import TARGET
from tests.chart.charts import CHART, EXAMPLES, WAYS, Manifest, name, one, render, values_of, way

OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()
"""The Kubernetes versions that are looked at: Chart.yaml's kubeVersion, and the last one known."""

SCHEMAS = {path.stem: path for path in (Path(__file__).parent / "schema").glob("*.json")}
"""Schemas of our own for kinds that are not Kubernetes' own."""

EVERYTHING = [path.name for path in (*WAYS, *EXAMPLES)]


def check(manifest: Manifest, version: str) -> None:
    """Hold an object against the schema of its kind; an unknown field is an error."""
    if manifest["kind"] in SCHEMAS:
        schema = json.loads(SCHEMAS[manifest["kind"]].read_text("utf-8"))
        jsonschema_rs.validate(schema, manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("each", EVERYTHING)
def test_objects_are_valid(each: str, rendered: dict[str, list[Manifest]]) -> None:
    for manifest in rendered[each]:
        for version in (OLDEST, NEWEST):
            check(manifest, version)


def test_a_field_that_does_not_exist_is_found(rendered: dict[str, list[Manifest]]) -> None:
    deployment = one(rendered["standalone-values.yaml"], "Deployment")
    spoilt = deployment | {"spec": deployment["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        check(spoilt, NEWEST)


@pytest.mark.parametrize("each", EVERYTHING)
def test_names_are_given_once(each: str, rendered: dict[str, list[Manifest]]) -> None:
    named = [(manifest["kind"], name(manifest)) for manifest in rendered[each]]
    assert len(named) == len(set(named))


def test_every_kind_of_the_chart_is_in_some_way(rendered: dict[str, list[Manifest]]) -> None:
    kinds = {manifest["kind"] for way in WAYS for manifest in rendered[way.name]}
    assert kinds == {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Service",
        "ServiceMonitor",
        "StatefulSet",
    }


def test_optional_kinds_are_off_by_default() -> None:
    least = {key: way("protocol-server")[key] for key in ("config", "secretEnv", "redis")}
    kinds = {manifest["kind"] for manifest in render(least)}
    assert kinds == {"ConfigMap", "Deployment", "Pod", "PodDisruptionBudget", "Service"}


@pytest.mark.parametrize("path", WAYS, ids=lambda path: path.stem)
def test_lint_finds_nothing(path: Path) -> None:
    report = helm.lint(CHART, values_of(path), strict=True)
    found = [each["error"] for each in report["messages"] if each["error"] != "icon is recommended"]
    assert (found, report["errors"]) == ([], [])


def test_the_notes_name_what_is_dangerous() -> None:
    with helm.Chart.load(CHART) as chart:
        told = {
            name: chart.render(way(name), name="demo")["beckn-ocpi-bridge/templates/NOTES.txt"]
            for name in ("trial", "no-adapter", "sidecar")
        }
    assert [line.split(":")[0] for line in told["trial"].splitlines()].count("WARNING") == 2
    assert "WARNING" not in told["no-adapter"]
    assert "beckn-ocpi-bridge/installation: demo-beckn-ocpi-bridge" in told["sidecar"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"replica": 2}, "'replica' not allowed"),
        ({"image": {"repo": "x"}}, "'/image': additional properties 'repo' not allowed"),
        ({"probes": {"live": {}}}, "'/probes': additional properties 'live' not allowed"),
        ({"metrics": {"dashboard": {"on": True}}}, "'/metrics/dashboard': .* 'on' not allowed"),
        ({"mode": "side-car"}, "'/mode': value must be one of 'standalone', 'sidecar'"),
        ({"config": {}}, "'/config': missing properties 'public_url', 'ocpi', 'cpos', 'beckn'"),
        ({"redis": {"url": "redis://user:word@host"}}, "'/redis/url'"),
        ({"redis": {}}, "Redis: give exactly one of redis.url, .*; given: none"),
        ({"env": [{"name": "BRIDGE_SECRETS_KEY", "value": "a"}]}, "'/env/0/name'"),
        ({"secretEnv": {"TOKEN": {"name": "a", "key": "b"}}}, "'TOKEN'"),
    ],
)
def test_a_faulty_value_is_refused_by_its_name(changes: Manifest, told: str) -> None:
    with pytest.raises(helm.HelmError, match=told):
        render(way("trial") | changes)


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("/config", "public_ur", "https://x.example"),
        ("/config", "redis_url", "redis://:word@host"),
        ("/config", "secrets_key", "a" * 44),
        ("/config/beckn", "private_key", "a"),
        ("/config/cpos/0", "token_a", "a"),
        ("/config/cpos/0", "tokenA", "a"),
    ],
)
def test_configuration_that_the_bridge_would_refuse_or_that_is_secret(
    place: str, key: str, value: str
) -> None:
    values = way("trial")
    holder = values
    for part in place.split("/")[1:]:
        holder = holder[int(part)] if part.isdecimal() else holder[part]  # type: ignore[index]
    holder[key] = value
    with pytest.raises(helm.HelmError, match=f"'{place}': additional properties '{key}' not"):
        render(values)


def test_the_chart_runs_the_bridge_of_its_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["appVersion"] == importlib.metadata.version("beckn-ocpi-bridge")


def test_every_value_has_a_default_in_sight() -> None:
    """A value that only the schema knows is one that nobody finds."""
    schema = json.loads(TARGET.read_text("utf-8"))
    assert set(schema["properties"]) - {"global"} == set(values_of(CHART / "values.yaml"))


def test_prometheus_asks_the_port_that_ingress_does_not_reach(
    rendered: dict[str, list[Manifest]],
) -> None:
    manifests = rendered["standalone-values.yaml"]
    service = one(manifests, "Service")["spec"]
    ports = {port["name"]: port["targetPort"] for port in service["ports"]}
    (endpoint,) = one(manifests, "ServiceMonitor")["spec"]["endpoints"]
    (rule,) = one(manifests, "Ingress")["spec"]["rules"]
    reached = {path["backend"]["service"]["port"]["name"] for path in rule["http"]["paths"]}
    assert ports[endpoint["port"]] == 8081
    assert {ports[port] for port in reached} == {8080}
