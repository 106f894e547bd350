"""Use case 7: a surge price by time and by place, in the quote and in the bill."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bridge.ocpi.tariffs import PriceComponent, TariffDimensionType, TariffElement
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import Driver
from bridge.sandbox.stations import TARIFF_ID
from tests.e2e.money import breakup, price_of, valid
from tests.e2e.rig import Rig, rig

INDIA = ZoneInfo("Asia/Kolkata")
MINUTE = timedelta(minutes=1)


class Opened(Protocol):
    """Opens a bridge with some surcharges, at a CPO with a price per kWh and no fee."""

    def __call__(
        self, *surcharges: Mapping[str, Any], per_kwh: str = "16"
    ) -> AbstractAsyncContextManager[Rig]: ...


@pytest.fixture
def opened(tmp_path: Path, redis_url: str) -> Opened:
    """Give the way to open one."""

    def open_(
        *surcharges: Mapping[str, Any], per_kwh: str = "16"
    ) -> AbstractAsyncContextManager[Rig]:
        def cpo_of(token_a: str) -> SandboxCpo:
            cpo = SandboxCpo(token_a)
            price = PriceComponent(
                type=TariffDimensionType.ENERGY, price=Decimal(per_kwh), step_size=1
            )
            element = TariffElement(price_components=(price,))
            cpo.tariffs[TARIFF_ID] = replace(cpo.tariffs[TARIFF_ID], elements=(element,))
            return cpo

        return rig(tmp_path, redis_url, cpo_of=cpo_of, commercial={"surcharges": list(surcharges)})

    return open_


def the_minute() -> datetime:
    """Return the minute it is."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


def congestion(start: datetime, end: datetime) -> Mapping[str, Any]:
    """Return one rupee more for each kWh, between two times of day in India."""
    clock = [f"{at.astimezone(INDIA):%H:%M}" for at in (start, end)]
    when = {"start_time": clock[0], "end_time": clock[1]}
    return {"id": "congestion", "title": "Congestion fee", "per_kwh": "1", "when": when}


def details_of(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what an item says of its surcharge."""
    (group,) = [tag for tag in item["tags"] if tag["descriptor"]["code"] == "surcharge-details"]
    return [(entry["descriptor"]["code"], entry["value"]) for entry in group["list"]]


async def test_the_congestion_fee_of_the_pages(opened: Opened, shared: Path) -> None:
    now = the_minute()
    async with opened(congestion(now - 60 * MINUTE, now + 120 * MINUTE)) as site:
        site.cpo.behaviour.delivers_kwh = Decimal("5.2")
        preview = Driver(site.bap, amount="5", unit="kWh")
        offered = await preview.selects()
        assert price_of(offered) == 85
        (found,) = [m for m in site.beckn_sent if m["context"]["action"] == "on_search"]
        for item in (
            found["message"]["catalog"]["providers"][0]["items"][0],
            offered["message"]["order"]["items"][0],
        ):
            assert ("surcharge-per-kwh", "1.00 INR/kWh") in details_of(item)

        alone = Driver(site.bap, amount="6", unit="kWh")
        await alone.books()
        final = await alone.charges()
        assert price_of(final) == Decimal("88.40")
        assert breakup(final)[:2] == [
            ("Charging session cost (5.2 kWh @ ₹16.00/kWh)", Decimal("83.20")),
            ("Congestion fee (5.2 kWh @ ₹1.00/kWh)", Decimal("5.20")),
        ]
        valid(site, shared)


@pytest.mark.parametrize("begins", [True, False])
async def test_a_session_over_its_boundary_is_divided(opened: Opened, begins: bool) -> None:
    """One hour, one charging period, 7.2 kWh: two watt-hours a second."""
    boundary = the_minute() + 31 * MINUTE
    fee = (
        congestion(boundary, boundary + 180 * MINUTE)
        if begins
        else congestion(boundary - 180 * MINUTE, boundary)
    )
    async with opened(fee) as site:
        site.cpo.behaviour.delivers_kwh = Decimal("7.2")
        site.cpo.behaviour.lasts_s = 3600
        alone = Driver(site.bap, amount="8", unit="kWh")
        await alone.books()
        final = await alone.charges()
        (cdr,) = site.cpo.cdrs.values()
        before_s = int((boundary - cdr.start_date_time).total_seconds())
        within_s = 3600 - before_s if begins else before_s
        assert 0 < within_s < 3600
        fee_line = next(amount for title, amount in breakup(final) if "Congestion" in title)
        assert fee_line == (within_s * Decimal("0.002")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert price_of(final) == Decimal("115.20") + fee_line


async def test_a_surge_of_a_fifth(opened: Opened, shared: Path) -> None:
    """Energy 90, and 18 more; fees are in another test: this CPO has none."""
    async with opened({"id": "surge", "share": 0.2}, per_kwh="18") as site:
        site.cpo.behaviour.delivers_kwh = Decimal(4)
        alone = Driver(site.bap, amount="5", unit="kWh")
        for message in (await alone.selects(), await alone.inits()):
            assert price_of(message) == 108
            assert breakup(message)[1] == ("surge price(20%)", Decimal(18))
        await alone.confirms()
        final = await alone.charges()
        assert breakup(final)[1] == ("surge price(20%)", Decimal("14.40"))
        valid(site, shared)


async def test_several_surcharges_and_a_place_that_has_none(opened: Opened) -> None:
    """18 x 1.2 + 2 = 23.60 a kWh (first edition)."""
    airport = {"id": "airport", "per_kwh": 2, "where": {"locations": ["INDIRANAGAR"]}}
    elsewhere = {"id": "elsewhere", "per_kwh": 5, "where": {"locations": ["KORAMANGALA"]}}
    async with opened({"id": "peak", "share": 0.2}, airport, elsewhere, per_kwh="18") as site:
        alone = Driver(site.bap, amount="1", unit="kWh")
        assert price_of(await alone.selects()) == Decimal("23.60")


async def test_a_budget_has_room_for_the_surcharge(opened: Opened) -> None:
    now = the_minute()
    async with opened(congestion(now - 60 * MINUTE, now + 120 * MINUTE)) as site:
        alone = Driver(site.bap, amount="85", unit="INR")
        offered = await alone.selects()
        assert price_of(offered) == 85
        assert breakup(offered)[0][0] == "Charging session cost (5 kWh @ ₹16.00/kWh)"
