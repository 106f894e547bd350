"""Alert rules and dashboard: Prometheus reads them, and they ask for what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from charts.dashboard import dashboard
from tests.chart.charts import CHART, Manifest, one
from tests.chart.series import named, series
from tests.pages import ROOT, read

DASHBOARD = CHART / "files" / "dashboard.json"
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
    asked = named(rule["expr"])
    assert asked
    assert asked <= series()


def test_each_alert_has_a_paragraph_that_says_what_to_do() -> None:
    chapter = re.split(r"^## ", read("docs/operations.md"), flags=re.MULTILINE)
    (alerts,) = [each for each in chapter if each.startswith("Alerts\n")]
    told = dict(re.findall(r"^### (\w+)\n\n(.+?)\n\n", alerts, re.MULTILINE | re.DOTALL))
    assert list(told) == [rule["alert"] for rule in rules()]
    assert [name for name, words in told.items() if len(words.split()) < 25] == []


def test_the_chart_ships_the_rules_as_they_are(rendered: dict[str, list[Manifest]]) -> None:
    rule = one(rendered["standalone-values.yaml"], "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(RULES.read_text("utf-8"))


def queries() -> list[str]:
    """Return what the dashboard's panels ask."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_the_dashboard_is_that_of_the_script() -> None:
    assert DASHBOARD.read_text("utf-8") == dashboard(), "run: python -m charts.dashboard"


def test_the_dashboard_asks_for_series_that_there_are() -> None:
    asked = set().union(*(named(query) for query in queries()))
    assert asked
    assert asked <= series()


def test_every_metric_of_ours_is_on_the_dashboard_or_has_a_reason() -> None:
    asked = set().union(*(named(query) for query in queries()))
    families = {re.sub("_(total|bucket|sum|count|info)$", "", each) for each in asked}
    assert {
        re.sub("_(total|bucket|sum|count|info)$", "", each) for each in series()
    } - families == {
        "bridge_commercial_terms",  # which terms hold: a fingerprint, nothing to draw
        "bridge_commercial_reloads",  # an alert tells
    }


@needs_promtool
def test_prometheus_reads_the_dashboards_queries(tmp_path: Path) -> None:
    chosen = {"$__rate_interval": "5m", "$namespace": ".*", "$job": ".*"}
    rules = []
    for number, query in enumerate(queries()):
        for variable, value in chosen.items():
            query = query.replace(variable, value)
        rules.append({"record": f"query{number}", "expr": query})
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    promtool("check", "rules", str(file))


def test_the_dashboard_is_shipped_whole(rendered: dict[str, list[Manifest]]) -> None:
    shipped = one(rendered["standalone-values.yaml"], "ConfigMap", "-dashboard")["data"]
    (text,) = shipped.values()
    assert json.loads(text) == json.loads(DASHBOARD.read_text("utf-8"))
