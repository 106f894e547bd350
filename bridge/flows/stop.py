"""Stopping: update end-charging, STOP_SESSION and what becomes of it (mapping 1.11)."""

from __future__ import annotations

import secrets
from datetime import datetime

from msgspec import Raw
from msgspec.structs import replace

from bridge.errors import UpdateImpossible
from bridge.flows.decision import Decision, World, answer_order, with_deadline
from bridge.flows.interruption import watched
from bridge.flows.start import (
    PLACEHOLDER_URL,
    command_of,
    no_longer_waiting,
    refused,
    unanswered_until,
    waiting_for,
)
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandType, StopSession
from bridge.orders.intents import Request, Verb
from bridge.orders.order import Order, OrderState
from bridge.orders.plans import CommandPlan
from bridge.orders.transitions import step

S = OrderState


def stop(world: World, request: Request, order: Order) -> Decision:
    """Stop charging once, whatever number of updates ask for it.

    Raises:
        ActionUnsupported: the mapping has no command for it.
        UpdateImpossible: nothing is charging.
    """
    command_of(world, request, Verb.STOP)
    if order.state in (S.CHARGING, S.INTERRUPTED):
        order, plan = stopping(world, order)
        return Decision(waiting_for(world, order, request, Verb.STOP), plans=(plan,))
    if order.state is S.STARTING:
        # No session yet, so nothing that STOP_SESSION could name: stop it when it appears.
        order = replace(order, stop_requested=True)
        return Decision(waiting_for(world, order, request, Verb.STOP))
    if order.state is S.STOPPING:
        return Decision(waiting_for(world, order, request, Verb.STOP))
    if order.state in (S.ENDED, S.SETTLED):
        return Decision(order, (answer_order(world, request, order),))
    raise UpdateImpossible(f"order {order.id} is {order.state}: nothing is charging")


def stopping(world: World, order: Order) -> tuple[Order, CommandPlan]:
    """Return the order in state STOPPING and the STOP_SESSION of its session.

    An outage goes on meanwhile: a stop that fails does not bring the connection back.
    """
    session = order.session
    if session is None:
        raise ValueError(f"order {order.id} has no session")
    order = with_deadline(step(order, S.STOPPING, world.now), "interruption", None)
    until = unanswered_until(world, order)
    plan = stop_plan(order, session.id, until)
    order = replace(order, stop_command=plan.id, stop_requested=False)
    return with_deadline(order, "stop", until), plan


def stop_plan(order: Order, session_id: str, until: datetime | None = None) -> CommandPlan:
    """Return a STOP_SESSION; exactly response_url and session_id (mapping H3)."""
    return CommandPlan(
        id=secrets.token_urlsafe(18),
        type=CommandType.STOP_SESSION,
        cpo_id=order.item.cpo_id,
        party=order.item.party,
        order_key=order.key,
        correlation_id=order.request.transaction_id,
        body=Raw(encode(StopSession(response_url=PLACEHOLDER_URL, session_id=session_id))),
        until=until,
    )


def stop_failed(world: World, order: Order, reason: str) -> Decision:
    """Give the stop up: the session goes on, or is lost as before, and may be stopped again."""
    order = with_deadline(replace(order, stop_command=None), "stop", None)
    if "outage" in order.deadlines:
        order = step(order, S.INTERRUPTED, world.now)
    else:
        order = watched(world, step(order, S.CHARGING, world.now))
    order, stoppers = no_longer_waiting(order, Verb.STOP)
    callbacks = refused(world, order, stoppers, UpdateImpossible(f"not stopped: {reason}"))
    return Decision(order, callbacks, notes=(f"stop failed: {reason}",))
