"""The table of legal steps: complete, and every pair does what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import asdict

from bridge.orders.order import OrderState
from bridge.orders.transitions import OVER, PLACED, RUNNING, STEPS, step
from tests.factories import NOW, order

S = OrderState
LATER = NOW + timedelta(minutes=1)


def test_every_state_has_its_steps_and_can_be_reached() -> None:
    assert set(STEPS) == set(S)
    assert set().union(*STEPS.values()) == set(S)


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("after", S)
def test_a_step_is_legal_or_a_fault_of_ours(state: OrderState, after: OrderState) -> None:
    before = order(state, state_since=NOW)
    if after not in STEPS[state]:
        with pytest.raises(ValueError, match=f"{state} to {after}"):
            step(before, after, LATER)
        return
    stepped = step(before, after, LATER)
    changed = {name for name, value in asdict(stepped).items() if value != getattr(before, name)}
    assert stepped.state is after
    assert stepped.updated_at == LATER
    assert stepped.state_since == (NOW if after is state else LATER)
    assert changed <= {"state", "state_since", "updated_at"}


def test_what_is_placed_is_never_a_draft_again() -> None:
    for state in PLACED:
        assert STEPS[state] <= PLACED


def test_what_is_over_is_only_settled() -> None:
    for state in OVER:
        assert STEPS[state] == {S.SETTLED}


def test_a_cdr_settles_every_placed_order() -> None:
    assert {state for state in S if S.SETTLED in STEPS[state]} == PLACED


def test_every_running_order_may_end_and_be_void() -> None:
    for state in RUNNING:
        assert {S.ENDED, S.CANCELLED} <= STEPS[state]


def test_each_state_is_of_one_kind() -> None:
    drafts = {S.SELECTED, S.INITIALISED}
    begun = {S.CONFIRMED, S.STARTING}
    kinds = [drafts, begun, RUNNING, OVER]
    assert sum(len(kind) for kind in kinds) == len(S)
    assert set().union(*kinds) == set(S)
    assert begun | RUNNING | OVER == PLACED
