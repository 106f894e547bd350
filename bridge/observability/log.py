"""The log: structured lines that name no person, JSON for machines or text for eyes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Final, Literal, Protocol, TextIO, cast

import structlog

from bridge.observability.events import Event
from bridge.observability.redaction import redact
from bridge.observability.tracing import trace_id

CARRIED: Final = ("cpo", "message_id", "session_id")
"""Facts that go along with work that is left to somebody else; its transaction is its lane's."""


SHOWN: Final = ("transaction_id", "action", *CARRIED)
"""Facts that spans show as well."""


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
    return structlog.contextvars.bound_contextvars(**_known(facts))


@contextmanager
def episode(**facts: str | None) -> Iterator[None]:
    """Do the same, and put what is learned on the way into every later line inside."""
    before = structlog.contextvars.get_contextvars()
    outer = _learning.set(True)
    learn(**facts)
    try:
        yield
    finally:
        _learning.reset(outer)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)


def learn(**facts: str | None) -> None:
    """Put facts into every later line of the episode; outside of one nothing happens."""
    if _learning.get():
        structlog.contextvars.bind_contextvars(**_known(facts))


def facts_known() -> dict[str, str]:
    """Return what every line of this task carries now."""
    known = structlog.contextvars.get_contextvars()
    return {name: known[name] for name in SHOWN if name in known}


def carried_facts() -> dict[str, str]:
    """Return what is known and goes along with work that is left to somebody else."""
    known = structlog.contextvars.get_contextvars()
    return {name: known[name] for name in CARRIED if name in known}


_learning: ContextVar[bool] = ContextVar("learning", default=False)


def _known(facts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: fact for name, fact in facts.items() if fact is not None}


def _with_trace(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the trace that the line is about, if there is any; a structlog processor."""
    trace = trace_id()
    return event if trace is None else {**event, "trace_id": trace}


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
        _with_trace,
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
