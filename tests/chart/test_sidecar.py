"""A sidecar: what an integrator's pod gets, beside a CPO's OCPI server and beside both adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart import charts
from tests.chart.charts import EXAMPLES, Manifest, bridge_of, one

NAMES = [path.name for path in EXAMPLES]


def pod_of(manifests: list[Manifest]) -> Manifest:
    """Return the pod's specification of the example's one Deployment."""
    found: Manifest = one(manifests, "Deployment")["spec"]["template"]["spec"]
    return found


def test_there_is_an_example_beside_each_neighbour() -> None:
    assert NAMES == ["beside-ocpi-server", "beside-onix", "beside-protocol-server"]


@pytest.mark.parametrize("each", NAMES)
def test_it_starts_before_the_others_and_ends_after_them(
    each: str, rendered: dict[str, list[Manifest]]
) -> None:
    """That is what Kubernetes promises of an init container that is always restarted."""
    pod = pod_of(rendered[each])
    (sidecar,) = pod["initContainers"]
    assert sidecar == bridge_of(pod)
    assert sidecar["restartPolicy"] == "Always"


@pytest.mark.parametrize("each", NAMES)
def test_its_start_waits_for_nobody(each: str, rendered: dict[str, list[Manifest]]) -> None:
    """The others start when its start-up probe succeeds: it must not ask for what they offer."""
    assert bridge_of(pod_of(rendered[each]))["startupProbe"]["httpGet"]["path"] == "/health/live"


def test_a_cpos_own_server_stays_up_without_our_redis(
    rendered: dict[str, list[Manifest]],
) -> None:
    probe = bridge_of(pod_of(rendered["beside-ocpi-server"]))["readinessProbe"]
    assert probe["httpGet"]["path"] == "/health/live"


@pytest.mark.parametrize("each", NAMES)
def test_nothing_else_of_the_chart_makes_pods(
    each: str, rendered: dict[str, list[Manifest]]
) -> None:
    kinds = [manifest["kind"] for manifest in rendered[each]]
    assert kinds.count("Deployment") == 1
    assert not {"Pod", "StatefulSet", "PodDisruptionBudget"} & set(kinds)


@pytest.mark.parametrize("each", NAMES)
def test_the_bridges_service_finds_the_pod(each: str, rendered: dict[str, list[Manifest]]) -> None:
    labels = one(rendered[each], "Deployment")["spec"]["template"]["metadata"]["labels"]
    selector = one(rendered[each], "Service", "-bridge")["spec"]["selector"]
    assert selector
    assert selector.items() <= labels.items()


@pytest.mark.parametrize("each", NAMES)
def test_its_files_roll_the_pod(each: str, rendered: dict[str, list[Manifest]]) -> None:
    annotations = one(rendered[each], "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert "checksum/bridge-config" in annotations


def test_it_may_be_a_plain_container(tmp_path: Path) -> None:
    (example,) = (path for path in EXAMPLES if path.name == "beside-ocpi-server")
    place = charts.assembled(example, tmp_path)
    pod = pod_of(charts.render({"nativeSidecar": False}, place))
    assert "initContainers" not in pod
    assert [each["name"] for each in pod["containers"]] == ["ocpi-server", "bridge"]
    assert "restartPolicy" not in bridge_of(pod)


def test_a_value_that_the_bridge_does_not_have_is_refused_in_an_example(tmp_path: Path) -> None:
    place = charts.assembled(EXAMPLES[0], tmp_path)
    with pytest.raises(charts.HelmError, match="'replica' not allowed"):
        charts.render({"bridge": {"replica": 1}}, place)
