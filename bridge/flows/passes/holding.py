"""What becomes of a pass once it is bought: status, use, tiers, cancellation (use case 4, 11)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from bridge.errors import CancellationImpossible
from bridge.flows.decision import Decision, World, answer_order, notify
from bridge.flows.passes.tiers import risen, tier_above
from bridge.flows.rating import RATINGS_KEPT, thanks
from bridge.flows.support import TICKETS_KEPT, helped
from bridge.orders.intents import Cancel, Rating, Request, Support
from bridge.orders.order import Cancellation
from bridge.orders.pass_order import PassOrder, PassState, state_at, usage_of
from bridge.pricing.settlement import cancellation_bill


def status(world: World, request: Request, order: PassOrder) -> Decision:
    """Answer with the membership and what it was used for."""
    return Decision(None, (answer_order(world, request, order),), pass_order=order)


async def used(world: World, order: PassOrder) -> Decision:
    """Count anew what the membership was used for; enough of it leads to the next tier.

    The tier holds from the next session on: those under way have their terms. It is kept when a
    bill is corrected later.
    """
    usage = usage_of(await world.members.uses(order.key), order.sold.currency)
    if usage == order.usage:
        return Decision(None, pass_order=order)
    order = replace(order, usage=usage, updated_at=world.now)
    member, passes = order.membership, world.commercial.passes
    if member is None or state_at(order, world.now) is not PassState.ACTIVE:
        return Decision(None, pass_order=order)
    step = risen(passes, member.held, usage.spent)
    if step is None:
        return Decision(None, pass_order=order)
    lower, held = step
    member = replace(member, held=held, above=tier_above(passes, held))
    order = replace(order, membership=member, risen_from=lower)
    note = f"tier {lower.tier} > {held.tier}"
    return Decision(None, (notify(world, order, "on_status"),), notes=(note,), pass_order=order)


def cancel(world: World, request: Request, intent: Cancel, order: PassOrder) -> Decision:
    """End a membership and pay it back; a repeated cancel gets the same answer again.

    Whoever only asks gets the order as it stands with the bill that cancelling now would bring.

    Raises:
        CancellationImpossible: it is over, or its terms do not allow it any more.
    """
    if order.state is PassState.CANCELLED:
        return Decision(None, (answer_order(world, request, order),), pass_order=order)
    member = order.membership
    if member is None or not member.holds(world.now):
        raise CancellationImpossible(f"the pass of order {order.id} has ended")
    days = order.sold.free_cancellation_days
    if not days:
        raise CancellationImpossible("by its terms this pass cannot be cancelled")
    until = member.valid_from + timedelta(days=days)
    if world.now > until:
        raise CancellationImpossible(
            f"by its terms this pass could be cancelled for {days} days, until {until:%Y-%m-%d}"
        )
    paid = order.payment.paid if order.payment else Decimal(0)
    bill = cancellation_bill(order.quote.currency, paid, Decimal(1))
    if intent.only_asks:
        foreseen = replace(order, bill=bill)
        return Decision(None, (answer_order(world, request, foreseen),), pass_order=order)
    order = replace(
        order,
        state=PassState.CANCELLED,
        updated_at=world.now,
        bill=bill,
        cancellation=Cancellation(
            by="CONSUMER", at=world.now, reason_id=intent.reason_id, reason=intent.reason
        ),
    )
    return Decision(None, (answer_order(world, request, order),), pass_order=order)


def supported(world: World, request: Request, intent: Support, order: PassOrder) -> Decision:
    """Answer with the contact of the pass's CPO. Raises ActionUnsupported: there is none."""
    ref_id, callback = helped(world, request, intent, order.cpo_id)
    order = replace(order, tickets=(*order.tickets, ref_id)[-TICKETS_KEPT:])
    return Decision(None, (callback,), pass_order=order)


def rated(world: World, request: Request, intent: Rating, order: PassOrder) -> Decision:
    """Keep the ratings and thank for them. Raises RatingInvalid: see thanks."""
    callback = thanks(world, request, intent)
    order = replace(order, ratings=(*order.ratings, *intent.ratings)[-RATINGS_KEPT:])
    return Decision(None, (callback,), pass_order=order)
