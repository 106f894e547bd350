"""OTPs: issued at init, said at the step that they are for, worth nothing anywhere else."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.flows.decision import Decision
from bridge.flows.jobs import ErrandJob
from bridge.flows.otp import SENT_AT_MOST
from bridge.orders.customer import Customer
from bridge.orders.intents import Confirm, Init, Update, Verb
from bridge.orders.order import OrderState
from bridge.orders.otp import IssuedOtp
from bridge.orders.terms import Agreement, Commercial, Otp, OtpUse
from tests import factories
from tests.unit.flows.callbacks import code, codes, shown
from tests.unit.flows.play import Play
from tests.unit.flows.world import paid, wish

PHONE, OTHER_PHONE = "+919887766554", "+919887766555"
EMAIL = "fleet@greenwheels.example"
FLEET = Agreement(
    id="fleet",
    organization="Green Wheels",
    phones=("+91-98877 66554",),
    emails=(EMAIL,),
    share=Decimal("0.1"),
)
B2B = Commercial(agreements=(FLEET,))
AT_CONFIRM = Commercial(otp=Otp(use=OtpUse.CONFIRM))
AT_START = Commercial(otp=Otp(use=OtpUse.START))
LIFE = timedelta(seconds=Otp().life_s)

S = OrderState


class Driver(Play):
    """A transaction whose driver says the OTP, or something else."""

    def __init__(self, commercial: Commercial, **changes: Any) -> None:
        super().__init__(**changes)
        self.commercial = commercial

    async def initialised(self, *, phone: str | None = PHONE, **billing: str) -> Decision:
        """Send an init."""
        said = billing | ({} if phone is None else {"phone": phone})
        made = Init(wish=wish(), billing=Raw(json.dumps(said).encode()))
        return await self.ask("init", made)

    async def confirmed(self, token: str | None, **billing: str) -> Decision:
        """Send a confirm that says everything is paid."""
        price = self.placed.quote.price if self.placed.quote else Decimal(0)
        made = Confirm(
            wish=wish(),
            billing=Raw(json.dumps({"phone": PHONE} | billing).encode()),
            payment=paid(str(price)),
            authorization_token=token,
        )
        return await self.ask("confirm", made)

    async def started(self, token: str | None) -> Decision:
        """Send an update that wants to start."""
        made = Update(verb=Verb.START, order_id=self.placed.id, authorization_token=token)
        return await self.ask("update", made)

    @property
    def code(self) -> str:
        """The OTP that was sent last."""
        return self.otps[-1].code

    @property
    def wrong(self) -> str:
        """One that was not."""
        return self.code[:-1] + str((int(self.code[-1]) + 1) % 10)

    @property
    def otp(self) -> IssuedOtp:
        """What the order keeps."""
        assert self.placed.otp is not None
        return self.placed.otp


async def asked(commercial: Commercial = B2B, **billing: Any) -> Driver:
    """Play until an OTP was sent."""
    driver = Driver(commercial)
    await driver.initialised(**billing)
    assert len(driver.errands) == 1
    return driver


def authorization(decision: Decision) -> dict[str, Any] | None:
    """Return what an answer's first stop says of an authorization."""
    (answer,) = decision.callbacks
    stop: dict[str, dict[str, Any]] = shown(answer)["fulfillments"][0]["stops"][0]
    return stop.get("authorization")


def refused(decision: Decision) -> str:
    """Return why a request was refused: for want of an OTP."""
    (answer,) = decision.callbacks
    assert code(answer) == "50000"
    assert answer.error is not None
    reason: str = json.loads(answer.error)["message"]
    return reason


# Issued at init


@pytest.mark.parametrize("commercial", [B2B, AT_CONFIRM, AT_START])
async def test_an_init_that_needs_one_has_it_sent(commercial: Commercial) -> None:
    driver = Driver(commercial)

    decision = await driver.initialised()

    assert len(decision.errands) == 1
    errand = driver.otps[-1]
    assert (errand.order_key, errand.transaction_id) == (driver.placed.key, "t1")
    assert errand.to == Customer(phone=PHONE)
    assert errand.until == driver.now + LIFE
    assert len(errand.code) == 6
    assert errand.code.isdecimal()
    assert errand.id == driver.otp.id
    assert authorization(decision) == {"type": "OTP", "valid_to": "2026-03-04T06:40:00Z"}


async def test_the_answer_says_that_it_was_sent_but_not_to_whom() -> None:
    driver = Driver(B2B)

    (answer,) = (await driver.initialised()).callbacks

    instructions = shown(answer)["fulfillments"][0]["stops"][0]["instructions"]
    assert instructions == {
        "short_desc": "An OTP was sent to the registered mobile number.",
        "long_desc": "You need it to confirm the order.",
    }


async def test_nobody_is_asked_for_one_by_default() -> None:
    driver = Driver(Commercial())

    decision = await driver.initialised()

    assert decision.errands == ()
    assert authorization(decision) is None
    await driver.confirmed("2442")
    assert driver.state() is S.CONFIRMED, "a token is ignored where none is asked for"
    await driver.started("7484")
    assert driver.state() is S.STARTING


async def test_without_an_agreement_none_is_asked_for() -> None:
    driver = Driver(B2B)

    assert (await driver.initialised(phone=OTHER_PHONE)).errands == ()


async def test_the_order_does_not_keep_the_otp() -> None:
    driver = await asked()

    kept = json.dumps([msgspec.to_builtins(driver.placed.otp)])

    assert driver.code not in kept
    assert PHONE not in kept


async def test_two_orders_have_two_codes_and_two_salts() -> None:
    made = [await asked() for _ in range(9)]

    assert len({each.code for each in made}) > 1
    assert len({each.otp.salt for each in made}) == 9


@pytest.mark.parametrize("digits", [4, 8])
async def test_it_has_as_many_digits_as_are_wanted(digits: int) -> None:
    driver = await asked(Commercial(otp=Otp(use=OtpUse.CONFIRM, digits=digits)))

    assert len(driver.code) == digits


async def test_it_goes_to_the_contact_that_the_company_registered() -> None:
    driver = await asked(B2B, phone=OTHER_PHONE, email=EMAIL)

    assert driver.otps[0].to == Customer(email=EMAIL)
    stop = shown(driver.callbacks[-1])["fulfillments"][0]["stops"][0]
    assert stop["instructions"]["short_desc"] == "An OTP was sent to the registered e-mail address."


async def test_without_a_phone_it_goes_to_the_address() -> None:
    driver = await asked(AT_CONFIRM, phone=None, email=EMAIL)

    assert driver.otps[0].to == Customer(email=EMAIL)


async def test_without_any_contact_there_are_no_terms() -> None:
    driver = Driver(AT_CONFIRM)

    assert "billing.phone" in refused(await driver.initialised(phone=None))
    assert driver.order is None


# A second init


async def test_an_init_that_is_repeated_sends_no_other() -> None:
    driver = await asked()
    driver.now += LIFE - timedelta(seconds=1)

    decision = await driver.initialised()

    assert decision.errands == ()
    assert authorization(decision) is not None
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_nor_does_a_select_in_between() -> None:
    driver = await asked()

    assert authorization(await driver.select()) is None
    assert (await driver.initialised()).errands == ()


async def test_after_its_life_another_is_sent() -> None:
    driver = await asked()
    first = driver.code
    driver.now += LIFE

    assert len((await driver.initialised()).errands) == 1
    if first != driver.code:
        refused(await driver.confirmed(first))
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_another_contact_gets_another_and_the_first_is_worth_nothing() -> None:
    driver = await asked(AT_CONFIRM)
    first = driver.code

    assert len((await driver.initialised(phone=OTHER_PHONE)).errands) == 1
    errand = driver.otps[-1]

    assert errand.to == Customer(phone=OTHER_PHONE)
    if first != errand.code:
        refused(await driver.confirmed(first))


async def test_whoever_leaves_the_agreement_needs_none_any_more() -> None:
    driver = await asked()

    decision = await driver.initialised(phone=OTHER_PHONE)

    assert authorization(decision) is None
    await driver.confirmed(None, phone=OTHER_PHONE)
    assert driver.state() is S.CONFIRMED


async def test_a_transaction_has_so_many_and_no_more() -> None:
    driver = await asked()
    for number in range(1, SENT_AT_MOST + 1):
        assert len(driver.errands) == number
        driver.now += LIFE
        last = await driver.initialised()

    assert "begin another" in refused(last)
    assert len(driver.errands) == SENT_AT_MOST


async def test_going_through_another_phone_gives_no_more_of_them() -> None:
    driver = await asked()
    for phone in [OTHER_PHONE, PHONE] * SENT_AT_MOST:
        await driver.initialised(phone=phone)

    assert len(driver.errands) == SENT_AT_MOST


async def test_one_that_was_not_delivered_is_replaced_by_the_next_init() -> None:
    driver = await asked()
    lost = ErrandJob(
        errand_id=driver.otps[0].id, kind="otp", done=False, at=driver.now, reason="HTTP 500"
    )
    await driver.happens(lost)

    assert len((await driver.initialised()).errands) == 1
    await driver.happens(lost)
    assert (await driver.initialised()).errands == (), "that was told of the first one"


async def test_one_that_may_have_been_delivered_is_good() -> None:
    driver = await asked()
    await driver.happens(
        ErrandJob(errand_id=driver.otp.id, kind="otp", done=False, at=driver.now, reason="no word")
    )

    await driver.confirmed(driver.code)

    assert driver.state() is S.CONFIRMED


# Said in confirm


@pytest.mark.parametrize("commercial", [B2B, AT_CONFIRM])
async def test_the_right_one_places_the_order_and_is_used_up(commercial: Commercial) -> None:
    driver = await asked(commercial)

    decision = await driver.confirmed(f" {driver.code} ")

    assert driver.state() is S.CONFIRMED
    assert authorization(decision) is None
    assert (driver.otp.proven, driver.otp.digest, driver.otp.salt) == (True, "", "")
    await driver.started(None)
    assert driver.state() is S.STARTING


@pytest.mark.parametrize("token", [None, "", "  "])
async def test_none_at_all_costs_no_attempt(token: str | None) -> None:
    driver = await asked()

    assert "is missing" in refused(await driver.confirmed(token))

    assert driver.state() is S.INITIALISED
    assert driver.otp.attempts == 3
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_a_wrong_one_places_nothing_and_costs_an_attempt() -> None:
    driver = await asked()

    assert refused(await driver.confirmed(driver.wrong)).endswith("2 attempts left")
    assert refused(await driver.confirmed(driver.wrong)).endswith("1 attempt left")

    assert driver.state() is S.INITIALISED
    assert driver.placed.id is None
    assert driver.live.asked == [], "the CPO is left alone"
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_after_the_last_attempt_the_right_one_is_worth_nothing() -> None:
    driver = await asked()
    reasons = [refused(await driver.confirmed(driver.wrong)) for _ in range(3)]

    assert reasons[-1] == "the OTP has no attempt left; send init again"
    assert refused(await driver.confirmed(driver.code)) == reasons[-1]
    assert driver.state() is S.INITIALISED

    assert len((await driver.initialised()).errands) == 1
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_after_its_life_it_is_worth_nothing() -> None:
    driver = await asked()
    driver.now += LIFE

    assert refused(await driver.confirmed(driver.code)) == "the OTP expired; send init again"
    assert driver.state() is S.INITIALISED


async def test_a_moment_before_it_is_good() -> None:
    driver = await asked()
    driver.now += LIFE - timedelta(milliseconds=1)

    await driver.confirmed(driver.code)

    assert driver.state() is S.CONFIRMED


async def test_that_of_another_transaction_is_worth_nothing() -> None:
    one, two = await asked(), await asked()
    if one.code == two.code:
        await two.confirmed(two.wrong)
    else:
        refused(await two.confirmed(one.code))
    assert two.otp.attempts == 2


async def test_what_one_order_keeps_proves_nothing_in_another() -> None:
    one, two = await asked(), await asked()
    assert one.order is not None
    two.order = replace(two.placed, key="bap.example|t2", otp=one.otp)

    refused(await two.confirmed(one.code))


async def test_an_order_that_is_not_placed_for_another_reason_keeps_its_otp() -> None:
    driver = await asked()
    driver.live.answer = CpoUnavailable("no answer")

    decision = await driver.confirmed(driver.code)

    assert codes(decision.callbacks) == ["40000"]
    assert not driver.otp.proven
    driver.live.answer = factories.evse()
    await driver.confirmed(driver.code)
    assert driver.state() is S.CONFIRMED


async def test_a_confirm_that_is_repeated_needs_none() -> None:
    driver = await asked()
    await driver.confirmed(driver.code)

    decision = await driver.confirmed(driver.code)

    assert shown(decision.callbacks[0])["id"] == driver.placed.id


# The discount behind it


async def test_an_agreement_that_ended_meanwhile_gives_nothing() -> None:
    ends = replace(FLEET, valid_until=factories.NOW + timedelta(seconds=60))
    driver = await asked(Commercial(agreements=(ends,)))
    driver.now += timedelta(seconds=60)

    decision = await driver.confirmed(driver.code)

    assert codes(decision.callbacks) == ["40003"]
    assert driver.state() is S.INITIALISED


async def test_nor_one_that_was_taken_away() -> None:
    driver = await asked()
    driver.commercial = Commercial()

    assert codes((await driver.confirmed(driver.code)).callbacks) == ["40003"]


async def test_a_confirm_for_somebody_else_is_refused() -> None:
    driver = await asked()

    decision = await driver.confirmed(driver.code, phone=OTHER_PHONE)

    assert codes(decision.callbacks) == ["40003"]
    assert driver.state() is S.INITIALISED


# Said in update


async def waiting_to_start() -> Driver:
    """Play until an order is placed that needs its OTP to start."""
    driver = await asked(AT_START)
    decision = await driver.confirmed(None)
    assert driver.state() is S.CONFIRMED
    assert authorization(decision) is not None
    return driver


async def test_a_start_needs_it() -> None:
    driver = await waiting_to_start()

    assert "is missing" in refused(await driver.started(None))
    assert "2 attempts left" in refused(await driver.started(driver.wrong))
    assert driver.state() is S.CONFIRMED
    assert driver.commands == []

    await driver.started(driver.code)
    assert driver.state() is S.STARTING
    assert len(driver.commands) == 1


async def test_the_directions_are_still_told_beside_it() -> None:
    driver = Driver(AT_START)
    driver.offered.item = replace(
        driver.offered.item, evse=replace(driver.offered.item.evse, physical_reference="Bay 7")
    )
    await driver.initialised()
    (answer,) = (await driver.confirmed(None)).callbacks

    instructions = shown(answer)["fulfillments"][0]["stops"][0]["instructions"]
    assert "Bay 7" in instructions["short_desc"]
    assert instructions["long_desc"] == "You need it to start charging."


async def test_a_start_that_failed_may_be_repeated_without_it() -> None:
    driver = await waiting_to_start()
    await driver.started(driver.code)
    await driver.no_response(sent=False)
    assert driver.state() is S.CONFIRMED

    await driver.started(None)

    assert driver.state() is S.STARTING


@pytest.mark.parametrize("token", ["right", None])
async def test_whoever_comes_late_gets_another(token: str | None) -> None:
    driver = await waiting_to_start()
    driver.now += LIFE

    decision = await driver.started(driver.code if token else None)

    assert refused(decision) == "the OTP expired; another one was sent"
    assert len(decision.errands) == 1
    await driver.started(driver.code)
    assert driver.state() is S.STARTING


async def test_whoever_guessed_too_often_gets_another_until_there_were_enough() -> None:
    driver = await waiting_to_start()
    reasons = [refused(await driver.started(driver.wrong)) for _ in range(3 * SENT_AT_MOST)]

    assert reasons[2] == "the OTP has no attempt left; another one was sent"
    assert "begin another" in reasons[-1]
    assert len(driver.errands) == SENT_AT_MOST
    assert "begin another" in refused(await driver.started(driver.code))
    assert driver.state() is S.CONFIRMED
