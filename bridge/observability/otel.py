"""Traces over OTLP/HTTP, by OpenTelemetry: imported only when they are switched on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge.observability.log import facts_known
from bridge.observability.redaction import shown_text
from bridge.observability.tracing import HEADER, Kind, around, current

EXPORT_TIMEOUT_S: Final = 3
"""How long one export may take; what cannot be sent is dropped, nothing waits for it."""

LONGEST: Final = 300
"""Letters of an attribute that are kept."""

KINDS: Final = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "consumer": SpanKind.CONSUMER,
}

STANDARD: Final = {
    "http": "http.response.status_code",
    "method": "http.request.method",
    "peer": "server.address",
}
"""Our words for what OpenTelemetry's semantic conventions have a name for."""


class _Parent(NamedTuple):
    context: Context
    span: SpanContext


def _read(traceparent: str | None) -> _Parent | None:
    """Return what a traceparent says; None: nothing, or what no traceparent says."""
    if traceparent is None:
        return None
    context = TraceContextTextMapPropagator().extract({HEADER: traceparent}, Context())
    span = get_current_span(context).get_span_context()
    return _Parent(context, span) if span.is_valid else None


class LazySpan:
    """Fits Span. It begins when it is made, but its trace may be told later: a push of a CPO is
    read before it is clear which order it is about.
    """

    def __init__(self, tracer: Tracer, name: str, kind: Kind, parent: str | None) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = KINDS[kind]
        self._parent = _read(parent)
        self._link: SpanContext | None = None
        self._begun_ns = time.time_ns()
        self._facts: dict[str, str | int] = {}
        self._failure: str | None = None
        self._span: Span | None = None

    def note(self, **facts: str | int | None) -> None:
        """Add facts."""
        for name, fact in facts.items():
            if fact is not None:
                shown = shown_text(fact)[:LONGEST] if isinstance(fact, str) else fact
                self._facts[STANDARD.get(name, f"bridge.{name}")] = shown

    def called(self, name: str) -> None:
        """Give it a better name."""
        self._name = name

    def failed(self, why: str) -> None:
        """Mark it as failed."""
        self._failure = shown_text(why)[:LONGEST]

    def joins(self, traceparent: str | None) -> None:
        """Become part of another trace; the one that it came from is linked."""
        other = _read(traceparent)
        if self._span is not None or other is None:
            return
        if self._parent is not None and self._parent.span.trace_id == other.span.trace_id:
            return
        self._link = None if self._parent is None else self._parent.span
        self._parent = other

    @property
    def traceparent(self) -> str:
        """What is handed on."""
        span = self._started().get_span_context()
        return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"

    @property
    def trace_id(self) -> str | None:
        """The trace, if it is known."""
        if self._span is None:
            return None
        return f"{self._span.get_span_context().trace_id:032x}"

    def end(self) -> None:
        """End now."""
        span = self._started()
        self.note(**facts_known())
        span.update_name(self._name)
        for name, fact in self._facts.items():
            span.set_attribute(name, fact)
        if self._failure is not None:
            span.set_status(Status(StatusCode.ERROR, self._failure))
        span.end()

    def _started(self) -> Span:
        if self._span is None:
            self._span = self._tracer.start_span(
                self._name,
                context=Context() if self._parent is None else self._parent.context,
                kind=self._kind,
                links=[] if self._link is None else [Link(self._link)],
                start_time=self._begun_ns,
            )
        return self._span


class OpenTelemetry:
    """Fits Tracing. Spans leave in a thread of their own, some at a time."""

    on: Final = True

    def __init__(self, exporter: SpanExporter, *, service_name: str, sample_ratio: float) -> None:
        release = version("beckn-ocpi-bridge")
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=Resource.create(
                {
                    "service.name": service_name,
                    "service.version": release,
                    "service.instance.id": str(uuid.uuid4()),
                }
            ),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_attributes=32),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bridge", release)

    @contextmanager
    def span(
        self, name: str, kind: Kind, *, parent: str | None = None, **facts: str | int | None
    ) -> Iterator[LazySpan]:
        """Return a span of what is done inside."""
        span = LazySpan(self._tracer, name, kind, parent or current())
        span.note(**facts)
        outer = around.set(span)
        try:
            yield span
        except BaseException as error:
            span.failed(type(error).__name__)
            raise
        finally:
            around.reset(outer)
            span.end()

    async def close(self) -> None:
        """Send what was not sent yet."""
        await asyncio.to_thread(self._provider.shutdown)


def over_http(endpoint: str, *, service_name: str, sample_ratio: float) -> OpenTelemetry:
    """Return what sends spans to a collector."""
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_S)
    return OpenTelemetry(exporter, service_name=service_name, sample_ratio=sample_ratio)
