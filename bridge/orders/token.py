"""The OCPI token of an order: one AD_HOC_USER token each, so that a session leads back to it."""

from __future__ import annotations

from msgspec.structs import replace

from bridge.ocpi.headers import Party
from bridge.ocpi.tokens import Token, TokenType, WhitelistType
from bridge.orders.order import Order
from bridge.orders.transitions import OVER


def token_of(
    order: Order, emsp: Party, issuer: str, *, visual_number: bool = False
) -> Token | None:
    """Return the token of a placed order; invalid once the order is over (OCPI 2.2.1 mod_tokens).

    ``whitelist`` NEVER: nobody may start with it but by our command. A ``visual_number`` would be
    printed on a card; there is none, but some CPOs want one: the uid.
    """
    if order.token_uid is None:
        return None
    token = Token(
        country_code=emsp.country_code,
        party_id=emsp.party_id,
        uid=order.token_uid,
        type=TokenType.AD_HOC_USER,
        contract_id=f"{emsp.country_code}-{emsp.party_id}-{order.token_uid}"[:36],
        issuer=issuer,
        valid=order.state not in OVER,
        whitelist=WhitelistType.NEVER,
        last_updated=order.updated_at.replace(microsecond=0),
    )
    return with_visual_number(token) if visual_number else token


def with_visual_number(token: Token) -> Token:
    """Return the token with its uid as the number that a card would show."""
    return replace(token, visual_number=token.uid)
