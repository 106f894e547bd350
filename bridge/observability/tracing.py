"""Traces: which work belongs together, across processes and over Redis (W3C Trace Context).

Nothing here knows OpenTelemetry: what a span hands on is its ``traceparent``, a short text.
Switched off, which is the default, there is never one, and all of this costs a call.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Final, Literal, Protocol

HEADER: Final = "traceparent"

Kind = Literal["server", "client", "consumer"]
"""Received from somebody, sent to somebody, taken from a lane."""


class Span(Protocol):
    """Some work, from its begin to its end."""

    def note(self, **facts: str | int | None) -> None:
        """Add facts; None is left out. Never a token, nor anything of a person."""
        ...

    def failed(self, why: str) -> None:
        """Mark it as failed."""
        ...

    def called(self, name: str) -> None:
        """Give it a better name, of words of a closed set."""
        ...

    def joins(self, traceparent: str | None) -> None:
        """Make it part of another trace, if it has handed nothing on yet."""
        ...

    @property
    def traceparent(self) -> str | None:
        """What is handed on; from then on it is clear which trace the span belongs to."""
        ...

    @property
    def trace_id(self) -> str | None:
        """The trace, once that is clear."""
        ...


class Tracing(Protocol):
    """Makes spans."""

    @property
    def on(self) -> bool:
        """Whether anything is recorded at all."""
        ...

    def span(
        self, name: str, kind: Kind, *, parent: str | None = None, **facts: str | int | None
    ) -> AbstractContextManager[Span]:
        """Return a span of what is done inside.

        Args:
            name: words of a closed set.
            parent: a traceparent as it came; without one it is the span around, if there is any.
        """
        ...

    async def close(self) -> None:
        """Send what was not sent yet."""
        ...


class Silent:
    """Fits Span; records nothing."""

    def note(self, **facts: str | int | None) -> None:
        """Do nothing."""

    def failed(self, why: str) -> None:
        """Do nothing."""

    def called(self, name: str) -> None:
        """Do nothing."""

    def joins(self, traceparent: str | None) -> None:
        """Do nothing."""

    traceparent: None = None
    trace_id: None = None


class Off:
    """Fits Tracing; records nothing."""

    on: Final = False
    _nothing = nullcontext(Silent())

    def span(
        self, name: str, kind: Kind, *, parent: str | None = None, **facts: str | int | None
    ) -> AbstractContextManager[Span]:
        """Return a span that does nothing."""
        return self._nothing

    async def close(self) -> None:
        """Do nothing."""


OFF: Final = Off()

around: ContextVar[Span | None] = ContextVar("around", default=None)
"""The span that the running task is in."""


def current() -> str | None:
    """Return the traceparent of the span that the running task is in."""
    span = around.get()
    return None if span is None else span.traceparent


def carried() -> dict[str, str]:
    """Return the header that a request takes along."""
    traceparent = current()
    return {} if traceparent is None else {HEADER: traceparent}


def trace_id() -> str | None:
    """Return the trace that the running task is known to be in."""
    span = around.get()
    return None if span is None else span.trace_id


def called(name: str) -> None:
    """Give the span around a better name."""
    span = around.get()
    if span is not None:
        span.called(name)


def join(traceparent: str | None) -> None:
    """Make the span around part of another trace, if it has handed nothing on yet."""
    span = around.get()
    if span is not None:
        span.joins(traceparent)
