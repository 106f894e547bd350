"""The examination, step by step; a step that fails ends what depends on it and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from msgspec.structs import replace as changed

from bridge.clients.configuration import ConfigurationApi
from bridge.clients.cpo import call_of, endpoint
from bridge.clients.pages import Ending, pages
from bridge.doctor.finding import Finding, failed, forgiven, not_tried, ok
from bridge.doctor.patient import Patient
from bridge.flows.peer import CallFailed
from bridge.flows.register import REQUIRED, VERSION, with_overrides
from bridge.ocpi.answers import whole
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.connection import Connection
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.urls import page_query, same_origin
from bridge.ocpi.versions import Endpoint

PAGE_SIZE: Final = 50
PAGES_READ: Final = 20
"""Pages of each list that are looked at, unless all of it is asked for."""

BAD_SHOWN: Final = 20
"""Unreadable objects of each list that get a row of their own."""

OPTIONAL: Final = {
    (ModuleID.TARIFFS, InterfaceRole.SENDER): "no prices without it, but for those it pushes",
    (ModuleID.SESSIONS, InterfaceRole.SENDER): "a push that is lost stays lost",
    (ModuleID.CDRS, InterfaceRole.SENDER): "a bill that is lost stays lost",
    (ModuleID.TOKENS, InterfaceRole.RECEIVER): "tokens are not pushed to it",
}
"""Endpoints we can live without, and what is then missing."""


class List(NamedTuple):
    """A list of the CPO: what stands in it, and how far back it is read; None = all of it."""

    module: ModuleID
    type: Any
    reach: timedelta | None = None


LISTS: Final = (
    List(ModuleID.TARIFFS, Tariff),
    List(ModuleID.LOCATIONS, Location),
    List(ModuleID.SESSIONS, Session, timedelta(days=7)),
    List(ModuleID.CDRS, CDR, timedelta(days=28)),
)


async def examine(
    patient: Patient, now: datetime, *, most_pages: int = PAGES_READ
) -> AsyncIterator[Finding]:
    """Yield findings as they are made; asks a few dozen GETs of the CPO and changes nothing.

    Args:
        most_pages: of each list.
    """
    offered: Sequence[Endpoint] = ()
    async for finding, endpoints in _configuration(patient):
        offered = endpoints or offered
        yield finding
    yield _handshake(patient)
    connection = _reached(patient, offered)
    for each in LISTS:
        async for finding in _list(patient, connection, each, now, most_pages):
            yield finding
    yield _commands(patient, connection)
    for finding in symptoms(patient):
        yield finding


async def _configuration(
    patient: Patient,
) -> AsyncIterator[tuple[Finding, Sequence[Endpoint]]]:
    """Yield what comes of versions and version details, and the endpoints once they are known."""
    if patient.versions_url is None:
        yield not_tried("reachable", "no versions_url: it registers at the bridge"), ()
        return
    api = ConfigurationApi(patient.client, patient.cpo)
    try:
        versions = await api.versions(patient.versions_url, patient.token)
    except CallFailed as error:
        for finding in await _unreached(patient, patient.versions_url, error):
            yield finding, ()
        return
    yield ok("reachable", patient.versions_url), ()
    offered = ", ".join(str(each.version) for each in versions) or "none"
    url = next((each.url for each in versions if each.version == VERSION), None)
    if url is None:
        yield failed("versions", f"no {VERSION} among: {offered}"), ()
        return
    yield ok("versions", offered), ()
    try:
        endpoints = (await api.details(url, patient.token)).endpoints
    except CallFailed as error:
        yield failed("endpoints", _said(error)), ()
        return
    for finding in _endpoints(patient, url, endpoints):
        yield finding, endpoints


async def _unreached(patient: Patient, url: str, error: CallFailed) -> list[Finding]:
    """Say why versions did not come; try the token in its other spelling when it is refused."""
    if error.http not in (401, 403):
        return [failed("reachable", _said(error))]
    other = not patient.cpo.flags.raw_token
    cpo = replace(patient.cpo, flags=changed(patient.cpo.flags, raw_token=other))
    try:
        await ConfigurationApi(patient.client, cpo).versions(url, patient.token)
    except CallFailed:
        return [
            ok("reachable", url),
            failed("token", f"refused in Base64 and as it is: {_said(error)}; ask for a new one"),
        ]
    spelling = "as it is" if other else "in Base64"
    setting = f"flags.raw_token: {str(other).lower()}"
    return [ok("reachable", url), failed("token", f"taken only {spelling}", setting)]


def _endpoints(
    patient: Patient, details_url: str, endpoints: Sequence[Endpoint]
) -> Iterator[Finding]:
    """Yield one row for what is there, and one for each that is missing or odd."""
    usable = Connection(
        cpo_id=patient.cpo.id, endpoints=with_overrides(endpoints, patient.cpo.overrides)
    )
    listed = ", ".join(f"{each.identifier} ({each.role})" for each in endpoints)
    yield (
        ok("endpoints", f"{len(endpoints)}: {listed}")
        if endpoints
        else failed("endpoints", "the version details list none")
    )
    for module, role in REQUIRED:
        if usable.url(module, role) is None:
            setting = f"endpoints: {{{module}: {{{role.lower()}: <URL>}}}}"
            yield failed("endpoints", f"{module} ({role}) is not advertised", setting)
    advertised = Connection(cpo_id=patient.cpo.id, endpoints=tuple(endpoints))
    for module, role in patient.cpo.overrides:
        if advertised.url(module, role) is None:
            yield forgiven("endpoints", f"{module} ({role}) is not advertised, but configured")
    for (module, role), loss in OPTIONAL.items():
        if usable.url(module, role) is None:
            setting = f"endpoints: {{{module}: {{{role.lower()}: <URL>}}}}"
            yield forgiven("endpoints", f"{module} ({role}) is not advertised: {loss}", setting)
    for each in endpoints:
        if not same_origin(each.url, details_url):
            yield forgiven("endpoints", f"{each.identifier} is at another origin: {each.url}")


def _handshake(patient: Patient) -> Finding:
    """Say where the credentials stand; the doctor registers nobody."""
    connection = patient.connection
    if not connection.registered:
        return failed("handshake", f"not registered; try `bridge cpo register {patient.cpo.id}`")
    parties = ", ".join(str(party) for party in connection.parties()) or "none"
    since = connection.registered_at
    when = f" since {since.isoformat(timespec='seconds')}" if since is not None else ""
    return ok("handshake", f"registered{when}; parties: {parties}")


def _reached(patient: Patient, offered: Sequence[Endpoint]) -> Connection:
    """Return the connection with the endpoints as they are advertised now."""
    connection = patient.connection
    return changed(connection, endpoints=tuple(offered)) if offered else connection


async def _list(
    patient: Patient, connection: Connection, each: List, now: datetime, most_pages: int
) -> AsyncIterator[Finding]:
    """Yield what comes of a list: how its pages hang together, and each object that is bad."""
    if not connection.registered:
        yield not_tried(each.module, "a registered connection is needed")
        return
    if endpoint(patient.cpo, connection, each.module, InterfaceRole.SENDER) is None:
        yield not_tried(each.module, "there is no endpoint")
        return
    for party in connection.askable():
        date_from = None if each.reach is None else now - each.reach
        first = call_of(
            patient.cpo,
            connection,
            each.module,
            InterfaceRole.SENDER,
            to=party,
            query=page_query(date_from=date_from, offset=0, limit=PAGE_SIZE),
            at_least_s=30,
        )
        objects, bad, number, ending = 0, 0, 0, None
        try:
            async with aclosing(pages(patient.client, first, each.type, whole)) as read:
                async for page in read:
                    number, ending = page.number, page.ending
                    objects += len(page.objects)
                    for fault in page.bad:
                        bad += 1
                        if bad <= BAD_SHOWN:
                            named = f" ({fault.id})" if fault.id else ""
                            place = f"page {number}, {fault.path}"
                            yield failed(each.module, f"{place}{named}: {fault.reason}")
                    if number >= most_pages:
                        break
        except CallFailed as error:
            yield failed(each.module, f"{party}, page {number + 1}: {_said(error)}")
            continue
        yield _paging(
            each.module, f"{party}: {objects} good, {bad} bad, pages read: {number}", ending
        )


def _paging(module: str, evidence: str, ending: Ending | None) -> Finding:
    match ending:
        case None:
            return ok(module, f"{evidence}; the rest was not read")
        case Ending.COMPLETE:
            return ok(module, evidence)
        case _:
            return forgiven(module, f"{evidence}; the list does not end properly: {ending.value}")


def _commands(patient: Patient, connection: Connection) -> Finding:
    url = endpoint(patient.cpo, connection, ModuleID.COMMANDS, InterfaceRole.RECEIVER)
    if url is None:
        return not_tried("commands", "there is no endpoint")
    return not_tried("commands", f"a command could charge somebody; they would go to {url}")


def symptoms(patient: Patient) -> Iterator[Finding]:
    """Yield what had to be forgiven on the way."""
    for leniency, times in sorted(patient.symptoms.times.items()):
        place = patient.symptoms.places[leniency]
        yield forgiven(
            str(leniency), f"{times} times in its answers, first at {place or 'its root'}"
        )


def _said(error: CallFailed) -> str:
    return f"{error.reason} ({error.said})" if error.said else error.reason
