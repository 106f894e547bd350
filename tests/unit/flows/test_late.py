"""Who comes late, early or never to a slot, and what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.cdrs import CdrDimension, CdrDimensionType, ChargingPeriod
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.locations import Status
from bridge.ocpi.tariffs import (
    PriceComponent,
    ReservationRestrictionType,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.ocpi.types import Price
from bridge.orders.order import OrderState
from bridge.orders.terms import Refunds, RefundStep
from tests.factories import NOW
from tests.unit.flows.booking import (
    HOUR,
    MINUTE,
    SOON,
    booked,
    occupied,
    own,
    said,
)
from tests.unit.flows.callbacks import codes, lines_of, shown
from tests.unit.flows.play import Play, reservable
from tests.unit.flows.world import TERMS, paid

# Late, early, never


UNTIL_SOON_S = (SOON - NOW).total_seconds()
REFUNDS = Refunds(
    steps=(
        RefundStep(before_s=7200, share=Decimal("0.85")),
        RefundStep(before_s=0, share=Decimal("0.25")),
    ),
    no_show_share=Decimal("0.1"),
    within="PT2H",
)


@pytest.mark.parametrize(("grace_s", "waits_s"), [(None, TERMS.no_show_s), (120, 120), (0, 0)])
async def test_nobody_coming_within_the_grace_cancels(
    grace_s: float | None, waits_s: float
) -> None:
    play = await booked(grace_s=grace_s, refunds=REFUNDS)
    play.commercial = replace(play.commercial, grace_s=1)  # what was agreed holds
    assert await play.passes(UNTIL_SOON_S + waits_s - 1) == []
    (told,) = await play.passes(1)
    assert (told.action, told.solicited) == ("on_cancel", False)
    assert shown(told)["cancellation"]["reason"]["id"] == "no-show"
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 10
    assert own(play) is None


async def test_a_driver_who_is_late_within_the_grace_charges_at_the_price_agreed() -> None:
    play = await booked()
    await play.passes(UNTIL_SOON_S + TERMS.no_show_s - 1)
    await play.start()
    await play.session("ACTIVE", "1")
    assert await play.passes(60) == []
    await play.session("COMPLETED", "5")
    await play.cdr("5")
    assert play.state() is OrderState.SETTLED
    assert play.placed.bill is not None
    assert play.placed.bill.quote.price == 100


async def test_a_driver_may_start_early() -> None:
    play = await booked()
    await play.start()
    assert play.state() is OrderState.STARTING


async def test_but_not_in_a_slot_of_somebody_else() -> None:
    play = await booked()
    occupied(play, NOW - HOUR, NOW + HOUR)
    assert codes((await play.start()).callbacks) == ["50002"]
    assert "until 2026-03-04T13:00:00+05:30" in said(play)
    play.now += HOUR
    await play.start()
    assert play.state() is OrderState.STARTING


async def test_a_driver_who_is_late_is_not_asked_whose_time_it_is() -> None:
    play = await booked()
    play.now = SOON + 8 * MINUTE
    occupied(play, SOON + 6 * MINUTE, SOON + HOUR)
    await play.start()
    assert play.state() is OrderState.STARTING


@pytest.mark.parametrize(("after", "refund"), [(timedelta(), 85), (2 * HOUR, 25)])
async def test_a_cancellation_gives_back_what_its_time_is_worth(
    after: timedelta, refund: int
) -> None:
    play = await booked(refunds=REFUNDS)
    play.commercial = replace(play.commercial, refunds=None)
    play.now += after
    await play.cancel()
    assert play.placed.bill is not None
    assert play.placed.bill.refund == refund


async def test_a_spot_booking_gets_the_last_step() -> None:
    play = Play()
    play.commercial = replace(play.commercial, refunds=REFUNDS)
    await play.init()
    (before, _) = shown(play.callbacks[-1])["refund_terms"]
    assert before["refund_amount"] == {"value": "25.00", "currency": "INR"}
    await play.confirm(paid())
    await play.cancel()
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 25


async def test_a_fault_long_before_a_slot_may_be_mended() -> None:
    play = await booked()
    await play.evse(Status.OUTOFORDER)
    lead_s = TERMS.reserve_lead_s
    assert await play.passes(UNTIL_SOON_S - lead_s - 1) == []
    (told,) = await play.passes(1)
    assert shown(told)["cancellation"]["reason"]["id"] == "hardware-failure"
    assert play.placed.bill is not None
    assert play.placed.bill.refund == 100

    play = await booked()
    await play.passes(UNTIL_SOON_S - 1)
    await play.evse(Status.OUTOFORDER)
    assert await play.passes(TERMS.fault_hold_s - 1) == []
    assert len(await play.passes(1)) == 1


# Held at the CPO


async def reserved(**terms: Any) -> Play:
    """Play until the RESERVE_NOW of a slot is on its way, at its time."""
    play = await reservable(SOON, **terms)
    assert play.placed.quote is not None
    await play.confirm(paid(str(play.placed.quote.price)), start=SOON)
    await play.passes(UNTIL_SOON_S - TERMS.reserve_lead_s)
    assert play.commands[-1].type is CommandType.RESERVE_NOW
    return play


async def test_a_slot_is_reserved_until_the_grace_is_over() -> None:
    play = await reserved(grace_s=300)
    (body,) = play.sent(CommandType.RESERVE_NOW)
    assert body["expiry_date"] == "2026-03-04T09:35:00Z"


@pytest.mark.parametrize("held", [True, False])
async def test_nobody_coming_cancels_whether_it_is_held_or_not(held: bool) -> None:
    play = await reserved()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED if held else CommandResultType.EVSE_OCCUPIED)
    told = await play.passes(TERMS.reserve_lead_s + TERMS.no_show_s)
    assert [each.action for each in told] == ["on_cancel"]
    assert len(play.sent(CommandType.CANCEL_RESERVATION)) == int(held)


def of_reservation(kind: ReservationRestrictionType, price: str) -> TariffElement:
    """Make an element: so much for an hour of holding."""
    hourly = PriceComponent(type=TariffDimensionType.TIME, price=Decimal(price), step_size=1)
    return TariffElement(
        price_components=(hourly,), restrictions=TariffRestrictions(reservation=kind)
    )


def quarter_held(start: datetime) -> ChargingPeriod:
    """Make a quarter of an hour of holding."""
    volume = CdrDimension(type=CdrDimensionType.RESERVATION_TIME, volume=Decimal("0.25"))
    return ChargingPeriod(start_date_time=start, dimensions=(volume,))


RESERVING = (
    of_reservation(ReservationRestrictionType.RESERVATION, "40"),
    of_reservation(ReservationRestrictionType.RESERVATION_EXPIRES, "80"),
)


async def test_the_quote_knows_what_holding_the_slot_costs() -> None:
    play = await reservable(SOON, elements=RESERVING)
    quote = play.placed.quote
    assert quote is not None
    assert quote.kwh == Decimal("4.444"), "it is within the budget"
    assert lines_of(quote) == [
        ("ENERGY", Decimal("79.99")),
        ("FLAT", Decimal(10)),
        ("RESERVATION", Decimal(10)),
    ]
    (line,) = (each for each in quote.lines if each.kind == "RESERVATION")
    assert (line.quantity, line.unit_price) == (Decimal("0.25"), Decimal(40))


async def test_nobody_knows_what_holding_costs_for_now_or_where_nothing_is_held() -> None:
    spot = await reservable(elements=RESERVING)
    assert lines_of(spot.placed.quote) == [("ENERGY", Decimal(90)), ("FLAT", Decimal(10))]
    free = await reservable(SOON)
    assert lines_of(free.placed.quote) == [("ENERGY", Decimal(90)), ("FLAT", Decimal(10))]
    not_reservable = await reservable(SOON, capabilities=(), elements=RESERVING)
    assert "RESERVATION" not in dict(lines_of(not_reservable.placed.quote))


async def test_a_no_show_pays_what_the_cpo_asks_for_its_reservation() -> None:
    play = await reserved(refunds=REFUNDS, elements=RESERVING)
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    await play.passes(TERMS.reserve_lead_s + TERMS.no_show_s)
    assert play.state() is OrderState.CANCELLED
    await play.cdr(
        "0",
        id="CDR-R",
        session_id=None,
        charging_periods=(quarter_held(SOON - 15 * MINUTE),),
        total_cost=Price(excl_vat=Decimal(20)),
        total_time=Decimal("0.25"),
    )
    bill = play.placed.bill
    assert play.state() is OrderState.SETTLED
    assert bill is not None
    assert (bill.quote.price, bill.refund, bill.deviates) == (Decimal(20), Decimal("79.99"), False)
    assert lines_of(bill.quote)[0] == ("RESERVATION", Decimal(20))


async def test_a_reservation_that_was_used_is_a_line_of_the_bill() -> None:
    play = await reserved(elements=RESERVING)
    await play.passes(TERMS.reserve_lead_s)
    await play.start()
    await play.session("ACTIVE", "1")
    await play.session("COMPLETED", "5")
    energy_used = CdrDimension(type=CdrDimensionType.ENERGY, volume=Decimal(5))
    await play.cdr(
        "5",
        charging_periods=(
            quarter_held(SOON - 15 * MINUTE),
            ChargingPeriod(start_date_time=SOON, dimensions=(energy_used,)),
        ),
        total_cost=Price(excl_vat=Decimal(110)),
    )
    bill = play.placed.bill
    assert bill is not None
    assert (bill.quote.price, bill.deviates) == (Decimal(110), False)
    assert ("RESERVATION", Decimal(10)) in lines_of(bill.quote)
