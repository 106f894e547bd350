"""The pages say what the code says, and lead nowhere that is not there."""

from __future__ import annotations

import importlib
import itertools
import re
import typing
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from prometheus_client import Counter, Info
from prometheus_client.metrics import MetricWrapperBase

from bridge import errors
from bridge.beckn.actions import REQUESTS
from bridge.beckn.quirks import Quirk
from bridge.cli import app
from bridge.flows.failures import RegistrationFailed
from bridge.observability import Event, Metrics
from bridge.ocpi.flags import NO_FLAGS
from bridge.ocpi.leniency import Leniency
from bridge.settings import Cpo, Settings, load
from bridge.settings.cpo import CpoFlags
from bridge.store.connections import Progress
from tests.pages import (
    ELLIPSIS,
    PAGES,
    ROOT,
    anchors,
    blocks,
    links,
    missing_line,
    quoted,
    read,
    rows,
)

BECKN, OPERATIONS, LIMITS = "docs/beckn.md", "docs/operations.md", "docs/limits.md"
PEERS = "docs/ocpi-peers.md"

MACHINE = re.compile(r"(?<![\w./-])/(work|tmp|home|root|Users|opt|mnt)\b|\.pyenv|site-packages")

FILE = re.compile(r"(?:bridge|config|docs|mappings|tests|\.ci)/[\w./*-]*|[\w.-]+\.(?:md|toml|txt)")


def test_every_page_is_found() -> None:
    assert len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_page_knows_the_machine_it_was_written_on(page: Path) -> None:
    assert MACHINE.search(page.read_text("utf-8")) is None


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_mentioned_exist(page: Path) -> None:
    for name in quoted(page.read_text("utf-8")):
        if FILE.fullmatch(name):
            places = (ROOT, page.parent, ROOT / "mappings")
            assert any(list(place.glob(name.rstrip("/"))) for place in places), name


def test_the_least_configuration_is_the_least(tmp_path: Path) -> None:
    (least,) = blocks(read("README.md"), "yaml")
    assert _settings(tmp_path, least).cpos[0].id == "cpo1"
    needed = {name for name, each in Settings.model_fields.items() if each.is_required()}
    for name in needed:
        with pytest.raises(errors.SettingsInvalid, match=f"{name}: required"):
            _settings(tmp_path, _without(least, name))


def _without(configuration: str, key: str) -> str:
    """Return a configuration without a key and what is below it."""
    return re.sub(rf"^{key}:.*\n( .*\n)*", "", configuration, flags=re.MULTILINE)


def _settings(folder: Path, text: str) -> Settings:
    """Read a configuration whose token stands in the environment."""
    file = folder / "bridge.yaml"
    file.write_text(text, "utf-8")
    return load(file, {"BRIDGE_CPO_CPO1_TOKEN_A": "secret"})


def test_the_readme_lists_the_commands() -> None:
    listed = {word for (cell, _) in rows(read("README.md"), "## Commands") for word in _words(cell)}
    assert listed == set(_commands(typer.main.get_command(app)))


def _words(cell: str) -> Iterator[str]:
    """Yield the commands of a cell such as ``bridge cpo register|sync ID``."""
    _, *words = cell.strip("`").replace("\\|", "|").split()
    *groups, last = itertools.takewhile(re.compile(r"[a-z0-9|]+").fullmatch, words)
    yield from (" ".join((*groups, name)) for name in last.split("|"))


def _commands(group: Any, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield path + name


def test_the_readme_shows_what_make_test_says() -> None:
    steps = re.findall(r"^==> (.*)$", read("README.md"), re.MULTILINE)
    assert len(steps) == 5
    for step in steps:
        # The version of a tool is asked for when it runs.
        known = f"{step.partition(':')[0]}: $" if ELLIPSIS in step else step
        assert f"==> {known}" in read("Makefile")


def test_every_action_has_a_row() -> None:
    assert {quoted(row[0])[0] for row in rows(read(BECKN), "## Actions")} == REQUESTS


def test_every_quirk_has_a_row() -> None:
    assert [quoted(row[0])[0] for row in rows(read(BECKN), "## Quirks")] == [str(q) for q in Quirk]


def test_every_leniency_has_a_row() -> None:
    told = [quoted(row[0])[0] for row in rows(read(PEERS), "## Forgiven")]
    assert told == [str(each) for each in Leniency]


def test_every_flag_has_a_row_with_its_default() -> None:
    told = {quoted(name)[0]: default for name, default, _ in rows(read(PEERS), "## Flags")}
    defaults = msgspec.to_builtins(NO_FLAGS)
    assert told == {
        name: str(value).lower() if isinstance(value, bool) else "none"
        for name, value in defaults.items()
    }
    assert told.keys() == CpoFlags.model_fields.keys()


def test_every_leniency_is_shown_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"\b(?:Leniency|L)\.([A-Z_]+)", tests))
    assert {each.name for each in Leniency} - named == set()


def test_every_error_code_has_a_row() -> None:
    told = {
        quoted(name)[0]: quoted(code)[0] for code, name, _ in rows(read(BECKN), "## Error codes")
    }
    refusals = _subclasses(errors.Refused)
    known = {
        each.__name__: each.beckn_code for each in refusals if each.__module__ == "bridge.errors"
    }
    assert told == known


def test_every_nack_has_its_code() -> None:
    told = [quoted(code)[0] for _, code, _ in rows(read(BECKN), "## Refused at once")]
    faults = (
        *(errors.BadInput, errors.ActionNotApplicable, errors.TooOften),
        *(errors.StoreUnavailable, errors.BusinessRefused),
    )
    assert told == [fault.beckn_code for fault in faults]
    assert {each.beckn_code for each in _subclasses(errors.BadInput)} == {*told[:2]}


def _subclasses(parent: type[errors.BridgeError]) -> set[type[errors.BridgeError]]:
    direct = parent.__subclasses__()
    return set(direct).union(*(_subclasses(child) for child in direct))


def test_every_metric_has_a_row_with_its_labels() -> None:
    told = {
        quoted(name)[0]: tuple(re.findall(r"\w+", labels))
        for name, labels, _ in rows(read(OPERATIONS), "## Metrics")
    }
    metrics = [each for each in vars(Metrics()).values() if isinstance(each, MetricWrapperBase)]
    infos = {f"bridge_{each}_info": ("fingerprint",) for each in ("mapping", "commercial_terms")}
    assert told == infos | {
        exported(each): each._labelnames for each in metrics if not isinstance(each, Info)
    }
    mentioned = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for page in PAGES
        for text in quoted(page.read_text("utf-8"))
        for name in re.findall(r"^bridge_\w+", text)
    }
    assert mentioned == told.keys()


def exported(metric: MetricWrapperBase) -> str:
    """Return the name of a metric as the text format has it."""
    return f"{metric._name}_total" if isinstance(metric, Counter) else metric._name


def test_every_event_that_is_logged_has_a_row() -> None:
    told = [name for events, _ in rows(read(OPERATIONS), "## Log") for name in quoted(events)]
    code = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "bridge").rglob("*.py")
        if path.name != "events.py"
    )
    used = {event for event in typing.get_args(Event) if f'"{event}"' in code}
    assert len(told) == len(set(told))
    assert set(told) == used


def test_every_state_of_a_registration_has_a_row() -> None:
    told = {quoted(row[0])[0] for row in rows(read(OPERATIONS), "## CPOs")}
    failures = {failure.__name__ for failure in RegistrationFailed.__subclasses__()}
    assert told == failures | {str(progress) for progress in Progress}


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (("one two", "three"), None),
        (("o… t…o", "…ree"), None),
        (("three", "one"), "one"),
        (("one  …  three",), "one  …  three"),
        (("on.",), "on."),
    ],
)
def test_shown_lines_are_looked_for_in_order(shown: tuple[str, ...], missing: str | None) -> None:
    assert missing_line(shown, "one   two\nthree\n") == missing


CONSTANTS = rows(read(LIMITS), "## Constants")


@pytest.mark.parametrize(("what", "value", "where"), CONSTANTS, ids=[row[0] for row in CONSTANTS])
def test_constants_are_those_of_the_code(what: str, value: str, where: str) -> None:
    told = [Decimal(number) for number in re.findall(r"[\d.]+", value)]
    names = quoted(where)
    if where.startswith("setting "):
        found = [_default(name) for name in names]
    else:
        found = [_constant(*pair) for pair in zip(names[::2], names[1::2], strict=True)]
    assert found, what
    assert all(each == told for each in found)


def _constant(path: str, name: str) -> list[Decimal]:
    value: object = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        value = getattr(value, part)
    return _numbers(value)


def _default(name: str) -> list[Decimal]:
    """Return the default of a setting; ``cpos`` stands for each entry of it."""
    first, *rest = name.split(".")
    value: Any
    if first == "cpos":
        part, *rest = rest
        value = Cpo.model_fields[part].default
    else:
        value = Settings.model_fields[first].default
    for part in rest:
        value = getattr(value, part)
    return _numbers(value)


def _numbers(value: object) -> list[Decimal]:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    many = value if isinstance(value, tuple) else (value,)
    return [Decimal(str(each)).normalize() for each in many]
