"""Use case 3: less, more and far more than was paid for; the guard; whose total it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.types import ModuleID
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import Driver, state_of, update
from bridge.sandbox.stations import TARIFF_ID
from tests.e2e.money import breakup, price_of, second_payment, valid
from tests.e2e.rig import Rig, cli, rig
from tests.waiting import until

PROVISION = {"overcharge_share": 0.2}
WAITS = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}


@pytest.fixture
def terms() -> Mapping[str, Any]:
    """Give the commercial terms of a test."""
    return PROVISION


@pytest.fixture
async def site(tmp_path: Path, redis_url: str, terms: Mapping[str, Any]) -> AsyncIterator[Rig]:
    """Give one bridge with commercial terms."""
    async with rig(tmp_path, redis_url, terms=WAITS, commercial=terms) as running:
        yield running


def driver(site: Rig) -> Driver:
    """Give a driver who wants 5 kWh."""
    return Driver(site.bap, amount="5", unit="kWh")


async def test_the_provision_stands_in_the_quote(site: Rig, shared: Path) -> None:
    alone = driver(site)
    await alone.selects()
    offered = await alone.inits()
    assert breakup(offered) == [
        ("Charging session cost (5 kWh @ ₹18.00/kWh)", Decimal(90)),
        ("Service fee", Decimal(10)),
        ("overcharge estimation", Decimal(18)),
    ]
    payment = offered["message"]["order"]["payments"][0]
    assert Decimal(payment["params"]["amount"]) == price_of(offered) == 118
    valid(site, shared)


async def test_what_the_provision_did_not_need_comes_back(site: Rig, shared: Path) -> None:
    site.cpo.behaviour.delivers_kwh = Decimal("5.5")
    alone = driver(site)
    await alone.books()
    final = await alone.charges()
    assert price_of(final) == 109
    assert breakup(final) == [
        ("Charging session cost (5.5 kWh @ ₹18.00/kWh)", Decimal(99)),
        ("Service fee", Decimal(10)),
        ("Unused prepayment", Decimal(9)),
        ("Overcharge refund", Decimal(-9)),
    ]
    assert second_payment(final) == ("POST-FULFILLMENT", "NOT-PAID", Decimal(9))
    order = final["message"]["order"]
    tags = {tag["descriptor"]["code"]: tag["value"] for tag in order["payments"][1]["tags"]}
    assert tags == {"refund-type": "OVERCHARGE_REFUND", "refund-amount": "9.00INR"}
    assert order["items"][0]["quantity"]["allocated"]["measure"]["value"] == "5.5"
    assert "STOP_SESSION" not in [name for name, _ in site.cpo.commands]
    valid(site, shared)


async def test_a_cpo_that_cannot_be_stopped_leaves_something_due(site: Rig, shared: Path) -> None:
    site.cpo.behaviour.delivers_kwh, site.cpo.behaviour.steps = Decimal(7), 7
    alone = driver(site)
    await alone.books()
    await alone.starts()
    site.cpo.behaviour.response = CommandResponseType.REJECTED
    final = await alone.is_billed()
    assert price_of(final) == 136
    assert second_payment(final) == ("POST-FULFILLMENT", "NOT-PAID", Decimal(18))
    assert [name for name, _ in site.cpo.commands] == ["START_SESSION", "STOP_SESSION"]
    told = await alone.hears(lambda message: "error" in message)
    assert told["error"]["code"] == "50002"
    valid(site, shared)


async def test_the_guard_stops_when_what_was_paid_is_used_up(site: Rig, shared: Path) -> None:
    site.cpo.behaviour.delivers_kwh, site.cpo.behaviour.steps = Decimal(100), 200
    alone = driver(site)
    await alone.books()
    final = await alone.charges()
    (session,) = site.cpo.sessions.values()
    assert 6 <= session.kwh < 20
    assert price_of(final) == session.kwh * 18 + 10
    due = price_of(final) - 118
    assert second_payment(final) == (("POST-FULFILLMENT", "NOT-PAID", due) if due else None)
    assert [name for name, _ in site.cpo.commands] == ["START_SESSION", "STOP_SESSION"]
    code, story, _ = await cli(site.bridges[0].config, "trace", alone.transaction_id)
    assert code == 0
    assert "stopped by the bridge" in story
    valid(site, shared)


@pytest.mark.parametrize("terms", [{}])
async def test_a_power_cut_gives_back_what_was_not_delivered(site: Rig) -> None:
    """Paid 100 for 5 kWh, 3.7 delivered (use case 3, scenario A)."""
    alone = driver(site)
    await alone.books()
    final = await alone.charges()
    assert price_of(final) == Decimal("76.60")
    assert second_payment(final) == ("POST-FULFILLMENT", "NOT-PAID", Decimal("23.40"))


@pytest.mark.parametrize("terms", [{}])
async def test_a_session_that_fails_is_billed_like_any_other(site: Rig) -> None:
    """INVALID with energy, and no CDR: a bill by our own costing, provisional."""
    acts = site.cpo.behaviour
    acts.steps, acts.step_s, acts.sends_cdr = 1000, 1.0, False
    alone = driver(site)
    await alone.books()
    await alone.starts()
    (session,) = site.cpo.sessions.values()
    await pushed(site, replace(session, kwh=Decimal(2), status=SessionStatus.INVALID))
    ended = await alone.hears(
        lambda m: m["context"]["action"] == "on_update" and state_of(m) == "COMPLETED"
    )
    assert price_of(ended) == 46
    assert "provisional" in str(ended)
    assert second_payment(ended) == ("POST-FULFILLMENT", "NOT-PAID", Decimal(54))


async def pushed(site: Rig, session: Session) -> None:
    """Let the CPO push a session as it is now, before anything else it says."""
    later = max(each.last_updated for each in site.cpo.sessions.values())
    url = site.cpo.receiver(ModuleID.SESSIONS, session.id)
    await site.cpo.call("PUT", url, str(session.status), replace(session, last_updated=later))


@pytest.mark.parametrize("terms", [{}])
async def test_a_cdr_without_a_session_is_the_end_too(site: Rig) -> None:
    site.cpo.behaviour.pushes = False
    alone = driver(site)
    await alone.books()
    await alone.ask("update", start_of(alone))
    await until(lambda: bool(site.cpo.cdrs), timeout_s=20)
    (cdr,) = site.cpo.cdrs.values()
    base = site.cpo.receiver(ModuleID.CDRS).rsplit("/", 2)[0]
    await site.cpo.call("POST", base, "CDR", cdr)
    final = await alone.is_billed()
    assert price_of(final) == Decimal("76.60")


def start_of(alone: Driver) -> Message:
    """Return the message of ``update`` that starts."""
    return update(alone.order, "start-charging")


def dearer(site: Rig) -> None:
    """Let the CPO bill 20 INR/kWh from now on, whatever was agreed."""
    tariff = site.cpo.tariffs[TARIFF_ID]
    (element,) = tariff.elements
    energy, flat = element.price_components
    changed = replace(element, price_components=(replace(energy, price=Decimal(20)), flat))
    site.cpo.tariffs[TARIFF_ID] = replace(tariff, elements=(changed,))


@pytest.mark.parametrize(
    ("terms", "price", "lines"),
    [
        (
            {"price_source": "own"},
            Decimal("76.60"),
            [("Charging session cost (3.7 kWh @ ₹18.00/kWh)", Decimal("66.60"))],
        ),
        (
            {"price_source": "cdr"},
            Decimal("84"),
            [("Charging session cost (3.7 kWh)", Decimal("74"))],
        ),
    ],
)
async def test_a_total_that_differs_is_flagged_and_counted(
    site: Rig, price: Decimal, lines: list[tuple[str, Decimal]]
) -> None:
    alone = driver(site)
    await alone.books()
    await alone.starts()
    dearer(site)
    final = await alone.is_billed()
    assert price_of(final) == price
    assert breakup(final)[:2] == [*lines, ("Service fee", Decimal(10))]

    async def counted() -> bool:
        metrics = await site.bridges[0].metrics()
        return metrics.get('bridge_bill_deviations_total{cpo="cpo1"}') == 1

    await until(counted, timeout_s=5)
    assert "bill.deviates" in site.bridges[0].log.read_text()
