"""Inbound tokens of a CPO as they stand in Redis: what they are for, and until when.

They are kept as SHA-256 hashes: reading Redis lets nobody in. Each has a row of its own, by which
it is recognised, and a place in the record of its CPO, by which all of them are changed at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from bridge.ocpi.connection import TokenUse
from bridge.store.database import Command, key, packed


class Limited(msgspec.Struct, frozen=True, array_like=True):
    """What a token is for that ends by itself."""

    use: TokenUse
    until: datetime


Tokens = dict[str, TokenUse | Limited]
"""Inbound tokens of a CPO, by hash."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """Whose a token is and what it is for; ``until`` None = without an end."""

    cpo_id: str
    use: TokenUse
    until: datetime | None = None


def hash_of(token: str) -> str:
    """Return a token as it is kept; tokens are long and random, so no salt is needed."""
    # Any bytes may stand in a header; aiohttp hands them on as surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def place_of(cpo_id: str) -> str:
    """Return where the record of a CPO's tokens is."""
    return key("inbound-tokens", cpo_id)


def row_of(hashed: str) -> str:
    """Return where the row of a token is."""
    return key("inbound-token", hashed)


def read_tokens(record: bytes | None, now: datetime) -> Tokens:
    """Return the tokens that are good now."""
    if record is None:
        return {}
    tokens: Tokens = msgspec.json.decode(record, type=Tokens)
    return {
        each: use
        for each, use in tokens.items()
        if not (isinstance(use, Limited) and use.until <= now)
    }


def for_a_while(use: TokenUse, now: datetime, seconds: float) -> Limited:
    """Return a use that ends by itself."""
    return Limited(use, now + timedelta(seconds=seconds))


def promoted(old: Tokens, hashed: str) -> Tokens:
    """Return the tokens after the first use of one that a PUT gave out."""
    if old.get(hashed) is not TokenUse.FRESH:
        return old
    kept = {
        each: use
        for each, use in old.items()
        if not (isinstance(use, Limited) and use.use is TokenUse.RETIRING)
    }
    return {**kept, hashed: TokenUse.REGISTERED}


def without(old: Tokens, hashed: str) -> Tokens:
    """Return the tokens without one of them."""
    return {each: use for each, use in old.items() if each != hashed}


def rewritten(cpo_id: str, old: Mapping[str, object], new: Tokens, now: datetime) -> list[Command]:
    """Return the commands that make ``new`` of the ``old`` inbound tokens of a CPO."""
    commands: list[Command] = [("DEL", row_of(each)) for each in old if each not in new]
    for each, use in new.items():
        if old.get(each) == use:
            continue
        if isinstance(use, Limited):
            left_ms = max(1, round((use.until - now).total_seconds() * 1000))
            row = packed(Row(cpo_id, use.use, use.until))
            commands.append(("SET", row_of(each), row, "PX", left_ms))
        else:
            commands.append(("SET", row_of(each), packed(Row(cpo_id, use))))
    return [*commands, ("SET", place_of(cpo_id), packed(new))]
