"""What is tolerated of a CPO that deviates from OCPI 2.2.1: each deviation has a name.

Whoever reads something a CPO sent and forgives it says so with a ``Met``; it is counted by CPO
(``bridge_ocpi_leniency_total``), told once in the log and listed in docs/ocpi-peers.md.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Leniency(enum.StrEnum):
    """A deviation that costs nothing; the value is the label of the metric."""

    RAW_TOKEN = "raw_token"
    """Authorization has the token as it is, not in Base64 (Q1)."""
    NEWLINE_TOKEN = "newline_token"
    """The Base64 of Authorization holds the token and a line end, or lacks its padding (Q2)."""
    TOKEN_SCHEME_CASE = "token_scheme_case"
    """The scheme of Authorization is not spelled ``Token``."""


class Met(NamedTuple):
    """A leniency that was needed.

    Args:
        leniency: which one.
        place: JSON path such as ``evses[0].status``, or the name of a header; never a value.
    """

    leniency: Leniency
    place: str = ""
