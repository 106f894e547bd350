"""Alert rules: Prometheus reads them, each fires when it should, and asks for what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from bridge.observability import Metrics
from tests.chart.charts import CHART, Manifest, one
from tests.pages import ROOT

RULES = CHART / "files" / "alerts.yaml"
CASES = ROOT / "tests" / "chart" / "alerts_test.yaml"

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here: it comes with Debian's package prometheus"
)


def promtool(*arguments: str) -> None:
    """Run promtool; fails with what it says."""
    done = subprocess.run(
        [str(PROMTOOL), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[Manifest]:
    """Return the alerts of all groups."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names_of_metrics() -> Iterator[str]:
    """Yield the names of all series that a bridge can export."""
    endings = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_count", "_sum"),
        "info": ("_info",),
        "gauge": ("",),
    }
    for family in Metrics().registry.collect():
        for ending in endings.get(family.type, ()):
            yield family.name + ending


@needs_promtool
def test_promtool_finds_no_fault() -> None:
    promtool("check", "rules", str(RULES))


@needs_promtool
def test_each_alert_fires_when_it_should_and_only_then() -> None:
    promtool("test", "rules", str(CASES))


def test_each_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    cases = [
        case
        for test in yaml.safe_load(CASES.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    firing = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    alerts = {rule["alert"] for rule in rules()}
    assert firing == alerts
    assert silent == alerts


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_series_that_there_are(rule: Manifest) -> None:
    asked = set(re.findall(r"\bbridge_\w+", rule["expr"]))
    assert asked
    assert asked <= set(names_of_metrics())


def test_the_chart_ships_the_rules_as_they_are(rendered: dict[str, list[Manifest]]) -> None:
    rule = one(rendered["standalone-values.yaml"], "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(RULES.read_text("utf-8"))
