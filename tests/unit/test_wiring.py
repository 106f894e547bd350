"""What is told of requests to CPOs: metrics and the log."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from bridge.clients.ocpi import Exchange
from bridge.observability import Metrics, configure_logging
from bridge.ocpi.headers import Party
from bridge.wiring import observer, reachability


@pytest.fixture
def log() -> io.StringIO:
    """Give the log, one JSON object a line."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    return stream


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Return what was told."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_cpo_that_goes_down_and_is_back_is_told_once_each(log: io.StringIO) -> None:
    metrics = Metrics()
    changed = reachability(metrics, ["cpo1", "cpo2"])

    def up(cpo_id: str) -> float | None:
        return metrics.registry.get_sample_value("bridge_cpo_up", {"cpo": cpo_id})

    assert (up("cpo1"), up("cpo2")) == (1, 1)
    changed("cpo1", False)
    assert (up("cpo1"), up("cpo2")) == (0, 1)
    changed("cpo1", True)
    assert (up("cpo1"), up("cpo2")) == (1, 1)
    assert [(line["event"], line["level"], line["cpo"]) for line in lines(log)] == [
        ("cpo.unreachable", "warning", "cpo1"),
        ("cpo.reachable", "info", "cpo1"),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1000, "1000"),
        (2001, "2001"),
        (4999, "4999"),
        (None, "none"),
        (7, "other"),
        (9**20, "other"),
    ],
)
def test_a_code_of_a_peers_own_making_is_no_label(
    log: io.StringIO, code: int | None, status: str
) -> None:
    metrics = Metrics()

    observer(metrics)(
        Exchange(
            cpo_id="cpo1",
            module="locations",
            method="GET",
            url="https://cpo.example/locations",
            request_id="r",
            correlation_id="c",
            duration_s=0.25,
            http=200,
            code=code,
        )
    )

    labels = {
        "direction": "out",
        "cpo": "cpo1",
        "module": "locations",
        "method": "GET",
        "status": status,
    }
    assert metrics.registry.get_sample_value("bridge_ocpi_requests_total", labels) == 1
    assert lines(log)[0]["code"] == code


def test_a_party_that_a_hub_cannot_reach_is_counted_and_told(log: io.StringIO) -> None:
    metrics = Metrics()
    said = Exchange(
        cpo_id="hub1",
        module="commands",
        method="POST",
        url="http://hub.example/commands/START_SESSION",
        request_id="r",
        correlation_id="c",
        duration_s=0.1,
        http=200,
        code=4003,
        error="commands: the hub has no connection to IN*ONE (OCPI 4003)",
        unreached=Party("IN", "ONE"),
    )
    observer(metrics)(said)

    labels = {
        "direction": "out",
        "cpo": "hub1",
        "module": "commands",
        "method": "POST",
        "status": "4003",
    }
    assert metrics.registry.get_sample_value("bridge_ocpi_requests_total", labels) == 1
    (told,) = [line for line in lines(log) if line["event"] == "hub.party_unreachable"]
    assert (told["cpo"], told["party"], told["code"]) == ("hub1", "IN*ONE", 4003)
