"""What layer 2 of 3.1 and of 3.0 do not have in common; all else that is sent fits both."""

from __future__ import annotations

from typing import NamedTuple


class Profile(NamedTuple):
    """The words of one of them.

    Args:
        upper_tracking: ``tracking.status`` in capitals.
        cancel_asked: ``order.status`` of an on_cancel that only tells what cancelling would cost;
            None = the status as it is.
    """

    upper_tracking: bool
    cancel_asked: str | None


PROFILES = {
    "3.1": Profile(upper_tracking=True, cancel_asked="SOFT_CANCEL"),
    "3.0": Profile(upper_tracking=False, cancel_asked=None),
}
