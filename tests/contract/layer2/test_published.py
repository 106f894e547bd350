"""The published layer-2 files: which can be used, and the same verdicts as the reference's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.beckn.layer2 import Layer2, corrected
from bridge.errors import Layer2Invalid
from bridge.settings.layer2 import document_of
from tests.reference import load_tool

pytestmark = pytest.mark.shared

PUBLISHED = "energy_EV_1.1.0_openapi_3.1.yaml"
CORRECTED = "ev-charging_uei_1.1.0.corrected.yaml"
OLDER = "ev-charging_uei_1.1.0_openapi_3.0.yaml"


def file_of(shared: Path, name: str) -> Path:
    return shared / "data" / "layer2" / name


def test_the_published_one_cannot_be_used_and_it_is_said_why(shared: Path) -> None:
    document = document_of(file_of(shared, PUBLISHED))
    with pytest.raises(Layer2Invalid, match=r"context\.ttl is typed as date-time"):
        Layer2(document, source=PUBLISHED)
    with pytest.raises(Layer2Invalid, match="adds city, country, core_version"):
        Layer2(document, source=PUBLISHED, protocol_server=True)


def test_mended_it_takes_what_is_valid(shared: Path) -> None:
    document, mended = corrected(document_of(file_of(shared, PUBLISHED)), source=PUBLISHED)
    assert len(mended) == 3
    layer2 = Layer2(document, source=PUBLISHED, protocol_server=True)
    valid = sorted((shared / "data" / "uei" / "layer2_valid").glob("*.json"))
    assert len(valid) == 20
    for path in valid:
        message = json.loads(path.read_text())
        assert layer2.violation(message["context"]["action"], message) is None, path.name


@pytest.mark.parametrize("name", [CORRECTED, OLDER])
def test_verdicts_are_those_of_another_validator(shared: Path, name: str) -> None:
    path = file_of(shared, name)
    reference = load_tool(shared, "validate_layer2")
    layer2 = Layer2(document_of(path), source=name)
    folders = ("uei", "usecases")
    seen = 0
    for file in (each for folder in folders for each in (shared / "data" / folder).rglob("*.json")):
        message = json.loads(file.read_text())
        action = message.get("context", {}).get("action") if isinstance(message, dict) else None
        if action not in layer2.actions:
            continue
        wrong = reference.validate(message, formats="strict", spec=str(path))
        assert (layer2.violation(action, message) is None) == (wrong == []), (file.name, wrong)
        seen += 1
    assert seen > 60
