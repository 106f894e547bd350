"""Spans: which trace they are part of, what they hand on; and that off there are none."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from bridge.errors import SettingsInvalid
from bridge.observability import configure_logging, episode, get_logger, handed_on, learn
from bridge.observability.otel import OpenTelemetry
from bridge.observability.tracing import OFF, called, carried, current, join
from bridge.settings.model import Tracing
from bridge.wiring import tracing_of

ORDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CPO = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class Spans:
    """What makes spans, and what became of them."""

    def __init__(self, sample_ratio: float = 1) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracing = OpenTelemetry(self._exporter, service_name="test", sample_ratio=sample_ratio)

    async def ended(self) -> dict[str, ReadableSpan]:
        """Return all spans by name; there will be no more."""
        await self.tracing.close()
        return {each.name: each for each in self._exporter.get_finished_spans()}


def ids(span: ReadableSpan) -> tuple[str, str]:
    """Return the trace and the parent of a span, in hexadecimal."""
    parent = "" if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{span.context.trace_id:032x}", parent


@pytest.fixture
def spans() -> Spans:
    return Spans()


async def test_a_span_is_due_to_the_one_around(spans: Spans) -> None:
    with spans.tracing.span("outer", "server"):
        handed = current()
        with spans.tracing.span("inner", "client"):
            pass
    assert current() is None

    ended = await spans.ended()
    trace, _ = ids(ended["outer"])
    assert handed is not None
    assert ids(ended["inner"]) == (trace, handed.split("-")[2])


async def test_a_traceparent_that_came_is_honoured(spans: Spans) -> None:
    with spans.tracing.span("receives", "server", parent=CPO):
        pass
    assert ids((await spans.ended())["receives"]) == tuple(CPO.split("-")[1:3])


@pytest.mark.parametrize(
    "odd", ["", "00-zz-1-01", "garbage", CPO + "-more", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"]
)
async def test_what_is_no_traceparent_begins_a_trace(spans: Spans, odd: str) -> None:
    with spans.tracing.span("receives", "server", parent=odd):
        pass
    assert ids((await spans.ended())["receives"])[1] == ""


async def test_a_push_joins_the_trace_of_its_order_and_links_its_own(spans: Spans) -> None:
    with spans.tracing.span("push", "server", parent=CPO):
        join(ORDER)
        assert carried()["traceparent"].startswith(ORDER[:36])
        join(CPO)

    push = (await spans.ended())["push"]
    assert ids(push) == tuple(ORDER.split("-")[1:3])
    assert [f"{link.context.trace_id:032x}" for link in push.links] == [CPO.split("-")[1]]


async def test_a_push_that_came_in_the_trace_of_its_order_stays_where_it_is(spans: Spans) -> None:
    nearer = ORDER.replace("b7ad6b7169203331", "00f067aa0ba902b7")
    with spans.tracing.span("push", "server", parent=nearer):
        join(ORDER)
    push = (await spans.ended())["push"]
    assert ids(push) == tuple(nearer.split("-")[1:3])
    assert push.links == ()


async def test_whoever_is_not_sampled_hands_that_on(spans: Spans) -> None:
    with spans.tracing.span("receives", "server", parent=UNSAMPLED):
        assert carried()["traceparent"].endswith("-00")
    assert await spans.ended() == {}


async def test_no_share_of_what_begins_here_is_none() -> None:
    spans = Spans(sample_ratio=0)
    with spans.tracing.span("begins", "server"):
        pass
    with spans.tracing.span("goes on", "server", parent=CPO):
        pass
    assert list(await spans.ended()) == ["goes on"]


async def test_facts_are_those_of_the_log_and_name_nobody(spans: Spans) -> None:
    with episode(transaction_id="t1"), spans.tracing.span("works", "client", http=None) as span:
        learn(cpo="cpo1", correlation_id="shown in the log only")
        span.note(http=502, method="PUT", reason="call +91 98765-43210")
        called("works well")
        span.failed("mail to asha@mail.example bounced" + "." * 500)

    (span_,) = (await spans.ended()).values()
    assert span_.name == "works well"
    assert dict(span_.attributes or {}) == {
        "http.response.status_code": 502,
        "http.request.method": "PUT",
        "bridge.reason": "call ***",
        "bridge.transaction_id": "t1",
        "bridge.cpo": "cpo1",
    }
    assert span_.status.status_code is StatusCode.ERROR
    assert (span_.status.description or "").startswith("mail to *** bounced")
    assert len(span_.status.description or "") == 300


async def test_what_is_raised_fails_the_span_by_its_type_alone(spans: Spans) -> None:
    def fail() -> None:
        with spans.tracing.span("fails", "client"):
            raise ValueError("PRIVATE")

    with pytest.raises(ValueError, match="PRIVATE"):
        fail()
    span = (await spans.ended())["fails"]
    assert span.status.description == "ValueError"
    assert "PRIVATE" not in span.to_json()


async def test_lines_of_the_log_name_the_trace(spans: Spans) -> None:
    written = io.StringIO()
    configure_logging("info", "json", written)
    with spans.tracing.span("receives", "server", parent=CPO):
        get_logger().info("beckn.queued")
        current()
        get_logger().info("beckn.queued")
    get_logger().info("beckn.queued")
    told = [json.loads(line).get("trace_id") for line in written.getvalue().splitlines()]
    # Of the first line it is not clear yet which trace it will be part of.
    assert told == [None, CPO.split("-")[1], None]
    await spans.ended()


async def test_work_that_is_left_to_others_takes_facts_and_span_along(spans: Spans) -> None:
    with episode(cpo="cpo1", action="update"), spans.tracing.span("x", "server", parent=CPO):
        assert handed_on() == {"cpo": "cpo1", "traceparent": current()}
    assert handed_on() == {}
    await spans.ended()


# Off


def test_without_an_endpoint_nothing_is_traced() -> None:
    tracing = tracing_of(Tracing())
    assert tracing is OFF
    with tracing.span("x", "server", parent=CPO) as span:
        span.note(cpo="cpo1")
        join(ORDER)
        assert (current(), carried(), span.traceparent) == (None, {}, None)


def test_without_an_endpoint_what_sends_spans_is_not_even_loaded() -> None:
    look = "import sys, bridge.app; print('bridge.observability.otel' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_an_endpoint_without_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bridge.observability.otel", None)
    with pytest.raises(SettingsInvalid, match=r"beckn-ocpi-bridge\[otel\]"):
        tracing_of(Tracing(endpoint="http://collector.example:4318/v1/traces"))
