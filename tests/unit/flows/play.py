"""One Beckn transaction, event by event: real flows, and a clock that is set by hand."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from bridge.flows.decide import decide
from bridge.flows.decision import Callback, Decision, Pull, Terms, World
from bridge.flows.jobs import (
    BecknJob,
    CdrJob,
    CommandResponseJob,
    CommandResultJob,
    DeadlineJob,
    EvseJob,
    Job,
    SessionJob,
    TokenJob,
)
from bridge.flows.ports import Kind
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandResponseType, CommandResultType, CommandType
from bridge.ocpi.flags import Flags
from bridge.ocpi.locations import Capability, Status
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.tariffs import TariffElement
from bridge.ocpi.tokens import Token
from bridge.orders.errands import Errand, OtpErrand
from bridge.orders.intents import (
    Cancel,
    Confirm,
    Init,
    Intent,
    PaymentClaim,
    Request,
    Select,
    Track,
    Update,
    Verb,
)
from bridge.orders.intents import Status as StatusIntent
from bridge.orders.order import Order, OrderState, SessionKey
from bridge.orders.pass_order import PassOrder
from bridge.orders.plans import CommandPlan, PreferencesPlan, TokenPlan
from bridge.orders.terms import Commercial
from tests import factories
from tests.factories import NOW, PARTY
from tests.fakes import MemoryMembers, MemoryObjects, MemorySlots, MemoryUses
from tests.unit.flows.callbacks import check
from tests.unit.flows.world import TERMS, Desk, Live, Offered, dialect, mappings, paid, wish


class Play:
    """A transaction and all that became of it; every callback is checked when it is made."""

    def __init__(self, order: Order | None = None, *, terms: Terms = TERMS) -> None:
        self.order = order
        self.now = NOW
        self.terms = terms
        self.offered, self.live, self.desk = Offered(), Live(), Desk()
        self.objects, self.slots, self.uses = MemoryObjects(), MemorySlots(), MemoryUses()
        self.mappings = mappings()
        self.asked: list[Request] = []
        self.callbacks: list[Callback] = []
        self.pulls: list[tuple[datetime, Pull]] = []
        self.commands: list[CommandPlan] = []
        self.tokens: list[Token] = []
        self.preferences: list[PreferencesPlan] = []
        self.errands: list[Errand] = []
        self.flags = Flags()
        self.commercial = Commercial()
        self.members = MemoryMembers()
        self.pass_order: PassOrder | None = None
        self._ids = itertools.count(1)

    @property
    def otps(self) -> list[OtpErrand]:
        """The OTPs that were sent."""
        return [each for each in self.errands if isinstance(each, OtpErrand)]

    def world(self) -> World:
        """Return what a flow may look at now."""
        return World(
            now=self.now,
            terms=self.terms,
            emsp=factories.EMSP,
            issuer="Example Bridge",
            public_url="https://bridge.example",
            dialects={"deg": dialect()},
            mappings=self.mappings,
            catalog=self.offered,
            search=self.offered,
            live=self.live,
            freshness=self.live,
            objects=self.objects,
            slots=self.slots,
            contacts=self.desk,
            members=self.members,
            uses=self.uses,
            startable=frozenset({Status.AVAILABLE}),
            bookable=frozenset({Status.AVAILABLE, Status.CHARGING}),
            flags=lambda cpo_id: self.flags,
            commercial=self.commercial,
        )

    async def happens(self, job: Job) -> Decision:
        """Decide an event and go on with the order it leaves."""
        decision = await decide(self.world(), job, self.pass_order or self.order)
        if decision.pass_order is not None:
            self.pass_order = decision.pass_order
            self.members.save(decision.pass_order)
        if decision.member_use is not None:
            self.members.note(decision.member_use)
        if decision.order is not None:
            self.pass_order = None
            assert self.slots.save(decision.order, self.order)
            self.uses.save(decision.order)
            self.order = decision.order
        for callback in decision.callbacks:
            check(callback)
        self.callbacks += decision.callbacks
        self.pulls += [(self.now, each) for each in decision.pulls]
        self.commands += [each for each in decision.plans if isinstance(each, CommandPlan)]
        self.errands += decision.errands
        self.preferences += [each for each in decision.plans if isinstance(each, PreferencesPlan)]
        self.tokens += [each.token for each in decision.plans if isinstance(each, TokenPlan)]
        return decision

    # What a BAP asks for

    def request(self, action: str, *, ttl_s: float | None = 30, **changes: Any) -> Request:
        """Make a request with a message_id of its own, received now."""
        made = factories.request(
            action=action,
            message_id=f"m{next(self._ids)}",
            context=Raw(json.dumps({"action": action}).encode()),
            received_at=self.now,
            ttl_s=ttl_s,
        )
        return replace(made, **changes)

    async def ask(self, action: str, intent: Intent, **changes: Any) -> Decision:
        """Let the BAP send a request."""
        request = self.request(action, **changes)
        self.asked.append(request)
        return await self.happens(BecknJob(request=request, intent=intent))

    async def select(self, **changes: Any) -> Decision:
        """Ask for a quote; ``changes`` are those of ``wish()``."""
        return await self.ask("select", Select(wish=wish(**changes)))

    async def init(self, **changes: Any) -> Decision:
        """Ask for the terms."""
        return await self.ask("init", Init(wish=wish(**changes), billing=Raw(b'{"name":"Asha"}')))

    async def confirm(self, claim: PaymentClaim | None, **changes: Any) -> Decision:
        """Place the order."""
        return await self.ask("confirm", Confirm(wish=wish(**changes), payment=claim))

    async def start(self, **changes: Any) -> Decision:
        """Ask for a start."""
        return await self.ask("update", Update(verb=Verb.START, order_id=self.placed.id), **changes)

    async def stop(self, **changes: Any) -> Decision:
        """Ask for a stop."""
        return await self.ask("update", Update(verb=Verb.STOP, order_id=self.placed.id), **changes)

    async def cancel(self, *, only_asks: bool = False, **changes: Any) -> Decision:
        """Give the order up, or ask what that would cost."""
        intent = Cancel(
            order_id=self.placed.id or "",
            reason_id="5",
            reason="plans changed",
            only_asks=only_asks,
        )
        return await self.ask("cancel", intent, **changes)

    async def status(self) -> Decision:
        """Ask how it stands."""
        return await self.ask("status", StatusIntent(order_id=self.placed.id or ""))

    async def track(self, callback_url: str | None = None) -> Decision:
        """Ask for live data."""
        intent = Track(order_id=self.placed.id or "", callback_url=callback_url)
        return await self.ask("track", intent)

    # What a CPO says

    async def response(
        self, result: CommandResponseType, *, timeout_s: int = 30, command_id: str | None = None
    ) -> Decision:
        """Let the CPO answer the last command, or another one."""
        return await self.happens(
            CommandResponseJob(
                command_id=command_id or self.commands[-1].id,
                at=self.now,
                result=result,
                timeout_s=timeout_s,
            )
        )

    async def no_response(
        self, *, sent: bool, code: int | None = None, command_id: str | None = None
    ) -> Decision:
        """Let the POST of the last command, or of another one, come to nothing."""
        return await self.happens(
            CommandResponseJob(
                command_id=command_id or self.commands[-1].id,
                at=self.now,
                sent=sent,
                code=code,
                reason="it was refused",
            )
        )

    async def result(self, result: CommandResultType, *, command_id: str | None = None) -> Decision:
        """Let the charge point answer the last command, or another one."""
        return await self.happens(
            CommandResultJob(
                command_id=command_id or self.commands[-1].id, result=result, at=self.now
            )
        )

    async def token(self, *, taken: bool = True) -> Decision:
        """Let the CPO take the token that was pushed, or not."""
        reason = "" if taken else "tokens: HTTP 404"
        return await self.happens(TokenJob(taken=taken, at=self.now, reason=reason))

    async def session(self, status: str = "ACTIVE", kwh: str = "1.25", **changes: Any) -> Decision:
        """Let the CPO push a Session, of the last START unless it says otherwise."""
        made = factories.session(kwh, status=SessionStatus(status), **self._correlated(changes))
        key = SessionKey(made.country_code, made.party_id, made.id)
        self._store(Kind.SESSION, made)
        return await self.happens(SessionJob(session=key, at=self.now))

    async def cdr(self, kwh: str = "3.7", **changes: Any) -> Decision:
        """Let the CPO push a CDR, of the last START unless it says otherwise."""
        made = factories.cdr(kwh, **self._correlated(changes))
        self._store(Kind.CDR, made)
        return await self.happens(
            CdrJob(cdr=SessionKey(made.country_code, made.party_id, made.id), at=self.now)
        )

    async def evse(self, status: Status) -> Decision:
        """Let the CPO push a status of the EVSE."""
        return await self.happens(EvseJob(status=status, at=self.now))

    async def passes(self, seconds: float) -> list[Callback]:
        """Let time pass, each deadline at its turn; return what the BAP is told meanwhile."""
        end = self.now + timedelta(seconds=seconds)
        told: list[Callback] = []
        while (due := self.next_due()) is not None and due[0] <= end:
            self.now, name = max(self.now, due[0]), due[1]
            told += (await self.happens(DeadlineJob(name=name, at=self.now))).callbacks
            assert self.placed.deadlines.get(name) != due[0], f"deadline {name} stays due"
        self.now = end
        return told

    def next_due(self) -> tuple[datetime, str] | None:
        """Return the deadline that comes first."""
        order = self.order
        if order is None:
            return None
        return min(((due, name) for name, due in order.deadlines.items()), default=None)

    def _correlated(self, changes: dict[str, Any]) -> dict[str, Any]:
        attempts = self.placed.attempts
        reference = attempts[-1].authorization_reference if attempts else None
        return {"authorization_reference": reference, **changes}

    def _store(self, kind: Kind, body: Session | CDR) -> None:
        self.objects.stored[kind, PARTY, body.id.casefold()] = encode(body)

    # What became of it

    @property
    def placed(self) -> Order:
        """The order, which exists."""
        assert self.order is not None
        return self.order

    def state(self) -> OrderState:
        """Where the order stands."""
        return self.placed.state

    def sent(self, kind: CommandType) -> list[dict[str, Any]]:
        """Return the bodies of the commands of a kind, without response_url."""
        bodies = [json.loads(bytes(plan.body)) for plan in self.commands if plan.type is kind]
        for body in bodies:
            del body["response_url"]
        return bodies

    def answers_to(self, request: Request) -> list[Callback]:
        """Return the solicited callbacks of a request."""
        return [
            each
            for each in self.callbacks
            if each.solicited and each.message_id == request.message_id
        ]


async def agreed() -> Play:
    """Play until the terms are agreed: 100 INR for 5 kWh."""
    play = Play()
    await play.select()
    await play.init()
    assert play.state() is OrderState.INITIALISED
    return play


async def confirmed(claim: PaymentClaim | None = None) -> Play:
    """Play until the order is placed and 100 INR are paid."""
    play = await agreed()
    await play.confirm(claim or paid())
    assert play.state() is OrderState.CONFIRMED
    return play


async def reservable(
    start: datetime | None = None,
    capabilities: tuple[Capability, ...] = (
        Capability.REMOTE_START_STOP_CAPABLE,
        Capability.RESERVABLE,
    ),
    elements: tuple[TariffElement, ...] = (),
    **commercial: Any,
) -> Play:
    """Play until the terms are agreed of a connector that can be reserved, from a time on.

    ``elements`` are added to its tariff.
    """
    play = Play(terms=replace(TERMS, reserve=True))
    play.commercial = replace(play.commercial, **commercial)
    evse = replace(play.offered.item.evse, capabilities=capabilities)
    tariff = factories.tariff()
    tariff = replace(tariff, elements=(*tariff.elements, *elements))
    play.offered.item = replace(play.offered.item, evse=evse, tariff=tariff)
    await play.select(start=start)
    await play.init(start=start)
    assert play.state() is OrderState.INITIALISED
    return play


async def reserving() -> Play:
    """Play until the order is placed and a RESERVE_NOW is on its way."""
    play = await reservable()
    await play.confirm(paid())
    assert play.commands[-1].type is CommandType.RESERVE_NOW
    return play


async def holding() -> Play:
    """Play until the order is placed and its connector is held."""
    play = await reserving()
    await play.response(CommandResponseType.ACCEPTED)
    await play.result(CommandResultType.ACCEPTED)
    assert play.state() is OrderState.CONFIRMED
    return play


async def giving_back() -> Play:
    """Play until a driver cancels who had reserved; the CANCEL_RESERVATION is on its way."""
    play = await holding()
    await play.cancel()
    assert play.commands[-1].type is CommandType.CANCEL_RESERVATION
    return play


async def starting() -> Play:
    """Play until a START_SESSION is on its way."""
    play = await confirmed()
    await play.start()
    assert play.state() is OrderState.STARTING
    return play


async def charging() -> Play:
    """Play until session ``S1`` charges, and the BAP knows."""
    play = await starting()
    await play.session("ACTIVE", "0.5")
    assert play.state() is OrderState.CHARGING
    return play


async def interrupted() -> Play:
    """Play until the connection is lost."""
    play = await charging()
    await play.evse(Status.OUTOFORDER)
    assert play.state() is OrderState.INTERRUPTED
    return play


async def stopping() -> Play:
    """Play until a STOP_SESSION is on its way."""
    play = await charging()
    await play.stop()
    assert play.state() is OrderState.STOPPING
    return play


async def ended() -> Play:
    """Play until the session is over with 3.7 kWh, and the CDR is awaited."""
    play = await charging()
    await play.session("COMPLETED", "3.7")
    assert play.state() is OrderState.ENDED
    return play


async def settled() -> Play:
    """Play until the final bill."""
    play = await ended()
    await play.cdr("3.7")
    assert play.state() is OrderState.SETTLED
    return play


async def cancelled() -> Play:
    """Play until the driver has given the order up."""
    play = await confirmed()
    await play.cancel()
    assert play.state() is OrderState.CANCELLED
    return play


PLAYED = {
    OrderState.CONFIRMED: confirmed,
    OrderState.STARTING: starting,
    OrderState.CHARGING: charging,
    OrderState.INTERRUPTED: interrupted,
    OrderState.STOPPING: stopping,
    OrderState.ENDED: ended,
    OrderState.SETTLED: settled,
    OrderState.CANCELLED: cancelled,
}
"""How a placed order comes into each state."""
