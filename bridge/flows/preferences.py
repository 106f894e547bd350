"""What the driver wishes of a session that has begun (OCPI 2.2.1 mod_sessions, Sender; by flag)."""

from __future__ import annotations

from bridge.flows.decision import Decision, World
from bridge.flows.jobs import PreferencesJob
from bridge.ocpi.locations import Capability
from bridge.ocpi.sessions import ChargingPreferences, ProfileType
from bridge.orders.order import Order
from bridge.orders.plans import PreferencesPlan


def preferred(world: World, order: Order) -> tuple[PreferencesPlan, ...]:
    """Return the energy that is paid for and the end that is wished, for an EVSE that can use them.

    It is no limit: the CPO may deliver more, or less.
    """
    flags, session = world.flags(order.item.cpo_id), order.session
    if (
        session is None
        or not flags.charging_preferences
        or Capability.CHARGING_PREFERENCES_CAPABLE not in flags.capabilities(order.item.evse)
    ):
        return ()
    end = order.end if order.end is not None and order.end > world.now else None
    preferences = ChargingPreferences(
        profile_type=ProfileType.REGULAR,
        departure_time=end,
        energy_need=None if order.quote is None else order.quote.kwh,
    )
    plan = PreferencesPlan(
        cpo_id=order.item.cpo_id,
        party=order.item.party,
        order_key=order.key,
        correlation_id=order.request.transaction_id,
        session_id=session.id,
        preferences=preferences,
    )
    return (plan,)


def preferences_answered(order: Order, job: PreferencesJob) -> Decision:
    """Note what a CPO makes of it; the session goes on either way."""
    return Decision(order, notes=(f"charging preferences: {job.result or job.reason}",))
