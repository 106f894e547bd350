"""What the bridge tells about itself: a log that names no person, metrics, traces."""

from bridge.observability.events import Event
from bridge.observability.log import (
    Log,
    bound,
    carried_facts,
    configure_logging,
    episode,
    get_logger,
    learn,
)
from bridge.observability.metrics import Metrics
from bridge.observability.tracing import carried

__all__ = [
    "Event",
    "Log",
    "Metrics",
    "bound",
    "configure_logging",
    "episode",
    "get_logger",
    "handed_on",
    "learn",
]


def handed_on() -> dict[str, str]:
    """Return what goes along with work that is left to somebody else: facts, and the span."""
    return carried_facts() | carried()
