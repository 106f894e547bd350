"""Offers: chosen, or got by themselves; what stands in their way; who has those that are few."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.flows.decision import Decision
from bridge.ocpi.tariffs import (
    PriceComponent,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
)
from bridge.orders.intents import Confirm, Init, Measure, Quantity
from bridge.orders.order import OrderState, order_key
from bridge.orders.terms import Commercial, Offer, Where
from tests import factories
from tests.factories import NOW
from tests.unit.flows.callbacks import code
from tests.unit.flows.play import Play
from tests.unit.flows.world import paid, wish

FIFTH = Offer(id="fifth", title="A fifth off", share=Decimal("0.2"))
TENTH = replace(FIFTH, id="tenth", share=Decimal("0.1"))
ASHA = Raw(b'{"name":"Asha","phone":"+91 80000 00001"}')
RAVI = Raw(b'{"name":"Ravi","phone":"+91 80000 00002"}')
ANYBODY = Raw(b'{"name":"Asha"}')


def offering(*offers: Offer) -> Play:
    play = Play()
    play.commercial = Commercial(offers=offers)
    return play


def had(play: Play) -> list[str]:
    return [offer.id for offer in play.placed.agreed.offers]


def error(decision: Decision) -> str:
    (callback,) = decision.callbacks
    assert code(callback) == "30006"
    assert callback.error is not None
    text: str = json.loads(callback.error)["message"]
    return text


async def init(play: Play, billing: Raw = ASHA, **changes: Any) -> Decision:
    return await play.ask("init", Init(wish=wish(**changes), billing=billing))


async def confirm(play: Play, **changes: Any) -> Decision:
    assert play.placed.quote is not None
    claim = paid(str(play.placed.quote.price))
    return await play.ask("confirm", Confirm(wish=wish(**changes), payment=claim))


# Chosen


async def test_a_chosen_offer_is_agreed_from_select_on() -> None:
    play = offering(FIFTH, TENTH)
    await play.select(offers=("tenth",))
    assert had(play) == ["tenth"]
    await init(play, offers=("tenth",))
    assert had(play) == ["tenth"]
    await confirm(play)
    assert play.state() is OrderState.CONFIRMED
    assert had(play) == ["tenth"], "confirm need not name it"


async def test_an_init_that_names_no_offer_has_none() -> None:
    play = offering(FIFTH)
    await play.select(offers=("fifth",))
    await init(play)
    assert had(play) == []


async def test_without_a_choice_there_is_no_offer() -> None:
    play = offering(FIFTH)
    await play.select()
    assert had(play) == []


async def test_terms_that_are_agreed_outlive_their_offer() -> None:
    play = offering(FIFTH)
    await play.select(offers=("fifth",))
    await init(play, offers=("fifth",))
    play.commercial = Commercial()
    await confirm(play, offers=("fifth",))
    assert play.state() is OrderState.CONFIRMED
    assert had(play) == ["fifth"]


@pytest.mark.parametrize("action", ["select", "init"])
async def test_an_unknown_offer_is_named(action: str) -> None:
    play = offering(FIFTH)
    ask = play.select if action == "select" else play.init
    assert error(await ask(offers=("third",))) == "offer 'third' is not known"
    assert play.order is None


MORNINGS = TariffRestrictions(start_time="06:00", end_time="12:00")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"where": Where(locations=("L2",))}, "it is not for item"),
        ({"valid_from": NOW + timedelta(seconds=1)}, "it begins at 2026-03-04T12:00:01+05:30"),
        ({"valid_until": NOW}, "it ended at 2026-03-04T12:00:00+05:30"),
        ({"when": MORNINGS}, "it is for other times or days than 2026-03-04T12:00+05:30"),
        ({"uses": 0}, "all its uses (0) are taken"),
    ],
)
async def test_an_offer_that_does_not_apply_says_why(changes: dict[str, Any], why: str) -> None:
    play = offering(replace(FIFTH, **changes))
    said = error(await play.select(offers=("fifth",)))
    assert said.startswith(f"offer 'fifth': {why}")


async def test_it_is_the_start_of_charging_that_counts() -> None:
    play = offering(replace(FIFTH, when=MORNINGS))
    tomorrow_at_eight = NOW + timedelta(hours=20)
    await play.select(offers=("fifth",), start=tomorrow_at_eight)
    assert had(play) == ["fifth"]


@pytest.mark.parametrize("changes", [{"min_kwh": Decimal(6)}, {"min_value": Decimal(1000)}])
async def test_what_is_known_in_the_end_only_is_no_obstacle(changes: dict[str, Any]) -> None:
    play = offering(replace(FIFTH, **changes))
    await play.select(offers=("fifth",))
    assert had(play) == ["fifth"]
    assert play.placed.quote is not None
    assert play.placed.quote.price == 100


async def test_an_order_has_one_offer_only() -> None:
    play = offering(FIFTH, TENTH)
    said = error(await play.select(offers=("fifth", "tenth")))
    assert said == "offers 'fifth', 'tenth': an order can have one of them only"


async def test_confirm_may_not_change_the_offer() -> None:
    play = offering(FIFTH, TENTH)
    await init(play, offers=("fifth",))
    assert "'tenth'" in error(await confirm(play, offers=("tenth",)))
    assert play.state() is OrderState.INITIALISED
    await confirm(play, offers=("fifth",))
    assert play.state() is OrderState.CONFIRMED


# Got by itself


async def test_an_automatic_offer_needs_no_choice() -> None:
    play = offering(TENTH, replace(FIFTH, automatic=True))
    await play.select()
    assert had(play) == ["fifth"]
    await init(play)
    assert had(play) == ["fifth"]


async def test_a_chosen_offer_is_there_instead_of_an_automatic_one() -> None:
    play = offering(TENTH, replace(FIFTH, automatic=True))
    await play.select(offers=("tenth",))
    assert had(play) == ["tenth"]


@pytest.mark.parametrize(
    "changes",
    [
        {"where": Where(locations=("L2",))},
        {"valid_until": NOW},
        {"when": MORNINGS},
        {"uses": 0},
    ],
)
async def test_an_automatic_offer_that_does_not_apply_is_no_fault(changes: dict[str, Any]) -> None:
    play = offering(replace(FIFTH, automatic=True, **changes), replace(TENTH, automatic=True))
    await play.select()
    assert had(play) == ["tenth"]


# Few


async def placed(play: Play, billing: Raw, transaction: str, offer: str) -> Decision:
    """Place an order of its own under the same offer."""
    play.order = None
    request = {"transaction_id": transaction}
    await play.ask("init", Init(wish=wish(offers=(offer,)), billing=billing), **request)
    assert play.order is not None, "init was refused"
    return await play.ask("confirm", Confirm(wish=wish(), payment=paid(price(play))), **request)


def price(play: Play) -> str:
    assert play.placed.quote is not None
    return str(play.placed.quote.price)


def holders(play: Play, offer: str = "fifth") -> set[str]:
    return set(play.uses.taken.get(offer, {}))


async def test_the_last_use_is_taken_at_confirm_and_the_next_one_hears_of_it() -> None:
    play = offering(replace(FIFTH, uses=1))
    await init(play, offers=("fifth",))
    late = play.placed
    await placed(play, RAVI, "t2", "fifth")
    assert play.state() is OrderState.CONFIRMED

    play.order = late
    said = error(await confirm(play))
    assert said == "offer 'fifth': all its uses (1) are taken"
    assert play.state() is OrderState.INITIALISED
    assert play.placed.id is None
    assert holders(play) == {order_key("bap.example", "t2")}


async def test_nothing_is_taken_before_confirm() -> None:
    play = offering(replace(FIFTH, uses=1))
    await play.select(offers=("fifth",))
    await init(play, offers=("fifth",))
    assert holders(play) == set()


async def test_a_customer_is_known_by_phone() -> None:
    play = offering(replace(FIFTH, uses_per_customer=1))
    await placed(play, ASHA, "t1", "fifth")
    play.order = None
    other = Init(wish=wish(offers=("fifth",)), billing=ASHA)
    said = error(await play.ask("init", other, transaction_id="t3"))
    assert "billing.phone" in said
    assert "1 times at most" in said
    await placed(play, RAVI, "t2", "fifth")
    assert play.state() is OrderState.CONFIRMED


async def test_a_stranger_gets_nothing_that_is_counted_by_customer() -> None:
    play = offering(replace(FIFTH, uses_per_customer=1))
    await play.select(offers=("fifth",))
    assert had(play) == ["fifth"], "who it is is said in init"
    assert "billing.phone" in error(await init(play, ANYBODY, offers=("fifth",)))

    await init(play, ASHA, offers=("fifth",))
    claim = paid(price(play))
    said = await play.ask("confirm", Confirm(wish=wish(), payment=claim, billing=ANYBODY))
    assert "billing.phone" in error(said)
    assert holders(play) == set()


async def test_a_cancelled_order_gives_its_use_back() -> None:
    play = offering(replace(FIFTH, uses=1))
    await placed(play, ASHA, "t1", "fifth")
    assert holders(play) == {play.placed.key}
    await play.cancel()
    assert holders(play) == set()
    await placed(play, RAVI, "t2", "fifth")
    assert play.state() is OrderState.CONFIRMED


async def test_a_repeated_confirm_uses_once() -> None:
    play = offering(replace(FIFTH, uses=1))
    await placed(play, ASHA, "t1", "fifth")
    again = await play.ask("confirm", Confirm(wish=wish(), payment=paid("100")))
    assert again.callbacks[0].error is None
    assert holders(play) == {play.placed.key}


async def test_a_confirm_that_fails_leaves_the_use_to_others() -> None:
    """It took the use, and was cut off before the order was written; then the quote expired."""
    play = offering(replace(FIFTH, uses=1))
    await init(play, offers=("fifth",))
    initialised = play.placed
    await confirm(play)
    assert holders(play) == {initialised.key}

    play.order = initialised
    play.now += timedelta(days=1)
    (answer,) = (await confirm(play)).callbacks
    assert code(answer) == "40003"
    assert holders(play) == set()


# Figures


async def to_the_bill(play: Play, kwh: str) -> dict[str, str]:
    """Charge so much; return kind and amount of each line of the final bill."""
    await play.start()
    await play.session("ACTIVE", "0.5")
    await play.session("COMPLETED", kwh)
    await play.cdr(kwh)
    assert play.placed.bill is not None
    return {str(line.kind): str(line.amount) for line in play.placed.bill.quote.lines}


def selling(price_kwh: str, *offers: Offer) -> Play:
    """Offer the connector without a fee."""
    play = offering(*offers)
    energy = PriceComponent(type=TariffDimensionType.ENERGY, price=Decimal(price_kwh), step_size=1)
    tariff = factories.tariff(elements=(TariffElement(price_components=(energy,)),))
    play.offered.item = replace(play.offered.item, tariff=tariff, price_kwh=Decimal(price_kwh))
    return play


TWENTY = Offer(id="twenty", title="20 off", amount=Decimal(20), min_kwh=Decimal(5), uses=1)
FIVE_KWH = Quantity(measure=Measure.ENERGY, value=Decimal(5), unit="kWh", stated="5")


@pytest.mark.parametrize(
    ("kwh", "price", "lines", "keeps"),
    [
        ("5", "40.00", {"ENERGY": "60.00", "OFFER": "-20.00"}, True),
        ("3.2", "38.40", {"ENERGY": "38.40"}, False),
    ],
)
async def test_the_real_energy_decides(
    kwh: str, price: str, lines: dict[str, str], keeps: bool
) -> None:
    """Use case 6: 20 off from 5 kWh, at 12 a kWh without fee; 40 were paid for 5 kWh."""
    play = selling("12", TWENTY)
    await init(play, offers=("twenty",), quantity=FIVE_KWH)
    assert play.placed.quote is not None
    assert play.placed.quote.price == 40
    await confirm(play)
    assert holders(play, "twenty") == {play.placed.key}

    found = await to_the_bill(play, kwh)
    assert play.placed.bill is not None
    assert str(play.placed.bill.quote.price) == price
    rest = {"UNUSED_PREPAYMENT", "REFUND"}
    assert {kind: amount for kind, amount in found.items() if kind not in rest} == lines
    assert holders(play, "twenty") == ({play.placed.key} if keeps else set())


async def test_a_quote_below_the_threshold_has_no_line_and_the_bill_may_have_it() -> None:
    play = selling("12", TWENTY)
    four = replace(FIVE_KWH, value=Decimal(4), stated="4")
    await init(play, offers=("twenty",), quantity=four)
    assert price(play) == "48.00"
    await confirm(play)
    assert await to_the_bill(play, "5") == {"ENERGY": "60.00", "OFFER": "-20.00"} | (
        {"UNUSED_PREPAYMENT": "8.00", "REFUND": "-8.00"}
    )


async def test_a_fifth_off_ninety_and_ten() -> None:
    play = offering(FIFTH)
    await init(play, offers=("fifth",))
    assert price(play) == "82.00"


async def test_of_automatic_offers_the_driver_gets_the_best() -> None:
    best = Offer(id="amount", title="19 off", amount=Decimal(19), automatic=True)
    play = offering(*(replace(each, automatic=True) for each in (TENTH, FIFTH)), best)
    await play.select()
    assert had(play) == ["amount"]
    assert price(play) == "81.00"
    before = play.placed.quote
    await init(play)
    assert play.placed.quote == before, "the same terms, the same quote"


async def test_of_equal_offers_it_is_the_first() -> None:
    play = offering(*(replace(FIFTH, id=each, automatic=True) for each in ("one", "two")))
    await play.select()
    assert had(play) == ["one"]
