"""The token of an order at its CPO: there before the first command, withdrawn at the end (Q48)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.ocpi.commands import CommandResponseType, CommandType
from bridge.ocpi.flags import Flags
from bridge.orders.order import OrderState
from bridge.orders.plans import CommandPlan, TokenPlan
from bridge.orders.transitions import OVER
from tests.factories import CPO_ID, PARTY
from tests.unit.flows.play import PLAYED, Play, charging, confirmed, starting


async def test_it_goes_ahead_of_the_start_and_is_the_same_token() -> None:
    play = await confirmed()
    decision = await play.start()

    pushed, command = decision.plans
    assert isinstance(pushed, TokenPlan)
    assert isinstance(command, CommandPlan)
    assert (pushed.cpo_id, pushed.party, pushed.order_key) == (CPO_ID, PARTY, play.placed.key)
    assert pushed.correlation_id == command.correlation_id
    assert pushed.token.uid == play.placed.token_uid
    assert pushed.token.valid
    (body,) = play.sent(CommandType.START_SESSION)
    assert body["token"]["uid"] == pushed.token.uid
    assert body["token"]["contract_id"] == pushed.token.contract_id


async def test_without_the_flag_it_is_not_pushed() -> None:
    play = await confirmed()
    play.flags = Flags(push_tokens=False)
    await play.start()
    assert play.tokens == []
    assert len(play.sent(CommandType.START_SESSION)) == 1


@pytest.mark.parametrize(("taken", "pushes"), [(True, 1), (False, 2)])
async def test_it_is_pushed_again_only_if_it_was_not_taken(taken: bool, pushes: int) -> None:
    play = await starting()
    decision = await play.token(taken=taken)
    assert (decision.callbacks, decision.plans) == ((), ())
    assert bool(decision.notes) is not taken
    await play.response(CommandResponseType.REJECTED)
    await play.start()
    assert len(play.tokens) == pushes


@pytest.mark.parametrize("end", ["CDR", "session and CDR", "void session", "cancel"])
async def test_it_is_withdrawn_once_when_the_order_is_over(end: str) -> None:
    play = await starting()
    await play.token()
    if end == "cancel":
        await play.cancel()
    elif end == "void session":
        await play.session("INVALID", "0")
    else:
        if end == "session and CDR":
            await play.session("COMPLETED", "3.7")
        await play.cdr("3.7")

    (_, gone) = play.tokens
    assert not gone.valid
    assert gone.uid == play.placed.token_uid
    await play.cdr("3.7", id="CDR2")
    assert len(play.tokens) == 2


@pytest.mark.parametrize("state", sorted(OVER))
async def test_what_was_never_taken_is_not_withdrawn(state: OrderState) -> None:
    play = await PLAYED[state]()
    assert all(token.valid for token in play.tokens)


@pytest.mark.parametrize("state", sorted(OVER))
async def test_what_is_taken_after_the_end_is_withdrawn(state: OrderState) -> None:
    play = await PLAYED[state]()
    before = len(play.tokens)
    await play.token()
    (gone,) = play.tokens[before:]
    assert not gone.valid
    await play.token()
    assert len(play.tokens) == before + 1


async def test_it_has_a_number_for_the_eye_where_the_cpo_wants_one() -> None:
    play = await confirmed()
    play.flags = Flags(token_visual_number=True)
    await play.start()
    (pushed,) = play.tokens
    (body,) = play.sent(CommandType.START_SESSION)
    assert pushed.visual_number == play.placed.token_uid == body["token"]["visual_number"]

    plain = await starting()
    assert [token.visual_number for token in plain.tokens] == [None]


async def test_an_interruption_is_no_end() -> None:
    play = await charging()
    play.order = replace(play.placed, token_pushed=True)
    await play.stop()
    await play.response(CommandResponseType.REJECTED)
    assert all(token.valid for token in play.tokens)


async def test_an_event_without_an_order_withdraws_nothing() -> None:
    assert (await Play().token()).plans == ()
