"""The token of an order at its CPO: pushed before it is used, withdrawn afterwards (Q48)."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.flows.decision import Decision, World
from bridge.flows.jobs import TokenJob
from bridge.ocpi.tokens import Token
from bridge.orders.order import Order
from bridge.orders.plans import TokenPlan
from bridge.orders.token import token_of
from bridge.orders.transitions import OVER


def token_for(world: World, order: Order) -> Token:
    """Return the order's token as its CPO is to see it.

    Raises:
        ValueError: it has none; a flow is wrong, not the input.
    """
    visual = world.flags(order.item.cpo_id).token_visual_number
    token = token_of(order, world.emsp, world.issuer, visual_number=visual)
    if token is None:
        raise ValueError(f"order {order.id} has no token")
    return token


def introduced(world: World, order: Order) -> tuple[TokenPlan, ...]:
    """Return what goes ahead of a command: the token, for a CPO that does not know it yet."""
    if order.token_pushed or not world.flags(order.item.cpo_id).push_tokens:
        return ()
    return (_plan(world, order),)


def token_answered(order: Order, job: TokenJob) -> Decision:
    """Remember who has the token; a command does not wait for that."""
    if not job.taken:
        return Decision(order, notes=(f"the CPO did not take the token: {job.reason}",))
    return Decision(replace(order, token_pushed=True))


def withdrawn(world: World, before: Order | None, decision: Decision) -> Decision:
    """Have the CPO told that the token is good no longer, once the order is over."""
    order = decision.order
    if order is None or not _is_stale(order) or (before is not None and _is_stale(before)):
        return decision
    return decision._replace(plans=(*decision.plans, _plan(world, order)))


def _is_stale(order: Order) -> bool:
    return order.token_pushed and order.state in OVER


def _plan(world: World, order: Order) -> TokenPlan:
    return TokenPlan(
        cpo_id=order.item.cpo_id,
        party=order.item.party,
        order_key=order.key,
        correlation_id=order.request.transaction_id,
        token=token_for(world, order),
    )
