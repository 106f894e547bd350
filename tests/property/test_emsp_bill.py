"""A session and its CDR are pushed late, twice, out of order: the order and its bill end the same.

The eMSP side keeps what comes and queues jobs; the real flows take them, at any time between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence, Set
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.errors import ObjectUnknown
from bridge.flows.emsp import cdrs, sessions
from bridge.flows.emsp.emsp import Call, Emsp
from bridge.flows.ports import Kind
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandResponseType
from bridge.ocpi.connection import Presented, TokenUse
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.orders.order import Bill, OrderState
from tests.contract.emsp.backends import MemoryBackend
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import emsp_on
from tests.contract.emsp.samples import EMSP, ISSUER, TOKEN, Json, exact
from tests.factories import CPO_ID, NOW, PARTY, cdr, session
from tests.fakes import RecordedPeers
from tests.property.examples import examples
from tests.unit.flows.callbacks import provisional, wire
from tests.unit.flows.play import Play, starting

CALLER = Presented(CPO_ID, TokenUse.REGISTERED, TOKEN)
IDS = ("IN", "ABC", "S1")
FLOWS = {
    "PUT": sessions.put_session,
    "PATCH": sessions.patch_session,
    "POST": cdrs.post_cdr,
}


class Push(NamedTuple):
    """A message of a CPO; ``acted`` is whether the flows take all that is queued right after it."""

    method: str
    body: Json
    acted: bool = False


class End(NamedTuple):
    """What is left when all is said."""

    state: OrderState
    bill: Bill | None
    session: bytes
    cdr: bytes
    final_bills: int


class Stage:
    """An order whose START was accepted, behind the eMSP side."""

    def __init__(self, play: Play, emsp: Emsp, backend: MemoryBackend) -> None:
        self.play, self._emsp, self._backend = play, emsp, backend

    async def push(self, push: Push) -> None:
        """Let the CPO push; a PATCH of what is not there yet is refused and lost."""
        ids = () if push.method == "POST" else IDS
        call = Call(caller=CALLER, ids=ids, body=exact(push.body))
        try:
            await FLOWS[push.method](self._emsp, call)
        except ObjectUnknown:
            assert push.method == "PATCH"
        if push.acted:
            await self.act()

    async def act(self) -> None:
        """Let the flows take what is queued."""
        jobs = self._backend.objects.jobs
        while jobs:
            key, job = jobs.pop(0)
            assert key == self.play.placed.key
            await self.play.happens(job)
            await self._backend.put_order(self.play.placed)

    def end(self) -> End:
        """Return what is left, without the ids that are new in every run."""
        bill = self.play.placed.bill
        updates = [each for each in self.play.callbacks if each.action == "on_update"]
        told = [(wire(each), provisional(each)) for each in updates if not each.error]
        return End(
            state=self.play.state(),
            bill=bill and replace(bill, quote=replace(bill.quote, id="")),
            session=self._stored(Kind.SESSION, "s1"),
            cdr=self._stored(Kind.CDR, "cdr1"),
            final_bills=told.count(("COMPLETED", False)),
        )

    def _stored(self, kind: Kind, object_id: str) -> bytes:
        found = self._backend.objects.stored.get((kind, PARTY, object_id), b"")
        for name, value in self.names().items():
            found = found.replace(value.encode(), name.encode())
        return found

    def names(self) -> dict[str, str]:
        """Return by what a CPO may name the order."""
        (attempt,) = self.play.placed.attempts
        token_uid = self.play.placed.token_uid
        assert token_uid is not None
        return {"reference": attempt.authorization_reference, "token": token_uid}


async def staged() -> Stage:
    """Start an order."""
    play = await starting()
    await play.response(CommandResponseType.ACCEPTED)
    backend = MemoryBackend(EMSP, ISSUER)
    play.objects = backend.objects
    await registered(backend, CPO_ID, TOKEN, PARTY)
    await backend.put_order(play.placed)
    emsp = emsp_on(backend, RecordedPeers(), notices=[], pulls=[], wakes=[], overrides={})
    return Stage(play, emsp, backend)


async def after(pushes: Sequence[Push], named: Set[str]) -> End:
    """Return the end of these, in which Session and CDR name their order by these alone."""
    stage = await staged()
    known = {name: value for name, value in stage.names().items() if name in named}
    for push in pushes:
        body = dict(push.body)
        if "cdr_token" in body:
            body["authorization_reference"] = known.get("reference")
            body["cdr_token"] = {**body["cdr_token"], "uid": known.get("token", "SOMEBODY")}
        await stage.push(push._replace(body=body))
    await stage.act()
    return stage.end()


def body_of(made: Session) -> Json:
    """Return a Session as a CPO writes it."""
    body: Json = json.loads(encode(made))
    return body


@st.composite
def histories(draw: st.DrawFn) -> list[Push]:
    """Make the life of a session as its CPO tells it: the last word is a PUT of all of it."""
    length = draw(st.integers(0, 4))
    history = []
    for minute in range(length + 1):
        last = minute == length
        status = "ACTIVE" if minute else draw(st.sampled_from(["PENDING", "ACTIVE"]))
        if last:
            status = draw(st.sampled_from(["COMPLETED", "COMPLETED", "INVALID"]))
        made = session(
            str(Decimal(minute) + Decimal("0.5")),
            status=SessionStatus(status),
            last_updated=NOW + timedelta(minutes=minute),
        )
        body = body_of(made)
        if minute and not last and draw(st.booleans()):
            changed = ("kwh", "status", "charging_periods", "last_updated")
            history.append(Push("PATCH", {name: body[name] for name in changed}))
        else:
            history.append(Push("PUT", body))
    return history


CDR_PUSH = Push("POST", json.loads(encode(replace(cdr("3.7"), last_updated=NOW))))
NAMES = st.sets(st.sampled_from(["reference", "token"]))
"""By what a CPO names the order: reference, token, or nothing but the place."""


@pytest.mark.requirement("O39", "O85", "O86", "O91")
@examples(80)
@given(data=st.data(), history=histories(), named=NAMES)
def test_any_order_and_repetition_ends_in_the_same_bill(
    data: st.DataObject, history: list[Push], named: set[str]
) -> None:
    in_order = [push._replace(acted=True) for push in (*history, CDR_PUSH)]
    again = data.draw(st.lists(st.sampled_from(in_order), max_size=5))
    shuffled = data.draw(st.permutations([*in_order, *again]))
    acted = data.draw(st.lists(st.booleans(), min_size=len(shuffled), max_size=len(shuffled)))
    told = [push._replace(acted=each) for push, each in zip(shuffled, acted, strict=True)]

    expected = asyncio.run(after(in_order, named))

    assert expected.state is OrderState.SETTLED
    assert expected.bill is not None
    assert not expected.bill.provisional
    assert expected.final_bills == 1
    assert asyncio.run(after(told, named)) == expected


@pytest.mark.requirement("O39", "O85")
@examples(40)
@given(data=st.data(), history=histories())
def test_without_its_cdr_the_provisional_bill_is_the_same(
    data: st.DataObject, history: list[Push]
) -> None:
    told = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history)))]))
    acted = [push._replace(acted=data.draw(st.booleans())) for push in told]

    expected = asyncio.run(after([push._replace(acted=True) for push in history], {"reference"}))

    assert expected.state is OrderState.ENDED
    assert expected.bill is not None
    assert expected.bill.provisional
    assert asyncio.run(after(acted, {"reference"})) == expected
