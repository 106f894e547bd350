"""When our token counts as dead at a CPO."""

from __future__ import annotations

import pytest

from bridge.clients.ocpi import Exchange
from bridge.clients.refusals import IN_A_ROW, Refusals
from bridge.ocpi.types import ModuleID


class Heard:
    """What a series of answers led to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self._refusals = Refusals(lambda cpo_id, refused: self.told.append((cpo_id, refused)))

    def answer(
        self, *statuses: int | None, module: str = ModuleID.LOCATIONS, cpo_id: str = "cpo1"
    ) -> list[tuple[str, bool]]:
        """Hear answers with these HTTP statuses, None for none; return all that was told so far."""
        for http in statuses:
            self._refusals.heard(
                Exchange(cpo_id, module, "GET", "https://cpo.test", "r", "c", 0.1, http, None)
            )
        return self.told


@pytest.fixture
def heard() -> Heard:
    return Heard()


REFUSED, TRUSTED = ("cpo1", True), ("cpo1", False)


@pytest.mark.parametrize(
    "statuses",
    [
        (401, 401, 401),
        (403, 403, 403),
        (401, 403, 401),
        (401, None, 500, 401, 429, 503, 401),
    ],
)
def test_three_refusals_in_a_row_are_told_once(heard: Heard, statuses: tuple[int | None]) -> None:
    assert heard.answer(*statuses) == [REFUSED]
    assert heard.answer(*[401] * 5) == [REFUSED]
    assert IN_A_ROW == 3


@pytest.mark.parametrize("between", [200, 404, 400])
def test_any_other_answer_in_between_is_no_dead_token(heard: Heard, between: int) -> None:
    assert heard.answer(401, 401, between, 401, 401) == [TRUSTED]


def test_the_end_is_told_and_a_new_beginning(heard: Heard) -> None:
    assert heard.answer(401, 401, 401, 200, 200) == [REFUSED, TRUSTED]
    assert heard.answer(401, 401, 401) == [REFUSED, TRUSTED, REFUSED]


def test_what_comes_first_is_told_too(heard: Heard) -> None:
    """Another process, or this one before a restart, may have seen refusals."""
    assert heard.answer(200, 200) == [TRUSTED]


@pytest.mark.parametrize("module", ["versions", ModuleID.CREDENTIALS, ModuleID.HUB_CLIENT_INFO])
def test_handshakes_have_words_of_their_own(heard: Heard, module: str) -> None:
    assert heard.answer(401, 401, 401, 200, module=module) == []


def test_modules_count_together_and_cpos_apart(heard: Heard) -> None:
    heard.answer(401, module=ModuleID.TARIFFS)
    heard.answer(401, 401, cpo_id="cpo2")
    assert heard.answer(401, 401) == [REFUSED]
