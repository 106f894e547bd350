"""A collector of traces: takes OTLP over HTTP, as an OpenTelemetry collector does."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True)
class Span:
    """A span as it was exported; ids in hexadecimal, times in ns."""

    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    begun_ns: int
    ended_ns: int
    facts: dict[str, str | int]
    links: tuple[str, ...]
    failed: bool


@dataclass
class Collector:
    """An aiohttp program that keeps what it gets.

    Args:
        service: what the exporter says it is.
    """

    spans: list[Span] = field(default_factory=list)
    service: dict[str, str | int] = field(default_factory=dict)

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=2**24)
        app.add_routes([web.post("/v1/traces", self._take)])
        return app

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.service |= {each.key: _value(each.value) for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        name=each.name,
                        kind=each.SpanKind.Name(each.kind).removeprefix("SPAN_KIND_").lower(),
                        trace_id=each.trace_id.hex(),
                        id=each.span_id.hex(),
                        parent_id=each.parent_span_id.hex(),
                        begun_ns=each.start_time_unix_nano,
                        ended_ns=each.end_time_unix_nano,
                        facts={fact.key: _value(fact.value) for fact in each.attributes},
                        links=tuple(link.trace_id.hex() for link in each.links),
                        failed=each.status.code == each.status.STATUS_CODE_ERROR,
                    )
                    for each in scope.spans
                ]
        return web.Response()

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace, by their begin."""
        found = [each for each in self.spans if each.trace_id == trace_id]
        return sorted(found, key=lambda each: each.begun_ns)


def _value(value: AnyValue) -> str | int:
    return value.int_value if value.HasField("int_value") else value.string_value
