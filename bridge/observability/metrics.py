"""The Prometheus metrics. Labels take words of closed sets only: never ids, nor what was sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

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

REQUEST_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Buckets of what somebody waits for."""

DELIVERY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600)
"""Buckets of what is tried again for a while."""

REDIS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)

NONE: Final = "none"
"""The label where there is no such thing: a caller that nobody knows, an answer that did not come.
"""


class Metrics:
    """The bridge's metrics, in a registry of their own: each app has its own and passes it on."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        counter: Callable[..., Counter] = partial(Counter, registry=registry)
        gauge: Callable[..., Gauge] = partial(Gauge, registry=registry)
        seconds: Callable[..., Histogram] = partial(Histogram, registry=registry)
        info: Callable[..., Info] = partial(Info, registry=registry)

        # Both sides
        self.turned_away = counter(
            "bridge_connections_turned_away",
            "Connections that were ended; why full (too many), slow (a head or body took too long)",
            ["why"],
        )
        self.limited = counter(
            "bridge_rate_limited",
            "Requests above the rate of their sender; side beckn, ocpi",
            ["side"],
        )

        # Beckn
        self.beckn_requests = counter(
            "bridge_beckn_requests",
            "Beckn requests received; outcome ack, nack, unsigned, limited, unavailable, notice",
            ["action", "outcome"],
        )
        self.beckn_seconds = seconds(
            "bridge_beckn_request_seconds",
            "Time from a Beckn request to its ACK or NACK",
            ["action"],
            buckets=REQUEST_S,
        )
        self.beckn_quirks = counter(
            "bridge_beckn_quirk", "Deviations from Beckn that were accepted on input", ["quirk"]
        )
        self.layer2 = counter(
            "bridge_beckn_layer2_violations",
            "Messages that break a layer-2 file; direction in or out",
            ["direction", "action"],
        )
        self.callbacks = counter(
            "bridge_callbacks",
            "Callbacks tried; outcome delivered, retried, split, echoed, late, dead",
            ["action", "outcome"],
        )
        self.callback_seconds = seconds(
            "bridge_callback_seconds",
            "Time from a callback's place in the outbox to its delivery",
            ["action"],
            buckets=DELIVERY_S,
        )
        self.callback_post_seconds = seconds(
            "bridge_callback_post_seconds",
            "Time of one try to deliver a callback, whatever came of it",
            ["action"],
            buckets=REQUEST_S,
        )

        # OCPI
        self.ocpi_requests = counter(
            "bridge_ocpi_requests",
            "OCPI requests; direction in (from a CPO) or out (to one), status the OCPI status code",
            ["direction", "cpo", "module", "method", "status"],
        )
        self.ocpi_seconds = seconds(
            "bridge_ocpi_request_seconds",
            "Time of OCPI requests",
            ["direction", "cpo", "module"],
            buckets=REQUEST_S,
        )
        self.leniencies = counter(
            "bridge_ocpi_leniency",
            "Deviations from OCPI that were forgiven, by the name in docs/ocpi-peers.md",
            ["cpo", "leniency"],
        )
        self.bad_objects = counter(
            "bridge_ocpi_bad_objects",
            "Objects of a CPO's lists that could not be read",
            ["cpo", "module"],
        )
        self.commands = counter(
            "bridge_commands",
            "OCPI commands sent, by the CPO's word on them",
            ["cpo", "kind", "result"],
        )
        self.pushes = counter(
            "bridge_pushes",
            "What else was pushed to CPOs; kind token, preferences; result done, failed",
            ["cpo", "kind", "result"],
        )
        self.cpo_up = gauge("bridge_cpo_up", "Whether a CPO answers: 1, or 0", ["cpo"])
        self.cpo_registered = gauge(
            "bridge_cpo_registered", "Whether the connection to a CPO stands: 1, or 0", ["cpo"]
        )
        self.last_pull = gauge(
            "bridge_last_pull_timestamp_seconds",
            "Begin of the last pull of a CPO's list that read every page; 0: none did",
            ["cpo", "module"],
        )

        # Orders
        self.order_transitions = counter(
            "bridge_order_transitions", "Orders that came into a state", ["state"]
        )
        self.deadline_lag = seconds(
            "bridge_deadline_lag_seconds",
            "How late a deadline became an event of its order",
            ["deadline"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 120),
        )
        self.deadlines_overdue = gauge(
            "bridge_deadlines_overdue", "Deadlines that have passed and are no events yet"
        )
        self.bills = counter("bridge_bills", "Final bills made of a CDR", ["cpo"])
        self.bill_deviations = counter(
            "bridge_bill_deviations",
            "Final bills that differ from the total of the CPO's CDR by more than the tolerance",
            ["cpo"],
        )
        self.errands = counter(
            "bridge_errands",
            "What was tried outside for orders; outcome done, retried, failed, dropped",
            ["kind", "outcome"],
        )
        self.payment_events = counter(
            "bridge_payment_events",
            "Payment webhook; outcome taken, repeated, refused, unsigned, unavailable",
            ["outcome"],
        )

        # Lanes: inbox, outbox, command, live, errand
        self.lane_depth = gauge("bridge_lane_depth", "Lanes that have work, by kind", ["lane"])
        self.lane_oldest = gauge(
            "bridge_lane_oldest_seconds",
            "Age of the oldest entry at the head of a lane, by kind; 0: there is none",
            ["lane"],
        )
        self.lane_seconds = seconds(
            "bridge_lane_entry_seconds",
            "Time that a worker took for one entry",
            ["lane"],
            buckets=REQUEST_S,
        )
        self.lane_crashes = counter(
            "bridge_lane_crashes", "Entries that no worker could digest", ["lane"]
        )
        self.workers_busy = gauge(
            "bridge_workers_busy", "Entries that this replica has in hand", ["lane"]
        )
        self.workers = gauge(
            "bridge_workers", "Entries that it can have in hand at a time", ["lane"]
        )
        self.dead_letters = gauge("bridge_dead_letters", "Callbacks given up, to be looked at")
        self.failed_entries = gauge(
            "bridge_failed_entries", "Entries put aside because they crashed their worker"
        )

        # This replica
        self.redis_seconds = seconds(
            "bridge_redis_request_seconds",
            "Round trips to Redis; operation command, commit, claim, script, wait (blocking reads)",
            ["operation"],
            buckets=REDIS_S,
        )
        self.redis_errors = counter(
            "bridge_redis_errors", "Round trips to Redis that failed", ["operation"]
        )
        self.catalogue_items = gauge("bridge_catalogue_items", "Connectors that searches find")
        self.catalogue_locations = gauge(
            "bridge_catalogue_locations", "Locations in the catalogue, on offer or not"
        )
        self.mapping = info("bridge_mapping", "The mapping in use")
        self.commercial = info("bridge_commercial_terms", "The commercial terms in use")
        self.commercial_reloads = counter(
            "bridge_commercial_reloads",
            "Files of commercial terms read; result loaded, refused",
            ["result"],
        )

    def exposition(self) -> bytes:
        """Write all metrics in the Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)
