"""The CPO's own word on an EVSE."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.clients.live_status import LiveEvses
from bridge.errors import CpoUnavailable
from bridge.ocpi.codec import convert
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.locations import Location, Status
from bridge.orders.item import ChargingItem, Provider
from tests.contract.ocpi_client.fake import Answer, FakeCpo, always, raw
from tests.contract.ocpi_client.objects import evse, location
from tests.contract.ocpi_client.side import Side
from tests.fakes import MemoryConnections

PATH = "/2.2.1/locations/L%2F1/st::1"


def item(evse_uid: str = "st::1") -> ChargingItem:
    """Return an item whose ids need encoding in a URL."""
    place = convert(location("L/1", evses=[evse(evse_uid)]), Location)
    return ChargingItem(
        id="any",
        cpo_id="cpo1",
        provider=Provider(id="p", name="P"),
        number=1,
        location=place,
        evse=place.evses[0],
        power_kw=Decimal(22),
    )


@pytest.fixture
def live(side: Side) -> LiveEvses:
    return LiveEvses(side.client, MemoryConnections({"cpo1": side.connection}), {"cpo1": side.cpo})


@pytest.mark.requirement("O38")
@pytest.mark.endpoint("calls GET {locations}/{location_id}/{evse_uid}")
async def test_the_evse_is_fetched_under_its_encoded_ids(live: LiveEvses, fake: FakeCpo) -> None:
    fake.on_data("GET", PATH, evse("st::1", status="CHARGING"))

    found = await live.evse("cpo1", item())

    assert found is not None
    assert found.status is Status.CHARGING
    assert fake.targets() == [f"GET {PATH}"]
    assert fake.asked[0].headers["OCPI-to-party-id"] == "ABC"


@pytest.mark.parametrize(
    "answer",
    [
        always(None, http=404, code=2003),
        always(None, http=404, code=2000),
        always(None, http=200, code=2003),
        raw(b"Not Found", http=404),
    ],
)
async def test_an_evse_that_the_cpo_does_not_know_is_none(
    live: LiveEvses, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("GET", PATH, answer)

    assert await live.evse("cpo1", item()) is None


@pytest.mark.parametrize(
    "answer",
    [
        always(None, http=500, code=3000),
        always(None, http=401, code=2001),
        always(None, http=200, code=2000),
        always({"uid": "st::1"}),
        always(None),
        raw(b"busy", http=503),
    ],
)
async def test_no_usable_answer_says_nothing_about_the_evse(
    live: LiveEvses, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("GET", PATH, answer)

    with pytest.raises(CpoUnavailable, match=r"^locations: "):
        await live.evse("cpo1", item())


async def test_an_unconfigured_or_unregistered_cpo_is_unavailable(
    side: Side, fake: FakeCpo
) -> None:
    live = LiveEvses(side.client, MemoryConnections(), {"cpo1": side.cpo})

    for cpo_id, reason in (("cpo1", "not registered"), ("cpo2", "not configured")):
        with pytest.raises(CpoUnavailable, match=reason):
            await live.evse(cpo_id, item())

    assert fake.asked == []


async def test_an_id_that_no_url_can_hold_is_not_asked_for(live: LiveEvses, fake: FakeCpo) -> None:
    with pytest.raises(CpoUnavailable, match="segment of a URL"):
        await live.evse("cpo1", item(".."))

    assert fake.asked == []


LOCATION = "/2.2.1/locations/L%2F1"


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"Not Found", http=404),
        raw(b'{"detail": "Method Not Allowed"}', http=405),
        always(location("L/1", evses=[evse("st::1")])),
        always(None),
    ],
)
async def test_where_evses_have_no_address_the_location_tells(
    side: Side, live: LiveEvses, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("GET", PATH, answer)
    both = [evse("st::2"), evse("ST::1", status="CHARGING")]
    fake.on_data("GET", LOCATION, location("L/1", evses=both))

    found = await live.evse("cpo1", item())

    assert found is not None
    assert (found.uid, found.status) == ("ST::1", Status.CHARGING)
    assert fake.targets() == [f"GET {PATH}", f"GET {LOCATION}"]
    assert side.forgave()[-1] == (Leniency.EVSE_ADDRESS, "url")


async def test_an_evse_that_its_location_lacks_is_not_known(
    side: Side, live: LiveEvses, fake: FakeCpo
) -> None:
    fake.on("GET", PATH, raw(b"Not Found", http=404))
    fake.on_data("GET", LOCATION, location("L/1", evses=[evse("st::2")]))

    assert await live.evse("cpo1", item()) is None
    assert side.forgiven == []


@pytest.mark.parametrize("answer", [always(None, http=404, code=2003), always(evse("st::1"))])
async def test_a_proper_answer_needs_no_second_request(
    side: Side, live: LiveEvses, fake: FakeCpo, answer: Answer
) -> None:
    fake.on("GET", PATH, answer)

    await live.evse("cpo1", item())

    assert len(fake.asked) == 1
    assert side.forgiven == []
