"""Asking a CPO to hold a connector, and giving it back (mapping 1.13; off by default)."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta

from msgspec import Raw
from msgspec.structs import replace

from bridge.flows.decision import World, with_deadline
from bridge.flows.start import PLACEHOLDER_URL, given_up_at
from bridge.flows.token import introduced, token_for
from bridge.ocpi.codec import encode
from bridge.ocpi.commands import CancelReservation, CommandType, ReserveNow
from bridge.ocpi.locations import Capability
from bridge.orders.item import ChargingItem
from bridge.orders.order import Order, Reservation, ReservationState
from bridge.orders.plans import CommandPlan, Plan

RS = ReservationState

LIVE = frozenset({RS.ASKED, RS.HELD})
"""States in which the CPO holds the connector, or may."""


def reserved(world: World, order: Order) -> tuple[Order, tuple[Plan, ...]]:
    """Return a placed order with its reservation asked for, or with the time to do so.

    Nothing changes where the operator, the dialect or the EVSE does not want it.
    """
    if not reserves(world, order.item, order.request.dialect):
        return order, ()
    due = _start(world, order) - timedelta(seconds=world.terms.reserve_lead_s)
    if due <= world.now:
        return reserving(world, order)
    return with_deadline(order, "reserve", due), ()


def reserves(world: World, item: ChargingItem, dialect: str) -> bool:
    """Tell whether operator, dialect and EVSE want a connector to be reserved."""
    return (
        world.terms.reserve
        and world.mappings.command(dialect, "confirm") is CommandType.RESERVE_NOW
        and Capability.RESERVABLE in world.flags(item.cpo_id).capabilities(item.evse)
    )


def reserving(world: World, order: Order) -> tuple[Order, tuple[Plan, ...]]:
    """Return the order with a RESERVE_NOW; one that has a reservation changes it.

    The connector is held until the driver is counted as not coming.
    """
    expiry = missed_at(world, order)
    known = order.reservation
    reservation = Reservation(
        id=known.id if known is not None else str(uuid.uuid4()),
        command_id=secrets.token_urlsafe(18),
        authorization_reference=order.reference or str(uuid.uuid4()),
        expiry=expiry.replace(microsecond=0),
        session_id=known.session_id if known is not None else None,
    )
    until = given_up_at(world, world.now)
    if not order.booked:
        order = with_deadline(order, "no_show", None)
    order = with_deadline(order, "reserve", until)
    order = replace(order, reservation=reservation, updated_at=world.now)
    key = order.item.key
    body = ReserveNow(
        response_url=PLACEHOLDER_URL,
        token=token_for(world, order),
        expiry_date=reservation.expiry,
        reservation_id=reservation.id,
        location_id=key.location_id,
        evse_uid=key.evse_uid,
        authorization_reference=reservation.authorization_reference,
    )
    kind, command_id = CommandType.RESERVE_NOW, reservation.command_id
    plan = _plan(order, kind, command_id, encode(body), until=until)
    return order, (*introduced(world, order), plan)


def missed_at(world: World, order: Order) -> datetime:
    """Return when a driver counts as not coming: so long after the start he may still be late."""
    grace_s = world.terms.no_show_s if order.agreed.grace_s is None else order.agreed.grace_s
    begins = order.start if order.booked and order.start is not None else _start(world, order)
    return begins + timedelta(seconds=grace_s)


def released(order: Order) -> tuple[Order, tuple[Plan, ...]]:
    """Return the order with its reservation given back, if there is or may be one.

    A CPO that did not hold it says so, and one that does not answer forgets it at its expiry.
    """
    reservation = order.reservation
    if reservation is None or reservation.state not in LIVE:
        return order, ()
    body = CancelReservation(response_url=PLACEHOLDER_URL, reservation_id=reservation.id)
    cancel_id = secrets.token_urlsafe(18)
    plan = _plan(order, CommandType.CANCEL_RESERVATION, cancel_id, encode(body), until=None)
    return changed(order, state=RS.OVER, cancel_id=cancel_id), (plan,)


def changed(order: Order, **changes: object) -> Order:
    """Return the order with its reservation changed; one without has none."""
    if order.reservation is None:
        return order
    return replace(order, reservation=replace(order.reservation, **changes))


def _start(world: World, order: Order) -> datetime:
    """Return when charging is to begin; without a wish, and when that is past, now."""
    return max(order.start or world.now, world.now)


def _plan(
    order: Order, kind: CommandType, command_id: str, body: bytes, *, until: datetime | None
) -> CommandPlan:
    return CommandPlan(
        id=command_id,
        type=kind,
        cpo_id=order.item.cpo_id,
        party=order.item.party,
        order_key=order.key,
        correlation_id=order.request.transaction_id,
        body=Raw(body),
        until=until,
    )
