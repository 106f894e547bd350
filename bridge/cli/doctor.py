"""bridge cpo doctor: what works with a CPO, what is odd about it, what to set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from bridge.cli.context import ConfigOption, JsonOption, out, redis_url_of, table_of
from bridge.cli.cpo import CpoId, settings_with
from bridge.cli.progress import pages_shown
from bridge.clients.ocpi import Exchange, OcpiClient
from bridge.clients.wire import cpo_session
from bridge.doctor.checks import PAGES_READ, examine
from bridge.doctor.finding import Finding, Report, failed, forgiven
from bridge.doctor.patient import Patient, Symptoms
from bridge.errors import BridgeError
from bridge.observability import configure_logging
from bridge.operator import Operator
from bridge.settings import Settings
from bridge.store.deviations import Deviation, Kind
from bridge.wiring import now, party_of, stores_of

ALL_PAGES = 100_000


def doctor(
    cpo_id: CpoId,
    config: ConfigOption = None,
    full: Annotated[
        bool, typer.Option("--full", help=f"Read whole lists, not {PAGES_READ} pages of each.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Examine a CPO: reach it, read its versions, endpoints and lists, and say what is odd.

    Nothing is changed and no command is sent. What running bridges have met is told too.
    The exit code is 1 when something failed.

    Example: bridge cpo doctor cpo1
    """
    settings = settings_with(config, cpo_id)
    most_pages = ALL_PAGES if full else PAGES_READ
    with pages_shown(cpo_id) as heard:
        report = asyncio.run(_report(settings, cpo_id, most_pages, heard))
    if as_json:
        out.print_json(msgspec.json.encode(report).decode())
    else:
        out.print(_table(report))
    if not report.healthy:
        wrong = sum(each.result == "failed" for each in report.findings)
        raise BridgeError(f"{cpo_id}: {wrong} checks failed")


async def _report(
    settings: Settings, cpo_id: str, most_pages: int, heard: Callable[[Exchange], None]
) -> Report:
    configure_logging("error", settings.log.format)
    operator, symptoms = Operator(settings), Symptoms()
    async with redis_url_of(settings) as url, cpo_session(operator.cpo_guard()) as http:
        stores = stores_of(settings, url)
        client = OcpiClient(
            http,
            party_of(settings),
            observe=heard,
            limit_bytes=settings.limits.max_cpo_body_bytes,
            tolerated=symptoms.note,
            tls=operator.tls(),
        )
        try:
            configured = next(each for each in settings.cpos if each.id == cpo_id)
            connection = await stores.connections.get(cpo_id)
            patient = Patient(
                cpo=operator.cpos()[cpo_id],
                connection=connection,
                versions_url=configured.versions_url or connection.versions_url,
                token_a=configured.token_a.get_secret_value(),
                own_versions_url=f"{operator.public_url(cpo_id)}/ocpi/versions",
                client=client,
                symptoms=symptoms,
            )
            found = [each async for each in examine(patient, now(), most_pages=most_pages)]
            met = await stores.deviations.of(cpo_id)
        finally:
            await stores.database.redis.aclose()
    return Report(cpo=cpo_id, findings=(*found, *_met_before(met, symptoms)))


def _met_before(met: list[Deviation], symptoms: Symptoms) -> Iterator[Finding]:
    """Yield what running bridges have met, in pushes too; what was just seen is not told twice."""
    for each in met:
        seen = f"{each.times} times so far, first at {each.place or 'its root'}"
        if each.kind is Kind.REFUSED:
            yield failed("refused", f"{each.name}: {seen}", f"flags.{each.name}: true")
        elif each.name not in symptoms.times:
            yield forgiven(each.name, seen)


def _table(report: Report) -> Table:
    table = table_of("check", "result", "evidence", "set")
    for each in report.findings:
        table.add_row(each.check, str(each.result), each.evidence, each.setting)
    return table
