"""Starting: update start-charging, START_SESSION and what becomes of it (mapping 1.7)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

from msgspec import Raw
from msgspec.structs import replace

from bridge.errors import ActionUnsupported, BridgeError, StartFailed, UpdateImpossible
from bridge.flows.decision import (
    Callback,
    Decision,
    World,
    answer_by,
    answer_order,
    notify,
    refuse,
    with_deadline,
)
from bridge.flows.otp import proven
from bridge.flows.token import introduced, token_for
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CommandType, StartSession
from bridge.orders.intents import Request, Verb
from bridge.orders.order import Attempt, Order, OrderState, Waiting
from bridge.orders.otp import OtpStep
from bridge.orders.plans import CommandPlan
from bridge.orders.transitions import RUNNING, step

S = OrderState

PLACEHOLDER_URL = "https://response.invalid"
"""response_url of a plan; the sender replaces it, since only it knows our address at the CPO."""

GRACE_S = 5
"""Slack on the CPO's own time-out (mapping 1.16)."""


def start(world: World, request: Request, order: Order, token: str | None) -> Decision:
    """Start charging once, whatever number of updates ask for it.

    Args:
        token: the OTP, for an order that needs one here.

    Raises:
        ActionUnsupported: the mapping has no command for it.
        UpdateImpossible: the order is over, or is being stopped.
    """
    if order.state is S.CONFIRMED:
        order, refusal, errands = proven(world, order, OtpStep.START, token)
        if refusal is not None:
            return Decision(order, (refuse(world, request, refusal),), errands=errands)
        return _first_start(world, request, order)
    if order.state is S.STARTING:
        return Decision(waiting_for(world, order, request, Verb.START))
    if order.state in RUNNING and order.state is not S.STOPPING:
        return Decision(order, (answer_order(world, request, order),))
    raise UpdateImpossible(f"order {order.id} is {order.state}: it cannot be started")


def _first_start(world: World, request: Request, order: Order) -> Decision:
    kind = command_of(world, request, Verb.START)
    attempt = Attempt(
        authorization_reference=order.reference or str(uuid.uuid4()),
        command_id=secrets.token_urlsafe(18),
        started_at=world.now,
    )
    order = replace(
        order, attempts=(*order.attempts, attempt), reference=None, stop_requested=False
    )
    order = begun(step(order, S.STARTING, world.now))
    until = unanswered_until(world, order)
    plan = CommandPlan(
        id=attempt.command_id,
        type=kind,
        cpo_id=order.item.cpo_id,
        party=order.item.party,
        order_key=order.key,
        correlation_id=order.request.transaction_id,
        body=Raw(encode(_start_session(world, order, attempt))),
        until=until,
    )
    order = with_deadline(waiting_for(world, order, request, Verb.START), "start", until)
    return Decision(order, plans=(*introduced(world, order), plan))


def unanswered_until(world: World, order: Order) -> datetime:
    """Return when a command is given up that was sent with the last step and never answered."""
    return given_up_at(world, order.state_since or world.now)


def given_up_at(world: World, sent_at: datetime) -> datetime:
    """Return when a command is given up that is not answered at all."""
    return sent_at + timedelta(seconds=2 * world.terms.command_timeout_s + GRACE_S)


def command_of(world: World, request: Request, verb: Verb) -> CommandType:
    """Return the OCPI command that the mapping gives a verb.

    Raises:
        ActionUnsupported: none in this dialect.
    """
    kind = world.mappings.command(request.dialect, request.action, verb)
    if kind is None:
        raise ActionUnsupported(f"{request.action} {verb} is not supported")
    return kind


def _start_session(world: World, order: Order, attempt: Attempt) -> StartSession:
    """Return the command; the connector is always named (OCPI 2.2.1 mod_commands)."""
    key = order.item.key
    return StartSession(
        response_url=PLACEHOLDER_URL,
        token=token_for(world, order),
        location_id=key.location_id,
        evse_uid=key.evse_uid,
        connector_id=key.connector_id,
        authorization_reference=attempt.authorization_reference,
    )


def waiting_for(world: World, order: Order, request: Request, verb: Verb) -> Order:
    """Return the order with one more request that waits for the real outcome."""
    until = answer_by(request, limit_s=world.terms.reply_deadline_s)
    waiting = (*order.waiting, Waiting(request=request, verb=verb, until=until))
    return with_deadline(
        replace(order, waiting=waiting), "reply", min(entry.until for entry in waiting)
    )


def no_longer_waiting(order: Order, *verbs: Verb) -> tuple[Order, tuple[Request, ...]]:
    """Return the order without the requests that wait for these verbs, and those requests."""
    done = tuple(entry.request for entry in order.waiting if entry.verb in verbs)
    left = tuple(entry for entry in order.waiting if entry.verb not in verbs)
    due = min((entry.until for entry in left), default=None)
    return with_deadline(replace(order, waiting=left), "reply", due), done


def attempt_closed(order: Order) -> Order:
    """Return the order with no attempt left open, and a fresh reference for the next one.

    Its deadlines go too, and those that matter to an order that nobody has begun.
    """
    attempts = tuple(replace(attempt, open=False) for attempt in order.attempts)
    order = replace(order, attempts=attempts, reference=str(uuid.uuid4()))
    return with_deadline(begun(order), "start", None)


def begun(order: Order) -> Order:
    """Return the order without what is watched until somebody begins with it."""
    for name in ("fault", "reserve", "no_show"):
        order = with_deadline(order, name, None)
    return order


def is_left_over(order: Order, reference: str | None, session_id: str | None) -> bool:
    """Whether a Session or CDR is of a START that was given up, while the order goes on.

    Its reference says so; without one, that it was last heard of before the START under way.
    """
    if order.state not in (S.CONFIRMED, S.STARTING) or not order.attempts:
        return False
    known = {each.authorization_reference.casefold(): each for each in order.attempts}
    attempt = known.get((reference or "").casefold())
    if attempt is not None:
        return not attempt.open
    if order.session is None or order.session_seen_at is None or session_id is None:
        return False
    last = order.attempts[-1]
    return order.session.id.casefold() == session_id.casefold() and (
        not last.open or order.session_seen_at < last.started_at
    )


def start_failed(world: World, order: Order, reason: str) -> Decision:
    """Give an attempt up: the order stays placed and may be started again (decisions 14).

    A wish to stop outlives it: the session may appear all the same.
    """
    error = StartFailed(reason)
    order = step(attempt_closed(order), S.CONFIRMED, world.now)
    order, starters = no_longer_waiting(order, Verb.START)
    order, stoppers = no_longer_waiting(order, Verb.STOP)
    callbacks = refused(world, order, starters, error)
    callbacks += tuple(answer_order(world, request, order) for request in stoppers)
    return Decision(order, callbacks, notes=(f"start failed: {reason}",))


def refused(
    world: World, order: Order, requests: tuple[Request, ...], error: BridgeError
) -> tuple[Callback, ...]:
    """Answer requests with an error; tell the BAP unasked when all were answered before."""
    if not requests:
        return (notify(world, order, "on_update", error),)
    return tuple(refuse(world, request, error) for request in requests)


def told(
    world: World, order: Order, requests: tuple[Request, ...], action: str
) -> tuple[Callback, ...]:
    """Answer requests with the order; tell the BAP unasked when all were answered before."""
    if not requests:
        return (notify(world, order, action),)
    return tuple(answer_order(world, request, order) for request in requests)
