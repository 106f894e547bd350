"""What the bridge tells about itself: a log that names no person, and Prometheus metrics."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Protocol, TextIO, TypeAlias, cast
from uuid import UUID

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

Event = Literal[
    "beckn.crashed",
    "beckn.queued",
    "beckn.refused",
    "beckn.repeated",
    "beckn.unavailable",
    "beckn.unsigned",
    "bill.deviates",
    "bridge.started",
    "bridge.stopped",
    "bridge.stopping",
    "callback.dead",
    "callback.delivered",
    "callback.invalid",
    "callback.postponed",
    "catalogue.behind",
    "catalogue.loaded",
    "catalogue.party_twice",
    "catalogue.unreadable",
    "cdr.conflict",
    "cdr.credit_of_unknown",
    "cdr.orphan",
    "command.answered",
    "command.dropped",
    "command.failed",
    "commercial.loaded",
    "commercial.refused",
    "connection.ended",
    "connection.registered",
    "connection.renewed",
    "connection.token_refused",
    "cpo.reachable",
    "cpo.registered",
    "cpo.registering",
    "cpo.registration_crashed",
    "cpo.registration_failed",
    "cpo.renewal_crashed",
    "cpo.renewal_failed",
    "cpo.renewed",
    "cpo.token_spent",
    "cpo.unreachable",
    "errand.done",
    "errand.dropped",
    "errand.failed",
    "errand.postponed",
    "http.unreadable",
    "hub.party_changed",
    "hub.party_unreachable",
    "lane.crashed",
    "lane.lost",
    "live.dropped",
    "mapping.loaded",
    "ocpi.answered",
    "ocpi.called",
    "ocpi.crashed",
    "ocpi.refused",
    "ocpi.tolerated",
    "otp.shown",
    "payment.refused",
    "payment.repeated",
    "payment.requested",
    "payment.told",
    "payment.unavailable",
    "pull.bad_object",
    "pull.crashed",
    "pull.done",
    "pull.failed",
    "pull.foreign_objects",
    "pull.wanted",
    "push.done",
    "push.failed",
    "refund.requested",
    "session.changed_when_final",
    "session.foreign_order",
    "session.orphan",
    "session.status_fell",
    "session.weak_correlation",
    "store.unavailable",
    "token.authorized",
]
"""Every event of the log, ``noun.verb``: the type checker refuses any other."""


class Log(Protocol):
    """A logger. ``fields`` are values of the event; personal ones come out masked."""

    def debug(self, event: Event, **fields: object) -> None: ...
    def info(self, event: Event, **fields: object) -> None: ...
    def warning(self, event: Event, **fields: object) -> None: ...
    def error(self, event: Event, **fields: object) -> None: ...
    def exception(self, event: Event, **fields: object) -> None: ...


def get_logger() -> Log:
    """Return the logger; it may be taken before ``configure_logging`` is called."""
    return cast(Log, structlog.get_logger())


def bound(**facts: str | None) -> AbstractContextManager[None]:
    """Put facts into every log line of this task while inside; None is left out.

    The facts have these names everywhere: transaction_id, message_id, action, cpo, session_id.
    """
    return structlog.contextvars.bound_contextvars(
        **{name: fact for name, fact in facts.items() if fact is not None}
    )


def configure_logging(
    level: Literal["debug", "info", "warning", "error"] = "info",
    format: Literal["auto", "json", "console"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Write the log to ``stream``, standard error by default: one JSON object a line, or for eyes.

    Libraries that use the standard ``logging`` are heard from ``warning`` on, in the same form.
    """
    stream = stream or sys.stderr
    console = format == "console" or (format == "auto" and stream.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=before,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


Shown: TypeAlias = "str | bool | int | float | dict[str, Shown] | list[Shown] | None"

_MASK = "***"

# Compared without case, dashes and underscores, so Beckn, OCPI and HTTP spellings are one. Of a
# billing or customer block nothing is shown at all: its names are as personal as its numbers.
_PRIVATE = {
    "authorization",
    "bankaccountnumber",
    "billing",
    "contact",
    "customer",
    "gstin",
    "person",
    "sourcevirtualpaymentaddress",
    "tokena",
    "tokenb",
    "tokenc",
    "upiaddress",
    "virtualpaymentaddress",
}
_PRIVATE_ENDINGS = ("email", "mobile", "otp", "password", "phone", "secret", "taxid", "taxnumber")

# In running text (a URL, a library's message): user and password of a URL, an Authorization
# header, an e-mail address, a telephone number with its country.
_PRIVATE_TEXT = re.compile(
    r"(?<=://)[^/@\s]+(?=@)"
    r"|\b(?:Token|Bearer|Basic|Signature)\s+[\w+/=.-]{12,}"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\+\d[\d -]{7,}\d"
)


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Mask what is personal or secret, at any depth; a structlog processor."""
    return {name: _MASK if _private(name) else _shown(value) for name, value in event.items()}


def _private(name: str) -> bool:
    plain = re.sub("[-_. ]", "", name).lower()
    return plain in _PRIVATE or plain.endswith((*_PRIVATE_ENDINGS, "token"))


def _shown(value: object) -> Shown:
    """Return what may stand in the log; of an object that could hold anything, its type only."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _PRIVATE_TEXT.sub(_MASK, value)
        case Mapping():
            return {str(k): _MASK if _private(str(k)) else _shown(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(item) for item in value]
        case Decimal() | date() | UUID() | Enum() | PurePath() | BaseException():
            return _PRIVATE_TEXT.sub(_MASK, str(value))
        case _:
            return f"<{type(value).__name__}>"


class Metrics:
    """The bridge's metrics, in a registry of their own: each app has its own and passes it on.

    Labels take words of closed sets only, never ids or what a caller sent.
    """

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.beckn_requests = Counter(
            "bridge_beckn_requests",
            "Beckn requests received; outcome ack, nack, unavailable",
            ["action", "outcome"],
            registry=registry,
        )
        self.beckn_seconds = Histogram(
            "bridge_beckn_request_seconds",
            "Time from a Beckn request to its ACK or NACK",
            ["action"],
            registry=registry,
        )
        self.beckn_quirks = Counter(
            "bridge_beckn_quirk",
            "Deviations from Beckn that were accepted on input",
            ["quirk"],
            registry=registry,
        )
        self.layer2 = Counter(
            "bridge_beckn_layer2_violations",
            "Messages that break a layer-2 file; direction in or out",
            ["direction", "action"],
            registry=registry,
        )
        self.callbacks = Counter(
            "bridge_callbacks",
            "Callbacks tried; outcome delivered, retried, dead",
            ["action", "outcome"],
            registry=registry,
        )
        self.callback_seconds = Histogram(
            "bridge_callback_seconds",
            "Time from a callback's place in the outbox to its delivery",
            ["action"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600),
            registry=registry,
        )
        self.ocpi_requests = Counter(
            "bridge_ocpi_requests",
            "OCPI requests; direction in (from a CPO) or out (to one), status the OCPI status code",
            ["direction", "module", "method", "status"],
            registry=registry,
        )
        self.ocpi_seconds = Histogram(
            "bridge_ocpi_request_seconds",
            "Time of OCPI requests",
            ["direction", "module"],
            registry=registry,
        )
        self.leniencies = Counter(
            "bridge_ocpi_leniency",
            "Deviations from OCPI that were forgiven, by the name in docs/ocpi-peers.md",
            ["cpo", "leniency"],
            registry=registry,
        )
        self.bad_objects = Counter(
            "bridge_ocpi_bad_objects",
            "Objects of a CPO's lists that could not be read",
            ["cpo", "module"],
            registry=registry,
        )
        self.commands = Counter(
            "bridge_commands",
            "OCPI commands sent, by the CPO's word on them",
            ["kind", "result"],
            registry=registry,
        )
        self.pushes = Counter(
            "bridge_pushes",
            "What else was pushed to CPOs; kind token, preferences; result done, failed",
            ["kind", "result"],
            registry=registry,
        )
        self.errands = Counter(
            "bridge_errands",
            "What was tried outside for orders; kind otp; outcome done, retried, failed, dropped",
            ["kind", "outcome"],
            registry=registry,
        )
        self.bill_deviations = Counter(
            "bridge_bill_deviations",
            "Final bills that differ from the total of the CPO's CDR by more than the tolerance",
            ["cpo"],
            registry=registry,
        )
        self.cpo_up = Gauge(
            "bridge_cpo_up",
            "Whether a CPO answers: 1, or 0",
            ["cpo"],
            registry=registry,
        )
        self.lane_depth = Gauge(
            "bridge_lane_depth",
            "Lanes that have work, by kind: inbox, outbox, command, live, errand",
            ["lane"],
            registry=registry,
        )
        self.dead_letters = Gauge(
            "bridge_dead_letters", "Jobs given up, waiting for an operator", registry=registry
        )
        self.catalogue_items = Gauge(
            "bridge_catalogue_items", "Connectors that searches find", registry=registry
        )
        self.payment_events = Counter(
            "bridge_payment_events",
            "Payment webhook; outcome taken, repeated, refused, unsigned, unavailable",
            ["outcome"],
            registry=registry,
        )
        self.mapping = Info("bridge_mapping", "The mapping in use", registry=registry)
        self.commercial = Info(
            "bridge_commercial_terms", "The commercial terms in use", registry=registry
        )
        self.commercial_reloads = Counter(
            "bridge_commercial_reloads",
            "Files of commercial terms read; result loaded, refused",
            ["result"],
            registry=registry,
        )

    def exposition(self) -> bytes:
        """Write all metrics in the Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)
