"""Every endpoint of the standard that is ours to have is there, and no other method is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.server.ocpi_dispatch import ROUTES

ELSEWHERE = {"chargingprofiles"}
"""A module that the bridge does not have."""

OURS = {
    "{versions_url}": "versions",
    "{version_details_url}": "2.2.1",
    "{Location URL returned by POST}": "2.2.1/cdrs/{}/{}/{}",
    "{response_url}": "2.2.1/commands/{}/{}",
}
"""Addresses whose shape is left to us."""


def route(path: str) -> str:
    """Return our route for a path of the reference material."""
    if path in OURS:
        return OURS[path]
    module, *segments = path.split("/")
    places = [each if not each.startswith("{") else "{}" for each in segments]
    return "/".join(["2.2.1", module.strip("{}"), *places])


@pytest.mark.shared
def test_the_table_is_that_of_the_standard(shared: Path) -> None:
    rows = json.loads((shared / "data" / "ocpi" / "endpoints.json").read_text())
    expected = {
        (route(row["path"]), row["method"])
        for row in rows
        if "implements" in row["bridge"] and row["module"] not in ELSEWHERE
    }
    built = {(path, method) for path, methods in ROUTES.items() for method in methods}
    assert built == expected
