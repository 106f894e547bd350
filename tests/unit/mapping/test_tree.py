"""The files in mappings/ themselves: complete, valid, and protected row by row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

from bridge.mapping import Mappings, load
from bridge.mapping.actions import compile_actions
from bridge.mapping.codes import compile_table
from bridge.mapping.docs import markdown
from bridge.mapping.fields import compile_map
from bridge.mapping.reading import Document, Faults, read
from bridge.mapping.vocabulary import Vocabulary, vocabulary
from tests.unit.mapping.tree import MAPPINGS, faults_of

SCHEMAS = sorted((MAPPINGS / "schema").glob("*.json"))
REGISTRY: Registry[object] = Registry().with_resources(
    (path.name, Resource.from_contents(json.loads(path.read_text()))) for path in SCHEMAS
)
FILES = sorted(MAPPINGS.glob("*.yaml")) + sorted(MAPPINGS.glob("*/*.yaml"))
FOLDERS = {"codes": "table", "fields": "fields", "overlays": "overlay"}


def documents(path: Path) -> list[Document]:
    faults = Faults()
    found = read(path, path.name, faults)
    assert not faults
    return found


DOCUMENTS = [
    pytest.param(document, id=f"{document.place.file}:{document.place.line}")
    for folder in ("codes", "fields")
    for path in sorted((MAPPINGS / folder).glob("*.yaml"))
    for document in documents(path)
]


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return load(MAPPINGS)


@pytest.fixture(scope="module")
def known() -> Vocabulary:
    return vocabulary(documents(MAPPINGS / "vocabulary.yaml"), Faults())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_valid_against_its_schema(path: Path) -> None:
    schema = json.loads(
        (MAPPINGS / "schema" / f"{FOLDERS.get(path.parent.name, path.stem)}.json").read_text()
    )
    validator = Draft202012Validator(schema, registry=REGISTRY)
    for document in documents(path):
        content = {**document.head, "rows": [row.content for row in document.rows]}
        if path.name == "vocabulary.yaml":
            del content["rows"]
        assert [error.message for error in validator.iter_errors(content)] == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schemas_are_schemas_and_refuse_what_is_unheard_of(path: Path) -> None:
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    assert not Draft202012Validator(schema, registry=REGISTRY).is_valid({"unheard": "of"})


def test_the_example_overlay_can_be_laid_over(mappings: Mappings) -> None:
    over = load(MAPPINGS, [MAPPINGS / "overlays" / "example.yaml"])
    assert over.table("deg", "connector_standard").to_beckn("IEC_62196_T2") == "Type2"
    assert over.table("deg", "evse_status").to_beckn("BLOCKED") == "Maintenance"
    assert over.fingerprint != mappings.fingerprint


def compiled(document: Document, known: Vocabulary, mappings: Mappings) -> list[str]:
    """Return the faults of one table or map, whatever stands around it."""
    faults = Faults()
    if "table" in document.head:
        compile_table(document, (), known, faults)
        return faults
    key = (str(document.head["dialect"]), str(document.head["map"]))
    compile_map(document, (), lambda name: mappings.table(key[0], name), known.paths[key], faults)
    return faults


def without(document: Document, index: int) -> Document:
    return document._replace(rows=document.rows[:index] + document.rows[index + 1 :])


def doubled(document: Document, index: int) -> Document:
    last = document.rows[index]
    last = last._replace(place=last.place._replace(row=len(document.rows) + 1))
    return document._replace(rows=(*document.rows, last))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_row_can_be_deleted(document: Document, known: Vocabulary, mappings: Mappings) -> None:
    assert compiled(document, known, mappings) == []
    for index, row in enumerate(document.rows):
        faults = compiled(without(document, index), known, mappings)
        assert any(
            fault.startswith(document.place.file) and word in fault
            for fault in faults
            for word in row.content.values()
            if isinstance(word, str)
        ), f"row {row.place.row} can be deleted: {faults}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_row_can_be_doubled(document: Document, known: Vocabulary, mappings: Mappings) -> None:
    for index, row in enumerate(document.rows):
        faults = compiled(doubled(document, index), known, mappings)
        assert any(
            f"row {len(document.rows) + 1} (" in fault and str(row.place) in fault
            for fault in faults
        ), f"row {row.place.row} can be doubled: {faults}"


@pytest.mark.parametrize("document", documents(MAPPINGS / "actions.yaml"))
def test_no_action_can_be_deleted_or_doubled(document: Document) -> None:
    dialects = {str(document.head["actions"])}
    for index, row in enumerate(document.rows):
        faults = Faults()
        compile_actions([without(document, index)], dialects, document.place, faults)
        assert [str(row.content["action"]) in fault for fault in faults] == [True]
        faults = Faults()
        compile_actions([doubled(document, index)], dialects, document.place, faults)
        assert [str(row.place) in fault for fault in faults] == [True]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(MAPPINGS, tmp_path / "mappings")


def lines_of_rows(path: Path) -> Iterator[str]:
    yield from (line for line in path.read_text().splitlines(True) if line.startswith("  - {"))


def test_a_deleted_line_stops_the_start_and_is_named(copied: Path) -> None:
    path = copied / "codes" / "deg_session_status.yaml"
    line = next(line for line in lines_of_rows(path) if "COMPLETED" in line)
    path.write_text(path.read_text().replace(line, ""))
    assert faults_of(copied) == (
        "mappings/codes/deg_session_status.yaml:2: table session_status: "
        "no row for COMPLETED (sessions.SessionStatus)",
    )


def test_a_doubled_line_stops_the_start_and_is_named(copied: Path) -> None:
    path = copied / "codes" / "deg_session_status.yaml"
    line = next(line for line in lines_of_rows(path) if "COMPLETED" in line)
    path.write_text(path.read_text().replace(line, line * 2))
    assert faults_of(copied) == (
        "mappings/codes/deg_session_status.yaml:13: row 5 (COMPLETED): second row for COMPLETED, "
        "the first is mappings/codes/deg_session_status.yaml:12: row 4 (COMPLETED)",
    )


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name != "overlays"], ids=lambda path: path.name
)
def test_no_file_can_be_missing(path: Path, copied: Path) -> None:
    (copied / path.relative_to(MAPPINGS)).unlink()
    faults = faults_of(copied)
    if path.parent == MAPPINGS:
        assert f"mappings/{path.name}: the file is missing" in faults
    else:
        names = [document.head.get("table") or document.head["map"] for document in documents(path)]
        for name in names:
            assert any(f" {name} of " in fault and "is in no file" in fault for fault in faults)


def test_the_page_is_up_to_date(mappings: Mappings) -> None:
    page = MAPPINGS.parent / "docs" / "mapping.md"
    assert page.read_text(encoding="utf-8") == markdown(mappings), "run: bridge mapping docs"
