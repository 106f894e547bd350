"""What a bridge tells about a walk-in: log, metrics and one trace, of one real run."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bridge.sandbox.drive import BILLING, UPI, walk_in
from tests.chart.series import named
from tests.e2e.collector import Collector, Span
from tests.e2e.rig import Site, rig
from tests.pages import ROOT, quoted, read, rows
from tests.redis_source import empty

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The traceparent of a BAP that traces as well."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What was told of one walk-in, and of a search of a BAP that traces."""

    transaction_id: str
    log: list[Line]
    metrics: str
    collector: Collector

    def lines(self, event: str) -> list[Line]:
        """Return the lines of the walk-in with an event."""
        own = self.transaction_id
        return [each for each in self.log if each["event"] == event and of(each) == own]

    def named(self, name: str, kind: str, within: list[Span]) -> Span:
        """Return the first span with a name."""
        return next(each for each in within if (each.name, each.kind) == (name, kind))


def of(line: Line) -> str | None:
    """Return the transaction of a line."""
    found: str | None = line.get("transaction_id")
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Run:
    """Play a walk-in with everything switched on."""
    try:
        return asyncio.run(played(tmp_path_factory.mktemp("telling"), redis_server))
    finally:
        asyncio.run(empty(redis_server))


async def played(folder: Path, redis_url: str) -> Run:
    collector = Collector()
    site = Site(collector.app)
    await site.start()
    try:
        traces = {"endpoint": f"{site.url}/v1/traces", "service_name": "bridge-of-the-test"}
        log = {"level": "debug", "format": "json"}
        async with rig(folder, redis_url, log=log, tracing=traces) as world:
            final = await walk_in(world.bap)
            search = {"context": world.bap.context("search", "of-a-traced-bap")}
            body = {**search, "message": {"intent": {}}}
            async with (
                aiohttp.ClientSession(headers={"traceparent": CALLER}) as http,
                http.post(f"{world.bridges[0].url}/beckn/search", json=body) as answer,
            ):
                assert answer.status == 200
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{world.bridges[0].url}/metrics") as answer,
            ):
                metrics = await answer.text()
        lines = world.bridges[0].log.read_text().splitlines()
    finally:
        await site.stop()
    return Run(
        final["context"]["transaction_id"], [json.loads(line) for line in lines], metrics, collector
    )


# The log

OF_THE_BRIDGE = re.compile(r"(bridge|catalogue|cpo|mapping|pull|ocpi|otp|connection|commercial)\.")
"""Events that need be of no order."""


def test_each_line_of_an_order_names_its_transaction(run: Run) -> None:
    strange = [
        each for each in run.log if of(each) is None and not OF_THE_BRIDGE.match(each["event"])
    ]
    assert strange == []
    pushed = [each for each in run.lines("ocpi.answered") if each["module"] != "locations"]
    assert {each["module"] for each in pushed} == {"commands", "sessions", "cdrs"}
    assert {each["module"] for each in run.lines("ocpi.called")} >= {"commands", "tokens"}


def test_each_line_names_the_request_that_it_is_due_to(run: Run) -> None:
    events = ("beckn.queued", "callback.delivered", "command.answered")
    for event in events:
        assert run.lines(event)
        assert [each for each in run.lines(event) if "message_id" not in each] == []
    (command,) = run.lines("command.answered")
    updates = [each for each in run.lines("beckn.queued") if each["action"] == "update"]
    assert command["message_id"] == updates[0]["message_id"]


def test_each_line_names_the_cpo_once_something_is_chosen(run: Run) -> None:
    known = [each for each in run.log if of(each) == run.transaction_id]
    nameless = [each for each in known if "cpo" not in each and each["event"] != "beckn.queued"]
    assert {(each["event"], each["action"]) for each in nameless} == {
        ("callback.delivered", "on_search")
    }


def test_each_line_names_the_session_once_there_is_one(run: Run) -> None:
    known = [each for each in run.log if of(each) == run.transaction_id]
    begun = next(place for place, each in enumerate(known) if "session_id" in each)
    nameless = {each["event"] for each in known[begun:] if "session_id" not in each}
    assert nameless == {"beckn.queued"}
    assert len({each["session_id"] for each in known[begun:] if "session_id" in each}) == 1


# Metrics


def test_the_table_of_metrics_is_what_the_process_exports(run: Run) -> None:
    told = {quoted(name)[0] for name, _, _ in rows(read("docs/operations.md"), "## Metrics")}
    exported = set(re.findall(r"^# TYPE (bridge_\w+)", run.metrics, re.MULTILINE))
    # When a counter began has a name of its own, which is nothing to look at.
    assert told == {name for name in exported if not name.endswith("_created")}


def test_alerts_and_dashboard_ask_for_what_the_process_exports(run: Run) -> None:
    exported = {
        name + ending
        for name, kind in re.findall(r"^# TYPE (bridge_\w+) (\w+)", run.metrics, re.MULTILINE)
        for ending in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    files = ROOT / "charts" / "beckn-ocpi-bridge" / "files"
    rules = yaml.safe_load((files / "alerts.yaml").read_text("utf-8"))
    asked = {rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    for panel in json.loads((files / "dashboard.json").read_text("utf-8"))["panels"]:
        asked |= {target["expr"] for target in panel.get("targets", ())}
    used = set().union(*(named(query) for query in asked))
    assert len(used) > 30
    assert used <= exported


OF_CPO1 = '{cpo="cpo1"'


@pytest.mark.parametrize(
    "sample",
    [
        'bridge_beckn_requests_total{action="update",outcome="ack"} 1.0',
        f'bridge_ocpi_requests_total{OF_CPO1},direction="in",method="PUT",module="sessions",*',
        f'bridge_ocpi_requests_total{OF_CPO1},direction="out",method="POST",module="commands",*',
        f'bridge_ocpi_request_seconds_count{OF_CPO1},direction="in",module="cdrs"}} 1.0',
        'bridge_callback_post_seconds_count{action="on_confirm"} 1.0',
        f'bridge_commands_total{OF_CPO1},kind="START_SESSION",result="ACCEPTED"}} 1.0',
        f"bridge_bills_total{OF_CPO1}}} 1.0",
        'bridge_order_transitions_total{state="CHARGING"} 1.0',
        f"bridge_cpo_registered{OF_CPO1}}} 1.0",
        f'bridge_last_pull_timestamp_seconds{OF_CPO1},module="locations"}} 1.*',
        'bridge_lane_oldest_seconds{lane="outbox"} *',
        'bridge_workers{lane="inbox"} 64.0',
        'bridge_redis_request_seconds_count{operation="commit"} *',
        'bridge_redis_errors_total{operation="commit"} 0.0',
    ],
)
def test_a_walk_in_is_counted(run: Run, sample: str) -> None:
    pattern = sample.replace("[", "[[]")
    assert fnmatch.filter(run.metrics.splitlines(), pattern), run.metrics


# Traces


@pytest.fixture
def trace(run: Run) -> list[Span]:
    """Give the trace of the update that starts the charging."""
    update = run.named("Beckn update", "server", run.collector.spans)
    return run.collector.trace(update.trace_id)


STEPS = [
    ("Beckn update server", ""),
    ("decide update consumer", "Beckn update server"),
    ("send START_SESSION consumer", "decide update consumer"),
    ("OCPI POST commands client", "send START_SESSION consumer"),
    ("decide command_response consumer", "send START_SESSION consumer"),
    ("OCPI POST commands server", "decide update consumer"),
    ("decide command_result consumer", "OCPI POST commands server"),
    ("OCPI PUT sessions server", "decide update consumer"),
    ("decide session consumer", "OCPI PUT sessions server"),
    ("deliver on_update consumer", "decide session consumer"),
    ("Beckn POST on_update client", "deliver on_update consumer"),
    ("OCPI POST cdrs server", "decide update consumer"),
    ("decide cdr consumer", "OCPI POST cdrs server"),
]
"""Spans of one trace, and what each is due to."""


@pytest.mark.parametrize(("step", "due_to"), STEPS, ids=[step for step, _ in STEPS])
def test_one_trace_spans_what_an_update_leads_to(trace: list[Span], step: str, due_to: str) -> None:
    by_id = {each.id: each for each in trace}
    parents = [by_id.get(each.parent_id) for each in trace if f"{each.name} {each.kind}" == step]
    assert parents
    named = ["" if each is None else f"{each.name} {each.kind}" for each in parents]
    # A CPO's pushes may be many, and so may callbacks: the first is what the row is about.
    assert named[0] == due_to


def test_nothing_of_a_trace_is_left_hanging(trace: list[Span]) -> None:
    ids = {each.id for each in trace}
    assert [each.name for each in trace if each.parent_id not in ids] == ["Beckn update"]
    assert not any(each.failed for each in trace)


def test_spans_have_the_ids_of_the_log(run: Run, trace: list[Span]) -> None:
    push = run.named("OCPI PUT sessions", "server", trace)
    assert push.facts["bridge.transaction_id"] == run.transaction_id
    assert push.facts["bridge.cpo"] == "cpo1"
    assert push.facts["bridge.session_id"] == run.lines("errand.done")[0]["session_id"]
    assert (push.facts["http.request.method"], push.facts["bridge.ocpi_status"]) == ("PUT", 1000)
    queued = next(each for each in run.lines("beckn.queued") if each["action"] == "update")
    assert queued["trace_id"] == push.trace_id


def test_a_bap_that_traces_finds_us_in_its_trace(run: Run) -> None:
    _, trace_id, parent_id, _ = CALLER.split("-")
    trace = run.collector.trace(trace_id)
    search = run.named("Beckn search", "server", trace)
    assert search.parent_id == parent_id
    assert {each.name for each in trace} >= {"decide search", "Beckn POST on_search"}


def test_a_service_says_its_name(run: Run) -> None:
    assert run.collector.service["service.name"] == "bridge-of-the-test"


def test_no_span_names_a_person_or_a_token(run: Run) -> None:
    told = repr(run.collector.spans)
    private = [*BILLING.values(), UPI, "Asha", "token-a-of-the-sandbox", "Token "]
    assert [each for each in private if each in told] == []
