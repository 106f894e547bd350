"""What the operator said about one CPO's deviations (docs/ocpi-peers.md)."""

from __future__ import annotations

import msgspec

from bridge.ocpi.locations import EVSE, Capability


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Deviations that cannot be noticed, or that must not be forgiven unasked.

    Args:
        raw_token: we send our token as it is, not in Base64 (Q1).
        explicit_nulls: what is absent in our objects is sent as null.
        append_slash: we call its endpoints with a slash at the end (Q8).
        endpoint_slash: our endpoints, as it reads them, end in a slash.
        token_visual_number: our tokens carry a ``visual_number``.
        push_tokens: a token is PUT before it starts a session, where the CPO takes tokens (Q48).
        charging_preferences: wishes of the driver are PUT where the EVSE can follow them.
        patch_without_last_updated: a PATCH may lack it; the object keeps its date (Q34).
        own_token_inbound: it may call us with the token it gave us (Q3).
        cdr_put: a CDR may come by PUT, to an address of its own (Q13).
        receiver_alias: our modules answer below ``/ocpi/receiver`` too (Q10).
        default_capabilities: of an EVSE that names none (Q38).
    """

    raw_token: bool = False
    explicit_nulls: bool = False
    append_slash: bool = False
    endpoint_slash: bool = False
    token_visual_number: bool = False
    push_tokens: bool = True
    charging_preferences: bool = False
    patch_without_last_updated: bool = False
    own_token_inbound: bool = False
    cdr_put: bool = False
    receiver_alias: bool = False
    default_capabilities: tuple[Capability, ...] = ()

    def capabilities(self, evse: EVSE) -> tuple[Capability, ...]:
        """Return what an EVSE can do: as it says, or else as the operator says of such."""
        return evse.capabilities or self.default_capabilities


NO_FLAGS = Flags()
"""A CPO that does as OCPI says."""
