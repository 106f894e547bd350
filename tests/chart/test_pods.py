"""Every pod: hardened, probed, drained, and rolled when one of its files changes."""

from __future__ import annotations

import itertools
import json
from pathlib import PurePosixPath

import pytest
import yaml

from bridge.cli.ports import DRAIN_S as requests_under_way_s
from bridge.workers.draining import DRAIN_S as work_under_way_s
from tests.chart.charts import (
    EXAMPLES,
    WAYS,
    Manifest,
    bridge_of,
    containers,
    mounted,
    one,
    pod_specs,
    render,
    way,
)
from tests.pages import ROOT

STANDALONE = [path.name for path in WAYS if path.name != "sidecar-values.yaml"]
WITH_PODS = [*STANDALONE, *(path.name for path in EXAMPLES)]


def ours(pod: Manifest) -> list[Manifest]:
    """Return the containers of a pod that come from our chart; examples have others beside them."""
    return [each for each in containers(pod) if each["name"] in ("bridge", "valkey")]


@pytest.mark.parametrize("each", WITH_PODS)
def test_pods_are_hardened(each: str, rendered: dict[str, list[Manifest]]) -> None:
    for pod in pod_specs(rendered[each]):
        assert pod["automountServiceAccountToken"] is False
        assert ours(pod)
        for container in ours(pod):
            context = container["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert "privileged" not in context
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_the_user_is_a_number_that_the_cluster_may_choose() -> None:
    (user,) = {_user(pod) for pod in pod_specs(render(way("no-adapter")))}
    assert isinstance(user, int)
    assert user > 0
    (user,) = {_user(pod) for pod in pod_specs(render(way("no-adapter", user=None)))}
    assert user is None


def _user(pod: Manifest) -> object:
    return bridge_of(pod)["securityContext"].get("runAsUser")


@pytest.mark.parametrize("each", WITH_PODS)
def test_no_service_becomes_a_variable_of_the_bridge(
    each: str, rendered: dict[str, list[Manifest]]
) -> None:
    """A Service ``bridge`` gives BRIDGE_PORT to its neighbours: an unknown key, so no start."""
    for pod in pod_specs(rendered[each]):
        assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("each", WITH_PODS)
def test_secrets_come_by_reference(each: str, rendered: dict[str, list[Manifest]]) -> None:
    assert not [manifest for manifest in rendered[each] if manifest["kind"] == "Secret"]


@pytest.mark.parametrize("each", WITH_PODS)
def test_no_mount_lies_in_another(each: str, rendered: dict[str, list[Manifest]]) -> None:
    """A folder cannot be made in a volume that is read-only, and the container would not start."""
    for pod in pod_specs(rendered[each]):
        for container in ours(pod):
            paths = [PurePosixPath(mount["mountPath"]) for mount in container["volumeMounts"]]
            for one_path, other in itertools.permutations(paths, 2):
                assert not one_path.is_relative_to(other)


def probes(manifests: list[Manifest]) -> dict[str, str]:
    """Return the path of each probe of the bridge in the Deployment."""
    container = bridge_of(one(manifests, "Deployment")["spec"]["template"]["spec"])
    found = {key: value for key, value in container.items() if key.endswith("Probe")}
    (port,) = {probe["httpGet"]["port"] for probe in found.values()}
    (asked,) = (each for each in container["ports"] if each["name"] == port)
    assert asked["containerPort"] == 8081
    return {key: probe["httpGet"]["path"] for key, probe in found.items()}


@pytest.mark.parametrize("each", ["trial-values.yaml", "standalone-values.yaml"])
def test_probes(each: str, rendered: dict[str, list[Manifest]]) -> None:
    """Redis takes a bridge out of its Service and restarts none; a CPO does neither."""
    assert probes(rendered[each]) == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }


def test_behind_protocol_server_no_bridge_leaves_its_service_while_it_listens(
    rendered: dict[str, list[Manifest]],
) -> None:
    """With Redis away none would be left, and a refused connection kills that adapter."""
    assert probes(rendered["protocol-server-values.yaml"]) == {
        "startupProbe": "/health/ready",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/live",
    }


def test_a_path_that_is_given_counts() -> None:
    given = {"readiness": {"path": "/health/ready"}}
    assert probes(render(way("protocol-server", probes=given)))["readinessProbe"] == "/health/ready"


@pytest.mark.parametrize("each", WITH_PODS)
def test_there_is_time_to_drain(each: str, rendered: dict[str, list[Manifest]]) -> None:
    """The port is open until the Service has forgotten the pod; then the work needs its time."""
    pod = one(rendered[each], "Deployment")["spec"]["template"]["spec"]
    config = yaml.safe_load(mounted(pod, rendered[each])["/etc/bridge/config/bridge.yaml"] or "")
    assert config["drain_grace_s"] >= 5
    needed = config["drain_grace_s"] + work_under_way_s + requests_under_way_s
    assert pod["terminationGracePeriodSeconds"] > needed


def test_a_longer_grace_counts() -> None:
    values = way("trial")
    values["config"]["drain_grace_s"] = 20.5
    pod = one(render(values), "Deployment")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 21 + 35


@pytest.mark.parametrize("each", WITH_PODS)
def test_a_rollout_takes_nothing_away_first(each: str, rendered: dict[str, list[Manifest]]) -> None:
    strategy = one(rendered[each], "Deployment")["spec"]["strategy"]
    assert strategy["rollingUpdate"]["maxUnavailable"] == 0
    assert strategy["rollingUpdate"]["maxSurge"]


def test_the_autoscaler_has_the_number_of_replicas_to_itself(
    rendered: dict[str, list[Manifest]],
) -> None:
    manifests = rendered["standalone-values.yaml"]
    deployment = one(manifests, "Deployment")
    assert "replicas" not in deployment["spec"]
    target = one(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }


@pytest.mark.parametrize("each", STANDALONE)
def test_selectors_find_the_pods(each: str, rendered: dict[str, list[Manifest]]) -> None:
    manifests = rendered[each]
    deployment = one(manifests, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    service = one(manifests, "Service", "bridge")["spec"]["selector"]
    budget = one(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    spread = [
        each["labelSelector"]["matchLabels"]
        for each in deployment["template"]["spec"]["topologySpreadConstraints"]
    ]
    for selector in (service, budget, deployment["selector"]["matchLabels"], *spread):
        assert selector
        assert selector.items() <= labels.items()
    # The pod of `helm test` is none of them.
    assert not service.items() <= one(manifests, "Pod")["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("changes", "annotation"),
    [
        ({"env": []}, None),
        ({"port": 9000}, "checksum/bridge-config"),
        ({"commercial": {"terms": {"grace_s": 60}}}, "checksum/bridge-commercial"),
        ({"mappingOverlays": [{"name": "words.yaml", "content": "a"}]}, "checksum/bridge-overlays"),
        (
            {"layer2": [{"name": "a", "domain": "b", "version": "c", "content": "d"}]},
            "checksum/bridge-layer2",
        ),
    ],
)
def test_a_changed_file_rolls_the_pods(changes: Manifest, annotation: str | None) -> None:
    given = {
        "commercial": {"terms": {"grace_s": 30}},
        "mappingOverlays": [{"name": "words.yaml", "content": "b"}],
        "layer2": [{"name": "a", "domain": "b", "version": "c", "content": "e"}],
    }
    before, after = (_annotations(way("trial") | given | more) for more in ({}, changes))
    changed = {key for key in before if before[key] != after[key]}
    assert changed == ({annotation} if annotation else set())


def _annotations(values: Manifest) -> Manifest:
    template = one(render(values), "Deployment")["spec"]["template"]
    found: Manifest = template["metadata"]["annotations"]
    return found


def test_the_chart_runs_the_image_as_it_is_built() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    container = bridge_of(one(render(way("trial")), "Deployment")["spec"]["template"]["spec"])
    context = container["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in dockerfile
    assert 'ENTRYPOINT ["bridge"]' in dockerfile
    assert f"CMD {json.dumps(container['args'])}" in dockerfile
