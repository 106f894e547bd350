"""OCPI 2.2.1 mod_tokens, Sender: our tokens, and whether one may charge now.

Each token belongs to one order, and so to one EVSE. What it may do follows from the state of
that order alone: never from opening hours or the status of the EVSE, and no CPO is asked.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import NotEnoughInformation, OcpiInvalid, TokenUnknown
from bridge.flows.emsp.emsp import Call, Emsp, Reply, read
from bridge.ocpi import headers, paging
from bridge.ocpi.headers import Party
from bridge.ocpi.tokens import (
    AllowedType,
    AuthorizationInfo,
    LocationReferences,
    Token,
    TokenType,
)
from bridge.ocpi.types import ModuleID
from bridge.orders.order import Order, OrderState
from bridge.orders.token import with_visual_number
from bridge.orders.transitions import OVER, PLACED

PAGE: Final = 100
"""Tokens on one page, at most."""


async def get_tokens(emsp: Emsp, call: Call) -> Reply:
    """Return a page of our tokens, oldest first.

    Raises:
        OcpiInvalid: a query parameter cannot be read.
    """
    page = paging.page(
        await emsp.tokens.all(),
        date_from=call.query.get("date_from"),
        date_to=call.query.get("date_to"),
        offset=call.query.get("offset"),
        limit=call.query.get("limit"),
        max_limit=PAGE,
        base_url=emsp.url(call.cpo_id, ModuleID.TOKENS),
    )
    found = {headers.TOTAL_COUNT: str(page.total), headers.LIMIT: str(page.limit)}
    if page.next_url is not None:
        found[headers.LINK] = f'<{page.next_url}>; rel="next"'
    return Reply(data=[_shown(emsp, call, each) for each in page.items], headers=found)


async def authorize(emsp: Emsp, call: Call) -> Reply:
    """Say whether a token may charge, always with a reference that leads the session back.

    Raises:
        TokenUnknown: no token has this uid and type.
        NotEnoughInformation: the token is good at one place only, and none was named.
        OcpiInvalid: ``type`` or the body cannot be read.
    """
    token, order = await _find(emsp, call.ids[0], call.query.get("type"))
    # Some CPOs send {} or null for "no location".
    asked = None if call.body in (None, {}) else read(emsp, call, LocationReferences)
    allowed = _allowed(order, token, call.cpo_id)
    if order is not None and await _is_another(emsp, call, order.item.party):
        allowed = AllowedType.NOT_ALLOWED
    location = None
    if order is not None and allowed is AllowedType.ALLOWED:
        if asked is None:
            raise NotEnoughInformation("this token is good at one location, and none is named")
        location = _allowed_part(order, asked)
        allowed = AllowedType.NOT_ALLOWED if location is None else allowed
    emsp.notice("token.authorized", cpo_id=call.cpo_id, allowed=allowed)
    return Reply(
        data=AuthorizationInfo(
            allowed=allowed,
            token=_shown(emsp, call, token),
            location=location,
            authorization_reference=_reference(order, token),
        )
    )


async def _find(emsp: Emsp, uid: str, type_: str | None) -> tuple[Token, Order | None]:
    """Return a token and its order.

    RFID is what OCPI means by no type at all, and what CPOs send for tokens of an app: it finds a
    token of any type.
    """
    if type_ and type_ not in TokenType.__members__:
        raise OcpiInvalid("type", f"{type_!r} is no TokenType")
    found = await emsp.tokens.get(uid)
    if found is None or (type_ and type_ not in (TokenType.RFID, found[0].type)):
        raise TokenUnknown
    token, order_key = found
    await emsp.about(order_key, None)
    return token, await emsp.orders.load(order_key)


def _shown(emsp: Emsp, call: Call, token: Token) -> Token:
    """Return a token as the caller wants to see it."""
    if emsp.flags(call.cpo_id).token_visual_number:
        return with_visual_number(token)
    return token


def _allowed(order: Order | None, token: Token, cpo_id: str) -> AllowedType:
    """Return what the order allows this CPO, wherever it asks for."""
    if order is None:
        return AllowedType.EXPIRED
    if order.item.cpo_id != cpo_id or order.state not in PLACED:
        return AllowedType.NOT_ALLOWED
    if order.state is OrderState.CANCELLED:
        return AllowedType.BLOCKED
    if order.state in OVER:
        return AllowedType.EXPIRED
    return AllowedType.ALLOWED if token.valid else AllowedType.BLOCKED


async def _is_another(emsp: Emsp, call: Call, party: Party) -> bool:
    """Whether another party of the connection asks: its Locations may have the same ids.

    Headers that name nobody behind the connection are no reason to refuse (O15).
    """
    if call.sender is None or call.sender == party:
        return False
    return call.sender in (await emsp.connections.get(call.cpo_id)).parties()


def _allowed_part(order: Order, asked: LocationReferences) -> LocationReferences | None:
    """Return the order's own EVSE if it is among those asked for; no list means all of them."""
    if asked.location_id.casefold() != order.item.location.id.casefold():
        return None
    uid = order.item.evse.uid
    if asked.evse_uids and uid.casefold() not in (each.casefold() for each in asked.evse_uids):
        return None
    return LocationReferences(location_id=order.item.location.id, evse_uids=(uid,))


def _reference(order: Order | None, token: Token) -> str:
    """Return the reference reserved for the next session, else that of the last START.

    Both are stored with the order. One that has neither gets the token's uid: the session carries
    that too, and is found by it.
    """
    if order is not None and order.reference:
        return order.reference
    if order is not None and order.attempts:
        return order.attempts[-1].authorization_reference
    return token.uid
