"""What the bridge tells about itself: a log that names no person, metrics, traces."""

from bridge.observability.events import Event
from bridge.observability.log import Log, bound, configure_logging, get_logger
from bridge.observability.metrics import Metrics

__all__ = ["Event", "Log", "Metrics", "bound", "configure_logging", "get_logger"]
