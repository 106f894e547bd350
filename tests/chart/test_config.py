"""What the chart renders as configuration is what the bridge reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bridge.mapping import load as load_mapping
from bridge.settings import Settings, data_path, load, load_commercial
from bridge.settings.layer2 import layer2_of
from tests.chart.charts import EXAMPLES, WAYS, Manifest, bridge_of, one, render, way
from tests.chart.pod import placed
from tests.pages import blocks, read

WITH_PODS = [path.name for path in (*WAYS, *EXAMPLES) if path.name != "sidecar-values.yaml"]


def as_in_the_pod(manifests: list[Manifest], place: Path) -> Settings:
    """Read the settings as the bridge's container would, its files being in ``place``."""
    return load(None, placed(manifests, place))


@pytest.mark.parametrize("each", WITH_PODS)
def test_the_bridge_takes_it(
    each: str, rendered: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    settings = as_in_the_pod(rendered[each], tmp_path)
    assert settings.redis_url.get_secret_value() != "embedded"
    # The ports of the configuration are those that are asked and served.
    assert settings.ops_listen is not None
    ports = {"bridge": settings.listen.port, "bridge-ops": settings.ops_listen.port}
    container = bridge_of(one(rendered[each], "Deployment")["spec"]["template"]["spec"])
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == ports
    assert {settings.listen.host, settings.ops_listen.host} == {"0.0.0.0"}
    service = one(rendered[each], "Service", "bridge")["spec"]["ports"]
    assert [port["targetPort"] for port in service] == list(ports.values())


def test_the_values_of_the_page_do(tmp_path: Path) -> None:
    (text,) = blocks(read("docs/kubernetes.md"), "yaml")
    settings = as_in_the_pod(render(yaml.safe_load(text)), tmp_path)
    assert [cpo.id for cpo in settings.cpos] == ["cpo1"]


def test_terms_overlays_and_layer2_are_read(
    rendered: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    settings = as_in_the_pod(rendered["standalone-values.yaml"], tmp_path)
    terms = load_commercial(settings).commercial
    assert [fee.id for fee in terms.fees] == ["service"]
    mapping = load_mapping(data_path("mappings"), settings.mapping_overlays)
    assert mapping.fingerprint != load_mapping(data_path("mappings")).fingerprint
    assert [path.name for path in settings.mapping_overlays] == ["words.yaml", "more-words.yaml"]
    assert list(layer2_of(settings.beckn)) == [("deg:ev-charging", "1.1.0")]


def test_terms_may_be_in_a_configmap_that_exists(
    rendered: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    settings = as_in_the_pod(rendered["protocol-server-values.yaml"], tmp_path)
    assert load_commercial(settings).commercial.fees


def test_numbers_and_words_stay_what_they_are(tmp_path: Path) -> None:
    """Helm reads YAML in its own way: large numbers, words like NO, numbers that are names."""
    values = way("trial")
    values["config"]["ocpi"] = {"country_code": "NO", "party_id": "007", "business_name": "on"}
    values["config"]["limits"] = {"max_cpo_body_bytes": 16777216}
    values["config"]["cpos"][0]["rotate_days"] = None
    settings = as_in_the_pod(render(values), tmp_path)
    assert (settings.ocpi.country_code, settings.ocpi.party_id) == ("NO", "007")
    assert settings.ocpi.business_name == "on"
    assert settings.limits.max_cpo_body_bytes == 16777216
    assert settings.cpos[0].rotate_days is None
