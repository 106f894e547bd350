"""bridge beckn doctor: do keys, registry entry, adapter, layer 2 and clocks fit together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

import msgspec
from rich.table import Table

from bridge.cli.context import ConfigOption, JsonOption, out, settings_of, table_of
from bridge.doctor.beckn import Surroundings, examine_network
from bridge.doctor.finding import NetworkReport, failures
from bridge.errors import BridgeError
from bridge.mapping import load
from bridge.network import session_for_named
from bridge.observability import configure_logging
from bridge.settings import Settings, data_path
from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.wiring import dialects_of, now


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look at the bridge as its Beckn network does: keys, registry entry, adapter, files, clocks.

    Nothing is changed and no message is sent. The exit code is 1 when something failed.

    Example: bridge beckn doctor
    """
    settings = settings_of(config)
    configure_logging("error", settings.log.format)
    report = asyncio.run(network_report(settings))
    if as_json:
        out.print_json(msgspec.json.encode(report).decode())
    else:
        out.print(_table(report))
    wrong = failures(report.findings)
    if wrong:
        raise BridgeError(f"{report.subscriber_id}: {wrong} checks failed")


async def network_report(settings: Settings) -> NetworkReport:
    """Examine a configuration and what it names. Raises MappingInvalid."""
    dialects = dialects_of(settings, load(data_path("mappings"), settings.mapping_overlays))
    url = settings.redis_url.get_secret_value()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(session_for_named(settings))
        redis_time = None
        if url != "embedded":
            redis = await stack.enter_async_context(connect(url, client_name="bridge-cli"))
            redis_time = partial(time_of, Database(redis))
        around = Surroundings(
            beckn=settings.beckn,
            public_url=settings.public_url,
            spoken={dialect.domain: dialect.versions for dialect in dialects},
            http=http,
            redis_time=redis_time,
            clock=now,
        )
        found = [each async for each in examine_network(around)]
    return NetworkReport(subscriber_id=settings.beckn.subscriber_id, findings=tuple(found))


async def time_of(database: Database) -> datetime:
    """Return what the clock of Redis says; of a Cluster, that of one of its nodes.

    Raises:
        StoreUnavailable: it does not answer.
    """
    told = await database.do("TIME")
    seconds, microseconds = next(iter(told.values())) if isinstance(told, dict) else told
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds))


def _table(report: NetworkReport) -> Table:
    table = table_of("check", "result", "evidence", "do")
    for each in report.findings:
        table.add_row(each.check, str(each.result), each.evidence, each.advice)
    return table
