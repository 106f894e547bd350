"""Commercial terms while the bridge runs: what is taken, what is refused, who is told."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import SettingsInvalid
from bridge.observability import Metrics, configure_logging
from bridge.orders.terms import Commercial
from bridge.settings import Settings, data_path, load
from bridge.workers.commercial import CommercialTerms

FEE = "fees: [{id: service, amount: %s}]"


@pytest.fixture
def log() -> io.StringIO:
    """Give the log, one JSON object a line."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    return stream


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Return what was told."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def settings(path: Path | None) -> Settings:
    """Return settings that name a file of terms."""
    variables = {} if path is None else {"BRIDGE_COMMERCIAL": str(path)}
    return load(data_path("config") / "bridge.example.yaml", variables)


def amounts(terms: Commercial) -> list[int]:
    """Return the fees."""
    return [int(fee.amount) for fee in terms.fees]


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    """Return a metric, 0 where nothing was counted."""
    return metrics.registry.get_sample_value(name, labels) or 0


def reloads(metrics: Metrics) -> tuple[float, float]:
    """Return how many files were loaded and refused."""
    name = "bridge_commercial_reloads_total"
    return sample(metrics, name, result="loaded"), sample(metrics, name, result="refused")


async def test_a_changed_file_is_taken_once_and_told(tmp_path: Path, log: io.StringIO) -> None:
    path, metrics = tmp_path / "terms.yaml", Metrics()
    path.write_text(FEE % 1)
    terms = CommercialTerms(settings(path), metrics)
    heard: list[Commercial] = []
    terms.on_change.append(heard.append)
    await terms.look()
    assert (amounts(terms.current), len(heard), reloads(metrics)) == ([1], 0, (1, 0))

    path.write_text(FEE % 2)
    await terms.look()
    await terms.look()
    assert (amounts(terms.current), heard) == ([2], [terms.current])
    assert reloads(metrics) == (2, 0)
    first, second = lines(log)
    assert (second["event"], second["fees"], second["offers"]) == ("commercial.loaded", 1, 0)
    assert first["fingerprint"] != second["fingerprint"]
    for line, now in ((first, 0), (second, 1)):
        name = "bridge_commercial_terms_info"
        assert sample(metrics, name, fingerprint=line["fingerprint"]) == now

    path.write_text("# the same\n" + FEE % 2)
    await terms.look()
    assert (len(heard), reloads(metrics)) == (1, (3, 0))


async def test_a_bad_file_is_refused_with_every_fault_and_the_old_one_stays(
    tmp_path: Path, log: io.StringIO
) -> None:
    path, metrics = tmp_path / "terms.yaml", Metrics()
    path.write_text(FEE % 1)
    terms = CommercialTerms(settings(path), metrics)
    heard: list[Commercial] = []
    terms.on_change.append(heard.append)

    path.write_text("fees: [{id: service, amount: 0}]\noffer: []")
    await terms.look()
    await terms.look()
    assert (amounts(terms.current), len(heard), reloads(metrics)) == ([1], 0, (1, 1))
    refused = lines(log)[-1]
    assert (refused["event"], refused["level"]) == ("commercial.refused", "error")
    assert refused["faults"] == [
        f"{path}: fees.0.amount: must be more than 0",
        f"{path}: offer: unknown key",
    ]

    path.unlink()
    await terms.look()
    await terms.look()
    assert (amounts(terms.current), reloads(metrics)) == ([1], (1, 2))
    assert lines(log)[-1]["faults"] == [f"{path}: cannot be read: No such file or directory"]

    path.write_text(FEE % 3)
    await terms.look()
    assert (amounts(terms.current), len(heard), reloads(metrics)) == ([3], 1, (2, 2))


async def test_a_swapped_symlink_is_another_file(tmp_path: Path) -> None:
    """As Kubernetes changes a ConfigMap: the folder behind a symlink is another one at once."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "terms.yaml").write_text(FEE % version)
    (tmp_path / "..data").symlink_to("1")
    path = tmp_path / "terms.yaml"
    path.symlink_to("..data/terms.yaml")
    terms = CommercialTerms(settings(path), Metrics())

    (tmp_path / "..next").symlink_to("2")
    (tmp_path / "..next").rename(tmp_path / "..data")
    await terms.look()
    assert amounts(terms.current) == [2]


async def test_who_asks_is_told_even_of_what_is_known(tmp_path: Path) -> None:
    path, metrics = tmp_path / "terms.yaml", Metrics()
    path.write_text(FEE % 1)
    terms = CommercialTerms(settings(path), metrics)
    await terms.look(anyhow=True)
    assert reloads(metrics) == (2, 0)


async def test_without_a_file_there_is_nothing_to_look_at(log: io.StringIO) -> None:
    metrics = Metrics()
    terms = CommercialTerms(settings(None), metrics)
    await terms.look(anyhow=True)
    await terms.run()
    assert (terms.current, reloads(metrics), lines(log)) == (Commercial(), (0, 0), [])


def test_a_bad_file_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("offer: []")
    with pytest.raises(SettingsInvalid, match="offer: unknown key"):
        CommercialTerms(settings(path), Metrics())
