"""The rows of docs/ocpi-conformance.md are those of the standard: none missing, none made up."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conformance.page import ENDPOINTS, REQUIREMENTS, Group, Row, read
from tests.reference import PROJECT

NOT_BUILT = "chargingprofiles"
"""A module that no Beckn message asks for."""

SIDES = {
    "implements": ("serves",),
    "calls": ("calls",),
    "implements+calls": ("serves", "calls"),
}


def requirements() -> list[Group]:
    """Return the requirements in our words."""
    return read(PROJECT / REQUIREMENTS)


def endpoints() -> list[Group]:
    """Return the endpoints that we serve and those that we call."""
    return read(PROJECT / ENDPOINTS)


def rows(groups: Iterable[Group]) -> list[Row]:
    """Return the rows of all groups."""
    return [row for group in groups for row in group.rows]


@pytest.mark.shared
def test_every_requirement_has_its_row_in_its_group(shared: Path) -> None:
    with (shared / "data" / "ocpi" / "requirements.tsv").open(newline="") as file:
        required = [
            (each["group"], each["id"], each["level"])
            for each in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    ours = [(group.group, row.id, row.level) for group in requirements() for row in group.rows]
    assert ours == required


@pytest.mark.shared
def test_every_endpoint_has_its_rows(shared: Path) -> None:
    listed = json.loads((shared / "data" / "ocpi" / "endpoints.json").read_text())
    required = [
        (each["module"], f"{side} {each['method']} {each['path']}")
        for each in listed
        if each["module"] != NOT_BUILT
        for side in SIDES[each["bridge"]]
    ]
    assert [(group.group, row.id) for group in endpoints() for row in group.rows] == required


def test_no_row_is_there_twice_and_each_requirement_is_said_in_words() -> None:
    ids = [row.id for row in rows([*requirements(), *endpoints()])]
    assert len(ids) == len(set(ids))
    assert [row.id for row in rows(requirements()) if not (row.text and row.level)] == []


def test_only_charging_profiles_wait_for_ever() -> None:
    """A requirement may be without a use for us only if its module is not built at all."""
    assert [row.id for row in rows(requirements()) if row.unused] == ["O141"]
