"""Writes the chart's Grafana dashboard: python -m charts.dashboard

A panel is a few lines here and thirty in Grafana's JSON. Every series is narrowed to the namespace
and job that are chosen at the top of the dashboard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

TARGET: Final = Path(__file__).parent / "beckn-ocpi-bridge" / "files" / "dashboard.json"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

WIDTH: Final = 24
"""Columns of Grafana's grid."""


class Panel(NamedTuple):
    """One panel.

    Args:
        queries: PromQL by legend; ``{{label}}`` in a legend is the label's value.
        unit: Grafana's word for it: ``s``, ``reqps``, ``short``, ``bytes``, ``percentunit``.
    """

    title: str
    queries: dict[str, str]
    unit: str = "short"
    type: Literal["timeseries", "stat"] = "timeseries"
    description: str = ""


def rate(metric: str, *labels: str) -> str:
    """Return the rate of a counter by labels, over all replicas."""
    return f"sum by ({', '.join(labels)}) (rate({metric}[$__rate_interval]))"


def within(share: float, metric: str, *labels: str, of: str = "") -> str:
    """Return the time that a share of a histogram's requests took at most.

    Args:
        of: narrows the requests, as PromQL has it: ``{label="value"}``.
    """
    by = ", ".join(("le", *labels))
    series = f"{metric}_bucket{of}[$__rate_interval]"
    return f"histogram_quantile({share}, sum by ({by}) (rate({series})))"


ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "At a glance": (
        Panel("Replicas", {"": "count(bridge_mapping_info)"}, type="stat"),
        Panel("Connectors on offer", {"": "max(bridge_catalogue_items)"}, type="stat"),
        Panel("CPOs that answer", {"": "sum(max by (cpo) (bridge_cpo_up))"}, type="stat"),
        Panel(
            "Oldest undelivered callback",
            {"": 'max(bridge_lane_oldest_seconds{lane="outbox"})'},
            "s",
            type="stat",
        ),
        Panel("Overdue deadlines", {"": "max(bridge_deadlines_overdue)"}, type="stat"),
        Panel("Dead letters", {"": "max(bridge_dead_letters)"}, type="stat"),
    ),
    "Beckn": (
        Panel("Requests", {"{{action}}": rate("bridge_beckn_requests_total", "action")}, "reqps"),
        Panel(
            "Requests that were not ACKed",
            {
                "{{action}} {{outcome}}": rate(
                    'bridge_beckn_requests_total{outcome!="ack"}', "action", "outcome"
                ),
                "{{side}} above its rate": rate("bridge_rate_limited_total", "side"),
                "connection {{why}}": rate("bridge_connections_turned_away_total", "why"),
            },
            "reqps",
        ),
        Panel(
            "Time to the ACK",
            {
                "half": within(0.5, "bridge_beckn_request_seconds"),
                "99 %": within(0.99, "bridge_beckn_request_seconds"),
            },
            "s",
        ),
        Panel("Callbacks", {"{{outcome}}": rate("bridge_callbacks_total", "outcome")}, "reqps"),
        Panel(
            "Time from the outbox to the BAP's ACK, 99 %",
            {
                "{{action}}": within(0.99, "bridge_callback_seconds", "action"),
                "one try": within(0.99, "bridge_callback_post_seconds"),
            },
            "s",
        ),
        Panel(
            "Quirks and violations of layer 2",
            {
                "{{quirk}}": rate("bridge_beckn_quirk_total", "quirk"),
                "layer 2 {{direction}} {{action}}": rate(
                    "bridge_beckn_layer2_violations_total", "direction", "action"
                ),
            },
            "reqps",
        ),
    ),
    "OCPI, by CPO": (
        Panel(
            "Requests",
            {
                "{{direction}} {{cpo}} {{module}}": rate(
                    "bridge_ocpi_requests_total", "direction", "cpo", "module"
                )
            },
            "reqps",
        ),
        Panel(
            "Requests whose status is not 1000",
            {
                "{{direction}} {{cpo}} {{module}} {{status}}": rate(
                    'bridge_ocpi_requests_total{status!="1000"}',
                    "direction",
                    "cpo",
                    "module",
                    "status",
                )
            },
            "reqps",
        ),
        Panel(
            "Time of requests, 99 %",
            {
                "{{direction}} {{cpo}}": within(
                    0.99, "bridge_ocpi_request_seconds", "direction", "cpo"
                )
            },
            "s",
        ),
        Panel(
            "Connections",
            {
                "{{cpo}} answers": "max by (cpo) (bridge_cpo_up)",
                "{{cpo}} registered": "max by (cpo) (bridge_cpo_registered)",
            },
        ),
        Panel(
            "Since the last whole pull",
            {
                "{{cpo}} {{module}}": "time() - max by (cpo, module) "
                "(bridge_last_pull_timestamp_seconds > 0)"
            },
            "s",
        ),
        Panel(
            "Commands and pushes",
            {
                "{{cpo}} {{kind}} {{result}}": rate(
                    "bridge_commands_total", "cpo", "kind", "result"
                ),
                "push {{cpo}} {{kind}} {{result}}": rate(
                    "bridge_pushes_total", "cpo", "kind", "result"
                ),
            },
            "reqps",
        ),
        Panel(
            "Leniencies and objects that cannot be read",
            {
                "{{cpo}} {{leniency}}": rate("bridge_ocpi_leniency_total", "cpo", "leniency"),
                "{{cpo}} {{module}}": rate("bridge_ocpi_bad_objects_total", "cpo", "module"),
            },
            "reqps",
        ),
        Panel(
            "Bills in a day",
            {
                "{{cpo}}": "sum by (cpo) (increase(bridge_bills_total[1d]))",
                "{{cpo}} differ from the CDR": "sum by (cpo) "
                "(increase(bridge_bill_deviations_total[1d]))",
            },
        ),
        Panel(
            "Errands and payments",
            {
                "{{kind}} {{outcome}}": rate("bridge_errands_total", "kind", "outcome"),
                "payment {{outcome}}": rate("bridge_payment_events_total", "outcome"),
            },
            "reqps",
        ),
    ),
    "Orders and their work": (
        Panel(
            "Orders that came into a state",
            {"{{state}}": rate("bridge_order_transitions_total", "state")},
            "reqps",
        ),
        Panel("Orders with work, by lane", {"{{lane}}": "max by (lane) (bridge_lane_depth)"}),
        Panel(
            "Oldest entry, by lane",
            {"{{lane}}": "max by (lane) (bridge_lane_oldest_seconds)"},
            "s",
        ),
        Panel(
            "Workers in use",
            {"{{lane}}": "sum by (lane) (bridge_workers_busy) / sum by (lane) (bridge_workers)"},
            "percentunit",
        ),
        Panel(
            "Time of an entry, 99 %",
            {"{{lane}}": within(0.99, "bridge_lane_entry_seconds", "lane")},
            "s",
        ),
        Panel(
            "How late deadlines are, 99 %",
            {"{{deadline}}": within(0.99, "bridge_deadline_lag_seconds", "deadline")},
            "s",
        ),
        Panel(
            "Entries that crashed their worker",
            {
                "{{lane}}": "sum by (lane) (increase(bridge_lane_crashes_total[1h]))",
                "put aside": "max(bridge_failed_entries)",
            },
        ),
    ),
    "Replicas and Redis": (
        Panel(
            "Time of round trips to Redis, 99 %",
            {
                "{{operation}}": within(
                    0.99, "bridge_redis_request_seconds", "operation", of='{operation!="wait"}'
                )
            },
            "s",
        ),
        Panel(
            "Round trips to Redis",
            {
                "{{operation}}": rate("bridge_redis_request_seconds_count", "operation"),
                "{{operation}} failed": rate("bridge_redis_errors_total", "operation"),
            },
            "reqps",
        ),
        Panel(
            "Catalogue",
            {
                "{{pod}} connectors on offer": "bridge_catalogue_items",
                "{{pod}} Locations": "bridge_catalogue_locations",
            },
        ),
        Panel("CPU", {"{{pod}}": "rate(process_cpu_seconds_total[$__rate_interval])"}),
        Panel("Memory", {"{{pod}}": "process_resident_memory_bytes"}, "bytes"),
    ),
}


def narrowed(query: str) -> str:
    """Narrow every series of a query to the chosen namespace and job."""
    chosen = 'namespace=~"$namespace",job=~"$job"'

    def narrow(found: re.Match[str]) -> str:
        more = f",{found[2]}" if found[2] else ""
        return f"{found[1]}{{{chosen}{more}}}"

    return re.sub(r"\b((?:bridge|process)_\w+)(?:\{([^}]*)\})?", narrow, query)


def dashboard() -> str:
    """Return the text of dashboard.json."""
    document: Json = {
        "uid": "beckn-ocpi-bridge",
        "title": "Beckn-OCPI bridge",
        "tags": ["beckn", "ocpi"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }
    return json.dumps(document, indent=1) + "\n"


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }
    for name in ("namespace", "job"):
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": _SOURCE,
            "query": f"label_values(bridge_mapping_info, {name})",
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }


_SOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}


def _panels() -> Iterator[Json]:
    top = number = 0
    for title, panels in ROWS.items():
        number += 1
        yield {"id": number, "type": "row", "title": title, "gridPos": _place(0, top, WIDTH, 1)}
        top += 1
        across = len(panels) if panels[0].type == "stat" else 3
        width, height = WIDTH // across, 4 if panels[0].type == "stat" else 8
        for index, panel in enumerate(panels):
            number += 1
            line, column = divmod(index, across)
            place = _place(column * width, top + line * height, width, height)
            yield _panel(number, panel, place)
        top += -(-len(panels) // across) * height


def _panel(number: int, panel: Panel, place: Json) -> Json:
    return {
        "id": number,
        "type": panel.type,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": "ABCDEF"[index],
                "datasource": _SOURCE,
                "expr": narrowed(query),
                "legendFormat": legend or "__auto",
            }
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


if __name__ == "__main__":
    TARGET.write_text(dashboard(), "utf-8")
