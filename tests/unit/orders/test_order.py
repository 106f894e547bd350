"""Ids of orders and sessions, and the record as it is stored."""

from __future__ import annotations

import msgspec

from bridge.orders.order import Order, SessionKey, order_key
from tests.factories import BAP_ID, attempt, cdr, order, session


def test_a_transaction_is_its_baps_own() -> None:
    assert order_key("a.example", "t1") != order_key("b.example", "t1")
    assert order().key == order_key(BAP_ID, "t1")


def test_session_ids_compare_without_case_and_within_their_party() -> None:
    assert str(SessionKey("IN", "ABC", "S1")) == str(SessionKey("in", "abc", "s1"))
    assert str(SessionKey("IN", "ABC", "S1")) != str(SessionKey("IN", "XYZ", "S1"))


def test_a_stored_order_is_the_same_order() -> None:
    made = order(attempts=(attempt(),), session=session(), cdr=cdr(), told={"s2": "ACTIVE"})
    assert msgspec.json.decode(msgspec.json.encode(made), type=Order) == made
