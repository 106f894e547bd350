"""Our tokens: the list, and real-time authorization (OCPI 2.2.1 mod_tokens, Sender)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from bridge.flows.emsp.tokens import PAGE
from bridge.ocpi.flags import Flags
from bridge.ocpi.locations import Status
from bridge.orders.order import Order, OrderState
from bridge.orders.transitions import OVER, PLACED
from tests.contract.emsp.rig import PUBLIC_URL, ROOT, Rig
from tests.contract.emsp.samples import (
    EMSP,
    ISSUER,
    LOC,
    NOW,
    OTHER_TOKEN,
    Json,
    at,
    cdr_token,
    evse,
    location,
    order,
    session,
)
from tests.fakes import MemoryObjects, MemoryOrders

HERE: Json = {"location_id": "LOC1", "evse_uids": ["E1"]}
AUTHORIZE = "tokens/TOK1/authorize"
LIVE = PLACED - OVER


async def numbered(rig: Rig, count: int) -> None:
    """Place orders 1 to ``count``; order n was made n seconds and changed n minutes after NOW."""
    for number in range(1, count + 1):
        await rig.backend.put_order(order(str(number), OrderState.CONFIRMED))


def uids(tokens: Any) -> list[int]:
    """Return the numbers of the orders that the tokens belong to."""
    return [int(each["uid"].removeprefix("TOK")) for each in tokens]


async def test_no_token_is_an_empty_list(rig: Rig) -> None:
    answer = await rig.get("tokens")
    assert answer.status == (200, 1000)
    assert answer.data == []
    assert answer.headers["X-Total-Count"] == "0"
    assert "Link" not in answer.headers


@pytest.mark.requirement("O16")
@pytest.mark.requirement("O18")
@pytest.mark.requirement("O100")
@pytest.mark.endpoint("serves GET {tokens}")
async def test_a_crawl_over_the_links_finds_every_token_once_oldest_first(rig: Rig) -> None:
    await numbered(rig, 7)
    window = f"date_from={quote(at(2))}&date_to={quote(at(7))}"
    answer = await rig.get(f"tokens?{window}&limit=2")
    found = uids(answer.data)
    while "Link" in answer.headers:
        assert answer.headers["X-Total-Count"] == "5"
        assert answer.headers["X-Limit"] == str(PAGE)
        url, _, relation = answer.headers["Link"].partition(">; ")
        assert relation == 'rel="next"'
        assert url.startswith(f"<{ROOT}/tokens?")
        answer = await rig.get("", root=url.removeprefix(f"<{PUBLIC_URL}"))
        found += uids(answer.data)
    assert found == [2, 3, 4, 5, 6]


async def crawl(rig: Rig, path: str, between: Callable[[], Awaitable[None]]) -> list[int]:
    """Read the list to its end; something happens after each page that has a next one."""
    answer = await rig.get(path)
    found = uids(answer.data)
    while "Link" in answer.headers:
        await between()
        url = answer.headers["Link"].removeprefix(f"<{PUBLIC_URL}").partition(">")[0]
        answer = await rig.get("", root=url)
        found += uids(answer.data)
    return found


@pytest.mark.requirement("O16", "O18", "O100")
@pytest.mark.parametrize("query", ["", f"date_from={quote(at(2))}&"])
async def test_tokens_that_come_during_a_crawl_are_its_last(rig: Rig, query: str) -> None:
    await numbered(rig, 5)
    late: list[int] = []

    async def one_more() -> None:
        if len(late) < 2:
            late.append(6 + len(late))
            await rig.backend.put_order(order(str(late[-1]), OrderState.CONFIRMED))

    found = await crawl(rig, f"tokens?{query}limit=2", one_more)
    assert found == list(range(2 if query else 1, 8))
    assert late == [6, 7]


@pytest.mark.requirement("O16", "O18")
async def test_a_token_that_changes_during_a_crawl_keeps_its_place(rig: Rig) -> None:
    await numbered(rig, 5)

    async def changed() -> None:
        for number in (1, 3, 5):
            placed = order(str(number), OrderState.CONFIRMED)
            await rig.backend.put_order(replace(placed, updated_at=NOW + timedelta(minutes=30)))

    assert await crawl(rig, "tokens?limit=2", changed) == [1, 2, 3, 4, 5]


@pytest.mark.requirement("O16", "O17")
async def test_no_page_is_larger_than_it_may_be(memory_rig: Rig) -> None:
    await numbered(memory_rig, PAGE + 3)
    for query, size in (("", PAGE), ("?limit=100000", PAGE), (f"?limit={PAGE - 1}", PAGE - 1)):
        answer = await memory_rig.get(f"tokens{query}")
        assert len(answer.data) == size
        assert answer.headers["X-Limit"] == str(PAGE)
        assert answer.headers["X-Total-Count"] == str(PAGE + 3)
        assert "Link" in answer.headers


@pytest.mark.requirement("O17", "O100")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3, 4]),
        (f"date_from={at(2)}", [2, 3, 4]),
        (f"date_to={at(2)}", [1]),
        (f"date_from={at(2)}&date_to={at(4)}", [2, 3]),
        (f"date_from={at(2)[:-1]}", [2, 3, 4]),
        ("offset=3", [4]),
        ("offset=9", []),
        ("limit=1000000", [1, 2, 3, 4]),
        ("offset=1&limit=2", [2, 3]),
        ("nonsense=1", [1, 2, 3, 4]),
    ],
)
async def test_the_window_is_half_open(rig: Rig, query: str, expected: list[int]) -> None:
    await numbered(rig, 4)
    assert uids((await rig.get(f"tokens?{query}")).data) == expected


@pytest.mark.parametrize(
    "query", ["date_from=yesterday", "date_to=1", "offset=-1", "limit=x", "limit=0", "offset=1.5"]
)
async def test_a_query_that_cannot_be_read_is_2001(rig: Rig, query: str) -> None:
    answer = await rig.get(f"tokens?{query}")
    assert answer.status == (200, 2001)
    assert query.partition("=")[0] in answer.envelope["status_message"]


@pytest.mark.requirement("O101")
@pytest.mark.parametrize("body", [None, HERE])
async def test_an_unknown_token_is_404_and_2004(rig: Rig, body: Json | None) -> None:
    answer = await rig.post(AUTHORIZE, body)
    assert answer.status == (404, 2004)
    assert answer.is_bare


@pytest.mark.requirement("O102")
@pytest.mark.requirement("O107")
@pytest.mark.endpoint("serves POST {tokens}/{token_uid}/authorize")
@pytest.mark.parametrize(
    ("state", "allowed"),
    [(state, "ALLOWED") for state in sorted(LIVE)]
    + [
        (OrderState.INITIALISED, "NOT_ALLOWED"),
        (OrderState.CANCELLED, "BLOCKED"),
        (OrderState.ENDED, "EXPIRED"),
        (OrderState.SETTLED, "EXPIRED"),
    ],
)
async def test_the_state_of_the_order_decides(rig: Rig, state: OrderState, allowed: str) -> None:
    await rig.backend.put_order(order("1", state))
    answer = await rig.post(AUTHORIZE, HERE)
    assert answer.status == (200, 1000)
    assert answer.data["allowed"] == allowed
    assert answer.data["token"] == (await rig.get("tokens")).data[0]
    assert answer.data["authorization_reference"] == "REF1"


def test_every_state_of_a_placed_order_is_covered() -> None:
    names = "CONFIRMED STARTING CHARGING INTERRUPTED STOPPING"
    assert sorted(LIVE) == sorted(names.split())


@pytest.mark.requirement("O105")
@pytest.mark.parametrize(
    ("asked", "allowed", "location_back"),
    [
        (HERE, "ALLOWED", {"location_id": "LOC1", "evse_uids": ["E1"]}),
        ({"location_id": "loc1", "evse_uids": ["E2", "e1"]}, "ALLOWED", HERE),
        ({"location_id": "LOC1", "evse_uids": []}, "ALLOWED", HERE),
        ({"location_id": "LOC1"}, "ALLOWED", HERE),
        ({"location_id": "LOC1", "evse_uids": ["E2"]}, "NOT_ALLOWED", None),
        ({"location_id": "LOC2", "evse_uids": ["E1"]}, "NOT_ALLOWED", None),
    ],
)
async def test_the_token_is_good_at_its_own_evse_only(
    rig: Rig, asked: Json, allowed: str, location_back: Json | None
) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    data = (await rig.post(AUTHORIZE, asked)).data
    assert data["allowed"] == allowed
    assert data.get("location") == location_back


@pytest.mark.requirement("O103")
@pytest.mark.parametrize("raw", [b"", b"  ", b"{}", b"null"])
async def test_without_a_location_there_is_too_little_to_decide(rig: Rig, raw: bytes) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    answer = await rig.call("POST", AUTHORIZE, raw=raw)
    assert answer.status == (200, 2002)
    assert answer.is_bare


@pytest.mark.requirement("O105")
@pytest.mark.parametrize("body", [None, HERE])
async def test_what_is_decided_anyway_needs_no_location(rig: Rig, body: Json | None) -> None:
    await rig.backend.put_order(order("1", OrderState.CANCELLED))
    data = (await rig.post(AUTHORIZE, body)).data
    assert data["allowed"] == "BLOCKED"
    assert "location" not in data


@pytest.mark.parametrize("body", [[], "LOC1", 0, False, {"evse_uids": []}, {"location_id": {}}])
async def test_location_references_of_a_wrong_shape_are_2001(rig: Rig, body: object) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    assert (await rig.post(AUTHORIZE, body)).status == (200, 2001)


@pytest.mark.requirement("O104")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", (200, 1000)),
        ("?type=", (200, 1000)),
        ("?type=RFID", (200, 1000)),
        ("?type=AD_HOC_USER", (200, 1000)),
        ("?type=APP_USER", (404, 2004)),
        ("?type=PASSPORT", (200, 2001)),
        ("?type=rfid", (200, 2001)),
    ],
)
async def test_no_type_and_rfid_find_a_token_of_any_type(
    rig: Rig, query: str, status: tuple[int, int]
) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    assert (await rig.post(AUTHORIZE + query, HERE)).status == status


@pytest.mark.requirement("O25")
async def test_the_uid_is_compared_without_case(rig: Rig) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    assert (await rig.post("tokens/tok1/authorize", HERE)).data["token"]["uid"] == "TOK1"


@pytest.mark.requirement("O106")
async def test_status_hours_and_publication_do_not_matter(rig: Rig) -> None:
    closed = location(
        publish=False,
        opening_times={
            "twentyfourseven": False,
            "regular_hours": [{"weekday": 7, "period_begin": "01:00", "period_end": "02:00"}],
        },
        evses=[evse(status="OUTOFORDER")],
    )
    await rig.put(f"locations/{LOC}", closed)
    placed = order("1", OrderState.CONFIRMED)
    broken = replace(placed.item.evse, status=Status.OUTOFORDER)
    placed = replace(placed, item=replace(placed.item, evse=broken))
    await rig.backend.put_order(placed)
    assert (await rig.post(AUTHORIZE, HERE)).data["allowed"] == "ALLOWED"


async def test_another_cpo_may_not_let_this_token_charge(rig: Rig) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    data = (await rig.post(AUTHORIZE, HERE, token=OTHER_TOKEN)).data
    assert data["allowed"] == "NOT_ALLOWED"
    assert "location" not in data


async def test_a_token_that_outlived_its_order_is_expired(memory_rig: Rig) -> None:
    await memory_rig.backend.put_order(order("1", OrderState.CONFIRMED))
    forgotten = MemoryOrders(MemoryObjects(), EMSP, ISSUER)
    rig = await memory_rig.on(orders=forgotten)
    data = (await rig.post(AUTHORIZE, HERE)).data
    assert (data["allowed"], data["authorization_reference"]) == ("EXPIRED", "TOK1")


@pytest.mark.requirement("O107")
@pytest.mark.parametrize(
    ("placed", "reference"),
    [
        (order("1", OrderState.CONFIRMED, started=False), "NEXT1"),
        (order("1", OrderState.CONFIRMED, reference="NEXT1"), "NEXT1"),
        (order("1", OrderState.STARTING), "REF1"),
        (order("1", OrderState.CONFIRMED, started=False, reference=None), "TOK1"),
    ],
    ids=["never started", "failed to start", "starting", "neither"],
)
async def test_the_reference_leads_the_session_back(
    rig: Rig, placed: Order, reference: str
) -> None:
    await rig.backend.put_order(placed)
    told = (await rig.post(AUTHORIZE, HERE)).data["authorization_reference"]
    assert told == reference
    stranger = session(authorization_reference=told, cdr_token=cdr_token("SOMEBODY"))
    if told != "TOK1":
        assert (await rig.put("sessions/IN/ABC/S1", stranger)).status == (201, 1000)
        assert len(await rig.backend.jobs(placed.key)) == 1


@pytest.mark.requirement("O106")
async def test_a_location_that_nobody_pushed_does_not_matter(rig: Rig) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    assert (await rig.get(f"locations/{LOC}")).http == 404
    assert (await rig.post(AUTHORIZE, HERE)).data["allowed"] == "ALLOWED"


@pytest.mark.requirement("O108")
async def test_nobody_is_called_to_authorize(rig: Rig) -> None:
    await rig.backend.put_order(order("1", OrderState.CONFIRMED))
    await rig.post(AUTHORIZE, HERE)
    assert (rig.peers.asked, rig.pulls, rig.wakes) == ([], [], [])
    assert await rig.backend.jobs(order("1").key) == []


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_token_has_a_number_for_the_eye_only_where_the_caller_wants_one(
    rig: Rig, wanted: bool
) -> None:
    await numbered(rig, 1)
    asks = await rig.on(flags=lambda cpo_id: Flags(token_visual_number=wanted))
    (listed,) = (await asks.get("tokens")).data
    asked = (await asks.post(AUTHORIZE, HERE)).data["token"]
    assert listed == asked
    assert listed.get("visual_number") == ("TOK1" if wanted else None)
