"""The error tree: complete, drawn as it is, and every error says what both sides answer."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import bridge
from bridge import errors
from bridge.errors import BridgeError


def _everything() -> list[type[BridgeError]]:
    """Import the whole package and return each of its errors."""
    for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(error: type[BridgeError]) -> Iterator[type[BridgeError]]:
        yield error
        for each in error.__subclasses__():
            yield from below(each)

    found = {each for each in below(BridgeError) if each.__module__.startswith("bridge.")}
    return sorted(found, key=lambda each: each.__name__)


ALL = _everything()

ENTRY = re.compile(r"\A([| ]*)(?:\+-- )?([A-Z]\w+(?:, [A-Z]\w+)*,?)(?:  |\Z)")
"""A line of the drawing: branches, then one name or several, then two spaces and a word on it."""


def _drawn() -> dict[str, str | None]:
    """Return each name of the drawing with the name above it."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    above: dict[str, str | None] = {}
    heads: list[tuple[int, str]] = []
    for line in drawing.splitlines():
        entry = ENTRY.match(line)
        assert entry is not None, line
        names = entry[2].rstrip(",").split(", ")
        column = entry.start(2)
        heads = [head for head in heads if head[0] < column]
        for name in names:
            assert name not in above, f"{name} is drawn twice"
            above[name] = heads[-1][1] if heads else None
        if len(names) == 1:
            heads.append((column, names[0]))
    return above


def test_the_drawing_has_every_error_and_no_other() -> None:
    assert set(_drawn()) == {each.__name__ for each in ALL}


@pytest.mark.parametrize("error", ALL)
def test_it_is_drawn_below_what_it_is(error: type[BridgeError]) -> None:
    above = _drawn()[error.__name__]
    ancestors = [each.__name__ for each in error.__mro__[1:] if issubclass(each, BridgeError)]
    assert above in ancestors if ancestors else above is None


@pytest.mark.parametrize("error", ALL)
def test_it_says_what_both_sides_answer(error: type[BridgeError]) -> None:
    assert re.fullmatch(r"[345]\d{4}", error.beckn_code)
    # Registered OCPI status codes: 2000 to 2004 and 3000 to 3003.
    assert error.ocpi_status in {*range(2000, 2005), *range(3000, 3004)}
    assert error.http_status in {200, 400, 401, 404, 405, 413, 429}
    assert isinstance(error.retryable, bool)


@pytest.mark.parametrize("error", ALL)
def test_it_is_explained(error: type[BridgeError]) -> None:
    assert "__doc__" in vars(error)
    assert inspect.getdoc(error)


def test_only_what_may_pass_is_retryable() -> None:
    assert {each.__name__ for each in ALL if each.retryable} == {
        *("CpoUnavailable", "CallFailed", "StoreUnavailable", "CallbackFailed"),
        *("ErrandFailed", "RegistryUnavailable"),
        *("PlatformUnreachable", "OurApiUnusable", "OutcomeUnknown", "RenewalUnknown"),
    }


REFUSALS = {
    "ProviderUnknown": "30001",
    "LocationUnknown": "30002",
    "ItemUnknown": "30004",
    "OfferUnknown": "30006",
    "OfferUnavailable": "30006",
    "FulfillmentUnknown": "30008",
    "OrderUnknown": "30010",
    "RatingInvalid": "30015",
    "BusinessRefused": "40000",
    "ActionUnsupported": "40001",
    "ItemUnavailable": "40002",
    "QuoteUnavailable": "40003",
    "PaymentUnsupported": "40004",
    "TrackingUnavailable": "40005",
    "StartFailed": "40006",
    "NotAuthorized": "50000",
    "CancellationImpossible": "50001",
    "UpdateImpossible": "50002",
    "CpoUnavailable": "40000",
    "CallFailed": "40000",
    "PartyAway": "40002",
}
"""BECKN-005, as mapping.md 1.15 has it."""


def test_refusals_have_the_codes_of_the_network() -> None:
    found = {each.__name__: each.beckn_code for each in ALL if issubclass(each, errors.Refused)}
    found.pop("Refused")
    assert found == REFUSALS
    assert errors.BadInput.beckn_code == "30000"


def test_a_refusal_without_a_reason_gives_its_own() -> None:
    assert str(errors.OrderUnknown()) == "Order not found"
    assert str(errors.OrderUnknown("no order 7")) == "no order 7"
    assert str(errors.TokenUnknown()) == "Token not found"


def test_bad_input_names_the_place() -> None:
    assert str(errors.BecknInvalid("context.bap_id", "is missing")) == "context.bap_id: is missing"
    assert str(errors.NotJson("not JSON")) == "not JSON"
    assert errors.SettingsInvalid(["a: wrong", "b: wrong"]).faults == ("a: wrong", "b: wrong")
    assert str(errors.SettingsInvalid(["a: wrong", "b: wrong"])) == "a: wrong\nb: wrong"
