"""What the numbers of a Session or CDR mean for the bill (OCPI 2.2.1 mod_sessions, mod_cdrs)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.ocpi.tariffs import PriceComponent, Tariff, TariffDimensionType, TariffElement
from bridge.ocpi.types import Price
from bridge.orders.order import Bill, LineKind, OrderState
from bridge.sandbox.drive import is_final, update
from tests import factories
from tests.contract.requirements.scene import Scene, station
from tests.factories import CPO_ID
from tests.unit.flows.callbacks import provisional
from tests.unit.flows.play import Play, charging, ended
from tests.unit.flows.world import TERMS

D = Decimal


def by_the_hour() -> Tariff:
    """Return 18 INR per kWh, 6 per hour of charging, 60 per hour of parking."""
    prices = {"ENERGY": 18, "TIME": 6, "PARKING_TIME": 60}
    components = tuple(
        PriceComponent(type=TariffDimensionType(name), price=D(price), step_size=1)
        for name, price in prices.items()
    )
    return factories.tariff(elements=(TariffElement(price_components=components),))


def period(minutes: int, **volumes: str) -> ChargingPeriod:
    """Return a ChargingPeriod that begins so long after the session."""
    return ChargingPeriod(
        start_date_time=factories.NOW + timedelta(minutes=minutes),
        dimensions=tuple(
            CdrDimension(type=CdrDimensionType(name), volume=D(volume))
            for name, volume in volumes.items()
        ),
    )


def bill_of(play: Play) -> Bill:
    """Return the bill of the order."""
    assert play.placed.bill is not None
    return play.placed.bill


@pytest.mark.requirement("O96")
@pytest.mark.parametrize(
    "periods",
    [
        (period(0, ENERGY="3.7", TIME="0.5"), period(30, PARKING_TIME="0.25")),
        (period(0, MAX_CURRENT="16"),),
    ],
    ids=["told by the periods", "told by the totals only"],
)
async def test_energy_is_in_kwh_and_time_in_hours(periods: tuple[ChargingPeriod, ...]) -> None:
    play = await charging()
    play.order = replace(play.placed, tariff=by_the_hour())

    await play.cdr(
        "3.7",
        charging_periods=periods,
        end_date_time=factories.NOW + timedelta(minutes=45),
        total_time=D("0.75"),
        total_parking_time=D("0.25"),
    )

    bill = bill_of(play)
    told = {line.kind: (line.quantity, line.amount) for line in bill.quote.lines if line.quantity}
    assert told == {
        LineKind.ENERGY: (D("3.7"), D("66.60")),
        LineKind.TIME: (D("0.5"), D("3.00")),
        LineKind.PARKING_TIME: (D("0.25"), D("15.00")),
    }
    assert bill.quote.kwh == D("3.7")


@pytest.mark.requirement("O95")
@pytest.mark.parametrize(
    ("total", "deviates"), [("76.60", False), ("76.61", False), ("80", True), ("70", True)]
)
async def test_a_cdr_that_costs_otherwise_is_marked_and_kept_as_it_is(
    total: str, deviates: bool
) -> None:
    play = await ended()
    theirs = Price(excl_vat=D(total))

    await play.cdr("3.7", total_cost=theirs)

    assert play.state() is OrderState.SETTLED
    assert bill_of(play).deviates is deviates
    assert play.placed.cdr is not None
    assert play.placed.cdr.total_cost == theirs, "the CPO gets what its CDR says"
    assert bill_of(play).quote.price == D("76.60"), "the driver pays what was agreed"


@pytest.mark.requirement("O95")
async def test_a_cdr_that_costs_otherwise_is_counted_and_told(play: Scene) -> None:
    place = station("HERE")
    await play.put_station(place)
    await play.until_seen()
    transaction_id, order = await play.book(place)
    # The CPO bills by a price of its own, which nobody was told.
    (name, known), *_ = play.cpo.tariffs.items()
    (element,) = known.elements
    components = tuple(
        replace(each, price=each.price * 2) if each.type is TariffDimensionType.ENERGY else each
        for each in element.price_components
    )
    play.cpo.tariffs[name] = replace(
        known, elements=(replace(element, price_components=components),)
    )

    with capture_logs() as log:
        await play.bap.send("update", update(order, "start-charging"), transaction_id)
        final = await play.bap.wait_for(is_final)

    assert final["message"]["order"]["quote"]["price"]["value"] == "76.60"
    (told,) = [line for line in log if line["event"] == "bill.deviates"]
    assert told["ours"] == D("76.60")
    sample = f'bridge_bill_deviations_total{{cpo="{CPO_ID}"}} 1.0'
    assert sample in (await play.metrics()).splitlines()


@pytest.mark.requirement("O97")
async def test_a_session_that_says_no_cost_is_not_free() -> None:
    play = await ended()
    assert play.placed.session is not None
    assert play.placed.session.total_cost is None

    (told,) = await play.passes(TERMS.cdr_wait_s)

    assert provisional(told)
    assert bill_of(play).quote.price == D("76.60")


@pytest.mark.requirement("O97")
async def test_a_void_session_that_says_no_cost_is_billed_by_its_energy() -> None:
    play = await charging()

    await play.session("INVALID", "3.7")

    assert play.placed.session is not None
    assert play.placed.session.total_cost is None
    assert play.state() is OrderState.ENDED, "not cancelled"
    await play.passes(TERMS.cdr_wait_s)
    assert bill_of(play).quote.price == D("76.60")
