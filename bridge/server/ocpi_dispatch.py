"""Which flow answers which request of a CPO: the endpoints of OCPI 2.2.1 as one table.

aiohttp's own router would decode ``%2F`` into a separator and answer in plain text; ids may hold
``/``, ``*`` and ``:``, and every answer is an envelope, so the paths are matched here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

from bridge.errors import MethodNotAllowed, ObjectUnknown, Unauthorized
from bridge.flows.emsp import (
    cdrs,
    commands,
    credentials,
    hubclientinfo,
    locations,
    sessions,
    tariffs,
    tokens,
)
from bridge.flows.emsp.emsp import VERSION, Flow
from bridge.flows.emsp.versions import get_details, get_versions
from bridge.ocpi.connection import TokenUse
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.types import ModuleID

VERSIONS: Final = "versions"
"""What stands for a module where it is about versions: the standard has no identifier for it."""

ALIAS: Final = "receiver"
"""What some CPOs put in the place of the version, whatever our version details say (Q10)."""

ANY: Final = "{}"

Methods = Mapping[str, Flow]

# The URL of each module is published, so it exists: methods it does not have are 405, not 404.
ROUTES: Final[Mapping[str, Methods]] = {
    "versions": {"GET": get_versions},
    "2.2.1": {"GET": get_details},
    "2.2.1/credentials": {
        "GET": credentials.get_credentials,
        "POST": credentials.post_credentials,
        "PUT": credentials.put_credentials,
        "DELETE": credentials.delete_credentials,
    },
    "2.2.1/locations": {},
    "2.2.1/locations/{}/{}/{}": {
        "GET": locations.get_part,
        "PUT": locations.put_location,
        "PATCH": locations.patch_part,
    },
    "2.2.1/locations/{}/{}/{}/{}": {
        "GET": locations.get_part,
        "PUT": locations.put_evse,
        "PATCH": locations.patch_part,
    },
    "2.2.1/locations/{}/{}/{}/{}/{}": {
        "GET": locations.get_part,
        "PUT": locations.put_connector,
        "PATCH": locations.patch_part,
    },
    "2.2.1/tariffs": {},
    "2.2.1/tariffs/{}/{}/{}": {
        "GET": tariffs.get_tariff,
        "PUT": tariffs.put_tariff,
        "DELETE": tariffs.delete_tariff,
    },
    "2.2.1/sessions": {},
    "2.2.1/sessions/{}/{}/{}": {
        "GET": sessions.get_session,
        "PUT": sessions.put_session,
        "PATCH": sessions.patch_session,
    },
    "2.2.1/cdrs": {"POST": cdrs.post_cdr},
    "2.2.1/cdrs/{}": {"POST": cdrs.post_cdr},
    "2.2.1/cdrs/{}/{}/{}": {"GET": cdrs.get_cdr, "POST": cdrs.post_cdr},
    "2.2.1/tokens": {"GET": tokens.get_tokens},
    "2.2.1/tokens/{}/authorize": {"POST": tokens.authorize},
    "2.2.1/commands": {},
    "2.2.1/commands/{}/{}": {"POST": commands.post_result},
    "2.2.1/hubclientinfo": {},
    "2.2.1/hubclientinfo/{}/{}": {
        "GET": hubclientinfo.get_client_info,
        "PUT": hubclientinfo.put_client_info,
    },
}

BODY_OPTIONAL: Final = frozenset({tokens.authorize})
"""Flows that may be asked with no body at all."""

MODULES: Final = frozenset({*ModuleID, VERSIONS})

_GLUED: Final = re.compile(f"(?:{'|'.join(ModuleID)})[A-Za-z]{{2}}")
"""A module with the country code of an object, as a CPO writes that only appends to our URLs."""

_PATTERNS: Final = tuple((tuple(path.split("/")), methods) for path, methods in ROUTES.items())


class Target(NamedTuple):
    """Where a path leads.

    Args:
        module: a ModuleID, or ``versions``.
        ids: what stands in the places of the path, decoded.
    """

    module: str
    ids: tuple[str, ...]
    methods: Methods

    def flow(self, method: str) -> Flow:
        """Return what answers the method.

        Raises:
            MethodNotAllowed: nothing does.
        """
        try:
            return self.methods[method]
        except KeyError:
            raise MethodNotAllowed(f"allowed here: {self.allow or 'nothing'}") from None

    @property
    def allow(self) -> str:
        """The value of an Allow header."""
        return ", ".join(self.methods)


def segments_of(raw_path: str) -> tuple[str, ...]:
    """Return the segments below ``/ocpi``, each decoded once; empty ones do not count."""
    # Bytes that are no UTF-8 come as surrogates from aiohttp; nothing can be known under them.
    readable = raw_path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return tuple(unquote(part) for part in readable.split("/") if part)[1:]


def module_of(segments: tuple[str, ...]) -> str | None:
    """Return the module a path is about, also when nothing is there; None: it is about none."""
    if segments in ((VERSIONS,), (VERSION,)):
        return VERSIONS
    root, module, *_ = *segments, "", ""
    return module if root in (VERSION, ALIAS) and module in MODULES else None


def find(segments: tuple[str, ...], flags: Flags = NO_FLAGS) -> Target:
    """Return where a path leads, for a CPO with these deviations.

    Raises:
        ObjectUnknown: nowhere.
    """
    if flags.receiver_alias and segments[:1] == (ALIAS,):
        segments = (VERSION, *segments[1:])
    module = module_of(segments)
    for pattern, methods in _PATTERNS:
        if module is not None and len(pattern) == len(segments):
            pairs = tuple(zip(pattern, segments, strict=True))
            if all(part in (ANY, segment) for part, segment in pairs):
                ids = tuple(segment for part, segment in pairs if part == ANY)
                if flags.cdr_put and module == ModuleID.CDRS and ids:
                    methods = {**methods, "PUT": cdrs.post_cdr}
                return Target(module, ids, methods)
    raise ObjectUnknown("there is nothing at this address")


def flag_for(segments: tuple[str, ...], method: str) -> str | None:
    """Return the flag that a request needs to be understood; None: it needs none."""
    if segments[:1] == (ALIAS,):
        return "receiver_alias"
    if method == "PUT" and module_of(segments) == ModuleID.CDRS and len(segments) > 2:
        return "cdr_put"
    if segments[:1] == (VERSION,) and _GLUED.fullmatch("".join(segments[1:2])):
        return "endpoint_slash"
    return None


def admit(use: TokenUse, module: str, method: str) -> None:
    """Check that a token is good for a module.

    A TOKEN_A is for versions and credentials. Our TOKEN_B, while our POST is open, reads: the CPO
    checks our versions with it. It cannot write yet, for its parties are not known before the
    POST is answered; credentials itself answers what it may not do there with 405.

    Raises:
        Unauthorized: it is not.
    """
    if module in (VERSIONS, ModuleID.CREDENTIALS) or use is TokenUse.REGISTERED:
        return
    if use is TokenUse.PENDING and method == "GET":
        return
    raise Unauthorized("this token is not good for this module")
