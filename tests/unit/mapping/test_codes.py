"""The code tables of the project, read both ways."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.errors import BridgeError
from bridge.mapping import Mappings, UnknownCode, load
from bridge.ocpi.commands import CommandType
from bridge.ocpi.locations import ConnectorType, Status
from bridge.ocpi.sessions import SessionStatus
from bridge.orders.intents import Measure, Verb
from bridge.orders.order import LineKind, OrderState
from tests.unit.mapping.tree import MAPPINGS


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return load(MAPPINGS)


@pytest.mark.parametrize(
    ("table", "word", "beckn"),
    [
        ("session_status", SessionStatus.ACTIVE, "ACTIVE"),
        ("session_status", SessionStatus.COMPLETED, "COMPLETED"),
        ("session_status", SessionStatus.RESERVATION, "PENDING"),
        ("session_status", SessionStatus.INVALID, None),
        ("session_state", SessionStatus.ACTIVE, OrderState.CHARGING),
        ("order_state", OrderState.INITIALISED, None),
        ("order_state", OrderState.CONFIRMED, "PENDING"),
        ("order_state", OrderState.STARTING, "PENDING"),
        ("order_state", OrderState.CHARGING, "ACTIVE"),
        ("order_state", OrderState.STOPPING, "ACTIVE"),
        ("order_state", OrderState.INTERRUPTED, "CONNECTION-INTERRUPTED"),
        ("order_state", OrderState.ENDED, "COMPLETED"),
        ("order_state", OrderState.SETTLED, "COMPLETED"),
        ("order_state", OrderState.CANCELLED, "CANCELLED"),
        ("order_status", OrderState.CHARGING, "ACTIVE"),
        ("order_status", OrderState.SETTLED, "COMPLETE"),
        ("order_status", OrderState.CANCELLED, "CANCELLED"),
        ("tracking_status", OrderState.CHARGING, "active"),
        ("tracking_status", OrderState.SETTLED, "inactive"),
        ("evse_status", Status.AVAILABLE, "Available"),
        ("evse_status", Status.CHARGING, "In Use"),
        ("evse_status", Status.RESERVED, "In Use"),
        ("evse_status", Status.BLOCKED, "In Use"),
        ("evse_status", Status.UNKNOWN, "Maintenance"),
        ("evse_status", Status.OUTOFORDER, "Maintenance"),
        ("startable", Status.AVAILABLE, "yes"),
        ("startable", Status.BLOCKED, "no"),
        ("connector_standard", ConnectorType.IEC_62196_T2_COMBO, "CCS2"),
        ("connector_standard", ConnectorType.CHADEMO, "CHAdeMO"),
        ("connector_standard", ConnectorType.IEC_62196_T2, "Type 2"),
        ("command_error", CommandType.START_SESSION, "40006"),
        ("command_error", CommandType.STOP_SESSION, "50002"),
        ("line_titles", LineKind.UNUSED_PREPAYMENT, "Unused prepayment"),
        ("line_titles", LineKind.REFUND, "Overcharge refund"),
    ],
)
def test_to_beckn(table: str, word: str, beckn: str | None, mappings: Mappings) -> None:
    assert mappings.table("deg", table).to_beckn(word) == beckn


@pytest.mark.parametrize(
    ("table", "word", "ours"),
    [
        ("connector_standard", "CCS2", ConnectorType.IEC_62196_T2_COMBO),
        ("connector_standard", "ccs", ConnectorType.IEC_62196_T2_COMBO),
        ("connector_standard", "CHADEMO", ConnectorType.CHADEMO),
        ("connector_standard", "Type 2", ConnectorType.IEC_62196_T2),
        ("connector_standard", "type2", ConnectorType.IEC_62196_T2),
        ("connector_standard", "TYPE_2", ConnectorType.IEC_62196_T2),
        ("connector_standard", "GB_T", ConnectorType.GBT_DC),
        ("connector_standard", "IEC_62196_T2", ConnectorType.IEC_62196_T2),
        ("verbs", "start-charging", Verb.START),
        ("verbs", "start-chargin", Verb.START),
        ("verbs", "CHARGING_STARTED", Verb.START),
        ("verbs", "end-charging", Verb.STOP),
        ("verbs", "END_CHARGING", Verb.STOP),
        ("verbs", "stop-charging", Verb.STOP),
        ("verbs", "CHARGING_ENDED", Verb.STOP),
        ("stop_types", "START-CHARGING", "START"),
        ("stop_types", "finish", "END"),
        ("stop_types", "STOP", "END"),
        ("payment_methods", "UPI-TRANFER", "UPI-TRANSFER"),
        ("payment_methods", "upi", "UPI-TRANSFER"),
        ("payment_status", "NOT_PAID", "NOT-PAID"),
        ("payment_type", "PRE-ORDER", "BEFORE"),
        ("payment_type", "ON-ORDER", "BEFORE"),
        ("collected_by", "bpp", "BPP"),
        ("item_codes", "ev-charger", "ORDERED"),
        ("categories", "loyalty-programs", "LOYALTY_PROGRAM"),
        ("quantity_units", "KWH", Measure.ENERGY),
    ],
)
def test_to_ocpi(table: str, word: str, ours: str, mappings: Mappings) -> None:
    assert mappings.table("deg", table).to_ocpi(word) == ours


def test_an_enum_side_gives_members(mappings: Mappings) -> None:
    assert isinstance(mappings.table("deg", "verbs").to_ocpi("start-charging"), Verb)
    assert isinstance(mappings.table("deg", "session_state").to_beckn("ACTIVE"), OrderState)


@pytest.mark.parametrize(
    ("table", "unit", "factor"),
    [
        ("quantity_units", "Wh", "0.001"),
        ("quantity_units", "minutes", "60"),
        ("quantity_units", "hour", "3600"),
        ("radius_units", "KM", "1000"),
        ("radius_units", "mi", "1609.344"),
        ("radius_units", "metres", "1"),
    ],
)
def test_a_factor_leads_to_our_unit(table: str, unit: str, factor: str, mappings: Mappings) -> None:
    assert mappings.table("deg", table).factor_of(unit) == Decimal(factor)


def test_names_are_for_people(mappings: Mappings) -> None:
    states = mappings.table("deg", "order_state")
    assert states.name_of(OrderState.CONFIRMED) == "Charging Pending"
    assert states.name_of(OrderState.CHARGING) == "Charging in progress"
    assert states.name_of(OrderState.SETTLED) == "Charging completed"
    assert states.name_of(OrderState.SELECTED) is None


def test_a_word_without_a_row_is_a_named_error(mappings: Mappings) -> None:
    table = mappings.table("deg", "connector_standard")
    with pytest.raises(UnknownCode, match="'SCHUKO' has no row in code table connector_standard"):
        table.to_ocpi("SCHUKO")
    with pytest.raises(UnknownCode) as caught:
        table.to_beckn("SCHUKO")
    with pytest.raises(UnknownCode):
        mappings.table("deg", "power_type").factor_of("DC")
    assert isinstance(caught.value, BridgeError)
    assert (caught.value.table, caught.value.word) == ("connector_standard", "SCHUKO")


def test_every_interruption_is_told_in_words_for_the_driver(mappings: Mappings) -> None:
    notice = mappings.table("deg", "order_state").name_of(OrderState.INTERRUPTED)
    assert notice
    assert len(notice) > len("CONNECTION-INTERRUPTED")


@pytest.mark.parametrize(
    ("action", "verb", "command"),
    [
        ("update", Verb.START, CommandType.START_SESSION),
        ("update", Verb.STOP, CommandType.STOP_SESSION),
        ("confirm", None, CommandType.RESERVE_NOW),
        ("select", None, None),
        ("cancel", None, CommandType.CANCEL_RESERVATION),
    ],
)
def test_the_command_behind_an_action(
    action: str, verb: Verb | None, command: CommandType | None, mappings: Mappings
) -> None:
    assert mappings.command("deg", action, verb) is command


def test_an_action_without_a_row_is_a_named_error(mappings: Mappings) -> None:
    with pytest.raises(UnknownCode, match="'update' has no row in code table actions"):
        mappings.command("deg", "update")
    with pytest.raises(UnknownCode, match="'update START' has no row"):
        mappings.command("klingon", "update", Verb.START)
