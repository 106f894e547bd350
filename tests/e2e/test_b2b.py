"""Use case 5: a driver of a fleet gets the price of its agreement, if he says the OTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.sandbox.bap import Message
from bridge.sandbox.drive import Driver, update
from tests.e2e.rig import Rig, Site, cli, rig
from tests.reference import load_tool
from tests.waiting import until

PHONE = "+91-98877 66554"
REGULAR = "+919887766554"
SECRET = "a secret that two of us share"
FLEET: Message = {
    "id": "fleet",
    "organization": "Green Wheels",
    "phones": ["+919887766554"],
    "share": 0.1,
}
TERMS = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}


@dataclass
class Phones:
    """Takes the OTPs that the bridge posts, as whoever sends text messages for the operator."""

    got: list[Message] = field(default_factory=list)
    fails: int = 0

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application()
        app.router.add_post("/otp", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        signed = request.headers["X-Bridge-Timestamp"].encode() + b"." + body
        mac = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert request.headers["X-Bridge-Signature"] == f"sha256={mac}"
        if self.fails:
            self.fails -= 1
            raise web.HTTPServiceUnavailable
        self.got.append(json.loads(body))
        return web.Response()

    async def rings(self, times: int = 1) -> str:
        """Wait for the OTP that comes then; return it."""

        async def came() -> bool:
            return len(self.got) >= times

        await until(came, timeout_s=20)
        code: str = self.got[times - 1]["code"]
        return code


@pytest.fixture
async def phones() -> AsyncIterator[tuple[Phones, str]]:
    phones = Phones()
    site = Site(phones.app)
    await site.start()
    yield phones, f"{site.url}/otp"
    await site.stop()


@pytest.fixture
async def fleet(
    tmp_path: Path, redis_url: str, phones: tuple[Phones, str]
) -> AsyncIterator[tuple[Rig, Phones]]:
    """Give a bridge with one agreement, whose OTPs go to a webhook."""
    taker, url = phones
    otp = {"sender": "webhook", "url": url, "secret": SECRET}
    async with rig(
        tmp_path, redis_url, commercial={"agreements": [FLEET]}, otp=otp, terms=TERMS
    ) as running:
        yield running, taker


def price(message: Message) -> Decimal:
    """Return the price of a quote, which is what its lines sum to."""
    quote = message["message"]["order"]["quote"]
    lines = [Decimal(line["price"]["value"]) for line in quote["breakup"]]
    assert sum(lines) == Decimal(quote["price"]["value"])
    return Decimal(quote["price"]["value"])


def lines(message: Message) -> list[Decimal]:
    """Return the amounts of a quote's lines."""
    quote = message["message"]["order"]["quote"]
    return [Decimal(line["price"]["value"]) for line in quote["breakup"]]


def start_stop(message: Message) -> dict[str, Any]:
    """Return the first stop."""
    stop: dict[str, Any] = message["message"]["order"]["fulfillments"][0]["stops"][0]
    return stop


def other(code: str) -> str:
    """Return a code that was not sent."""
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def check_all(world: Rig, shared: Path) -> None:
    """Check everything that the BAP got against core 1.1.0."""
    tool = load_tool(shared, "validate_layer2")
    for message in world.beckn_sent:
        faults = tool.validate(message, spec=tool.SPECS["core"], formats="strict")
        assert faults == [], message["context"]["action"]


@pytest.mark.parametrize(
    ("kwh", "amounts", "due"),
    [("5", ["90", "10", "-10"], "90"), ("3.7", ["66.60", "10", "-7.66"], "68.94")],
)
async def test_the_right_otp_keeps_the_discount_to_the_final_bill(
    fleet: tuple[Rig, Phones], shared: Path, kwh: str, amounts: list[str], due: str
) -> None:
    world, phones = fleet
    world.cpo.behaviour.delivers_kwh = Decimal(kwh)
    driver = Driver(world.bap, phone=PHONE)

    assert price(await driver.selects()) == 100
    offered = await driver.inits()
    assert price(offered) == 90
    assert lines(offered) == [90, 10, -10]
    assert Decimal(offered["message"]["order"]["payments"][0]["params"]["amount"]) == 90
    assert start_stop(offered)["authorization"]["type"] == "OTP"
    assert "was sent" in start_stop(offered)["instructions"]["short_desc"]
    confirmed = await driver.confirms(token=await phones.rings())
    assert price(confirmed) == 90
    assert confirmed["message"]["order"]["payments"][0]["status"] == "PAID"
    assert "authorization" not in start_stop(confirmed)

    final = await driver.charges()

    own, back = [Decimal(each) for each in amounts], Decimal(90) - Decimal(due)
    assert lines(final) == own + ([back, -back] if back else [])
    assert price(final) == Decimal(due)
    assert phones.got[0]["phone"] == REGULAR
    check_all(world, shared)


async def test_a_wrong_otp_is_an_error_and_no_order(
    fleet: tuple[Rig, Phones], shared: Path
) -> None:
    world, phones = fleet
    driver = Driver(world.bap, phone=PHONE)
    await driver.selects()
    await driver.inits()
    code = await phones.rings()

    answers = [await driver.confirms(token=token) for token in (other(code), None)]
    answers += [await driver.confirms(token=other(code)) for _ in range(2)]
    answers.append(await driver.confirms(token=code))

    for answer in answers:
        assert answer["context"]["action"] == "on_confirm"
        assert answer["error"]["code"] == "50000"
        assert "order" not in answer.get("message", {})
    assert "no attempt left" in answers[-1]["error"]["message"]
    assert world.cpo.commands == []

    await driver.inits()
    assert price(await driver.confirms(token=await phones.rings(2))) == 90
    assert driver.order["id"]
    check_all(world, shared)


async def test_the_otp_of_another_transaction_is_worth_nothing(
    fleet: tuple[Rig, Phones],
) -> None:
    world, phones = fleet
    one, two = Driver(world.bap, phone=PHONE), Driver(world.bap, phone=PHONE)
    for number, driver in enumerate((one, two), start=1):
        await driver.selects()
        await driver.inits()
        await phones.rings(number)
    sent = {each["transaction_id"]: each["code"] for each in phones.got}
    if sent[one.transaction_id] == sent[two.transaction_id]:
        pytest.skip("one chance in a million: both have the same code")

    answer = await two.confirms(token=sent[one.transaction_id])

    assert answer["error"]["code"] == "50000"


async def test_an_init_that_is_repeated_sends_one_otp(fleet: tuple[Rig, Phones]) -> None:
    world, phones = fleet
    driver = Driver(world.bap, phone=PHONE)
    await driver.selects()

    for _ in range(3):
        await driver.inits()

    assert "error" not in await driver.confirms(token=await phones.rings())
    assert len(phones.got) == 1


async def test_a_company_may_pay_afterwards(fleet: tuple[Rig, Phones], shared: Path) -> None:
    world, phones = fleet
    driver = Driver(world.bap, phone=PHONE)
    await driver.selects()
    offered = await driver.inits()
    (payment,) = offered["message"]["order"]["payments"]
    payment.pop("tags", None)
    driver.order["payments"] = [payment | {"type": "POST-FULFILLMENT", "status": "NOT-PAID"}]
    confirmed = await driver.confirms(token=await phones.rings(), paid=False)
    assert confirmed["message"]["order"]["payments"][0]["status"] == "NOT-PAID"

    final = await driver.charges()

    assert price(final) == Decimal("68.94")
    (due,) = final["message"]["order"]["payments"]
    assert Decimal(due["params"]["amount"]) == Decimal("68.94")
    assert due["status"] == "NOT-PAID"
    check_all(world, shared)


async def test_nobody_else_is_asked_or_gets_anything_off(fleet: tuple[Rig, Phones]) -> None:
    world, phones = fleet
    driver = Driver(world.bap)

    confirmed = await driver.books()

    assert price(confirmed) == 100
    assert phones.got == []


async def test_an_otp_arrives_though_nobody_takes_it_at_first(fleet: tuple[Rig, Phones]) -> None:
    world, phones = fleet
    phones.fails = 1
    driver = Driver(world.bap, phone=PHONE)
    await driver.selects()
    await driver.inits()

    assert "error" not in await driver.confirms(token=await phones.rings())

    metrics = await world.bridges[0].metrics()
    assert metrics['bridge_errands_total{kind="otp",outcome="retried"}'] == 1
    assert metrics['bridge_errands_total{kind="otp",outcome="done"}'] == 1


async def test_neither_otp_nor_number_is_told_anywhere(fleet: tuple[Rig, Phones]) -> None:
    world, phones = fleet
    driver = Driver(world.bap, phone=PHONE)
    await driver.selects()
    await driver.inits()
    code = await phones.rings()
    await driver.confirms(token=other(code))
    await driver.confirms(token=code)

    bridge = world.bridges[0]
    _, story, _ = await cli(bridge.config, "trace", driver.transaction_id)
    for told in (bridge.log.read_text(), story, json.dumps(world.beckn_sent)):
        assert code not in told
    assert "errand otp" in story
    for told in (bridge.log.read_text(), story):
        for number in (PHONE, REGULAR, REGULAR[1:], SECRET):
            assert number not in told


async def test_a_start_can_need_it_and_the_log_has_it_for_trials(
    tmp_path: Path, redis_url: str, shared: Path
) -> None:
    terms = {"otp": {"use": "start", "digits": 4}}
    async with rig(
        tmp_path, redis_url, commercial=terms, otp={"sender": "log"}, terms=TERMS
    ) as world:
        driver = Driver(world.bap)
        confirmed = await driver.books()
        assert start_stop(confirmed)["authorization"]["type"] == "OTP"
        code = await shown_in(world.bridges[0].log)
        assert len(code) == 4

        refused = await driver.ask("update", update(driver.order, "start-charging"))
        assert (refused["context"]["action"], refused["error"]["code"]) == ("on_update", "50000")
        wrong = await driver.ask("update", update(driver.order, "start-charging", other(code)))
        assert wrong["error"]["code"] == "50000"
        assert world.cpo.commands == []

        await driver.starts(token=code)
        await driver.is_billed()
        check_all(world, shared)


async def shown_in(log: Path) -> str:
    """Wait until the log shows an OTP; return it."""
    await until(lambda: bool(shown(log)), timeout_s=20)
    return shown(log)[0]


def shown(log: Path) -> list[str]:
    """Return the OTPs that a log shows."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if "otp.shown" in line)
    return [line["code"] for line in lines]
