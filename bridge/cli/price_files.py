"""What ``bridge price`` reads: tariffs, and a session to price with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, cast

import msgspec

from bridge.errors import NotJson, OcpiInvalid, WrongUse
from bridge.ocpi.cdrs import CdrDimensionType, ChargingPeriod
from bridge.ocpi.codec import convert, loads, to_builtins
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.lenient import read
from bridge.ocpi.lenient.objects import in_kwh
from bridge.ocpi.lenient.reading import Reading
from bridge.ocpi.tariffs import Tariff
from bridge.pricing.tariff import Reservation

Note: TypeAlias = Callable[[str], None]
"""Is told what was odd about a file, and taken all the same."""

_T = TypeVar("_T")
_UNNAMED: Final = {
    "country_code": "XX",
    "party_id": "XXX",
    "id": "tariff",
    "last_updated": "1970-01-01T00:00:00Z",
}
"""What a tariff is called by, and no price depends on."""

_YEARS: Final = range(1900, 2200)
_TIMES: Final = (
    CdrDimensionType.TIME,
    CdrDimensionType.PARKING_TIME,
    CdrDimensionType.RESERVATION_TIME,
)


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What a Session or CDR says of its price; the other fields need not be there.

    Args:
        kwh, total_energy: of a Session, of a CDR; tell Wh from kWh in its periods.
        reservation: what became of it; OCPI has no such field.
    """

    start_date_time: datetime
    end_date_time: datetime | None = None
    last_updated: datetime | None = None
    kwh: Decimal | None = None
    total_energy: Decimal | None = None
    charging_periods: tuple[ChargingPeriod, ...]
    reservation: Reservation | None = None

    @property
    def end(self) -> datetime:
        """Its end; of a session that runs, when it was last heard of."""
        return self.end_date_time or self.last_updated or self.start_date_time


def read_tariffs(path: Path, note: Note) -> list[Tariff]:
    """Read a Tariff, or a list of them. Raises WrongUse with file and field."""
    obj = _json(path)
    if not isinstance(obj, list):
        return [_tariff(obj, str(path), note)]
    if not obj:
        raise WrongUse(f"{path}: there is no tariff in it")
    return [_tariff(each, f"{path}[{index}]", note) for index, each in enumerate(obj)]


def read_used(path: Path, note: Note) -> Used:
    """Read what matters of a Session or CDR. Raises WrongUse with file and field."""
    found, met = _read(_json(path), Used, str(path))
    fields = cast(dict[str, object], to_builtins(found))
    in_one_unit = in_kwh(fields, found.kwh or found.total_energy, None, Reading(met))
    if in_one_unit is not fields:
        found = convert(in_one_unit, Used)
    for each in met:
        # A word nobody knows would be a volume that nobody pays.
        if each.leniency is Leniency.UNKNOWN_VALUE:
            raise WrongUse(f"{path}: {each.place}: is not known to OCPI 2.2.1")
        note(f"{path}: {each.place}: {each.leniency}")
    _check(found, path)
    return found


def _check(used: Used, path: Path) -> None:
    if used.end_date_time is None and used.last_updated is None:
        raise WrongUse(f"{path}: end_date_time: is required")
    if used.end < used.start_date_time:
        raise WrongUse(f"{path}: end_date_time: is before start_date_time")
    for name in ("start_date_time", "end_date_time", "last_updated"):
        _check_year(getattr(used, name), f"{path}: {name}")
    for number, period in enumerate(used.charging_periods):
        _check_year(period.start_date_time, f"{path}: charging_periods[{number}].start_date_time")
        for place, dimension in enumerate(period.dimensions):
            if dimension.type in _TIMES and dimension.volume < 0:
                field = f"charging_periods[{number}].dimensions[{place}].volume"
                raise WrongUse(f"{path}: {field}: a time is not negative")


def _check_year(moment: datetime | None, where: str) -> None:
    if moment is not None and moment.year not in _YEARS:
        raise WrongUse(f"{where}: the year {moment.year} is none of a session")


def _tariff(obj: object, where: str, note: Note) -> Tariff:
    if isinstance(obj, dict):
        given = {name: value for name, value in obj.items() if value is not None}
        obj = {**_UNNAMED, **given}
    tariff, met = _read(obj, Tariff, where)
    for each in met:
        note(f"{where}: {each.place}: {each.leniency}")
    return tariff


def _read(obj: object, type_: type[_T], where: str) -> tuple[_T, list[Met]]:
    met: list[Met] = []
    try:
        return read(obj, type_, met), met
    except OcpiInvalid as error:
        raise WrongUse(f"{where}: {error}") from error


def _json(path: Path) -> object:
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from error
    except NotJson as error:
        raise WrongUse(f"{path}: {error.reason}") from error
