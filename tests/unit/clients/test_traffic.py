"""When a CPO is left alone, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bridge.clients.traffic import (
    FAILURES,
    OPEN_S,
    PAUSE_S,
    PAUSES_S,
    PROBE_S,
    Traffic,
    retry_after_s,
)
from bridge.flows.peer import CallFailed

SILENT = CallFailed("locations: no connection", no_answer=True)
REFUSED = CallFailed("locations: no connection", no_answer=True, refused=True, nothing_left=True)
GATEWAY = CallFailed("locations: HTTP 502 without an OCPI envelope", http=502, no_answer=True)
ERROR = CallFailed("locations: HTTP 500, OCPI 3000", http=500, code=3000)
NO_URL = CallFailed("locations: its address is no usable URL", nothing_left=True)
BUSY = CallFailed("locations: HTTP 429", http=429, retry_after_s=20)


class Road:
    """The traffic to CPOs, and every change that it told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.changes: list[tuple[str, bool]] = []
        self.traffic = Traffic(lambda *change: self.changes.append(change), lambda: self.now)

    def call(
        self,
        ends: BaseException | None = None,
        cpo_id: str = "cpo1",
        *,
        despite_pause: bool = False,
        despite_silence: bool = False,
    ) -> str:
        """Make a request that ends like this; return the reason when it never left."""
        reason = ""
        try:
            with self.traffic.passage(
                cpo_id, "locations", despite_pause=despite_pause, despite_silence=despite_silence
            ):
                if ends is not None:
                    raise ends
        except CallFailed as error:
            if error is not ends:
                reason = error.reason if error.nothing_left else "something left"
        except asyncio.CancelledError:
            pass
        return reason

    def goes_down(self, cpo_id: str = "cpo1") -> None:
        """Fail often enough."""
        for _ in range(FAILURES):
            assert self.call(SILENT, cpo_id) == ""


@pytest.fixture
def road() -> Road:
    return Road()


def test_it_goes_down_after_so_many_failures_in_a_row(road: Road) -> None:
    for ends in (SILENT, GATEWAY, SILENT, GATEWAY):
        assert road.call(ends) == ""
    assert road.changes == []
    assert road.traffic.paused_s("cpo1") == 0

    assert road.call(SILENT) == ""

    assert road.changes == [("cpo1", False)]
    assert road.traffic.paused_s("cpo1") == OPEN_S
    assert road.call() == "locations: cpo1 does not answer; next try in 30 s"
    road.now += 29.5
    assert road.call() == "locations: cpo1 does not answer; next try in 1 s"
    assert road.call(despite_pause=True) == "locations: cpo1 does not answer; next try in 1 s"


def test_one_that_refuses_connections_is_down_and_asked_on(road: Road) -> None:
    for _ in range(2 * FAILURES):
        assert road.call(REFUSED) == ""
    assert road.changes == [("cpo1", False)]
    assert road.traffic.paused_s("cpo1") == 0
    assert road.call() == ""
    assert road.changes == [("cpo1", False), ("cpo1", True)]


@pytest.mark.parametrize("answer", [None, ERROR, BUSY])
def test_any_answer_begins_the_count_anew(road: Road, answer: CallFailed | None) -> None:
    for _ in range(FAILURES - 1):
        road.call(SILENT)
    road.call(answer)
    road.now += 1000
    for _ in range(FAILURES - 1):
        road.call(SILENT)

    assert road.changes == []


@pytest.mark.parametrize("ends", [NO_URL, asyncio.CancelledError()])
def test_what_says_nothing_of_the_cpo_does_not_count(road: Road, ends: BaseException) -> None:
    for _ in range(2 * FAILURES):
        assert road.call(ends) == ""
    assert road.changes == []


def test_other_cpos_are_not_touched(road: Road) -> None:
    road.goes_down()
    assert road.call(cpo_id="cpo2") == ""
    assert road.traffic.paused_s("cpo2") == 0


@pytest.mark.parametrize("answer", [None, ERROR])
def test_after_a_while_one_request_finds_out(road: Road, answer: CallFailed | None) -> None:
    road.goes_down()
    road.now += OPEN_S
    assert road.traffic.paused_s("cpo1") == 0

    with road.traffic.passage("cpo1", "commands", despite_pause=True, despite_silence=False):
        assert road.call() == "locations: cpo1 does not answer; next try in 1 s"
        assert road.traffic.paused_s("cpo1") == PROBE_S

    assert road.changes == [("cpo1", False), ("cpo1", True)]
    assert road.call(answer) == ""
    assert road.traffic.paused_s("cpo1") == 0


def test_a_probe_that_fails_waits_anew_and_tells_nothing_twice(road: Road) -> None:
    road.goes_down()
    for _ in range(3):
        road.now += OPEN_S
        assert road.call(SILENT) == ""
        assert road.call() == "locations: cpo1 does not answer; next try in 30 s"

    assert road.changes == [("cpo1", False)]


@pytest.mark.parametrize("ends", [NO_URL, asyncio.CancelledError()])
def test_a_probe_without_a_verdict_leaves_the_next_one_to_find_out(
    road: Road, ends: BaseException
) -> None:
    road.goes_down()
    road.now += OPEN_S
    assert road.call(ends) == ""
    assert road.call() == ""
    assert road.changes == [("cpo1", False), ("cpo1", True)]


def test_late_failures_do_not_make_it_longer(road: Road) -> None:
    with (
        suppress(CallFailed),
        road.traffic.passage("cpo1", "locations", despite_pause=False, despite_silence=False),
    ):
        road.goes_down()
        road.now += 20
        raise SILENT

    assert road.traffic.paused_s("cpo1") == OPEN_S - 20
    assert road.changes == [("cpo1", False)]


def test_a_handshake_is_never_held_back_and_its_answer_closes_the_breaker(road: Road) -> None:
    for _ in range(2 * FAILURES):
        assert road.call(SILENT, despite_silence=True) == ""
    assert road.changes == [], "its failures do not count"

    road.goes_down()
    assert road.call(SILENT, despite_silence=True) == ""
    assert road.traffic.paused_s("cpo1") == OPEN_S
    assert road.call(despite_silence=True) == ""
    assert road.changes == [("cpo1", False), ("cpo1", True)]


def test_a_pause_holds_for_all_but_those_somebody_waits_for(road: Road) -> None:
    assert road.call(BUSY) == ""

    assert road.traffic.paused_s("cpo1") == 20
    assert road.call() == "locations: cpo1 asked for a pause; next try in 20 s"
    assert road.call(despite_silence=True) == "locations: cpo1 asked for a pause; next try in 20 s"
    assert road.call(despite_pause=True) == ""
    assert road.call(cpo_id="cpo2") == ""
    road.now += 20
    assert road.call() == ""
    assert road.changes == []


def test_who_is_held_back_by_a_pause_learns_how_long(road: Road) -> None:
    road.call(BUSY)
    road.now += 5
    with (
        pytest.raises(CallFailed) as raised,
        road.traffic.passage("cpo1", "tariffs", despite_pause=False, despite_silence=False),
    ):
        pass
    assert raised.value.retry_after_s == 15


SHORTEST, LONGEST = PAUSES_S
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("http", "given", "pause_s"),
    [
        (429, None, PAUSE_S),
        (429, "", PAUSE_S),
        (429, "soon", PAUSE_S),
        (429, "-5", PAUSE_S),
        (429, "1.5", PAUSE_S),
        (429, "30", 30),
        (429, " 30 ", 30),
        (429, "0", SHORTEST),
        (429, "601", LONGEST),
        (429, "9" * 5000, LONGEST),
        (429, "Sun, 01 Mar 2026 12:01:30 GMT", 90),
        (429, "Sunday, 01-Mar-26 12:01:30 GMT", 90),
        (429, "Sun, 01 Mar 2026 13:01:30 +0100", 90),
        (429, "Sun, 01 Mar 2026 11:00:00 GMT", SHORTEST),
        (429, "Sun, 01 Mar 2027 12:00:00 GMT", LONGEST),
        (429, "Sun, 99 Mar 2026 12:00:00 GMT", PAUSE_S),
        (503, "7", 7),
        (503, "soon", PAUSE_S),
        (503, None, None),
        (503, "", None),
        (500, "7", None),
        (200, "7", None),
    ],
)
def test_a_pause_is_taken_as_it_is_meant(
    http: int, given: str | None, pause_s: float | None
) -> None:
    headers = {"Date": DATE} | ({} if given is None else {"Retry-After": given})
    assert retry_after_s(http, headers) == pause_s


def test_a_date_without_a_date_of_the_answer_counts_from_now() -> None:
    assert retry_after_s(429, {"Retry-After": "Sun, 01 Mar 2020 12:00:00 GMT"}) == SHORTEST
    assert retry_after_s(429, {"Retry-After": "Thu, 01 Mar 2199 12:00:00 GMT"}) == LONGEST
