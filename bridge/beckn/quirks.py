"""The leniencies with which Beckn messages are read, in one table: each is counted by its name."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Self

Report = Callable[[str], None]
"""Called with the name of every leniency that reading a message needed."""


class Quirk(enum.StrEnum):
    """Something in a message that is not as it should be, and is understood all the same."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """Make a member whose value is its name and which carries a sentence of explanation."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member

    COLON_DATE = (
        "colon-date",
        "A date reads YYYY:MM:DD:HH:MM:SS; without a zone it is in the configured one.",
    )
    ZONELESS_DATE = (
        "zoneless-date",
        "A date has no zone; it is taken to be in the configured one.",
    )
    TTL_WITHOUT_PT = ("ttl-without-pt", "The ttl lacks its PT (15S); it is read as PT15S.")
    TTL_UNREADABLE = ("ttl-unreadable", "The ttl is no ISO 8601 duration; it is ignored.")
    VERSION_MISSING = ("version-missing", "context.version is missing; it is taken to be 1.1.0.")
    NUMBER_FOR_STRING = (
        "number-for-string",
        "A value that is a string in core 1.1.0 came as a JSON number.",
    )
    SPELLING = (
        "spelling",
        "A code word differs from the regular one in case, _ for -, or a known misspelling.",
    )
    ITEM_OBJECT = ("item-object", "order.item is an object where order.items is a list.")
    OFFER_IN_ITEM = ("offer-in-item", "A chosen offer stands in order.items, not in order.offers.")
    PROVIDER_MISSING = (
        "provider-missing",
        "order.provider is missing; the item id alone names the provider.",
    )
    STOP_TYPE = (
        "stop-type",
        "A stop has no type, or the type of another stop; its position says what it is.",
    )
    GROUP_WITHOUT_CODE = (
        "group-without-code",
        "A tag group has no descriptor code; its list is read as the group expected there.",
    )
    UPDATE_TARGET = (
        "update-target",
        "update_target is missing or not order.fulfillments[0].state in so many words.",
    )
    ORDER_ID_MISSING = (
        "order-id-missing",
        "An update names no order; it is the one of the transaction.",
    )
    REF_ID_FOR_ORDER_ID = ("ref-id-for-order-id", "The order is named by ref_id, not order_id.")
    SUPPORT_FLAT = ("support-flat", "The fields of support stand in message itself.")
    LOCATION_GPS = (
        "location-gps",
        "The centre of the circle stands in location.gps, beside the circle.",
    )
    PROVIDERS = (
        "providers",
        "order.providers, an object or a list of one, stands where order.provider does.",
    )
    BILLING_NUMBER = ("billing-number", "billing.number is the phone of the billing.")
    PHONE = (
        "phone",
        "A phone number is written with spaces, hyphens or parentheses; it is taken without them.",
    )
