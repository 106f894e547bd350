"""Use case 6: offers in the catalogue, chosen, counted, and looked at again in the end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.tariffs import PriceComponent, TariffDimensionType, TariffElement
from bridge.sandbox.bap import Message
from bridge.sandbox.cpo import SandboxCpo
from bridge.sandbox.drive import GPS, Driver, find
from tests.e2e.money import breakup, price_of, second_payment, valid
from tests.e2e.rig import Rig, rig, write_commercial
from tests.waiting import until

TWENTY = {"id": "twenty", "title": "20 off from 5 kWh", "amount": 20, "min_kwh": 5}
FIFTH = {"id": "fifth", "title": "offer discount", "share": 0.2}


def without_fee(token_a: str) -> SandboxCpo:
    """Return a CPO whose energy is 12 INR/kWh, and nothing else."""
    cpo = SandboxCpo(token_a)
    energy = PriceComponent(type=TariffDimensionType.ENERGY, price=Decimal(12), step_size=1)
    for name, tariff in cpo.tariffs.items():
        cpo.tariffs[name] = replace(tariff, elements=(TariffElement(price_components=(energy,)),))
    return cpo


async def catalogue(world: Rig, **intent: Any) -> list[Message]:
    """Search around the driver; return the providers."""
    circle = {"gps": GPS, "radius": {"value": "30", "unit": "km"}}
    stops = [{"location": {"circle": circle}}]
    wanted = {"fulfillment": {"type": "CHARGING", "stops": stops}, **intent}
    found = await world.bap.ask("search", {"intent": wanted}, Driver(world.bap).transaction_id)
    providers: list[Message] = found["message"]["catalog"]["providers"]
    return providers


def tags(offer: Message, code: str) -> dict[str, str]:
    """Return the values of an offer's tag group."""
    groups = {group["descriptor"]["code"]: group["list"] for group in offer["tags"]}
    return {entry["descriptor"]["code"]: entry["value"] for entry in groups[code]}


def offer_of(message: Message) -> Message:
    """Return the only offer of an order."""
    (offer,) = message["message"]["order"]["offers"]
    found: Message = offer
    return found


def refusal(message: Message) -> str:
    """Return what a callback refuses an offer with."""
    assert message["error"]["code"] == "30006"
    assert "message" not in message
    text: str = message["error"]["message"]
    return text


@pytest.mark.parametrize(
    ("kwh", "paid", "title", "used"),
    [
        ("5", "40", [("20 off from 5 kWh", Decimal(-20))], ("true", "20.00")),
        ("3.2", "38.40", [], ("false", "0.00")),
    ],
)
async def test_twenty_off_from_five_kwh_is_for_the_energy_that_was_delivered(
    tmp_path: Path,
    redis_url: str,
    shared: Path,
    kwh: str,
    paid: str,
    title: list[tuple[str, Decimal]],
    used: tuple[str, str],
) -> None:
    terms = {"offers": [TWENTY]}
    async with rig(tmp_path, redis_url, cpo_of=without_fee, commercial=terms) as world:
        (provider,) = await catalogue(world)
        (offer,) = provider["offers"]
        assert offer["id"] == "twenty"
        assert set(offer["location_ids"]) == {place["id"] for place in provider["locations"]}
        assert tags(offer, "offer-details") == {
            "discount-type": "AMOUNT",
            "discount-value": "20",
            "min-kwh": "5",
            "automatic": "false",
        }

        world.cpo.behaviour.delivers_kwh = Decimal(kwh)
        driver = Driver(world.bap, amount="5", unit="kWh", offers=("twenty",))
        for step in (driver.selects, driver.inits, driver.confirms):
            answer = await step()
            assert price_of(answer) == 40
            assert breakup(answer)[1:] == [("20 off from 5 kWh", Decimal(-20))]
            assert offer_of(answer)["id"] == "twenty"
            assert tags(offer_of(answer), "offer-usage")["discount-amount"] == "20.00"
        final = await driver.charges()

        assert price_of(final) == Decimal(paid)
        assert [line for line in breakup(final) if "20 off" in line[0]] == title
        usage = tags(offer_of(final), "offer-usage")
        assert (usage["offer-applied"], usage["discount-amount"]) == used
        rest = 40 - Decimal(paid)
        expected = ("POST-FULFILLMENT", "NOT-PAID", rest) if rest else None
        assert second_payment(final) == expected
        valid(world, shared)


async def test_a_fifth_off_ninety_and_ten(tmp_path: Path, redis_url: str, shared: Path) -> None:
    async with rig(tmp_path, redis_url, commercial={"offers": [FIFTH]}) as world:
        world.cpo.behaviour.delivers_kwh = Decimal(5)
        driver = Driver(world.bap, offers=("fifth",))
        confirmed = await driver.books()
        assert [amount for _, amount in breakup(confirmed)] == [90, 10, -18]
        assert breakup(confirmed)[2][0] == "offer discount(20%)"
        assert price_of(confirmed) == 82

        final = await driver.charges()
        assert price_of(final) == 82
        assert second_payment(final) is None
        valid(world, shared)


async def test_offers_that_cannot_be_had_are_named(tmp_path: Path, redis_url: str) -> None:
    terms = {
        "offers": [
            {**FIFTH, "id": "elsewhere", "where": {"locations": ["WHITEFIELD"]}},
            {**FIFTH, "id": "over", "valid_until": "2020-01-01"},
            {**FIFTH, "id": "next-year", "valid_from": "2099-01-01"},
            {**FIFTH, "id": "ours", "automatic": True},
        ]
    }
    async with rig(tmp_path, redis_url, commercial=terms) as world:
        (provider,) = await catalogue(world)
        shown = {offer["id"]: offer["location_ids"] for offer in provider["offers"]}
        assert shown.keys() == {"elsewhere", "ours"}
        assert shown["elsewhere"] == ["WHITEFIELD"]

        choice = await find(world.bap, Driver(world.bap).transaction_id)
        for offer, why in (
            ("no such", "is not known"),
            ("elsewhere", f"is not for item {choice.item_id}"),
            ("over", "it ended at 2020-01-01"),
            ("next-year", "it begins at 2099-01-01"),
        ):
            said = refusal(await Driver(world.bap, choice, offers=(offer,)).selects())
            assert repr(offer) in said
            assert why in said

        # Nothing chosen: the one that needs no choice.
        selected = await Driver(world.bap, choice).selects()
        assert offer_of(selected)["id"] == "ours"
        assert price_of(selected) == 82


async def test_the_last_use_goes_to_who_confirms_first(tmp_path: Path, redis_url: str) -> None:
    terms = {"offers": [{**FIFTH, "uses": 1, "uses_per_customer": 1}]}
    async with rig(tmp_path, redis_url, commercial=terms) as world:
        first, second = (
            Driver(world.bap, phone=phone, offers=("fifth",))
            for phone in ("+918000000001", "+918000000002")
        )
        for driver in (first, second):
            await driver.selects()
            assert price_of(await driver.inits()) == 82
        confirmed = await first.confirms()
        assert confirmed["message"]["order"]["id"]

        said = refusal(await second.confirms())
        assert said == "offer 'fifth': all its uses (1) are taken"
        late = Driver(world.bap, first.choice, phone="+918000000003", offers=("fifth",))
        assert "'fifth'" in refusal(await late.selects())

        await first.ask("cancel", {"order_id": first.order["id"]})
        again = await second.confirms()
        assert again["message"]["order"]["id"], "the quote holds, and the offer is free again"


async def test_of_many_who_confirm_at_once_as_many_as_there_are_get_it(
    tmp_path: Path, redis_url: str
) -> None:
    async with rig(tmp_path, redis_url, commercial={"offers": [{**FIFTH, "uses": 3}]}) as world:
        choice = await find(world.bap, Driver(world.bap).transaction_id)
        drivers = [
            Driver(world.bap, choice, phone=f"+9180000000{number:02}", offers=("fifth",))
            for number in range(12)
        ]
        await asyncio.gather(*(driver.inits() for driver in drivers))
        answers = await asyncio.gather(*(driver.confirms() for driver in drivers))
        placed = [answer for answer in answers if "error" not in answer]
        assert len(placed) == 3
        assert {refusal(answer) for answer in answers if "error" in answer} == {
            "offer 'fifth': all its uses (3) are taken"
        }


async def test_the_catalogue_follows_the_terms(tmp_path: Path, redis_url: str) -> None:
    async with rig(tmp_path, redis_url, commercial={"offers": []}) as world:
        (provider,) = await catalogue(world)
        assert "offers" not in provider
        category = {"descriptor": {"code": "promotional-offer"}}
        assert await catalogue(world, category=category) == []

        write_commercial(tmp_path, {"offers": [{**FIFTH, "where": {"locations": ["KORAMANGALA"]}}]})

        async def is_shown() -> bool:
            (provider,) = await catalogue(world)
            return [offer["location_ids"] for offer in provider.get("offers", [])] == [
                ["KORAMANGALA"]
            ]

        await until(is_shown, timeout_s=20)
        (promoted,) = await catalogue(world, category=category)
        assert [place["id"] for place in promoted["locations"]] == ["KORAMANGALA"]
