"""The seven use cases of the guide, each as a short play that ends with its bills."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from bridge.sandbox.bap import Message, SandboxBap
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import BILLING, Choice, Driver, walk_in
from bridge.sandbox.stations import TARIFF_ID, tariff

PROVIDER: Final = "sandbox-cpo.example"
"""The Beckn provider of the sandbox CPO."""

SOON_S: Final = 5
"""How far ahead the slot is that is reserved."""


@dataclass(frozen=True)
class Stage:
    """What a play has at hand: the BAP, the CPO, and a way to tell what happens."""

    bap: SandboxBap
    cpo: SandboxCpo
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Story:
    """A use case: what the CPO charges, what the operator configured, and what happens.

    Args:
        play: returns the final bills, in order.
        kwh_price, fee: of the CPO's tariff, in INR without VAT.
        commercial: the operator's commercial terms; empty = none.
    """

    play: Callable[[Stage], Awaitable[list[Message]]]
    kwh_price: Decimal = Decimal(18)
    fee: Decimal = Decimal(10)
    commercial: Message = field(default_factory=dict)


def set_tariff(cpo: SandboxCpo, story: Story) -> None:
    """Give the CPO the prices of a story."""
    cpo.tariffs[TARIFF_ID] = tariff(cpo.party, story.kwh_price, story.fee)


async def _walk_in(stage: Stage) -> list[Message]:
    stage.tell("A driver walks in, pays 100 INR, and the vehicle is full at 3.7 kWh")
    return [await walk_in(stage.bap)]


async def _reservation(stage: Stage) -> list[Message]:
    stage.tell(f"A driver books an hour that begins in {SOON_S} s")
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=SOON_S)
    end = start + timedelta(hours=1)
    early = Driver(stage.bap, amount="5", unit="kWh", start=start, end=end)
    await early.books()
    stage.tell("Another one wants the same hour, and is offered the nearest free one")
    late = Driver(stage.bap, early.choice, amount="5", unit="kWh", start=start, end=end)
    await late.selects()
    offered = late.order["fulfillments"][0]["stops"][0]["time"]["timestamp"]
    stage.tell(f"From {offered} on it is free again")
    stage.tell("The first one comes, plugs in and charges")
    await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()))
    return [await early.charges()]


async def _overcharge(stage: Stage) -> list[Message]:
    stage.tell("5 kWh are paid for, and a provision of 20 %; the charger goes on to 5.5 kWh")
    stage.cpo.behaviour.delivers_kwh = Decimal("5.5")
    driver = Driver(stage.bap, amount="5", unit="kWh")
    await driver.books()
    return [await driver.charges()]


async def _loyalty(stage: Stage) -> list[Message]:
    stage.tell("A driver buys the Gold pass")
    buyer = Driver(stage.bap, Choice(PROVIDER, "gold-pass"), amount=None)
    await buyer.books()
    stage.tell("With it, 5 kWh cost 10 % less")
    stage.cpo.behaviour.delivers_kwh = Decimal(5)
    driver = Driver(stage.bap, amount="5", unit="kWh")
    await driver.books()
    return [await driver.charges()]


async def _b2b(stage: Stage) -> list[Message]:
    stage.tell("A fleet's driver is known by his phone, and says the OTP that comes to it")
    stage.cpo.behaviour.delivers_kwh = Decimal(5)
    driver = Driver(stage.bap, amount="5", unit="kWh")
    await driver.selects()
    await driver.inits()
    await driver.confirms(token=await stage.bap.otp())
    return [await driver.charges()]


async def _offer(stage: Stage) -> list[Message]:
    bills = []
    for kwh in ("5", "3.2"):
        stage.tell(f"A driver chooses 20 INR off from 5 kWh on, and charges {kwh} kWh")
        stage.cpo.behaviour.delivers_kwh = Decimal(kwh)
        driver = Driver(stage.bap, amount="5", unit="kWh", offers=("twenty-off",))
        await driver.books()
        bills.append(await driver.charges())
    return bills


async def _surcharge(stage: Stage) -> list[Message]:
    stage.tell("In the busy hours a kWh costs 1 INR more; a driver charges 5.2 kWh")
    stage.cpo.behaviour.delivers_kwh = Decimal("5.2")
    driver = Driver(stage.bap, amount="5.2", unit="kWh")
    await driver.books()
    return [await driver.charges()]


STORIES: Final[Mapping[int, Story]] = {
    1: Story(_walk_in),
    2: Story(_reservation, commercial={"spot_within_s": 1, "grace_s": 600}),
    3: Story(_overcharge, commercial={"overcharge_share": "0.2"}),
    4: Story(
        _loyalty,
        commercial={
            "passes": [
                {
                    "id": "gold-pass",
                    "provider": PROVIDER,
                    "name": "Gold pass",
                    "tier": "Gold",
                    "price": "299",
                    "currency": "INR",
                    "share": "0.1",
                }
            ]
        },
    ),
    5: Story(
        _b2b,
        commercial={
            "agreements": [
                {
                    "id": "fleet",
                    "organization": "Green Wheels",
                    "phones": [BILLING["phone"]],
                    "share": "0.1",
                }
            ]
        },
    ),
    6: Story(
        _offer,
        kwh_price=Decimal(12),
        fee=Decimal(0),
        commercial={
            "offers": [
                {
                    "id": "twenty-off",
                    "title": "20 INR off from 5 kWh on",
                    "amount": "20",
                    "min_kwh": "5",
                }
            ]
        },
    ),
    7: Story(
        _surcharge,
        kwh_price=Decimal(16),
        fee=Decimal(0),
        commercial={"surcharges": [{"id": "busy", "title": "Congestion fee", "per_kwh": "1"}]},
    ),
}
"""By the number of the use case in the guide."""
