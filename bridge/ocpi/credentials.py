"""OCPI 2.2.1 credentials: what two platforms tell each other to be connected."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from bridge.ocpi.types import URL, BusinessDetails, CiString2, CiString3, Role

CredentialsToken: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"^[\x21-\x7e]+\Z")]
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
