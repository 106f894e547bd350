"""What the sandbox charge points do: a session from START_SESSION to the CDR."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bridge.ocpi.cdrs import (
    CDR,
    AuthMethod,
    CdrDimension,
    CdrDimensionType,
    CdrLocation,
    CdrToken,
    ChargingPeriod,
)
from bridge.ocpi.commands import StartSession
from bridge.ocpi.locations import Status
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.tariffs import Tariff, TariffDimensionType
from bridge.ocpi.types import ModuleID, Price

if TYPE_CHECKING:
    from bridge.sandbox.cpo import SandboxCpo


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def charge(cpo: SandboxCpo, command: StartSession) -> None:
    """Charge until the vehicle is full or somebody stops; then send the CDR."""
    acts = cpo.behaviour
    evse_uid = command.evse_uid or cpo.locations[command.location_id].evses[0].uid
    session = session_of(cpo, command, evse_uid)
    stop = cpo.stop_asked.setdefault(session.id, asyncio.Event())
    await cpo.set_status(command.location_id, evse_uid, Status.CHARGING)
    cpo.sessions[session.id] = session
    url = cpo.receiver(ModuleID.SESSIONS, session.id)
    await cpo.push("PUT", url, f"session {session.id} ACTIVE, 0 kWh", session)
    for number in range(1, acts.steps + 1):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(acts.step_s):
                await stop.wait()
        if stop.is_set():
            break
        kwh = (acts.delivers_kwh * number / acts.steps).quantize(Decimal("0.001"))
        session = replace(session, kwh=kwh, last_updated=_now())
        cpo.sessions[session.id] = session
        change = {"kwh": kwh, "last_updated": session.last_updated}
        await cpo.push("PATCH", url, f"session {session.id} {kwh} kWh", change)
    await _finish(cpo, session, url)


async def _finish(cpo: SandboxCpo, session: Session, url: str) -> None:
    lasts_s = cpo.behaviour.lasts_s
    end = _now() if lasts_s is None else session.start_date_time + timedelta(seconds=lasts_s)
    hours = Decimal((end - session.start_date_time).total_seconds()) / 3600
    tariff = next(iter(cpo.tariffs.values()))
    session = replace(
        session,
        status=SessionStatus.COMPLETED,
        end_date_time=end,
        charging_periods=(_period(session, hours, tariff),),
        total_cost=_cost(session.kwh, tariff),
        last_updated=_now(),
    )
    cpo.sessions[session.id] = session
    await cpo.push("PUT", url, f"session {session.id} COMPLETED, {session.kwh} kWh", session)
    await cpo.set_status(session.location_id, session.evse_uid, Status.AVAILABLE)
    if not cpo.behaviour.sends_cdr:
        return
    await asyncio.sleep(cpo.behaviour.cdr_after_s)
    cdr = _cdr(cpo, session, tariff, hours, end)
    cpo.cdrs[cdr.id] = cdr
    base = cpo.receiver(ModuleID.CDRS).rsplit("/", 2)[0]
    words = f"CDR {cdr.id}, {cdr.total_energy} kWh, {cdr.total_cost.excl_vat} {cdr.currency}"
    await cpo.push("POST", base, words, cdr)


def session_of(cpo: SandboxCpo, command: StartSession, evse_uid: str) -> Session:
    """Return a Session that has just begun."""
    token = command.token
    now = _now()
    reference = command.authorization_reference if cpo.behaviour.echoes_reference else None
    return Session(
        country_code=cpo.party.country_code,
        party_id=cpo.party.party_id,
        id=f"S-{uuid.uuid4().hex[:12]}",
        start_date_time=now,
        kwh=Decimal(0),
        cdr_token=CdrToken(
            country_code=token.country_code,
            party_id=token.party_id,
            uid=token.uid,
            type=token.type,
            contract_id=token.contract_id,
        ),
        auth_method=AuthMethod.COMMAND,
        authorization_reference=reference,
        location_id=command.location_id,
        evse_uid=evse_uid,
        connector_id=command.connector_id or "1",
        currency="INR",
        status=SessionStatus.ACTIVE,
        last_updated=now,
    )


def _period(session: Session, hours: Decimal, tariff: Tariff) -> ChargingPeriod:
    return ChargingPeriod(
        start_date_time=session.start_date_time,
        dimensions=(
            CdrDimension(type=CdrDimensionType.ENERGY, volume=session.kwh),
            CdrDimension(type=CdrDimensionType.TIME, volume=hours.quantize(Decimal("0.0001"))),
        ),
        tariff_id=tariff.id,
    )


def _cost(kwh: Decimal, tariff: Tariff) -> Price:
    """Cost of the sandbox tariff: so much for each kWh, and a start fee."""
    energy, flat = _costs(kwh, tariff)
    return Price(excl_vat=energy + flat)


def _costs(kwh: Decimal, tariff: Tariff) -> tuple[Decimal, Decimal]:
    prices = {c.type: c.price for e in tariff.elements for c in e.price_components}
    energy = kwh * prices.get(TariffDimensionType.ENERGY, Decimal(0))
    return energy, prices.get(TariffDimensionType.FLAT, Decimal(0))


def _cdr(cpo: SandboxCpo, session: Session, tariff: Tariff, hours: Decimal, end: datetime) -> CDR:
    location = cpo.locations[session.location_id]
    evse = cpo.evse(session.location_id, session.evse_uid)
    assert evse is not None
    connector = next(c for c in evse.connectors if c.id == session.connector_id)
    energy, flat = _costs(session.kwh, tariff)
    return CDR(
        country_code=session.country_code,
        party_id=session.party_id,
        id=f"C-{uuid.uuid4().hex[:12]}",
        start_date_time=session.start_date_time,
        end_date_time=end,
        session_id=session.id,
        cdr_token=session.cdr_token,
        auth_method=session.auth_method,
        authorization_reference=session.authorization_reference,
        cdr_location=CdrLocation(
            id=location.id,
            name=location.name,
            address=location.address[:45],
            city=location.city,
            postal_code=location.postal_code,
            state=location.state,
            country=location.country,
            coordinates=location.coordinates,
            evse_uid=evse.uid,
            evse_id=evse.evse_id or evse.uid,
            connector_id=connector.id,
            connector_standard=connector.standard,
            connector_format=connector.format,
            connector_power_type=connector.power_type,
        ),
        currency=session.currency,
        tariffs=(tariff,),
        charging_periods=session.charging_periods,
        total_cost=_cost(session.kwh, tariff),
        total_fixed_cost=Price(excl_vat=flat),
        total_energy=session.kwh,
        total_energy_cost=Price(excl_vat=energy),
        total_time=hours.quantize(Decimal("0.0001")),
        last_updated=_now(),
    )
