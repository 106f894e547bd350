"""bridge price: what a session costs by a tariff, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from bridge.cli.context import JsonOption, out, table_of
from bridge.cli.price_files import Used, read_tariffs, read_used
from bridge.errors import QuoteUnavailable, WrongUse
from bridge.ocpi.tariffs import Tariff, TariffDimensionType
from bridge.ocpi.times import format_datetime
from bridge.orders.order import LineKind
from bridge.pricing.money import WIDE, rounded
from bridge.pricing.periods import usages
from bridge.pricing.plan import tariffs_of
from bridge.pricing.restrictions import zone
from bridge.pricing.tariff import Cost, CostLine, cost

_UNITS: Final = {
    TariffDimensionType.ENERGY: "kWh",
    TariffDimensionType.FLAT: "session",
    TariffDimensionType.TIME: "h",
    TariffDimensionType.PARKING_TIME: "h",
}
_HOUR: Final = 3600
_SHOWN: Final = Decimal("0.0001")
"""How fine amounts are in the table; the totals are as fine as the currency."""

_notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """One price, and what it was applied to; numbers are decimal strings, unrounded.

    Args:
        element, price_component: index in ``elements`` of the tariff, and in its
            ``price_components``; all but kind and amounts is None for MINIMUM and MAXIMUM.
        component: its dimension.
        quantity: in ``unit``, after step_size; times ``unit_price`` it is ``excl_vat``.
        vat: percent; None where VAT does not apply.
        period: index in ``charging_periods``, and when that period starts.
        unverified: the price depends on a current or power that the period does not tell.
    """

    kind: LineKind
    tariff_id: str | None = None
    element: int | None = None
    component: TariffDimensionType | None = None
    price_component: int | None = None
    quantity: str | None = None
    unit: str | None = None
    unit_price: str | None = None
    vat: str | None = None
    period: int | None = None
    start_date_time: str | None = None
    excl_vat: str
    incl_vat: str
    unverified: bool = False


class BillOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The whole bill as JSON; MINIMUM and MAXIMUM are lines too."""

    excl_vat: str
    incl_vat: str
    lines: list[BillLine]


class _Period(NamedTuple):
    """Where a line comes from.

    Args:
        number: its index in the file, where periods may stand in any order.
    """

    number: int
    start: datetime


def price(
    tariff: Annotated[
        list[Path],
        typer.Option("--tariff", help="An OCPI Tariff, or a list of them; may be repeated."),
    ],
    session: Annotated[
        Path,
        typer.Option(
            "--session",
            help="A Session or CDR, or only start_date_time, end_date_time, charging_periods"
            " and, for a reservation, reservation: USED or EXPIRED.",
        ),
    ],
    time_zone: Annotated[
        str, typer.Option("--time-zone", help="time_zone of the Location: Asia/Kolkata.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Price a session: which element of the tariff applies to what, and what it comes to.

    Of several tariffs each period takes the one that its tariff_id names, else the one that is in
    force for everybody when the session starts. Nothing is rounded, but the totals of the table.

    Example: bridge price --tariff tariff.json --session cdr.json --time-zone Asia/Kolkata
    """
    place = _zone(time_zone)
    tariffs = [each for path in tariff for each in read_tariffs(path, _note)]
    used = read_used(session, _note)
    try:
        periods, total = _priced(tariffs, used, time_zone)
    except QuoteUnavailable as error:
        raise WrongUse(f"{session}: {error}") from error
    if as_json:
        bill = BillOutput(
            excl_vat=_text(total.excl_vat),
            incl_vat=_text(total.incl_vat),
            lines=[_line(line, periods) for line in total.lines],
        )
        out.print_json(msgspec.json.encode(bill).decode())
        return
    for part in _pages(total, periods, place, tariffs):
        out.print(part)


def _note(text: str) -> None:
    _notes.print(f"note: {text}")


def _zone(time_zone: str) -> tzinfo:
    try:
        return zone(time_zone)
    except QuoteUnavailable as error:
        raise WrongUse(f"--time-zone: {error}") from error


def _priced(
    tariffs: Sequence[Tariff], used: Used, time_zone: str
) -> tuple[Sequence[_Period], Cost]:
    given = enumerate(used.charging_periods)
    in_order = sorted(given, key=lambda numbered: numbered[1].start_date_time)
    ordered = [period for _, period in in_order]
    by_period = tariffs_of(tariffs, ordered, used.start_date_time)
    currencies = {each.currency.upper() for each in by_period}
    if len(currencies) > 1:
        raise QuoteUnavailable(f"its tariffs are in {' and '.join(sorted(currencies))}")
    one = by_period[0] if by_period else tariffs[0]
    total = cost(
        by_period if len(tariffs) > 1 and by_period else one,
        usages(ordered, used.end),
        time_zone,
        used.reservation,
    )
    return [_Period(number, period.start_date_time) for number, period in in_order], total


def _line(line: CostLine, periods: Sequence[_Period]) -> BillLine:
    if line.period is None:
        return BillLine(
            kind=line.kind, excl_vat=_text(line.excl_vat), incl_vat=_text(line.incl_vat)
        )
    period = periods[line.period]
    quantity, unit = _quantity(line)
    return BillLine(
        kind=line.kind,
        tariff_id=line.tariff_id,
        element=line.element,
        component=line.dimension,
        price_component=line.component,
        quantity=_text(quantity),
        unit=unit,
        unit_price=None if line.unit_price is None else _text(line.unit_price),
        vat=None if line.vat is None else _text(line.vat),
        period=period.number,
        start_date_time=format_datetime(period.start),
        excl_vat=_text(line.excl_vat),
        incl_vat=_text(line.incl_vat),
        unverified=line.unverified,
    )


def _quantity(line: CostLine) -> tuple[Decimal, str]:
    """Return how much was billed, and of what: hours where the engine counts seconds."""
    assert line.quantity is not None
    assert line.dimension is not None
    unit = _UNITS[line.dimension]
    return line.quantity / _HOUR if unit == "h" else line.quantity, unit


def _text(number: Decimal) -> str:
    """Write a number as it is, without exponent and idle zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pages(
    total: Cost, periods: Sequence[_Period], place: tzinfo, tariffs: Sequence[Tariff]
) -> Iterator[Table | str]:
    """Yield what a person reads: the table, and what is to be said of it."""
    currency = tariffs[0].currency
    begin = f"{periods[0].start.astimezone(place):%Y-%m-%d}, " if periods else ""
    yield f"{begin}times of {place}, prices in {currency} without VAT"
    yield _table(total, periods, place, tariffs)
    if total.price != total.incl_vat:
        yield (
            "A limit without incl_vat binds what the driver pays, with VAT in proportion: "
            f"{rounded(total.price, currency):f} {currency}"
        )
    if any(line.unverified for line in total.lines):
        yield "* depends on a current or power that the period does not tell"


def _table(
    total: Cost, periods: Sequence[_Period], place: tzinfo, tariffs: Sequence[Tariff]
) -> Table:
    table = table_of("period", "element", "component")
    for name in ("quantity", "price", "VAT", "excl.", "incl."):
        table.add_column(name, overflow="fold", justify="right")
    for line in total.lines:
        amounts = (_shown(line.excl_vat), _shown(line.incl_vat))
        if line.period is None or line.unit_price is None:
            table.add_row("", "", line.kind, "", "", "", *amounts)
            continue
        quantity, unit = _quantity(line)
        table.add_row(
            f"{periods[line.period].start.astimezone(place):%m-%d %H:%M}",
            f"{line.element}" if len(tariffs) == 1 else f"{line.tariff_id} {line.element}",
            f"{line.dimension}{', reserved' if line.kind is LineKind.RESERVATION else ''}"
            f"{' *' if line.unverified else ''}",
            "1" if line.dimension is TariffDimensionType.FLAT else f"{_shown(quantity)} {unit}",
            _text(line.unit_price),
            "" if line.vat is None else f"{_text(line.vat)}%",
            *amounts,
        )
    currency = tariffs[0].currency
    sums = (rounded(total.excl_vat, currency), rounded(total.incl_vat, currency))
    table.add_row("", "", "TOTAL", "", "", "", *(f"{each:f}" for each in sums))
    return table


def _shown(number: Decimal) -> str:
    return _text(number.quantize(_SHOWN, context=WIDE))
