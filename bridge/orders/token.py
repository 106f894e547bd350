"""The OCPI token of an order: one AD_HOC_USER token each, so that a session leads back to it."""

from __future__ import annotations

from bridge.ocpi.headers import Party
from bridge.ocpi.tokens import Token, TokenType, WhitelistType
from bridge.orders.order import Order
from bridge.orders.transitions import OVER


def token_of(order: Order, emsp: Party, issuer: str) -> Token | None:
    """Return the token of a placed order; invalid once the order is over (OCPI 2.2.1 mod_tokens).

    ``whitelist`` NEVER: nobody may start with it but by our command.
    """
    if order.token_uid is None:
        return None
    return Token(
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
