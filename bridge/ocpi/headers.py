"""The HTTP headers of OCPI 2.2.1: authorization, message ids, routing, paging."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from bridge.ocpi.leniency import Leniency
from bridge.ocpi.types import ModuleID

AUTHORIZATION: Final = "Authorization"
REQUEST_ID: Final = "X-Request-ID"
CORRELATION_ID: Final = "X-Correlation-ID"
TO_PARTY_ID: Final = "OCPI-to-party-id"
TO_COUNTRY_CODE: Final = "OCPI-to-country-code"
FROM_PARTY_ID: Final = "OCPI-from-party-id"
FROM_COUNTRY_CODE: Final = "OCPI-from-country-code"
TOTAL_COUNT: Final = "X-Total-Count"
LIMIT: Final = "X-Limit"
LINK: Final = "Link"
LOCATION: Final = "Location"

CONFIGURATION_MODULES: Final = frozenset({ModuleID.CREDENTIALS, ModuleID.HUB_CLIENT_INFO})
"""Modules that are about the connection: they carry no routing headers, nor does versions."""

FUNCTIONAL_MODULES: Final = frozenset(ModuleID) - CONFIGURATION_MODULES
"""Modules whose requests and answers carry routing headers."""


class Party(msgspec.Struct, frozen=True, eq=False):
    """A party of the OCPI network. Case is kept, but neither compared nor shown by ``str``."""

    country_code: str
    party_id: str

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}".upper()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Party):
            return NotImplemented
        return self is other or str(self) == str(other)

    def __ne__(self, other: object) -> bool:
        # Of a struct, not of ``object``: without this it would compare identities.
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self))


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a message is for and who wrote it, as far as its headers say so."""

    to: Party | None = None
    from_: Party | None = None


def authorization(token: str, *, raw: bool = False) -> str:
    """Return the value of the Authorization header for a credentials token.

    ``raw``: as it is, for a peer that takes it no other way (Q1).
    """
    return "Token " + (token if raw else base64.b64encode(token.encode()).decode("ascii"))


def token_candidates(header_value: str | None) -> tuple[str, ...]:
    """Return the credentials tokens an Authorization header may mean.

    Peers send the token encoded, encoded with a line end, or as it is, and a token as it is may
    happen to be valid base64: so the raw one comes first, then the decoded one if there is one.
    Empty without a header and when the scheme is not ``Token``. OCPI 2.2.1
    transport_and_format, authorization header.
    """
    scheme, _, rest = (header_value or "").strip().partition(" ")
    raw = rest.strip()
    if scheme.lower() != "token" or not raw:
        return ()
    decoded = _decoded(raw)
    return (raw, decoded) if decoded and decoded != raw else (raw,)


def forgiven_in_token(header_value: str, token: str) -> tuple[Leniency, ...]:
    """Return what is odd about an Authorization header that was understood as this token."""
    scheme, _, rest = header_value.strip().partition(" ")
    raw = rest.strip()
    odd = () if scheme == "Token" else (Leniency.TOKEN_SCHEME_CASE,)
    if raw == token:
        return (*odd, Leniency.RAW_TOKEN)
    if len(raw) % 4:
        return (*odd, Leniency.UNPADDED_TOKEN)
    if raw != authorization(token).removeprefix("Token "):
        return (*odd, Leniency.NEWLINE_TOKEN)
    return odd


def _decoded(raw: str) -> str | None:
    unpadded = raw.rstrip("=")
    try:
        padded = unpadded + "=" * (-len(unpadded) % 4)
        return base64.b64decode(padded, validate=True).decode().strip()
    except (binascii.Error, ValueError):
        return None


def routing(to: Party | None, from_: Party | None) -> dict[str, str]:
    """Return the routing headers of a functional module; a party of None is left out."""
    return dict(
        [*_pair(to, TO_COUNTRY_CODE, TO_PARTY_ID), *_pair(from_, FROM_COUNTRY_CODE, FROM_PARTY_ID)]
    )


def _pair(party: Party | None, country_code: str, party_id: str) -> Iterator[tuple[str, str]]:
    if party is not None:
        yield country_code, party.country_code
        yield party_id, party.party_id


def read_routing(headers: Mapping[str, str]) -> Routing:
    """Read the routing headers, whatever their case; a half given party counts as none."""
    lowered = {name.lower(): value.strip() for name, value in headers.items()}

    def party(country_code: str, party_id: str) -> Party | None:
        country, id_ = lowered.get(country_code.lower()), lowered.get(party_id.lower())
        return Party(country, id_) if country and id_ else None

    return Routing(
        to=party(TO_COUNTRY_CODE, TO_PARTY_ID), from_=party(FROM_COUNTRY_CODE, FROM_PARTY_ID)
    )


def answer_routing(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the routing headers of the answer to a request with these: sides swapped."""
    request = read_routing(headers)
    return routing(to=request.from_, from_=request.to)
