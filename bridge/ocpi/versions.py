"""OCPI 2.2.1 version_information_endpoint: which versions and endpoints a platform has."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from bridge.ocpi.types import URL, InterfaceRole, ModuleID, VersionNumber


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version a platform speaks; ``url`` gives its VersionDetails."""

    version: VersionNumber
    url: URL


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an interface of a module is; a module may stand twice, once per role."""

    identifier: ModuleID
    role: InterfaceRole
    url: URL


class VersionDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All endpoints of one version."""

    version: VersionNumber
    endpoints: Annotated[tuple[Endpoint, ...], Meta(min_length=1)]
