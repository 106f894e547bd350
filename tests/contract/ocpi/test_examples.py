"""The standard's own examples, and objects it gives no example of, through the codec."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import OcpiInvalid
from bridge.ocpi import (
    cdrs,
    codec,
    commands,
    credentials,
    envelope,
    hubclientinfo,
    locations,
    sessions,
    tariffs,
    tokens,
    types,
    versions,
)
from bridge.ocpi.times import format_datetime, parse_datetime
from tests.reference import shared_path

pytestmark = pytest.mark.shared

Validate = Callable[[object, str], list[str]]

MODULES = (
    types,
    versions,
    credentials,
    locations,
    tariffs,
    tokens,
    sessions,
    cdrs,
    commands,
    hubclientinfo,
)
OUT_OF_SCOPE = re.compile("ChargingProfile|ClearProfile")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")
PARTIAL = " (partial/PATCH)"


class Case:
    """A row of a manifest: a file, the type in it, and whether it is valid."""

    def __init__(self, folder: Path, row: dict[str, str]) -> None:
        self.path = folder / row["file"]
        self.valid = row.get("schema_valid", "yes") == "yes"
        kind = row["object_type"]
        self.partial = kind.endswith(PARTIAL)
        self.wrapped = kind.startswith("OcpiResponse")
        kind = kind.removesuffix(PARTIAL).removeprefix("OcpiResponse").strip("<>")
        self.many = kind.endswith("[]")
        self.name = kind.removesuffix("[]")

    @property
    def type_(self) -> Any:
        one: Any = next(vars(m)[self.name] for m in MODULES if self.name in vars(m))
        return tuple.__class_getitem__((one, ...)) if self.many else one

    def data(self) -> object:
        body = self.path.read_bytes()
        return envelope.open_envelope(body).data if self.wrapped else codec.loads(body)


def cases() -> list[Case]:
    shared = shared_path(os.environ)
    if shared is None:
        return []
    found: list[Case] = []
    for path in (shared / "data" / "ocpi" / folder for folder in ("examples", "synthetic")):
        with (path / "MANIFEST.tsv").open(newline="") as manifest:
            found += [Case(path, row) for row in csv.DictReader(manifest, delimiter="\t")]
    return [case for case in found if not OUT_OF_SCOPE.search(case.name)]


CASES = cases()


def having(condition: Callable[[Case], bool]) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case.name and condition(case)]
    return pytest.mark.parametrize("case", chosen, ids=[case.path.name for case in chosen])


def bare(value: object) -> object:
    """Drop what counts as absent and bring timestamps into one form."""
    match value:
        case dict():
            inner = {name: bare(item) for name, item in value.items()}
            return {name: item for name, item in inner.items() if item is not None and item != []}
        case list():
            return [bare(item) for item in value]
        case str() if TIMESTAMP.fullmatch(value):
            return format_datetime(parse_datetime(value))
        case _:
            return value


@pytest.mark.requirement("O22")
@pytest.mark.requirement("O24")
@having(lambda case: case.valid and not case.partial)
def test_a_valid_object_is_read_and_written_again(case: Case, validate: Validate) -> None:
    data = case.data()
    read = codec.convert(data, case.type_)

    written = codec.encode(read)

    assert bare(codec.loads(written)) == bare(data)
    assert codec.decode(written, case.type_) == read
    plain = json.loads(written)
    for item in plain if case.many else [plain]:
        assert validate(item, case.name) == []


@having(lambda case: not case.valid)
def test_an_invalid_object_is_refused_by_name(case: Case) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        codec.convert(case.data(), case.type_)
    assert refused.value.path


@pytest.mark.requirement("O27")
@having(lambda case: case.partial)
def test_a_patch_changes_what_it_holds_and_nothing_else(case: Case, validate: Validate) -> None:
    stored = first_of(case.type_)
    patch = case.data()
    assert isinstance(patch, dict)
    patch.setdefault("last_updated", "2031-01-01T00:00:00Z")

    after = codec.merge_patch(stored, patch, case.type_)

    before = codec.to_builtins(stored)
    assert isinstance(before, dict)
    expected = before | patch
    if case.type_ is sessions.Session:
        periods = [*before.get("charging_periods", []), *patch.get("charging_periods", [])]
        expected["charging_periods"] = periods
    assert bare(codec.to_builtins(after)) == bare(expected)
    assert validate(json.loads(codec.encode(after)), case.name) == []


def first_of(type_: type[Any]) -> Any:
    """Return an example of a type, taken out of a Location where none stands by itself."""
    if type_ is locations.Connector:
        return first_of(locations.EVSE).connectors[0]
    found = (case for case in CASES if case.valid and not (case.partial or case.wrapped))
    case = next(case for case in found if case.name == type_.__name__)
    return codec.convert(case.data(), type_)


def test_an_answer_without_data_is_read_as_such() -> None:
    [case] = [case for case in CASES if not case.name]
    answer = envelope.open_envelope(case.path.read_bytes())
    assert answer.data is envelope.ABSENT
    assert not answer.ok
    assert bare(codec.loads(codec.encode(answer))) == bare(codec.loads(case.path.read_bytes()))
