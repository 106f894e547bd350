"""The token of an order (OCPI 2.2.1 mod_tokens; issue: at most 20 characters, one each)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.ocpi import codec
from bridge.ocpi.tokens import Token, TokenType, WhitelistType
from bridge.orders.order import OrderState
from bridge.orders.token import token_of
from bridge.orders.transitions import OVER, PLACED
from tests.factories import EMSP, NOW, order

ISSUER = "Example Bridge"


def test_a_draft_has_none() -> None:
    assert token_of(order(OrderState.INITIALISED, token_uid=None), EMSP, ISSUER) is None


@pytest.mark.parametrize("state", sorted(PLACED))
def test_it_is_good_as_long_as_the_order(state: OrderState) -> None:
    token = token_of(order(state), EMSP, ISSUER)
    assert token is not None
    assert token.valid is (state not in OVER)
    assert (token.country_code, token.party_id) == ("IN", "BRG")
    assert token.uid == "TOK1"
    assert token.type is TokenType.AD_HOC_USER
    assert token.whitelist is WhitelistType.NEVER
    assert token.issuer == ISSUER


def test_it_is_valid_ocpi() -> None:
    token = token_of(order(token_uid="0123456789ABCDEF0123"), EMSP, ISSUER)
    assert token is not None
    assert codec.decode(codec.encode(token), Token) == token
    assert len(token.contract_id) <= 36


def test_its_age_is_that_of_the_order_in_whole_seconds() -> None:
    changed = NOW + timedelta(seconds=5, microseconds=700_000)
    token = token_of(order(updated_at=changed), EMSP, ISSUER)
    assert token is not None
    assert token.last_updated == NOW + timedelta(seconds=5)
