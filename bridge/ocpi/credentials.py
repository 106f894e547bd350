"""OCPI 2.2.1 credentials: what two platforms tell each other to be connected."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from bridge.ocpi.types import URL, BusinessDetails, CiString2, CiString3, Role


def without_token(struct: msgspec.Struct) -> str:
    """Show a struct as ``repr`` does, all but its ``token``: a repr ends up in logs."""
    shown = (
        f"{name}={'***' if name == 'token' and value else repr(value)}"
        for name, value in msgspec.structs.asdict(struct).items()
    )
    return f"{type(struct).__name__}({', '.join(shown)})"


SECRET = r"^[\x21-\x7e]+\Z"
CredentialsToken: TypeAlias = Annotated[str, Meta(max_length=64, pattern=SECRET)]
"""A credentials token as it is, not encoded: printable ASCII without spaces."""


class CredentialsRole(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A party behind a platform. Role, party and country together are unique on a platform."""

    role: Role
    business_details: BusinessDetails
    party_id: CiString3
    country_code: CiString2


class Credentials(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The token the other side shall use, our versions URL and our parties."""

    token: CredentialsToken
    url: URL
    roles: Annotated[tuple[CredentialsRole, ...], Meta(min_length=1)]

    __repr__ = without_token
