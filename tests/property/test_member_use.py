"""What a membership was used for: whatever bills come, the last of each order counts, once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.flows.jobs import MemberUseJob
from bridge.flows.passes.decide import decide_pass
from bridge.orders.pass_order import MemberUse, PassOrder, SessionUse
from bridge.orders.terms import Commercial
from tests.factories import NOW, loyalty_pass, membership, pass_order
from tests.unit.flows.play import Play

SILVER = loyalty_pass(next_tier="gold", next_tier_spend=Decimal(100))
GOLD = loyalty_pass(id="gold", tier="Gold", share=Decimal("0.2"))

amounts = st.none() | st.decimals(0, 80, places=2)
bills = st.lists(st.tuples(st.sampled_from("abcd"), amounts, st.booleans()), max_size=12)


async def played(come: list[tuple[str, Decimal | None, bool]]) -> tuple[PassOrder, int]:
    """Let bills come, some of them told later with others; return the pass and its on_status."""
    play = Play()
    play.commercial = Commercial(passes=(SILVER, GOLD))
    order, told = pass_order(sold=SILVER, membership=membership(held=SILVER)), 0
    for name, spent, at_once in [*come, ("-", None, True)]:
        use = None
        if spent is not None:
            use = SessionUse(saved=spent / 10, spent=spent, currency="INR")
        play.members.note(MemberUse(held_by=order.key, order_key=name, use=use))
        for _ in range(2 if at_once else 0):
            decision = await decide_pass(play.world(), MemberUseJob(at=NOW), order)
            assert decision.pass_order is not None
            order, told = decision.pass_order, told + len(decision.callbacks)
    return order, told


@settings(deadline=None)
@given(come=bills)
def test_the_last_bill_of_each_order_counts_once(
    come: list[tuple[str, Decimal | None, bool]],
) -> None:
    order, told = asyncio.run(played(come))

    last = {name: spent for name, spent, _ in come}
    counted = [spent for spent in last.values() if spent is not None]
    assert order.usage.sessions == len(counted)
    assert order.usage.spent == sum(counted)
    assert order.usage.saved == sum(spent / 10 for spent in counted)

    member = order.membership
    assert member is not None
    assert told == (member.held == GOLD)
    if order.usage.spent >= 100:
        assert member.held == GOLD
