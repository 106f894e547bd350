"""What a flow decides: the order as it is now, and what must leave because of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bridge.dialects.dialect import Dialect
from bridge.errors import ActionUnsupported, BridgeError
from bridge.flows.ports import (
    Catalog,
    CatalogSearch,
    Contacts,
    Freshness,
    LiveStatus,
    Members,
    ObjectStore,
    Slots,
    Uses,
)
from bridge.mapping import Mappings
from bridge.ocpi.flags import Flags
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Status
from bridge.ocpi.types import ModuleID
from bridge.orders.errands import Errand
from bridge.orders.intents import Request
from bridge.orders.order import Order
from bridge.orders.pass_order import MemberUse, PassOrder
from bridge.orders.plans import Plan
from bridge.orders.terms import Commercial

WAY_BACK_S = 0.5
"""What an answer may take to its BAP; its ttl runs on meanwhile."""

STORE_TICK = timedelta(milliseconds=1)
"""The store knows a deadline by the millisecond it falls into."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the business, in seconds unless named otherwise; settings.py has the defaults."""

    reply_deadline_s: float
    search_deadline_s: float
    quote_ttl_s: float
    session_wait_s: float
    command_timeout_s: float
    cdr_wait_s: float
    interruption_s: float
    interruption_limit_s: float
    session_stale_s: float
    fault_hold_s: float
    refund_share: Decimal
    default_kwh: Decimal
    max_kwh: Decimal
    bill_tolerance: Decimal
    collected_by: str
    reserve: bool
    reserve_lead_s: float
    no_show_s: float


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a flow may look at besides the order and the event.

    ``startable``, ``bookable``: EVSE statuses in which charging may start now, or in a slot.
    ``flags``: what the operator said about a CPO's deviations. ``commercial``: the terms as they
    are now; what an order was promised stands in its ``agreed``.
    """

    now: datetime
    terms: Terms
    emsp: Party
    issuer: str
    public_url: str
    dialects: Mapping[str, Dialect]
    mappings: Mappings
    catalog: Catalog
    search: CatalogSearch
    live: LiveStatus
    freshness: Freshness
    objects: ObjectStore
    slots: Slots
    contacts: Contacts
    uses: Uses
    members: Members
    startable: frozenset[Status]
    bookable: frozenset[Status]
    flags: Callable[[str], Flags]
    commercial: Commercial


class Callback(NamedTuple):
    """An on_* message: ``message`` or ``error`` as JSON, or both where core wants it.

    ``solicited``: it answers ``request`` and carries its message_id; else it has its own.
    """

    action: str
    request: Request
    message_id: str
    message: bytes | None
    error: bytes | None
    solicited: bool
    summary: str


class Pull(NamedTuple):
    """A list of a CPO that is to be asked before its time: it knows what was not pushed.

    ``at_once``: however short ago it was asked.
    """

    cpo_id: str
    module: ModuleID
    at_once: bool = False


class Decision(NamedTuple):
    """The outcome of one event, committed as a whole or not at all.

    ``order`` None: nothing is kept (a search, a request about an unknown order), or what is kept
    is the order of a pass, ``pass_order``. ``pulls`` are asked for once the rest is committed;
    what they find comes as events of its own. ``errands`` leave like plans, but not to the CPO.
    ``member_use`` becomes an event of the pass's order.
    """

    order: Order | None
    callbacks: tuple[Callback, ...] = ()
    plans: tuple[Plan, ...] = ()
    live: bytes | None = None
    notes: tuple[str, ...] = ()
    pulls: tuple[Pull, ...] = ()
    errands: tuple[Errand, ...] = ()
    pass_order: PassOrder | None = None
    member_use: MemberUse | None = None


def answer(request: Request, message: bytes, summary: str = "") -> Callback:
    """Answer a request with a message."""
    return Callback(request.callback, request, request.message_id, message, None, True, summary)


def answer_order(world: World, request: Request, order: Order | PassOrder) -> Callback:
    """Answer a request with the order as it stands."""
    message = _worded(world, request.callback, request, order)
    return answer(request, message, summary_of(order))


def _worded(world: World, action: str, request: Request, order: Order | PassOrder) -> bytes:
    dialect = world.dialects[request.dialect]
    if isinstance(order, PassOrder):
        if dialect.passes is None:
            raise ActionUnsupported(f"{dialect.domain} has no place for passes")
        return dialect.passes.render(order, world.now)
    return dialect.render_order(action, order, world.now)


def refuse(world: World, request: Request, error: BridgeError) -> Callback:
    """Answer a request with an error (decisions 9)."""
    dialect = world.dialects[request.dialect]
    return Callback(
        request.callback,
        request,
        request.message_id,
        dialect.error_message(request.callback),
        dialect.render_error(error),
        True,
        f"error {error.beckn_code}: {error}",
    )


def notify(
    world: World, order: Order | PassOrder, action: str, error: BridgeError | None = None
) -> Callback:
    """Tell the BAP something it did not ask for; a new message_id (mapping 3, common rules)."""
    dialect = world.dialects[order.request.dialect]
    message_id = str(uuid.uuid4())
    if error is None:
        message = _worded(world, action, order.request, order)
        return Callback(action, order.request, message_id, message, None, False, summary_of(order))
    return Callback(
        action,
        order.request,
        message_id,
        dialect.error_message(action),
        dialect.render_error(error),
        False,
        f"error {error.beckn_code}: {error}",
    )


def summary_of(order: Order | PassOrder) -> str:
    """Say in a few words where an order stands, for the trace."""
    if isinstance(order, PassOrder):
        tier = order.sold.tier if order.membership is None else order.membership.held.tier
        return f"{order.state}, pass {tier}, {order.quote.price} {order.quote.currency}"
    words = [str(order.state)]
    if order.session is not None:
        words.append(f"{order.session.kwh} kWh")
    money = order.bill.quote if order.bill else order.quote
    if money is not None:
        words.append(f"{money.price} {money.currency}")
    if order.bill is not None and order.bill.refund:
        words.append(f"refund {order.bill.refund}")
    if order.bill is not None and order.bill.due:
        words.append(f"due {order.bill.due}")
    if order.bill is not None and order.bill.provisional:
        words.append("provisional")
    return ", ".join(words)


def answer_by(request: Request, *, limit_s: float) -> datetime:
    """Return when a request must be answered at the latest: min(ttl, limit) (decisions 7).

    An answer that left at the end of its ttl would be late: it has a way to go.
    """
    ttl_s = request.ttl_s
    seconds = limit_s if ttl_s is None else min(limit_s, max(ttl_s - WAY_BACK_S, ttl_s / 2))
    return request.received_at + timedelta(seconds=seconds)


def lapses_at(request: Request, patience_s: float | None = None) -> datetime | None:
    """Return when nobody waits for the answer to a request any more; None = that is not known.

    Args:
        patience_s: how long an adapter waits, whatever the ttl says.
    """
    known = [each for each in (request.ttl_s, patience_s) if each is not None]
    return request.received_at + timedelta(seconds=min(known)) if known else None


def with_deadline(order: Order, name: str, due: datetime | None) -> Order:
    """Return the order with a deadline set, moved or (None) cleared."""
    deadlines = {kept: at for kept, at in order.deadlines.items() if kept != name}
    if due is not None:
        deadlines[name] = due
    return replace(order, deadlines=deadlines)
